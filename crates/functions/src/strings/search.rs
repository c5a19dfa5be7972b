//! Where strings occur in strings: `position`, `countSubstrings`, `like`, `multiSearch…`, `hasToken`.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, UInt8Array, UInt64Array};
use memchr::memmem::Finder;
use types::{DataType, ErrorCode};

use super::like::{LikeError, LikePattern};
use super::regexp::pattern_error;
use super::shapes::{check_text, check_texts, flags};
use super::{case, utf8};
use crate::columns::{Bytes, Integers, Lists, Offsets};
use crate::error::{Error, Result};
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("position", |request| position(request, Mode::BYTES, Order::HaystackFirst)).any_case(),
    Definition::new("locate", |request| position(request, Mode::BYTES, Order::NeedleFirst)).any_case(),
    Definition::new("positionUTF8", |request| position(request, Mode::UTF8, Order::HaystackFirst)),
    Definition::new("positionCaseInsensitive", |request| position(request, Mode::ANY_CASE, Order::HaystackFirst)),
    Definition::new("positionCaseInsensitive", |request| position(request, Mode::ANY_CASE, Order::HaystackFirst))
        .alias("instr")
        .any_case(),
    Definition::new("positionCaseInsensitiveUTF8", |request| {
        position(request, Mode::ANY_CASE_UTF8, Order::HaystackFirst)
    }),
    Definition::new("countSubstrings", |request| count(request, Mode::BYTES)).any_case(),
    Definition::new("countSubstringsCaseInsensitive", |request| count(request, Mode::ANY_CASE)),
    Definition::new("countSubstringsCaseInsensitiveUTF8", |request| count(request, Mode::ANY_CASE_UTF8)),
    Definition::new("like", |request| like(request, false, true)),
    Definition::new("notLike", |request| like(request, false, false)),
    Definition::new("ilike", |request| like(request, true, true)),
    Definition::new("notILike", |request| like(request, true, false)),
    Definition::new("multiSearchAny", |request| multi(request, Mode::BYTES, Multi::Any)),
    Definition::new("multiSearchAnyCaseInsensitive", |request| multi(request, Mode::ANY_CASE, Multi::Any)),
    Definition::new("multiSearchAnyUTF8", |request| multi(request, Mode::UTF8, Multi::Any)),
    Definition::new("multiSearchAnyCaseInsensitiveUTF8", |request| multi(request, Mode::ANY_CASE_UTF8, Multi::Any)),
    Definition::new("multiSearchFirstIndex", |request| multi(request, Mode::BYTES, Multi::FirstIndex)),
    Definition::new("multiSearchFirstIndexCaseInsensitive", |request| {
        multi(request, Mode::ANY_CASE, Multi::FirstIndex)
    }),
    Definition::new("multiSearchFirstIndexUTF8", |request| multi(request, Mode::UTF8, Multi::FirstIndex)),
    Definition::new("multiSearchFirstPosition", |request| multi(request, Mode::BYTES, Multi::FirstPosition)),
    Definition::new("multiSearchFirstPositionCaseInsensitive", |request| {
        multi(request, Mode::ANY_CASE, Multi::FirstPosition)
    }),
    Definition::new("multiSearchFirstPositionUTF8", |request| multi(request, Mode::UTF8, Multi::FirstPosition)),
    Definition::new("multiSearchAllPositions", |request| all_positions(request, Mode::BYTES)),
    Definition::new("multiSearchAllPositionsCaseInsensitive", |request| all_positions(request, Mode::ANY_CASE)),
    Definition::new("multiSearchAllPositionsUTF8", |request| all_positions(request, Mode::UTF8)),
    Definition::new("multiSearchAllPositionsCaseInsensitiveUTF8", |request| {
        all_positions(request, Mode::ANY_CASE_UTF8)
    }),
    Definition::new("hasToken", |request| has_token(request, Mode::BYTES, BadToken::Error)),
    Definition::new("hasTokenCaseInsensitive", |request| has_token(request, Mode::ANY_CASE, BadToken::Error))
        .any_case(),
    Definition::new("hasTokenOrNull", |request| has_token(request, Mode::BYTES, BadToken::Null)),
    Definition::new("hasTokenCaseInsensitiveOrNull", |request| has_token(request, Mode::ANY_CASE, BadToken::Null))
        .any_case(),
    Definition::new("hasSubsequence", |request| has_subsequence(request, Mode::BYTES)).any_case(),
    Definition::new("hasSubsequenceCaseInsensitive", |request| has_subsequence(request, Mode::ANY_CASE)).any_case(),
    Definition::new("hasSubsequenceUTF8", |request| has_subsequence(request, Mode::UTF8)).any_case(),
    Definition::new("hasSubsequenceCaseInsensitiveUTF8", |request| has_subsequence(request, Mode::ANY_CASE_UTF8))
        .any_case(),
];

