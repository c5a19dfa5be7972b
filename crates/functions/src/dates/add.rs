//! Units added to dates and times: `addMonths`, `date_add`'s functions, `time + INTERVAL`.
//!
//! Days and longer move the wall clock, shorter ones the instant; a month that has no such day ends earlier.

use arrow::array::ArrayRef;
use types::text::Zone;
use types::text::time::{Civil, days_in_month, days_of};
use types::{DataType, IntervalUnit};

use super::clock::{Clock, Local, Longs, Shape, column};
use crate::cast::{CastMode, Rules, cast, cast_keeping_nulls};
use crate::error::Result;
use crate::frame::{Definition, Operand, Resolved};
use crate::request::Request;

/// 0000-01-01 and 9999-12-31, the bounds of Date32.
const DATE32_MIN: i64 = -719_528;
const DATE32_MAX: i64 = 2_932_896;

macro_rules! units {
    ($($unit:literal),*) => {
        &[$(
            Definition::new(concat!("add", $unit), add_units).masks_nulls(),
            Definition::new(concat!("subtract", $unit), add_units).masks_nulls(),
        )*]
    };
}

pub(crate) const UNITS: &[Definition] = units!(
    "Nanoseconds",
    "Microseconds",
    "Milliseconds",
    "Seconds",
    "Minutes",
    "Hours",
    "Days",
    "Weeks",
    "Months",
    "Quarters",
    "Years"
);

/// `addDays(time, n)`; a text is taken for a DateTime64(3).
fn add_units(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let (stem, sign) = match request.name.strip_prefix("subtract") {
        Some(stem) => (stem, -1),
        None => (request.name.strip_prefix("add").unwrap_or(request.name), 1),
    };
    let unit = stem.strip_suffix('s').and_then(IntervalUnit::parse).unwrap_or(IntervalUnit::Second);
    if !request.ty(1).is_number() {
        return Err(request.wrong_type(1, "a number"));
    }
    let time = request.ty(0).clone();
    if time.is_string() {
        let parsed = DataType::DateTime64 { precision: 3, zone: None };
        let rules = Rules::new(CastMode::Cast, request.context);
        let added = addition(&parsed, request.ty(1), unit, sign, request.context.zone);
        return Ok(Resolved::new(added.result, move |args, call| {
            let array = cast_keeping_nulls(&args[0].expand(call.rows)?, &time, &parsed, &rules)?;
            added.kernel.run(&[Operand::Full(array), args[1].clone()], call)
        }));
    }
    if !time.is_date_or_time() {
        return Err(request.wrong_type(0, "Date, Date32, DateTime, DateTime64 or String"));
    }
    Ok(addition(&time, request.ty(1), unit, sign, request.context.zone))
}

/// The type of `time + INTERVAL n unit`.
pub(crate) fn result_type(time: &DataType, unit: IntervalUnit) -> DataType {
    let digits = match unit {
        IntervalUnit::Nanosecond => 9,
        IntervalUnit::Microsecond => 6,
        IntervalUnit::Millisecond => 3,
        _ => 0,
    };
    let is_time = matches!(unit, IntervalUnit::Second | IntervalUnit::Minute | IntervalUnit::Hour);
    match time {
        DataType::Date if digits > 0 => DataType::DateTime64 { precision: digits, zone: None },
        DataType::Date if is_time => DataType::DateTime(None),
        DataType::Date32 if digits > 0 || is_time => DataType::DateTime64 { precision: digits.max(3), zone: None },
        DataType::DateTime(zone) if digits > 0 => DataType::DateTime64 { precision: digits, zone: zone.clone() },
        DataType::DateTime64 { precision, zone } => {
            DataType::DateTime64 { precision: digits.max(*precision), zone: zone.clone() }
        }
        other => other.clone(),
    }
}

