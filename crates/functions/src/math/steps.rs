//! Rounding down to steps: `roundToExp2`, `roundDuration`, `roundAge`, `roundDown`, `widthBucket`, `byteSwap`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float32Array, Float64Array, UInt8Array, UInt16Array, UInt64Array};
use arrow::datatypes::{Float32Type, Float64Type, Int64Type, i256};
use types::DataType;

use crate::arithmetic::numbers::{plain, to_carrier};
use crate::cast::{CastMode, Rules, cast};
use crate::columns::Lists;
use crate::common::common_type;
use crate::comparison::order::Order;
use crate::error::Result;
use crate::frame::{Definition, Resolved};
use crate::request::Request;
use crate::wide;

pub(crate) const STEPS: &[Definition] = &[
    Definition::new("roundToExp2", to_exp2),
    Definition::new("roundDuration", to_table),
    Definition::new("roundAge", to_table),
    Definition::new("roundDown", round_down),
    Definition::new("widthBucket", width_bucket),
    Definition::new("widthBucket", width_bucket).alias("width_bucket").any_case(),
    Definition::new("byteSwap", byte_swap).any_case(),
];

/// The largest power of two that is not greater; 0 for what is not positive.
fn to_exp2(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let ty = request.ty(0).clone();
    if !ty.is_integer() && !ty.is_float() {
        return Err(request.wrong_type(0, "a number"));
    }
    Ok(Resolved::new(ty.clone(), move |args, call| {
        let array = args[0].expand(call.rows)?;
        match &ty {
            DataType::Float32 => {
                let of = |v: f32| f32::from_bits(v.to_bits() & 0xFF80_0000);
                Ok(Arc::new(array.as_primitive::<Float32Type>().iter().map(|v| v.map(of)).collect::<Float32Array>()))
            }
            DataType::Float64 => {
                let of = |v: f64| f64::from_bits(v.to_bits() & 0xFFF0_0000_0000_0000);
                Ok(Arc::new(array.as_primitive::<Float64Type>().iter().map(|v| v.map(of)).collect::<Float64Array>()))
            }
            _ => {
                let unsigned = ty.is_unsigned();
                let powers = wide::integers(&array, &ty)?.into_iter().map(|v| v.map(|v| highest_bit(v, unsigned)));
                let column = wide::column(&DataType::Int256, powers)?;
                cast(&column, &DataType::Int256, &DataType::nullable(ty.clone()), &plain())
            }
        }
    }))
}

fn highest_bit(value: i256, unsigned: bool) -> i256 {
    if value == i256::ZERO || (value.is_negative() && !unsigned) {
        return i256::ZERO;
    }
    i256::ONE << (255 - value.leading_zeros()) as u8
}

const DURATIONS: [u16; 15] = [0, 1, 10, 30, 60, 120, 180, 240, 300, 600, 1200, 1800, 3600, 7200, 18000];

/// `roundDuration` and `roundAge`, whose steps are fixed.
fn to_table(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let from = request.ty(0).clone();
    if !from.is_number() {
        return Err(request.wrong_type(0, "a number"));
    }
    if request.name == "roundAge" {
        return Ok(Resolved::new(DataType::UInt8, move |args, call| {
            let floats = to_carrier(&args[0], &from, &DataType::Float64)?.expand(call.rows)?;
            let of = |v: &f64| match *v {
                v if v < 1.0 => 0,
                v if v < 18.0 => 17,
                v if v < 25.0 => 18,
                v if v < 35.0 => 25,
                v if v < 45.0 => 35,
                v if v < 55.0 => 45,
                _ => 55u8,
            };
            Ok(Arc::new(UInt8Array::from(
                floats.as_primitive::<Float64Type>().values().iter().map(of).collect::<Vec<_>>(),
            )))
        }));
    }
    Ok(Resolved::new(DataType::UInt16, move |args, call| {
        let floats = to_carrier(&args[0], &from, &DataType::Float64)?.expand(call.rows)?;
        let of = |v: &f64| {
            let below = DURATIONS.iter().rev().find(|step| f64::from(**step) <= *v).copied().unwrap_or(0);
            if *v >= 36_000.0 { 36_000 } else { below }
        };
        Ok(Arc::new(UInt16Array::from(
            floats.as_primitive::<Float64Type>().values().iter().map(of).collect::<Vec<_>>(),
        )))
    }))
}

