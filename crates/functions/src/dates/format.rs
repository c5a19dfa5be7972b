//! Times as text by a format: `formatDateTime` (MySQL's `%`), `formatDateTimeInJodaSyntax`, `dateName`, `monthName`.

use arrow::array::ArrayRef;
use types::DataType;

use super::clock::{Clock, Local, Longs, Shape, clock_of};
use super::parts::quarter;
use super::week::{day_of_week, day_of_year, iso_week};
use crate::columns::Texts;
use crate::error::{Error, Result};
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const FORMAT: Definition = Definition::new("formatDateTime", format_date_time).masks_nulls();

pub(crate) const FORMATS: &[Definition] = &[
    FORMAT,
    FORMAT.alias("DATE_FORMAT").any_case(),
    Definition::new("formatDateTimeInJodaSyntax", format_date_time).masks_nulls(),
    Definition::new("dateName", date_name).masks_nulls().any_case(),
    Definition::new("monthName", month_name).masks_nulls().any_case(),
];

/// Whose letters a format uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Dialect {
    /// `%Y-%m-%d`
    MySql,
    /// `yyyy-MM-dd`
    Joda,
}

/// One piece of a format.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Piece {
    Text(String),
    /// MySQL's letter after `%`.
    Letter(char),
    /// Joda's letter and how often it stands there.
    Letters(char, usize),
}

fn format_date_time(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=3)?;
    let dialect = if request.name == "formatDateTimeInJodaSyntax" { Dialect::Joda } else { Dialect::MySql };
    let mut clock = clock_of(request, 0)?;
    if request.args.len() == 3 {
        clock.zone = request.constant_zone(2)?;
    }
    let format = Format { pieces: pieces(request, 1, dialect)?, clock };
    Ok(Resolved::new(DataType::String, move |args, call| format.run(args, call)))
}

/// The format in constant argument `position`, for times of type `ty`.
pub(super) fn time_format(request: &Request<'_>, ty: &DataType, position: usize, dialect: Dialect) -> Result<Format> {
    let clock = Clock::of(ty, request.context.zone).ok_or_else(|| request.wrong_type(0, "a time"))?;
    Ok(Format { pieces: pieces(request, position, dialect)?, clock })
}

/// A format cut into pieces; refuses letters that mean nothing.
pub(super) fn pieces(request: &Request<'_>, position: usize, dialect: Dialect) -> Result<Vec<Piece>> {
    let format = request.constant_text(position)?;
    match dialect {
        Dialect::MySql => mysql_pieces(&format),
        Dialect::Joda => joda_pieces(&format),
    }
    .map_err(|reason| request.bad(reason))
}

fn mysql_pieces(format: &str) -> std::result::Result<Vec<Piece>, String> {
    const KNOWN: &str = "aAbBcCdDeEfFgGhHiIjkKlmMnNopPQrRsStTuUvVwWxXyYzZ%";
    const REFUSED: &str = "AEUvxXPoNKZB";
    let mut pieces = Vec::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            match pieces.last_mut() {
                Some(Piece::Text(text)) => text.push(c),
                _ => pieces.push(Piece::Text(c.to_string())),
            }
            continue;
        }
        match chars.next() {
            Some(letter) if KNOWN.contains(letter) && !REFUSED.contains(letter) => pieces.push(Piece::Letter(letter)),
            Some(letter) => return Err(format!("format \"%{letter}\" is not supported")),
            None => return Err("a format must not end with a single %".to_owned()),
        }
    }
    Ok(pieces)
}

fn joda_pieces(format: &str) -> std::result::Result<Vec<Piece>, String> {
    let mut pieces: Vec<Piece> = Vec::new();
    let chars: Vec<char> = format.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        if c.is_ascii_alphabetic() {
            let count = chars[at..].iter().take_while(|other| **other == c).count();
            if !"GCYywWxeEdDaMhHKkmsSz".contains(c) {
                return Err(format!("format \"{c}\" is not supported"));
            }
            pieces.push(Piece::Letters(c, count));
            at += count;
            continue;
        }
        let (text, length) = if c == '\'' {
            match chars[at + 1..].iter().position(|other| *other == '\'') {
                Some(0) => ("'".to_owned(), 2),
                Some(end) => (chars[at + 1..at + 1 + end].iter().collect(), end + 2),
                None => return Err("a quote is not closed".to_owned()),
            }
        } else {
            (c.to_string(), 1)
        };
        match pieces.last_mut() {
            Some(Piece::Text(so_far)) => so_far.push_str(&text),
            _ => pieces.push(Piece::Text(text)),
        }
        at += length;
    }
    Ok(pieces)
}

