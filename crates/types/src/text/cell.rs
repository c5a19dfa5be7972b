//! One cell of a column as text, the way TabSeparated, CSV, Values and `toString` show it.
//!
//! JSON has its own shapes for containers and stays in crate `format`.

use arrow::array::{
    Array, AsArray, BinaryArray, Decimal128Array, Decimal256Array, FixedSizeBinaryArray, ListArray, StructArray,
};
use arrow::datatypes::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::number::{write_decimal, write_decimal256, write_f32, write_f64};
use super::time::{Zone, write_date, write_date_time, write_date_time64};
use crate::data_type::DataType;
use crate::wide;

/// How strings and the like are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quoting {
    /// As they are.
    Raw,
    /// Backslash escapes, no quotes (TabSeparated's top level).
    Escaped,
    /// In single quotes with backslash escapes (inside containers, Values).
    Quoted,
}

/// Appends the cell at `row`. NULL is `\N` when escaped, `ᴺᵁᴸᴸ` when raw, `NULL` when quoted.
///
/// `array` must have `ty`'s Arrow type; `zone` is that of times without one of their own.
pub fn write_cell(out: &mut Vec<u8>, ty: &DataType, array: &dyn Array, row: usize, quoting: Quoting, zone: Zone) {
    if array.is_null(row) || matches!(ty, DataType::Nothing) {
        out.extend_from_slice(match quoting {
            Quoting::Raw => "ᴺᵁᴸᴸ".as_bytes(),
            Quoting::Escaped => b"\\N",
            Quoting::Quoted => b"NULL",
        });
        return;
    }
    match ty {
        DataType::Nullable(inner) | DataType::LowCardinality(inner) => {
            write_cell(out, inner, array, row, quoting, zone)
        }
        DataType::SimpleAggregateFunction(s) => write_cell(out, &s.args[0], array, row, quoting, zone),
        DataType::String => write_text(out, array.as_binary::<i32>().value(row), quoting),
        DataType::FixedString(_) => write_text(out, array.as_fixed_size_binary().value(row), quoting),
        DataType::Enum(values) => {
            let number = if values.wide {
                array.as_primitive::<Int16Type>().value(row)
            } else {
                array.as_primitive::<Int8Type>().value(row).into()
            };
            match values.name(number) {
                Some(name) => write_text(out, name.as_bytes(), quoting),
                None => write_integer(out, number.into()),
            }
        }
        DataType::Array(inner) => {
            let list: &ListArray = array.as_list();
            write_list(out, b'[', b']', list, row, |out, values, i| {
                write_cell(out, inner, values, i, Quoting::Quoted, zone);
            });
        }
        DataType::Map(entry) => {
            let list: &ListArray = array.as_list();
            write_list(out, b'{', b'}', list, row, |out, values, i| {
                let pair: &StructArray = values.as_struct();
                write_cell(out, &entry.0, pair.column(0), i, Quoting::Quoted, zone);
                out.push(b':');
                write_cell(out, &entry.1, pair.column(1), i, Quoting::Quoted, zone);
            });
        }
        DataType::Tuple(fields) => {
            let tuple: &StructArray = array.as_struct();
            out.push(b'(');
            for (i, field) in fields.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_cell(out, &field.ty, tuple.column(i), row, Quoting::Quoted, zone);
            }
            out.push(b')');
        }
        DataType::AggregateFunction(_) => {}
        plain => write_plain(out, plain, array, row, quoting, zone),
    }
}

fn write_list(
    out: &mut Vec<u8>,
    open: u8,
    close: u8,
    list: &ListArray,
    row: usize,
    write: impl Fn(&mut Vec<u8>, &dyn Array, usize),
) {
    out.push(open);
    let (start, end) = (list.value_offsets()[row] as usize, list.value_offsets()[row + 1] as usize);
    for i in start..end {
        if i > start {
            out.push(b',');
        }
        write(out, list.values().as_ref(), i);
    }
    out.push(close);
}

/// Types whose text holds nothing to escape; dates, times and ids get quotes where strings do.
fn write_plain(out: &mut Vec<u8>, ty: &DataType, array: &dyn Array, row: usize, quoting: Quoting, zone: Zone) {
    let quoted = quoting == Quoting::Quoted
        && (ty.is_date_or_time() || matches!(ty, DataType::Uuid | DataType::Ipv4 | DataType::Ipv6));
    if quoted {
        out.push(b'\'');
    }
    match ty {
        DataType::Date => write_date(out, array.as_primitive::<UInt16Type>().value(row).into()),
        DataType::Date32 => write_date(out, array.as_primitive::<Int32Type>().value(row).into()),
        DataType::DateTime(own) => {
            write_date_time(out, array.as_primitive::<UInt32Type>().value(row).into(), Zone::of(own, zone));
        }
        DataType::DateTime64 { precision, zone: own } => {
            write_date_time64(out, array.as_primitive::<Int64Type>().value(row), *precision, Zone::of(own, zone));
        }
        DataType::Uuid => write_uuid(out, fixed(array).value(row)),
        DataType::Ipv4 => {
            let address = std::net::Ipv4Addr::from(array.as_primitive::<UInt32Type>().value(row));
            out.extend_from_slice(address.to_string().as_bytes());
        }
        DataType::Ipv6 => write_ipv6(out, fixed(array).value(row)),
        number => write_number(out, number, array, row),
    }
    if quoted {
        out.push(b'\'');
    }
}

