//! `quantileTiming`: whole numbers from 0 to 30,000 (larger ones count as 30,000), counted exactly.

use std::collections::BTreeMap;

use arrow::array::{ArrayRef, Float64Array};
use types::DataType;

use super::{Ask, units};
use crate::aggregate::Made;
use crate::bytes::{Reader, write_varint};
use crate::error::Result;
use crate::numeric::to_i128;
use crate::object::{Family, made};

/// Larger values count as this one, as in ClickHouse.
const VALUE_MAX: f64 = 30_000.0;

pub(super) fn resolve(ask: Ask, arg: &DataType, weight: Option<&DataType>) -> Made {
    made(ask.result_type(), QuantileTiming { ask, arg: arg.clone(), weight: weight.cloned() })
}

struct QuantileTiming {
    ask: Ask,
    arg: DataType,
    weight: Option<DataType>,
}

type Counts = BTreeMap<u16, u64>;

fn at_level(counts: &Counts, level: f64) -> f64 {
    let total: u64 = counts.values().sum();
    let Some(last) = total.checked_sub(1) else { return f64::NAN };
    let position = ((level * total as f64) as u64).min(last);
    let mut so_far = 0;
    for (value, count) in counts {
        so_far += count;
        if so_far > position {
            return f64::from(*value);
        }
    }
    f64::NAN
}

impl Family for QuantileTiming {
    type State = Counts;
    type Columns = (Float64Array, Option<Vec<i128>>);
    const NAME: &'static str = "quantileTiming";

    fn columns(&self, args: &[ArrayRef]) -> Result<Self::Columns> {
        let weights = match (&self.weight, args.get(1)) {
            (Some(ty), Some(array)) => Some(to_i128(ty, array)?),
            _ => None,
        };
        Ok((units(&self.arg, &args[0])?, weights))
    }

    fn add(&self, state: &mut Counts, (values, weights): &Self::Columns, row: usize) -> Result<()> {
        let value = values.value(row);
        if !value.is_nan() && value >= 0.0 {
            let weight = weights.as_ref().map_or(1, |weights| weights[row] as u64);
            let count = state.entry(value.min(VALUE_MAX) as u16).or_default();
            *count = count.saturating_add(weight);
        }
        Ok(())
    }

    fn merge(&self, into: &mut Counts, from: Counts) -> Result<()> {
        for (value, count) in from {
            let sum = into.entry(value).or_default();
            *sum = sum.saturating_add(count);
        }
        Ok(())
    }

    fn encode(&self, state: &Counts, out: &mut Vec<u8>) {
        write_varint(state.len() as u64, out);
        for (value, count) in state {
            write_varint(u64::from(*value), out);
            write_varint(*count, out);
        }
    }

    fn decode(&self, bytes: &mut Reader<'_>) -> Result<Counts> {
        let count = bytes.count(2)?;
        (0..count)
            .map(|_| Ok((u16::try_from(bytes.varint()?).map_err(|_| bytes.damaged())?, bytes.varint()?)))
            .collect()
    }

    fn finish(&self, states: &mut [Counts]) -> Result<ArrayRef> {
        self.ask.column(states, |state, level| at_level(state, level))
    }

    fn heap_bytes(&self, state: &Counts) -> usize {
        state.len() * 16
    }
}
