//! `parseDateTime(text, format[, zone])` and `parseDateTimeInJodaSyntax`, with OrNull and OrZero variants: the formats of
//! [`super::format`], read.

use types::text::time::{Civil, days_in_month, days_of};
use types::{DataType, ErrorCode};

use super::clock::{Clock, DAY, Local, Shape, column};
use super::format::{Dialect, MONTHS, Piece, WEEKDAYS, pieces};
use super::week::new_year;
use crate::conversions::{Variant, bytes_of, variant_of, zone_argument};
use crate::error::{Error, Result};
use crate::frame::{Definition, Resolved};
use crate::request::Request;

const PARSE: Definition = Definition::new("parseDateTime", parse_date_time);
const OR_NULL: Definition = Definition::new("parseDateTimeOrNull", parse_date_time);

pub(crate) const PARSERS: &[Definition] = &[
    PARSE,
    Definition::new("parseDateTimeOrZero", parse_date_time),
    OR_NULL,
    OR_NULL.alias("str_to_date").any_case(),
    Definition::new("parseDateTimeInJodaSyntax", parse_date_time),
    Definition::new("parseDateTimeInJodaSyntaxOrZero", parse_date_time),
    Definition::new("parseDateTimeInJodaSyntaxOrNull", parse_date_time),
];

fn parse_date_time(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=3)?;
    if !request.ty(0).is_string() {
        return Err(request.wrong_type(0, "String"));
    }
    let (stem, variant) = variant_of(request.name);
    let dialect = if stem == "parseDateTimeInJodaSyntax" { Dialect::Joda } else { Dialect::MySql };
    let pieces = pieces(request, 1, dialect)?;
    let ty = DataType::DateTime(zone_argument(request, 2)?);
    let mut clock = Clock { shape: Shape::Ticks(0), zone: request.context.zone };
    if request.args.len() == 3 {
        clock.zone = request.constant_zone(2)?;
    }
    let result = if variant == Variant::OrNull { DataType::nullable(ty.clone()) } else { ty.clone() };
    Ok(Resolved::new(result, move |args, call| {
        let mut values = Vec::with_capacity(call.rows);
        for row in 0..call.rows {
            let bytes = bytes_of(&args[0], row);
            values.push(match (read(bytes, &pieces, clock), variant) {
                (Ok(seconds), _) => Some(seconds),
                (Err(_), Variant::OrNull) => None,
                (Err(_), Variant::OrZero) => Some(0),
                (Err(reason), Variant::Plain | Variant::OrDefault) => {
                    return Err(Error::Parse {
                        text: String::from_utf8_lossy(bytes).into_owned(),
                        ty: ty.to_string(),
                        reason: format!("{reason} (row {})", row + 1),
                        code: ErrorCode::CANNOT_PARSE_DATETIME,
                    });
                }
            });
        }
        if values.iter().all(Option::is_some) {
            return Ok(column(&ty, values.into_iter().flatten()));
        }
        let array: arrow::array::UInt32Array = values.into_iter().map(|v| v.map(|v| v as u32)).collect();
        Ok(std::sync::Arc::new(array))
    }))
}

/// What has been read so far.
struct Fields {
    year: i64,
    month: i64,
    day: i64,
    day_of_year: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    /// AM or PM where the format has it.
    afternoon: Option<bool>,
    offset: Option<i64>,
}

type Read<T> = std::result::Result<T, &'static str>;

fn read(text: &[u8], pieces: &[Piece], clock: Clock) -> Read<i64> {
    let mut fields = Fields {
        year: 1970,
        month: 1,
        day: 1,
        day_of_year: None,
        hour: 0,
        minute: 0,
        second: 0,
        afternoon: None,
        offset: None,
    };
    let mut rest = text;
    for piece in pieces {
        match piece {
            Piece::Text(expected) => {
                rest = rest.strip_prefix(expected.as_bytes()).ok_or("the text between the parts differs")?;
            }
            Piece::Letter(letter) => read_mysql(&mut fields, &mut rest, *letter)?,
            Piece::Letters(letter, count) => read_joda(&mut fields, &mut rest, *letter, *count)?,
        }
    }
    if rest.is_empty() { finish(fields, clock) } else { Err("there is text after the last part") }
}

