//! Integers, floats, Bool, and what is stored as one: between each other.
//!
//! Integers wrap. Floats lose their fraction and wrap as the x86 instructions that ClickHouse is compiled to do; NaN and
//! infinity become no integer. Accurate modes refuse every number that would not convert back.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray};
use arrow::compute::cast as arrow_cast;
use arrow::datatypes::{
    DataType as ArrowType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type, i256,
};
use types::{DataType, ErrorCode, IntervalUnit};

use super::Rules;
use super::rows::{Failure, Outcome, cells, primitive};
use crate::error::{Error, Result};
use crate::wide;

pub(super) const NOT_FINITE: Failure = Failure::new(ErrorCode::CANNOT_CONVERT_TYPE, "inf and nan are no integers");
pub(super) const OUT_OF_RANGE: Failure = Failure::new(ErrorCode::CANNOT_CONVERT_TYPE, "the value does not fit");

/// Any type stored as a number to any integer, float or Bool (also to Interval and the raw number of dates).
pub(super) fn convert(array: &ArrayRef, from: &DataType, to: &DataType, rules: &Rules) -> Result<ArrayRef> {
    if *to == DataType::Bool {
        return to_bool(array, from);
    }
    if !to.is_integer() && !to.is_float() && !matches!(to, DataType::Interval(_)) {
        return Err(Error::CannotConvert { what: from.to_string(), to: to.to_string() });
    }
    if wide::is_wide(to) {
        return to_wide(array, from, to, rules);
    }
    if wide::is_wide(from) {
        return from_wide(array, from, to, rules);
    }
    let numbers = if *from == DataType::Bool { arrow_cast(array, &ArrowType::UInt8)? } else { array.clone() };
    if widens(numbers.data_type(), &to.arrow_type()) {
        return Ok(arrow_cast(&numbers, &to.arrow_type())?);
    }
    native(&numbers, to, rules)
}

/// True when every value of the one type is a value of the other.
fn widens(from: &ArrowType, to: &ArrowType) -> bool {
    use ArrowType::*;
    match (from, to) {
        (Float32, Float64) => true,
        (from, to) if from.is_integer() && to.is_integer() => {
            let (from_bytes, to_bytes) = (from.primitive_width(), to.primitive_width());
            if from.is_signed_integer() == to.is_signed_integer() {
                from_bytes <= to_bytes
            } else {
                from.is_unsigned_integer() && from_bytes < to_bytes
            }
        }
        (Int8 | UInt8 | Int16 | UInt16, Float32 | Float64) | (Int32 | UInt32, Float64) => true,
        _ => false,
    }
}

/// A number that converts through one of two carriers.
trait Native: Copy + Default {
    /// The bits as a signed 64-bit integer.
    fn bits(self) -> i64;
    fn from_bits(bits: i64) -> Self;
    fn float(self) -> f64;
    fn from_float(value: f64) -> Self;
    /// True when the value is an integer of this type's range.
    fn is_negative(self) -> bool;
}

macro_rules! native_integer {
    ($($ty:ty => $narrow:ty),*) => {$(
        impl Native for $ty {
            fn bits(self) -> i64 {
                self as i64
            }
            fn from_bits(bits: i64) -> Self {
                bits as $ty
            }
            fn float(self) -> f64 {
                self as f64
            }
            fn from_float(value: f64) -> Self {
                <$narrow>::truncate(value) as $ty
            }
            #[allow(unused_comparisons)]
            fn is_negative(self) -> bool {
                self < 0
            }
        }
    )*};
}

native_integer!(i8 => Narrow, i16 => Narrow, i32 => Narrow, i64 => Long, u8 => Narrow, u16 => Narrow, u32 => Long, u64 => UnsignedLong);

/// `cvttsd2si` to 32 bits.
struct Narrow;
impl Narrow {
    fn truncate(value: f64) -> i32 {
        let whole = value.trunc();
        if (-2_147_483_648.0..2_147_483_648.0).contains(&whole) { whole as i32 } else { i32::MIN }
    }
}

