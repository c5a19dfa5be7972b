//! Regular expressions: `match`, `extract`, `replaceRegexpAll` and their relatives. A constant pattern is compiled once.

use std::sync::Arc;

use arrow::array::{UInt8Array, UInt64Array};
use regex::bytes::{Captures, Regex};
use types::{DataType, ErrorCode};

use super::re2;
use super::search::constant_texts;
use super::shapes::{TextLists, bad, check_text, check_texts, flags};
use crate::columns::{Bytes, Integers, Offsets, Texts};
use crate::error::{Error, Result};
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("match", |request| matches(request, false, true)),
    Definition::new("match", |request| matches(request, false, true)).alias("REGEXP_MATCHES").any_case(),
    Definition::new("notMatch", |request| matches(request, false, false)),
    Definition::new("matchCaseInsensitive", |request| matches(request, true, true)),
    Definition::new("notMatchCaseInsensitive", |request| matches(request, true, false)),
    Definition::new("countMatches", |request| count(request, false)),
    Definition::new("countMatchesCaseInsensitive", |request| count(request, true)),
    Definition::new("extract", extract),
    Definition::new("regexpExtract", regexp_extract),
    Definition::new("regexpExtract", regexp_extract).alias("REGEXP_EXTRACT").any_case(),
    Definition::new("regexpExtract", regexp_extract).alias("REGEXP_SUBSTR").any_case(),
    Definition::new("extractAll", extract_all),
    Definition::new("extractGroups", extract_groups),
    Definition::new("extractAllGroupsVertical", |request| extract_all_groups(request, Layout::ByMatch)),
    Definition::new("extractAllGroupsVertical", |request| extract_all_groups(request, Layout::ByMatch))
        .alias("extractAllGroups"),
    Definition::new("extractAllGroupsHorizontal", |request| extract_all_groups(request, Layout::ByGroup)),
    Definition::new("replaceRegexpOne", |request| replace(request, Extent::First)),
    Definition::new("replaceRegexpAll", |request| replace(request, Extent::All)),
    Definition::new("replaceRegexpAll", |request| replace(request, Extent::All)).alias("REGEXP_REPLACE").any_case(),
    Definition::new("multiMatchAny", |request| multi_match(request, Multi::Any)),
    Definition::new("multiMatchAnyIndex", |request| multi_match(request, Multi::AnyIndex)),
    Definition::new("multiMatchAllIndices", multi_match_all),
];

/// The error for a pattern that cannot be compiled.
pub(crate) fn pattern_error(name: &str, pattern: &[u8], reason: String) -> Error {
    let code = if name.starts_with("replace") || name.starts_with("multi") {
        ErrorCode::BAD_ARGUMENTS
    } else {
        ErrorCode::CANNOT_COMPILE_REGEXP
    };
    let text = String::from_utf8_lossy(pattern).into_owned();
    Error::Parse { text, ty: format!("regular expression of function \"{name}\""), reason, code }
}

/// The pattern argument: compiled already when it is constant.
pub(crate) struct Pattern {
    name: String,
    any_case: bool,
    constant: Option<Arc<Regex>>,
}

impl Pattern {
    /// Argument `i` of the call.
    pub(crate) fn new(request: &Request<'_>, i: usize, any_case: bool) -> Result<Pattern> {
        let mut pattern = Pattern { name: request.name.to_owned(), any_case, constant: None };
        if let Some(text) = request.constant(i) {
            pattern.constant = Some(pattern.compile(Bytes::of_array(text, true)?.get(0))?);
        }
        Ok(pattern)
    }

    fn compile(&self, text: &[u8]) -> Result<Arc<Regex>> {
        let regex = re2::compile(text, self.any_case).map_err(|reason| pattern_error(&self.name, text, reason))?;
        Ok(Arc::new(regex))
    }

