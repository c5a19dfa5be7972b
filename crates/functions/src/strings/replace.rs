//! Strings with parts replaced, cut off or added: `replaceAll`, `translate`, `trim`, `leftPad`, `repeat`.

use std::collections::HashMap;

use memchr::memmem;
use types::{DataType, ErrorCode};

use super::shapes::{bad, check_text, check_texts, text_to_text, texts_to_text};
use super::utf8;
use crate::arrays::access::check_narrow;
use crate::columns::{Bytes, Integers, Texts};
use crate::error::{Error, Result};
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;

/// How often `repeat` and `space` repeat at most, and how long padding makes a string: ClickHouse's own limit.
const REPEAT_MAX: i64 = 1_000_000;

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("replaceOne", |request| replace(request, Extent::First)),
    Definition::new("replaceAll", |request| replace(request, Extent::All)),
    Definition::new("replaceAll", |request| replace(request, Extent::All)).alias("replace").any_case(),
    Definition::new("translate", |request| translate(request, Unit::Byte)),
    Definition::new("translateUTF8", |request| translate(request, Unit::Character)),
    Definition::new("trimLeft", |request| trim(request, true, false)),
    Definition::new("trimLeft", |request| trim(request, true, false)).alias("ltrim"),
    Definition::new("trimRight", |request| trim(request, false, true)),
    Definition::new("trimRight", |request| trim(request, false, true)).alias("rtrim"),
    Definition::new("trimBoth", |request| trim(request, true, true)),
    Definition::new("trimBoth", |request| trim(request, true, true)).alias("trim"),
    Definition::new("leftPad", |request| pad(request, Side::Left, Unit::Byte)),
    Definition::new("leftPad", |request| pad(request, Side::Left, Unit::Byte)).alias("lpad").any_case(),
    Definition::new("leftPadUTF8", |request| pad(request, Side::Left, Unit::Character)),
    Definition::new("rightPad", |request| pad(request, Side::Right, Unit::Byte)),
    Definition::new("rightPad", |request| pad(request, Side::Right, Unit::Byte)).alias("rpad").any_case(),
    Definition::new("rightPadUTF8", |request| pad(request, Side::Right, Unit::Character)),
    Definition::new("repeat", repeat).any_case(),
    Definition::new("space", space).any_case(),
    Definition::new("appendTrailingCharIfAbsent", append_trailing_character),
    Definition::new("regexpQuoteMeta", |request| text_to_text(request, quote_meta)),
    Definition::new("toValidUTF8", |request| text_to_text(request, utf8::to_valid)),
    Definition::new("reverseBySeparator", reverse_by_separator),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    First,
    All,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Byte,
    Character,
}

/// `replaceAll(text, what, by)`; an empty `what` is never found.
fn replace(request: &Request<'_>, extent: Extent) -> Result<Resolved> {
    check_texts(request, 3)?;
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let (texts, needles, replacements) = (Bytes::of(&args[0])?, Bytes::of(&args[1])?, Bytes::of(&args[2])?);
        let mut result = Texts::with_capacity(call.rows, texts.size());
        let constant = needles.is_constant().then(|| memmem::Finder::new(needles.get(0)));
        for row in 0..call.rows {
            let (text, by) = (texts.get(row), replacements.get(row));
            let own = constant.is_none().then(|| memmem::Finder::new(needles.get(row)));
            if let Some(finder) = constant.as_ref().or(own.as_ref()) {
                replace_in(text, finder, by, extent, result.bytes());
            }
            result.end()?;
        }
        Ok(result.finish())
    }))
}

fn replace_in(text: &[u8], finder: &memmem::Finder<'_>, by: &[u8], extent: Extent, out: &mut Vec<u8>) {
    let mut at = 0;
    if !finder.needle().is_empty() {
        let limit = if extent == Extent::First { 1 } else { usize::MAX };
        for found in finder.find_iter(text).take(limit) {
            out.extend_from_slice(&text[at..found]);
            out.extend_from_slice(by);
            at = found + finder.needle().len();
        }
    }
    out.extend_from_slice(&text[at..]);
}

/// What each unit becomes; `None` is taken away. Of a unit that comes twice the last counts.
type Table = HashMap<Vec<u8>, Option<Vec<u8>>>;

fn units(text: &[u8], unit: Unit) -> Vec<&[u8]> {
    match unit {
        Unit::Byte => text.chunks(1).collect(),
        Unit::Character => {
            let mut cuts = Vec::new();
            utf8::boundaries(text, &mut cuts);
            cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]).collect()
        }
    }
}

