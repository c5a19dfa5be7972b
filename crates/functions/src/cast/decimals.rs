//! Decimals from and to numbers and each other, and the numbers of DateTime64, which is stored as one.
//!
//! Digits beyond the scale are cut off; what needs more digits than the storage has is DECIMAL_OVERFLOW.

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::compute::cast as arrow_cast;
use arrow::datatypes::{DataType as ArrowType, Decimal128Type, Decimal256Type, Float64Type, i256};
use types::{DataType, ErrorCode};

use super::Rules;
use super::rows::{Failure, Outcome, primitive};
use crate::error::{Error, Result};
use crate::wide;

pub(super) const OVERFLOW: Failure =
    Failure::new(ErrorCode::DECIMAL_OVERFLOW, "it needs more digits than the type has");

/// Digits that the storage of a precision holds: 9, 18, 38 or 76.
pub(crate) fn storage_digits(precision: u8) -> u8 {
    match precision {
        0..=9 => 9,
        10..=18 => 18,
        19..=38 => 38,
        _ => 76,
    }
}

/// True when the raw number fits the storage of the precision, as ClickHouse checks it (by bits, not by digits).
pub(crate) fn fits_storage(raw: i256, precision: u8) -> bool {
    match storage_digits(precision) {
        9 => raw.to_i128().is_some_and(|v| i32::try_from(v).is_ok()),
        18 => raw.to_i128().is_some_and(|v| i64::try_from(v).is_ok()),
        38 => raw.to_i128().is_some(),
        _ => true,
    }
}

/// 10^exponent; `None` past 76 digits.
pub(crate) fn power_of_ten(exponent: u8) -> Option<i256> {
    (exponent <= 76).then(|| i256::from_i128(10).wrapping_pow(exponent.into()))
}

/// The scale of a decimal or the digits of a DateTime64's fraction; 0 for others.
pub(crate) fn scale_of(ty: &DataType) -> u8 {
    match ty {
        DataType::Decimal { scale, .. } => *scale,
        DataType::DateTime64 { precision, .. } => *precision,
        _ => 0,
    }
}

/// `raw` of scale `from` at scale `to`, digits beyond it cut off; `None` when it overflows 256 bits.
pub(crate) fn rescale(raw: i256, from: u8, to: u8) -> Option<i256> {
    if from <= to {
        raw.checked_mul(power_of_ten(to - from)?)
    } else {
        Some(raw.wrapping_div(power_of_ten(from - to)?))
    }
}

/// Numbers to a decimal.
pub(super) fn to_decimal(array: &ArrayRef, from: &DataType, to: &DataType, rules: &Rules) -> Result<ArrayRef> {
    let DataType::Decimal { precision, scale } = *to else {
        return Err(Error::CannotConvert { what: from.to_string(), to: to.to_string() });
    };
    if from.is_float() {
        return from_floats(array, to, precision, scale, rules);
    }
    let convertible = from.is_integer() || from.is_decimal() || matches!(from, DataType::DateTime64 { .. });
    if !convertible && *from != DataType::Bool {
        return Err(Error::CannotConvert { what: from.to_string(), to: to.to_string() });
    }
    let integers = wide::integers(array, from)?;
    let source = scale_of(from);
    let value = |row: usize| -> Outcome<i256> {
        let raw = integers[row]?;
        if *from == DataType::UInt256 && raw.is_negative() {
            return Some(Err(OVERFLOW));
        }
        let scaled = rescale(raw, source, scale).filter(|scaled| fits_storage(*scaled, precision));
        Some(scaled.ok_or(OVERFLOW))
    };
    let text = |row: usize| print_raw(integers[row].unwrap_or_default(), source);
    column(array.len(), to, rules, value, text)
}

/// A decimal column of `to` from raw numbers.
pub(super) fn column(
    rows: usize,
    to: &DataType,
    rules: &Rules,
    mut raw: impl FnMut(usize) -> Outcome<i256>,
    text: impl Fn(usize) -> String,
) -> Result<ArrayRef> {
    if matches!(to.arrow_type(), ArrowType::Decimal256(..)) {
        return primitive::<Decimal256Type>(rows, to, rules, raw, text);
    }
    let narrow = |row: usize| raw(row).map(|raw| raw.and_then(|raw| raw.to_i128().ok_or(OVERFLOW)));
    primitive::<Decimal128Type>(rows, to, rules, narrow, text)
}

