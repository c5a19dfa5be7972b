//! `toUInt8` … `toInt256`, `toFloat32`, `toFloat64`, `toBool`, `toDecimal32` … `toDecimal256`, `toInterval…`, and their
//! OrZero, OrNull and OrDefault variants.

use types::{DataType, IntervalUnit};

use super::{Variant, digits_argument, resolve_to, variant_of};
use crate::cast::{CastMode, Rules, masked_cast_resolved};
use crate::error::Result;
use crate::frame::{Definition, Resolved};
use crate::request::Request;

macro_rules! variants {
    ($resolver:ident: $($name:literal),*) => {
        &[$(
            Definition::new($name, $resolver).masks_nulls(),
            Definition::new(concat!($name, "OrZero"), $resolver).masks_nulls(),
            Definition::new(concat!($name, "OrNull"), $resolver).masks_nulls(),
            Definition::new(concat!($name, "OrDefault"), $resolver).masks_nulls(),
        )*]
    };
}

pub(crate) const NUMBERS: &[Definition] = variants!(to_number:
    "toUInt8", "toUInt16", "toUInt32", "toUInt64", "toUInt128", "toUInt256",
    "toInt8", "toInt16", "toInt32", "toInt64", "toInt128", "toInt256", "toFloat32", "toFloat64");

pub(crate) const DECIMALS: &[Definition] =
    variants!(to_decimal: "toDecimal32", "toDecimal64", "toDecimal128", "toDecimal256");

macro_rules! intervals {
    ($($unit:literal),*) => {
        &[
            Definition::new("toBool", to_bool).masks_nulls(),
            $(Definition::new(concat!("toInterval", $unit), to_interval).masks_nulls(),)*
        ]
    };
}

pub(crate) const INTERVALS: &[Definition] = intervals!(
    "Nanosecond",
    "Microsecond",
    "Millisecond",
    "Second",
    "Minute",
    "Hour",
    "Day",
    "Week",
    "Month",
    "Quarter",
    "Year"
);

fn to_number(request: &Request<'_>) -> Result<Resolved> {
    let (stem, variant) = variant_of(request.name);
    request.arity(1..=if variant == Variant::OrDefault { 2 } else { 1 })?;
    let to = DataType::parse(stem.strip_prefix("to").unwrap_or(stem))?;
    resolve_to(request, to, variant, 1)
}

fn to_decimal(request: &Request<'_>) -> Result<Resolved> {
    let (stem, variant) = variant_of(request.name);
    request.arity(2..=if variant == Variant::OrDefault { 3 } else { 2 })?;
    let precision = match stem {
        "toDecimal32" => 9,
        "toDecimal64" => 18,
        "toDecimal128" => 38,
        _ => 76,
    };
    let scale = digits_argument(request, 1, precision)?;
    resolve_to(request, DataType::Decimal { precision, scale }, variant, 2)
}

fn to_interval(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let unit = request.name.strip_prefix("toInterval").and_then(IntervalUnit::parse);
    let to = DataType::Interval(unit.unwrap_or(IntervalUnit::Second));
    masked_cast_resolved(request.ty(0), &to, Rules::new(CastMode::Cast, request.context))
}

fn to_bool(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    masked_cast_resolved(request.ty(0), &DataType::Bool, Rules::new(CastMode::Cast, request.context))
}