fn table(name: &str, from: &[u8], to: &[u8], unit: Unit) -> Result<Table> {
    if unit == Unit::Byte && !(from.is_ascii() && to.is_ascii()) {
        return Err(bad(name, "the second and third arguments must be ASCII"));
    }
    let (from, to) = (units(from, unit), units(to, unit));
    if to.len() > from.len() {
        return Err(bad(name, "the third argument is longer than the second"));
    }
    Ok(from.iter().enumerate().map(|(i, from)| (from.to_vec(), to.get(i).map(|to| to.to_vec()))).collect())
}

/// `translate(text, from, to)`: each character of `from` becomes the one at its place in `to`, or nothing.
fn translate(request: &Request<'_>, unit: Unit) -> Result<Resolved> {
    check_texts(request, 3)?;
    let name = request.name.to_owned();
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let (texts, from, to) = (Bytes::of(&args[0])?, Bytes::of(&args[1])?, Bytes::of(&args[2])?);
        let mut result = Texts::with_capacity(call.rows, texts.size());
        let mut known: Option<(&[u8], &[u8], Table)> = None;
        for row in 0..call.rows {
            let (from, to) = (from.get(row), to.get(row));
            if known.as_ref().is_none_or(|(known_from, known_to, _)| *known_from != from || *known_to != to) {
                known = Some((from, to, table(&name, from, to, unit)?));
            }
            if let Some((_, _, table)) = &known {
                for unit in units(texts.get(row), unit) {
                    match table.get(unit) {
                        Some(Some(to)) => result.bytes().extend_from_slice(to),
                        Some(None) => {}
                        None => result.bytes().extend_from_slice(unit),
                    }
                }
            }
            result.end()?;
        }
        Ok(result.finish())
    }))
}

/// `trimBoth(text [, characters])`: spaces, or any of the characters.
fn trim(request: &Request<'_>, left: bool, right: bool) -> Result<Resolved> {
    request.arity(1..=2)?;
    (0..request.args.len()).try_for_each(|i| check_text(request, i))?;
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        let characters = args.get(1).map(Bytes::of).transpose()?;
        let mut result = Texts::with_capacity(call.rows, texts.size());
        for row in 0..call.rows {
            let mut text = texts.get(row);
            let trimmed = characters.as_ref().map_or(&b" "[..], |characters| characters.get(row));
            while left && text.first().is_some_and(|byte| trimmed.contains(byte)) {
                text = &text[1..];
            }
            while right && text.last().is_some_and(|byte| trimmed.contains(byte)) {
                text = &text[..text.len() - 1];
            }
            result.push(text)?;
        }
        Ok(result.finish())
    }))
}

fn too_large(name: &str, what: &str, size: i64) -> Error {
    Error::TooLarge {
        function: name.to_owned(),
        reason: format!("{what} {size}, at most {REPEAT_MAX}"),
        code: ErrorCode::TOO_LARGE_STRING_SIZE,
    }
}

/// `leftPad(text, length [, filler])`: cut or filled to that length.
fn pad(request: &Request<'_>, side: Side, unit: Unit) -> Result<Resolved> {
    request.arity(2..=3)?;
    check_text(request, 0)?;
    check_narrow(request, 1)?;
    if request.args.len() == 3 {
        check_text(request, 2)?;
    }
    let name = request.name.to_owned();
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let (texts, lengths) = (Bytes::of(&args[0])?, Integers::of(&args[1])?);
        let fillers = args.get(2).map(Bytes::of).transpose()?;
        let mut result = Texts::with_capacity(call.rows, texts.size());
        for row in 0..call.rows {
            let filler = fillers.as_ref().map_or(&b" "[..], |fillers| fillers.get(row));
            let length = padded_length(&name, lengths.get(row))?;
            append_padded(texts.get(row), length, filler, side, unit, result.bytes());
            result.end()?;
        }
        Ok(result.finish())
    }))
}

fn padded_length(name: &str, length: i64) -> Result<usize> {
    if length > REPEAT_MAX {
        return Err(too_large(name, "length", length));
    }
    usize::try_from(length).map_err(|_| Error::Parse {
        text: length.to_string(),
        ty: format!("length of function \"{name}\""),
        reason: "it is negative".to_owned(),
        code: ErrorCode::INDEX_OF_POSITIONAL_ARGUMENT_IS_OUT_OF_RANGE,
    })
}