/// What a search compares and what positions count.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Mode {
    any_case: bool,
    utf8: bool,
}

impl Mode {
    const BYTES: Mode = Mode { any_case: false, utf8: false };
    const UTF8: Mode = Mode { any_case: false, utf8: true };
    const ANY_CASE: Mode = Mode { any_case: true, utf8: false };
    const ANY_CASE_UTF8: Mode = Mode { any_case: true, utf8: true };

    /// The text as it is compared. Lower case keeps the number of characters, so that positions stay right.
    fn folded<'a>(self, text: &'a [u8], buffer: &'a mut Vec<u8>) -> &'a [u8] {
        if !self.any_case {
            return text;
        }
        buffer.clear();
        match self.utf8 {
            false => case::lower(text, buffer),
            true => {
                for chunk in text.utf8_chunks() {
                    let lower = chunk.valid().chars().map(|c| c.to_lowercase().next().unwrap_or(c));
                    let mut character = [0; 4];
                    lower.for_each(|c| buffer.extend_from_slice(c.encode_utf8(&mut character).as_bytes()));
                    buffer.extend_from_slice(chunk.invalid());
                }
            }
        }
        buffer
    }

    /// The byte at which the `unit`-th byte or character (from 0) begins; `None` beyond the end.
    fn byte_of(self, text: &[u8], unit: usize) -> Option<usize> {
        if !self.utf8 {
            return (unit <= text.len()).then_some(unit);
        }
        let mut at = 0;
        for _ in 0..unit {
            if at >= text.len() {
                return None;
            }
            at += utf8::character_len(&text[at..]);
        }
        Some(at)
    }

    /// How many bytes or characters come before byte `at`.
    fn units_before(self, text: &[u8], at: usize) -> u64 {
        if self.utf8 { utf8::count(&text[..at]) as u64 } else { at as u64 }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    HaystackFirst,
    NeedleFirst,
}

/// A needle prepared once for as long as it stays the same.
struct Needle {
    text: Vec<u8>,
    finder: Finder<'static>,
}

impl Needle {
    fn new(mode: Mode, text: &[u8]) -> Needle {
        let mut buffer = Vec::new();
        let finder = Finder::new(mode.folded(text, &mut buffer)).into_owned();
        Needle { text: text.to_vec(), finder }
    }

    /// The needle for `text`, which often is the one at hand.
    fn renewed<'n>(known: &'n mut Option<Needle>, mode: Mode, text: &[u8]) -> &'n Needle {
        if known.as_ref().is_some_and(|known| known.text != text) {
            *known = None;
        }
        known.get_or_insert_with(|| Needle::new(mode, text))
    }
}

/// Haystacks, needles and where to start, of every row.
struct Searches<'a> {
    haystacks: Bytes<'a>,
    needles: Bytes<'a>,
    starts: Option<Integers>,
}

