//! Times read from whatever people write: `2025-01-05T10:00:00Z`, `5 Jan 2025 1:00 PM`, `05/01/2025`, `1736071200`.
//!
//! Follows what ClickHouse calls `best_effort`. Pure: a date without a year is refused, since nothing here knows today.

use super::scan::Instant;
use super::time::{Civil, Zone, days_in_month, days_of};

const MONTHS: [&[u8; 3]; 12] =
    [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
const WEEKDAYS: [&[u8; 3]; 7] = [b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"];

/// Which of `1/2/2025` is the month.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DayOrder {
    /// The second number.
    DayFirst,
    /// The first number, as in the United States.
    MonthFirst,
}

/// The time that `text` names; wall-clock times without an offset are of `zone`. The error says what was unexpected.
pub fn parse_best_effort(text: &[u8], zone: Zone, order: DayOrder) -> Result<Instant, &'static str> {
    let mut reader = Reader { rest: text, order, ..Reader::default() };
    while !reader.rest.is_empty() {
        if let Some(instant) = reader.step()? {
            return Ok(instant);
        }
    }
    reader.finish(zone)
}

struct Reader<'a> {
    rest: &'a [u8],
    order: DayOrder,
    year: i64,
    month: i64,
    day: i64,
    time: Option<(i64, i64, i64)>,
    nanos: u32,
    offset: Option<i64>,
    half: Option<Half>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Am,
    Pm,
}

impl Default for Reader<'_> {
    fn default() -> Self {
        Reader {
            rest: b"",
            order: DayOrder::DayFirst,
            year: 0,
            month: 0,
            day: 0,
            time: None,
            nanos: 0,
            offset: None,
            half: None,
        }
    }
}

