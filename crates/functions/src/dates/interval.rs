//! `toStartOfInterval(time, INTERVAL n unit[, origin][, zone])` and `date_trunc(unit, time[, zone])`.
//!
//! Grids: seconds and minutes from 1970 UTC, hours from local midnight, days from 1970-01-01, weeks from Monday
//! 1970-01-05, months from 1900, years from year 0; all from `origin` when there is one.

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use types::text::time::{Civil, days_of};
use types::{DataType, IntervalUnit};

use super::add::add;
use super::clock::{Clock, DAY, Longs, Shape, clock_of, column};
use super::diff::unit_of;
use super::starts::{date_time_of, dates, floor_to};
use crate::error::{Error, Result};
use crate::frame::{Definition, Resolved};
use crate::request::Request;

pub(crate) const INTERVALS: &[Definition] = &[
    Definition::new("toStartOfInterval", start_of_interval).masks_nulls(),
    Definition::new("toStartOfInterval", start_of_interval).masks_nulls().alias("date_bin").any_case(),
    Definition::new("toStartOfInterval", start_of_interval).masks_nulls().alias("time_bucket").any_case(),
    Definition::new("date_trunc", date_trunc).masks_nulls(),
    Definition::new("date_trunc", date_trunc).masks_nulls().alias("dateTrunc").any_case(),
    Definition::new("date_trunc", date_trunc).masks_nulls().alias("DATE_TRUNC").any_case(),
];

fn start_of_interval(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=4)?;
    let DataType::Interval(unit) = *request.ty(1) else { return Err(request.wrong_type(1, "a constant Interval")) };
    let value = request.constant(1).ok_or_else(|| request.not_constant(1))?;
    let count = if value.is_valid(0) { value.as_primitive::<Int64Type>().value(0) } else { 0 };
    if count <= 0 {
        let reason = format!("an interval of {count} is not positive");
        return Err(Error::OutOfBound { function: request.name.to_owned(), reason });
    }
    let has_origin = request.args.len() > 2 && request.ty(2).is_date_or_time();
    let zone_at = if has_origin { 3 } else { 2 };
    let mut clock = clock_of(request, 0)?;
    if request.args.len() > zone_at {
        clock.zone = request.constant_zone(zone_at)?;
    }
    if has_origin {
        return from_origin(request, clock, unit, count);
    }
    let result = date_time_of(request, zone_at)?;
    floor_resolved(request, clock, unit, count, result)
}

/// The type and kernel of rounding down to `count` units.
fn floor_resolved(
    request: &Request<'_>,
    clock: Clock,
    unit: IntervalUnit,
    count: i64,
    date_time: DataType,
) -> Result<Resolved> {
    use IntervalUnit as U;
    match unit {
        U::Week | U::Month | U::Quarter | U::Year => {
            Ok(dates(move |times, row| floor_days(clock.local(times.get(row)).days, unit, count)))
        }
        U::Nanosecond | U::Microsecond | U::Millisecond => floor_ticks(request, unit, count),
        U::Second | U::Minute | U::Hour if clock.shape == Shape::Days => {
            Err(request.wrong_type(0, "DateTime or DateTime64, for units shorter than a day"))
        }
        U::Second | U::Minute | U::Hour | U::Day => {
            let to = date_time.clone();
            Ok(Resolved::new(date_time, move |args, call| {
                let times = Longs::of(&args[0])?;
                let starts = (0..call.rows).map(|row| floor_seconds(clock, times.get(row), unit, count));
                Ok(column(&to, starts.map(|start| start.clamp(0, u32::MAX.into()))))
            }))
        }
    }
}

/// The first day of the `count` units that a day lies in.
pub(super) fn floor_days(days: i64, unit: IntervalUnit, count: i64) -> i64 {
    let civil = types::text::time::civil_of(days);
    match unit {
        IntervalUnit::Week => {
            let step = count.saturating_mul(7);
            days - (days - 4).rem_euclid(step)
        }
        IntervalUnit::Year => {
            let year = civil.year - civil.year.rem_euclid(count);
            days_of(Civil { year, month: 1, day: 1 })
        }
        _ => {
            let step = if unit == IntervalUnit::Quarter { count.saturating_mul(3) } else { count };
            let month = (civil.year - 1900) * 12 + i64::from(civil.month) - 1;
            let start = month - month.rem_euclid(step);
            days_of(Civil { year: 1900 + start.div_euclid(12), month: start.rem_euclid(12) as u8 + 1, day: 1 })
        }
    }
}

/// Seconds since 1970 UTC at which the `count` units began that an instant lies in.
pub(super) fn floor_seconds(clock: Clock, value: i64, unit: IntervalUnit, count: i64) -> i64 {
    let seconds = clock.seconds(value);
    match unit {
        IntervalUnit::Second => seconds - seconds.rem_euclid(count),
        IntervalUnit::Minute => seconds - seconds.rem_euclid(count.saturating_mul(60)),
        IntervalUnit::Hour if count == 1 => floor_to(clock, value, 3600),
        IntervalUnit::Hour => {
            let local = clock.local(value);
            let second = local.second - local.second.rem_euclid(count.saturating_mul(3600));
            clock.zone.to_utc(local.days * DAY + second)
        }
        _ => {
            let days = clock.local(value).days;
            clock.zone.to_utc((days - days.rem_euclid(count)) * DAY)
        }
    }
}

