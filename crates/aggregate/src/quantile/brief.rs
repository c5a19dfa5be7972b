//! `quantileBFloat16`: values rounded to 8 significant bits and counted.

use std::collections::BTreeMap;

use arrow::array::{ArrayRef, Float64Array};
use types::DataType;

use super::weighted::{Sorted, at_share, read_weights, write_weights};
use super::{Ask, units};
use crate::aggregate::Made;
use crate::bytes::Reader;
use crate::error::Result;
use crate::object::{Family, made};

pub(super) fn resolve(ask: Ask, arg: &DataType) -> Made {
    made(ask.result_type(), QuantileBFloat16 { ask, arg: arg.clone() })
}

struct QuantileBFloat16 {
    ask: Ask,
    arg: DataType,
}

impl Family for QuantileBFloat16 {
    type State = BTreeMap<Sorted, u64>;
    type Columns = Float64Array;
    const NAME: &'static str = "quantileBFloat16";

    fn columns(&self, args: &[ArrayRef]) -> Result<Float64Array> {
        units(&self.arg, &args[0])
    }

    fn add(&self, state: &mut Self::State, columns: &Float64Array, row: usize) -> Result<()> {
        let value = columns.value(row) as f32;
        if !value.is_nan() {
            let brief = f32::from_bits(value.to_bits() & 0xFFFF_0000);
            *state.entry(Sorted(f64::from(brief))).or_default() += 1;
        }
        Ok(())
    }

    fn merge(&self, into: &mut Self::State, from: Self::State) -> Result<()> {
        from.into_iter().for_each(|(value, count)| *into.entry(value).or_default() += count);
        Ok(())
    }

    fn encode(&self, state: &Self::State, out: &mut Vec<u8>) {
        write_weights(state, out);
    }

    fn decode(&self, bytes: &mut Reader<'_>) -> Result<Self::State> {
        read_weights(bytes)
    }

    fn finish(&self, states: &mut [Self::State]) -> Result<ArrayRef> {
        self.ask.column(states, |state, level| at_share(state, level))
    }

    fn heap_bytes(&self, state: &Self::State) -> usize {
        state.len() * 24
    }
}
