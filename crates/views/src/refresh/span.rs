//! Spans of time as REFRESH writes them: calendar months and seconds, kept apart because a month has no length.

use sql::ast::{IntervalUnit, TimePart, TimeSpan};
use types::ErrorCode;
use types::text::time::{Civil, civil_of, days_in_month, days_of};

use crate::error::{Error, Result};

/// Seconds of a day.
pub(super) const DAY: i64 = 86_400;

/// Clock units from the greatest, with their seconds: how a span is printed.
const CLOCK_UNITS: [(IntervalUnit, i64); 5] = [
    (IntervalUnit::Week, 7 * DAY),
    (IntervalUnit::Day, DAY),
    (IntervalUnit::Hour, 3_600),
    (IntervalUnit::Minute, 60),
    (IntervalUnit::Second, 1),
];

/// The longest span, in seconds and in months: a thousand years. Sums of times and spans never overflow.
const SECONDS_MAX: i64 = 1_000 * 366 * DAY;
const MONTHS_MAX: i64 = 12_000;

/// A span of time, never negative.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// Calendar months: those of MONTH, QUARTER, YEAR.
    pub months: i64,
    /// Seconds: those of WEEK and smaller units.
    pub seconds: i64,
}

pub(super) fn refuse(code: ErrorCode, reason: impl Into<String>) -> Error {
    Error::Refresh { code, reason: reason.into() }
}

impl Span {
    /// The sum of the parts. Sub-second units, a unit written twice and more than a thousand years are refused.
    pub fn of(span: &TimeSpan) -> Result<Span> {
        let mut sum = Span::default();
        for (at, part) in span.parts.iter().enumerate() {
            if span.parts.iter().take(at).any(|before| before.unit == part.unit) {
                let reason = format!("time interval contains multiple {} components", part.unit.name());
                return Err(refuse(ErrorCode::SYNTAX_ERROR, reason));
            }
            sum = sum.plus(part)?;
        }
        match sum.months <= MONTHS_MAX && sum.seconds <= SECONDS_MAX {
            true => Ok(sum),
            false => Err(refuse(ErrorCode::BAD_ARGUMENTS, "the interval is longer than a thousand years")),
        }
    }

    fn plus(self, part: &TimePart) -> Result<Span> {
        let count = i64::try_from(part.count).unwrap_or(i64::MAX);
        let months = |each: i64| (count.saturating_mul(each), 0);
        let seconds = |each: i64| (0, count.saturating_mul(each));
        let (months, seconds) = match part.unit {
            IntervalUnit::Nanosecond | IntervalUnit::Microsecond | IntervalUnit::Millisecond => {
                return Err(refuse(ErrorCode::BAD_ARGUMENTS, "sub-second intervals are not supported"));
            }
            IntervalUnit::Second => seconds(1),
            IntervalUnit::Minute => seconds(60),
            IntervalUnit::Hour => seconds(3_600),
            IntervalUnit::Day => seconds(DAY),
            IntervalUnit::Week => seconds(7 * DAY),
            IntervalUnit::Month => months(1),
            IntervalUnit::Quarter => months(3),
            IntervalUnit::Year => months(12),
        };
        Ok(Span { months: self.months.saturating_add(months), seconds: self.seconds.saturating_add(seconds) })
    }

    /// The span as it is printed: years, months, weeks … seconds, those that are not zero; `0 SECOND` when all are.
    pub fn normalized(self) -> TimeSpan {
        let mut parts = Vec::new();
        let mut add = |count: i64, unit| {
            if count != 0 {
                parts.push(TimePart { count: count.unsigned_abs(), unit });
            }
        };
        add(self.months / 12, IntervalUnit::Year);
        add(self.months % 12, IntervalUnit::Month);
        let mut rest = self.seconds;
        for (unit, seconds) in CLOCK_UNITS {
            add(rest / seconds, unit);
            rest %= seconds;
        }
        if parts.is_empty() {
            parts.push(TimePart { count: 0, unit: IntervalUnit::Second });
        }
        TimeSpan { parts }
    }

    /// True when it has no length.
    pub fn is_zero(self) -> bool {
        self == Span::default()
    }

    /// The shortest that it can be, in seconds: months of 28 days, years of 365.
    pub fn seconds_min(self) -> i64 {
        self.months / 12 * 365 * DAY + self.months % 12 * 28 * DAY + self.seconds
    }

    /// The longest that it can be, in seconds.
    pub fn seconds_max(self) -> i64 {
        self.months / 12 * 366 * DAY + self.months % 12 * 31 * DAY + self.seconds
    }

    /// `local` seconds of some wall clock, later by the span: months first, clamped to the month's end.
    pub fn after(self, local: i64) -> i64 {
        add_months(local, self.months) + self.seconds
    }
}

fn add_months(local: i64, months: i64) -> i64 {
    if months == 0 {
        return local;
    }
    let (days, of_day) = (local.div_euclid(DAY), local.rem_euclid(DAY));
    let civil = civil_of(days);
    let (year, month) = year_month(civil.year * 12 + i64::from(civil.month) - 1 + months);
    let day = civil.day.min(days_in_month(year, month));
    days_of(Civil { year, month, day }) * DAY + of_day
}

/// Year and month 1 … 12 of months counted from January of year 0.
fn year_month(months: i64) -> (i64, u8) {
    (months.div_euclid(12), months.rem_euclid(12) as u8 + 1)
}

/// Months from January 1970 to the month that `local` is in.
pub(super) fn months_of(local: i64) -> i64 {
    let civil = civil_of(local.div_euclid(DAY));
    (civil.year - 1970) * 12 + i64::from(civil.month) - 1
}

/// The first second of the month that is so many months after January 1970.
pub(super) fn start_of_month(months: i64) -> i64 {
    let (year, month) = year_month(1970 * 12 + months);
    days_of(Civil { year, month, day: 1 }) * DAY
}