    /// Calls `each` with every row and its pattern.
    pub(crate) fn for_each_row(
        &self,
        operand: &Operand,
        rows: usize,
        mut each: impl FnMut(usize, &Regex) -> Result<()>,
    ) -> Result<()> {
        if let Some(regex) = &self.constant {
            return (0..rows).try_for_each(|row| each(row, regex));
        }
        let texts = Bytes::of(operand)?;
        let mut known: Option<(&[u8], Arc<Regex>)> = None;
        for row in 0..rows {
            let text = texts.get(row);
            let regex = match &known {
                Some((same, regex)) if *same == text => regex.clone(),
                _ => self.compile(text)?,
            };
            each(row, &regex)?;
            known = Some((text, regex));
        }
        Ok(())
    }
}

fn matches(request: &Request<'_>, any_case: bool, wanted: bool) -> Result<Resolved> {
    check_texts(request, 2)?;
    let pattern = Pattern::new(request, 1, any_case)?;
    Ok(Resolved::new(DataType::UInt8, move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        let mut result = Vec::with_capacity(call.rows);
        pattern.for_each_row(&args[1], call.rows, |row, regex| {
            result.push(u8::from(regex.is_match(texts.get(row)) == wanted));
            Ok(())
        })?;
        Ok(Arc::new(UInt8Array::from(result)))
    }))
}

/// How many matches there are; empty ones do not count.
fn count(request: &Request<'_>, any_case: bool) -> Result<Resolved> {
    check_texts(request, 2)?;
    let pattern = Pattern::new(request, 1, any_case)?;
    Ok(Resolved::new(DataType::UInt64, move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        let mut result = Vec::with_capacity(call.rows);
        pattern.for_each_row(&args[1], call.rows, |row, regex| {
            result.push(regex.find_iter(texts.get(row)).filter(|found| !found.is_empty()).count() as u64);
            Ok(())
        })?;
        Ok(Arc::new(UInt64Array::from(result)))
    }))
}

/// The first group of a match, or all of it where the pattern has no group.
fn first_group<'t>(captures: &Captures<'t>) -> &'t [u8] {
    let group = if captures.len() > 1 { captures.get(1) } else { captures.get(0) };
    group.map_or(b"", |group| group.as_bytes())
}

fn extract(request: &Request<'_>) -> Result<Resolved> {
    check_texts(request, 2)?;
    let pattern = Pattern::new(request, 1, false)?;
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        let mut result = Texts::with_capacity(call.rows, texts.size());
        pattern.for_each_row(&args[1], call.rows, |row, regex| {
            result.push(regex.captures(texts.get(row)).as_ref().map_or(b"", first_group))
        })?;
        Ok(result.finish())
    }))
}

/// `regexpExtract(text, pattern [, group])`; group 1 unless said, 0 is the whole match.
fn regexp_extract(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=3)?;
    check_text(request, 0)?;
    check_text(request, 1)?;
    if request.args.len() == 3 && !request.ty(2).is_integer() {
        return Err(request.wrong_type(2, "an integer"));
    }
    let pattern = Pattern::new(request, 1, false)?;
    let name = request.name.to_owned();
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        let groups = args.get(2).map(Integers::of).transpose()?;
        let mut result = Texts::with_capacity(call.rows, texts.size());
        pattern.for_each_row(&args[1], call.rows, |row, regex| {
            let wanted = groups.as_ref().map_or(1, |groups| groups.get(row));
            let wanted = if groups.is_none() && regex.captures_len() == 1 { 0 } else { wanted };
            let Some(group) = usize::try_from(wanted).ok().filter(|group| *group < regex.captures_len()) else {
                return Err(Error::Parse {
                    text: wanted.to_string(),
                    ty: format!("group of function \"{name}\""),
                    reason: format!("the pattern has {} groups", regex.captures_len() - 1),
                    code: ErrorCode::INDEX_OF_POSITIONAL_ARGUMENT_IS_OUT_OF_RANGE,
                });
            };
            let captures = regex.captures(texts.get(row));
            result.push(captures.and_then(|captures| captures.get(group)).map_or(b"", |group| group.as_bytes()))
        })?;
        Ok(result.finish())
    }))
}

