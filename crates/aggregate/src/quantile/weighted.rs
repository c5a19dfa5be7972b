//! `quantileExactWeighted` and `quantileInterpolatedWeighted`: each value with the sum of its weights.

use std::collections::BTreeMap;

use arrow::array::{ArrayRef, Float64Array};
use types::DataType;

use super::{Ask, units};
use crate::aggregate::Made;
use crate::bytes::{Reader, write_varint};
use crate::error::Result;
use crate::numeric::to_i128;
use crate::object::{Family, made};

pub(super) fn resolve(ask: Ask, arg: &DataType, weight: &DataType, interpolated: bool) -> Made {
    made(ask.result_type(), QuantileWeighted { ask, arg: arg.clone(), weight: weight.clone(), interpolated })
}

struct QuantileWeighted {
    ask: Ask,
    arg: DataType,
    weight: DataType,
    interpolated: bool,
}

/// A number that sorts: never NaN.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Sorted(pub f64);

impl Eq for Sorted {}
impl PartialOrd for Sorted {
    fn partial_cmp(&self, other: &Sorted) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Sorted {
    fn cmp(&self, other: &Sorted) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

type Weights = BTreeMap<Sorted, u64>;

/// The smallest value at which the weights so far reach the level's share of all.
pub(super) fn at_share(weights: &Weights, level: f64) -> f64 {
    let total: u64 = weights.values().sum();
    let threshold = (total as f64 * level).ceil() as u64;
    let mut so_far = 0u64;
    for (value, weight) in weights {
        so_far = so_far.saturating_add(*weight);
        if so_far >= threshold {
            return value.0;
        }
    }
    weights.last_key_value().map_or(f64::NAN, |(value, _)| value.0)
}

/// Between the values whose weights' middles are around the level's share of all.
fn interpolated(weights: &Weights, level: f64) -> f64 {
    let total: u64 = weights.values().sum();
    let position = level * total as f64;
    let (mut so_far, mut before) = (0.0, None::<(f64, f64)>);
    for (value, weight) in weights {
        let middle = so_far + *weight as f64 / 2.0;
        if middle >= position {
            return match before {
                None => value.0,
                Some((left, place)) => left + (value.0 - left) * (position - place) / (middle - place),
            };
        }
        so_far += *weight as f64;
        before = Some((value.0, middle));
    }
    before.map_or(f64::NAN, |(value, _)| value)
}

impl Family for QuantileWeighted {
    type State = Weights;
    type Columns = (Float64Array, Vec<i128>);
    const NAME: &'static str = "quantileExactWeighted";

    fn columns(&self, args: &[ArrayRef]) -> Result<(Float64Array, Vec<i128>)> {
        Ok((units(&self.arg, &args[0])?, to_i128(&self.weight, &args[1])?))
    }

    fn add(&self, state: &mut Weights, (values, weights): &(Float64Array, Vec<i128>), row: usize) -> Result<()> {
        if !values.value(row).is_nan() {
            let weight = state.entry(Sorted(values.value(row))).or_default();
            *weight = weight.wrapping_add(weights[row] as u64);
        }
        Ok(())
    }

    fn merge(&self, into: &mut Weights, from: Weights) -> Result<()> {
        for (value, weight) in from {
            let sum = into.entry(value).or_default();
            *sum = sum.wrapping_add(weight);
        }
        Ok(())
    }

    fn encode(&self, state: &Weights, out: &mut Vec<u8>) {
        write_weights(state, out);
    }

    fn decode(&self, bytes: &mut Reader<'_>) -> Result<Weights> {
        read_weights(bytes)
    }

    fn finish(&self, states: &mut [Weights]) -> Result<ArrayRef> {
        let answer = if self.interpolated { interpolated } else { at_share };
        self.ask.column(states, |state, level| answer(state, level))
    }

    fn heap_bytes(&self, state: &Weights) -> usize {
        state.len() * 24
    }
}

pub(super) fn write_weights(state: &Weights, out: &mut Vec<u8>) {
    write_varint(state.len() as u64, out);
    for (value, weight) in state {
        out.extend_from_slice(&value.0.to_le_bytes());
        write_varint(*weight, out);
    }
}

pub(super) fn read_weights(bytes: &mut Reader<'_>) -> Result<Weights> {
    let count = bytes.count(9)?;
    (0..count).map(|_| Ok((Sorted(bytes.f64()?), bytes.varint()?))).collect()
}
