//! `hex`, `unhex`, `bin`, `unbin`, `char`, `ascii`.
//!
//! Integers are written without leading zero bytes, floats and decimals as the bytes that they have in ClickHouse's memory
//! (least first), strings byte by byte.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int32Type, UInt64Type};
use types::DataType;

use crate::columns::{Bytes, Integers, Texts, saturated};
use crate::error::Result;
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;
use crate::strings::shapes::{text_to_number, text_to_text};

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("hex", |request| encode(request, hex_byte)).any_case(),
    Definition::new("bin", |request| encode(request, binary_byte)).any_case(),
    Definition::new("unhex", |request| text_to_text(request, unhex)).any_case(),
    Definition::new("unbin", |request| text_to_text(request, unbin)).any_case(),
    Definition::new("char", char).any_case(),
    Definition::new("ascii", |request| {
        text_to_number::<Int32Type>(request, DataType::Int32, |text| text.first().copied().unwrap_or(0).into())
    })
    .any_case(),
];

/// Appends one byte.
type WriteByte = fn(u8, &mut Vec<u8>);

fn hex_byte(byte: u8, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
}

fn binary_byte(byte: u8, out: &mut Vec<u8>) {
    out.extend((0..8).rev().map(|bit| b'0' + (byte >> bit & 1)));
}

fn encode(request: &Request<'_>, write: WriteByte) -> Result<Resolved> {
    request.arity(1..=1)?;
    let mut ty = request.ty(0).clone();
    // states by their bytes in ClickHouse's layout
    let mut state = None;
    if let DataType::AggregateFunction(signature) = &ty {
        state = Some(signature.clone());
        ty = DataType::String;
    }
    let plain = ty.is_string()
        || ty.is_integer()
        || ty.is_float()
        || ty.is_decimal()
        || ty.is_date_or_time()
        || matches!(ty, DataType::Bool | DataType::Uuid | DataType::Ipv4 | DataType::Ipv6);
    if !plain {
        return Err(request.wrong_type(0, "a string, number, date, time, UUID or address"));
    }
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let mut array = args[0].expand(call.rows)?;
        if let Some(signature) = &state {
            array = Arc::new(aggregate::encode_clickhouse(signature, &array)?);
        }
        let mut texts = Texts::with_capacity(call.rows, call.rows * 16);
        let mut cell = Vec::new();
        for row in 0..call.rows {
            cell.clear();
            bytes_of(&ty, &array, row, &mut cell)?;
            cell.iter().for_each(|byte| write(*byte, texts.bytes()));
            texts.end()?;
        }
        Ok(texts.finish())
    }))
}

/// The bytes that are written, in the order in which they are.
fn bytes_of(ty: &DataType, array: &ArrayRef, row: usize, out: &mut Vec<u8>) -> Result<()> {
    match ty {
        DataType::Float32 => out.extend(array.as_primitive::<Float32Type>().value(row).to_le_bytes()),
        DataType::Float64 => out.extend(array.as_primitive::<Float64Type>().value(row).to_le_bytes()),
        DataType::Decimal { precision, .. } if *precision <= 38 => {
            let width = match precision {
                0..=9 => 4,
                10..=18 => 8,
                _ => 16,
            };
            out.extend_from_slice(&array.as_primitive::<Decimal128Type>().value(row).to_le_bytes()[..width]);
        }
        DataType::Decimal { .. } => out.extend(array.as_primitive::<Decimal256Type>().value(row).to_le_bytes()),
        DataType::UInt128 | DataType::UInt256 | DataType::Int128 | DataType::Int256 => {
            let mut cell = Bytes::of_array(array, false)?.get(row).to_vec();
            if ty.is_signed() {
                cell[0] ^= 0x80; // cells of signed numbers have their sign turned, to sort as bytes
            }
            push_without_zeros(&cell, out);
        }
        DataType::String | DataType::FixedString(_) | DataType::Uuid | DataType::Ipv6 => {
            out.extend_from_slice(Bytes::of_array(array, false)?.get(row));
        }
        narrow => {
            let value = match array.as_primitive_opt::<UInt64Type>() {
                Some(values) => values.value(row),
                None => saturated(&array.slice(row, 1))?.value(0) as u64,
            };
            let width = match narrow {
                DataType::Bool => 1,
                DataType::Date => 2,
                DataType::Date32 | DataType::DateTime(_) | DataType::Ipv4 => 4,
                DataType::DateTime64 { .. } => 8,
                other => other.integer_width().unwrap_or(8),
            };
            push_without_zeros(&value.to_be_bytes()[8 - width..], out);
        }
    }
    Ok(())
}

/// Big-endian bytes from the first that is not zero on; one zero for zero.
fn push_without_zeros(cell: &[u8], out: &mut Vec<u8>) {
    let first = cell.iter().position(|byte| *byte != 0).unwrap_or(cell.len().saturating_sub(1));
    out.extend_from_slice(&cell[first..]);
}

/// Two digits a byte; an odd first digit is a byte by itself. What is no digit counts as 15, as in ClickHouse.
fn unhex(text: &[u8], out: &mut Vec<u8>) {
    let digit = |byte: &u8| (*byte as char).to_digit(16).map_or(0xFF, |digit| digit as u8);
    let (first, pairs) = text.split_at(text.len() % 2);
    out.extend(first.iter().map(digit));
    out.extend(pairs.chunks_exact(2).map(|pair| digit(&pair[0]).wrapping_mul(16).wrapping_add(digit(&pair[1]))));
}

/// Eight digits a byte, fewer for the first. What is no digit counts as 1, as in ClickHouse.
fn unbin(text: &[u8], out: &mut Vec<u8>) {
    let (first, bytes) = text.split_at(text.len() % 8);
    let byte = |digits: &[u8]| digits.iter().fold(0u8, |byte, digit| byte << 1 | u8::from(*digit != b'0'));
    if !first.is_empty() {
        out.push(byte(first));
    }
    out.extend(bytes.chunks_exact(8).map(byte));
}

/// The bytes with these numbers.
fn char(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=usize::MAX)?;
    let fits = |ty: &DataType| ty.is_float() || ty.is_integer() && ty.integer_width() <= Some(8);
    if let Some(wrong) = (0..request.args.len()).find(|&i| !fits(request.ty(i))) {
        return Err(request.wrong_type(wrong, "a number of at most 64 bits"));
    }
    Ok(Resolved::new(DataType::String, |args: &[Operand], call: &Call| {
        let numbers = args.iter().map(Integers::of).collect::<Result<Vec<_>>>()?;
        let mut texts = Texts::with_capacity(call.rows, call.rows * numbers.len());
        for row in 0..call.rows {
            texts.bytes().extend(numbers.iter().map(|numbers| numbers.get(row) as u8));
            texts.end()?;
        }
        Ok(texts.finish())
    }))
}