fn extract_all(request: &Request<'_>) -> Result<Resolved> {
    check_texts(request, 2)?;
    let pattern = Pattern::new(request, 1, false)?;
    Ok(Resolved::new(DataType::array(DataType::String), move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        let mut result = TextLists::with_capacity(call.rows, texts.size());
        pattern.for_each_row(&args[1], call.rows, |row, regex| {
            for captures in regex.captures_iter(texts.get(row)) {
                // ClickHouse's scan ends at the first empty match
                if captures.get(0).is_none_or(|whole| whole.is_empty()) {
                    break;
                }
                result.push(first_group(&captures))?;
            }
            result.end_row()
        })?;
        Ok(result.finish())
    }))
}

fn groups_of(name: &str, regex: &Regex) -> Result<usize> {
    match regex.captures_len() - 1 {
        0 => Err(bad(name, "the pattern has no groups")),
        groups => Ok(groups),
    }
}

/// The groups of the first match.
fn extract_groups(request: &Request<'_>) -> Result<Resolved> {
    check_texts(request, 2)?;
    let pattern = Pattern::new(request, 1, false)?;
    let name = request.name.to_owned();
    Ok(Resolved::new(DataType::array(DataType::String), move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        let mut result = TextLists::with_capacity(call.rows, texts.size());
        pattern.for_each_row(&args[1], call.rows, |row, regex| {
            let groups = groups_of(&name, regex)?;
            if let Some(captures) = regex.captures(texts.get(row)) {
                for group in 1..=groups {
                    result.push(captures.get(group).map_or(b"", |group| group.as_bytes()))?;
                }
            }
            result.end_row()
        })?;
        Ok(result.finish())
    }))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// One array for each match, of its groups.
    ByMatch,
    /// One array for each group, of its matches.
    ByGroup,
}

fn extract_all_groups(request: &Request<'_>, layout: Layout) -> Result<Resolved> {
    check_texts(request, 2)?;
    let pattern = Pattern::new(request, 1, false)?;
    let name = request.name.to_owned();
    let result = DataType::array(DataType::array(DataType::String));
    Ok(Resolved::new(result, move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        let mut lists = TextLists::with_capacity(call.rows, texts.size());
        let mut rows = Offsets::with_capacity(call.rows);
        let mut written = 0;
        pattern.for_each_row(&args[1], call.rows, |row, regex| {
            let groups = groups_of(&name, regex)?;
            let found: Vec<Captures<'_>> = regex.captures_iter(texts.get(row)).collect();
            let (outer, inner) = if layout == Layout::ByMatch { (found.len(), groups) } else { (groups, found.len()) };
            for i in 0..outer {
                for j in 0..inner {
                    let (of, group) = if layout == Layout::ByMatch { (i, j) } else { (j, i) };
                    lists.push(found[of].get(group + 1).map_or(b"", |group| group.as_bytes()))?;
                }
                lists.end_row()?;
                written += 1;
            }
            rows.end(written)
        })?;
        Ok(rows.finish(lists.finish()))
    }))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    First,
    All,
}

/// A piece of a replacement: text, or what a group matched.
enum Piece {
    Text(Vec<u8>),
    Group(usize),
}

/// `\0` … `\9` are groups, any other escaped character is itself.
fn pieces_of(name: &str, replacement: &[u8], groups: usize) -> Result<Vec<Piece>> {
    let mut pieces = vec![Piece::Text(Vec::new())];
    let mut bytes = replacement.iter();
    while let Some(&byte) = bytes.next() {
        let text = match (byte, bytes.as_slice().first()) {
            (b'\\', Some(digit @ b'0'..=b'9')) => {
                let group = usize::from(digit - b'0');
                if group > groups {
                    let reason = format!("the replacement names group {group}, the pattern has {groups}");
                    return Err(bad(name, reason));
                }
                bytes.next();
                pieces.push(Piece::Group(group));
                continue;
            }
            (b'\\', Some(next)) => {
                bytes.next();
                *next
            }
            (byte, _) => byte,
        };
        match pieces.last_mut() {
            Some(Piece::Text(last)) => last.push(text),
            _ => pieces.push(Piece::Text(vec![text])),
        }
    }
    Ok(pieces)
}

