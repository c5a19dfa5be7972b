//! Text as values: numbers, Bool, dates, times, decimals, ids. Enums and containers have files of their own.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, BooleanArray};
use arrow::datatypes::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    i256,
};
use std::sync::Arc;
use types::text::best_effort::{DayOrder, parse_best_effort};
use types::text::scan::{self, Instant};
use types::text::time::{Civil, Zone, days_of};
use types::{DataType, ErrorCode};

use super::decimals::{OVERFLOW, fits_storage, storage_digits};
use super::rows::{Failure, Outcome, Text, cells, primitive, raise};
use super::times::zone_of;
use super::{CastMode, Rules, TimeText};
use crate::error::{Error, Result};
use crate::wide;

type Parsed<T> = std::result::Result<T, Failure>;

const TOO_SHORT: Failure = Failure::new(ErrorCode::ATTEMPT_TO_READ_AFTER_EOF, "the text is empty");
const BAD_BEGIN: Failure = Failure::new(ErrorCode::CANNOT_PARSE_TEXT, "syntax error at begin of string");
const BAD_END: Failure = Failure::new(ErrorCode::CANNOT_PARSE_TEXT, "syntax error after the value");
const NO_DIGITS: Failure = Failure::new(ErrorCode::CANNOT_PARSE_NUMBER, "a number without any digits");
const NEGATIVE: Failure = Failure::new(ErrorCode::CANNOT_PARSE_NUMBER, "an unsigned type has no '-'");
const NO_FLOAT: Failure = Failure::new(ErrorCode::CANNOT_PARSE_NUMBER, "no floating-point number");
const OUT_OF_RANGE: Failure = Failure::new(ErrorCode::CANNOT_PARSE_TEXT, "the number is out of range");
const TOO_MANY_DIGITS: Failure = Failure::new(ErrorCode::ARGUMENT_OUT_OF_BOUND, "too many digits");
const NO_DATE: Failure = Failure::new(ErrorCode::CANNOT_PARSE_DATE, "expected YYYY-MM-DD or YYYYMMDD");
const NO_BASIC_TIME: Failure = Failure::new(ErrorCode::CANNOT_PARSE_DATETIME, "expected YYYY-MM-DD hh:mm:ss");
const TIME_OVERFLOW: Failure = Failure::new(ErrorCode::DECIMAL_OVERFLOW, "the time does not fit in 64 bits");
const NO_BOOL: Failure = Failure::new(ErrorCode::CANNOT_PARSE_BOOL, "expected true or false");
const NO_UUID: Failure = Failure::new(ErrorCode::CANNOT_PARSE_UUID, "no UUID");
const NO_IPV4: Failure = Failure::new(ErrorCode::CANNOT_PARSE_IPV4, "no IPv4 address");
const NO_IPV6: Failure = Failure::new(ErrorCode::CANNOT_PARSE_IPV6, "no IPv6 address");

