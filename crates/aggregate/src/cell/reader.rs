//! Columns to cells.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, ListArray, PrimitiveArray, StructArray,
};
use arrow::datatypes::*;

use super::shape::{FixedOrder, Nulls, Shape};
use crate::error::{Error, Result};

/// A column whose values can be written as cells.
pub(crate) struct CellReader {
    column: Column,
    raw: bool,
}

enum Column {
    Null,
    Bool(BooleanArray),
    U8(PrimitiveArray<UInt8Type>),
    U16(PrimitiveArray<UInt16Type>),
    U32(PrimitiveArray<UInt32Type>),
    U64(PrimitiveArray<UInt64Type>),
    I8(PrimitiveArray<Int8Type>),
    I16(PrimitiveArray<Int16Type>),
    I32(PrimitiveArray<Int32Type>),
    I64(PrimitiveArray<Int64Type>),
    F32(PrimitiveArray<Float32Type>, Nulls),
    F64(PrimitiveArray<Float64Type>, Nulls),
    D128(PrimitiveArray<Decimal128Type>),
    D256(PrimitiveArray<Decimal256Type>),
    Bytes(BinaryArray),
    Fixed(FixedSizeBinaryArray, FixedOrder),
    Nullable(ArrayRef, Box<Column>, Nulls),
    List(ListArray, Box<Column>),
    Struct(Vec<Column>),
}

impl CellReader {
    /// The cells of `array`, which must have the Arrow type of the shape's type. Strings at the top are raw.
    pub fn new(shape: &Shape, array: &ArrayRef, nulls: Nulls) -> Result<CellReader> {
        Ok(CellReader { raw: shape.is_raw(), column: Column::new(shape, array, nulls)? })
    }

    /// As [`CellReader::new`], with strings at the top escaped, so that cells can stand one after another.
    pub fn delimited(shape: &Shape, array: &ArrayRef) -> Result<CellReader> {
        Ok(CellReader { raw: false, column: Column::new(shape, array, Nulls::Last)? })
    }

    /// Appends the cell of `row`.
    #[inline]
    pub fn write(&self, row: usize, out: &mut Vec<u8>) {
        match (&self.column, self.raw) {
            (Column::Bytes(array), true) => out.extend_from_slice(array.value(row)),
            (column, _) => column.write(row, out),
        }
    }

    /// True when `row` is a float that is no number.
    pub fn is_nan(&self, row: usize) -> bool {
        match &self.column {
            Column::F32(array, _) => array.value(row).is_nan(),
            Column::F64(array, _) => array.value(row).is_nan(),
            _ => false,
        }
    }

    /// The cell of `row`; `scratch` is where it is built unless the column holds it as it is.
    #[inline]
    pub fn cell<'a>(&'a self, row: usize, scratch: &'a mut Vec<u8>) -> &'a [u8] {
        match (&self.column, self.raw) {
            (Column::Bytes(array), true) => array.value(row),
            (column, _) => {
                scratch.clear();
                column.write(row, scratch);
                scratch
            }
        }
    }
}

fn typed<T: Clone + 'static>(array: &ArrayRef, expected: &'static str) -> Result<T> {
    array
        .as_any()
        .downcast_ref::<T>()
        .cloned()
        .ok_or_else(|| Error::ArrowType { expected: expected.to_owned(), found: array.data_type().to_string() })
}

