//! The Arrow fields of aggregate states: what an `AggregateFunction(f, T…)` column is made of.
//!
//! Plain states are the few fields that their algebra needs, so that merging is vectorised; all others are one opaque
//! `bytes` field in the encoding of crate `aggregate`, which must agree with this table. In every state zeros, false,
//! empty lists and empty bytes are the state of no rows, so that a NULL slot reads as one. On disk: entries can be
//! added, never changed.

use std::sync::Arc;

use arrow::datatypes::{DataType as ArrowType, Field, Fields};

use crate::data_type::{AggregateSignature, DataType};

pub mod names;

pub use names::{Combinator, Split, base_function, split};

/// The fields of the state of `signature`.
pub fn state_fields(signature: &AggregateSignature) -> Fields {
    Fields::from(fields_of(&signature.name, &signature.args).unwrap_or_else(opaque))
}

/// One field of bytes.
fn opaque() -> Vec<Field> {
    vec![field("bytes", ArrowType::Binary)]
}

fn field(name: &str, ty: ArrowType) -> Field {
    Field::new(name, ty, true)
}

fn floats(names: &[&str]) -> Vec<Field> {
    names.iter().map(|name| field(name, ArrowType::Float64)).collect()
}

fn list_of(fields: Vec<Field>) -> ArrowType {
    ArrowType::List(Arc::new(field("item", ArrowType::Struct(Fields::from(fields)))))
}

/// `None` where the name is unknown or the arguments do not fit: such a signature is refused when it is resolved.
fn fields_of(name: &str, args: &[DataType]) -> Option<Vec<Field>> {
    match split(name)? {
        Split::Function(function) => nullable_fields(function, args),
        Split::Combined(inner, combinator) => combined_fields(inner, combinator, args),
    }
}

fn combined_fields(inner: &str, combinator: Combinator, args: &[DataType]) -> Option<Vec<Field>> {
    let nested = |args: &[DataType]| Some(ArrowType::Struct(Fields::from(fields_of(inner, args)?)));
    let listed = |args: &[DataType]| Some(list_of(fields_of(inner, args)?));
    Some(match combinator {
        // conditions and flattening choose rows; the state is that of the function below
        Combinator::If => fields_of(inner, args.split_last()?.1)?,
        Combinator::Array => fields_of(inner, &element_types(args)?)?,
        Combinator::State | Combinator::SimpleState => fields_of(inner, args)?,
        Combinator::Merge => match args.first()?.base() {
            DataType::AggregateFunction(signature) => state_fields(signature).iter().map(|f| (**f).clone()).collect(),
            _ => return None,
        },
        Combinator::ForEach => vec![field("states", listed(&element_types(args)?)?)],
        Combinator::Resample => vec![field("states", listed(args.split_last()?.1)?)],
        Combinator::Map => match args.first()?.base() {
            DataType::Map(entry) => {
                let state = nested(std::slice::from_ref(&entry.1))?;
                vec![field("entries", list_of(vec![field("key", entry.0.arrow_type()), field("state", state)]))]
            }
            _ => return None,
        },
        Combinator::Distinct => {
            let columns = args.iter().enumerate().map(|(i, ty)| field(&(i + 1).to_string(), ty.arrow_type()));
            vec![field("rows", list_of(columns.collect()))]
        }
        Combinator::OrNull | Combinator::OrDefault => {
            let mut fields = fields_of(inner, args)?;
            fields.push(field("any_row", ArrowType::Boolean));
            fields
        }
        Combinator::ArgMin | Combinator::ArgMax => {
            let (key, rest) = args.split_last()?;
            vec![field("seen", ArrowType::Boolean), field("key", key.arrow_type()), field("state", nested(rest)?)]
        }
    })
}

/// The element types of array arguments.
fn element_types(args: &[DataType]) -> Option<Vec<DataType>> {
    args.iter()
        .map(|arg| match arg.base() {
            DataType::Array(inner) => Some((**inner).clone()),
            _ => None,
        })
        .collect()
}

/// True for functions that see NULLs themselves.
pub fn takes_nulls(function: &str) -> bool {
    function == "count" || function.ends_with("_respect_nulls")
}

/// True for functions that give the answer of no rows, not NULL, when all their rows were NULL.
pub fn ignores_nulls(function: &str) -> bool {
    matches!(function, "count" | "sumCount" | "deltaSum" | "deltaSumTimestamp" | "topK" | "topKWeighted" | "retention")
        || (function.starts_with("uniq") && !function.starts_with("uniqCombined"))
        || function.starts_with("groupArray")
        || matches!(function, "groupUniqArray" | "sequenceCount" | "sequenceMatch" | "windowFunnel")
        || (function.starts_with("quantiles"))
}

/// Nullable arguments skip rows, and `not_null` remembers that one was not skipped: without any the result is NULL.
fn nullable_fields(function: &str, args: &[DataType]) -> Option<Vec<Field>> {
    if takes_nulls(function) || !args.iter().any(DataType::is_nullable) {
        return function_fields(function, args);
    }
    let args: Vec<DataType> = args.iter().map(DataType::remove_nullable).collect();
    let mut fields = function_fields(function, &args)?;
    if !ignores_nulls(function) {
        fields.push(field("not_null", ArrowType::Boolean));
    }
    Some(fields)
}

