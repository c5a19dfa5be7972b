//! One value in ClickHouse's binary forms.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::*;
use types::{DataType as Type, wide};

use super::range;
use crate::bytes::{write_sized, write_varint};
use crate::error::{Error, Result};

fn bad(array: &ArrayRef) -> Error {
    Error::ArrowType {
        expected: "the Arrow type of the column's type".to_owned(),
        found: array.data_type().to_string(),
    }
}

/// The form of RowBinary: numbers little endian, strings with their length in LEB128 before them.
pub(super) fn write_value(ty: &Type, array: &ArrayRef, row: usize, out: &mut Vec<u8>) -> Result<()> {
    match ty {
        Type::LowCardinality(inner) => write_value(inner, array, row, out),
        Type::SimpleAggregateFunction(signature) => write_value(&signature.args[0], array, row, out),
        Type::Nullable(inner) => {
            out.push(u8::from(array.is_null(row)));
            if array.is_null(row) { Ok(()) } else { write_value(inner, array, row, out) }
        }
        Type::String => {
            write_sized(array.as_binary_opt::<i32>().ok_or_else(|| bad(array))?.value(row), out);
            Ok(())
        }
        Type::Array(item) => {
            let list = super::list(array)?;
            let items = range(list, row);
            write_varint(items.len() as u64, out);
            items.into_iter().try_for_each(|i| write_value(item, list.values(), i, out))
        }
        Type::Map(entry) => {
            let list = super::list(array)?;
            let items = range(list, row);
            write_varint(items.len() as u64, out);
            let entries = list.values().as_struct_opt().ok_or_else(|| bad(array))?;
            items.into_iter().try_for_each(|i| {
                write_value(&entry.0, entries.column(0), i, out)?;
                write_value(&entry.1, entries.column(1), i, out)
            })
        }
        Type::Tuple(fields) => {
            let columns = array.as_struct_opt().ok_or_else(|| bad(array))?;
            fields
                .iter()
                .zip(columns.columns())
                .try_for_each(|(field, column)| write_value(&field.ty, column, row, out))
        }
        other => write_fixed(other, array, row, out),
    }
}

/// The form in an arena: as RowBinary, but strings end in 0 and lengths are 8 bytes.
pub(super) fn write_arena(ty: &Type, array: &ArrayRef, row: usize, out: &mut Vec<u8>) -> Result<()> {
    match ty {
        Type::LowCardinality(inner) => write_arena(inner, array, row, out),
        Type::Nullable(inner) => {
            out.push(u8::from(array.is_null(row)));
            if array.is_null(row) { Ok(()) } else { write_arena(inner, array, row, out) }
        }
        Type::String => {
            let text = array.as_binary_opt::<i32>().ok_or_else(|| bad(array))?.value(row);
            out.extend_from_slice(&(text.len() as u64 + 1).to_le_bytes());
            out.extend_from_slice(text);
            out.push(0);
            Ok(())
        }
        Type::Array(item) => {
            let list = super::list(array)?;
            let items = range(list, row);
            out.extend_from_slice(&(items.len() as u64).to_le_bytes());
            items.into_iter().try_for_each(|i| write_arena(item, list.values(), i, out))
        }
        Type::Tuple(fields) => {
            let columns = array.as_struct_opt().ok_or_else(|| bad(array))?;
            fields
                .iter()
                .zip(columns.columns())
                .try_for_each(|(field, column)| write_arena(&field.ty, column, row, out))
        }
        other => write_value(other, array, row, out),
    }
}

/// True for types whose values all have the same number of bytes.
pub(super) fn is_fixed(ty: &Type) -> bool {
    !matches!(
        ty,
        Type::String | Type::Array(_) | Type::Map(_) | Type::Tuple(_) | Type::Nullable(_) | Type::AggregateFunction(_)
    )
}

fn write_fixed(ty: &Type, array: &ArrayRef, row: usize, out: &mut Vec<u8>) -> Result<()> {
    macro_rules! little_endian {
        ($ty:ty) => {
            out.extend_from_slice(&array.as_primitive_opt::<$ty>().ok_or_else(|| bad(array))?.value(row).to_le_bytes())
        };
    }
    match array.data_type() {
        DataType::Boolean => out.push(u8::from(array.as_boolean().value(row))),
        DataType::UInt8 => little_endian!(UInt8Type),
        DataType::UInt16 => little_endian!(UInt16Type),
        DataType::UInt32 => little_endian!(UInt32Type),
        DataType::UInt64 => little_endian!(UInt64Type),
        DataType::Int8 => little_endian!(Int8Type),
        DataType::Int16 => little_endian!(Int16Type),
        DataType::Int32 => little_endian!(Int32Type),
        DataType::Int64 => little_endian!(Int64Type),
        DataType::Float32 => little_endian!(Float32Type),
        DataType::Float64 => little_endian!(Float64Type),
        DataType::Decimal128(..) => {
            let bytes = array.as_primitive::<Decimal128Type>().value(row).to_le_bytes();
            // ClickHouse's decimals are as wide as their digits need
            let width = match ty {
                Type::Decimal { precision: 0..=9, .. } => 4,
                Type::Decimal { precision: 10..=18, .. } => 8,
                _ => 16,
            };
            out.extend_from_slice(&bytes[..width]);
        }
        DataType::Decimal256(..) => little_endian!(Decimal256Type),
        DataType::FixedSizeBinary(_) => write_bytes(ty, array.as_fixed_size_binary().value(row), out),
        _ => return Err(bad(array)),
    }
    Ok(())
}

fn write_bytes(ty: &Type, bytes: &[u8], out: &mut Vec<u8>) {
    match ty {
        Type::Uuid => {
            let (high, low) = bytes.split_at(bytes.len() / 2);
            out.extend(high.iter().rev());
            out.extend(low.iter().rev());
        }
        Type::UInt128 | Type::UInt256 => out.extend(bytes.iter().rev()),
        Type::Int128 => out.extend_from_slice(&wide::i128_from_cell(bytes).unwrap_or_default().to_le_bytes()),
        Type::Int256 => out.extend_from_slice(&wide::i256_from_cell(bytes).unwrap_or_default().to_le_bytes()),
        _ => out.extend_from_slice(bytes),
    }
}