fn finish(fields: Fields, clock: Clock) -> Read<i64> {
    let hour = match fields.afternoon {
        Some(afternoon) => fields.hour % 12 + if afternoon { 12 } else { 0 },
        None => fields.hour,
    };
    let days = match fields.day_of_year {
        Some(day) if (1..=337 + i64::from(days_in_month(fields.year, 2))).contains(&day) => {
            new_year(fields.year) + day - 1
        }
        Some(_) => return Err("the year has no such day"),
        None if !(1..=i64::from(days_in_month(fields.year, fields.month as u8))).contains(&fields.day) => {
            return Err("the month has no such day");
        }
        None => days_of(Civil { year: fields.year, month: fields.month as u8, day: fields.day as u8 }),
    };
    let second = hour * 3600 + fields.minute * 60 + fields.second;
    let seconds = match fields.offset {
        Some(offset) => days * DAY + second - offset,
        None => clock.value(Local { days, second, ticks: 0 }),
    };
    if (0..=i64::from(u32::MAX)).contains(&seconds) { Ok(seconds) } else { Err("the time is out of range") }
}

/// Between `least` and `most` digits whose number lies in `range`.
fn number(rest: &mut &[u8], least: usize, most: usize, range: std::ops::RangeInclusive<i64>) -> Read<i64> {
    let count = rest.iter().take(most).take_while(|b| b.is_ascii_digit()).count();
    if count < least {
        return Err("digits are missing");
    }
    let (digits, after) = rest.split_at(count);
    *rest = after;
    let number = digits.iter().fold(0, |number, b| number * 10 + i64::from(b - b'0'));
    if range.contains(&number) { Ok(number) } else { Err("a number is out of its range") }
}

/// One of `names` (by its first `length` letters, all when 0), counted from 1.
fn name(rest: &mut &[u8], names: &[&str], length: usize) -> Read<i64> {
    for (i, name) in names.iter().enumerate() {
        let name = if length == 0 { name } else { &name[..length] };
        if rest.len() >= name.len() && rest[..name.len()].eq_ignore_ascii_case(name.as_bytes()) {
            *rest = &rest[name.len()..];
            return Ok(i as i64 + 1);
        }
    }
    Err("a name is missing")
}

fn half(rest: &mut &[u8]) -> Read<bool> {
    match rest.get(..2).map(<[u8]>::to_ascii_uppercase).as_deref() {
        Some(b"AM") => {
            *rest = &rest[2..];
            Ok(false)
        }
        Some(b"PM") => {
            *rest = &rest[2..];
            Ok(true)
        }
        _ => Err("AM or PM is missing"),
    }
}

fn two_digit_year(rest: &mut &[u8]) -> Read<i64> {
    let year = number(rest, 2, 2, 0..=99)?;
    Ok(if year >= 70 { 1900 + year } else { 2000 + year })
}

fn offset(rest: &mut &[u8]) -> Read<i64> {
    let sign = match rest.first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return Err("a sign is missing"),
    };
    *rest = &rest[1..];
    let (hours, minutes) = (number(rest, 2, 2, 0..=23)?, number(rest, 2, 2, 0..=59)?);
    Ok(sign * (hours * 3600 + minutes * 60))
}