impl Column {
    fn new(shape: &Shape, array: &ArrayRef, nulls: Nulls) -> Result<Column> {
        Ok(match shape {
            Shape::Null => Column::Null,
            Shape::Bool => Column::Bool(typed(array, "Boolean")?),
            Shape::U8 => Column::U8(typed(array, "UInt8")?),
            Shape::U16 => Column::U16(typed(array, "UInt16")?),
            Shape::U32 => Column::U32(typed(array, "UInt32")?),
            Shape::U64 => Column::U64(typed(array, "UInt64")?),
            Shape::I8 => Column::I8(typed(array, "Int8")?),
            Shape::I16 => Column::I16(typed(array, "Int16")?),
            Shape::I32 => Column::I32(typed(array, "Int32")?),
            Shape::I64 => Column::I64(typed(array, "Int64")?),
            Shape::F32 => Column::F32(typed(array, "Float32")?, nulls),
            Shape::F64 => Column::F64(typed(array, "Float64")?, nulls),
            Shape::D128(_) => Column::D128(typed(array, "Decimal128")?),
            Shape::D256(_) => Column::D256(typed(array, "Decimal256")?),
            Shape::Bytes => Column::Bytes(typed(array, "Binary")?),
            Shape::Fixed(_, order) => Column::Fixed(typed(array, "FixedSizeBinary")?, *order),
            Shape::Nullable(inner) => {
                Column::Nullable(Arc::clone(array), Box::new(Column::new(inner, array, nulls)?), nulls)
            }
            Shape::List(item, _) => {
                let list: ListArray = typed(array, "List")?;
                let items = Column::new(item, list.values(), nulls)?;
                Column::List(list, Box::new(items))
            }
            Shape::Struct(shapes, _) => {
                let fields: StructArray = typed(array, "Struct")?;
                if fields.num_columns() < shapes.len() {
                    return Err(Error::ArrowType {
                        expected: format!("{} fields", shapes.len()),
                        found: array.data_type().to_string(),
                    });
                }
                let columns = shapes.iter().zip(fields.columns()).map(|(s, column)| Column::new(s, column, nulls));
                Column::Struct(columns.collect::<Result<_>>()?)
            }
        })
    }

    fn write(&self, row: usize, out: &mut Vec<u8>) {
        match self {
            Column::Null => {}
            Column::Bool(array) => out.push(u8::from(array.value(row))),
            Column::U8(array) => out.push(array.value(row)),
            Column::U16(array) => out.extend_from_slice(&array.value(row).to_be_bytes()),
            Column::U32(array) => out.extend_from_slice(&array.value(row).to_be_bytes()),
            Column::U64(array) => out.extend_from_slice(&array.value(row).to_be_bytes()),
            Column::I8(array) => write_signed(&array.value(row).to_be_bytes(), out),
            Column::I16(array) => write_signed(&array.value(row).to_be_bytes(), out),
            Column::I32(array) => write_signed(&array.value(row).to_be_bytes(), out),
            Column::I64(array) => write_signed(&array.value(row).to_be_bytes(), out),
            Column::F32(array, nulls) => out.extend_from_slice(&sortable_f32(array.value(row), *nulls).to_be_bytes()),
            Column::F64(array, nulls) => out.extend_from_slice(&sortable_f64(array.value(row), *nulls).to_be_bytes()),
            Column::D128(array) => write_signed(&array.value(row).to_be_bytes(), out),
            Column::D256(array) => write_signed(&array.value(row).to_be_bytes(), out),
            Column::Bytes(array) => write_string(array.value(row), out),
            Column::Fixed(array, order) => write_fixed(array.value(row), *order, out),
            Column::Nullable(array, inner, nulls) => match (array.is_null(row), nulls) {
                (true, Nulls::First) => out.push(0),
                (true, Nulls::Last) => out.push(2),
                (false, _) => {
                    out.push(1);
                    inner.write(row, out);
                }
            },
            Column::List(list, items) => {
                let offsets = list.value_offsets();
                for item in offsets[row]..offsets[row + 1] {
                    out.push(1);
                    items.write(item as usize, out);
                }
                out.push(0);
            }
            Column::Struct(columns) => columns.iter().for_each(|column| column.write(row, out)),
        }
    }
}

/// Big endian with the sign bit flipped.
fn write_signed(big_endian: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(big_endian);
    if let Some(first) = out.get_mut(start) {
        *first ^= 0x80;
    }
}

fn write_string(value: &[u8], out: &mut Vec<u8>) {
    for byte in value {
        out.push(*byte);
        if *byte == 0 {
            out.push(0xFF);
        }
    }
    out.extend_from_slice(&[0, 0]);
}

fn write_fixed(value: &[u8], order: FixedOrder, out: &mut Vec<u8>) {
    match order {
        FixedOrder::Bytes => out.extend_from_slice(value),
        FixedOrder::Uuid => {
            let (first, second) = value.split_at(value.len() / 2);
            out.extend_from_slice(second);
            out.extend_from_slice(first);
        }
    }
}

/// Bits that sort as the numbers do; NaN first or last of all.
pub(super) fn sortable_f64(value: f64, nulls: Nulls) -> u64 {
    if value.is_nan() {
        return if nulls == Nulls::First { 0 } else { u64::MAX };
    }
    let bits = value.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

pub(super) fn sortable_f32(value: f32, nulls: Nulls) -> u32 {
    if value.is_nan() {
        return if nulls == Nulls::First { 0 } else { u32::MAX };
    }
    let bits = value.to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}
