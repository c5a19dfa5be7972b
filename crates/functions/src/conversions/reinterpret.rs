//! The bytes of a value as a value of another type: `reinterpret(x, 'T')`, `reinterpretAsUInt64`, …
//!
//! Bytes are little-endian, as in memory; too few are filled with zeros, too many cut off.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, FixedSizeBinaryBuilder, PrimitiveArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType as ArrowType, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type, i256,
};
use types::DataType;

use crate::columns::Texts;
use crate::error::{Error, Result};
use crate::frame::{Definition, Resolved};
use crate::request::Request;

macro_rules! reinterprets {
    ($($name:literal),*) => { &[
        Definition::new("reinterpret", to_named),
        $(Definition::new(concat!("reinterpretAs", $name), to_suffix),)*
    ] };
}

pub(crate) const REINTERPRETS: &[Definition] = reinterprets!(
    "UInt8",
    "UInt16",
    "UInt32",
    "UInt64",
    "UInt128",
    "UInt256",
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "Int128",
    "Int256",
    "Float32",
    "Float64",
    "Date",
    "DateTime",
    "UUID",
    "String",
    "FixedString"
);

fn to_named(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let to = DataType::parse(&request.constant_text(1)?)?;
    resolve(request, to)
}

fn to_suffix(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let name = request.name.strip_prefix("reinterpretAs").unwrap_or(request.name);
    let to = match name {
        "FixedString" => {
            let width = width(request.ty(0)).ok_or_else(|| request.wrong_type(0, "a value of fixed length"))?;
            DataType::FixedString(width as u32)
        }
        name => DataType::parse(name)?,
    };
    resolve(request, to)
}

fn resolve(request: &Request<'_>, to: DataType) -> Result<Resolved> {
    let from = request.ty(0).clone();
    if !from.is_string() && width(&from).is_none() {
        return Err(request.wrong_type(0, "a value of fixed length or a string"));
    }
    if to != DataType::String && width(&to).is_none() {
        return Err(request.bad(format!("bytes are not reinterpreted as {to}")));
    }
    Ok(Resolved::new(to.clone(), move |args, call| {
        let rows = bytes(&args[0].expand(call.rows)?, &from)?;
        values(&rows, &from, &to)
    }))
}

/// Bytes of a value in memory, `None` where that differs from row to row.
fn width(ty: &DataType) -> Option<usize> {
    match ty {
        DataType::FixedString(width) => Some(*width as usize),
        DataType::Decimal { precision, .. } => Some(match precision {
            0..=9 => 4,
            10..=18 => 8,
            19..=38 => 16,
            _ => 32,
        }),
        other => match other.arrow_type() {
            ArrowType::FixedSizeBinary(width) => Some(width as usize),
            ArrowType::Boolean => Some(1),
            plain => plain.primitive_width(),
        },
    }
}

fn unsupported(ty: &ArrowType) -> Error {
    Error::NotImplemented(format!("reinterpreting bytes of {ty}"))
}

/// The value's bytes as they lie in ClickHouse's memory.
fn bytes(array: &ArrayRef, ty: &DataType) -> Result<Vec<Vec<u8>>> {
    fn native<T: ArrowPrimitiveType>(array: &ArrayRef, bytes: impl Fn(T::Native) -> Vec<u8>) -> Vec<Vec<u8>> {
        array.as_primitive::<T>().values().iter().map(|v| bytes(*v)).collect()
    }
    Ok(match array.data_type() {
        ArrowType::Binary => array.as_binary::<i32>().iter().map(|v| v.unwrap_or_default().to_vec()).collect(),
        ArrowType::FixedSizeBinary(_) => {
            let cells = array.as_fixed_size_binary();
            (0..cells.len()).map(|row| memory_of_cell(cells.value(row), ty)).collect()
        }
        ArrowType::Boolean => (0..array.len()).map(|row| vec![u8::from(array.as_boolean().value(row))]).collect(),
        ArrowType::UInt8 => native::<UInt8Type>(array, |v| v.to_le_bytes().to_vec()),
        ArrowType::UInt16 => native::<UInt16Type>(array, |v| v.to_le_bytes().to_vec()),
        ArrowType::UInt32 => native::<UInt32Type>(array, |v| v.to_le_bytes().to_vec()),
        ArrowType::UInt64 => native::<UInt64Type>(array, |v| v.to_le_bytes().to_vec()),
        ArrowType::Int8 => native::<Int8Type>(array, |v| v.to_le_bytes().to_vec()),
        ArrowType::Int16 => native::<Int16Type>(array, |v| v.to_le_bytes().to_vec()),
        ArrowType::Int32 => native::<Int32Type>(array, |v| v.to_le_bytes().to_vec()),
        ArrowType::Int64 => native::<Int64Type>(array, |v| v.to_le_bytes().to_vec()),
        ArrowType::Float32 => native::<Float32Type>(array, |v| v.to_le_bytes().to_vec()),
        ArrowType::Float64 => native::<Float64Type>(array, |v| v.to_le_bytes().to_vec()),
        ArrowType::Decimal128(..) => {
            let width = width(ty).unwrap_or(16);
            native::<Decimal128Type>(array, |v| v.to_le_bytes()[..width].to_vec())
        }
        ArrowType::Decimal256(..) => native::<Decimal256Type>(array, |v| v.to_le_bytes().to_vec()),
        other => return Err(unsupported(other)),
    })
}