fn read_mysql(fields: &mut Fields, rest: &mut &[u8], letter: char) -> Read<()> {
    let literal = |rest: &mut &[u8], byte: u8| -> Read<()> {
        *rest = rest.strip_prefix(&[byte]).ok_or("the text between the parts differs")?;
        Ok(())
    };
    match letter {
        'a' => drop(name(rest, &WEEKDAYS, 3)?),
        'W' => drop(name(rest, &WEEKDAYS, 0)?),
        'u' => drop(number(rest, 1, 1, 1..=7)?),
        'w' => drop(number(rest, 1, 1, 0..=6)?),
        'b' => fields.month = name(rest, &MONTHS, 3)?,
        'M' => fields.month = name(rest, &MONTHS, 0)?,
        'c' | 'm' => fields.month = number(rest, 1, 2, 1..=12)?,
        'd' | 'e' => fields.day = number(rest, 1, 2, 1..=31)?,
        'y' => fields.year = two_digit_year(rest)?,
        'Y' => fields.year = number(rest, 4, 4, 0..=9999)?,
        'j' => fields.day_of_year = Some(number(rest, 1, 3, 1..=366)?),
        'H' | 'k' => fields.hour = number(rest, 1, 2, 0..=23)?,
        'h' | 'I' | 'l' => fields.hour = number(rest, 1, 2, 1..=12)?,
        'i' => fields.minute = number(rest, 1, 2, 0..=59)?,
        's' | 'S' => fields.second = number(rest, 1, 2, 0..=59)?,
        'f' => drop(number(rest, 1, 6, 0..=999_999)?),
        'p' => fields.afternoon = Some(half(rest)?),
        'z' => fields.offset = Some(offset(rest)?),
        'F' => {
            for (i, letter) in ['Y', 'm', 'd'].into_iter().enumerate() {
                if i > 0 {
                    literal(rest, b'-')?;
                }
                read_mysql(fields, rest, letter)?;
            }
        }
        'D' => {
            for (i, letter) in ['m', 'd', 'y'].into_iter().enumerate() {
                if i > 0 {
                    literal(rest, b'/')?;
                }
                read_mysql(fields, rest, letter)?;
            }
        }
        'T' | 'R' => {
            for (i, letter) in ['H', 'i', 'S'].into_iter().take(if letter == 'T' { 3 } else { 2 }).enumerate() {
                if i > 0 {
                    literal(rest, b':')?;
                }
                read_mysql(fields, rest, letter)?;
            }
        }
        'r' => {
            read_mysql(fields, rest, 'h')?;
            literal(rest, b':')?;
            read_mysql(fields, rest, 'i')?;
            literal(rest, b' ')?;
            read_mysql(fields, rest, 'p')?;
        }
        'n' => literal(rest, b'\n')?,
        't' => literal(rest, b'\t')?,
        '%' => literal(rest, b'%')?,
        _ => return Err("a part of the format cannot be read"),
    }
    Ok(())
}

fn read_joda(fields: &mut Fields, rest: &mut &[u8], letter: char, count: usize) -> Read<()> {
    match letter {
        'y' | 'Y' if count == 2 => fields.year = two_digit_year(rest)?,
        'y' | 'Y' => fields.year = number(rest, 1, count.max(4), 0..=9999)?,
        'M' if count >= 4 => fields.month = name(rest, &MONTHS, 0)?,
        'M' if count == 3 => fields.month = name(rest, &MONTHS, 3)?,
        'M' => fields.month = number(rest, 1, 2, 1..=12)?,
        'd' => fields.day = number(rest, 1, 2, 1..=31)?,
        'D' => fields.day_of_year = Some(number(rest, 1, 3, 1..=366)?),
        'E' if count >= 4 => drop(name(rest, &WEEKDAYS, 0)?),
        'E' => drop(name(rest, &WEEKDAYS, 3)?),
        'e' => drop(number(rest, 1, 1, 1..=7)?),
        'a' => fields.afternoon = Some(half(rest)?),
        'H' => fields.hour = number(rest, 1, 2, 0..=23)?,
        'k' => fields.hour = number(rest, 1, 2, 1..=24)? % 24,
        'h' => fields.hour = number(rest, 1, 2, 1..=12)?,
        'K' => fields.hour = number(rest, 1, 2, 0..=11)?,
        'm' => fields.minute = number(rest, 1, 2, 0..=59)?,
        's' => fields.second = number(rest, 1, 2, 0..=59)?,
        'S' => drop(number(rest, 1, count.max(9), 0..=999_999_999)?),
        _ => return Err("a part of the format cannot be read"),
    }
    Ok(())
}
