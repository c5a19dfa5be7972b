//! `quantile`: reservoir sampling. Exact, with linear interpolation, up to 8,192 values; the same answer on each run
//! after that, since the random numbers are those of a fixed seed (PCG, as in ClickHouse).
//!
//! Merging is commutative only as long as the values of both fit the reservoir; beyond it, as in ClickHouse, the choice
//! of samples depends on the order.

use arrow::array::{ArrayRef, Float64Array};
use types::DataType;

use super::{Ask, interpolate, units};
use crate::aggregate::Made;
use crate::bytes::{Reader, write_varint};
use crate::error::Result;
use crate::object::{Family, made};

/// Values kept, as in ClickHouse.
const SAMPLES_MAX: usize = 8192;

pub(super) fn resolve(ask: Ask, arg: &DataType) -> Made {
    made(ask.result_type(), Quantile { ask, arg: arg.clone() })
}

struct Quantile {
    ask: Ask,
    arg: DataType,
}

/// PCG XSH RS 64/32 over a multiplicative generator, seeded with 123456.
#[derive(Clone)]
struct Pcg(u64);

impl Pcg {
    fn new() -> Pcg {
        Pcg(123_456 | 3)
    }

    fn next(&mut self) -> u32 {
        let state = self.0;
        self.0 = state.wrapping_mul(6_364_136_223_846_793_005);
        ((state ^ state >> 22) >> (22 + (state >> 61))) as u32
    }

    /// A number below `limit`, which is not 0.
    fn below(&mut self, limit: u64) -> u64 {
        if limit <= u64::from(u32::MAX) {
            u64::from(self.next()) % limit
        } else {
            (u64::from(self.next()) * (u64::from(u32::MAX) + 1) + u64::from(self.next())) % limit
        }
    }
}

#[derive(Clone)]
pub(super) struct Reservoir {
    total: u64,
    samples: Vec<f64>,
    random: Pcg,
}

impl Default for Reservoir {
    fn default() -> Reservoir {
        Reservoir { total: 0, samples: Vec::new(), random: Pcg::new() }
    }
}

impl Reservoir {
    fn insert(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        self.total += 1;
        if self.samples.len() < SAMPLES_MAX {
            self.samples.push(value);
            return;
        }
        let place = self.random.below(self.total);
        if let Some(sample) = usize::try_from(place).ok().and_then(|place| self.samples.get_mut(place)) {
            *sample = value;
        }
    }

    fn merge(&mut self, mut other: Reservoir) {
        if other.total <= SAMPLES_MAX as u64 {
            other.samples.into_iter().for_each(|value| self.insert(value));
        } else if self.total <= SAMPLES_MAX as u64 {
            std::mem::swap(&mut self.samples, &mut other.samples);
            self.total = other.total;
            other.samples.into_iter().for_each(|value| self.insert(value));
        } else {
            self.total += other.total;
            let step = self.total as f64 / other.total as f64;
            let mut place = 0.0;
            while let (Some(sample), Some(value)) =
                (self.samples.get_mut(place as usize), other.samples.get(place as usize))
            {
                *sample = *value;
                place += step;
            }
        }
    }
}

impl Family for Quantile {
    type State = Reservoir;
    type Columns = Float64Array;
    const NAME: &'static str = "quantile";

    fn columns(&self, args: &[ArrayRef]) -> Result<Float64Array> {
        units(&self.arg, &args[0])
    }

    fn add(&self, state: &mut Reservoir, columns: &Float64Array, row: usize) -> Result<()> {
        state.insert(columns.value(row));
        Ok(())
    }

    fn merge(&self, into: &mut Reservoir, from: Reservoir) -> Result<()> {
        into.merge(from);
        Ok(())
    }

    fn encode(&self, state: &Reservoir, out: &mut Vec<u8>) {
        write_varint(state.total, out);
        out.extend_from_slice(&state.random.0.to_le_bytes());
        write_varint(state.samples.len() as u64, out);
        state.samples.iter().for_each(|sample| out.extend_from_slice(&sample.to_le_bytes()));
    }

    fn decode(&self, bytes: &mut Reader<'_>) -> Result<Reservoir> {
        let (total, random) = (bytes.varint()?, Pcg(bytes.u64()?));
        let count = bytes.count(8)?;
        if count > SAMPLES_MAX {
            return Err(bytes.damaged());
        }
        Ok(Reservoir { total, random, samples: (0..count).map(|_| bytes.f64()).collect::<Result<_>>()? })
    }

    fn finish(&self, states: &mut [Reservoir]) -> Result<ArrayRef> {
        let mut sorted: Vec<Vec<f64>> = states
            .iter()
            .map(|state| {
                let mut samples = state.samples.clone();
                samples.sort_by(f64::total_cmp);
                samples
            })
            .collect();
        self.ask.column(&mut sorted, |sorted, level| interpolate(sorted, level * (sorted.len() as f64 - 1.0)))
    }

    fn heap_bytes(&self, state: &Reservoir) -> usize {
        state.samples.capacity() * 8
    }
}