fn replace(request: &Request<'_>, extent: Extent) -> Result<Resolved> {
    check_texts(request, 3)?;
    let pattern = Pattern::new(request, 1, false)?;
    let name = request.name.to_owned();
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let (texts, replacements) = (Bytes::of(&args[0])?, Bytes::of(&args[2])?);
        let mut result = Texts::with_capacity(call.rows, texts.size());
        let mut known: Option<(&[u8], usize, Vec<Piece>)> = None;
        pattern.for_each_row(&args[1], call.rows, |row, regex| {
            let (replacement, groups) = (replacements.get(row), regex.captures_len() - 1);
            if known.as_ref().is_none_or(|(text, count, _)| *text != replacement || *count != groups) {
                known = Some((replacement, groups, pieces_of(&name, replacement, groups)?));
            }
            if let Some((_, _, pieces)) = &known {
                replace_in(texts.get(row), regex, pieces, extent, result.bytes());
            }
            result.end()
        })?;
        Ok(result.finish())
    }))
}

/// Appends `text` with its matches replaced, as ClickHouse does it: behind an empty match one byte is copied before the next
/// search, an empty match at the end counts, and an empty pattern replaces nothing.
fn replace_in(text: &[u8], regex: &Regex, pieces: &[Piece], extent: Extent, out: &mut Vec<u8>) {
    if regex.as_str().is_empty() {
        return out.extend_from_slice(text);
    }
    let mut at = 0;
    while let Some(captures) = regex.captures_at(text, at) {
        let Some(whole) = captures.get(0) else { break };
        out.extend_from_slice(&text[at..whole.start()]);
        at = whole.end();
        for piece in pieces {
            match piece {
                Piece::Text(bytes) => out.extend_from_slice(bytes),
                Piece::Group(group) => {
                    out.extend_from_slice(captures.get(*group).map_or(b"", |group| group.as_bytes()));
                }
            }
        }
        if extent == Extent::First {
            break;
        }
        if whole.is_empty() {
            let Some(next) = text.get(at) else { break };
            out.push(*next);
            at += 1;
        }
    }
    out.extend_from_slice(&text[at..]);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Multi {
    Any,
    AnyIndex,
}

fn patterns(request: &Request<'_>) -> Result<Vec<Regex>> {
    request.arity(2..=2)?;
    check_text(request, 0)?;
    let compile =
        |text: Vec<u8>| re2::compile(&text, false).map_err(|reason| pattern_error(request.name, &text, reason));
    constant_texts(request, 1)?.into_iter().map(compile).collect()
}

fn multi_match(request: &Request<'_>, multi: Multi) -> Result<Resolved> {
    let patterns = patterns(request)?;
    let result = if multi == Multi::Any { DataType::UInt8 } else { DataType::UInt64 };
    Ok(Resolved::new(result, move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        let first = |row| patterns.iter().position(|regex| regex.is_match(texts.get(row)));
        if multi == Multi::Any {
            return Ok(flags((0..call.rows).map(|row| first(row).is_some())));
        }
        let index = |row| first(row).map_or(0, |i| i as u64 + 1);
        Ok(Arc::new(UInt64Array::from_iter_values((0..call.rows).map(index))))
    }))
}

fn multi_match_all(request: &Request<'_>) -> Result<Resolved> {
    let patterns = patterns(request)?;
    Ok(Resolved::new(DataType::array(DataType::UInt64), move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        let mut indices = Vec::new();
        let mut offsets = Offsets::with_capacity(call.rows);
        for row in 0..call.rows {
            let matching = patterns.iter().enumerate().filter(|(_, regex)| regex.is_match(texts.get(row)));
            indices.extend(matching.map(|(i, _)| i as u64 + 1));
            offsets.end(indices.len())?;
        }
        Ok(offsets.finish(Arc::new(UInt64Array::from(indices))))
    }))
}
