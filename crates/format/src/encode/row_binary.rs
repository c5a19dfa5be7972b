//! RowBinary: values as little-endian bytes, row by row, as ClickHouse documents them.

use arrow::array::{Array, AsArray, ListArray, StructArray};
use arrow::datatypes::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use types::{Block, DataType, Header, wide};

use super::tsv::Lines;
use super::{Encode, Statistics};

pub(super) struct RowBinary {
    header: Header,
    lines: Lines,
}

impl RowBinary {
    pub(super) fn new(header: &Header, lines: Lines) -> RowBinary {
        RowBinary { header: header.clone(), lines }
    }
}

/// Appends a LEB128 number.
pub(super) fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

pub(super) fn write_value(out: &mut Vec<u8>, ty: &DataType, array: &dyn Array, row: usize) {
    match ty {
        DataType::Nullable(inner) => {
            let null = super::is_null(array, row);
            out.push(null.into());
            if !null {
                write_value(out, inner, array, row);
            }
        }
        DataType::LowCardinality(inner) => write_value(out, inner, array, row),
        DataType::SimpleAggregateFunction(s) => write_value(out, &s.args[0], array, row),
        DataType::String => write_bytes(out, array.as_binary::<i32>().value(row)),
        DataType::Array(inner) => {
            let list: &ListArray = array.as_list();
            let (start, end) = (list.value_offsets()[row] as usize, list.value_offsets()[row + 1] as usize);
            write_varint(out, (end - start) as u64);
            (start..end).for_each(|i| write_value(out, inner, list.values(), i));
        }
        DataType::Map(entry) => {
            let list: &ListArray = array.as_list();
            let (start, end) = (list.value_offsets()[row] as usize, list.value_offsets()[row + 1] as usize);
            let pairs: &StructArray = list.values().as_struct();
            write_varint(out, (end - start) as u64);
            for i in start..end {
                write_value(out, &entry.0, pairs.column(0), i);
                write_value(out, &entry.1, pairs.column(1), i);
            }
        }
        DataType::Tuple(fields) => {
            let tuple: &StructArray = array.as_struct();
            fields.iter().zip(tuple.columns()).for_each(|(field, array)| write_value(out, &field.ty, array, row));
        }
        // the caller gives its bytes, which tell themselves where they end
        DataType::AggregateFunction(_) => out.extend_from_slice(array.as_binary::<i32>().value(row)),
        fixed => write_fixed(out, fixed, array, row),
    }
}

fn write_fixed(out: &mut Vec<u8>, ty: &DataType, array: &dyn Array, row: usize) {
    match ty {
        DataType::Bool => out.push(array.as_boolean().value(row).into()),
        DataType::UInt8 => out.push(array.as_primitive::<UInt8Type>().value(row)),
        DataType::UInt16 | DataType::Date => {
            out.extend_from_slice(&array.as_primitive::<UInt16Type>().value(row).to_le_bytes());
        }
        DataType::UInt32 | DataType::DateTime(_) | DataType::Ipv4 => {
            out.extend_from_slice(&array.as_primitive::<UInt32Type>().value(row).to_le_bytes());
        }
        DataType::UInt64 => out.extend_from_slice(&array.as_primitive::<UInt64Type>().value(row).to_le_bytes()),
        DataType::Int8 => out.extend_from_slice(&array.as_primitive::<Int8Type>().value(row).to_le_bytes()),
        DataType::Int16 => out.extend_from_slice(&array.as_primitive::<Int16Type>().value(row).to_le_bytes()),
        DataType::Enum(values) if values.wide => {
            out.extend_from_slice(&array.as_primitive::<Int16Type>().value(row).to_le_bytes());
        }
        DataType::Enum(_) => out.extend_from_slice(&array.as_primitive::<Int8Type>().value(row).to_le_bytes()),
        DataType::Int32 | DataType::Date32 => {
            out.extend_from_slice(&array.as_primitive::<Int32Type>().value(row).to_le_bytes());
        }
        DataType::Int64 | DataType::DateTime64 { .. } | DataType::Interval(_) => {
            out.extend_from_slice(&array.as_primitive::<Int64Type>().value(row).to_le_bytes());
        }
        DataType::Float32 => out.extend_from_slice(&array.as_primitive::<Float32Type>().value(row).to_le_bytes()),
        DataType::Float64 => out.extend_from_slice(&array.as_primitive::<Float64Type>().value(row).to_le_bytes()),
        DataType::Decimal { precision, .. } => write_decimal(out, *precision, array, row),
        other => write_fixed_bytes(out, other, array, row),
    }
}

/// A decimal is an integer of the width that its precision needs.
fn write_decimal(out: &mut Vec<u8>, precision: u8, array: &dyn Array, row: usize) {
    if precision > 38 {
        let value = array.as_primitive::<arrow::datatypes::Decimal256Type>().value(row);
        return out.extend_from_slice(&value.to_le_bytes());
    }
    let value = array.as_primitive::<arrow::datatypes::Decimal128Type>().value(row).to_le_bytes();
    let width = match precision {
        0..=9 => 4,
        10..=18 => 8,
        _ => 16,
    };
    out.extend_from_slice(&value[..width]);
}

/// Types that are fixed bytes in columns: wide integers little-endian, a UUID as two little-endian halves.
fn write_fixed_bytes(out: &mut Vec<u8>, ty: &DataType, array: &dyn Array, row: usize) {
    let Some(fixed) = array.as_fixed_size_binary_opt() else { return };
    let cell = fixed.value(row);
    match ty {
        DataType::UInt128 => out.extend_from_slice(&wide::u128_from_cell(cell).unwrap_or(0).to_le_bytes()),
        DataType::Int128 => out.extend_from_slice(&wide::i128_from_cell(cell).unwrap_or(0).to_le_bytes()),
        DataType::Int256 => {
            out.extend_from_slice(&wide::i256_from_cell(cell).unwrap_or(arrow::datatypes::i256::ZERO).to_le_bytes());
        }
        DataType::UInt256 => out.extend(cell.iter().rev()),
        DataType::Uuid => {
            out.extend(cell.iter().take(8).rev());
            out.extend(cell.iter().skip(8).rev());
        }
        _ => out.extend_from_slice(cell),
    }
}

impl Encode for RowBinary {
    fn begin(&mut self, out: &mut Vec<u8>) {
        if self.lines == Lines::None {
            return;
        }
        write_varint(out, self.header.len() as u64);
        self.header.columns().iter().for_each(|column| write_bytes(out, column.name.as_bytes()));
        if self.lines == Lines::NamesAndTypes {
            self.header.columns().iter().for_each(|column| write_bytes(out, column.ty.to_string().as_bytes()));
        }
    }

    fn block(&mut self, block: &Block, out: &mut Vec<u8>) {
        for row in 0..block.rows() {
            for (column, array) in self.header.columns().iter().zip(block.arrays()) {
                write_value(out, &column.ty, array, row);
            }
        }
    }

    fn totals(&mut self, _: &Block, _: &mut Vec<u8>) {}

    fn end(&mut self, _: &Statistics, _: &mut Vec<u8>) {}
}
