//! The type that can hold the values of several types: array literals, `if`, UNION, IN.
//!
//! ClickHouse answers some mixes with Variant, which Everview has not: [`common_type`] refuses those by name, and
//! [`common_type_or_nearest`] takes a type that prints the same values.

use types::{DataType, IntervalUnit, TupleField};

use crate::cast::decimal_storage_digits;
use crate::error::{Error, Result};

/// The least type that holds the values of all of `types`; NO_COMMON_TYPE when there is none.
///
/// No types at all have `Nothing`. LowCardinality stays when all have it.
pub fn common_type(types: &[DataType]) -> Result<DataType> {
    let Some((first, rest)) = types.split_first() else { return Ok(DataType::Nothing) };
    if rest.iter().all(|ty| ty == first) {
        return Ok(first.clone());
    }
    let low = types.iter().all(|ty| matches!(ty, DataType::LowCardinality(_)));
    let nullable = types.iter().any(DataType::is_nullable);
    let mut common: Option<DataType> = None;
    for ty in types {
        let base = ty.base();
        common = match common {
            _ if *base == DataType::Nothing => common,
            None => Some(base.clone()),
            Some(so_far) => Some(common_of_two(&so_far, base).map_err(|reason| no_common(types, reason))?),
        };
    }
    let mut result = common.unwrap_or(DataType::Nothing);
    if nullable {
        if result == DataType::Nothing {
            return Ok(DataType::nullable(result));
        }
        let is_nullable = result.can_be_inside_nullable();
        if !is_nullable && !result.is_nullable() {
            return Err(no_common(types, "NULL is no value of it"));
        }
        result = result.to_nullable();
    }
    Ok(if low && result.can_be_inside_low_cardinality() { DataType::LowCardinality(result.into()) } else { result })
}

/// As [`common_type`]; where there is none, a type in which all values print as they would in their own: Int128 for
/// integers of both signs, Float64 for other numbers, String for the rest.
pub fn common_type_or_nearest(types: &[DataType]) -> Result<DataType> {
    let error = match common_type(types) {
        Ok(ty) => return Ok(ty),
        Err(error) => error,
    };
    let bases: Vec<&DataType> = types.iter().map(DataType::base).filter(|ty| **ty != DataType::Nothing).collect();
    let narrow = |ty: &DataType| ty.integer_width().is_some_and(|width| width <= 8) || *ty == DataType::Bool;
    let nearest = if bases.iter().all(|ty| narrow(ty)) {
        DataType::Int128
    } else if bases.iter().all(|ty| ty.is_number()) {
        DataType::Float64
    } else if bases.iter().all(|ty| !matches!(ty, DataType::AggregateFunction(_))) {
        DataType::String
    } else {
        return Err(error);
    };
    Ok(if types.iter().any(DataType::is_nullable) { DataType::nullable(nearest) } else { nearest })
}

fn no_common(types: &[DataType], reason: &str) -> Error {
    let names: Vec<String> = types.iter().map(ToString::to_string).collect();
    Error::NoCommonType { types: names.join(", "), reason: reason.to_owned() }
}

type Found = std::result::Result<DataType, &'static str>;

/// Of two base types.
fn common_of_two(a: &DataType, b: &DataType) -> Found {
    use DataType as T;
    if a == b {
        return Ok(a.clone());
    }
    match (a, b) {
        (T::Bool | T::UInt8, T::Bool | T::UInt8) => Ok(a.clone()),
        (T::Bool, other) | (other, T::Bool) if other.is_number() => common_of_two(&T::UInt8, other),
        (T::Enum(a), T::Enum(b)) => Ok(if a.wide || b.wide { T::Int16 } else { T::Int8 }),
        _ if is_text(a) && is_text(b) => Ok(T::String),
        _ if is_text(a) || is_text(b) => Err("some are strings and some are not"),
        _ if a.is_date_or_time() && b.is_date_or_time() => Ok(common_time(a, b)),
        _ if a.is_decimal() || b.is_decimal() => common_decimal(a, b),
        _ if a.is_float() || b.is_float() => common_float(a, b),
        _ if a.is_integer() && b.is_integer() => common_integer(a, b),
        (T::Interval(a), T::Interval(b)) => common_interval(*a, *b),
        (T::Array(a), T::Array(b)) => nested(&[(**a).clone(), (**b).clone()]).map(T::array),
        (T::Map(a), T::Map(b)) => {
            Ok(T::map(nested(&[a.0.clone(), b.0.clone()])?, nested(&[a.1.clone(), b.1.clone()])?))
        }
        (T::Tuple(a), T::Tuple(b)) => common_tuple(a, b),
        _ => Err("they are of different kinds"),
    }
}