impl<'a> Reader<'a> {
    /// Reads one component; an instant when the whole text was one number of seconds.
    fn step(&mut self) -> Result<Option<Instant>, &'static str> {
        let digits = if self.year == 0 || self.time.is_none() { self.digits() } else { b"" };
        let fresh = self.year == 0 && self.time.is_none() && self.day == 0;
        match digits.len() {
            0 => self.separator_or_word()?,
            9 | 10 | 13 if fresh => return self.timestamp(digits).map(Some),
            14 if fresh => {
                self.date_digits(&digits[..8]);
                self.time_digits(&digits[8..]);
            }
            8 if self.year == 0 => self.date_digits(digits),
            6 if self.year == 0 && self.month == 0 => {
                self.year = number(&digits[..4]);
                self.month = number(&digits[4..]);
            }
            6 if self.time.is_none() => self.time_digits(digits),
            4 if self.year == 0 => self.year_first(digits)?,
            1 | 2 => self.small_number(number(digits))?,
            _ => return Err("unexpected number of decimal digits"),
        }
        Ok(None)
    }

    fn digits(&mut self) -> &'a [u8] {
        let count = self.rest.iter().take(19).take_while(|b| b.is_ascii_digit()).count();
        let (digits, rest) = self.rest.split_at(count);
        self.rest = rest;
        digits
    }

    fn eat(&mut self, byte: u8) -> bool {
        match self.rest {
            [first, rest @ ..] if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Seconds (9, 10 digits) or milliseconds (13) since 1970, with an optional fraction.
    fn timestamp(&mut self, digits: &[u8]) -> Result<Instant, &'static str> {
        let (seconds, millis) = if digits.len() == 13 { digits.split_at(10) } else { (digits, &b""[..]) };
        let mut nanos = number(millis) as u32 * 1_000_000;
        if millis.is_empty() && self.eat(b'.') {
            nanos = nanos_of(self.digits());
        }
        if self.rest.is_empty() {
            Ok(Instant { seconds: number(seconds), nanos })
        } else {
            Err("unexpected text after a number of seconds")
        }
    }

    fn date_digits(&mut self, digits: &[u8]) {
        self.year = number(&digits[..4]);
        self.month = number(&digits[4..6]);
        self.day = number(&digits[6..8]);
    }

    fn time_digits(&mut self, digits: &[u8]) {
        self.time = Some((number(&digits[..2]), number(&digits[2..4]), number(&digits[4..6])));
    }

    /// `YYYY`, `YYYY-MM`, `YYYY-MM-DD` with any one separator.
    fn year_first(&mut self, digits: &[u8]) -> Result<(), &'static str> {
        self.year = number(digits);
        if self.month != 0 {
            return Ok(()); // `5 Jan 2025 …`: the rest is the time
        }
        let [separator, rest @ ..] = self.rest else { return Ok(()) };
        if !matches!(separator, b'-' | b'/' | b'.' | b' ' | b':') {
            return Err("unexpected separator after the year");
        }
        self.rest = rest;
        let month = self.digits();
        match month.len() {
            1 | 2 => self.month = number(month),
            0 if *separator == b' ' => return Ok(()),
            _ => return Err("unexpected number of decimal digits after the year"),
        }
        if self.eat(*separator) {
            let day = self.digits();
            if !matches!(day.len(), 1 | 2) {
                return Err("unexpected number of decimal digits after year and month");
            }
            self.day = number(day);
        }
        Ok(())
    }

    /// One or two digits: `hh:mm[:ss]`, a day, an hour after a day, or the first part of `DD/MM/YYYY`.
    fn small_number(&mut self, first: i64) -> Result<(), &'static str> {
        if self.eat(b':') {
            return self.clock(first);
        }
        let separator = match self.rest.first() {
            Some(b @ (b'/' | b'.' | b'-')) if self.day == 0 && self.time.is_none() => *b,
            _ if self.day == 0 => {
                self.day = first;
                return Ok(());
            }
            _ if self.time.is_none() => {
                self.time = Some((first, 0, 0));
                return Ok(());
            }
            _ => return Err("a component comes twice"),
        };
        self.rest = &self.rest[1..];
        let second = self.digits();
        match second.len() {
            1 | 2 if self.order == DayOrder::MonthFirst => (self.month, self.day) = (first, number(second)),
            1 | 2 => (self.day, self.month) = (first, number(second)),
            0 => {
                self.day = first;
                self.word()?;
            }
            _ => return Err("unexpected number of decimal digits after day and separator"),
        }
        if self.month > 12 {
            std::mem::swap(&mut self.month, &mut self.day);
        }
        if self.eat(separator) {
            let year = self.digits();
            self.year = match year.len() {
                4 => number(year),
                2 if number(year) >= 70 => 1900 + number(year),
                2 => 2000 + number(year),
                _ => return Err("unexpected number of decimal digits after day and month"),
            };
        }
        Ok(())
    }

    fn clock(&mut self, hour: i64) -> Result<(), &'static str> {
        if self.time.is_some() {
            return Err("time comes twice");
        }
        let mut parts = [0; 2];
        for (i, part) in parts.iter_mut().enumerate() {
            if i == 1 && !self.eat(b':') {
                break;
            }
            let digits = self.digits();
            if !matches!(digits.len(), 1 | 2) {
                return Err("unexpected number of decimal digits in a time");
            }
            *part = number(digits);
        }
        self.time = Some((hour, parts[0], parts[1]));
        Ok(())
    }

    fn separator_or_word(&mut self) -> Result<(), &'static str> {
        let Some(first) = self.rest.first().copied() else { return Ok(()) };
        match first {
            b' ' | b'T' if first == b' ' || !self.rest.get(1).is_some_and(u8::is_ascii_alphabetic) => {
                self.rest = &self.rest[1..];
            }
            b',' => self.rest = &self.rest[1..],
            b'Z' | b'z' if self.rest.len() == 1 => {
                self.rest = b"";
                self.offset = Some(0);
            }
            b'.' if self.time.is_some() => {
                self.rest = &self.rest[1..];
                self.nanos = nanos_of(self.digits());
            }
            b'.' => return Err("unexpected point symbol"),
            b'+' | b'-' => {
                self.rest = &self.rest[1..];
                let offset = self.zone_offset()?;
                if self.time.is_some() && self.year != 0 {
                    self.offset = Some(if first == b'-' { -offset } else { offset });
                }
            }
            _ => self.word()?,
        }
        Ok(())
    }

    fn zone_offset(&mut self) -> Result<i64, &'static str> {
        let digits = self.digits();
        let (hours, minutes) = match digits.len() {
            4 => (number(&digits[..2]), number(&digits[2..])),
            3 => (number(&digits[..1]), number(&digits[1..])),
            1 | 2 if self.eat(b':') => {
                let minutes = self.digits();
                if minutes.len() != 2 {
                    return Err("unexpected number of decimal digits in a time zone offset");
                }
                (number(digits), number(minutes))
            }
            1 | 2 => (number(digits), 0),
            0 => return Err("neither date nor time was parsed successfully"),
            _ => return Err("unexpected number of decimal digits in a time zone offset"),
        };
        Ok(hours * 3600 + minutes * 60)
    }

    fn word(&mut self) -> Result<(), &'static str> {
        let length = self.rest.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest;
        let lower: Vec<u8> = word.iter().take(3).map(u8::to_ascii_lowercase).collect();
        match lower.as_slice() {
            b"" => return Err("unexpected character"),
            [_] => return Err("unexpected alphabetical character"),
            b"am" => self.half = Some(Half::Am),
            b"pm" => self.half = Some(Half::Pm),
            b"utc" | b"gmt" => self.offset = Some(0),
            b"msk" => self.offset = Some(3 * 3600),
            b"msd" => self.offset = Some(4 * 3600),
            other => {
                if let Some(month) = MONTHS.iter().position(|name| name.as_slice() == other) {
                    self.month = month as i64 + 1;
                    self.eat(b'-');
                } else if !WEEKDAYS.iter().any(|name| name.as_slice() == other) {
                    return Err("unexpected word");
                }
            }
        }
        Ok(())
    }

    fn finish(mut self, zone: Zone) -> Result<Instant, &'static str> {
        if self.year == 0 && self.month == 0 && self.day == 0 && self.time.is_none() {
            return Err("neither date nor time was parsed successfully");
        }
        if self.year == 0 {
            return Err("the year is missing");
        }
        let (month, day) = (self.month.max(1), self.day.max(1));
        if month > 12 || day > i64::from(days_in_month(self.year, month as u8)) {
            return Err("unexpected date");
        }
        let (mut hour, minute, second) = self.time.unwrap_or_default();
        match self.half.take() {
            Some(Half::Am) if hour == 12 => hour = 0,
            Some(Half::Pm) if hour < 12 => hour += 12,
            _ => {}
        }
        let days = days_of(Civil { year: self.year, month: month as u8, day: day as u8 });
        let local = days * 86_400 + hour * 3600 + minute * 60 + second;
        let seconds = match self.offset {
            Some(offset) => local - offset,
            None => zone.to_utc(local),
        };
        Ok(Instant { seconds, nanos: self.nanos })
    }
}