/// A format for times of one clock.
pub(super) struct Format {
    pieces: Vec<Piece>,
    clock: Clock,
}

impl Format {
    /// The texts of the times in operand 0.
    pub(super) fn run(&self, args: &[Operand], call: &Call) -> Result<ArrayRef> {
        let times = Longs::of(&args[0])?;
        let mut texts = Texts::with_capacity(call.rows, call.rows * 20);
        for row in 0..call.rows {
            let value = times.get(row);
            let local = self.clock.local(value);
            for piece in &self.pieces {
                match piece {
                    Piece::Text(text) => texts.bytes().extend_from_slice(text.as_bytes()),
                    Piece::Letter(letter) => self.mysql(texts.bytes(), *letter, local, value),
                    Piece::Letters(letter, count) => self.joda(texts.bytes(), *letter, *count, local),
                }
            }
            texts.end()?;
        }
        Ok(texts.finish())
    }

    fn mysql(&self, out: &mut Vec<u8>, letter: char, local: Local, value: i64) {
        let civil = local.civil();
        let (hour, minute, second) = (local.second / 3600, local.second / 60 % 60, local.second % 60);
        let hour12 = (hour + 11) % 12 + 1;
        let half = if hour < 12 { "AM" } else { "PM" };
        let (month, day) = (i64::from(civil.month), i64::from(civil.day));
        let weekday = day_of_week(local.days);
        let text = match letter {
            'a' => WEEKDAYS[weekday as usize - 1][..3].to_owned(),
            'b' => MONTHS[month as usize - 1][..3].to_owned(),
            'c' | 'm' => format!("{month:02}"),
            'C' => format!("{:02}", civil.year / 100),
            'd' => format!("{day:02}"),
            'D' => format!("{month:02}/{day:02}/{:02}", civil.year % 100),
            'e' => day.to_string(),
            'f' => self.fraction(local),
            'F' => format!("{:04}-{month:02}-{day:02}", civil.year),
            'g' => format!("{:02}", iso_week(local.days).0 % 100),
            'G' => format!("{:04}", iso_week(local.days).0),
            'h' | 'I' | 'l' => format!("{hour12:02}"),
            'H' | 'k' => format!("{hour:02}"),
            'i' => format!("{minute:02}"),
            'j' => format!("{:03}", day_of_year(local.days)),
            'M' => MONTHS[month as usize - 1].to_owned(),
            'n' => "\n".to_owned(),
            'p' => half.to_owned(),
            'Q' => quarter(local).to_string(),
            'r' => format!("{hour12:02}:{minute:02} {half}"),
            'R' => format!("{hour:02}:{minute:02}"),
            's' | 'S' => format!("{second:02}"),
            't' => "\t".to_owned(),
            'T' => format!("{hour:02}:{minute:02}:{second:02}"),
            'u' => weekday.to_string(),
            'V' => format!("{:02}", iso_week(local.days).1),
            'w' => (weekday % 7).to_string(),
            'W' => WEEKDAYS[weekday as usize - 1].to_owned(),
            'y' => format!("{:02}", civil.year % 100),
            'Y' => format!("{:04}", civil.year),
            'z' => self.zone_offset(value),
            _ => "%".to_owned(),
        };
        out.extend_from_slice(text.as_bytes());
    }

    /// Six digits, as MySQL has them; more where the type has more.
    fn fraction(&self, local: Local) -> String {
        let digits = match self.clock.shape {
            Shape::Days => 0,
            Shape::Ticks(precision) => usize::from(precision),
        };
        if digits == 0 {
            return "000000".to_owned();
        }
        let ticks = format!("{:0digits$}", local.ticks);
        format!("{ticks:0<6}")
    }

