//! Parts of dates and times: `toYear` … `toMillisecond`, `toYYYYMM`, relative numbers, weeks.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use types::DataType;
use types::text::time::days_in_month;

use super::clock::{Clock, DAY, Local, Longs, Shape, clock_of};
use super::week::{day_of_week, day_of_year, iso_week, year_week};
use crate::cast::{CastMode, Rules, cast};
use crate::error::Result;
use crate::frame::{Definition, Resolved};
use crate::request::Request;

/// What a part is computed from.
struct Moment {
    local: Local,
    /// Seconds since 1970 UTC.
    seconds: i64,
    clock: Clock,
}

/// A part: its function, its type, whether it needs a time of day, and how it is found.
struct Part {
    name: &'static str,
    result: DataType,
    needs_time: bool,
    of: fn(&Moment) -> i64,
}

const fn part(name: &'static str, result: DataType, of: fn(&Moment) -> i64) -> Part {
    Part { name, result, needs_time: false, of }
}

const fn time_part(name: &'static str, result: DataType, of: fn(&Moment) -> i64) -> Part {
    Part { name, result, needs_time: true, of }
}

const TABLE: &[Part] = &[
    part("toYear", DataType::UInt16, |m| m.local.civil().year),
    part("toQuarter", DataType::UInt8, |m| quarter(m.local)),
    part("toMonth", DataType::UInt8, |m| m.local.civil().month.into()),
    part("toDayOfMonth", DataType::UInt8, |m| m.local.civil().day.into()),
    part("toDayOfYear", DataType::UInt16, |m| day_of_year(m.local.days)),
    time_part("toHour", DataType::UInt8, |m| m.local.second / 3600),
    time_part("toMinute", DataType::UInt8, |m| m.local.second / 60 % 60),
    time_part("toSecond", DataType::UInt8, |m| m.local.second % 60),
    time_part("toMillisecond", DataType::UInt16, |m| m.local.ticks * 1000 / m.clock.scale()),
    time_part("toMicrosecond", DataType::UInt32, |m| m.local.ticks * 1_000_000 / m.clock.scale()),
    time_part("toNanosecond", DataType::UInt32, |m| m.local.ticks * (1_000_000_000 / m.clock.scale())),
    part("toDaysInMonth", DataType::UInt8, |m| days_in_month(m.local.civil().year, m.local.civil().month).into()),
    part("toYearNumSinceEpoch", DataType::UInt16, |m| m.local.civil().year - 1970),
    part("toMonthNumSinceEpoch", DataType::UInt32, |m| month_number(m.local) - 1970 * 12 - 1),
    part("toISOWeek", DataType::UInt8, |m| iso_week(m.local.days).1),
    part("toISOYear", DataType::UInt16, |m| iso_week(m.local.days).0),
    part("toYYYYMM", DataType::UInt32, |m| yyyymm(m.local)),
    part("toYYYYMMDD", DataType::UInt32, |m| yyyymmdd(m.local)),
    part("toYYYYMMDDhhmmss", DataType::UInt64, |m| {
        let second = m.local.second;
        yyyymmdd(m.local) * 1_000_000 + second / 3600 * 10_000 + second / 60 % 60 * 100 + second % 60
    }),
    part("toRelativeYearNum", DataType::UInt16, |m| m.local.civil().year),
    part("toRelativeQuarterNum", DataType::UInt32, |m| m.local.civil().year * 4 + quarter(m.local) - 1),
    part("toRelativeMonthNum", DataType::UInt32, |m| month_number(m.local)),
    part("toRelativeWeekNum", DataType::UInt32, |m| week_number(m.local).max(0)),
    part("toRelativeDayNum", DataType::UInt32, |m| m.local.days.max(0)),
    part("toRelativeHourNum", DataType::UInt32, |m| hour_number(m.clock, m.seconds).max(0)),
    part("toRelativeMinuteNum", DataType::UInt32, |m| m.seconds.div_euclid(60).max(0)),
    part("toRelativeSecondNum", DataType::UInt32, |m| m.seconds.max(0)),
    part("toDaysSinceYearZero", DataType::UInt32, |m| match m.clock.shape {
        Shape::Days => m.local.days + 719_528,
        // by the day in UTC, whatever the zone
        Shape::Ticks(_) => m.seconds.div_euclid(DAY) + 719_528,
    }),
];

