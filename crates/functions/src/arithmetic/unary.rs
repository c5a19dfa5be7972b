//! `negate`, `abs`, `sign`.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int8Array};
use arrow::compute::kernels::numeric::neg_wrapping;
use arrow::datatypes::{DataType as ArrowType, Float32Type, Float64Type, Int64Type, UInt64Type, i256};
use types::DataType;

use super::numbers::plain;
use super::result_type::{negation, traits};
use crate::cast::cast;
use crate::error::Result;
use crate::frame::{Definition, Operand, Resolved};
use crate::request::Request;
use crate::wide;

pub(crate) const UNARY: &[Definition] = &[
    Definition::new("negate", negate).masks_nulls(),
    Definition::new("abs", abs).masks_nulls().any_case(),
    Definition::new("sign", sign).masks_nulls().any_case(),
    Definition::new("tupleNegate", negate_tuple),
];

fn negate(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let from = request.ty(0).clone();
    let to = match (&from, traits(&from)) {
        (_, Some(traits)) => negation(traits),
        (DataType::Decimal { .. } | DataType::Interval(_), None) => from.clone(),
        _ => return super::elementwise::unary(request),
    };
    let result = to.clone();
    Ok(Resolved::new(result, move |args, call| {
        let array = expand(&args[0], call.rows)?;
        if wide::is_wide(&to) {
            let values = wide::integers(&array, &from)?;
            return wide::column(&to, values.into_iter().map(|v| v.map(i256::wrapping_neg)));
        }
        let array = cast(&array, &from, &DataType::nullable(to.clone()), &plain())?;
        Ok(neg_wrapping(array.as_ref())?)
    }))
}

fn negate_tuple(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    super::elementwise::unary(&Request { name: "negate", args: request.args, context: request.context })
}

fn expand(operand: &Operand, rows: usize) -> Result<ArrayRef> {
    operand.expand(rows)
}

/// Integers become unsigned of their width, so that the smallest number has one.
fn abs(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let from = request.ty(0).clone();
    let to = match &from {
        DataType::Bool => DataType::UInt8,
        DataType::Decimal { .. } | DataType::Float32 | DataType::Float64 => from.clone(),
        other => match other.integer_width() {
            Some(width) => DataType::integer(false, width),
            None => return super::elementwise::unary(request),
        },
    };
    let result = to.clone();
    Ok(Resolved::new(result, move |args, call| {
        let array = expand(&args[0], call.rows)?;
        match &from {
            DataType::Float32 => Ok(Arc::new(array.as_primitive::<Float32Type>().unary::<_, Float32Type>(f32::abs))),
            DataType::Float64 => Ok(Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>(f64::abs))),
            DataType::Decimal { .. } => {
                let values = wide::integers(&array, &from)?;
                super::decimals::decimal_column(&to, values.into_iter().map(|v| v.map(i256::wrapping_abs)).collect())
            }
            _ if wide::is_wide(&from) => {
                let magnitude = |v: i256| if from.is_signed() { v.wrapping_abs() } else { v };
                wide::column(&to, wide::integers(&array, &from)?.into_iter().map(|v| v.map(magnitude)))
            }
            _ if from.is_signed() => {
                let longs = arrow::compute::cast(&array, &ArrowType::Int64)?;
                let magnitudes = longs.as_primitive::<Int64Type>().unary::<_, UInt64Type>(i64::unsigned_abs);
                cast(&(Arc::new(magnitudes) as ArrayRef), &DataType::UInt64, &DataType::nullable(to.clone()), &plain())
            }
            _ => cast(&array, &from, &DataType::nullable(to.clone()), &plain()),
        }
    }))
}

/// -1, 0 or 1; 0 of NaN.
fn sign(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let from = request.ty(0).clone();
    if !from.is_number() {
        return Err(request.wrong_type(0, "a number"));
    }
    Ok(Resolved::new(DataType::Int8, move |args, call| {
        let array = expand(&args[0], call.rows)?;
        let signs: Int8Array = if from.is_float() {
            let floats = arrow::compute::cast(&array, &ArrowType::Float64)?;
            let of = |v: f64| i8::from(v > 0.0) - i8::from(v < 0.0);
            floats.as_primitive::<Float64Type>().iter().map(|v| v.map(of)).collect()
        } else {
            let array = if from == DataType::Bool { arrow::compute::cast(&array, &ArrowType::UInt8)? } else { array };
            let unsigned = from.is_unsigned();
            let of = |v: i256| match v {
                i256::ZERO => 0,
                v if v.is_negative() && !unsigned => -1,
                _ => 1,
            };
            wide::integers(&array, &from)?.into_iter().map(|v| v.map(of)).collect()
        };
        debug_assert_eq!(signs.len(), call.rows);
        Ok(Arc::new(signs))
    }))
}