/// Cells are in an order that sorts; memory is little-endian (and UUIDs are two little-endian halves).
fn memory_of_cell(cell: &[u8], ty: &DataType) -> Vec<u8> {
    let mut memory = cell.to_vec();
    match ty {
        DataType::FixedString(_) | DataType::Ipv6 => {}
        DataType::Uuid => memory.chunks_mut(8).for_each(<[u8]>::reverse),
        _ => {
            if let (true, Some(first)) = (ty.is_signed(), memory.first_mut()) {
                *first ^= 0x80;
            }
            memory.reverse();
        }
    }
    memory
}

/// The way back from [`memory_of_cell`].
fn cell_of_memory(memory: &[u8], ty: &DataType) -> Vec<u8> {
    let mut cell = memory.to_vec();
    match ty {
        DataType::FixedString(_) | DataType::Ipv6 => {}
        DataType::Uuid => cell.chunks_mut(8).for_each(<[u8]>::reverse),
        _ => {
            cell.reverse();
            if let (true, Some(first)) = (ty.is_signed(), cell.first_mut()) {
                *first ^= 0x80;
            }
        }
    }
    cell
}

fn values(rows: &[Vec<u8>], from: &DataType, to: &DataType) -> Result<ArrayRef> {
    let fill = |width: usize| {
        rows.iter().map(move |bytes| {
            let mut filled = bytes.clone();
            filled.resize(width, 0);
            filled
        })
    };
    fn native<T: ArrowPrimitiveType, const N: usize>(
        rows: impl Iterator<Item = Vec<u8>>,
        to: &DataType,
        value: impl Fn([u8; N]) -> T::Native,
    ) -> ArrayRef {
        let values = rows.map(|bytes| value(bytes.try_into().unwrap_or([0; N])));
        Arc::new(PrimitiveArray::<T>::from_iter_values(values).with_data_type(to.arrow_type()))
    }
    Ok(match to.arrow_type() {
        ArrowType::Binary => return strings(rows, from),
        ArrowType::FixedSizeBinary(width) => {
            let mut builder = FixedSizeBinaryBuilder::with_capacity(rows.len(), width);
            for memory in fill(width as usize) {
                builder.append_value(cell_of_memory(&memory, to))?;
            }
            Arc::new(builder.finish())
        }
        ArrowType::Boolean => {
            Arc::new(fill(1).map(|bytes| Some(bytes.first() != Some(&0))).collect::<arrow::array::BooleanArray>())
        }
        ArrowType::UInt8 => native::<UInt8Type, 1>(fill(1), to, u8::from_le_bytes),
        ArrowType::UInt16 => native::<UInt16Type, 2>(fill(2), to, u16::from_le_bytes),
        ArrowType::UInt32 => native::<UInt32Type, 4>(fill(4), to, u32::from_le_bytes),
        ArrowType::UInt64 => native::<UInt64Type, 8>(fill(8), to, u64::from_le_bytes),
        ArrowType::Int8 => native::<Int8Type, 1>(fill(1), to, i8::from_le_bytes),
        ArrowType::Int16 => native::<Int16Type, 2>(fill(2), to, i16::from_le_bytes),
        ArrowType::Int32 => native::<Int32Type, 4>(fill(4), to, i32::from_le_bytes),
        ArrowType::Int64 => native::<Int64Type, 8>(fill(8), to, i64::from_le_bytes),
        ArrowType::Float32 => native::<Float32Type, 4>(fill(4), to, f32::from_le_bytes),
        ArrowType::Float64 => native::<Float64Type, 8>(fill(8), to, f64::from_le_bytes),
        ArrowType::Decimal128(..) => match width(to) {
            Some(4) => native::<Decimal128Type, 4>(fill(4), to, |b| i32::from_le_bytes(b).into()),
            Some(8) => native::<Decimal128Type, 8>(fill(8), to, |b| i64::from_le_bytes(b).into()),
            _ => native::<Decimal128Type, 16>(fill(16), to, i128::from_le_bytes),
        },
        ArrowType::Decimal256(..) => native::<Decimal256Type, 32>(fill(32), to, i256::from_le_bytes),
        other => return Err(unsupported(&other)),
    })
}

/// A number's bytes without the zeros above its highest; strings as they are.
fn strings(rows: &[Vec<u8>], from: &DataType) -> Result<ArrayRef> {
    if *from == DataType::String {
        return Ok(Arc::new(BinaryArray::from_iter_values(rows)));
    }
    let mut texts = Texts::with_capacity(rows.len(), rows.len() * 8);
    for bytes in rows {
        let length = bytes.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
        texts.push(&bytes[..length])?;
    }
    Ok(texts.finish())
}
