//! Values as JSON: `toJSONString`.

use arrow::array::{Array, ArrayRef, AsArray};
use types::text::{Quoting, Zone, write_cell};
use types::{DataType, Setting};

use crate::columns::{Bytes, Texts};
use crate::error::Result;
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[Definition::new("toJSONString", to_json_string)];

/// Whether `/` is written `\/`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slashes {
    Plain,
    Escaped,
}

/// Appends a string in quotes, with JSON's escapes.
pub(crate) fn quoted(text: &[u8], slashes: Slashes, out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'/' if slashes == Slashes::Escaped => out.extend_from_slice(b"\\/"),
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 => out.extend_from_slice(format!("\\u{byte:04X}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// How `toJSONString` writes what JSON has no one form for.
#[derive(Clone, Copy)]
struct Style {
    zone: Zone,
    quote_64: bool,
}

fn to_json_string(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let ty = request.ty(0).clone();
    let quote_64 = request.context.settings.flag(Setting::OutputFormatJsonQuote64bitIntegers);
    let style = Style { zone: request.context.zone, quote_64 };
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let mut result = Texts::with_capacity(call.rows, call.rows * 16);
        for row in 0..call.rows {
            write_value(&ty, args[0].array(), args[0].index(row), style, result.bytes());
            result.end()?;
        }
        Ok(result.finish())
    }))
}

fn write_value(ty: &DataType, array: &ArrayRef, row: usize, style: Style, out: &mut Vec<u8>) {
    if array.is_null(row) || *ty.base() == DataType::Nothing {
        return out.extend_from_slice(b"null");
    }
    match ty.base() {
        DataType::String | DataType::FixedString(_) => {
            if let Ok(texts) = Bytes::of_array(array, false) {
                quoted(texts.get(row), Slashes::Escaped, out);
            }
        }
        DataType::Array(inner) => {
            let list = array.as_list::<i32>();
            let range = list.value_offsets()[row] as usize..list.value_offsets()[row + 1] as usize;
            write_series(b'[', b']', range, out, |i, out| write_value(inner, list.values(), i, style, out));
        }
        DataType::Map(entry) => {
            let list = array.as_list::<i32>();
            let entries = list.values().as_struct();
            let range = list.value_offsets()[row] as usize..list.value_offsets()[row + 1] as usize;
            write_series(b'{', b'}', range, out, |i, out| {
                write_key(&entry.0, entries.column(0), i, style, out);
                out.push(b':');
                write_value(&entry.1, entries.column(1), i, style, out);
            });
        }
        DataType::Tuple(fields) => {
            let tuple = array.as_struct();
            let named = fields.first().is_some_and(|field| field.name.is_some());
            let (open, close) = if named { (b'{', b'}') } else { (b'[', b']') };
            write_series(open, close, 0..fields.len(), out, |i, out| {
                if let Some(name) = fields[i].name.as_deref().filter(|_| named) {
                    quoted(name.as_bytes(), Slashes::Escaped, out);
                    out.push(b':');
                }
                write_value(&fields[i].ty, tuple.column(i), row, style, out);
            });
        }
        plain => write_plain(plain, array, row, style, out),
    }
}

fn write_series(
    open: u8,
    close: u8,
    range: std::ops::Range<usize>,
    out: &mut Vec<u8>,
    write: impl Fn(usize, &mut Vec<u8>),
) {
    out.push(open);
    for (n, i) in range.enumerate() {
        if n > 0 {
            out.push(b',');
        }
        write(i, out);
    }
    out.push(close);
}

/// Keys are strings, whatever their type.
fn write_key(ty: &DataType, array: &ArrayRef, row: usize, style: Style, out: &mut Vec<u8>) {
    let mut text = Vec::new();
    write_cell(&mut text, ty, array.as_ref(), row, Quoting::Raw, style.zone);
    quoted(&text, Slashes::Escaped, out);
}

fn write_plain(ty: &DataType, array: &ArrayRef, row: usize, style: Style, out: &mut Vec<u8>) {
    let mut text = Vec::new();
    write_cell(&mut text, ty, array.as_ref(), row, Quoting::Raw, style.zone);
    let wide = ty.integer_width().is_some_and(|width| width >= 8);
    match text.as_slice() {
        b"nan" | b"inf" | b"-inf" if ty.is_float() => out.extend_from_slice(b"null"),
        _ if ty.is_number() && !(wide && style.quote_64) => out.extend_from_slice(&text),
        _ => quoted(&text, Slashes::Escaped, out),
    }
}
