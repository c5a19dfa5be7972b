//! `greatest`, `least` (NULLs are ignored), `min2`, `max2`.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::array::{Array, ArrayRef, BooleanArray, Float64Array};
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::Float64Type;
use types::DataType;

use super::numbers::to_carrier;
use super::result_type::traits;
use crate::cast::{CastMode, Rules, cast};
use crate::common::common_type;
use crate::comparison::order::Order;
use crate::error::Result;
use crate::frame::{Definition, Resolved};
use crate::request::Request;

pub(crate) const EXTREMES: &[Definition] = &[
    Definition::new("greatest", extreme).sees_nulls().any_case(),
    Definition::new("least", extreme).sees_nulls().any_case(),
    Definition::new("max2", of_two_floats).any_case(),
    Definition::new("min2", of_two_floats).any_case(),
];

/// As [`common_type`], but integers of 64 bits and both signs meet too.
fn meeting_type(types: &[DataType]) -> Result<DataType> {
    common_type(types).or_else(|error| {
        let narrow = |ty: &DataType| traits(ty.base()).is_some_and(|traits| !traits.float && traits.width <= 8);
        let numbers = types.iter().all(|ty| ty.base().is_number());
        let meeting = match types {
            all if all.iter().all(narrow) => DataType::Int128,
            _ if numbers => DataType::Float64,
            _ => return Err(error),
        };
        Ok(if types.iter().any(DataType::is_nullable) { DataType::nullable(meeting) } else { meeting })
    })
}

fn extreme(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=usize::MAX)?;
    let types: Vec<DataType> = request.args.iter().map(|arg| arg.ty.clone()).collect();
    let result = meeting_type(&types)?;
    let rules = Rules::new(CastMode::Cast, request.context);
    let greatest = request.name == "greatest";
    let target = result.clone();
    Ok(Resolved::new(result, move |args, call| {
        let mut best: Option<ArrayRef> = None;
        for (arg, ty) in args.iter().zip(&types) {
            let next = cast(&arg.expand(call.rows)?, ty, &target, &rules)?;
            best = Some(match best {
                None => next,
                Some(best) => better(&best, &next, &target, greatest)?,
            });
        }
        Ok(best.unwrap_or_else(|| target.default_array(call.rows)))
    }))
}

/// Row by row the greater (or lesser); NULL is neither.
fn better(best: &ArrayRef, next: &ArrayRef, ty: &DataType, greatest: bool) -> Result<ArrayRef> {
    if best.data_type().is_null() {
        return Ok(next.clone());
    }
    let order = Order::of(best, next, ty)?;
    let take: BooleanArray = (0..best.len())
        .map(|row| {
            let replaces = if next.is_null(row) {
                false
            } else {
                best.is_null(row)
                    || match order.compare(row, row) {
                        Some(order) if greatest => order.is_lt(),
                        Some(order) => order.is_gt(),
                        // NaN counts as greater than every number
                        None => order.is_nan(row) != greatest,
                    }
            };
            Some(replaces)
        })
        .collect();
    Ok(zip(&take, next, best)?)
}

fn of_two_floats(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let (left, right) = (request.ty(0).clone(), request.ty(1).clone());
    if traits(&left).is_none() || traits(&right).is_none() {
        return Err(request.wrong_types());
    }
    let max = request.name == "max2";
    Ok(Resolved::new(DataType::Float64, move |args, call| {
        let a = to_carrier(&args[0], &left, &DataType::Float64)?;
        let b = to_carrier(&args[1], &right, &DataType::Float64)?;
        let (x, y) = (a.array().as_primitive::<Float64Type>(), b.array().as_primitive::<Float64Type>());
        let pick = |row: usize| {
            let (x, y) = (x.value(a.index(row)), y.value(b.index(row)));
            if max { x.max(y) } else { x.min(y) }
        };
        Ok(Arc::new(Float64Array::from((0..call.rows).map(pick).collect::<Vec<_>>())))
    }))
}