/// Strings as values of `to`.
pub(super) fn parse_column(array: &ArrayRef, from: &DataType, to: &DataType, rules: &Rules) -> Result<ArrayRef> {
    use DataType as T;
    let text = Text::of(array);
    let rows = array.len();
    match to {
        T::Bool => parse_bools(&text, rows, to, rules),
        T::UInt8 => integers::<UInt8Type>(&text, rows, to, rules, |v| v as u8),
        T::UInt16 => integers::<UInt16Type>(&text, rows, to, rules, |v| v as u16),
        T::UInt32 => integers::<UInt32Type>(&text, rows, to, rules, |v| v as u32),
        T::UInt64 => integers::<UInt64Type>(&text, rows, to, rules, |v| v as u64),
        T::Int8 => integers::<Int8Type>(&text, rows, to, rules, |v| v as i8),
        T::Int16 => integers::<Int16Type>(&text, rows, to, rules, |v| v as i16),
        T::Int32 => integers::<Int32Type>(&text, rows, to, rules, |v| v as i32),
        T::Int64 | T::Interval(_) => integers::<Int64Type>(&text, rows, to, rules, |v| v as i64),
        T::UInt128 | T::Int128 | T::UInt256 | T::Int256 => parsed_cells(&text, rows, to, rules, |bytes| {
            parse_integer(bytes, to, rules).map(|value| wide::to_cell(to, value))
        }),
        T::Float32 => parsed::<Float32Type>(&text, rows, to, rules, |bytes| parse_float(bytes).map(|v| v as f32)),
        T::Float64 => parsed::<Float64Type>(&text, rows, to, rules, parse_float),
        T::Decimal { precision, scale } => {
            let raw = |row: usize| text.get(row).map(|bytes| parse_decimal(bytes, *precision, *scale));
            super::decimals::column(rows, to, rules, raw, |row| text.show(row))
        }
        T::Date => parsed::<UInt16Type>(&text, rows, to, rules, |bytes| {
            parse_date(bytes).map(|day| day.clamp(0, u16::MAX.into()) as u16)
        }),
        T::Date32 => parsed::<Int32Type>(&text, rows, to, rules, |bytes| parse_date(bytes).map(|day| day as i32)),
        T::DateTime(_) => {
            let zone = zone_of(to, rules);
            parsed::<UInt32Type>(&text, rows, to, rules, |bytes| {
                parse_time(bytes, zone, rules).map(|instant| instant.seconds.clamp(0, u32::MAX.into()) as u32)
            })
        }
        T::DateTime64 { precision, .. } => {
            let zone = zone_of(to, rules);
            parsed::<Int64Type>(&text, rows, to, rules, |bytes| {
                parse_time(bytes, zone, rules)?.ticks(*precision).ok_or(TIME_OVERFLOW)
            })
        }
        T::Uuid => parsed_cells(&text, rows, to, rules, |bytes| {
            scan::parse_uuid(bytes).map(|cell| cell.to_vec()).ok_or(NO_UUID)
        }),
        T::Ipv4 => parsed::<UInt32Type>(&text, rows, to, rules, |bytes| scan::parse_ipv4(bytes).ok_or(NO_IPV4)),
        T::Ipv6 => parsed_cells(&text, rows, to, rules, |bytes| {
            scan::parse_ipv6(bytes).map(|cell| cell.to_vec()).ok_or(NO_IPV6)
        }),
        _ => Err(Error::CannotConvert { what: from.to_string(), to: to.to_string() }),
    }
}

fn parsed<T: ArrowPrimitiveType>(
    text: &Text<'_>,
    rows: usize,
    to: &DataType,
    rules: &Rules,
    parse: impl Fn(&[u8]) -> Parsed<T::Native>,
) -> Result<ArrayRef> {
    primitive::<T>(rows, to, rules, |row| -> Outcome<T::Native> { text.get(row).map(&parse) }, |row| text.show(row))
}

fn parsed_cells(
    text: &Text<'_>,
    rows: usize,
    to: &DataType,
    rules: &Rules,
    parse: impl Fn(&[u8]) -> Parsed<Vec<u8>>,
) -> Result<ArrayRef> {
    cells(rows, to, rules, |row| text.get(row).map(&parse), |row| text.show(row))
}

/// Native integers: up to 18 digits, which is nearly all, without wide arithmetic.
fn integers<T: ArrowPrimitiveType>(
    text: &Text<'_>,
    rows: usize,
    to: &DataType,
    rules: &Rules,
    narrow: impl Fn(i128) -> T::Native,
) -> Result<ArrayRef> {
    parsed::<T>(text, rows, to, rules, |bytes| {
        if let Some(value) = short_integer(bytes, to.is_unsigned()) {
            let value = i256::from_i128(value.into());
            return in_range(value, to, rules).map(|value| narrow(value.to_parts().0 as i128));
        }
        parse_integer(bytes, to, rules).map(|value| narrow(value.to_parts().0 as i128))
    })
}

