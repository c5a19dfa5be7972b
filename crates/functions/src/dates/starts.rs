//! Where units begin and end: `toStartOfMonth`, `toMonday`, `toLastDayOfMonth`, `toStartOfHour`, `timeSlot`.
//!
//! Weeks and longer give Date (of years before 1970: its first day), shorter ones DateTime in the time's zone.

use types::DataType;
use types::text::time::{Civil, days_in_month, days_of};

use super::clock::{Clock, DAY, Local, Longs, Shape, clock_of, column};
use super::parts::{in_zone, quarter};
use super::week::{day_of_week, monday, new_year, start_of_iso_year, start_of_week};
use crate::error::Result;
use crate::frame::{Definition, Resolved};
use crate::request::Request;

const fn date(name: &'static str) -> Definition {
    Definition::new(name, start_of_date).masks_nulls()
}

const fn time(name: &'static str) -> Definition {
    Definition::new(name, start_of_time).masks_nulls()
}

const fn subsecond(name: &'static str) -> Definition {
    Definition::new(name, start_of_subsecond).masks_nulls()
}

pub(crate) const STARTS: &[Definition] = &[
    date("toStartOfYear"),
    date("toStartOfISOYear"),
    date("toStartOfQuarter"),
    date("toStartOfMonth"),
    date("toMonday"),
    date("toLastDayOfMonth"),
    date("toLastDayOfMonth").alias("LAST_DAY").any_case(),
    Definition::new("toStartOfWeek", start_of_mode).masks_nulls(),
    Definition::new("toLastDayOfWeek", start_of_mode).masks_nulls(),
    time("toStartOfDay"),
    time("toStartOfHour"),
    time("toStartOfMinute"),
    time("toStartOfFiveMinutes"),
    time("toStartOfFiveMinutes").alias("toStartOfFiveMinute"),
    time("toStartOfTenMinutes"),
    time("toStartOfFifteenMinutes"),
    time("timeSlot"),
    subsecond("toStartOfSecond"),
    subsecond("toStartOfMillisecond"),
    subsecond("toStartOfMicrosecond"),
    subsecond("toStartOfNanosecond"),
];

/// Days as a column of Date; what lies outside of its range becomes its nearest day.
pub(super) fn dates(day: impl Fn(&Longs, usize) -> i64 + Send + Sync + 'static) -> Resolved {
    Resolved::new(DataType::Date, move |args, call| {
        let times = Longs::of(&args[0])?;
        let days = (0..call.rows).map(|row| day(&times, row).clamp(0, u16::MAX.into()));
        Ok(column(&DataType::Date, days))
    })
}

fn start_of_date(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=2)?;
    let clock = in_zone(request, clock_of(request, 0)?, 1)?;
    let of: fn(Local) -> i64 = match request.name {
        "toStartOfYear" => |local| new_year(local.civil().year),
        "toStartOfISOYear" => |local| start_of_iso_year(local.days),
        "toStartOfQuarter" => start_of_quarter,
        "toStartOfMonth" => start_of_month,
        "toMonday" => |local| monday(local.days),
        _ => last_of_month,
    };
    Ok(dates(move |times, row| of(clock.local(times.get(row)))))
}

pub(super) fn start_of_month(local: Local) -> i64 {
    local.days - i64::from(local.civil().day) + 1
}

fn start_of_quarter(local: Local) -> i64 {
    let month = (quarter(local) as u8 - 1) * 3 + 1;
    days_of(Civil { month, day: 1, ..local.civil() })
}

fn last_of_month(local: Local) -> i64 {
    let civil = local.civil();
    days_of(Civil { day: days_in_month(civil.year, civil.month), ..civil })
}

/// `toStartOfWeek(time[, mode[, zone]])` and the week's last day.
fn start_of_mode(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=3)?;
    let mode = request.optional_int(1)?.unwrap_or(0);
    let mode = u8::try_from(mode).map_err(|_| request.bad(format!("there is no mode {mode}")))?;
    let clock = in_zone(request, clock_of(request, 0)?, 2)?;
    let last = request.name == "toLastDayOfWeek";
    Ok(dates(move |times, row| {
        let days = clock.local(times.get(row)).days;
        // before Date's range there is nothing to tell apart
        if days < 0 && last && day_of_week(days) != 7 {
            return 0;
        }
        start_of_week(days, mode) + if last { 6 } else { 0 }
    }))
}

/// The type of a DateTime in the zone of argument `position`, or in the time's own.
pub(super) fn date_time_of(request: &Request<'_>, position: usize) -> Result<DataType> {
    if request.args.len() > position {
        return Ok(DataType::DateTime(crate::conversions::zone_argument(request, position)?));
    }
    Ok(DataType::DateTime(match request.ty(0) {
        DataType::DateTime(zone) | DataType::DateTime64 { zone, .. } => zone.clone(),
        _ => None,
    }))
}

fn start_of_time(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=2)?;
    let result = date_time_of(request, 1)?;
    let mut clock = clock_of(request, 0)?;
    if request.args.len() == 2 {
        clock.zone = request.constant_zone(1)?;
    }
    let step = match request.name {
        "toStartOfDay" => DAY,
        _ if clock.shape == Shape::Days => return Err(request.wrong_type(0, "DateTime or DateTime64")),
        "toStartOfHour" => 3600,
        "timeSlot" => 1800,
        "toStartOfMinute" => 60,
        "toStartOfFiveMinutes" => 300,
        "toStartOfTenMinutes" => 600,
        _ => 900,
    };
    let to = result.clone();
    Ok(Resolved::new(result, move |args, call| {
        let times = Longs::of(&args[0])?;
        let starts = (0..call.rows).map(|row| floor_to(clock, times.get(row), step).clamp(0, u32::MAX.into()));
        Ok(column(&to, starts))
    }))
}

/// Seconds since 1970 UTC at which the wall clock last showed a multiple of `step` seconds of the day.
pub(super) fn floor_to(clock: Clock, value: i64, step: i64) -> i64 {
    if step == DAY {
        return clock.zone.to_utc(clock.local(value).days * DAY);
    }
    let seconds = clock.seconds(value);
    let local = seconds + clock.zone.offset_at(seconds);
    seconds - local.rem_euclid(step)
}

/// `toStartOfMillisecond` and its kin: only DateTime64 has digits to cut.
fn start_of_subsecond(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=2)?;
    let DataType::DateTime64 { precision, zone } = request.ty(0) else {
        return Err(request.wrong_type(0, "DateTime64"));
    };
    let digits = match request.name {
        "toStartOfSecond" => 0,
        "toStartOfMillisecond" => 3,
        "toStartOfMicrosecond" => 6,
        _ => 9,
    };
    let zone = if request.args.len() == 2 { crate::conversions::zone_argument(request, 1)? } else { zone.clone() };
    let own = *precision;
    let result = DataType::DateTime64 { precision: own.max(digits), zone };
    let (up, cut) = (10i64.pow((digits.max(own) - own).into()), 10i64.pow((own.max(digits) - digits).into()));
    let to = result.clone();
    Ok(Resolved::new(result, move |args, call| {
        let times = Longs::of(&args[0])?;
        Ok(column(
            &to,
            (0..call.rows).map(|row| {
                let ticks = times.get(row).wrapping_mul(up);
                ticks - ticks.rem_euclid(cut)
            }),
        ))
    }))
}
