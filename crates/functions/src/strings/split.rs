//! Strings to arrays and back: `splitByChar`, `tokens`, `ngrams`, `arrayStringConcat`.

use memchr::memmem;
use types::DataType;
use types::text::{Quoting, write_cell};

use super::regexp::Pattern;
use super::shapes::{TextLists, bad, check_text};
use super::utf8;
use crate::arrays::access::check_narrow;
use crate::arrays::element_type;
use crate::columns::{Bytes, Integers, Lists, Texts};
use crate::error::Result;
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("splitByChar", |request| by_separator(request, Separator::Byte)),
    Definition::new("splitByString", |request| by_separator(request, Separator::Text)),
    Definition::new("splitByRegexp", by_regexp),
    Definition::new("splitByWhitespace", |request| runs(request, |byte| !byte.is_ascii_whitespace() && *byte != 0x0B)),
    Definition::new("splitByNonAlpha", |request| {
        runs(request, |byte| !byte.is_ascii_whitespace() && !byte.is_ascii_punctuation() && *byte != 0x0B)
    }),
    Definition::new("alphaTokens", |request| runs(request, u8::is_ascii_alphabetic)),
    Definition::new("alphaTokens", |request| runs(request, u8::is_ascii_alphabetic)).alias("splitByAlpha"),
    Definition::new("tokens", |request| runs(request, |byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())),
    Definition::new("ngrams", ngrams),
    Definition::new("arrayStringConcat", join).sees_nulls(),
    Definition::new("arrayStringConcat", join).sees_nulls().alias("array_to_string").any_case(),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Separator {
    Byte,
    Text,
}

/// How many pieces a row may have: the last optional argument; 0 and below mean any number. What is beyond is left off.
struct Limits(Option<Integers>);

impl Limits {
    fn of(operand: Option<&Operand>) -> Result<Limits> {
        Ok(Limits(operand.map(Integers::of).transpose()?))
    }

    fn get(&self, row: usize) -> usize {
        let limit = self.0.as_ref().map_or(0, |limits| limits.get(row));
        if limit <= 0 { usize::MAX } else { usize::try_from(limit).unwrap_or(usize::MAX) }
    }
}

fn check(request: &Request<'_>, texts: usize) -> Result<()> {
    request.arity(texts..=texts + 1)?;
    (0..texts).try_for_each(|i| check_text(request, i))?;
    if request.args.len() > texts { check_narrow(request, texts) } else { Ok(()) }
}

/// `splitByString(separator, text [, limit])`; an empty separator gives every character by itself.
fn by_separator(request: &Request<'_>, separator: Separator) -> Result<Resolved> {
    check(request, 2)?;
    let name = request.name.to_owned();
    Ok(Resolved::new(DataType::array(DataType::String), move |args: &[Operand], call: &Call| {
        let (separators, texts) = (Bytes::of(&args[0])?, Bytes::of(&args[1])?);
        let limits = Limits::of(args.get(2))?;
        let mut result = TextLists::with_capacity(call.rows, texts.size());
        for row in 0..call.rows {
            let (cut, text) = (separators.get(row), texts.get(row));
            if separator == Separator::Byte && cut.len() != 1 {
                return Err(bad(&name, "the separator must be one byte"));
            }
            if cut.is_empty() {
                characters(text, limits.get(row), &mut result)?;
            } else {
                pieces(
                    text,
                    memmem::find_iter(text, cut).map(|at| (at, at + cut.len())),
                    limits.get(row),
                    &mut result,
                )?;
            }
            result.end_row()?;
        }
        Ok(result.finish())
    }))
}

/// Every character of `text`, at most `limit`.
fn characters(text: &[u8], limit: usize, result: &mut TextLists) -> Result<()> {
    let mut cuts = Vec::new();
    utf8::boundaries(text, &mut cuts);
    cuts.windows(2).take(limit).try_for_each(|cut| result.push(&text[cut[0]..cut[1]]))
}

