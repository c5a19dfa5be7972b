//! The text of strings, names and numbers → their values.

use crate::ast::Literal;

/// The bytes of a string token: `'…'`, `x'…'`, `b'…'`, `$tag$…$tag$`.
pub(crate) fn decode_string(token: &str) -> Option<Vec<u8>> {
    let bytes = token.as_bytes();
    match bytes.first()? {
        b'$' => {
            let tag = token.get(1..)?.find('$')? + 2;
            Some(bytes.get(tag..bytes.len().checked_sub(tag)?)?.to_vec())
        }
        b'x' | b'X' => decode_digits(bytes.get(2..bytes.len().checked_sub(1)?)?, 16),
        b'b' | b'B' => decode_digits(bytes.get(2..bytes.len().checked_sub(1)?)?, 2),
        _ => Some(unescape(bytes.get(1..bytes.len().checked_sub(1)?)?, b'\'')),
    }
}

/// The name in a quoted token.
pub(crate) fn decode_name(token: &str) -> Option<String> {
    let bytes = token.as_bytes();
    let quote = *bytes.first()?;
    String::from_utf8(unescape(bytes.get(1..bytes.len().checked_sub(1)?)?, quote)).ok()
}

/// Takes the escapes out of what stands between quotes. Unknown escapes keep their backslash, as in ClickHouse.
fn unescape(bytes: &[u8], quote: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied();
    while let Some(byte) = rest.next() {
        if byte == quote {
            // The lexer ended the token at a single quote, so this one is doubled.
            rest.next();
            out.push(quote);
        } else if byte != b'\\' {
            out.push(byte);
        } else {
            match rest.next() {
                Some(b'x') => unescape_hex(&mut rest, &mut out),
                Some(b'N') => {} // \N is nothing, as in the TabSeparated format
                Some(escape) => match simple_escape(escape) {
                    Some(value) => out.push(value),
                    None => out.extend([b'\\', escape]),
                },
                None => out.push(b'\\'),
            }
        }
    }
    out
}

fn unescape_hex(rest: &mut (impl Iterator<Item = u8> + Clone), out: &mut Vec<u8>) {
    let mut ahead = rest.clone();
    let digits = (ahead.next().and_then(hex_digit), ahead.next().and_then(hex_digit));
    if let (Some(high), Some(low)) = digits {
        *rest = ahead;
        out.push(high << 4 | low);
    } else {
        out.extend(b"\\x");
    }
}

fn simple_escape(escape: u8) -> Option<u8> {
    Some(match escape {
        b'a' => 0x07,
        b'b' => 0x08,
        b'e' => 0x1b,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b'0' => 0,
        b'\\' | b'\'' | b'"' | b'`' | b'/' | b'=' | 0..=0x1f => escape,
        _ => return None,
    })
}

fn hex_digit(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|digit| digit as u8)
}

/// `4A` → `J`: groups of digits from the right, the first one may be short.
fn decode_digits(digits: &[u8], radix: u32) -> Option<Vec<u8>> {
    let per_byte = if radix == 16 { 2 } else { 8 };
    let short = digits.len() % per_byte;
    let (first, rest) = digits.split_at_checked(short)?;
    let groups = std::iter::once(first).filter(|group| !group.is_empty()).chain(rest.chunks(per_byte));
    groups.map(|group| u8::from_str_radix(std::str::from_utf8(group).ok()?, radix).ok()).collect()
}

/// The value of a number token, with the sign before it.
///
/// Integers that fit no 64 bits become floats, as in ClickHouse.
pub(crate) fn decode_number(token: &str, negative: bool) -> Option<Literal> {
    let text = if token.contains('_') { token.replace('_', "") } else { token.to_owned() };
    let lower = text.to_ascii_lowercase();
    if let Some(hex) = lower.strip_prefix("0x") {
        return if hex.contains(['.', 'p']) {
            decode_hex_float(hex, negative)
        } else {
            decode_integer(hex, 16, negative)
        };
    }
    if let Some(binary) = lower.strip_prefix("0b") {
        return decode_integer(binary, 2, negative);
    }
    if lower.bytes().all(|byte| byte.is_ascii_digit()) {
        return decode_integer(&lower, 10, negative);
    }
    let value: f64 = lower.parse().ok()?;
    // A number too big for a float is refused, not made infinite.
    value.is_finite().then_some(Literal::Float(if negative { -value } else { value }))
}

fn decode_integer(digits: &str, radix: u32, negative: bool) -> Option<Literal> {
    match (u64::from_str_radix(digits, radix), negative) {
        (Ok(0), true) => Some(Literal::UInt(0)),
        (Ok(value), false) => Some(Literal::UInt(value)),
        (Ok(value), true) if value <= i64::MIN.unsigned_abs() => Some(Literal::Int(0i64.wrapping_sub_unsigned(value))),
        _ => {
            let value = if radix == 10 {
                digits.parse().ok()?
            } else {
                digits
                    .chars()
                    .try_fold(0.0, |sum, digit| Some(sum * f64::from(radix) + f64::from(digit.to_digit(radix)?)))?
            };
            let value: f64 = if negative { -value } else { value };
            value.is_finite().then_some(Literal::Float(value))
        }
    }
}

/// `1.8p3` is (1 + 8/16) · 2³.
fn decode_hex_float(text: &str, negative: bool) -> Option<Literal> {
    let (mantissa, exponent) = text.split_once('p').unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digit = |c: char| c.to_digit(16).map(f64::from);
    let value = whole.chars().try_fold(0.0, |sum, c| Some(sum * 16.0 + digit(c)?))?;
    let (value, _) =
        fraction.chars().try_fold((value, 1.0 / 16.0), |(sum, unit), c| Some((sum + digit(c)? * unit, unit / 16.0)))?;
    let value = value * 2f64.powi(exponent.parse().ok()?);
    value.is_finite().then_some(Literal::Float(if negative { -value } else { value }))
}