/// `time + sign * n units`, where n is a number of any type (its fraction is dropped).
pub(crate) fn addition(time: &DataType, number: &DataType, unit: IntervalUnit, sign: i64, session: Zone) -> Resolved {
    let result = result_type(time, unit);
    let from = Clock::of(time, session).unwrap_or(Clock { shape: Shape::Ticks(0), zone: session });
    let to = Clock::of(&result, session).unwrap_or(from);
    let (number, target) = (number.clone(), result.clone());
    Resolved::new(result, move |args, call| {
        let times = Longs::of(&args[0])?;
        let amounts = amounts(&args[1], &number)?;
        Ok(column(
            &target,
            (0..call.rows).map(|row| {
                bounded(&target, unit, add(from, times.get(row), unit, amounts.get(row).wrapping_mul(sign), to))
            }),
        ))
    })
}

/// A number of any type as whole numbers.
pub(crate) fn amounts(operand: &Operand, ty: &DataType) -> Result<Longs> {
    let rules = Rules { mode: CastMode::OrDefault, zone: Zone::Utc, times: crate::cast::TimeText::Basic };
    let integer = if ty.is_integer() || matches!(ty, DataType::Interval(_)) { ty.clone() } else { DataType::Int64 };
    let array: ArrayRef = if integer == *ty && !crate::wide::is_wide(ty) {
        operand.array().clone()
    } else {
        let plain = Rules { mode: CastMode::Cast, ..rules };
        cast(operand.array(), ty, &DataType::nullable(DataType::Int64), &plain)?
    };
    Longs::of(&if operand.is_constant() { Operand::Constant(array) } else { Operand::Full(array) })
}

/// `value` of clock `from` plus `amount` units, as a value of clock `to`.
pub(crate) fn add(from: Clock, value: i64, unit: IntervalUnit, amount: i64, to: Clock) -> i64 {
    match unit {
        IntervalUnit::Day => add_days(from, value, amount, to),
        IntervalUnit::Week => add_days(from, value, amount.wrapping_mul(7), to),
        IntervalUnit::Month => add_months(from, value, amount, to),
        IntervalUnit::Quarter => add_months(from, value, amount.wrapping_mul(3), to),
        IntervalUnit::Year => add_months(from, value, amount.wrapping_mul(12), to),
        short => {
            let nanos = nanos_of(short);
            let scale = to.scale();
            let ticks = match from.shape {
                Shape::Days => from.seconds(value).wrapping_mul(scale),
                Shape::Ticks(_) => value.wrapping_mul(scale / from.scale()),
            };
            // units of a second and longer are whole ticks; shorter ones have at least their own digits
            let step = i128::from(amount) * i128::from(nanos) * i128::from(scale) / 1_000_000_000;
            ticks.wrapping_add(step as i64)
        }
    }
}

/// Nanoseconds of a unit of at most an hour.
fn nanos_of(unit: IntervalUnit) -> i64 {
    match unit {
        IntervalUnit::Nanosecond => 1,
        IntervalUnit::Microsecond => 1_000,
        other => other.fixed_ms().unwrap_or(0) * 1_000_000,
    }
}

fn add_days(from: Clock, value: i64, days: i64, to: Clock) -> i64 {
    if from.shape == Shape::Days {
        return value.wrapping_add(days);
    }
    let local = from.local(value);
    to.value(Local { days: local.days.wrapping_add(days), ..local })
}

fn add_months(from: Clock, value: i64, months: i64, to: Clock) -> i64 {
    let local = from.local(value);
    to.value(Local { days: months_later(local.days, months), ..local })
}

/// Months before the first day of a type end there, as in ClickHouse; those after its last day wrap.
fn bounded(ty: &DataType, unit: IntervalUnit, value: i64) -> i64 {
    let months = matches!(unit, IntervalUnit::Month | IntervalUnit::Quarter | IntervalUnit::Year);
    match ty {
        DataType::Date | DataType::DateTime(_) if months => value.max(0),
        DataType::Date32 => value.clamp(DATE32_MIN, DATE32_MAX),
        _ => value,
    }
}

/// The same day of the month `months` later, or that month's last.
pub(crate) fn months_later(days: i64, months: i64) -> i64 {
    let civil = types::text::time::civil_of(days);
    // far beyond any type's range; kept from overflowing
    let months = months.clamp(-1_000_000, 1_000_000);
    let month = civil.year * 12 + i64::from(civil.month) - 1 + months;
    let (year, month) = (month.div_euclid(12), month.rem_euclid(12) as u8 + 1);
    days_of(Civil { year, month, day: civil.day.min(days_in_month(year, month)) })
}