    fn zone_offset(&self, value: i64) -> String {
        let offset = self.clock.zone.offset_at(self.clock.seconds(value));
        let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.abs() / 60);
        format!("{sign}{:02}{:02}", minutes / 60, minutes % 60)
    }

    fn joda(&self, out: &mut Vec<u8>, letter: char, count: usize, local: Local) {
        let civil = local.civil();
        let hour = local.second / 3600;
        let weekday = day_of_week(local.days) as usize;
        let padded = |value: i64| format!("{value:0count$}");
        let text = match letter {
            'G' => "AD".to_owned(),
            'C' => padded(civil.year / 100),
            'Y' | 'y' if count == 2 => format!("{:02}", civil.year % 100),
            'Y' | 'y' => padded(civil.year),
            'x' => padded(iso_week(local.days).0),
            'w' => padded(iso_week(local.days).1),
            'e' => padded(weekday as i64),
            'E' if count >= 4 => WEEKDAYS[weekday - 1].to_owned(),
            'E' => WEEKDAYS[weekday - 1][..3].to_owned(),
            'D' => padded(day_of_year(local.days)),
            'd' => padded(civil.day.into()),
            'M' if count >= 4 => MONTHS[usize::from(civil.month) - 1].to_owned(),
            'M' if count == 3 => MONTHS[usize::from(civil.month) - 1][..3].to_owned(),
            'M' => padded(civil.month.into()),
            'a' => if hour < 12 { "AM" } else { "PM" }.to_owned(),
            'h' => padded((hour + 11) % 12 + 1),
            'K' => padded(hour % 12),
            'H' => padded(hour),
            'k' => padded(if hour == 0 { 24 } else { hour }),
            'm' => padded(local.second / 60 % 60),
            's' => padded(local.second % 60),
            'S' => {
                let digits = match self.clock.shape {
                    Shape::Days => 0,
                    Shape::Ticks(precision) => usize::from(precision),
                };
                let ticks = if digits == 0 { String::new() } else { format!("{:0digits$}", local.ticks) };
                format!("{ticks:0<count$}")[..count].to_owned()
            }
            _ => self.clock.zone.name().to_owned(),
        };
        out.extend_from_slice(text.as_bytes());
    }
}

/// `dateName('part', time[, zone])`.
fn date_name(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=3)?;
    let part = request.constant_text(0)?.to_ascii_lowercase();
    let mut clock = clock_of(request, 1)?;
    if request.args.len() == 3 {
        clock.zone = request.constant_zone(2)?;
    }
    let name: fn(Local) -> String = match part.as_str() {
        "year" => |local| local.civil().year.to_string(),
        "quarter" => |local| quarter(local).to_string(),
        "month" => |local| MONTHS[usize::from(local.civil().month) - 1].to_owned(),
        "dayofyear" => |local| day_of_year(local.days).to_string(),
        "day" => |local| local.civil().day.to_string(),
        "week" => |local| iso_week(local.days).1.to_string(),
        "weekday" => |local| WEEKDAYS[day_of_week(local.days) as usize - 1].to_owned(),
        "hour" => |local| (local.second / 3600).to_string(),
        "minute" => |local| (local.second / 60 % 60).to_string(),
        "second" => |local| (local.second % 60).to_string(),
        other => {
            let reason = format!("there is no part \"{other}\"");
            return Err(Error::BadArgument { function: request.name.to_owned(), reason });
        }
    };
    Ok(names(1, clock, name))
}

fn month_name(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let clock = clock_of(request, 0)?;
    Ok(names(0, clock, |local| MONTHS[usize::from(local.civil().month) - 1].to_owned()))
}

fn names(time: usize, clock: Clock, name: fn(Local) -> String) -> Resolved {
    Resolved::new(DataType::String, move |args, call| {
        let times = Longs::of(&args[time])?;
        let mut texts = Texts::with_capacity(call.rows, call.rows * 8);
        for row in 0..call.rows {
            texts.push(name(clock.local(times.get(row))).as_bytes())?;
        }
        Ok(texts.finish())
    })
}
