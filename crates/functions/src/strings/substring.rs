//! Parts of strings: `substring`, `left`, `right`, `substringIndex`, `overlay`, `startsWith`…

use types::DataType;

use super::shapes::{bad, check_text, texts_test};
use super::utf8;
use crate::arrays::access::check_narrow;
use crate::arrays::slice::window;
use crate::columns::{Bytes, Integers, Texts};
use crate::error::Result;
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("substring", |request| substring(request, Unit::Byte)).any_case(),
    Definition::new("substring", |request| substring(request, Unit::Byte)).alias("substr").any_case(),
    Definition::new("substring", |request| substring(request, Unit::Byte)).alias("mid").any_case(),
    Definition::new("substring", |request| substring(request, Unit::Byte)).alias("byteSlice").any_case(),
    Definition::new("substringUTF8", |request| substring(request, Unit::Character)),
    Definition::new("left", |request| side(request, Unit::Byte, left)).any_case(),
    Definition::new("leftUTF8", |request| side(request, Unit::Character, left)),
    Definition::new("right", |request| side(request, Unit::Byte, right)).any_case(),
    Definition::new("rightUTF8", |request| side(request, Unit::Character, right)),
    Definition::new("substringIndex", substring_index),
    Definition::new("substringIndex", substring_index).alias("SUBSTRING_INDEX").any_case(),
    Definition::new("substringIndexUTF8", substring_index),
    Definition::new("overlay", |request| overlay(request, Unit::Byte)).any_case(),
    Definition::new("overlayUTF8", |request| overlay(request, Unit::Character)),
    Definition::new("startsWith", |request| {
        starts(request, crate::arrays::subset::starts_with, |text, part| text.starts_with(part))
    }),
    Definition::new("endsWith", |request| {
        starts(request, crate::arrays::subset::ends_with, |text, part| text.ends_with(part))
    }),
    Definition::new("startsWithUTF8", |request| {
        texts_test(request, |text, part| text.starts_with(part) && on_boundary(text, part.len()))
    }),
    Definition::new("endsWithUTF8", |request| {
        texts_test(request, |text, part| text.ends_with(part) && on_boundary(text, text.len() - part.len()))
    }),
    Definition::new("startsWithCaseInsensitive", |request| {
        texts_test(request, |text, part| text.get(..part.len()).is_some_and(|head| head.eq_ignore_ascii_case(part)))
    }),
    Definition::new("endsWithCaseInsensitive", |request| {
        texts_test(request, |text, part| {
            text.len().checked_sub(part.len()).is_some_and(|at| text[at..].eq_ignore_ascii_case(part))
        })
    }),
    Definition::new("startsWithCaseInsensitiveUTF8", |request| {
        texts_test(request, |text, part| folded(text).starts_with(&folded(part)))
    }),
    Definition::new("endsWithCaseInsensitiveUTF8", |request| {
        texts_test(request, |text, part| folded(text).ends_with(&folded(part)))
    }),
];

/// What offsets and lengths count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Byte,
    Character,
}

impl Unit {
    /// How many there are in `text`; fills `cuts` with where characters start.
    fn count(self, text: &[u8], cuts: &mut Vec<usize>) -> usize {
        match self {
            Unit::Byte => text.len(),
            Unit::Character => {
                utf8::boundaries(text, cuts);
                cuts.len() - 1
            }
        }
    }

    /// The byte at which unit `i` begins, after [`Unit::count`].
    fn byte(self, i: usize, cuts: &[usize]) -> usize {
        match self {
            Unit::Byte => i,
            Unit::Character => cuts[i],
        }
    }
}

/// The text in lower case, for comparison.
fn folded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    super::case::lower_utf8(text, &mut out);
    out
}

/// True when a character of `text` begins (or the text ends) at byte `at`.
fn on_boundary(text: &[u8], at: usize) -> bool {
    text.get(at).is_none_or(|byte| byte & 0xC0 != 0x80)
}

fn starts(
    request: &Request<'_>,
    of_arrays: fn(&Request<'_>) -> Result<Resolved>,
    of_texts: fn(&[u8], &[u8]) -> bool,
) -> Result<Resolved> {
    request.arity(2..=2)?;
    if matches!(request.ty(0), DataType::Array(_)) { of_arrays(request) } else { texts_test(request, of_texts) }
}

/// Texts cut by `part`, which is given the number of units of a row's text and says which of them stay.
fn cut(
    texts: &Bytes<'_>,
    unit: Unit,
    rows: usize,
    part: impl Fn(usize, usize) -> std::ops::Range<usize>,
) -> Result<arrow::array::ArrayRef> {
    let mut result = Texts::with_capacity(rows, texts.size());
    let mut cuts = Vec::new();
    for row in 0..rows {
        let text = texts.get(row);
        let kept = part(row, unit.count(text, &mut cuts));
        result.push(&text[unit.byte(kept.start, &cuts)..unit.byte(kept.end, &cuts)])?;
    }
    Ok(result.finish())
}

/// `substring(text, offset [, length])`.
fn substring(request: &Request<'_>, unit: Unit) -> Result<Resolved> {
    request.arity(2..=3)?;
    check_text(request, 0)?;
    for i in 1..request.args.len() {
        check_narrow(request, i)?;
    }
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        let offsets = Integers::of(&args[1])?;
        let lengths = args.get(2).map(Integers::of).transpose()?;
        cut(&texts, unit, call.rows, |row, count| {
            window(count, offsets.get(row), lengths.as_ref().map(|lengths| lengths.get(row)))
        })
    }))
}