pub(crate) fn quarter(local: Local) -> i64 {
    (i64::from(local.civil().month) - 1) / 3 + 1
}

fn yyyymm(local: Local) -> i64 {
    let civil = local.civil();
    civil.year * 100 + i64::from(civil.month)
}

fn yyyymmdd(local: Local) -> i64 {
    yyyymm(local) * 100 + i64::from(local.civil().day)
}

/// Months since year 0, in which January of year 0 is 1.
pub(super) fn month_number(local: Local) -> i64 {
    let civil = local.civil();
    civil.year * 12 + i64::from(civil.month)
}

/// Weeks since the one of 1970-01-01; they begin on Mondays.
pub(super) fn week_number(local: Local) -> i64 {
    (local.days + 8 - day_of_week(local.days)).div_euclid(7)
}

/// Hours since 1970 UTC, counted at the zone's full hours.
pub(super) fn hour_number(clock: Clock, seconds: i64) -> i64 {
    (seconds + clock.zone.offset_at(seconds).rem_euclid(3600)).div_euclid(3600)
}

const fn row(name: &'static str) -> Definition {
    Definition::new(name, resolve_part).masks_nulls()
}

pub(crate) const PARTS: &[Definition] = &[
    row("toYear"),
    row("toYear").alias("YEAR").any_case(),
    row("toQuarter"),
    row("toQuarter").alias("QUARTER").any_case(),
    row("toMonth"),
    row("toMonth").alias("MONTH").any_case(),
    row("toDayOfMonth"),
    row("toDayOfMonth").alias("DAY").any_case(),
    row("toDayOfMonth").alias("DAYOFMONTH").any_case(),
    row("toDayOfYear"),
    row("toDayOfYear").alias("DAYOFYEAR").any_case(),
    row("toHour"),
    row("toHour").alias("HOUR").any_case(),
    row("toMinute"),
    row("toMinute").alias("MINUTE").any_case(),
    row("toSecond"),
    row("toSecond").alias("SECOND").any_case(),
    row("toMillisecond"),
    row("toMillisecond").alias("MILLISECOND").any_case(),
    row("toMicrosecond"),
    row("toMicrosecond").alias("MICROSECOND").any_case(),
    row("toNanosecond"),
    row("toNanosecond").alias("NANOSECOND").any_case(),
    row("toDaysInMonth"),
    row("toYearNumSinceEpoch"),
    row("toMonthNumSinceEpoch"),
    row("toISOWeek"),
    row("toISOYear"),
    row("toYYYYMM"),
    row("toYYYYMMDD"),
    row("toYYYYMMDDhhmmss"),
    row("toRelativeYearNum"),
    row("toRelativeQuarterNum"),
    row("toRelativeMonthNum"),
    row("toRelativeWeekNum"),
    row("toRelativeDayNum"),
    row("toRelativeHourNum"),
    row("toRelativeMinuteNum"),
    row("toRelativeSecondNum"),
    row("toDaysSinceYearZero"),
    row("toDaysSinceYearZero").alias("TO_DAYS").any_case(),
    Definition::new("toDayOfWeek", resolve_week).masks_nulls(),
    Definition::new("toDayOfWeek", resolve_week).masks_nulls().alias("DAYOFWEEK").any_case(),
    Definition::new("toWeek", resolve_week).masks_nulls(),
    Definition::new("toWeek", resolve_week).masks_nulls().alias("WEEK").any_case(),
    Definition::new("toYearWeek", resolve_week).masks_nulls(),
    Definition::new("toYearWeek", resolve_week).masks_nulls().alias("YEARWEEK").any_case(),
    Definition::new("toUnixTimestamp", unix_timestamp).masks_nulls(),
];

/// A clock like `clock` in the zone that optional argument `position` names.
pub(super) fn in_zone(request: &Request<'_>, clock: Clock, position: usize) -> Result<Clock> {
    if request.args.len() <= position {
        return Ok(clock);
    }
    if clock.shape == Shape::Days {
        return Err(request.wrong_type(0, "DateTime or DateTime64, when a zone is given"));
    }
    Ok(Clock { zone: request.constant_zone(position)?, ..clock })
}