/// At most 18 digits with a sign that the type has; anything else is left to [`parse_integer`].
fn short_integer(bytes: &[u8], unsigned: bool) -> Option<i64> {
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] if !unsigned => (true, rest),
        _ => (false, bytes),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut value = 0i64;
    for digit in digits {
        value = value * 10 + i64::from(digit.is_ascii_digit().then(|| digit - b'0')?);
    }
    Some(if negative { -value } else { value })
}

/// Decimal digits with an optional sign; wraps unless the mode is accurate.
pub(crate) fn parse_integer(bytes: &[u8], to: &DataType, rules: &Rules) -> Parsed<i256> {
    let (negative, digits) = match bytes {
        [] => return Err(TOO_SHORT),
        [b'-', ..] if to.is_unsigned() => return Err(NEGATIVE),
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, bytes),
    };
    match digits.iter().position(|b| !b.is_ascii_digit()) {
        Some(0) if digits.len() == bytes.len() => return Err(BAD_BEGIN),
        Some(0) => return Err(NO_DIGITS),
        Some(_) => return Err(BAD_END),
        None if digits.is_empty() => return Err(NO_DIGITS),
        None => {}
    }
    let significant = digits.iter().position(|b| *b != b'0').map_or(&b""[..], |at| &digits[at..]);
    if rules.is_accurate() && significant.len() > 78 {
        return Err(OUT_OF_RANGE);
    }
    let (high, low) = types::wide::u256_from_text(digits).unwrap_or_default();
    let magnitude = i256::from_parts(low, high as i128);
    let value = if negative { magnitude.wrapping_neg() } else { magnitude };
    // a magnitude of 2^255 or more is right for UInt256 only
    if rules.is_accurate() && magnitude.is_negative() && *to != DataType::UInt256 {
        return Err(OUT_OF_RANGE);
    }
    in_range(value, to, rules)
}

fn in_range(value: i256, to: &DataType, rules: &Rules) -> Parsed<i256> {
    let wrapped = wide::wrap_to(to, value);
    if rules.is_accurate() && wrapped != value { Err(OUT_OF_RANGE) } else { Ok(wrapped) }
}

fn parse_float(bytes: &[u8]) -> Parsed<f64> {
    scan::parse_f64(bytes).ok_or(match bytes {
        [b'0'..=b'9', ..] | [b'-' | b'+', b'0'..=b'9', ..] => BAD_END,
        _ => NO_FLOAT,
    })
}

/// Digits with a point and an exponent; what lies beyond the scale is cut off.
fn parse_decimal(bytes: &[u8], precision: u8, scale: u8) -> Parsed<i256> {
    if bytes.is_empty() {
        return Err(TOO_SHORT);
    }
    let Some(raw) = scan::parse_decimal(bytes, scale) else {
        let begins = matches!(bytes, [b'0'..=b'9' | b'.' | b'+' | b'-', ..]);
        let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
        return Err(match begins {
            _ if digits > usize::from(storage_digits(precision)) => TOO_MANY_DIGITS,
            true => BAD_END,
            false => BAD_BEGIN,
        });
    };
    let whole = bytes.iter().skip_while(|b| matches!(b, b'-' | b'+' | b'0')).take_while(|b| b.is_ascii_digit()).count();
    if whole + usize::from(scale) > usize::from(storage_digits(precision)) {
        return Err(TOO_MANY_DIGITS);
    }
    if fits_storage(raw, precision) { Ok(raw) } else { Err(OVERFLOW) }
}

