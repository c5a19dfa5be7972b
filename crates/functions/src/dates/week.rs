//! Weeks as ClickHouse and MySQL number them.

use types::text::time::{Civil, civil_of, days_in_month, days_of};

/// Monday 1 … Sunday 7.
pub(crate) fn day_of_week(days: i64) -> i64 {
    (days + 3).rem_euclid(7) + 1
}

/// The Monday on or before a day.
pub(crate) fn monday(days: i64) -> i64 {
    days - (day_of_week(days) - 1)
}

/// The first day of the week of a mode: odd modes begin on Monday, even ones on Sunday.
pub(crate) fn start_of_week(days: i64, mode: u8) -> i64 {
    if mode & 1 == 1 { monday(days) } else { days - day_of_week(days) % 7 }
}

/// January 1st of a year.
pub(crate) fn new_year(year: i64) -> i64 {
    days_of(Civil { year, month: 1, day: 1 })
}

/// Day 1 … 366 of its year.
pub(crate) fn day_of_year(days: i64) -> i64 {
    days - new_year(civil_of(days).year) + 1
}

/// ISO 8601's year and week.
pub(crate) fn iso_week(days: i64) -> (i64, i64) {
    let thursday = monday(days) + 3;
    let year = civil_of(thursday).year;
    (year, (thursday - new_year(year)) / 7 + 1)
}

/// The first day of ISO's year.
pub(crate) fn start_of_iso_year(days: i64) -> i64 {
    // January 4th is always in week 1
    monday(days_of(Civil { year: iso_week(days).0, month: 1, day: 4 }))
}

const MONDAY_FIRST: u8 = 1;
const YEAR: u8 = 2;
const FIRST_WEEKDAY: u8 = 4;
const NEW_YEAR_DAY: u8 = 8;

/// Year and week of MySQL's modes 0 … 7 and ClickHouse's 8 and 9; `with_year` as `toYearWeek` asks for it.
pub(crate) fn year_week(days: i64, mode: u8, with_year: bool) -> (i64, i64) {
    let mode = if with_year { mode | YEAR } else { mode };
    if mode & NEW_YEAR_DAY != 0 {
        return week_of_new_year_day(days, mode & MONDAY_FIRST != 0);
    }
    let mode = if mode & MONDAY_FIRST == 0 { (mode & 7) ^ FIRST_WEEKDAY } else { mode & 7 };
    let (monday_first, first_weekday) = (mode & MONDAY_FIRST != 0, mode & FIRST_WEEKDAY != 0);
    let mut week_year = mode & YEAR != 0;
    let days_in_year = |year: i64| 337 + i64::from(days_in_month(year, 2));
    let late = |weekday: i64| if first_weekday { weekday != 0 } else { weekday >= 4 };

    let civil = civil_of(days);
    let mut year = civil.year;
    let mut first = new_year(year);
    let mut weekday = (day_of_week(first) - i64::from(monday_first)).rem_euclid(7);
    if civil.month == 1 && i64::from(civil.day) <= 7 - weekday {
        if !week_year && late(weekday) {
            return (year, 0);
        }
        week_year = true;
        year -= 1;
        let length = days_in_year(year);
        first -= length;
        weekday = (weekday + 53 * 7 - length) % 7;
    }
    let since = if late(weekday) { days - (first + 7 - weekday) } else { days - (first - weekday) };
    if week_year && since >= 52 * 7 {
        let next = (weekday + days_in_year(year)) % 7;
        if !late(next) {
            return (year + 1, 1);
        }
    }
    (year, since / 7 + 1)
}

/// Week 1 is the one that January 1st lies in.
fn week_of_new_year_day(days: i64, monday_first: bool) -> (i64, i64) {
    let mode = u8::from(monday_first);
    let year = civil_of(start_of_week(days, mode) + 6).year;
    (year, (start_of_week(days, mode) - start_of_week(new_year(year), mode)) / 7 + 1)
}
