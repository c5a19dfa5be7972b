//! What a dictionary of layout CACHE keeps: each key that was asked for, as it was then, until its lifetime is over.
//!
//! Keys that are not kept are answered from what the query loaded. Rows are kept as places in the content that they came
//! from, which lives as long as one of them does.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::compute::interleave;
use functions::QueryTime;
use parking_lot::Mutex;
use sql::ast::KeyValue;
use types::Block;

use super::content::{Content, Row, Wanted};
use super::structure::Structure;
use crate::error::Result;

/// Cells of a cache whose definition does not say how many.
const CELLS_DEFAULT: u64 = 1_000_000;

/// Where the rows of some keys are.
pub(super) struct Found {
    contents: Vec<Arc<Content>>,
    /// Of each key, which content, and the row there; none where the key is not there.
    rows: Vec<(usize, Option<Row>)>,
}

/// The keys that were asked for.
#[derive(Debug, Default)]
pub(super) struct Cells {
    kept: Mutex<BTreeMap<Vec<u8>, Cell>>,
}

#[derive(Clone, Debug)]
struct Cell {
    content: Arc<Content>,
    row: Option<Row>,
    /// In nanoseconds since 1970.
    until_ns: i64,
}

impl Found {
    /// All keys in one content.
    pub(super) fn in_one(content: Arc<Content>, wanted: &Wanted) -> Result<Found> {
        let rows = content.find(wanted)?.into_iter().map(|row| (0, row)).collect();
        Ok(Found { contents: vec![content], rows })
    }

    /// Which keys are there.
    pub(super) fn there(&self) -> impl Iterator<Item = bool> + '_ {
        self.rows.iter().map(|(_, row)| row.is_some())
    }

    /// An attribute of each key, its default where the key is not there.
    pub(super) fn attribute(&self, attribute: usize) -> Result<ArrayRef> {
        if let [only] = self.contents.as_slice() {
            let rows: Vec<Option<Row>> = self.rows.iter().map(|(_, row)| *row).collect();
            return only.attribute(attribute, &rows);
        }
        let values = self.contents.iter().map(|content| content.values(attribute)).collect::<Result<Vec<_>>>()?;
        let arrays: Vec<&dyn Array> = values.iter().map(|values| values.as_ref()).collect();
        let place = |(content, row): &(usize, Option<Row>)| {
            (*content, row.map_or(self.contents[*content].rows(), |row| row as usize))
        };
        Ok(interleave(&arrays, &self.rows.iter().map(place).collect::<Vec<_>>())?)
    }
}

impl Cells {
    /// Where the keys are: as they were kept, else in `fresh`, and kept from now on.
    pub(super) fn find(
        &self,
        fresh: &Arc<Content>,
        wanted: &Wanted,
        structure: &Structure,
        time: &QueryTime,
    ) -> Result<Found> {
        let (keys, fresh_rows) = (fresh.key_bytes(wanted)?, fresh.find(wanted)?);
        let cells_max = usize::try_from(cells_of(structure)).unwrap_or(usize::MAX);
        let mut kept = self.kept.lock();
        kept.retain(|_, cell| time.now_ns < cell.until_ns);
        let mut found = Found { contents: vec![Arc::clone(fresh)], rows: Vec::with_capacity(keys.len()) };
        for (key, row) in keys.into_iter().zip(fresh_rows) {
            match kept.get(&key) {
                Some(cell) => {
                    let known = found.contents.iter().position(|content| Arc::ptr_eq(content, &cell.content));
                    let content = known.unwrap_or_else(|| {
                        found.contents.push(Arc::clone(&cell.content));
                        found.contents.len() - 1
                    });
                    found.rows.push((content, cell.row));
                }
                None => {
                    if kept.len() < cells_max {
                        let until_ns = until_ns(structure, time);
                        kept.insert(key, Cell { content: Arc::clone(fresh), row, until_ns });
                    }
                    found.rows.push((0, row));
                }
            }
        }
        Ok(found)
    }

    /// The rows of the keys that are kept and there, in the order of the keys.
    pub(super) fn rows(&self, empty: &Block, now_ns: i64) -> Result<Block> {
        let kept = self.kept.lock();
        let cells = kept.values().filter(|cell| now_ns < cell.until_ns);
        let places: Vec<(Arc<Content>, Row)> =
            cells.filter_map(|cell| Some((Arc::clone(&cell.content), cell.row?))).collect();
        let rows = places.iter().map(|(content, row)| content.block.slice(*row as usize, 1)).collect::<Vec<_>>();
        Ok(Block::concat(empty.header(), &rows)?)
    }

    /// How many keys are kept, those that are not there too.
    pub(super) fn len(&self) -> usize {
        self.kept.lock().len()
    }
}

fn cells_of(structure: &Structure) -> u64 {
    let size = structure.create.layout.as_ref().and_then(|layout| layout.get("SIZE_IN_CELLS"));
    size.and_then(KeyValue::text).and_then(|text| text.parse().ok()).unwrap_or(CELLS_DEFAULT)
}

fn until_ns(structure: &Structure, time: &QueryTime) -> i64 {
    let (min, max) = structure.lifetime_s;
    if max == 0 {
        return i64::MAX;
    }
    let seconds = min + time.next_random() % (max - min).saturating_add(1);
    time.now_ns.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000_000))
}
