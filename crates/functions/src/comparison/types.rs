//! To which type both sides of a comparison are cast.

use types::{DataType, TupleField};

use arrow::array::{Array, AsArray, StructArray};

use crate::common::{common_type, decimal_digits};
use crate::error::{Error, Result};
use crate::frame::Arg;

/// How two sides are compared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Comparison {
    /// The type that both are cast to (Nullable stays what it was on each side).
    pub ty: DataType,
    /// True when Arrow's own operators answer as ClickHouse does on that type; false for floats (NaN, -0) and for
    /// arrays, maps and tuples: use [`super::predicate`] there.
    pub native: bool,
}

/// The type to which both sides of a comparison are cast, without Nullable. Constants matter: a text constant is
/// parsed as the other side's type.
pub fn comparison_types(left: &Arg, right: &Arg) -> Result<Comparison> {
    let ty = meet(left, right)?;
    let native = is_native(&ty);
    Ok(Comparison { ty, native })
}

fn is_native(ty: &DataType) -> bool {
    !matches!(ty, DataType::Float32 | DataType::Float64 | DataType::Array(_) | DataType::Map(_) | DataType::Tuple(_))
}

fn meet(left: &Arg, right: &Arg) -> Result<DataType> {
    use DataType as T;
    let (a, b) = (left.ty.base(), right.ty.base());
    if a == b && !matches!(a, T::Tuple(_)) {
        return Ok(a.clone());
    }
    match (a, b) {
        (T::AggregateFunction(_), _) | (_, T::AggregateFunction(_)) => Err(wrong(left, right)),
        (T::Nothing, other) | (other, T::Nothing) => Ok(other.clone()),
        (T::Tuple(x), T::Tuple(y)) => tuples(left, right, x, y),
        (T::Array(x), T::Array(y)) => {
            meet(&Arg::column((**x).clone()), &Arg::column((**y).clone())).map(|ty| array_of(ty, x, y))
        }
        (text, T::Enum(values)) if text.is_string() => Ok(enum_or_text(left, values, b)),
        (T::Enum(values), text) if text.is_string() => Ok(enum_or_text(right, values, a)),
        (x, y) if x.is_string() && y.is_string() => Ok(T::String),
        (text, other) if text.is_string() && left.constant.is_some() => Ok(other.clone()),
        (other, text) if text.is_string() && right.constant.is_some() => Ok(other.clone()),
        (T::Enum(_), other) | (other, T::Enum(_)) if other.is_integer() || matches!(other, T::Enum(_)) => {
            numbers(&T::Int16, if other.is_integer() { other } else { &T::Int16 }).ok_or_else(|| wrong(left, right))
        }
        (T::Ipv4 | T::Ipv6, T::Ipv4 | T::Ipv6) => Ok(T::Ipv6),
        (T::Ipv4, number) | (number, T::Ipv4) if number.is_integer() => {
            numbers(&T::UInt32, number).ok_or_else(|| wrong(left, right))
        }
        (T::DateTime(_), number) | (number, T::DateTime(_)) if number.is_number() => {
            numbers(&T::UInt32, number).ok_or_else(|| wrong(left, right))
        }
        (x, y) if x.is_number() && y.is_number() => numbers(x, y).ok_or_else(|| wrong(left, right)),
        (x, y) if x.is_date_or_time() && y.is_date_or_time() => common_type(&[x.clone(), y.clone()]),
        (T::Interval(_), T::Interval(_)) | (T::Map(_), T::Map(_)) => common_type(&[a.clone(), b.clone()]),
        (text, _) | (_, text) if text.is_string() => common_type(&[a.clone(), b.clone()]),
        _ => Err(wrong(left, right)),
    }
}

fn wrong(left: &Arg, right: &Arg) -> Error {
    Error::ArgumentTypes { function: "comparison".to_owned(), types: format!("{} and {}", left.ty, right.ty) }
}

/// A type that holds the numbers of both; floats where nothing else does.
fn numbers(a: &DataType, b: &DataType) -> Option<DataType> {
    if a.is_float() || b.is_float() {
        return Some(DataType::Float64);
    }
    if a.is_decimal() || b.is_decimal() {
        return Some(decimals(a, b));
    }
    let width = |ty: &DataType| if *ty == DataType::Bool { 1 } else { ty.integer_width().unwrap_or(1) };
    let (x, y) = (width(a), width(b));
    if a.is_signed() == b.is_signed() {
        return Some(DataType::integer(a.is_signed(), x.max(y)));
    }
    let (signed, unsigned) = if a.is_signed() { (x, y) } else { (y, x) };
    match if signed > unsigned { signed } else { unsigned * 2 } {
        needed @ 0..=32 => Some(DataType::integer(true, needed)),
        // no integer holds both; floats order them, but not to the last digit
        _ => Some(DataType::Float64),
    }
}

/// A decimal wide enough for all digits of both sides.
fn decimals(a: &DataType, b: &DataType) -> DataType {
    let parts = |ty: &DataType| match ty {
        DataType::Decimal { precision, scale } => {
            (crate::cast::decimal_storage_digits(*precision).saturating_sub(*scale) + 1, *scale)
        }
        other => (decimal_digits(other).unwrap_or(76), 0),
    };
    let ((whole_a, scale_a), (whole_b, scale_b)) = (parts(a), parts(b));
    let scale = scale_a.max(scale_b);
    let precision = if whole_a.max(whole_b).saturating_add(scale) <= 38 { 38 } else { 76 };
    DataType::Decimal { precision, scale }
}

/// A constant that is an element compares as the enum does (by number); any other text as text.
fn enum_or_text(text: &Arg, values: &types::EnumType, ty: &DataType) -> DataType {
    let known = text.constant.as_ref().filter(|value| value.is_valid(0)).is_some_and(|value| {
        let bytes = match value.data_type() {
            arrow::datatypes::DataType::Binary => value.as_binary::<i32>().value(0),
            _ => return false,
        };
        values.number(bytes).is_some()
    });
    if known { ty.clone() } else { DataType::String }
}

fn array_of(inner: DataType, a: &DataType, b: &DataType) -> DataType {
    let nullable = a.is_nullable() || b.is_nullable();
    DataType::array(if nullable { inner.to_nullable() } else { inner })
}

/// Element by element; constants of tuples are constants of their elements.
fn tuples(left: &Arg, right: &Arg, a: &[TupleField], b: &[TupleField]) -> Result<DataType> {
    if a.len() != b.len() {
        return Err(wrong(left, right));
    }
    let element = |arg: &Arg, field: &TupleField, i: usize| Arg {
        ty: field.ty.clone(),
        constant: arg.constant.as_ref().map(|value| {
            let tuple: &StructArray = value.as_struct();
            tuple.column(i).clone()
        }),
    };
    let types = (0..a.len())
        .map(|i| {
            let ty = meet(&element(left, &a[i], i), &element(right, &b[i], i))?;
            let nullable = a[i].ty.is_nullable() || b[i].ty.is_nullable();
            Ok(if nullable { ty.to_nullable() } else { ty })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(DataType::tuple(types))
}
