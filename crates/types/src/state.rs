//! The Arrow fields of aggregate states: what an `AggregateFunction(f, T…)` column is made of.
//!
//! Plain states are the few fields that their algebra needs, so that merging is vectorised; all others are one opaque
//! `bytes` field in the encoding of crate `aggregate`, which must agree with this table. On disk: entries can be added,
//! never changed.

use std::sync::Arc;

use arrow::datatypes::{DataType as ArrowType, Field, Fields};

use crate::data_type::{AggregateSignature, DataType};

/// The fields of the state of `signature`.
pub fn state_fields(signature: &AggregateSignature) -> Fields {
    fields_of(&signature.name, &signature.args).unwrap_or_else(opaque)
}

/// One field of bytes.
fn opaque() -> Fields {
    Fields::from(vec![Field::new("bytes", ArrowType::Binary, true)])
}

fn fields_of(name: &str, args: &[DataType]) -> Option<Fields> {
    let field = |name: &str, ty: ArrowType| Field::new(name, ty, true);
    match name {
        "count" => Some(Fields::from(vec![field("count", ArrowType::UInt64)])),
        "sum" => {
            let sum = sum_type(args.first()?.base())?;
            Some(Fields::from(vec![field("sum", sum.arrow_type())]))
        }
        "avg" => {
            let sum = sum_type(args.first()?.base())?;
            Some(Fields::from(vec![field("sum", sum.arrow_type()), field("count", ArrowType::UInt64)]))
        }
        "min" | "max" | "any" | "anyLast" => {
            Some(Fields::from(vec![field("seen", ArrowType::Boolean), field("value", args.first()?.arrow_type())]))
        }
        "argMin" | "argMax" => Some(Fields::from(vec![
            field("seen", ArrowType::Boolean),
            field("value", args.first()?.arrow_type()),
            field("key", args.get(1)?.arrow_type()),
        ])),
        _ => {
            // -If keeps the state of the function below it: its condition only chooses rows
            let inner = name.strip_suffix("If")?;
            fields_of(inner, args.split_last()?.1)
        }
    }
}

/// The type that sums of `ty` have: the widest of its kind. `None` where there is no plain sum.
pub fn sum_type(ty: &DataType) -> Option<DataType> {
    Some(match ty {
        DataType::Bool | DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => DataType::UInt64,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 | DataType::Interval(_) => DataType::Int64,
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

/// True when the state of `signature` is made of plain fields.
pub fn is_plain(signature: &AggregateSignature) -> bool {
    fields_of(&signature.name, &signature.args).is_some()
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