fn fixed(array: &dyn Array) -> &FixedSizeBinaryArray {
    array.as_fixed_size_binary()
}

/// Appends a number, Bool or interval without quotes.
pub fn write_number(out: &mut Vec<u8>, ty: &DataType, array: &dyn Array, row: usize) {
    match ty {
        DataType::Bool => out.extend_from_slice(if array.as_boolean().value(row) { b"true" } else { b"false" }),
        DataType::UInt8 => write_unsigned(out, array.as_primitive::<UInt8Type>().value(row).into()),
        DataType::UInt16 => write_unsigned(out, array.as_primitive::<UInt16Type>().value(row).into()),
        DataType::UInt32 => write_unsigned(out, array.as_primitive::<UInt32Type>().value(row).into()),
        DataType::UInt64 => write_unsigned(out, array.as_primitive::<UInt64Type>().value(row)),
        DataType::Int8 => write_integer(out, array.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => write_integer(out, array.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => write_integer(out, array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 | DataType::Interval(_) => write_integer(out, array.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => write_f32(out, array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => write_f64(out, array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal { precision, scale } if *precision <= 38 => {
            let decimals: &Decimal128Array = array.as_primitive();
            write_decimal(out, decimals.value(row), *scale);
        }
        DataType::Decimal { scale, .. } => {
            let decimals: &Decimal256Array = array.as_primitive();
            write_decimal256(out, decimals.value(row), *scale);
        }
        DataType::UInt128 | DataType::Int128 | DataType::UInt256 | DataType::Int256 => {
            out.extend_from_slice(wide_text(ty, fixed(array).value(row)).as_bytes());
        }
        _ => {}
    }
}

fn wide_text(ty: &DataType, cell: &[u8]) -> String {
    match ty {
        DataType::UInt128 => wide::u128_from_cell(cell).map(|v| v.to_string()),
        DataType::Int128 => wide::i128_from_cell(cell).map(|v| v.to_string()),
        DataType::Int256 => wide::i256_from_cell(cell).map(|v| v.to_string()),
        _ => wide::u256_from_cell(cell).map(|(high, low)| wide::u256_to_text(high, low)),
    }
    .unwrap_or_default()
}

fn write_unsigned(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn write_integer(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends a UUID of 16 bytes in its usual text.
pub fn write_uuid(out: &mut Vec<u8>, bytes: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for (i, byte) in bytes.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        out.push(HEX[usize::from(byte >> 4)]);
        out.push(HEX[usize::from(byte & 15)]);
    }
}

/// Appends an IPv6 address of 16 bytes, mapped IPv4 addresses as `::ffff:1.2.3.4`.
pub fn write_ipv6(out: &mut Vec<u8>, bytes: &[u8]) {
    let bytes: [u8; 16] = bytes.try_into().unwrap_or_default();
    out.extend_from_slice(std::net::Ipv6Addr::from(bytes).to_string().as_bytes());
}

/// Appends bytes with the quoting's escapes.
pub fn write_text(out: &mut Vec<u8>, text: &[u8], quoting: Quoting) {
    match quoting {
        Quoting::Raw => out.extend_from_slice(text),
        Quoting::Escaped => write_escaped(out, text),
        Quoting::Quoted => {
            out.push(b'\'');
            write_escaped(out, text);
            out.push(b'\'');
        }
    }
}

/// ClickHouse's escapes, runs of plain bytes copied whole.
fn write_escaped(out: &mut Vec<u8>, text: &[u8]) {
    let mut start = 0;
    for (i, byte) in text.iter().enumerate() {
        let escape = match byte {
            b'\t' => b't',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\\' => b'\\',
            b'\'' => b'\'',
            0 => b'0',
            8 => b'b',
            12 => b'f',
            _ => continue,
        };
        out.extend_from_slice(&text[start..i]);
        out.extend_from_slice(&[b'\\', escape]);
        start = i + 1;
    }
    out.extend_from_slice(&text[start..]);
}

/// Text of a whole column of cells.
pub fn write_column(ty: &DataType, array: &dyn Array, quoting: Quoting, zone: Zone) -> BinaryArray {
    let mut cell = Vec::new();
    let mut builder = arrow::array::BinaryBuilder::with_capacity(array.len(), array.len() * 8);
    for row in 0..array.len() {
        if array.is_null(row) {
            builder.append_null();
            continue;
        }
        cell.clear();
        write_cell(&mut cell, ty, array, row, quoting, zone);
        builder.append_value(&cell);
    }
    builder.finish()
}