impl<'a> Searches<'a> {
    fn of(args: &'a [Operand], order: Order) -> Result<Searches<'a>> {
        let (haystack, needle) = if order == Order::HaystackFirst { (0, 1) } else { (1, 0) };
        Ok(Searches {
            haystacks: Bytes::of(&args[haystack])?,
            needles: Bytes::of(&args[needle])?,
            starts: args.get(2).map(Integers::of).transpose()?,
        })
    }

    /// Calls `found` with the folded haystack, the byte to start from (if inside), and the finder.
    fn for_each_row(&self, mode: Mode, rows: usize, mut found: impl FnMut(&[u8], Option<usize>, &Finder<'_>)) {
        let mut needle = None;
        let mut buffer = Vec::new();
        for row in 0..rows {
            let needle = Needle::renewed(&mut needle, mode, self.needles.get(row));
            let haystack = mode.folded(self.haystacks.get(row), &mut buffer);
            let start = self.starts.as_ref().map_or(1, |starts| starts.get(row).max(1));
            let start = usize::try_from(start - 1).ok().and_then(|start| mode.byte_of(haystack, start));
            found(haystack, start, &needle.finder);
        }
    }
}

fn check_search(request: &Request<'_>) -> Result<()> {
    request.arity(2..=3)?;
    check_text(request, 0)?;
    check_text(request, 1)?;
    if request.args.len() == 3 && !request.ty(2).is_unsigned() {
        return Err(request.wrong_type(2, "an unsigned integer"));
    }
    Ok(())
}

/// The first place from 1 on; 0 where there is none.
fn position(request: &Request<'_>, mode: Mode, order: Order) -> Result<Resolved> {
    check_search(request)?;
    Ok(Resolved::new(DataType::UInt64, move |args: &[Operand], call: &Call| {
        let mut result = Vec::with_capacity(call.rows);
        Searches::of(args, order)?.for_each_row(mode, call.rows, |haystack, start, finder| {
            let at = start.and_then(|start| finder.find(&haystack[start..]).map(|at| start + at));
            result.push(at.map_or(0, |at| mode.units_before(haystack, at) + 1));
        });
        Ok(Arc::new(UInt64Array::from(result)))
    }))
}

/// How often the needle occurs without overlap; an empty one never.
fn count(request: &Request<'_>, mode: Mode) -> Result<Resolved> {
    check_search(request)?;
    Ok(Resolved::new(DataType::UInt64, move |args: &[Operand], call: &Call| {
        let mut result = Vec::with_capacity(call.rows);
        Searches::of(args, Order::HaystackFirst)?.for_each_row(mode, call.rows, |haystack, start, finder| {
            let count = match start {
                Some(start) if !finder.needle().is_empty() => finder.find_iter(&haystack[start..]).count(),
                _ => 0,
            };
            result.push(count as u64);
        });
        Ok(Arc::new(UInt64Array::from(result)))
    }))
}

/// The LIKE pattern, or the error of function `name` that it is none.
pub(crate) fn like_pattern(name: &str, pattern: &[u8], any_case: bool) -> Result<LikePattern> {
    LikePattern::compile(pattern, any_case).map_err(|error| match error {
        LikeError::TrailingEscape => Error::Parse {
            text: String::from_utf8_lossy(pattern).into_owned(),
            ty: "LIKE pattern".to_owned(),
            reason: "it ends with a backslash".to_owned(),
            code: ErrorCode::CANNOT_PARSE_ESCAPE_SEQUENCE,
        },
        LikeError::Pattern(reason) => pattern_error(name, pattern, reason),
    })
}

fn like(request: &Request<'_>, any_case: bool, wanted: bool) -> Result<Resolved> {
    check_texts(request, 2)?;
    let name = request.name.to_owned();
    let constant = match request.constant(1) {
        Some(pattern) => Some(like_pattern(&name, Bytes::of_array(pattern, true)?.get(0), any_case)?),
        None => None,
    };
    Ok(Resolved::new(DataType::UInt8, move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        if let Some(like) = &constant {
            return Ok(flags((0..call.rows).map(|row| like.matches(texts.get(row)) == wanted)));
        }
        let patterns = Bytes::of(&args[1])?;
        let mut known: Option<(&[u8], LikePattern)> = None;
        let mut result = Vec::with_capacity(call.rows);
        for row in 0..call.rows {
            let pattern = patterns.get(row);
            if known.as_ref().is_none_or(|(text, _)| *text != pattern) {
                known = Some((pattern, like_pattern(&name, pattern, any_case)?));
            }
            let matches = known.as_ref().is_some_and(|(_, like)| like.matches(texts.get(row)));
            result.push(u8::from(matches == wanted));
        }
        Ok(Arc::new(UInt8Array::from(result)))
    }))
}

/// What a search for several needles gives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Multi {
    Any,
    FirstIndex,
    FirstPosition,
}

fn check_multi(request: &Request<'_>) -> Result<()> {
    request.arity(2..=2)?;
    check_text(request, 0)?;
    match request.ty(1) {
        DataType::Array(inner) if inner.is_string() => Ok(()),
        _ => Err(request.wrong_type(1, "Array(String)")),
    }
}

/// Calls `each` with every row's haystack and its needles' places (from 1; 0 for none).
fn positions_of_all(
    args: &[Operand],
    mode: Mode,
    rows: usize,
    mut each: impl FnMut(&[u64]) -> Result<()>,
) -> Result<()> {
    let haystacks = Bytes::of(&args[0])?;
    let needles = args[1].array();
    let lists = Lists::of_array(needles)?;
    let texts = Bytes::of_array(&lists.elements, false)?;
    let prepared: Vec<Needle> = (0..lists.elements.len()).map(|i| Needle::new(mode, texts.get(i))).collect();
    let mut buffer = Vec::new();
    let mut places = Vec::new();
    for row in 0..rows {
        let haystack = mode.folded(haystacks.get(row), &mut buffer);
        let find = |needle: &Needle| needle.finder.find(haystack).map_or(0, |at| mode.units_before(haystack, at) + 1);
        places.clear();
        places.extend(prepared[lists.range(args[1].index(row))].iter().map(find));
        each(&places)?;
    }
    Ok(())
}

