//! `+` and `-` where a side is a date, a time or an interval.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Int32Array, Int64Array};
use types::{DataType, IntervalUnit};

use super::Operator;
use crate::columns::tuples;
use crate::dates::add::addition;
use crate::dates::clock::{Clock, Longs};
use crate::error::Result;
use crate::frame::{Operand, Resolved};
use crate::request::Request;

/// `operator` over two types of which one is a date, a time or an interval.
pub(super) fn resolve(request: &Request<'_>, operator: Operator) -> Result<Resolved> {
    use DataType as T;
    let (left, right) = (request.ty(0), request.ty(1));
    match (operator, left, right) {
        (Operator::Plus | Operator::Minus, T::Interval(a), T::Interval(b)) => Ok(intervals(operator, *a, *b)),
        (Operator::Plus, T::Interval(_), time) if time.is_date_or_time() => {
            Ok(swapped(resolve_step(request, 1, 0, 1)?))
        }
        (Operator::Plus, number, time) if time.is_date_or_time() && number.is_number() => {
            Ok(swapped(resolve_step(request, 1, 0, 1)?))
        }
        (Operator::Plus, time, T::Interval(_)) if time.is_date_or_time() => resolve_step(request, 0, 1, 1),
        (Operator::Minus, time, T::Interval(_)) if time.is_date_or_time() => resolve_step(request, 0, 1, -1),
        (Operator::Plus, time, number) if time.is_date_or_time() && number.is_number() => {
            resolve_step(request, 0, 1, 1)
        }
        (Operator::Minus, time, number) if time.is_date_or_time() && number.is_number() => {
            resolve_step(request, 0, 1, -1)
        }
        (Operator::Minus, a, b) if a.is_date_or_time() && b.is_date_or_time() => difference(request),
        (Operator::Plus | Operator::Minus, time, T::Tuple(_)) if time.is_date_or_time() => {
            several_intervals(request, operator)
        }
        _ => Err(request.wrong_types()),
    }
}

/// Time at `time`, what is added at `step`: a plain number counts days of dates and seconds of times.
fn resolve_step(request: &Request<'_>, time: usize, step: usize, sign: i64) -> Result<Resolved> {
    let (time, step) = (request.ty(time), request.ty(step));
    let unit = match step {
        DataType::Interval(unit) => *unit,
        _ if matches!(time, DataType::Date | DataType::Date32) => IntervalUnit::Day,
        _ => IntervalUnit::Second,
    };
    Ok(addition(time, step, unit, sign, request.context.zone))
}

fn swapped(resolved: Resolved) -> Resolved {
    let kernel = resolved.kernel;
    Resolved::new(resolved.result, move |args, call| kernel.run(&[args[1].clone(), args[0].clone()], call))
}

/// Intervals of one unit add up; of two units they become a tuple, as ClickHouse has it.
fn intervals(operator: Operator, a: IntervalUnit, b: IntervalUnit) -> Resolved {
    let sign = if operator == Operator::Minus { -1 } else { 1 };
    if a != b {
        let result = DataType::tuple([DataType::Interval(a), DataType::Interval(b)]);
        return Resolved::new(result, move |args, call| {
            let right = Longs::of(&args[1])?;
            let right: ArrayRef =
                Arc::new(Int64Array::from((0..call.rows).map(|row| right.get(row) * sign).collect::<Vec<_>>()));
            Ok(tuples(vec![args[0].expand(call.rows)?, right], call.rows))
        });
    }
    Resolved::new(DataType::Interval(a), move |args, call| {
        let (left, right) = (Longs::of(&args[0])?, Longs::of(&args[1])?);
        let sums = (0..call.rows).map(|row| left.get(row).wrapping_add(right.get(row).wrapping_mul(sign)));
        Ok(Arc::new(Int64Array::from(sums.collect::<Vec<_>>())))
    })
}

/// `time ± (INTERVAL …, INTERVAL …)`: one after another.
fn several_intervals(request: &Request<'_>, operator: Operator) -> Result<Resolved> {
    let DataType::Tuple(fields) = request.ty(1) else { return Err(request.wrong_types()) };
    let sign = if operator == Operator::Minus { -1 } else { 1 };
    let mut time = request.ty(0).clone();
    let mut steps = Vec::with_capacity(fields.len());
    for field in fields.iter() {
        let DataType::Interval(unit) = field.ty.base() else { return Err(request.wrong_types()) };
        let step = addition(&time, &field.ty, *unit, sign, request.context.zone);
        time = step.result;
        steps.push(step.kernel);
    }
    Ok(Resolved::new(time, move |args, call| {
        let mut value = args[0].expand(call.rows)?;
        for (i, step) in steps.iter().enumerate() {
            value = step.run(&[Operand::Full(value), super::elementwise::element(&args[1], i)], call)?;
        }
        Ok(value)
    }))
}

/// Days between dates, seconds between times (with a fraction when one of them has one).
fn difference(request: &Request<'_>) -> Result<Resolved> {
    use DataType as T;
    let (left, right) = (request.ty(0), request.ty(1));
    let session = request.context.zone;
    let (Some(a), Some(b)) = (Clock::of(left, session), Clock::of(right, session)) else {
        return Err(request.wrong_types());
    };
    match (left, right) {
        (T::Date, T::Date) | (T::DateTime(_), T::DateTime(_)) => Ok(Resolved::new(T::Int32, |args, call| {
            let (left, right) = (Longs::of(&args[0])?, Longs::of(&args[1])?);
            let values = (0..call.rows).map(|row| (left.get(row) - right.get(row)) as i32);
            Ok(Arc::new(Int32Array::from(values.collect::<Vec<_>>())))
        })),
        (T::DateTime(_) | T::DateTime64 { .. }, T::DateTime(_) | T::DateTime64 { .. }) => {
            let scale = crate::cast::scale_of(left).max(crate::cast::scale_of(right));
            let result = T::Decimal { precision: 18, scale };
            let arrow_type = result.arrow_type();
            let factor = 10i64.pow(scale.into());
            let (up_a, up_b) = (factor / a.scale(), factor / b.scale());
            Ok(Resolved::new(result, move |args, call| {
                let (left, right) = (Longs::of(&args[0])?, Longs::of(&args[1])?);
                let values = (0..call.rows).map(|row| {
                    i128::from(left.get(row)) * i128::from(up_a) - i128::from(right.get(row)) * i128::from(up_b)
                });
                let array = Decimal128Array::from(values.collect::<Vec<_>>()).with_data_type(arrow_type.clone());
                Ok(Arc::new(array))
            }))
        }
        _ => Err(request.wrong_types()),
    }
}
