//! `uniqUpTo(n)`: exact up to n, n + 1 when there are more.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, UInt64Array};

use super::Keys;
use crate::bytes::{Reader, write_varint};
use crate::cell::Shape;
use crate::error::Result;
use crate::object::Family;

/// The largest n, as in ClickHouse.
pub(super) const LIMIT_MAX: u64 = 100;

pub(super) struct UniqUpTo {
    shapes: Vec<Shape>,
    limit: usize,
}

impl UniqUpTo {
    pub fn new(shapes: Vec<Shape>, limit: usize) -> UniqUpTo {
        UniqUpTo { shapes, limit }
    }

    /// Keeps the smallest n + 1 hashes, so that states do not depend on order.
    fn insert(&self, state: &mut BTreeSet<u64>, hash: u64) {
        state.insert(hash);
        if state.len() > self.limit + 1 {
            state.pop_last();
        }
    }
}

impl Family for UniqUpTo {
    type State = BTreeSet<u64>;
    type Columns = Keys;
    const NAME: &'static str = "uniqUpTo";

    fn columns(&self, args: &[ArrayRef]) -> Result<Keys> {
        Keys::new(&self.shapes, args)
    }

    fn add(&self, state: &mut BTreeSet<u64>, columns: &Keys, row: usize) -> Result<()> {
        self.insert(state, columns.hash64(row));
        Ok(())
    }

    fn merge(&self, into: &mut BTreeSet<u64>, from: BTreeSet<u64>) -> Result<()> {
        from.into_iter().for_each(|hash| self.insert(into, hash));
        Ok(())
    }

    fn encode(&self, state: &BTreeSet<u64>, out: &mut Vec<u8>) {
        write_varint(state.len() as u64, out);
        state.iter().for_each(|hash| out.extend_from_slice(&hash.to_le_bytes()));
    }

    fn decode(&self, bytes: &mut Reader<'_>) -> Result<BTreeSet<u64>> {
        let count = bytes.count(8)?;
        (0..count).map(|_| bytes.u64()).collect()
    }

    fn finish(&self, states: &mut [BTreeSet<u64>]) -> Result<ArrayRef> {
        Ok(Arc::new(UInt64Array::from_iter_values(states.iter().map(|set| set.len() as u64))))
    }

    fn heap_bytes(&self, state: &BTreeSet<u64>) -> usize {
        state.len() * 16
    }
}
