//! `entropy`: Shannon entropy in bits of how often each different row comes.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use hashbrown::HashMap;
use types::DataType;

use crate::aggregate::Made;
use crate::bytes::{Reader, write_varint};
use crate::call::Call;
use crate::cell::Shape;
use crate::distinct::{Keys, Mixed};
use crate::error::Result;
use crate::object::{Family, made};

pub(crate) fn resolve(call: &Call<'_>) -> Result<Made> {
    call.no_params()?;
    if call.args.is_empty() {
        return Err(call.argument_count("at least one argument"));
    }
    Ok(made(DataType::Float64, Entropy { shapes: call.args.iter().map(Shape::of).collect() }))
}

struct Entropy {
    shapes: Vec<Shape>,
}

type Counts = HashMap<u128, u64, Mixed>;

/// Sorted, so that sums of floats do not depend on the order of a hash table.
fn sorted(counts: &Counts) -> Vec<(u128, u64)> {
    let mut all: Vec<(u128, u64)> = counts.iter().map(|(hash, count)| (*hash, *count)).collect();
    all.sort_unstable();
    all
}

fn entropy(counts: &Counts) -> f64 {
    let total: u64 = counts.values().sum();
    let share = |count: u64| count as f64 / total as f64;
    let bits = sorted(counts).into_iter().map(|(_, count)| share(count) * share(count).log2());
    // 0 of nothing must not be -0
    bits.fold(0.0, |sum, part| sum - part)
}

impl Family for Entropy {
    type State = Counts;
    type Columns = Keys;
    const NAME: &'static str = "entropy";

    fn columns(&self, args: &[ArrayRef]) -> Result<Keys> {
        Keys::new(&self.shapes, args)
    }

    fn add(&self, state: &mut Counts, columns: &Keys, row: usize) -> Result<()> {
        if !columns.is_nan(row) {
            *state.entry(columns.hash128(row)).or_default() += 1;
        }
        Ok(())
    }

    fn merge(&self, into: &mut Counts, from: Counts) -> Result<()> {
        from.into_iter().for_each(|(hash, count)| *into.entry(hash).or_default() += count);
        Ok(())
    }

    fn encode(&self, state: &Counts, out: &mut Vec<u8>) {
        write_varint(state.len() as u64, out);
        for (hash, count) in sorted(state) {
            out.extend_from_slice(&hash.to_le_bytes());
            write_varint(count, out);
        }
    }

    fn decode(&self, bytes: &mut Reader<'_>) -> Result<Counts> {
        let count = bytes.count(17)?;
        (0..count).map(|_| Ok((u128::from_le_bytes(bytes.array()?), bytes.varint()?))).collect()
    }

    fn finish(&self, states: &mut [Counts]) -> Result<ArrayRef> {
        Ok(Arc::new(Float64Array::from_iter_values(states.iter().map(entropy))))
    }

    fn heap_bytes(&self, state: &Counts) -> usize {
        state.capacity() * 33
    }
}