fn function_fields(function: &str, args: &[DataType]) -> Option<Vec<Field>> {
    let sum = || Some(average_type(args.first()?.base())?.arrow_type());
    let value = || Some(args.first()?.arrow_type());
    let seen = || field("seen", ArrowType::Boolean);
    // Bool adds up and joins as the number it is
    let number = || match args.first()?.base() {
        DataType::Bool => Some(ArrowType::UInt8),
        other => Some(other.arrow_type()),
    };
    Some(match function {
        "count" => vec![field("count", ArrowType::UInt64)],
        "sum" => vec![field("sum", sum_type(args.first()?.base())?.arrow_type())],
        "sumWithOverflow" => vec![field("sum", number()?)],
        "groupBitAnd" | "groupBitOr" | "groupBitXor" => vec![seen(), field("value", number()?)],
        "sumKahan" => match sum_type(args.first()?.base())? {
            decimal if decimal.is_decimal() => vec![field("sum", decimal.arrow_type())],
            _ => floats(&["sum", "compensation"]),
        },
        "avg" | "sumCount" => vec![field("sum", sum()?), field("count", ArrowType::UInt64)],
        "avgWeighted" => floats(&["sum", "weight"]),
        "min" | "max" | "any" | "anyLast" | "any_respect_nulls" | "anyLast_respect_nulls" => {
            vec![seen(), field("value", value()?)]
        }
        "argMin" | "argMax" => vec![seen(), field("value", value()?), field("key", args.get(1)?.arrow_type())],
        "varPop" | "varSamp" | "stddevPop" | "stddevSamp" => floats(&["count", "sum", "sum2"]),
        "varPopStable" | "varSampStable" | "stddevPopStable" | "stddevSampStable" => floats(&["count", "mean", "m2"]),
        "skewPop" | "skewSamp" => floats(&["count", "sum", "sum2", "sum3"]),
        "kurtPop" | "kurtSamp" => floats(&["count", "sum", "sum2", "sum3", "sum4"]),
        "covarPop" | "covarSamp" => floats(&["count", "x", "y", "xy"]),
        "covarPopStable" | "covarSampStable" => floats(&["count", "mean_x", "mean_y", "co_moment"]),
        "corr" => floats(&["count", "x", "y", "xy", "x2", "y2"]),
        "corrStable" => floats(&["count", "mean_x", "mean_y", "co_moment", "m2_x", "m2_y"]),
        "simpleLinearRegression" => floats(&["count", "x", "y", "xx", "xy"]),
        "boundingRatio" => floats(&["count", "left_x", "left_y", "right_x", "right_y"]),
        "sumMap" | "minMap" | "maxMap" if matches!(args.first()?.base(), DataType::Map(_)) => {
            combined_fields(function.strip_suffix("Map")?, Combinator::Map, args)?
        }
        "groupArray" => vec![field("values", ArrowType::List(Arc::new(field("item", value()?))))],
        _ => opaque(),
    })
}

/// The type that sums of `ty` have: the widest of its kind. `None` where there is no plain sum.
pub fn sum_type(ty: &DataType) -> Option<DataType> {
    Some(match ty {
        DataType::Bool | DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => DataType::UInt64,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 | DataType::Enum(_) => DataType::Int64,
        DataType::UInt128 => DataType::UInt128,
        DataType::UInt256 => DataType::UInt256,
        DataType::Int128 => DataType::Int128,
        DataType::Int256 => DataType::Int256,
        DataType::Float32 | DataType::Float64 => DataType::Float64,
        DataType::Decimal { precision, scale } if *precision <= 38 => {
            DataType::Decimal { precision: 38, scale: *scale }
        }
        DataType::Decimal { scale, .. } => DataType::Decimal { precision: 76, scale: *scale },
        _ => return None,
    })
}

/// The type in which `avg` adds up: that of the sum, and whole numbers for dates and times, which have no sum.
pub fn average_type(ty: &DataType) -> Option<DataType> {
    match ty {
        DataType::Date | DataType::DateTime(_) => Some(DataType::UInt64),
        DataType::Date32 | DataType::DateTime64 { .. } => Some(DataType::Int64),
        other => sum_type(other),
    }
}

/// True when the state of `signature` is made of plain fields.
pub fn is_plain(signature: &AggregateSignature) -> bool {
    state_fields(signature).iter().all(|field| field.name() != "bytes")
}

/// The state column type of `name(args)`, for callers that build one.
pub fn state_type(name: &str, args: &[DataType]) -> DataType {
    DataType::AggregateFunction(Arc::new(AggregateSignature {
        name: name.into(),
        params: Vec::new(),
        args: args.to_vec(),
        version: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let DataType::AggregateFunction(signature) = DataType::parse(text).unwrap() else { panic!("{text}") };
        state_fields(&signature).iter().map(|field| field.name().clone()).collect()
    }

    #[test]
    fn a_state_is_as_few_fields_as_its_algebra_needs() {
        assert_eq!(names("AggregateFunction(sum, UInt8)"), ["sum"]);
        assert_eq!(names("AggregateFunction(sum, Nullable(UInt8))"), ["sum", "not_null"]);
        assert_eq!(names("AggregateFunction(sumArrayIf, Array(UInt8), UInt8)"), ["sum"]);
        assert_eq!(names("AggregateFunction(avgOrNull, UInt8)"), ["sum", "count", "any_row"]);
        assert_eq!(names("AggregateFunction(uniq, Nullable(String))"), ["bytes"]);
        assert_eq!(names("AggregateFunction(sumForEach, Array(UInt8))"), ["states"]);
        assert_eq!(names("AggregateFunction(nosuch, UInt8)"), ["bytes"]);
    }
}
