//! `exponentialMovingAverage(half_decay)(value, time)`: values weigh half after `half_decay` units of time.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use types::DataType;

use crate::aggregate::Made;
use crate::bytes::Reader;
use crate::call::{Call, is_number};
use crate::error::Result;
use crate::numeric::to_f64;
use crate::object::{Family, made};

pub(crate) fn resolve(call: &Call<'_>) -> Result<Made> {
    let [half_decay] = call.params else { return Err(call.param_count("one half decay")) };
    let half_decay = half_decay.as_f64().ok_or_else(|| call.bad_param("a number as half decay"))?;
    let (value, time) = call.two_arguments()?;
    if !is_number(value) {
        return Err(call.argument_type(value, "a number"));
    }
    if !(is_number(time) || time.base().is_date_or_time()) {
        return Err(call.argument_type(time, "a number or a time as its second argument"));
    }
    Ok(made(DataType::Float64, MovingAverage { half_decay, value: value.clone(), time: time.clone() }))
}

struct MovingAverage {
    half_decay: f64,
    value: DataType,
    time: DataType,
}

/// The decayed sum as it was at a time.
#[derive(Clone, Copy, Default)]
pub(crate) struct Decayed {
    value: f64,
    time: f64,
    seen: bool,
}

impl MovingAverage {
    fn scale(&self, passed: f64) -> f64 {
        (-passed / self.half_decay).exp2()
    }

    fn join(&self, a: Decayed, b: Decayed) -> Decayed {
        if !a.seen || !b.seen {
            return if a.seen { a } else { b };
        }
        let (older, newer) = if a.time < b.time { (a, b) } else { (b, a) };
        Decayed { value: newer.value + older.value * self.scale(newer.time - older.time), ..newer }
    }
}

impl Family for MovingAverage {
    type State = Decayed;
    type Columns = (Float64Array, Float64Array);
    const NAME: &'static str = "exponentialMovingAverage";

    fn columns(&self, args: &[ArrayRef]) -> Result<Self::Columns> {
        Ok((to_f64(&self.value, &args[0])?, to_f64(&self.time, &args[1])?))
    }

    fn add(&self, state: &mut Decayed, (values, times): &Self::Columns, row: usize) -> Result<()> {
        *state = self.join(*state, Decayed { value: values.value(row), time: times.value(row), seen: true });
        Ok(())
    }

    fn merge(&self, into: &mut Decayed, from: Decayed) -> Result<()> {
        *into = self.join(*into, from);
        Ok(())
    }

    fn encode(&self, state: &Decayed, out: &mut Vec<u8>) {
        out.push(u8::from(state.seen));
        out.extend_from_slice(&state.value.to_le_bytes());
        out.extend_from_slice(&state.time.to_le_bytes());
    }

    fn decode(&self, bytes: &mut Reader<'_>) -> Result<Decayed> {
        Ok(Decayed { seen: bytes.u8()? != 0, value: bytes.f64()?, time: bytes.f64()? })
    }

    fn finish(&self, states: &mut [Decayed]) -> Result<ArrayRef> {
        // the sum of the weights of a value at every unit of time
        let weights = 1.0 / (1.0 - self.scale(1.0));
        Ok(Arc::new(Float64Array::from_iter_values(states.iter().map(|state| state.value / weights))))
    }

    fn heap_bytes(&self, _state: &Decayed) -> usize {
        0
    }
}