fn nested(types: &[DataType]) -> Found {
    common_type(types).map_err(|_| "their elements have no common type")
}

fn is_text(ty: &DataType) -> bool {
    ty.is_string() || matches!(ty, DataType::Enum(_))
}

fn common_integer(a: &DataType, b: &DataType) -> Found {
    let (wide_a, wide_b) = (a.integer_width().unwrap_or(0), b.integer_width().unwrap_or(0));
    if a.is_signed() == b.is_signed() {
        return Ok(DataType::integer(a.is_signed(), wide_a.max(wide_b)));
    }
    let (signed, unsigned) = if a.is_signed() { (wide_a, wide_b) } else { (wide_b, wide_a) };
    let needed = if signed > unsigned { signed } else { unsigned * 2 };
    // ClickHouse does not go from 64 to 128 bits, or beyond 256, for this
    if needed > 32 || (needed == 16 && unsigned == 8) {
        return Err("some are signed, some unsigned, and no signed type is large enough");
    }
    Ok(DataType::integer(true, needed))
}

/// Float32 holds integers of 16 bits, Float64 of 32.
fn common_float(a: &DataType, b: &DataType) -> Found {
    let width = [a, b].into_iter().filter_map(DataType::integer_width).max().unwrap_or(0);
    let has_64 = *a == DataType::Float64 || *b == DataType::Float64;
    match width {
        _ if !(a.is_number() && b.is_number()) => Err("they are of different kinds"),
        0..=2 if !has_64 => Ok(DataType::Float32),
        0..=4 => Ok(DataType::Float64),
        _ => Err("no floating-point type holds such integers exactly"),
    }
}

/// Digits that the values of an integer type may have.
pub(crate) fn decimal_digits(ty: &DataType) -> Option<u8> {
    Some(match ty {
        DataType::Bool | DataType::UInt8 | DataType::Int8 => 3,
        DataType::UInt16 | DataType::Int16 => 5,
        DataType::UInt32 | DataType::Int32 => 10,
        DataType::Int64 => 19,
        DataType::UInt64 => 20,
        _ => return None,
    })
}

fn common_decimal(a: &DataType, b: &DataType) -> Found {
    let parts = |ty: &DataType| match ty {
        DataType::Decimal { precision, scale } => Some((precision - scale, *scale, *precision)),
        other => decimal_digits(other).map(|digits| (digits, 0, 0)),
    };
    let (Some((whole_a, scale_a, precision_a)), Some((whole_b, scale_b, precision_b))) = (parts(a), parts(b)) else {
        return Err("decimals go with decimals and integers up to 64 bits only");
    };
    let scale = scale_a.max(scale_b);
    let both = precision_a > 0 && precision_b > 0;
    // two decimals keep the wider one's storage; with an integer, there must be room for all its digits
    let whole = if both { 0 } else { whole_a.max(whole_b) };
    let precision = precision_a.max(precision_b).max(whole + scale);
    if precision > 76 {
        return Err("it would need more than 76 digits");
    }
    Ok(DataType::Decimal { precision: decimal_storage_digits(precision), scale })
}

/// The type that holds both: with a fraction if either has one, and the first zone there is.
fn common_time(a: &DataType, b: &DataType) -> DataType {
    use DataType as T;
    let parts = |ty: &DataType| match ty {
        T::Date => (0, None, None),
        T::Date32 => (1, None, None),
        T::DateTime(zone) => (2, Some(0), zone.clone()),
        T::DateTime64 { precision, zone } => (3, Some(*precision), zone.clone()),
        _ => (0, None, None),
    };
    let ((rank_a, precision_a, zone_a), (rank_b, precision_b, zone_b)) = (parts(a), parts(b));
    let zone = if precision_a.is_some() { zone_a } else { zone_b };
    let precision = precision_a.max(precision_b).unwrap_or(0);
    match (rank_a.max(rank_b), rank_a.min(rank_b)) {
        (0, _) => T::Date,
        (1, _) => T::Date32,
        (2, 0 | 2) => T::DateTime(zone),
        _ => T::DateTime64 { precision, zone },
    }
}

