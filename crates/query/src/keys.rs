//! Key indexes of part files, made when a part is asked for single keys often enough, kept within a bound of bytes.
//!
//! An index only makes lookups faster: it rules out parts that do not have a key and names the row in those that do.
//! Without one the marks are bisected, so nothing ever waits for an index to be made.

use std::collections::HashMap;
use std::sync::Arc;

use futures::TryStreamExt;
use parking_lot::Mutex;
use parts::{Caching, KeyHasher, KeyIndex, Part, PartData, PartSchema};

use crate::error::Result;
use crate::runtime::Runtime;

/// Lookups into a part after which its index is made.
const ASKED_MIN: u32 = 16;
/// About the bytes of an index for a key.
const KEY_BYTES: u64 = 12;
/// Parts that are counted; past it those without index are forgotten.
const PARTS_MAX: usize = 65_536;

/// The indexes that there are.
#[derive(Debug)]
pub struct KeyIndexes {
    bytes_max: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    parts: HashMap<Arc<str>, Entry>,
    bytes: usize,
    /// Counts uses; an entry's number says when it was used last.
    clock: u64,
    /// One is made at a time.
    is_building: bool,
}

#[derive(Debug, Default)]
struct Entry {
    index: Option<Arc<KeyIndex>>,
    asked: u32,
    used: u64,
}

impl KeyIndexes {
    /// Indexes of at most that many bytes; 0 makes none.
    pub fn new(bytes_max: usize) -> KeyIndexes {
        KeyIndexes { bytes_max, state: Mutex::default() }
    }

    /// Bytes held, and by how many indexes.
    pub fn size(&self) -> (usize, usize) {
        let state = self.state.lock();
        (state.bytes, state.parts.values().filter(|entry| entry.index.is_some()).count())
    }

    /// Forgets all of them.
    pub fn clear(&self) {
        let mut state = self.state.lock();
        state.parts.clear();
        state.bytes = 0;
    }

    /// The index of a part in a file, when there is one. Starts to make it when the part was asked for often.
    pub(crate) fn get(&self, runtime: &Arc<Runtime>, part: &Part, schema: &Arc<PartSchema>) -> Option<Arc<KeyIndex>> {
        let PartData::File(file) = &part.data else { return None };
        let object = &file.file().object;
        let mut state = self.state.lock();
        state.clock += 1;
        let used = state.clock;
        if PARTS_MAX <= state.parts.len() && !state.parts.contains_key(object) {
            state.parts.retain(|_, entry| entry.index.is_some());
        }
        let entry = state.parts.entry(object.clone()).or_default();
        entry.used = used;
        if entry.index.is_some() {
            return entry.index.clone();
        }
        entry.asked = entry.asked.saturating_add(1);
        let fits = part.rows().saturating_mul(KEY_BYTES) <= self.bytes_max as u64 / 2;
        if entry.asked < ASKED_MIN || !fits || state.is_building {
            return None;
        }
        state.is_building = true;
        let (runtime, part, schema, object) = (runtime.clone(), part.clone(), schema.clone(), object.clone());
        let env = runtime.env.clone();
        let build = async move {
            let built = build(&part, &schema).await;
            runtime.key_indexes.built(object, built);
        };
        // The task ends by itself; closing waits for all tasks of the environment.
        let _runs_on = env.spawner.spawn_background("key-index", Box::pin(build));
        None
    }

    fn built(&self, object: Arc<str>, built: Result<Option<KeyIndex>>) {
        let mut state = self.state.lock();
        state.is_building = false;
        match built {
            Ok(Some(index)) => self.keep(&mut state, object, Arc::new(index)),
            // Asked for again after as many lookups; a file that cannot be read is an error of whoever reads rows of it.
            Ok(None) | Err(_) => {
                if let Some(entry) = state.parts.get_mut(&object) {
                    entry.asked = 0;
                }
            }
        }
    }

    /// Keeps an index, at the cost of those that were not used for longest.
    fn keep(&self, state: &mut State, object: Arc<str>, index: Arc<KeyIndex>) {
        state.bytes += index.size_bytes();
        let entry = state.parts.entry(object).or_default();
        entry.index = Some(index);
        state.clock += 1;
        entry.used = state.clock;
        while self.bytes_max < state.bytes {
            // Use numbers are unique, so which entry goes does not depend on the order of the map.
            let indexed = state.parts.iter().filter(|(_, entry)| entry.index.is_some());
            let Some(oldest) = indexed.min_by_key(|(_, entry)| entry.used).map(|(object, _)| object.clone()) else {
                return;
            };
            let gone = state.parts.remove(&oldest).and_then(|entry| entry.index);
            state.bytes -= gone.map_or(0, |index| index.size_bytes());
        }
    }
}

/// The index of a part's rows; none when the part was written with another key.
async fn build(part: &Part, schema: &PartSchema) -> Result<Option<KeyIndex>> {
    let key = schema.sort_positions();
    let column = |position: &usize| {
        let wanted = &schema.header.columns()[*position];
        part.meta.header.columns().iter().position(|column| column == wanted)
    };
    let Some(positions) = key.iter().map(column).collect::<Option<Vec<usize>>>() else { return Ok(None) };
    let hasher = KeyHasher::new(schema);
    let mut hashes = Vec::with_capacity(part.rows() as usize);
    let mut blocks = part.read_all(&positions, Caching::Bypass);
    while let Some(block) = blocks.try_next().await? {
        hashes.extend(hasher.hash_keys(block.arrays(), block.rows())?);
        tokio::task::yield_now().await;
    }
    Ok(Some(KeyIndex::build(&hashes)))
}