fn from_floats(array: &ArrayRef, to: &DataType, precision: u8, scale: u8, rules: &Rules) -> Result<ArrayRef> {
    let floats = arrow_cast(array, &ArrowType::Float64)?;
    let floats = floats.as_primitive::<Float64Type>();
    let factor = 10f64.powi(scale.into());
    let value = |row: usize| -> Outcome<i256> {
        let float = floats.is_valid(row).then(|| floats.value(row))?;
        Some(scale_float(float, factor).filter(|raw| fits_storage(*raw, precision)).ok_or(OVERFLOW))
    };
    column(array.len(), to, rules, value, |row| floats.value(row).to_string())
}

/// A float times a power of ten without its fraction; `None` beyond 2^255 and for NaN.
pub(super) fn scale_float(float: f64, factor: f64) -> Option<i256> {
    let scaled = float * factor;
    (scaled.abs() < 2f64.powi(255)).then(|| wide::from_f64(scaled))
}

/// Decimals and DateTime64 to numbers: integers without the fraction, floats with it.
pub(super) fn from_decimal(array: &ArrayRef, from: &DataType, to: &DataType, rules: &Rules) -> Result<ArrayRef> {
    let scale = scale_of(from);
    if to.is_float() {
        return to_floats(array, from, scale, to);
    }
    if *to == DataType::Bool {
        let flags = wide::integers(array, from)?.into_iter().map(|raw| raw.map(|raw| raw != i256::ZERO));
        return Ok(std::sync::Arc::new(flags.collect::<arrow::array::BooleanArray>()));
    }
    if !to.is_integer() {
        return Err(Error::CannotConvert { what: from.to_string(), to: to.to_string() });
    }
    let integers = wide::integers(array, from)?;
    let whole = |row: usize| -> Outcome<i256> {
        let raw = integers[row]?;
        let number = rescale(raw, scale, 0).unwrap_or_default();
        let fits = wide::wrap_to(to, number) == number && !(to.is_unsigned() && number.is_negative());
        Some(if fits { Ok(number) } else { Err(OVERFLOW) })
    };
    let text = |row: usize| print_raw(integers[row].unwrap_or_default(), scale);
    whole_numbers(array.len(), to, rules, whole, text)
}

/// A column of an integer type from numbers that were checked to fit it.
fn whole_numbers(
    rows: usize,
    to: &DataType,
    rules: &Rules,
    mut number: impl FnMut(usize) -> Outcome<i256>,
    text: impl Fn(usize) -> String,
) -> Result<ArrayRef> {
    use arrow::datatypes as arrow;
    if wide::is_wide(to) {
        let cell = |row: usize| number(row).map(|n| n.map(|n| wide::to_cell(to, n)));
        return super::rows::cells(rows, to, rules, cell, text);
    }
    macro_rules! narrow {
        ($T:ident, $native:ty) => {
            primitive::<arrow::$T>(
                rows,
                to,
                rules,
                |row| number(row).map(|n| n.map(|n| n.to_parts().0 as $native)),
                text,
            )
        };
    }
    match to.arrow_type() {
        ArrowType::UInt8 => narrow!(UInt8Type, u8),
        ArrowType::UInt16 => narrow!(UInt16Type, u16),
        ArrowType::UInt32 => narrow!(UInt32Type, u32),
        ArrowType::UInt64 => narrow!(UInt64Type, u64),
        ArrowType::Int8 => narrow!(Int8Type, i8),
        ArrowType::Int16 => narrow!(Int16Type, i16),
        ArrowType::Int32 => narrow!(Int32Type, i32),
        _ => narrow!(Int64Type, i64),
    }
}

fn to_floats(array: &ArrayRef, from: &DataType, scale: u8, to: &DataType) -> Result<ArrayRef> {
    let divisor = 10f64.powi(scale.into());
    let floats: Float64Array =
        wide::integers(array, from)?.into_iter().map(|raw| raw.map(|raw| wide::to_f64(raw, false) / divisor)).collect();
    Ok(arrow_cast(&floats, &to.arrow_type())?)
}

fn print_raw(raw: i256, scale: u8) -> String {
    let mut out = Vec::new();
    types::text::number::write_decimal256(&mut out, raw, scale);
    String::from_utf8_lossy(&out).into_owned()
}
