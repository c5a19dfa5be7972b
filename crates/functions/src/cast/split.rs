//! Text of containers cut into the texts of their elements: `[1,'a, b',[2]]` → `1`, `'a, b'`, `[2]`.

use types::ErrorCode;

use super::rows::Failure;

const NO_OPEN_ARRAY: Failure = Failure::new(ErrorCode::CANNOT_READ_ARRAY_FROM_TEXT, "an array does not start with '['");
const NO_OPEN_TUPLE: Failure =
    Failure::new(ErrorCode::CANNOT_PARSE_INPUT_ASSERTION_FAILED, "a tuple does not start with '('");
const NO_OPEN_MAP: Failure =
    Failure::new(ErrorCode::CANNOT_PARSE_INPUT_ASSERTION_FAILED, "a map does not start with '{'");
const NO_COLON: Failure =
    Failure::new(ErrorCode::CANNOT_PARSE_INPUT_ASSERTION_FAILED, "expected ':' between a key and its value");
const NO_CLOSE: Failure =
    Failure::new(ErrorCode::CANNOT_PARSE_INPUT_ASSERTION_FAILED, "the closing bracket is missing");
const TRAILING: Failure =
    Failure::new(ErrorCode::UNEXPECTED_DATA_AFTER_PARSED_VALUE, "unexpected text after the closing bracket");
const NOT_QUOTED: Failure = Failure::new(ErrorCode::CANNOT_PARSE_QUOTED_STRING, "expected a value in single quotes");

/// Which brackets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Brackets {
    Square,
    Round,
    Curly,
}

/// The texts of a key and its value.
pub(super) fn split_pair(pair: &[u8]) -> Result<(&[u8], &[u8]), Failure> {
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    for (at, byte) in pair.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'\'' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'(' | b'{' => depth += 1,
            b']' | b')' | b'}' => depth = depth.saturating_sub(1),
            b':' if depth == 0 => {
                return Ok((pair[..at].trim_ascii(), pair[at + 1..].trim_ascii()));
            }
            _ => {}
        }
    }
    Err(NO_COLON)
}

/// The trimmed texts of the elements between the brackets.
pub(super) fn split(text: &[u8], brackets: Brackets) -> Result<Vec<&[u8]>, Failure> {
    let (open, close, missing) = match brackets {
        Brackets::Square => (b'[', b']', NO_OPEN_ARRAY),
        Brackets::Round => (b'(', b')', NO_OPEN_TUPLE),
        Brackets::Curly => (b'{', b'}', NO_OPEN_MAP),
    };
    let text = text.trim_ascii();
    let body = text.strip_prefix(&[open]).ok_or(missing)?;
    let mut elements = Vec::new();
    let (mut depth, mut quoted, mut escaped, mut start) = (0usize, false, false, 0);
    for (at, byte) in body.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'\'' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'(' | b'{' => depth += 1,
            b']' | b')' | b'}' if depth > 0 => depth -= 1,
            close_byte if *close_byte == close => {
                if at + 1 != body.len() {
                    return Err(TRAILING);
                }
                let last = body[start..at].trim_ascii();
                if !last.is_empty() || !elements.is_empty() {
                    elements.push(last);
                }
                return Ok(elements);
            }
            b',' if depth == 0 => {
                elements.push(body[start..at].trim_ascii());
                start = at + 1;
            }
            _ => {}
        }
    }
    Err(NO_CLOSE)
}

/// The text inside single quotes, escapes resolved.
pub(super) fn unquote(text: &[u8]) -> Result<Vec<u8>, Failure> {
    let inner = text.strip_prefix(b"'").and_then(|rest| rest.strip_suffix(b"'")).ok_or(NOT_QUOTED)?;
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => out.push(match bytes.next().ok_or(NOT_QUOTED)? {
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                b'0' => 0,
                b'b' => 8,
                b'f' => 12,
                other => other,
            }),
            b'\'' => {
                // '' inside quotes is one quote; a lone one would have ended the value
                if bytes.next() != Some(b'\'') {
                    return Err(NOT_QUOTED);
                }
                out.push(b'\'');
            }
            other => out.push(other),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_keep_their_own_brackets_and_quotes() {
        let parts = split(b"[1, 'a, b]', [2,(3)], {'k':[1]}]", Brackets::Square).unwrap();
        assert_eq!(parts, [&b"1"[..], b"'a, b]'", b"[2,(3)]", b"{'k':[1]}"]);
        assert!(split(b"[]", Brackets::Square).unwrap().is_empty());
        assert!(split(b"[1,2", Brackets::Square).is_err() && split(b"[1]x", Brackets::Square).is_err());
        assert_eq!(unquote(br"'b\'c\n'").unwrap(), b"b'c\n");
    }
}
