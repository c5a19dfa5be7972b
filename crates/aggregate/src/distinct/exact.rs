//! `uniqExact`: a set of the values themselves where they fit 8 bytes, else of their 128-bit hashes.

use std::hash::Hash;
use std::sync::Arc;

use arrow::array::{ArrayRef, UInt64Array};
use hashbrown::HashSet;
use types::DataType;

use super::{Keys, Mixed};
use crate::aggregate::Made;
use crate::bytes::{Reader, write_varint};
use crate::cell::Shape;
use crate::error::Result;
use crate::object::{Family, made};

/// What stands for a value in the set.
trait Key: Copy + Eq + Ord + Hash + Send + Sync + 'static {
    fn of(keys: &Keys, row: usize) -> Self;
    fn write(self, out: &mut Vec<u8>);
    fn read(bytes: &mut Reader<'_>) -> Result<Self>;
}

impl Key for u64 {
    fn of(keys: &Keys, row: usize) -> u64 {
        keys.with(row, |cell| cell.iter().fold(0, |key, byte| key << 8 | u64::from(*byte)))
    }
    fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }
    fn read(bytes: &mut Reader<'_>) -> Result<u64> {
        bytes.u64()
    }
}

impl Key for u128 {
    fn of(keys: &Keys, row: usize) -> u128 {
        keys.hash128(row)
    }
    fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }
    fn read(bytes: &mut Reader<'_>) -> Result<u128> {
        Ok(u128::from_le_bytes(bytes.array()?))
    }
}

pub(super) fn resolve(shapes: Vec<Shape>) -> Made {
    let narrow = matches!(
        shapes.as_slice(),
        [Shape::Bool
            | Shape::U8
            | Shape::U16
            | Shape::U32
            | Shape::U64
            | Shape::I8
            | Shape::I16
            | Shape::I32
            | Shape::I64
            | Shape::F32
            | Shape::F64]
    );
    if narrow {
        made(DataType::UInt64, UniqExact::<u64> { shapes, key: std::marker::PhantomData })
    } else {
        made(DataType::UInt64, UniqExact::<u128> { shapes, key: std::marker::PhantomData })
    }
}

struct UniqExact<K> {
    shapes: Vec<Shape>,
    key: std::marker::PhantomData<K>,
}

impl<K: Key> Family for UniqExact<K> {
    type State = HashSet<K, Mixed>;
    type Columns = Keys;
    const NAME: &'static str = "uniqExact";

    fn columns(&self, args: &[ArrayRef]) -> Result<Keys> {
        Keys::new(&self.shapes, args)
    }

    fn add(&self, state: &mut Self::State, columns: &Keys, row: usize) -> Result<()> {
        state.insert(K::of(columns, row));
        Ok(())
    }

    fn merge(&self, into: &mut Self::State, from: Self::State) -> Result<()> {
        if into.len() < from.len() {
            let small = std::mem::replace(into, from);
            into.extend(small);
        } else {
            into.extend(from);
        }
        Ok(())
    }

    fn encode(&self, state: &Self::State, out: &mut Vec<u8>) {
        // sorted, so that equal sets are equal bytes
        let mut keys: Vec<K> = state.iter().copied().collect();
        keys.sort_unstable();
        write_varint(keys.len() as u64, out);
        keys.into_iter().for_each(|key| key.write(out));
    }

    fn decode(&self, bytes: &mut Reader<'_>) -> Result<Self::State> {
        let count = bytes.count(size_of::<K>())?;
        (0..count).map(|_| K::read(bytes)).collect()
    }

    fn finish(&self, states: &mut [Self::State]) -> Result<ArrayRef> {
        Ok(Arc::new(UInt64Array::from_iter_values(states.iter().map(|set| set.len() as u64))))
    }

    fn heap_bytes(&self, state: &Self::State) -> usize {
        state.capacity() * (size_of::<K>() + 1)
    }
}
