//! Differences: `dateDiff` counts unit boundaries crossed, `age` full units.

use std::sync::Arc;

use arrow::array::Int64Array;
use types::{DataType, IntervalUnit};

use super::clock::{Clock, DAY, Longs, clock_of};
use super::parts::{month_number, quarter, week_number};
use crate::error::Result;
use crate::frame::{Definition, Resolved};
use crate::request::Request;

const DIFF: Definition = Definition::new("dateDiff", difference).masks_nulls();

pub(crate) const DIFFERENCES: &[Definition] = &[
    DIFF,
    DIFF.alias("date_diff"),
    DIFF.alias("DATE_DIFF"),
    DIFF.alias("timestampDiff"),
    DIFF.alias("timestamp_diff"),
    DIFF.alias("TIMESTAMP_DIFF"),
    DIFF.alias("TIMESTAMPDIFF"),
    Definition::new("timeDiff", time_difference).masks_nulls(),
    Definition::new("age", difference).masks_nulls().any_case(),
];

/// The unit of a name or one of its short forms.
pub(crate) fn unit_of(name: &str) -> Option<IntervalUnit> {
    Some(match name.to_ascii_lowercase().as_str() {
        "year" | "years" | "yyyy" | "yy" => IntervalUnit::Year,
        "quarter" | "quarters" | "qq" | "q" => IntervalUnit::Quarter,
        "month" | "months" | "mm" | "m" => IntervalUnit::Month,
        "week" | "weeks" | "ww" | "wk" => IntervalUnit::Week,
        "day" | "days" | "dd" | "d" => IntervalUnit::Day,
        "hour" | "hours" | "hh" | "h" => IntervalUnit::Hour,
        "minute" | "minutes" | "mi" | "n" => IntervalUnit::Minute,
        "second" | "seconds" | "ss" | "s" => IntervalUnit::Second,
        "millisecond" | "milliseconds" | "ms" => IntervalUnit::Millisecond,
        "microsecond" | "microseconds" | "us" => IntervalUnit::Microsecond,
        "nanosecond" | "nanoseconds" | "ns" => IntervalUnit::Nanosecond,
        _ => return None,
    })
}

/// `dateDiff('unit', from, to[, zone])`.
fn difference(request: &Request<'_>) -> Result<Resolved> {
    request.arity(3..=4)?;
    let name = request.constant_text(0)?;
    let unit = unit_of(&name).ok_or_else(|| request.bad(format!("there is no unit \"{name}\"")))?;
    let (mut from, mut to) = (clock_of(request, 1)?, clock_of(request, 2)?);
    if request.args.len() == 4 {
        let zone = request.constant_zone(3)?;
        (from.zone, to.zone) = (zone, zone);
    }
    let full = request.name == "age";
    Ok(Resolved::new(DataType::Int64, move |args, call| {
        let (starts, ends) = (Longs::of(&args[1])?, Longs::of(&args[2])?);
        let values = (0..call.rows).map(|row| {
            let (start, end) = (starts.get(row), ends.get(row));
            if full { full_units(unit, (from, start), (to, end)) } else { boundaries(unit, (from, start), (to, end)) }
        });
        Ok(Arc::new(Int64Array::from(values.collect::<Vec<_>>())))
    }))
}

/// `timeDiff(from, to)`: seconds.
fn time_difference(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let (from, to) = (clock_of(request, 0)?, clock_of(request, 1)?);
    Ok(Resolved::new(DataType::Int64, move |args, call| {
        let (starts, ends) = (Longs::of(&args[0])?, Longs::of(&args[1])?);
        let seconds = (0..call.rows).map(|row| to.seconds(ends.get(row)) - from.seconds(starts.get(row)));
        Ok(Arc::new(Int64Array::from(seconds.collect::<Vec<_>>())))
    }))
}

/// How many boundaries of the unit lie between two moments.
fn boundaries(unit: IntervalUnit, from: (Clock, i64), to: (Clock, i64)) -> i64 {
    let number = |(clock, value): (Clock, i64)| {
        let local = clock.local(value);
        match unit {
            IntervalUnit::Year => local.civil().year,
            IntervalUnit::Quarter => local.civil().year * 4 + quarter(local),
            IntervalUnit::Month => month_number(local),
            IntervalUnit::Week => week_number(local),
            IntervalUnit::Day => local.days,
            IntervalUnit::Hour => stable_hour_number(clock, clock.seconds(value)),
            IntervalUnit::Minute => clock.seconds(value).div_euclid(60),
            IntervalUnit::Second => clock.seconds(value),
            IntervalUnit::Millisecond => subsecond(clock, value, 1_000),
            IntervalUnit::Microsecond => subsecond(clock, value, 1_000_000),
            IntervalUnit::Nanosecond => subsecond(clock, value, 1_000_000_000),
        }
    };
    number(to).wrapping_sub(number(from))
}

/// Hours counted against the offset that the zone had in 1970: between two zones this is no difference of instants, but it
/// is what ClickHouse answers.
fn stable_hour_number(clock: Clock, seconds: i64) -> i64 {
    (seconds - clock.zone.offset_at(0)).div_euclid(3600)
}

/// Units of `per_second` since 1970 UTC.
fn subsecond(clock: Clock, value: i64, per_second: i64) -> i64 {
    let ticks = clock.local(value).ticks;
    let part = (i128::from(ticks) * i128::from(per_second) / i128::from(clock.scale())) as i64;
    clock.seconds(value).wrapping_mul(per_second).wrapping_add(part)
}

/// How many full units lie between two moments; negative when `to` is before `from`.
fn full_units(unit: IntervalUnit, from: (Clock, i64), to: (Clock, i64)) -> i64 {
    let nanos = |(clock, value): (Clock, i64)| {
        i128::from(clock.seconds(value)) * 1_000_000_000
            + i128::from(clock.local(value).ticks) * 1_000_000_000 / i128::from(clock.scale())
    };
    if nanos(to) < nanos(from) {
        return -full_units(unit, to, from);
    }
    let (a, b) = (from.0.local(from.1), to.0.local(to.1));
    // what is left of the time of day and of the second, at one scale
    let rest = |(clock, value): (Clock, i64)| {
        let local = clock.local(value);
        (local.second, i128::from(local.ticks) * 1_000_000_000 / i128::from(clock.scale()))
    };
    let months = || {
        let earlier = (b.civil().day, rest(to)) < (a.civil().day, rest(from));
        month_number(b) - month_number(a) - i64::from(earlier)
    };
    match unit {
        IntervalUnit::Year => months() / 12,
        IntervalUnit::Quarter => months() / 3,
        IntervalUnit::Month => months(),
        IntervalUnit::Week => (b.days - a.days - i64::from(rest(to) < rest(from))) / 7,
        IntervalUnit::Day => b.days - a.days - i64::from(rest(to) < rest(from)),
        short => {
            let length: i128 = match short {
                IntervalUnit::Nanosecond => 1,
                IntervalUnit::Microsecond => 1_000,
                other => i128::from(other.fixed_ms().unwrap_or(DAY * 1000)) * 1_000_000,
            };
            ((nanos(to) - nanos(from)) / length) as i64
        }
    }
}