/// `cvttsd2si` to 64 bits.
struct Long;
impl Long {
    fn truncate(value: f64) -> i64 {
        let whole = value.trunc();
        if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&whole) {
            whole as i64
        } else {
            i64::MIN
        }
    }
}

/// How compilers convert to unsigned 64 bits with it.
struct UnsignedLong;
impl UnsignedLong {
    fn truncate(value: f64) -> u64 {
        if (9_223_372_036_854_775_808.0..18_446_744_073_709_551_616.0).contains(&value) {
            value as u64
        } else {
            Long::truncate(value) as u64
        }
    }
}

macro_rules! native_float {
    ($($ty:ty),*) => {$(
        impl Native for $ty {
            fn bits(self) -> i64 {
                self as i64
            }
            fn from_bits(bits: i64) -> Self {
                bits as $ty
            }
            fn float(self) -> f64 {
                self.into()
            }
            fn from_float(value: f64) -> Self {
                value as $ty
            }
            fn is_negative(self) -> bool {
                self < 0.0
            }
        }
    )*};
}

native_float!(f32, f64);

macro_rules! by_arrow_type {
    ($ty:expr, $T:ident => $body:expr, $other:expr) => {
        match $ty {
            ArrowType::UInt8 => {
                type $T = UInt8Type;
                $body
            }
            ArrowType::UInt16 => {
                type $T = UInt16Type;
                $body
            }
            ArrowType::UInt32 => {
                type $T = UInt32Type;
                $body
            }
            ArrowType::UInt64 => {
                type $T = UInt64Type;
                $body
            }
            ArrowType::Int8 => {
                type $T = Int8Type;
                $body
            }
            ArrowType::Int16 => {
                type $T = Int16Type;
                $body
            }
            ArrowType::Int32 => {
                type $T = Int32Type;
                $body
            }
            ArrowType::Int64 => {
                type $T = Int64Type;
                $body
            }
            ArrowType::Float32 => {
                type $T = Float32Type;
                $body
            }
            ArrowType::Float64 => {
                type $T = Float64Type;
                $body
            }
            _ => $other,
        }
    };
}

/// Between the ten native number types, where values may be lost.
fn native(array: &ArrayRef, to: &DataType, rules: &Rules) -> Result<ArrayRef> {
    by_arrow_type!(array.data_type(), F => native_from::<F>(array, to, rules), Err(unexpected(array)))
}

fn unexpected(array: &ArrayRef) -> Error {
    Error::Internal { function: "CAST".to_owned(), reason: format!("{} is no number", array.data_type()) }
}

fn native_from<F>(array: &ArrayRef, to: &DataType, rules: &Rules) -> Result<ArrayRef>
where
    F: ArrowPrimitiveType,
    F::Native: Native,
{
    by_arrow_type!(&to.arrow_type(), T => native_pair::<F, T>(array, to, rules), Err(unexpected(array)))
}

fn native_pair<F, T>(array: &ArrayRef, to: &DataType, rules: &Rules) -> Result<ArrayRef>
where
    F: ArrowPrimitiveType,
    T: ArrowPrimitiveType,
    F::Native: Native,
    T::Native: Native,
{
    let source = array.as_primitive::<F>();
    let (from_float, to_float) = (F::DATA_TYPE.is_floating(), T::DATA_TYPE.is_floating());
    if !rules.is_accurate() && (!from_float || to_float) {
        return Ok(match (from_float, to_float) {
            (false, false) => Arc::new(source.unary::<_, T>(|v| T::Native::from_bits(v.bits()))),
            _ => Arc::new(source.unary::<_, T>(|v| T::Native::from_float(v.float()))),
        });
    }
    let value = |row: usize| -> Outcome<T::Native> {
        let from = source.is_valid(row).then(|| source.value(row))?;
        Some(match (from_float, to_float) {
            (false, false) => accurate(T::Native::from_bits(from.bits()), |to| {
                to.bits() == from.bits() && to.is_negative() == from.is_negative()
            }),
            (true, false) if !from.float().is_finite() => Err(NOT_FINITE),
            (true, false) => {
                let to = T::Native::from_float(from.float());
                if rules.is_accurate() { accurate(to, |to| to.float() == from.float()) } else { Ok(to) }
            }
            (false, true) => accurate(T::Native::from_float(from.float()), |to| {
                to.float() == from.float() && F::Native::from_float(to.float()).bits() == from.bits()
            }),
            (true, true) => {
                accurate(T::Native::from_float(from.float()), |to| to.float() == from.float() || from.float().is_nan())
            }
        })
    };
    primitive::<T>(array.len(), to, rules, value, |row| source.value(row).float().to_string())
}