/// `YYYY-MM-DD` or `YYYYMMDD`, a time after it cut off. As lenient as ClickHouse: a day past its month's end counts on
/// into the next, a month or day that no calendar has is 1970-01-01.
pub(crate) fn parse_date(bytes: &[u8]) -> Parsed<i64> {
    let (year, rest) = digits(bytes, 4).filter(|(_, n, _)| *n == 4).map(|(v, _, rest)| (v, rest)).ok_or(NO_DATE)?;
    let (month, day, rest) = match rest {
        [b'0'..=b'9', ..] => {
            let (month, _, rest) = digits(rest, 2).filter(|(_, n, _)| *n == 2).ok_or(NO_DATE)?;
            let (day, _, rest) = digits(rest, 2).filter(|(_, n, _)| *n == 2).ok_or(NO_DATE)?;
            (month, day, rest)
        }
        [_, rest @ ..] => {
            let (month, _, rest) = digits(rest, 2).ok_or(NO_DATE)?;
            let [_, rest @ ..] = rest else { return Err(NO_DATE) };
            let (day, _, rest) = digits(rest, 2).ok_or(NO_DATE)?;
            (month, day, rest)
        }
        [] => return Err(NO_DATE),
    };
    let time = matches!(rest, [] | [b' ' | b'T', ..])
        && rest.iter().all(|b| b.is_ascii_digit() || matches!(b, b' ' | b'T' | b':' | b'.' | b'Z' | b'+' | b'-'));
    if !time {
        return Err(BAD_END);
    }
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return Ok(0);
    }
    Ok(days_of(Civil { year, month: month as u8, day: day as u8 }))
}

/// Up to `most` digits: their number, how many, and the rest; `None` without any.
fn digits(bytes: &[u8], most: usize) -> Option<(i64, usize, &[u8])> {
    let count = bytes.iter().take(most).take_while(|b| b.is_ascii_digit()).count();
    let number = bytes[..count].iter().fold(0, |number, b| number * 10 + i64::from(b - b'0'));
    (count > 0).then(|| (number, count, &bytes[count..]))
}

/// A time as the rules say, wall-clock times in `zone`.
pub(crate) fn parse_time(bytes: &[u8], zone: Zone, rules: &Rules) -> Parsed<Instant> {
    match rules.times {
        TimeText::BestEffort(order) => best_effort(bytes, zone, order),
        TimeText::Basic => basic(bytes, zone),
    }
}

/// A time in any common spelling.
pub(crate) fn best_effort(bytes: &[u8], zone: Zone, order: DayOrder) -> Parsed<Instant> {
    if let Some(instant) = plain_time(bytes, zone) {
        return Ok(instant);
    }
    parse_best_effort(bytes, zone, order).map_err(|reason| Failure::new(ErrorCode::CANNOT_PARSE_DATETIME, reason))
}

/// The exact shape `YYYY-MM-DD hh:mm:ss`, which is nearly all there is, without the general reader.
fn plain_time(bytes: &[u8], zone: Zone) -> Option<Instant> {
    if bytes.len() != 19 || bytes[10] != b' ' || bytes[13] != b':' {
        return None;
    }
    scan::parse_date_time(bytes, zone)
}

/// Only what is a date, a date and a time of day, or a number of seconds.
fn basic(bytes: &[u8], zone: Zone) -> Parsed<Instant> {
    let plain = bytes.iter().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'/' | b':' | b' ' | b'T' | b'.'));
    let instant = scan::parse_date_time(bytes, zone).filter(|_| plain && bytes.len() >= 5);
    instant.ok_or(NO_BASIC_TIME)
}

fn parse_bools(text: &Text<'_>, rows: usize, to: &DataType, rules: &Rules) -> Result<ArrayRef> {
    let mut flags = Vec::with_capacity(rows);
    for row in 0..rows {
        flags.push(match text.get(row).map(parse_bool) {
            None => None,
            Some(Ok(flag)) => Some(flag),
            Some(Err(failure)) => match rules.mode {
                CastMode::OrNull => None,
                CastMode::OrDefault => Some(false),
                _ => return Err(raise(failure, &text.show(row), to, row)),
            },
        });
    }
    Ok(Arc::new(BooleanArray::from(flags)))
}

fn parse_bool(bytes: &[u8]) -> Parsed<bool> {
    match bytes.to_ascii_lowercase().as_slice() {
        b"true" | b"t" | b"yes" | b"y" | b"on" | b"enable" | b"enabled" | b"1" => Ok(true),
        b"false" | b"f" | b"no" | b"n" | b"off" | b"disable" | b"disabled" | b"0" => Ok(false),
        _ => Err(NO_BOOL),
    }
}