/// `part(time[, zone])`.
fn resolve_part(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=2)?;
    let Some(part) = TABLE.iter().find(|part| part.name == request.name) else { return Err(request.wrong_types()) };
    let clock = in_zone(request, clock_of(request, 0)?, 1)?;
    if part.needs_time && clock.shape == Shape::Days {
        return Err(request.wrong_type(0, "DateTime or DateTime64"));
    }
    let (result, of) = (part.result.clone(), part.of);
    Ok(numbers(result, move |times, row| {
        let value = times.get(row);
        of(&Moment { local: clock.local(value), seconds: clock.seconds(value), clock })
    }))
}

/// A function from times to numbers.
pub(super) fn numbers(result: DataType, number: impl Fn(&Longs, usize) -> i64 + Send + Sync + 'static) -> Resolved {
    let to = result.clone();
    Resolved::new(result, move |args, call| {
        let times = Longs::of(&args[0])?;
        let longs: ArrayRef =
            Arc::new(Int64Array::from((0..call.rows).map(|row| number(&times, row)).collect::<Vec<_>>()));
        cast(&longs, &DataType::Int64, &to, &crate::arithmetic::numbers::plain())
    })
}

/// `toDayOfWeek`, `toWeek`, `toYearWeek` with `(time[, mode[, zone]])`; text is read as a time.
fn resolve_week(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=3)?;
    let mode = request.optional_int(1)?.unwrap_or(0);
    let mode = u8::try_from(mode).map_err(|_| request.bad(format!("there is no mode {mode}")))?;
    let text = request.ty(0).is_string();
    let parsed = DataType::DateTime64 { precision: 3, zone: None };
    let clock = if text { Clock { shape: Shape::Ticks(3), zone: request.context.zone } } else { clock_of(request, 0)? };
    let clock = in_zone(request, clock, 2)?;
    let (result, of): (DataType, fn(i64, u8) -> i64) = match request.name {
        "toDayOfWeek" => (DataType::UInt8, day_of_week_in_mode),
        "toWeek" => (DataType::UInt8, |days, mode| year_week(days, mode, false).1),
        _ => (DataType::UInt32, |days, mode| {
            let (year, week) = year_week(days, mode, true);
            year * 100 + week
        }),
    };
    let inner = numbers(result, move |times, row| of(clock.local(times.get(row)).days, mode));
    if !text {
        return Ok(inner);
    }
    let (from, rules) = (request.ty(0).clone(), Rules::new(CastMode::Cast, request.context));
    Ok(Resolved::new(inner.result, move |args, call| {
        let times = cast(&args[0].expand(call.rows)?, &from, &DataType::nullable(parsed.clone()), &rules)?;
        inner.kernel.run(&[crate::frame::Operand::Full(times)], call)
    }))
}

/// Modes: 0 Monday 1 … Sunday 7; 1 Monday 0; 2 Sunday 0; 3 Sunday 1.
fn day_of_week_in_mode(days: i64, mode: u8) -> i64 {
    let day = day_of_week(days);
    match mode & 3 {
        0 => day,
        1 => day - 1,
        2 => day % 7,
        _ => day % 7 + 1,
    }
}

/// Seconds since 1970 of a time, or of a text that is one.
fn unix_timestamp(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=2)?;
    if request.ty(0).is_string() {
        let mut rules = Rules::new(CastMode::Cast, request.context);
        if request.args.len() == 2 {
            rules.zone = request.constant_zone(1)?;
        }
        let from = request.ty(0).clone();
        return Ok(Resolved::new(DataType::UInt32, move |args, call| {
            let to = DataType::nullable(DataType::DateTime(None));
            cast(&args[0].expand(call.rows)?, &from, &to, &rules)
        }));
    }
    let mut clock = clock_of(request, 0)?;
    if request.args.len() == 2 {
        clock.zone = request.constant_zone(1)?;
    }
    Ok(numbers(DataType::UInt32, move |times, row| clock.seconds(times.get(row))))
}