fn accurate<T>(value: T, fits: impl Fn(&T) -> bool) -> std::result::Result<T, Failure> {
    if fits(&value) { Ok(value) } else { Err(OUT_OF_RANGE) }
}

/// Not zero (NaN included).
fn to_bool(array: &ArrayRef, from: &DataType) -> Result<ArrayRef> {
    if wide::is_wide(from) {
        let values = wide::integers(array, from)?;
        let flags: BooleanArray = values.into_iter().map(|v| v.map(|v| v != i256::ZERO)).collect();
        return Ok(Arc::new(flags));
    }
    Ok(arrow_cast(array, &ArrowType::Boolean)?)
}

fn to_wide(array: &ArrayRef, from: &DataType, to: &DataType, rules: &Rules) -> Result<ArrayRef> {
    if from.is_float() {
        let floats = arrow_cast(array, &ArrowType::Float64)?;
        let floats = floats.as_primitive::<Float64Type>();
        let value = |row: usize| -> Outcome<Vec<u8>> {
            let float = floats.is_valid(row).then(|| floats.value(row))?;
            if !float.is_finite() {
                return Some(Err(NOT_FINITE));
            }
            let whole = wide::wrap_to(to, wide::from_f64(float));
            let lost = rules.is_accurate() && wide::to_f64(whole, *to == DataType::UInt256) != float;
            Some(if lost { Err(OUT_OF_RANGE) } else { Ok(wide::to_cell(to, whole)) })
        };
        return cells(array.len(), to, rules, value, |row| floats.value(row).to_string());
    }
    let numbers = if *from == DataType::Bool { arrow_cast(array, &ArrowType::UInt8)? } else { array.clone() };
    let integers = wide::integers(&numbers, from)?;
    let value = |row: usize| -> Outcome<Vec<u8>> {
        let number = integers[row]?;
        let lost = rules.is_accurate() && !fits(number, from, to);
        Some(if lost { Err(OUT_OF_RANGE) } else { Ok(wide::to_cell(to, number)) })
    };
    cells(array.len(), to, rules, value, |row| integers[row].unwrap_or_default().to_string())
}

/// True when the number of type `from` is one of `to` as well.
fn fits(number: i256, from: &DataType, to: &DataType) -> bool {
    let wrapped = wide::wrap_to(to, number);
    let unsigned = |ty: &DataType| *ty == DataType::UInt256;
    wrapped == number && (unsigned(from) == unsigned(to) || !number.is_negative())
}

fn from_wide(array: &ArrayRef, from: &DataType, to: &DataType, rules: &Rules) -> Result<ArrayRef> {
    let integers = wide::integers(array, from)?;
    let unsigned = *from == DataType::UInt256;
    if to.is_float() {
        let floats: arrow::array::Float64Array =
            integers.iter().map(|v| v.map(|v| wide::to_f64(v, unsigned))).collect();
        return Ok(arrow_cast(&floats, &to.arrow_type())?);
    }
    by_arrow_type!(&to.arrow_type(), T => {
        primitive::<T>(
            array.len(),
            to,
            rules,
            |row| {
                let number = integers[row]?;
                let lost = rules.is_accurate() && !fits(number, from, to);
                Some(if lost { Err(OUT_OF_RANGE) } else { Ok(Native::from_bits(number.to_parts().0 as i64)) })
            },
            |row| integers[row].unwrap_or_default().to_string(),
        )
    }, Err(unexpected(array)))
}

