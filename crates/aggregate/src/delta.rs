//! `deltaSum` and `deltaSumTimestamp`: the sum of all increases from one value to the next.
//!
//! `deltaSum` depends on the order of rows and of merges; `deltaSumTimestamp` puts states in the order of their second
//! argument.

use arrow::array::ArrayRef;
use types::DataType;

use crate::aggregate::Made;
use crate::bytes::Reader;
use crate::call::Call;
use crate::error::Result;
use crate::number::{Number, is_float};
use crate::object::{Family, made};

pub(crate) fn resolve(call: &Call<'_>) -> Result<Made> {
    call.no_params()?;
    let (value, time) = if call.function == "deltaSum" {
        (call.one_argument()?, None)
    } else {
        let (value, time) = call.two_arguments()?;
        let ordered = time.base().is_integer() || time.base().is_float() || time.base().is_date_or_time();
        if !ordered {
            return Err(call.argument_type(time, "a number or a time as its second argument"));
        }
        (value, Some(time.clone()))
    };
    let base = value.base();
    let temporal = time.is_some() && base.is_date_or_time();
    if !(base.is_integer() && base.integer_width() <= Some(16)
        || base.is_float()
        || *base == DataType::Bool
        || temporal)
    {
        return Err(call.argument_type(value, "a number"));
    }
    let result = if *base == DataType::Bool { DataType::UInt8 } else { base.clone() };
    Ok(if is_float(value) {
        made(result.clone(), Deltas::<f64> { value: value.clone(), result, time, number: std::marker::PhantomData })
    } else {
        made(result.clone(), Deltas::<i128> { value: value.clone(), result, time, number: std::marker::PhantomData })
    })
}

struct Deltas<N> {
    value: DataType,
    result: DataType,
    time: Option<DataType>,
    number: std::marker::PhantomData<N>,
}

/// A run of values: its ends, and the increases inside.
#[derive(Clone, Copy, Default)]
pub(crate) struct Run<N> {
    seen: bool,
    sum: N,
    first: N,
    last: N,
    first_time: f64,
    last_time: f64,
}

impl<N: Number> Run<N> {
    /// `next` comes after this run.
    fn append(&mut self, next: &Run<N>) {
        if self.last < next.first {
            self.sum = self.sum.plus(next.first.minus(self.last));
        }
        self.sum = self.sum.plus(next.sum);
        self.last = next.last;
        self.last_time = next.last_time;
    }

    fn is_before(&self, other: &Run<N>) -> bool {
        self.last_time < other.first_time
            || (self.last_time == other.first_time
                && (self.last_time < other.last_time || self.first_time < self.last_time))
    }
}

impl<N: Number> Deltas<N> {
    fn join(&self, into: &mut Run<N>, from: Run<N>) {
        if !from.seen {
            return;
        }
        if !into.seen {
            *into = from;
        } else if self.time.is_none() || into.is_before(&from) {
            into.append(&from);
        } else if from.is_before(into) {
            let later = std::mem::replace(into, from);
            into.append(&later);
        } else if from.first > into.first {
            // all at one time: no increase can be told, the larger value stays
            into.first = from.first;
            into.last = from.last;
        }
    }
}

impl<N: Number> Family for Deltas<N> {
    type State = Run<N>;
    type Columns = (Vec<N>, Vec<f64>);
    const NAME: &'static str = "deltaSum";

    fn columns(&self, args: &[ArrayRef]) -> Result<(Vec<N>, Vec<f64>)> {
        let times = match (&self.time, args.get(1)) {
            (Some(ty), Some(array)) => crate::numeric::to_f64(ty, array)?.values().to_vec(),
            _ => Vec::new(),
        };
        Ok((N::of_column(&self.value, &args[0])?, times))
    }

    fn add(&self, state: &mut Run<N>, (values, times): &(Vec<N>, Vec<f64>), row: usize) -> Result<()> {
        let (value, time) = (values[row], times.get(row).copied().unwrap_or_default());
        let one = Run { seen: true, sum: N::default(), first: value, last: value, first_time: time, last_time: time };
        if state.seen {
            // rows of one block are taken as they come, as in ClickHouse
            state.append(&one);
        } else {
            *state = one;
        }
        Ok(())
    }

    fn merge(&self, into: &mut Run<N>, from: Run<N>) -> Result<()> {
        self.join(into, from);
        Ok(())
    }

    fn encode(&self, state: &Run<N>, out: &mut Vec<u8>) {
        out.push(u8::from(state.seen));
        [state.sum, state.first, state.last].into_iter().for_each(|number| number.write(out));
        [state.first_time, state.last_time].into_iter().for_each(|time| time.write(out));
    }

    fn decode(&self, bytes: &mut Reader<'_>) -> Result<Run<N>> {
        Ok(Run {
            seen: bytes.u8()? != 0,
            sum: N::read(bytes)?,
            first: N::read(bytes)?,
            last: N::read(bytes)?,
            first_time: bytes.f64()?,
            last_time: bytes.f64()?,
        })
    }

    fn finish(&self, states: &mut [Run<N>]) -> Result<ArrayRef> {
        N::to_column(&self.result, &states.iter().map(|state| state.sum).collect::<Vec<_>>())
    }

    fn heap_bytes(&self, _state: &Run<N>) -> usize {
        0
    }
}
