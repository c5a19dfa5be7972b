//! `uniq`: adaptive sampling. Up to 65,536 different values exactly; beyond that only hashes that end in more and more
//! zero bits are kept, and their number is scaled up. The error is about 0.5 %.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt64Array};
use hashbrown::HashSet;

use super::{Keys, Mixed};
use crate::bytes::{Reader, write_varint};
use crate::cell::Shape;
use crate::error::Result;
use crate::object::Family;

/// Hashes that a state keeps at most; the number ClickHouse's `uniq` keeps.
const HASHES_MAX: usize = 65_536;

pub(super) struct Uniq {
    shapes: Vec<Shape>,
}

impl Uniq {
    pub fn new(shapes: Vec<Shape>) -> Uniq {
        Uniq { shapes }
    }
}

/// Every hash seen that ends in at least `skip` zero bits.
///
/// Invariant: `skip` is the smallest at which there are at most [`HASHES_MAX`] of them.
#[derive(Clone, Default)]
pub(super) struct Sample {
    skip: u32,
    hashes: HashSet<u64, Mixed>,
}

impl Sample {
    fn insert(&mut self, hash: u64) {
        if hash.trailing_zeros() < self.skip || !self.hashes.insert(hash) {
            return;
        }
        while self.hashes.len() > HASHES_MAX {
            self.skip += 1;
            let skip = self.skip;
            self.hashes.retain(|hash| hash.trailing_zeros() >= skip);
        }
    }

    fn merge(&mut self, other: Sample) {
        if self.skip < other.skip {
            self.skip = other.skip;
            let skip = self.skip;
            self.hashes.retain(|hash| hash.trailing_zeros() >= skip);
        }
        other.hashes.into_iter().for_each(|hash| self.insert(hash));
    }

    fn count(&self) -> u64 {
        (self.hashes.len() as u64) << self.skip
    }
}

impl Family for Uniq {
    type State = Sample;
    type Columns = Keys;
    const NAME: &'static str = "uniq";

    fn columns(&self, args: &[ArrayRef]) -> Result<Keys> {
        Keys::new(&self.shapes, args)
    }

    fn add(&self, state: &mut Sample, columns: &Keys, row: usize) -> Result<()> {
        state.insert(columns.hash64(row));
        Ok(())
    }

    fn merge(&self, into: &mut Sample, from: Sample) -> Result<()> {
        into.merge(from);
        Ok(())
    }

    fn encode(&self, state: &Sample, out: &mut Vec<u8>) {
        let mut hashes: Vec<u64> = state.hashes.iter().copied().collect();
        hashes.sort_unstable();
        out.push(state.skip as u8);
        write_varint(hashes.len() as u64, out);
        hashes.into_iter().for_each(|hash| out.extend_from_slice(&hash.to_le_bytes()));
    }

    fn decode(&self, bytes: &mut Reader<'_>) -> Result<Sample> {
        let skip = u32::from(bytes.u8()?);
        let count = bytes.count(8)?;
        if skip > 64 || count > HASHES_MAX {
            return Err(bytes.damaged());
        }
        let hashes = (0..count).map(|_| bytes.u64()).collect::<Result<_>>()?;
        Ok(Sample { skip, hashes })
    }

    fn finish(&self, states: &mut [Sample]) -> Result<ArrayRef> {
        Ok(Arc::new(UInt64Array::from_iter_values(states.iter().map(Sample::count))))
    }

    fn heap_bytes(&self, state: &Sample) -> usize {
        state.hashes.capacity() * 9
    }
}