fn append_padded(text: &[u8], length: usize, filler: &[u8], side: Side, unit: Unit, out: &mut Vec<u8>) {
    let filler = if filler.is_empty() { b" " } else { filler };
    let own = units(text, unit);
    let kept: usize = own.iter().take(length).map(|unit| unit.len()).sum();
    let missing = length.saturating_sub(own.len());
    if side == Side::Right {
        out.extend_from_slice(&text[..kept]);
    }
    units(filler, unit).into_iter().cycle().take(missing).for_each(|unit| out.extend_from_slice(unit));
    if side == Side::Left {
        out.extend_from_slice(&text[..kept]);
    }
}

fn times(name: &str, count: i64) -> Result<usize> {
    if count > REPEAT_MAX { Err(too_large(name, "times", count)) } else { Ok(usize::try_from(count).unwrap_or(0)) }
}

/// `repeat(text, n)`; nothing for 0 and below.
fn repeat(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    check_text(request, 0)?;
    check_narrow(request, 1)?;
    Ok(Resolved::new(DataType::String, |args: &[Operand], call: &Call| {
        let (texts, counts) = (Bytes::of(&args[0])?, Integers::of(&args[1])?);
        let mut result = Texts::with_capacity(call.rows, texts.size());
        for row in 0..call.rows {
            append_repeated(texts.get(row), times("repeat", counts.get(row))?, &mut result)?;
        }
        Ok(result.finish())
    }))
}

fn append_repeated(text: &[u8], times: usize, result: &mut Texts) -> Result<()> {
    let size = text.len().saturating_mul(times);
    if size > crate::columns::OFFSET_MAX {
        return Err(too_large("repeat", "bytes", i64::try_from(size).unwrap_or(i64::MAX)));
    }
    (0..times).for_each(|_| result.bytes().extend_from_slice(text));
    result.end()
}

fn space(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    if !request.ty(0).is_integer() {
        return Err(request.wrong_type(0, "an integer"));
    }
    check_narrow(request, 0)?;
    Ok(Resolved::new(DataType::String, |args: &[Operand], call: &Call| {
        let counts = Integers::of(&args[0])?;
        let mut result = Texts::with_capacity(call.rows, call.rows);
        for row in 0..call.rows {
            append_repeated(b" ", times("space", counts.get(row))?, &mut result)?;
        }
        Ok(result.finish())
    }))
}

/// The text with the character at its end, unless it is empty or ends with it already.
fn append_trailing_character(request: &Request<'_>) -> Result<Resolved> {
    check_texts(request, 2)?;
    let character = request.constant(1).ok_or_else(|| request.not_constant(1))?;
    let &[_] = Bytes::of_array(character, true)?.get(0) else {
        return Err(request.bad("the second argument must be one character"));
    };
    texts_to_text(request, |text, end, out| {
        out.extend_from_slice(text);
        if !text.is_empty() && !text.ends_with(end) {
            out.extend_from_slice(end);
        }
    })
}

/// A pattern that matches the text alone, as RE2 quotes it for ClickHouse.
fn quote_meta(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        match byte {
            0 => out.extend_from_slice(b"\\\x00"),
            b'\\' | b'(' | b')' | b'^' | b'$' | b'.' | b'[' | b']' | b'?' | b'*' | b'+' | b'{' | b'|' | b':' | b'-' => {
                out.extend_from_slice(&[b'\\', *byte])
            }
            _ => out.push(*byte),
        }
    }
}

/// `reverseBySeparator(text [, separator])`: the parts in the opposite order.
fn reverse_by_separator(request: &Request<'_>) -> Result<Resolved> {
    check_texts(request, 2)?;
    texts_to_text(request, |text, separator, out| {
        if separator.is_empty() {
            return out.extend(text.iter().rev());
        }
        let mut end = text.len();
        for at in memmem::rfind_iter(text, separator) {
            out.extend_from_slice(&text[at + separator.len()..end]);
            out.extend_from_slice(separator);
            end = at;
        }
        out.extend_from_slice(&text[..end]);
    })
}

/// Keeps the translator of patterns honest about what [`quote_meta`] promises.
#[cfg(test)]
mod tests {
    use super::super::re2;
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_quoted_text_matches_itself(text in "[ -~é]{0,12}") {
            let mut quoted = Vec::new();
            quote_meta(text.as_bytes(), &mut quoted);
            let regex = re2::compile(&quoted, false).unwrap();
            proptest::prop_assert_eq!(regex.find(text.as_bytes()).map(|found| found.as_bytes()), Some(text.as_bytes()));
        }
    }
}
