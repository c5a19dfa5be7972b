//! `JSON_VALUE`, `JSON_QUERY`, `JSON_EXISTS`: SQL/JSON paths such as `$.a.b[0 to 2]`, `$["a b"][*]`.

use types::DataType;

use super::tape::{Json, Kind, Tape};
use crate::columns::{Bytes, Texts};
use crate::error::Result;
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;
use crate::strings::shapes::{bad, check_texts, flags};

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("JSON_VALUE", value),
    Definition::new("JSON_QUERY", query),
    Definition::new("JSON_EXISTS", exists),
];

#[derive(Clone, PartialEq, Eq, Debug)]
enum Step {
    Member(Vec<u8>),
    /// Ranges of positions from 0, ends excluded.
    Elements(Vec<(usize, usize)>),
    AllElements,
}

/// The steps of a path; `None` when it is none.
fn parse(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.trim().strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let length = after.find(['.', '[']).unwrap_or(after.len());
            let name = after[..length].trim_matches('"');
            (!name.is_empty()).then_some(())?;
            steps.push(Step::Member(name.as_bytes().to_vec()));
            rest = &after[length..];
            continue;
        }
        let after = rest.strip_prefix('[')?;
        if let Some(quote) = after.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            let (name, behind) = after[1..].split_once(quote)?;
            steps.push(Step::Member(name.as_bytes().to_vec()));
            rest = behind.trim_start().strip_prefix(']')?;
            continue;
        }
        let (inner, behind) = after.split_once(']')?;
        steps.push(if inner.trim() == "*" { Step::AllElements } else { Step::Elements(ranges(inner)?) });
        rest = behind;
    }
    Some(steps)
}

/// `0, 2 to 5`: the end is excluded, as ClickHouse has it.
fn ranges(inner: &str) -> Option<Vec<(usize, usize)>> {
    let range = |part: &str| match part.split_once(" to ") {
        Some((first, end)) => Some((first.trim().parse().ok()?, end.trim().parse().ok()?)),
        None => {
            let index: usize = part.trim().parse().ok()?;
            Some((index, index.checked_add(1)?))
        }
    };
    inner.split(',').map(range).collect()
}

/// Calls `each` with every value that the path leads to, in order, until it says no.
fn walk<'a>(json: Json<'a>, steps: &[Step], each: &mut dyn FnMut(Json<'a>) -> bool) -> bool {
    let Some((step, rest)) = steps.split_first() else { return each(json) };
    match step {
        Step::Member(name) => json.member(name, false).is_none_or(|value| walk(value, rest, each)),
        Step::AllElements if json.kind() == Kind::Array => json.values().all(|value| walk(value, rest, each)),
        Step::Elements(ranges) if json.kind() == Kind::Array => ranges.iter().all(|(first, end)| {
            let count = end.saturating_sub(*first);
            json.values().skip(*first).take(count).all(|value| walk(value, rest, each))
        }),
        Step::AllElements | Step::Elements(_) => true,
    }
}

fn constant_path(request: &Request<'_>) -> Result<Vec<Step>> {
    check_texts(request, 2)?;
    let path = request.constant_text(1)?;
    parse(&path).ok_or_else(|| bad(request.name, format!("\"{path}\" is no JSON path")))
}

/// The first plain value; nothing for objects and arrays.
fn value(request: &Request<'_>) -> Result<Resolved> {
    let steps = constant_path(request)?;
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        let mut tape = Tape::default();
        let mut result = Texts::with_capacity(call.rows, 0);
        for row in 0..call.rows {
            if let Some(json) = tape.parse(texts.get(row)) {
                walk(json, &steps, &mut |found| {
                    match found.kind() {
                        Kind::Array | Kind::Object => return true,
                        Kind::Text => found.unescape(result.bytes()),
                        _ => found.write(result.bytes()),
                    }
                    false
                });
            }
            result.end()?;
        }
        Ok(result.finish())
    }))
}

/// All values in brackets.
fn query(request: &Request<'_>) -> Result<Resolved> {
    let steps = constant_path(request)?;
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        let mut tape = Tape::default();
        let mut result = Texts::with_capacity(call.rows, 0);
        for row in 0..call.rows {
            let mut count = 0;
            if let Some(json) = tape.parse(texts.get(row)) {
                walk(json, &steps, &mut |found| {
                    result.bytes().extend_from_slice(if count == 0 { b"[" } else { b", " });
                    found.write(result.bytes());
                    count += 1;
                    true
                });
            }
            if count > 0 {
                result.bytes().push(b']');
            }
            result.end()?;
        }
        Ok(result.finish())
    }))
}

fn exists(request: &Request<'_>) -> Result<Resolved> {
    let steps = constant_path(request)?;
    Ok(Resolved::new(DataType::UInt8, move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        let mut tape = Tape::default();
        let mut found = Vec::with_capacity(call.rows);
        for row in 0..call.rows {
            // the walk is cut short by the first value
            found.push(tape.parse(texts.get(row)).is_some_and(|json| !walk(json, &steps, &mut |_| false)));
        }
        Ok(flags(found.into_iter()))
    }))
}
