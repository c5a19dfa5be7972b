//! One value out of a column. Decimals and wide integers as decimal text, UUID and IPv6 as their 16 bytes.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use types::{DataType, F64, Value, wide};

use crate::error::{Error, Result};

/// The value of `array` (of type `ty`) at `row`, which must be inside it. States of aggregates have no value.
pub fn value_at(ty: &DataType, array: &ArrayRef, row: usize) -> Result<Value> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    let signed = |value: i64| Ok(Value::Int(value));
    let unsigned = |value: u64| Ok(Value::UInt(value));
    match ty {
        DataType::Nothing => Ok(Value::Null),
        DataType::Bool => Ok(Value::Bool(array.as_boolean().value(row))),
        DataType::UInt8 => unsigned(array.as_primitive::<UInt8Type>().value(row).into()),
        DataType::UInt16 | DataType::Date => unsigned(array.as_primitive::<UInt16Type>().value(row).into()),
        DataType::UInt32 | DataType::DateTime(_) | DataType::Ipv4 => {
            unsigned(array.as_primitive::<UInt32Type>().value(row).into())
        }
        DataType::UInt64 => unsigned(array.as_primitive::<UInt64Type>().value(row)),
        DataType::Int8 => signed(array.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => signed(array.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 | DataType::Date32 => signed(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 | DataType::DateTime64 { .. } | DataType::Interval(_) => {
            signed(array.as_primitive::<Int64Type>().value(row))
        }
        DataType::Enum(values) if values.wide => signed(array.as_primitive::<Int16Type>().value(row).into()),
        DataType::Enum(_) => signed(array.as_primitive::<Int8Type>().value(row).into()),
        DataType::Float32 => Ok(Value::Float(F64(array.as_primitive::<Float32Type>().value(row).into()))),
        DataType::Float64 => Ok(Value::Float(F64(array.as_primitive::<Float64Type>().value(row)))),
        DataType::UInt128 | DataType::UInt256 | DataType::Int128 | DataType::Int256 => {
            let text = wide_text(ty, array.as_fixed_size_binary().value(row));
            Ok(Value::Number(text.ok_or(Error::Damaged("wide integer of another width"))?.into()))
        }
        DataType::Decimal { precision, .. } if *precision <= 38 => {
            Ok(Value::Number(array.as_primitive::<Decimal128Type>().value_as_string(row).into()))
        }
        DataType::Decimal { .. } => {
            Ok(Value::Number(array.as_primitive::<Decimal256Type>().value_as_string(row).into()))
        }
        DataType::String => Ok(Value::String(array.as_binary::<i32>().value(row).into())),
        DataType::FixedString(_) | DataType::Uuid | DataType::Ipv6 => {
            Ok(Value::String(array.as_fixed_size_binary().value(row).into()))
        }
        DataType::Nullable(inner) | DataType::LowCardinality(inner) => value_at(inner, array, row),
        DataType::SimpleAggregateFunction(signature) => match signature.args.first() {
            Some(inner) => value_at(inner, array, row),
            None => Err(Error::Damaged("simple aggregate function without an argument")),
        },
        DataType::Array(inner) => {
            let items = array.as_list::<i32>().value(row);
            let items: Result<Vec<Value>> = (0..items.len()).map(|i| value_at(inner, &items, i)).collect();
            Ok(Value::Array(items?.into()))
        }
        DataType::Tuple(fields) => {
            let columns = array.as_struct().columns();
            let items: Result<Vec<Value>> = fields.iter().zip(columns).map(|(f, c)| value_at(&f.ty, c, row)).collect();
            Ok(Value::Tuple(items?.into()))
        }
        DataType::Map(entry) => {
            let items = array.as_list::<i32>().value(row);
            let columns = items.as_struct();
            let pair = |i| Ok((value_at(&entry.0, columns.column(0), i)?, value_at(&entry.1, columns.column(1), i)?));
            let pairs: Result<Vec<(Value, Value)>> = (0..items.len()).map(pair).collect();
            Ok(Value::Map(pairs?.into()))
        }
        DataType::AggregateFunction(_) => Err(Error::Damaged("the state of an aggregate function is not a value")),
    }
}

/// A wide integer's cell as decimal text.
fn wide_text(ty: &DataType, cell: &[u8]) -> Option<String> {
    Some(match ty {
        DataType::UInt128 => wide::u128_from_cell(cell)?.to_string(),
        DataType::Int128 => wide::i128_from_cell(cell)?.to_string(),
        DataType::Int256 => wide::i256_from_cell(cell)?.to_string(),
        _ => {
            let (high, low) = wide::u256_from_cell(cell)?;
            wide::u256_to_text(high, low)
        }
    })
}
