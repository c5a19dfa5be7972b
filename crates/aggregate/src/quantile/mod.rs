//! The quantile family: `quantile`, `quantileExact…`, `quantileTDigest`, `quantileTiming`, `quantileDeterministic`,
//! `quantileBFloat16`, weighted forms, and the `quantiles…` form of each, which gives an array of levels.
//!
//! A family's states do not depend on levels: any level can be asked of any state.

mod brief;
mod deterministic;
mod exact;
mod reservoir;
mod tdigest;
mod timing;
mod weighted;

use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Float64Array, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::Field;
use types::{DataType, ErrorCode, Value};

use crate::aggregate::Made;
use crate::call::Call;
use crate::error::{Error, Result};
use crate::numeric::from_i128;

/// The level when none is given.
const MEDIAN: f64 = 0.5;

pub(crate) fn resolve(call: &Call<'_>) -> Result<Made> {
    let (many, kind) = match call.function.strip_prefix("quantiles") {
        Some(kind) => (true, kind),
        None => (false, call.function.strip_prefix("quantile").unwrap_or_default()),
    };
    let weighted = matches!(kind, "Deterministic") || kind.ends_with("Weighted");
    let arg = if weighted { weighted_argument(call)? } else { call.one_argument()? };
    let levels = levels(call, many)?;
    let ask = |result: DataType| Ask { levels: levels.clone(), many, result };
    match kind {
        "" => Ok(reservoir::resolve(ask(interpolated_type(call, arg)?), arg)),
        "Exact" | "ExactLow" | "ExactHigh" => exact::resolve(call, ask(own_type(call, arg)?), kind, arg),
        "ExactInclusive" | "ExactExclusive" => exact::resolve(call, ask(float_type(call, arg)?), kind, arg),
        "ExactWeighted" => Ok(weighted::resolve(ask(own_type(call, arg)?), arg, &call.args[1], false)),
        "InterpolatedWeighted" => Ok(weighted::resolve(ask(own_type(call, arg)?), arg, &call.args[1], true)),
        "Deterministic" => {
            Ok(deterministic::resolve(ask(plain_type(call, arg, DataType::Float64)?), arg, &call.args[1]))
        }
        "BFloat16" => Ok(brief::resolve(ask(plain_type(call, arg, DataType::Float64)?), arg)),
        "TDigest" => Ok(tdigest::resolve(ask(plain_type(call, arg, DataType::Float32)?), arg, None)),
        "TDigestWeighted" => {
            Ok(tdigest::resolve(ask(plain_type(call, arg, DataType::Float32)?), arg, Some(&call.args[1])))
        }
        "Timing" | "TimingWeighted" => {
            narrow(call, arg)?;
            Ok(timing::resolve(ask(DataType::Float32), arg, call.args.get(1)))
        }
        _ => Err(Error::Unsupported(format!("aggregate function \"{}\"", call.function))),
    }
}

fn weighted_argument<'a>(call: &Call<'a>) -> Result<&'a DataType> {
    let (value, weight) = call.two_arguments()?;
    if weight.base().is_unsigned() || weight.base().is_signed() || *weight.base() == DataType::Bool {
        Ok(value)
    } else {
        Err(call.argument_type(weight, "a whole number as its second argument"))
    }
}

/// The asked levels; one function has one, `quantiles…` any number.
fn levels(call: &Call<'_>, many: bool) -> Result<Arc<[f64]>> {
    let level = |value: &Value| match value.as_f64() {
        Some(level) if (0.0..=1.0).contains(&level) => Ok(level),
        Some(_) => Err(call.bad_param_code("levels between 0 and 1", PARAMETER_OUT_OF_BOUND)),
        None => Err(call.bad_param_code("numbers as levels", ErrorCode::CANNOT_CONVERT_TYPE)),
    };
    match call.params {
        [] if many => Ok([].into()),
        [] => Ok([MEDIAN].into()),
        [only] if !many => Ok([level(only)?].into()),
        params if many => params.iter().map(level).collect(),
        _ => Err(call.param_count("one level")),
    }
}

/// ClickHouse's PARAMETER_OUT_OF_BOUND.
const PARAMETER_OUT_OF_BOUND: ErrorCode = ErrorCode(12);

