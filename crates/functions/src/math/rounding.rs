//! `round`, `floor`, `ceil`, `trunc`, `roundBankers` to decimal places. The type stays.
//!
//! Floats are scaled, rounded half to even (for `round`) and scaled back; integers and decimals round half away from
//! zero, exactly.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{Float32Type, Float64Type, i256};
use types::DataType;

use crate::arithmetic::numbers::plain;
use crate::cast::{cast, power_of_ten, scale_of};
use crate::error::Result;
use crate::frame::{Definition, Resolved};
use crate::request::Request;
use crate::wide;

/// Which way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    /// Half to even for floats, half away from zero for others.
    Round,
    Bankers,
    Floor,
    Ceil,
    Trunc,
}

const CEIL: Definition = Definition::new("ceil", round).masks_nulls().any_case();
const TRUNC: Definition = Definition::new("trunc", round).masks_nulls().any_case();

pub(crate) const ROUNDING: &[Definition] = &[
    Definition::new("round", round).masks_nulls().any_case(),
    Definition::new("roundBankers", round).masks_nulls(),
    Definition::new("floor", round).masks_nulls().any_case(),
    CEIL,
    CEIL.alias("ceiling").any_case(),
    TRUNC,
    TRUNC.alias("truncate").any_case(),
];

/// `round(x[, places])`; the places are constant and may be negative.
fn round(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=2)?;
    let from = request.ty(0).clone();
    if !from.is_number() {
        return Err(request.wrong_type(0, "a number"));
    }
    let places = request.optional_int(1)?.unwrap_or(0);
    if !(-32_768..=32_767).contains(&places) {
        return Err(request.bad(format!("{places} decimal places are too many")));
    }
    let mode = match request.name {
        "round" => Mode::Round,
        "roundBankers" => Mode::Bankers,
        "floor" => Mode::Floor,
        "ceil" => Mode::Ceil,
        _ => Mode::Trunc,
    };
    let ty = from.clone();
    Ok(Resolved::new(from, move |args, call| {
        let array = args[0].expand(call.rows)?;
        match &ty {
            DataType::Float32 => {
                let of = |v| round_float(f64::from(v), places, mode, |v| f64::from(v as f32)) as f32;
                Ok(Arc::new(array.as_primitive::<Float32Type>().unary::<_, Float32Type>(of)))
            }
            DataType::Float64 => {
                let of = |v| round_float(v, places, mode, |v| v);
                Ok(Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>(of)))
            }
            _ => round_exactly(&array, &ty, places, mode),
        }
    }))
}

/// `store` cuts intermediate results to the float's own width.
fn round_float(value: f64, places: i64, mode: Mode, store: impl Fn(f64) -> f64) -> f64 {
    let whole = |value: f64| match mode {
        Mode::Round | Mode::Bankers => value.round_ties_even(),
        Mode::Floor => value.floor(),
        Mode::Ceil => value.ceil(),
        Mode::Trunc => value.trunc(),
    };
    if !value.is_finite() {
        return value;
    }
    if places == 0 {
        return whole(value);
    }
    let power = store(10f64.powi(places.unsigned_abs().min(400) as i32));
    let scaled = store(if places > 0 { value * power } else { value / power });
    // nothing to round where the scaled value has no fraction left, or overflows
    if places > 0 && !scaled.is_finite() {
        return value;
    }
    let rounded = whole(scaled);
    store(if places > 0 { rounded / power } else { rounded * power })
}

/// Integers and decimals, on their digits.
fn round_exactly(array: &ArrayRef, ty: &DataType, places: i64, mode: Mode) -> Result<ArrayRef> {
    let scale = i64::from(scale_of(ty));
    if places >= scale {
        return Ok(array.clone());
    }
    let digits = scale - places;
    let power = u8::try_from(digits).ok().and_then(power_of_ten);
    let numbers = if *ty == DataType::Bool { return Ok(array.clone()) } else { wide::integers(array, ty)? };
    let unsigned = *ty == DataType::UInt256;
    let rounded = numbers.into_iter().map(|value| {
        value.map(|value| match power {
            Some(power) => round_to(value, power, mode, unsigned),
            None => i256::ZERO,
        })
    });
    if ty.is_decimal() {
        return crate::arithmetic::decimal_column(ty, rounded.collect());
    }
    let column = wide::column(&DataType::Int256, rounded)?;
    cast(&column, &DataType::Int256, &DataType::nullable(ty.clone()), &plain())
}

/// The multiple of `power` that the mode asks for.
fn round_to(value: i256, power: i256, mode: Mode, unsigned: bool) -> i256 {
    let (quotient, rest) = if unsigned {
        wide::divide_unsigned(value, power).unwrap_or_default()
    } else {
        (value.wrapping_div(power), value.wrapping_rem(power))
    };
    let negative = value.is_negative() && !unsigned;
    let away = if negative { i256::MINUS_ONE } else { i256::ONE };
    let twice = rest.wrapping_abs().wrapping_mul(i256::from_i128(2));
    let up = match mode {
        Mode::Round => twice >= power,
        Mode::Bankers => twice > power || (twice == power && quotient & i256::ONE != i256::ZERO),
        Mode::Floor => negative && rest != i256::ZERO,
        Mode::Ceil => !negative && rest != i256::ZERO,
        Mode::Trunc => false,
    };
    let quotient = if up { quotient.wrapping_add(away) } else { quotient };
    quotient.wrapping_mul(power)
}