/// Fractions of a second: only DateTime64 has them.
fn floor_ticks(request: &Request<'_>, unit: IntervalUnit, count: i64) -> Result<Resolved> {
    let DataType::DateTime64 { precision, zone } = request.ty(0) else {
        return Err(request.wrong_type(0, "DateTime64, for units shorter than a second"));
    };
    let digits: u8 = match unit {
        IntervalUnit::Millisecond => 3,
        IntervalUnit::Microsecond => 6,
        _ => 9,
    };
    let result = DataType::DateTime64 { precision: digits, zone: zone.clone() };
    let (own, to) = (*precision, result.clone());
    Ok(Resolved::new(result, move |args, call| {
        let times = Longs::of(&args[0])?;
        Ok(column(
            &to,
            (0..call.rows).map(|row| {
                let ticks = times.get(row);
                let ticks = if own <= digits {
                    ticks.wrapping_mul(10i64.pow((digits - own).into()))
                } else {
                    ticks.div_euclid(10i64.pow((own - digits).into()))
                };
                ticks - ticks.rem_euclid(count)
            }),
        ))
    }))
}

/// The last `origin + k * count` units that is not after the time; the type is the time's.
fn from_origin(request: &Request<'_>, clock: Clock, unit: IntervalUnit, count: i64) -> Result<Resolved> {
    let origin_clock = clock_of(request, 2)?;
    if origin_clock.shape != clock.shape {
        return Err(request.wrong_type(2, format!("{}, the type of the time", request.ty(0))));
    }
    let to = request.ty(0).clone();
    Ok(Resolved::new(to.clone(), move |args, call| {
        let (times, origins) = (Longs::of(&args[0])?, Longs::of(&args[2])?);
        let mut starts = Vec::with_capacity(call.rows);
        for row in 0..call.rows {
            let (time, origin) = (times.get(row), origins.get(row));
            if [&args[0], &args[2]].iter().any(|arg| arg.array().is_null(arg.index(row))) {
                starts.push(0); // the frame puts the NULL there
                continue;
            }
            if origin > time {
                let reason = "the origin is after the time".to_owned();
                return Err(Error::BadArgument { function: "toStartOfInterval".to_owned(), reason });
            }
            starts.push(last_step(clock, origin, time, unit, count));
        }
        Ok(column(&to, starts.into_iter()))
    }))
}

/// Steps are at most a year long, so that a guess from the average length is off by little.
fn last_step(clock: Clock, origin: i64, time: i64, unit: IntervalUnit, count: i64) -> i64 {
    let ticks_of_day = if clock.shape == Shape::Days { 1 } else { DAY * clock.scale() };
    let step = |k: i64| add(clock, origin, unit, k.wrapping_mul(count), clock);
    let length = match unit {
        IntervalUnit::Month => 31 * ticks_of_day,
        IntervalUnit::Quarter => 92 * ticks_of_day,
        IntervalUnit::Year => 366 * ticks_of_day,
        IntervalUnit::Week => 7 * ticks_of_day,
        IntervalUnit::Day => ticks_of_day,
        short => (step(1) - origin).max(1) / if matches!(short, IntervalUnit::Hour) { 1 } else { count.max(1) },
    };
    let mut k = (time - origin) / length.max(1).saturating_mul(count.max(1)).max(1);
    while step(k) > time && k > 0 {
        k -= 1;
    }
    while step(k + 1) <= time {
        k += 1;
    }
    step(k)
}

/// `date_trunc('unit', time[, zone])`.
fn date_trunc(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=3)?;
    let name = request.constant_text(0)?;
    let unit = unit_of(&name).ok_or_else(|| request.bad(format!("there is no unit \"{name}\"")))?;
    // the kernel finds the time at the first place
    let args: Vec<_> = request.args.iter().skip(1).cloned().collect();
    let inner = Request { name: request.name, args: &args, context: request.context };
    let mut clock = clock_of(&inner, 0)?;
    if args.len() > 1 {
        clock.zone = inner.constant_zone(1)?;
    }
    let date_time = date_time_of(&inner, 1)?;
    let resolved = floor_resolved(&inner, clock, unit, 1, date_time)?;
    let (resolved, extended) = match (inner.ty(0), &resolved.result) {
        (DataType::DateTime64 { .. } | DataType::Date32, DataType::DateTime(zone)) => {
            let to = DataType::DateTime64 { precision: 0, zone: zone.clone() };
            (resolved, Some(to))
        }
        (DataType::DateTime64 { .. } | DataType::Date32, DataType::Date) => (resolved, Some(DataType::Date32)),
        _ => (resolved, None),
    };
    let kernel = resolved.kernel;
    let result = extended.clone().unwrap_or(resolved.result);
    Ok(Resolved::new(result, move |args, call| {
        let array = kernel.run(&args[1..], call)?;
        match &extended {
            Some(to) => Ok(arrow::compute::cast(&array, &to.arrow_type())?),
            None => Ok(array),
        }
    }))
}