fn sortable(call: &Call<'_>, arg: &DataType) -> Result<()> {
    let base = arg.base();
    if base.is_number() || matches!(base, DataType::Date | DataType::DateTime(_) | DataType::DateTime64 { .. }) {
        Ok(())
    } else {
        Err(call.argument_type(arg, "a number, Date, DateTime or DateTime64"))
    }
}

/// Types of at most 64 bits without a scale.
fn narrow(call: &Call<'_>, arg: &DataType) -> Result<()> {
    sortable(call, arg)?;
    let base = arg.base();
    let wide = base.integer_width().is_some_and(|width| width > 8);
    if wide || base.is_decimal() || matches!(base, DataType::DateTime64 { .. }) {
        return Err(call.argument_type(arg, "a number of at most 64 bits, Date or DateTime"));
    }
    Ok(())
}

/// Float64 for plain numbers, the argument's own type for those that are counted in units.
fn interpolated_type(call: &Call<'_>, arg: &DataType) -> Result<DataType> {
    sortable(call, arg)?;
    let base = arg.base();
    Ok(if base.is_decimal() || base.is_date_or_time() { base.clone() } else { DataType::Float64 })
}

fn own_type(call: &Call<'_>, arg: &DataType) -> Result<DataType> {
    sortable(call, arg)?;
    Ok(arg.base().clone())
}

fn float_type(call: &Call<'_>, arg: &DataType) -> Result<DataType> {
    narrow(call, arg)?;
    Ok(DataType::Float64)
}

fn plain_type(call: &Call<'_>, arg: &DataType, number: DataType) -> Result<DataType> {
    narrow(call, arg)?;
    Ok(if arg.base().is_date_or_time() { arg.base().clone() } else { number })
}

/// What is asked of every state.
#[derive(Clone)]
pub(crate) struct Ask {
    levels: Arc<[f64]>,
    many: bool,
    /// The type of one quantile.
    result: DataType,
}

impl Ask {
    /// The type of the function's results.
    fn result_type(&self) -> DataType {
        if self.many { DataType::array(self.result.clone()) } else { self.result.clone() }
    }

    /// The column of results, where `answer` gives the quantile of a state at a level, in the units of the result type.
    fn column<S>(&self, states: &mut [S], mut answer: impl FnMut(&mut S, f64) -> f64) -> Result<ArrayRef> {
        let mut answers = Vec::with_capacity(states.len() * self.levels.len());
        for state in states.iter_mut() {
            answers.extend(self.levels.iter().map(|level| answer(state, *level)));
        }
        let items: ArrayRef = match &self.result {
            DataType::Float64 => Arc::new(Float64Array::from(answers)),
            DataType::Float32 => Arc::new(Float32Array::from_iter_values(answers.into_iter().map(|v| v as f32))),
            // NaN, the quantile of nothing, becomes 0 here
            other => from_i128(other, &answers.into_iter().map(|v| v as i128).collect::<Vec<_>>())?,
        };
        self.wrap(items, states.len())
    }

    /// One item a row, or lists of as many items as there are levels.
    fn wrap(&self, items: ArrayRef, rows: usize) -> Result<ArrayRef> {
        if !self.many {
            return Ok(items);
        }
        let field = Arc::new(Field::new("item", self.result.arrow_type(), true));
        let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(self.levels.len(), rows));
        Ok(Arc::new(ListArray::try_new(field, offsets, items, None)?))
    }
}

/// The value between the two neighbours of `position` (0-based) in `sorted`; NaN when it is empty.
fn interpolate(sorted: &[f64], position: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let position = position.clamp(0.0, last as f64);
    let left = position as usize;
    match sorted.get(left + 1) {
        None => sorted[left],
        Some(right) => sorted[left] * ((left + 1) as f64 - position) + right * (position - left as f64),
    }
}

/// A column of numbers in the units of its type: decimals and times unscaled, so that results can be given back as them.
fn units(ty: &DataType, array: &ArrayRef) -> Result<Float64Array> {
    match ty.base() {
        DataType::Decimal { .. } => {
            let unscaled = DataType::Decimal { precision: 76, scale: 0 };
            crate::numeric::to_f64(&unscaled, array)
        }
        _ => crate::numeric::to_f64(ty, array),
    }
}