/// IPv4 and IPv6 between each other and the integers that hold them.
pub(super) fn addresses(array: &ArrayRef, from: &DataType, to: &DataType, rules: &Rules) -> Result<ArrayRef> {
    match (from, to) {
        (DataType::Ipv4, DataType::UInt32) => Ok(array.clone()),
        (DataType::Ipv4, number) if number.integer_width().is_some_and(|width| width >= 4) => {
            convert(array, &DataType::UInt32, number, rules)
        }
        (number, DataType::Ipv4) if number.is_integer() => convert(array, number, &DataType::UInt32, rules),
        (DataType::Ipv4, DataType::Ipv6) => {
            let numbers = array.as_primitive::<UInt32Type>();
            let mapped = |v: u32| std::net::Ipv4Addr::from(v).to_ipv6_mapped().octets().to_vec();
            cells(
                array.len(),
                to,
                rules,
                |row| numbers.is_valid(row).then(|| Ok(mapped(numbers.value(row)))),
                |row| numbers.value(row).to_string(),
            )
        }
        (DataType::Ipv6, DataType::Ipv4) => ipv6_to_ipv4(array, to, rules),
        (DataType::Ipv6, DataType::UInt128) | (DataType::UInt128, DataType::Ipv6) => Ok(array.clone()),
        _ => Err(Error::NotImplemented(format!("conversion from {from} to {to}"))),
    }
}

fn ipv6_to_ipv4(array: &ArrayRef, to: &DataType, rules: &Rules) -> Result<ArrayRef> {
    let addresses = array.as_fixed_size_binary();
    let address = |row: usize| -> std::net::Ipv6Addr {
        let octets: [u8; 16] = addresses.value(row).try_into().unwrap_or_default();
        octets.into()
    };
    const NOT_MAPPED: Failure = Failure::new(ErrorCode::CANNOT_CONVERT_TYPE, "it is no mapped IPv4 address");
    primitive::<UInt32Type>(
        array.len(),
        to,
        rules,
        |row| {
            let mapped = addresses.is_valid(row).then(|| address(row).to_ipv4_mapped())?;
            Some(mapped.map(u32::from).ok_or(NOT_MAPPED))
        },
        |row| address(row).to_string(),
    )
}

/// Intervals of fixed length between each other, and those of months.
pub(super) fn intervals(array: &ArrayRef, from: &DataType, to: &DataType, rules: &Rules) -> Result<ArrayRef> {
    let (DataType::Interval(source), DataType::Interval(target)) = (from, to) else {
        return Err(Error::CannotConvert { what: from.to_string(), to: to.to_string() });
    };
    let (Some(a), Some(b)) = (length(*source), length(*target)) else {
        return Err(Error::CannotConvert { what: from.to_string(), to: to.to_string() });
    };
    if a.0 != b.0 {
        return Err(Error::CannotConvert { what: from.to_string(), to: to.to_string() });
    }
    let numbers = array.as_primitive::<Int64Type>();
    primitive::<Int64Type>(
        array.len(),
        to,
        rules,
        |row| {
            let number = numbers.is_valid(row).then(|| i128::from(numbers.value(row)))?;
            Some(i64::try_from(number * a.1 / b.1).map_err(|_| OUT_OF_RANGE))
        },
        |row| numbers.value(row).to_string(),
    )
}

/// The unit's kind (time or calendar) and its length in the kind's smallest unit.
fn length(unit: IntervalUnit) -> Option<(bool, i128)> {
    Some(match unit {
        IntervalUnit::Nanosecond => (true, 1),
        IntervalUnit::Microsecond => (true, 1_000),
        IntervalUnit::Month => (false, 1),
        IntervalUnit::Quarter => (false, 3),
        IntervalUnit::Year => (false, 12),
        fixed => (true, i128::from(fixed.fixed_ms()?) * 1_000_000),
    })
}
