//! `simpleJSONExtract…` (`visitParam…`): a scan for `"name":` that knows no nesting, for JSON written without spaces.

use arrow::datatypes::{Float64Type, Int64Type, UInt64Type};
use memchr::memmem;
use types::DataType;

use super::tape::Tape;
use crate::error::Result;
use crate::frame::{Definition, Resolved};
use crate::request::Request;
use crate::strings::shapes::{texts_test, texts_to_number, texts_to_text};

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("simpleJSONHas", has),
    Definition::new("simpleJSONHas", has).alias("visitParamHas"),
    Definition::new("simpleJSONExtractUInt", unsigned),
    Definition::new("simpleJSONExtractUInt", unsigned).alias("visitParamExtractUInt"),
    Definition::new("simpleJSONExtractInt", signed),
    Definition::new("simpleJSONExtractInt", signed).alias("visitParamExtractInt"),
    Definition::new("simpleJSONExtractFloat", float),
    Definition::new("simpleJSONExtractFloat", float).alias("visitParamExtractFloat"),
    Definition::new("simpleJSONExtractBool", boolean),
    Definition::new("simpleJSONExtractBool", boolean).alias("visitParamExtractBool"),
    Definition::new("simpleJSONExtractRaw", raw),
    Definition::new("simpleJSONExtractRaw", raw).alias("visitParamExtractRaw"),
    Definition::new("simpleJSONExtractString", string),
    Definition::new("simpleJSONExtractString", string).alias("visitParamExtractString"),
];

/// What follows `"name":`.
fn value_of<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut needle = Vec::with_capacity(name.len() + 3);
    needle.push(b'"');
    needle.extend_from_slice(name);
    needle.extend_from_slice(b"\":");
    memmem::find(text, &needle).map(|at| &text[at + needle.len()..])
}

/// The number that the value begins with, in quotes or not.
fn number_text<'a>(text: &'a [u8], name: &[u8], is_part: fn(&u8) -> bool) -> &'a str {
    let value = value_of(text, name).unwrap_or_default();
    let value = value.strip_prefix(b"\"").unwrap_or(value);
    let length = value.iter().take_while(|byte| is_part(byte)).count();
    std::str::from_utf8(&value[..length]).unwrap_or_default()
}

fn has(request: &Request<'_>) -> Result<Resolved> {
    texts_test(request, |text, name| value_of(text, name).is_some())
}

fn unsigned(request: &Request<'_>) -> Result<Resolved> {
    texts_to_number::<UInt64Type>(request, DataType::UInt64, |text, name| {
        number_text(text, name, u8::is_ascii_digit).parse().unwrap_or(0)
    })
}

fn signed(request: &Request<'_>) -> Result<Resolved> {
    texts_to_number::<Int64Type>(request, DataType::Int64, |text, name| {
        number_text(text, name, |byte| byte.is_ascii_digit() || *byte == b'-').parse().unwrap_or(0)
    })
}

fn float(request: &Request<'_>) -> Result<Resolved> {
    texts_to_number::<Float64Type>(request, DataType::Float64, |text, name| {
        let is_part = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
        number_text(text, name, is_part).parse().unwrap_or(0.0)
    })
}

fn boolean(request: &Request<'_>) -> Result<Resolved> {
    texts_test(request, |text, name| value_of(text, name).is_some_and(|value| value.starts_with(b"true")))
}

fn raw(request: &Request<'_>) -> Result<Resolved> {
    texts_to_text(request, |text, name, out| {
        if let Some(value) = value_of(text, name) {
            out.extend_from_slice(&value[..raw_length(value)]);
        }
    })
}

/// Up to the comma or bracket that ends the value, outside of strings and brackets.
fn raw_length(value: &[u8]) -> usize {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for (i, byte) in value.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return i,
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => return i,
            _ => {}
        }
    }
    value.len()
}

fn string(request: &Request<'_>) -> Result<Resolved> {
    texts_to_text(request, |text, name, out| {
        let Some(value) = value_of(text, name).filter(|value| value.starts_with(b"\"")) else { return };
        if let Some(json) = Tape::default().parse(&value[..raw_length(value)]) {
            json.unescape(out);
        }
    })
}