/// `roundDown(x, [steps])`: the largest step not above x, else the smallest.
fn round_down(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let DataType::Array(step) = request.ty(1) else { return Err(request.wrong_type(1, "a constant Array")) };
    let steps = request.constant(1).ok_or_else(|| request.not_constant(1))?;
    let common = common_type(&[request.ty(0).clone(), (**step).clone()])?;
    let rules = Rules::new(CastMode::Cast, request.context);
    let values = Lists::of_array(steps)?.elements;
    if values.is_empty() {
        return Err(request.bad("there is no step to round to"));
    }
    let values = cast(&values, step, &common, &rules)?;
    let sorted = arrow::compute::sort(&values, None)?;
    let (from, ty) = (request.ty(0).clone(), common.clone());
    Ok(Resolved::new(common, move |args, call| {
        let array = cast(&args[0].expand(call.rows)?, &from, &ty, &rules)?;
        let order = Order::of(&sorted, &array, &ty)?;
        let pick = |row: usize| {
            let above = (0..sorted.len()).take_while(|i| order.compare(*i, row).is_some_and(|o| o.is_le())).count();
            above.saturating_sub(1) as u32
        };
        let indices = arrow::array::UInt32Array::from((0..call.rows).map(pick).collect::<Vec<_>>());
        Ok(arrow::compute::take(&sorted, &indices, None)?)
    }))
}

/// `widthBucket(x, low, high, count)`: 0 below, count + 1 from `high` on.
fn width_bucket(request: &Request<'_>) -> Result<Resolved> {
    request.arity(4..=4)?;
    let types: Vec<DataType> = request.args.iter().map(|arg| arg.ty.clone()).collect();
    if let Some(i) = types.iter().position(|ty| !ty.is_number()) {
        return Err(request.wrong_type(i, "a number"));
    }
    let result = match types[3].integer_width() {
        Some(1) => DataType::UInt16,
        Some(2) => DataType::UInt32,
        _ => DataType::UInt64,
    };
    let (name, to) = (request.name.to_owned(), result.clone());
    Ok(Resolved::new(result, move |args, call| {
        let columns = args
            .iter()
            .zip(&types)
            .map(|(arg, ty)| to_carrier(arg, ty, &DataType::Float64)?.expand(call.rows))
            .collect::<Result<Vec<ArrayRef>>>()?;
        let value = |i: usize, row: usize| columns[i].as_primitive::<Float64Type>().value(row);
        let mut buckets = Vec::with_capacity(call.rows);
        for row in 0..call.rows {
            let (x, low, high, count) = (value(0, row), value(1, row), value(2, row), value(3, row));
            if count <= 0.0 || !low.is_finite() || !high.is_finite() || x.is_nan() {
                let reason = "the bounds are not finite, or there are no buckets".to_owned();
                return Err(crate::error::Error::BadArgument { function: name.clone(), reason });
            }
            buckets.push(match x {
                x if x < low || low >= high => 0,
                x if x >= high => count as u64 + 1,
                x => ((x - low) * (count / (high - low))) as u64 + 1,
            });
        }
        let array: ArrayRef = Arc::new(UInt64Array::from(buckets));
        cast(&array, &DataType::UInt64, &to, &plain())
    }))
}

/// The bytes of an integer in reverse order.
fn byte_swap(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let ty = request.ty(0).clone();
    let Some(width) = ty.integer_width().filter(|width| *width <= 8) else {
        return Err(request.wrong_type(0, "an integer of up to 64 bits"));
    };
    Ok(Resolved::new(ty.clone(), move |args, call| {
        let longs = cast(&args[0].expand(call.rows)?, &ty, &DataType::Int64, &plain())?;
        let swapped = longs.as_primitive::<Int64Type>().unary::<_, Int64Type>(|v| v.swap_bytes() >> (64 - 8 * width));
        cast(&(Arc::new(swapped) as ArrayRef), &DataType::Int64, &ty, &plain())
    }))
}
