//! The one table from ClickHouse types to Arrow types.
//!
//! It is on disk in every part and log record: an entry can be added, never changed. All fields are nullable for Arrow;
//! what may be NULL is said by the ClickHouse type alone.

use std::sync::Arc;

use arrow::datatypes::{DataType as ArrowType, Field, Fields};

use super::DataType;
use crate::state::state_fields;

/// Name of the element field of lists.
pub const LIST_ITEM: &str = "item";

impl DataType {
    /// The Arrow type of this type's columns.
    pub fn arrow_type(&self) -> ArrowType {
        match self {
            DataType::Nothing => ArrowType::Null,
            DataType::Bool => ArrowType::Boolean,
            DataType::UInt8 => ArrowType::UInt8,
            DataType::UInt16 | DataType::Date => ArrowType::UInt16,
            DataType::UInt32 | DataType::DateTime(_) | DataType::Ipv4 => ArrowType::UInt32,
            DataType::UInt64 => ArrowType::UInt64,
            DataType::Int8 => ArrowType::Int8,
            DataType::Int16 => ArrowType::Int16,
            DataType::Int32 | DataType::Date32 => ArrowType::Int32,
            DataType::Int64 | DataType::DateTime64 { .. } | DataType::Interval(_) => ArrowType::Int64,
            DataType::UInt128 | DataType::Int128 | DataType::Uuid | DataType::Ipv6 => ArrowType::FixedSizeBinary(16),
            DataType::UInt256 | DataType::Int256 => ArrowType::FixedSizeBinary(32),
            DataType::Float32 => ArrowType::Float32,
            DataType::Float64 => ArrowType::Float64,
            DataType::Decimal { precision, scale } if *precision <= 38 => ArrowType::Decimal128(38, *scale as i8),
            DataType::Decimal { scale, .. } => ArrowType::Decimal256(76, *scale as i8),
            DataType::String => ArrowType::Binary,
            DataType::FixedString(n) => ArrowType::FixedSizeBinary(*n as i32),
            DataType::Enum(values) if values.wide => ArrowType::Int16,
            DataType::Enum(_) => ArrowType::Int8,
            DataType::Array(inner) => ArrowType::List(Arc::new(Field::new(LIST_ITEM, inner.arrow_type(), true))),
            DataType::Tuple(fields) => ArrowType::Struct(
                fields
                    .iter()
                    .enumerate()
                    .map(|(i, f)| Field::new((i + 1).to_string(), f.ty.arrow_type(), true))
                    .collect(),
            ),
            DataType::Map(entry) => ArrowType::List(Arc::new(Field::new(
                LIST_ITEM,
                ArrowType::Struct(Fields::from(vec![
                    Field::new("key", entry.0.arrow_type(), true),
                    Field::new("value", entry.1.arrow_type(), true),
                ])),
                true,
            ))),
            DataType::Nullable(inner) | DataType::LowCardinality(inner) => inner.arrow_type(),
            DataType::AggregateFunction(signature) => ArrowType::Struct(state_fields(signature)),
            DataType::SimpleAggregateFunction(signature) => signature.args[0].arrow_type(),
        }
    }
}