fn common_interval(a: IntervalUnit, b: IntervalUnit) -> Found {
    let calendar = |unit| matches!(unit, IntervalUnit::Month | IntervalUnit::Quarter | IntervalUnit::Year);
    if calendar(a) != calendar(b) {
        return Err("months have no fixed number of days");
    }
    let rank = |unit| IntervalUnit::ALL.iter().position(|other| *other == unit);
    Ok(DataType::Interval(if rank(a) <= rank(b) { a } else { b }))
}

fn common_tuple(a: &[TupleField], b: &[TupleField]) -> Found {
    if a.len() != b.len() {
        return Err("tuples of different sizes");
    }
    let same_names = a.iter().zip(b).all(|(a, b)| a.name == b.name);
    let fields = a
        .iter()
        .zip(b)
        .map(|(a, b)| {
            let ty = nested(&[a.ty.clone(), b.ty.clone()])?;
            Ok(TupleField { name: if same_names { a.name.clone() } else { None }, ty })
        })
        .collect::<std::result::Result<Vec<_>, &'static str>>()?;
    Ok(DataType::Tuple(fields.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common(types: &[&str]) -> String {
        let types: Vec<DataType> = types.iter().map(|text| DataType::parse(text).unwrap()).collect();
        match common_type(&types) {
            Ok(ty) => ty.to_string(),
            Err(error) => error.code().0.to_string(),
        }
    }

    #[test]
    fn types_meet_as_in_the_real_engine() {
        for (types, meet) in [
            (vec!["UInt32", "Int8"], "Int64"),
            (vec!["UInt8", "Int64"], "Int64"),
            (vec!["UInt64", "Int64"], "386"),
            (vec!["UInt128", "Int64"], "Int256"),
            (vec!["UInt256", "Int64"], "386"),
            (vec!["Float32", "UInt16"], "Float32"),
            (vec!["Float32", "Int32"], "Float64"),
            (vec!["Float64", "UInt64"], "386"),
            (vec!["Bool", "UInt8"], "Bool"),
            (vec!["Bool", "Int8"], "Int16"),
            (vec!["Bool", "Float64"], "Float64"),
            (vec!["Decimal(9, 2)", "UInt8"], "Decimal(9, 2)"),
            (vec!["Decimal(9, 2)", "UInt64"], "Decimal(38, 2)"),
            (vec!["Decimal(9, 2)", "Decimal(18, 4)"], "Decimal(18, 4)"),
            (vec!["Decimal(9, 2)", "Decimal(9, 4)"], "Decimal(9, 4)"),
            (vec!["Decimal(9, 2)", "Int32"], "Decimal(18, 2)"),
            (vec!["Decimal(9, 2)", "Float64"], "386"),
            (vec!["String", "FixedString(3)"], "String"),
            (vec!["String", "Enum8('a' = 1)"], "String"),
            (vec!["Enum8('b' = 1)", "Enum8('a' = 2)"], "Int8"),
            (vec!["Date", "DateTime"], "DateTime"),
            (vec!["Date", "Date32"], "Date32"),
            (vec!["Date32", "DateTime"], "DateTime64(0)"),
            (vec!["DateTime64(3, 'UTC')", "DateTime('Asia/Seoul')"], "DateTime64(3, 'UTC')"),
            (vec!["Date", "String"], "386"),
            (vec!["LowCardinality(String)", "LowCardinality(String)"], "LowCardinality(String)"),
            (vec!["LowCardinality(String)", "String"], "String"),
            (vec!["Tuple(UInt8, String)", "Tuple(UInt16, String)"], "Tuple(UInt16, String)"),
            (vec!["Array(Nothing)", "Array(UInt16)"], "Array(UInt16)"),
            (vec!["Map(String, UInt8)", "Map(String, UInt16)"], "Map(String, UInt16)"),
            (vec!["IntervalDay", "IntervalHour"], "IntervalHour"),
            (vec!["Nullable(UInt8)", "UInt16"], "Nullable(UInt16)"),
            (vec!["Nullable(Nothing)", "String"], "Nullable(String)"),
            (vec!["Nullable(Nothing)", "LowCardinality(String)"], "Nullable(String)"),
        ] {
            assert_eq!(common(&types), meet, "{types:?}");
        }
    }
}