/// What lies between the separators, at most `limit` pieces.
fn pieces(
    text: &[u8],
    separators: impl Iterator<Item = (usize, usize)>,
    limit: usize,
    result: &mut TextLists,
) -> Result<()> {
    let (mut at, mut count) = (0, 0);
    for (start, end) in separators {
        if count == limit {
            return Ok(());
        }
        result.push(&text[at..start])?;
        at = end;
        count += 1;
    }
    if count < limit { result.push(&text[at..]) } else { Ok(()) }
}

/// `splitByRegexp(pattern, text [, limit])`; a pattern that matches nothing long separates nothing.
fn by_regexp(request: &Request<'_>) -> Result<Resolved> {
    check(request, 2)?;
    let pattern = Pattern::new(request, 0, false)?;
    Ok(Resolved::new(DataType::array(DataType::String), move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[1])?;
        let limits = Limits::of(args.get(2))?;
        let mut result = TextLists::with_capacity(call.rows, texts.size());
        pattern.for_each_row(&args[0], call.rows, |row, regex| {
            let text = texts.get(row);
            if regex.as_str().is_empty() {
                characters(text, limits.get(row), &mut result)?;
            } else {
                let found = regex.find_iter(text).take_while(|found| !found.is_empty());
                pieces(text, found.map(|found| (found.start(), found.end())), limits.get(row), &mut result)?;
            }
            result.end_row()
        })?;
        Ok(result.finish())
    }))
}

/// The longest runs of bytes that belong to a token.
fn runs(request: &Request<'_>, belongs: fn(&u8) -> bool) -> Result<Resolved> {
    check(request, 1)?;
    Ok(Resolved::new(DataType::array(DataType::String), move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        let limits = Limits::of(args.get(1))?;
        let mut result = TextLists::with_capacity(call.rows, texts.size());
        for row in 0..call.rows {
            let tokens = texts.get(row).split(|byte| !belongs(byte)).filter(|token| !token.is_empty());
            tokens.take(limits.get(row)).try_for_each(|token| result.push(token))?;
            result.end_row()?;
        }
        Ok(result.finish())
    }))
}

/// `ngrams(text, n)`: every run of `n` characters.
fn ngrams(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    check_text(request, 0)?;
    let length = usize::try_from(request.constant_int(1)?).ok().filter(|length| *length > 0);
    let length = length.ok_or_else(|| request.bad("the length must be at least 1"))?;
    Ok(Resolved::new(DataType::array(DataType::String), move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        let mut result = TextLists::with_capacity(call.rows, texts.size());
        let mut cuts = Vec::new();
        for row in 0..call.rows {
            let text = texts.get(row);
            utf8::boundaries(text, &mut cuts);
            for start in 0..cuts.len().saturating_sub(length) {
                result.push(&text[cuts[start]..cuts[start + length]])?;
            }
            result.end_row()?;
        }
        Ok(result.finish())
    }))
}

/// `arrayStringConcat(array [, separator])`: the elements' texts in a row; NULLs are left out.
fn join(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=2)?;
    let element = element_type(request, 0)?.clone();
    if request.args.len() == 2 && !request.ty(1).is_string() {
        return Err(request.wrong_type(1, "String"));
    }
    let zone = request.context.zone;
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let lists = Lists::of(&args[0], call.rows)?;
        let separators = args.get(1).map(Bytes::of).transpose()?;
        let nulls = lists.elements.logical_nulls();
        let mut result = Texts::with_capacity(call.rows, lists.elements.len() * 8);
        for (row, range) in lists.ranges().enumerate() {
            let separator = separators.as_ref().map_or(&b""[..], |separators| separators.get(row));
            let mut first = true;
            for i in range.filter(|&i| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(i))) {
                if !first {
                    result.bytes().extend_from_slice(separator);
                }
                first = false;
                write_cell(result.bytes(), &element, lists.elements.as_ref(), i, Quoting::Raw, zone);
            }
            result.end()?;
        }
        Ok(result.finish())
    }))
}