/// At most 18 digits as a number.
fn number(digits: &[u8]) -> i64 {
    digits.iter().take(18).fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
}

fn nanos_of(digits: &[u8]) -> u32 {
    (0..9).fold(0, |nanos, i| nanos * 10 + digits.get(i).map_or(0, |digit| u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::write_date_time;

    fn read(text: &str) -> String {
        match parse_best_effort(text.as_bytes(), Zone::Utc, DayOrder::DayFirst) {
            Ok(instant) => {
                let mut out = Vec::new();
                write_date_time(&mut out, instant.seconds, Zone::Utc);
                String::from_utf8(out).unwrap()
                    + &if instant.nanos > 0 { format!(".{:09}", instant.nanos) } else { String::new() }
            }
            Err(reason) => reason.to_owned(),
        }
    }

    #[test]
    fn times_are_read_as_the_real_engine_reads_them() {
        for (text, time) in [
            ("2025-01-05T10:00:00Z", "2025-01-05 10:00:00"),
            ("2025-01-05T10:00:00+02:00", "2025-01-05 08:00:00"),
            ("2025-01-05 10:00:00 +02:00", "2025-01-05 08:00:00"),
            ("2025-01-05 10:00:00 PM", "2025-01-05 22:00:00"),
            ("2025-01-05 1:00 PM", "2025-01-05 13:00:00"),
            ("05/01/2025 10:00", "2025-01-05 10:00:00"),
            ("2025-01-05 10:00:00 UTC", "2025-01-05 10:00:00"),
            ("Jan 5 2025 10:00", "2025-01-05 10:00:00"),
            ("5 Jan 2025", "2025-01-05 00:00:00"),
            ("1736071200", "2025-01-05 10:00:00"),
            ("1736071200123", "2025-01-05 10:00:00.123000000"),
            ("20250105100000", "2025-01-05 10:00:00"),
            ("20250105", "2025-01-05 00:00:00"),
            ("2025-1-5 1:2:3", "2025-01-05 01:02:03"),
            ("2025", "2025-01-01 00:00:00"),
            ("2025-01-05 25:00:00", "2025-01-06 01:00:00"),
            ("2025-01-05 10:00:00.25", "2025-01-05 10:00:00.250000000"),
            ("Sun, 05 Jan 2025 10:00:00 GMT", "2025-01-05 10:00:00"),
            ("2025-02-30 10:00:00", "unexpected date"),
            ("12345", "unexpected number of decimal digits"),
            ("x", "unexpected alphabetical character"),
            ("2025-01-05 10:00:00 foo", "unexpected word"),
            ("", "neither date nor time was parsed successfully"),
        ] {
            assert_eq!(read(text), time, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = parse_best_effort(&text, Zone::Utc, DayOrder::MonthFirst);
        }

        #[test]
        fn printed_times_read_back(seconds in 0i64..4_294_967_295) {
            let mut out = Vec::new();
            write_date_time(&mut out, seconds, Zone::Utc);
            prop_assert_eq!(parse_best_effort(&out, Zone::Utc, DayOrder::DayFirst), Ok(Instant { seconds, nanos: 0 }));
        }
    }
}
