//! `extractKeyValuePairs`: `name:value` pairs in a text as a map; and `regexpPosition`.

use std::sync::Arc;

use arrow::array::UInt64Array;
use regex::bytes::{Match, Regex};
use types::DataType;

use super::regexp::Pattern;
use super::shapes::{bad, check_text, check_texts};
use crate::columns::{Bytes, Integers, Offsets, Texts};
use crate::error::Result;
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::maps::map_of;
use crate::request::Request;

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("extractKeyValuePairs", extract),
    Definition::new("extractKeyValuePairs", extract).alias("str_to_map").any_case(),
    Definition::new("extractKeyValuePairs", extract).alias("mapFromString").any_case(),
    Definition::new("regexpPosition", position),
    Definition::new("regexpPosition", position).alias("regexpInstr").any_case(),
    Definition::new("regexpPosition", position).alias("REGEXP_INSTR").any_case(),
];

/// The symbols of a text of pairs.
#[derive(Clone)]
struct Symbols {
    between: u8,
    ends: Vec<u8>,
    quote: u8,
}

/// `extractKeyValuePairs(text[, between[, ends[, quote]]])`.
fn extract(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=4)?;
    check_text(request, 0)?;
    let one = |i: usize, default: u8| match request.optional_text(i)? {
        None => Ok(default),
        Some(text) => match text.as_bytes() {
            [only] => Ok(*only),
            _ => Err(request.bad("delimiters and quotes have one character")),
        },
    };
    let ends = request.optional_text(2)?.map_or(b" ,;".to_vec(), String::into_bytes);
    let symbols = Symbols { between: one(1, b':')?, ends, quote: one(3, b'"')? };
    if symbols.ends.is_empty() || symbols.ends.contains(&symbols.between) {
        return Err(request.bad("pairs need an end of their own"));
    }
    let result = DataType::map(DataType::String, DataType::String);
    Ok(Resolved::new(result, move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        let mut offsets = Offsets::with_capacity(call.rows);
        let mut keys = Texts::with_capacity(call.rows, texts.size());
        let mut values = Texts::with_capacity(call.rows, texts.size());
        for row in 0..call.rows {
            for (key, value) in pairs(texts.get(row), &symbols) {
                keys.push(key)?;
                values.push(value)?;
            }
            offsets.end(keys.len())?;
        }
        Ok(map_of(offsets.into_buffer(), keys.finish(), values.finish()))
    }))
}

/// The pairs of a text, in order. A word without a value, and a value without a key, are passed over.
fn pairs<'t>(mut text: &'t [u8], symbols: &Symbols) -> Vec<(&'t [u8], &'t [u8])> {
    let mut found = Vec::new();
    while !text.is_empty() {
        let Some((key, rest)) = word(text, symbols, true) else { break };
        match rest.split_first() {
            Some((symbol, rest)) if *symbol == symbols.between => {
                text = rest;
                if key.is_empty() {
                    continue;
                }
                let Some((value, rest)) = word(text, symbols, false) else { break };
                found.push((key, value));
                text = rest;
            }
            Some((_, rest)) => text = rest,
            None => break,
        }
    }
    found
}

/// The word at the beginning, and what follows it; none for a quote that is not closed.
fn word<'t>(text: &'t [u8], symbols: &Symbols, is_key: bool) -> Option<(&'t [u8], &'t [u8])> {
    if text.first() == Some(&symbols.quote) {
        let inner = text.get(1..)?;
        let end = memchr::memchr(symbols.quote, inner)?;
        return Some((inner.get(..end)?, inner.get(end + 1..)?));
    }
    let ends = |byte: &u8| symbols.ends.contains(byte) || (is_key && *byte == symbols.between);
    let end = text.iter().position(ends).unwrap_or(text.len());
    Some(text.split_at(end))
}

/// `regexpPosition(text, pattern[, start[, occurrence[, behind]]])`: from 1; 0 where there is none.
fn position(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=5)?;
    check_texts(&Request { args: &request.args[..2], ..*request }, 2)?;
    if (2..request.args.len()).any(|i| !request.ty(i).is_integer()) {
        return Err(request.wrong_types());
    }
    let pattern = Pattern::new(request, 1, false)?;
    let name = request.name.to_owned();
    Ok(Resolved::new(DataType::UInt64, move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        let numbers = args.iter().skip(2).map(Integers::of).collect::<Result<Vec<_>>>()?;
        let number = |i: usize, row: usize, default: i64| numbers.get(i).map_or(default, |n| n.get(row));
        let mut result = Vec::with_capacity(call.rows);
        pattern.for_each_row(&args[1], call.rows, |row, regex| {
            let (start, nth, behind) = (number(0, row, 1), number(1, row, 1), number(2, row, 0));
            let (Ok(start), Ok(nth)) = (usize::try_from(start - 1), usize::try_from(nth - 1)) else {
                return Err(bad(&name, "start and occurrence count from 1"));
            };
            let text = texts.get(row);
            let found = if start <= text.len() { nth_from(regex, text, start, nth) } else { None };
            let place = found.map_or(0, |found| if behind == 0 { found.start() + 1 } else { found.end() + 1 });
            result.push(place as u64);
            Ok(())
        })?;
        Ok(Arc::new(UInt64Array::from(result)))
    }))
}

/// The match number `nth` of those that begin at `start` or behind it.
fn nth_from<'t>(regex: &Regex, text: &'t [u8], mut start: usize, nth: usize) -> Option<Match<'t>> {
    let mut found = regex.find_at(text, start)?;
    for _ in 0..nth {
        // an empty match is passed by a byte
        start = if found.is_empty() { found.end() + 1 } else { found.end() };
        if start > text.len() {
            return None;
        }
        found = regex.find_at(text, start)?;
    }
    Some(found)
}
