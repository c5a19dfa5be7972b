//! `isNaN`, `isFinite`, `isInfinite`, `ifNotFinite`.

use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, UInt8Array};
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::Float64Type;
use types::DataType;

use crate::arithmetic::numbers::{plain, to_carrier};
use crate::cast::cast;
use crate::common::common_type_or_nearest;
use crate::error::Result;
use crate::frame::{Definition, Resolved};
use crate::request::Request;

pub(crate) const FINITE: &[Definition] = &[
    Definition::new("isNaN", check),
    Definition::new("isFinite", check),
    Definition::new("isInfinite", check),
    Definition::new("ifNotFinite", if_not_finite),
];

fn check(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let from = request.ty(0).clone();
    if !from.is_number() {
        return Err(request.wrong_type(0, "a number"));
    }
    let answer: fn(f64) -> bool = match request.name {
        "isNaN" => f64::is_nan,
        "isFinite" => f64::is_finite,
        _ => f64::is_infinite,
    };
    Ok(Resolved::new(DataType::UInt8, move |args, call| {
        let floats = to_carrier(&args[0], &from, &DataType::Float64)?.expand(call.rows)?;
        let values = floats.as_primitive::<Float64Type>().values().iter().map(|v| u8::from(answer(*v)));
        Ok(Arc::new(UInt8Array::from(values.collect::<Vec<_>>())))
    }))
}

/// The first argument where it is finite, else the second.
fn if_not_finite(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let (left, right) = (request.ty(0).clone(), request.ty(1).clone());
    if !left.is_number() || !right.is_number() {
        return Err(request.wrong_types());
    }
    let result = common_type_or_nearest(&[left.clone(), right.clone()])?;
    let to = result.clone();
    Ok(Resolved::new(result, move |args, call| {
        let value = args[0].expand(call.rows)?;
        let floats = cast(&value, &left, &DataType::Float64, &plain())?;
        let finite = floats.as_primitive::<Float64Type>().values().iter().map(|v| Some(v.is_finite()));
        let finite: BooleanArray = finite.collect();
        let (a, b) = (cast(&value, &left, &to, &plain())?, cast(&args[1].expand(call.rows)?, &right, &to, &plain())?);
        Ok(zip(&finite, &a, &b)?)
    }))
}