/// The first units: `n`, or all but the last `-n`.
fn left(count: usize, n: i64) -> std::ops::Range<usize> {
    let end = if n < 0 { count as i128 + i128::from(n) } else { i128::from(n) };
    0..end.clamp(0, count as i128) as usize
}

/// The last units: `n`, or all but the first `-n`.
fn right(count: usize, n: i64) -> std::ops::Range<usize> {
    let start = if n < 0 { -i128::from(n) } else { count as i128 - i128::from(n) };
    start.clamp(0, count as i128) as usize..count
}

fn side(request: &Request<'_>, unit: Unit, part: fn(usize, i64) -> std::ops::Range<usize>) -> Result<Resolved> {
    request.arity(2..=2)?;
    check_text(request, 0)?;
    check_narrow(request, 1)?;
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let (texts, numbers) = (Bytes::of(&args[0])?, Integers::of(&args[1])?);
        cut(&texts, unit, call.rows, |row, count| part(count, numbers.get(row)))
    }))
}

/// `substringIndex(text, delimiter, n)`: what comes before the n-th delimiter, or behind it counted from the end.
fn substring_index(request: &Request<'_>) -> Result<Resolved> {
    request.arity(3..=3)?;
    check_text(request, 0)?;
    check_text(request, 1)?;
    check_narrow(request, 2)?;
    let name = request.name.to_owned();
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let (texts, delimiters, counts) = (Bytes::of(&args[0])?, Bytes::of(&args[1])?, Integers::of(&args[2])?);
        let mut result = Texts::with_capacity(call.rows, texts.size());
        for row in 0..call.rows {
            let delimiter = delimiters.get(row);
            if utf8::character_len(delimiter) != delimiter.len() || delimiter.is_empty() {
                return Err(bad(&name, "the delimiter must be one character"));
            }
            result.push(before_or_behind(texts.get(row), delimiter, counts.get(row)))?;
        }
        Ok(result.finish())
    }))
}

fn before_or_behind<'a>(text: &'a [u8], delimiter: &[u8], n: i64) -> &'a [u8] {
    let wanted = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX);
    match n {
        0 => b"",
        1.. => memchr::memmem::find_iter(text, delimiter).nth(wanted - 1).map_or(text, |at| &text[..at]),
        _ => {
            memchr::memmem::rfind_iter(text, delimiter).nth(wanted - 1).map_or(text, |at| &text[at + delimiter.len()..])
        }
    }
}

/// `overlay(text, replacement, offset [, length])`: `length` units from `offset` on replaced, by default as many as come.
fn overlay(request: &Request<'_>, unit: Unit) -> Result<Resolved> {
    request.arity(3..=4)?;
    check_text(request, 0)?;
    check_text(request, 1)?;
    for i in 2..request.args.len() {
        check_narrow(request, i)?;
    }
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let (texts, replacements, offsets) = (Bytes::of(&args[0])?, Bytes::of(&args[1])?, Integers::of(&args[2])?);
        let lengths = args.get(3).map(Integers::of).transpose()?;
        let mut result = Texts::with_capacity(call.rows, texts.size() + replacements.size());
        let mut cuts = Vec::new();
        for row in 0..call.rows {
            let (text, replacement) = (texts.get(row), replacements.get(row));
            let own = unit.count(replacement, &mut cuts);
            let count = unit.count(text, &mut cuts);
            let start = overlay_start(count, offsets.get(row));
            let length = lengths.as_ref().map_or(own as i64, |lengths| lengths.get(row));
            let length = usize::try_from(length).unwrap_or(own);
            let end = start.saturating_add(length).min(count);
            result.bytes().extend_from_slice(&text[..unit.byte(start, &cuts)]);
            result.bytes().extend_from_slice(replacement);
            result.push(&text[unit.byte(end, &cuts)..])?;
        }
        Ok(result.finish())
    }))
}

/// Offsets count from 1; beyond the end (and 0) is the end, beyond the beginning the beginning.
fn overlay_start(count: usize, offset: i64) -> usize {
    let start = match offset {
        0 => count as i128,
        1.. => i128::from(offset) - 1,
        _ => count as i128 + i128::from(offset),
    };
    start.clamp(0, count as i128) as usize
}