fn multi(request: &Request<'_>, mode: Mode, multi: Multi) -> Result<Resolved> {
    check_multi(request)?;
    let result = if multi == Multi::Any { DataType::UInt8 } else { DataType::UInt64 };
    Ok(Resolved::new(result, move |args: &[Operand], call: &Call| {
        let mut values = Vec::with_capacity(call.rows);
        positions_of_all(args, mode, call.rows, |places| {
            values.push(match multi {
                Multi::Any => u64::from(places.iter().any(|place| *place > 0)),
                Multi::FirstIndex => places.iter().position(|place| *place > 0).map_or(0, |i| i as u64 + 1),
                Multi::FirstPosition => places.iter().copied().filter(|place| *place > 0).min().unwrap_or(0),
            });
            Ok(())
        })?;
        if multi == Multi::Any {
            return Ok(flags(values.iter().map(|value| *value > 0)));
        }
        Ok(Arc::new(UInt64Array::from(values)))
    }))
}

fn all_positions(request: &Request<'_>, mode: Mode) -> Result<Resolved> {
    check_multi(request)?;
    Ok(Resolved::new(DataType::array(DataType::UInt64), move |args: &[Operand], call: &Call| {
        let mut values = Vec::new();
        let mut offsets = Offsets::with_capacity(call.rows);
        positions_of_all(args, mode, call.rows, |places| {
            values.extend_from_slice(places);
            offsets.end(values.len())
        })?;
        Ok(offsets.finish(Arc::new(UInt64Array::from(values))))
    }))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum BadToken {
    Error,
    Null,
}

/// Bytes that tokens are made of: ASCII letters and digits, and everything that is not ASCII.
fn in_token(byte: u8) -> bool {
    !byte.is_ascii() || byte.is_ascii_alphanumeric()
}

fn has_token(request: &Request<'_>, mode: Mode, bad_token: BadToken) -> Result<Resolved> {
    check_texts(request, 2)?;
    let token = request.constant(1).ok_or_else(|| request.not_constant(1))?;
    let token = Bytes::of_array(token, true)?.get(0);
    let is_bad = token.is_empty() || !token.iter().copied().all(in_token);
    if is_bad && bad_token == BadToken::Error {
        return Err(request.bad("a token is made of letters and digits only"));
    }
    let needle = Needle::new(mode, token);
    let result = if bad_token == BadToken::Null { DataType::nullable(DataType::UInt8) } else { DataType::UInt8 };
    Ok(Resolved::new(result, move |args: &[Operand], call: &Call| {
        if is_bad {
            return Ok(arrow::array::new_null_array(&arrow::datatypes::DataType::UInt8, call.rows));
        }
        let texts = Bytes::of(&args[0])?;
        let mut buffer = Vec::new();
        let has = |row| {
            let text = mode.folded(texts.get(row), &mut buffer);
            needle.finder.find_iter(text).any(|at| {
                let end = at + needle.finder.needle().len();
                let alone = |byte: Option<&u8>| byte.is_none_or(|byte| !in_token(*byte));
                alone(at.checked_sub(1).and_then(|before| text.get(before))) && alone(text.get(end))
            })
        };
        Ok(flags((0..call.rows).map(has)))
    }))
}

/// The needle's bytes (or characters) in order, with anything between them.
fn has_subsequence(request: &Request<'_>, mode: Mode) -> Result<Resolved> {
    check_texts(request, 2)?;
    Ok(Resolved::new(DataType::UInt8, move |args: &[Operand], call: &Call| {
        let (texts, needles) = (Bytes::of(&args[0])?, Bytes::of(&args[1])?);
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let has = |row| {
            let (text, needle) = (mode.folded(texts.get(row), &mut first), mode.folded(needles.get(row), &mut second));
            is_subsequence(text, needle, mode.utf8)
        };
        Ok(flags((0..call.rows).map(has)))
    }))
}

fn is_subsequence(text: &[u8], mut needle: &[u8], utf8: bool) -> bool {
    let length = |text: &[u8]| if utf8 { utf8::character_len(text) } else { 1 };
    let mut at = 0;
    while at < text.len() && !needle.is_empty() {
        let (mine, wanted) = (length(&text[at..]), length(needle));
        if text[at..at + mine] == needle[..wanted] {
            needle = &needle[wanted..];
        }
        at += mine;
    }
    needle.is_empty()
}

/// The string elements of a constant array argument.
pub(crate) fn constant_texts(request: &Request<'_>, i: usize) -> Result<Vec<Vec<u8>>> {
    let constant: &ArrayRef = request.constant(i).ok_or_else(|| request.not_constant(i))?;
    let list = constant.as_list_opt::<i32>().ok_or_else(|| request.wrong_type(i, "Array(String)"))?;
    let elements = list.value(0);
    let texts = Bytes::of_array(&elements, false)?;
    Ok((0..elements.len()).map(|row| texts.get(row).to_vec()).collect())
}
