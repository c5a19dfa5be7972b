//! `quantileDeterministic(x, determinator)`: a sample chosen by the hash of the second argument, so that the answer does
//! not depend on the order of rows. Exact up to 8,192 rows.

use std::collections::BTreeSet;

use arrow::array::{ArrayRef, Float64Array};
use types::DataType;
use xxhash_rust::xxh3::xxh3_64;

use super::weighted::Sorted;
use super::{Ask, interpolate, units};
use crate::aggregate::Made;
use crate::bytes::{Reader, write_varint};
use crate::error::Result;
use crate::numeric::to_i128;
use crate::object::{Family, made};

/// Rows kept.
const ROWS_MAX: usize = 8192;

pub(super) fn resolve(ask: Ask, arg: &DataType, determinator: &DataType) -> Made {
    made(ask.result_type(), QuantileDeterministic { ask, arg: arg.clone(), determinator: determinator.clone() })
}

struct QuantileDeterministic {
    ask: Ask,
    arg: DataType,
    determinator: DataType,
}

/// The rows with the smallest hashes; `copy` tells equal rows apart.
#[derive(Clone, Default)]
pub(super) struct Smallest {
    rows: BTreeSet<(u64, Sorted, u32)>,
}

impl Smallest {
    fn insert(&mut self, hash: u64, value: Sorted) {
        let copies = self.rows.range((hash, value, 0)..=(hash, value, u32::MAX)).count() as u32;
        self.rows.insert((hash, value, copies));
        if self.rows.len() > ROWS_MAX {
            self.rows.pop_last();
        }
    }
}

impl Family for QuantileDeterministic {
    type State = Smallest;
    type Columns = (Float64Array, Vec<i128>);
    const NAME: &'static str = "quantileDeterministic";

    fn columns(&self, args: &[ArrayRef]) -> Result<Self::Columns> {
        Ok((units(&self.arg, &args[0])?, to_i128(&self.determinator, &args[1])?))
    }

    fn add(&self, state: &mut Smallest, (values, determinators): &Self::Columns, row: usize) -> Result<()> {
        if !values.value(row).is_nan() {
            state.insert(xxh3_64(&determinators[row].to_le_bytes()), Sorted(values.value(row)));
        }
        Ok(())
    }

    fn merge(&self, into: &mut Smallest, from: Smallest) -> Result<()> {
        from.rows.into_iter().for_each(|(hash, value, _)| into.insert(hash, value));
        Ok(())
    }

    fn encode(&self, state: &Smallest, out: &mut Vec<u8>) {
        write_varint(state.rows.len() as u64, out);
        for (hash, value, _) in &state.rows {
            out.extend_from_slice(&hash.to_le_bytes());
            out.extend_from_slice(&value.0.to_le_bytes());
        }
    }

    fn decode(&self, bytes: &mut Reader<'_>) -> Result<Smallest> {
        let count = bytes.count(16)?;
        let mut state = Smallest::default();
        for _ in 0..count {
            state.insert(bytes.u64()?, Sorted(bytes.f64()?));
        }
        Ok(state)
    }

    fn finish(&self, states: &mut [Smallest]) -> Result<ArrayRef> {
        let mut sorted: Vec<Vec<f64>> = states
            .iter()
            .map(|state| {
                let mut values: Vec<f64> = state.rows.iter().map(|(_, value, _)| value.0).collect();
                values.sort_by(f64::total_cmp);
                values
            })
            .collect();
        self.ask.column(&mut sorted, |sorted, level| interpolate(sorted, level * (sorted.len() as f64 - 1.0)))
    }

    fn heap_bytes(&self, state: &Smallest) -> usize {
        state.rows.len() * 32
    }
}
