//! Decoded granules in memory, bounded by bytes. Reading one from here costs microseconds, from a file up to a millisecond.
//!
//! Made once by whoever owns the parts and handed to each file part; there is no global one. Sharded, so that readers on
//! many threads seldom wait for each other; each shard forgets the oldest that was not used since it was last looked at
//! (Corbató's clock, 1968): a hit marks its entry and moves nothing. What it holds never shows in an answer, so the order in
//! which it forgets does not matter to replay.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array, ArrayRef};
use parking_lot::Mutex;

/// Independent parts of the cache.
const SHARDS: usize = 16;
/// What an entry costs beside its values: its key in two places and the array's own structures.
const ENTRY_BYTES: usize = 256;

/// One column of one granule of one file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct GranuleKey {
    /// The file, by the number that [`GranuleCache::register`] gave it.
    pub file: u64,
    /// The column's position in the file.
    pub column: u32,
    /// The granule's number.
    pub granule: u32,
}

/// A bounded cache of decoded columns of granules.
#[derive(Debug)]
pub struct GranuleCache {
    shards: Vec<Mutex<Shard>>,
    shard_bytes_max: usize,
    next_file: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
}

#[derive(Default, Debug)]
struct Shard {
    entries: HashMap<GranuleKey, Entry>,
    /// Every entry once, in the order in which the hand of the clock comes by.
    round: VecDeque<GranuleKey>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    array: ArrayRef,
    bytes: usize,
    /// Since the hand came by.
    is_used: bool,
}

impl GranuleCache {
    /// A cache that holds at most about `bytes_max` bytes; 0 holds nothing.
    pub fn new(bytes_max: usize) -> GranuleCache {
        GranuleCache {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            shard_bytes_max: bytes_max / SHARDS,
            next_file: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    /// A number for a file that is opened; never given twice.
    pub fn register(&self) -> u64 {
        self.next_file.fetch_add(1, Ordering::Relaxed)
    }

    /// The values, when they are here.
    pub fn get(&self, key: GranuleKey) -> Option<ArrayRef> {
        let found = self.shard(key).lock().touch(key);
        let counter = if found.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }

    /// Keeps the values, at the cost of those not used for long. Values too large for a shard are not kept.
    pub fn insert(&self, key: GranuleKey, array: ArrayRef) {
        let bytes = array.get_array_memory_size() + ENTRY_BYTES;
        if bytes <= self.shard_bytes_max {
            self.shard(key).lock().insert(key, array, bytes, self.shard_bytes_max);
        }
    }

    /// Forgets all granules of a file that is gone.
    pub fn forget(&self, file: u64) {
        for shard in &self.shards {
            shard.lock().forget(file);
        }
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.shards.iter().for_each(|shard| *shard.lock() = Shard::default());
    }

    /// Bytes held now.
    pub fn size_bytes(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().bytes).sum()
    }

    /// How many lookups found something and how many did not, since the start.
    pub fn hits_and_misses(&self) -> (u64, u64) {
        (self.hits.load(Ordering::Relaxed), self.misses.load(Ordering::Relaxed))
    }

    /// How many lookups found nothing, since the start.
    pub fn misses(&self) -> u64 {
        self.misses.load(Ordering::Relaxed)
    }

    fn shard(&self, key: GranuleKey) -> &Mutex<Shard> {
        let mixed = (key.file ^ (u64::from(key.column) << 40) ^ (u64::from(key.granule) << 20))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        &self.shards[(mixed >> 60) as usize % SHARDS]
    }
}

impl Shard {
    fn touch(&mut self, key: GranuleKey) -> Option<ArrayRef> {
        let entry = self.entries.get_mut(&key)?;
        entry.is_used = true;
        Some(entry.array.clone())
    }

    fn insert(&mut self, key: GranuleKey, array: ArrayRef, bytes: usize, bytes_max: usize) {
        if self.entries.contains_key(&key) {
            // two readers decoded the same granule
            return;
        }
        while bytes_max < self.bytes + bytes && self.forget_one() {}
        self.round.push_back(key);
        self.entries.insert(key, Entry { array, bytes, is_used: false });
        self.bytes += bytes;
    }

    /// Moves the hand on to an entry that nobody used since it came by last, and forgets that; false when there is none left.
    fn forget_one(&mut self) -> bool {
        while let Some(key) = self.round.pop_front() {
            match self.entries.get_mut(&key) {
                Some(entry) if entry.is_used => {
                    entry.is_used = false;
                    self.round.push_back(key);
                }
                _ => {
                    self.bytes -= self.entries.remove(&key).map_or(0, |entry| entry.bytes);
                    return true;
                }
            }
        }
        false
    }

    fn forget(&mut self, file: u64) {
        self.round.retain(|key| key.file != file);
        self.entries.retain(|key, _| key.file != file);
        self.bytes = self.entries.values().map(|entry| entry.bytes).sum();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::UInt64Array;

    use super::*;

    fn key(granule: u32) -> GranuleKey {
        GranuleKey { file: 1, column: 0, granule }
    }

    #[test]
    fn it_keeps_what_is_used_and_never_grows_past_its_limit() {
        let cache = GranuleCache::new(SHARDS * 100_000);
        let array: ArrayRef = Arc::new(UInt64Array::from(vec![0; 1000]));
        for granule in 0..2000 {
            cache.insert(key(granule), array.clone());
            // the first one is used all the time and stays
            assert!(cache.get(key(0)).is_some(), "after {granule}");
            assert!(cache.size_bytes() <= SHARDS * 100_000);
        }
        assert!(cache.get(key(1)).is_none());
        cache.forget(1);
        assert_eq!(cache.size_bytes(), 0);
    }

    #[test]
    fn a_cache_of_no_bytes_holds_nothing() {
        let cache = GranuleCache::new(0);
        cache.insert(key(0), Arc::new(UInt64Array::from(vec![1])));
        assert!(cache.get(key(0)).is_none());
        assert_ne!(cache.register(), cache.register());
    }
}
