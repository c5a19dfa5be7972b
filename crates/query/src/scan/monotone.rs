//! Comparisons of a part of a time with a constant, as ranges of the time itself: `toDate(ts) = '2025-01-01'` reads the
//! granules around that day only.
//!
//! What comes out is a necessary condition, wide enough for every time zone: a function's value stands for a *span* of
//! times, and the span is widened by more than any zone differs from another. At the ends of what the types hold these
//! functions wrap and clamp, so times there may give any value. Never here: conditions that must hold exactly.

use datafusion::common::ScalarValue;
use types::DataType;
use types::text::time::{Civil, days_of};

use super::{Comparison, Predicate};

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;

/// Times before this, in seconds since 1970, may give any value: what starts before 1970 is no Date.
const SURE_FROM_S: i64 = 400 * DAY_S;

/// Times from 2105 on may give any value: a DateTime ends in 2106.
const SURE_UNTIL_S: i64 = 49_308 * DAY_S;

/// Times that give one value, in seconds since 1970.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Span {
    start_s: i64,
    /// Exclusive.
    end_s: i64,
    /// How far zones may move both ends.
    margin_s: i64,
}

/// What is known of a column of type `ty` when `function(column) op value`.
pub(super) fn of(function: &str, (column, ty): (usize, &DataType), op: Comparison, value: i64) -> Option<Predicate> {
    let span = span(function, value)?;
    // midnight of a Date is another moment in each zone
    let is_day = matches!(ty.base(), DataType::Date | DataType::Date32);
    let margin_s = if is_day { DAY_S } else { span.margin_s };
    let (from, until) = (span.start_s.saturating_sub(margin_s), span.end_s.saturating_add(margin_s));
    let at_least = |time_s: i64| Some((Comparison::GreaterOrEqual, time_s));
    let at_most = |time_s: i64| Some((Comparison::LessOrEqual, time_s));
    let (lower, upper) = match op {
        Comparison::Equal => (at_least(from), at_most(until)),
        Comparison::Greater | Comparison::GreaterOrEqual => (at_least(from), None),
        Comparison::Less | Comparison::LessOrEqual => (None, at_most(until)),
        Comparison::NotEqual => return None,
    };
    let compare = |(op, time_s): (Comparison, i64)| Some(Predicate::Compare { column, op, value: scalar(ty, time_s)? });
    let mut inside = Vec::with_capacity(2);
    for end in [lower, upper].into_iter().flatten() {
        inside.push(compare(end)?);
    }
    let inside = match inside.len() {
        1 => inside.remove(0),
        _ => Predicate::And(inside),
    };
    let early = compare((Comparison::LessOrEqual, SURE_FROM_S))?;
    let late = compare((Comparison::GreaterOrEqual, SURE_UNTIL_S))?;
    Some(Predicate::Or(vec![inside, early, late]))
}

/// The times for which a function gives `value`. Values that it never gives have the span of one near them.
fn span(function: &str, value: i64) -> Option<Span> {
    let day = |year: i64, month: i64| {
        let month = u8::try_from(month.clamp(1, 12)).ok()?;
        Some(days_of(Civil { year: year.clamp(1900, 2300), month, day: 1 }) * DAY_S)
    };
    let days = |length: i64| {
        let start_s = value.checked_mul(DAY_S)?;
        Some(Span { start_s, end_s: start_s.checked_add(length * DAY_S)?, margin_s: DAY_S })
    };
    let seconds = |length: i64| Some(Span { start_s: value, end_s: value.checked_add(length)?, margin_s: 2 * HOUR_S });
    match function {
        "toDate" | "toDate32" => days(1),
        "toMonday" | "toStartOfWeek" => days(7),
        "toStartOfMonth" => days(31),
        "toStartOfQuarter" => days(92),
        "toStartOfYear" => days(366),
        "toYear" => Some(Span { start_s: day(value, 1)?, end_s: day(value.checked_add(1)?, 1)?, margin_s: DAY_S }),
        "toYYYYMM" => {
            let start_s = day(value / 100, value % 100)?;
            Some(Span { start_s, end_s: start_s.checked_add(31 * DAY_S)?, margin_s: DAY_S })
        }
        "toStartOfDay" => seconds(DAY_S),
        "toStartOfHour" => seconds(HOUR_S),
        "toStartOfFifteenMinutes" => seconds(900),
        "toStartOfTenMinutes" => seconds(600),
        "toStartOfFiveMinutes" | "toStartOfFiveMinute" => seconds(300),
        "toStartOfMinute" => seconds(60),
        _ => None,
    }
}

/// A time as a value of the column's type, the nearest that there is; none for columns of no time.
fn scalar(ty: &DataType, time_s: i64) -> Option<ScalarValue> {
    let days = time_s.div_euclid(DAY_S);
    Some(match ty.base() {
        DataType::Date => ScalarValue::UInt16(Some(days.clamp(0, u16::MAX.into()) as u16)),
        DataType::Date32 => ScalarValue::Int32(Some(i32::try_from(days).ok()?)),
        DataType::DateTime(_) => ScalarValue::UInt32(Some(time_s.clamp(0, u32::MAX.into()) as u32)),
        DataType::DateTime64 { precision, .. } => {
            let ticks = 10_i64.checked_pow(u32::from(*precision))?;
            ScalarValue::Int64(Some(time_s.checked_mul(ticks)?))
        }
        _ => return None,
    })
}

/// A whole number of any width.
pub(super) fn whole(value: &ScalarValue) -> Option<i64> {
    match value {
        ScalarValue::UInt8(value) => value.map(i64::from),
        ScalarValue::UInt16(value) => value.map(i64::from),
        ScalarValue::UInt32(value) => value.map(i64::from),
        ScalarValue::Int32(value) => value.map(i64::from),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stands_for_the_times_that_give_it() {
        let january = span("toYYYYMM", 202_501).expect("a month");
        assert_eq!((january.start_s, january.end_s), (20_089 * DAY_S, 20_120 * DAY_S));
        assert_eq!(span("toYear", 2025).map(|year| (year.end_s - year.start_s) / DAY_S), Some(365));
        assert_eq!(span("toStartOfHour", 7_200).map(|hour| hour.end_s), Some(10_800));
        assert_eq!(span("toDayOfWeek", 3), None);
        assert!(span("toYYYYMM", 0).is_some() && span("toYear", i64::MAX).is_none());
    }

    #[test]
    fn only_columns_of_times_are_narrowed() {
        assert!(of("toDate", (0, &DataType::DateTime(None)), Comparison::Equal, 20_000).is_some());
        assert!(of("toDate", (0, &DataType::Date), Comparison::NotEqual, 20_000).is_none());
        assert!(of("toDate", (0, &DataType::UInt64), Comparison::Equal, 20_000).is_none());
    }
}
