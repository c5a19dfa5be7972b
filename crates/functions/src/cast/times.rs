//! Dates and times from numbers and from each other.
//!
//! Numbers that fit a Date are days, larger ones seconds since 1970; numbers out of range are cut to the range, dates
//! and times out of range wrap, both as ClickHouse's `date_time_overflow_behavior = ignore`.

use arrow::array::{ArrayRef, ArrowPrimitiveType, AsArray};
use arrow::compute::cast as arrow_cast;
use arrow::datatypes::{DataType as ArrowType, Float64Type, Int32Type, Int64Type, UInt16Type, UInt32Type};
use types::text::Zone;
use types::{DataType, ErrorCode};

use super::Rules;
use super::decimals::{power_of_ten, rescale, scale_of};
use super::rows::{Failure, Outcome, primitive};
use crate::error::{Error, Result};
use crate::wide;

/// The last day of Date32 that a number is taken for: larger ones are seconds.
const DATE32_DAYS_MAX: i64 = 120_529;
/// 9999-12-31 23:59:59 UTC.
const SECONDS_MAX: i64 = 253_402_300_799;
/// 0000-01-01 00:00:00 UTC.
const SECONDS_MIN: i64 = -62_167_219_200;
const DAY: i64 = 86_400;

const TICKS_OVERFLOW: Failure = Failure::new(ErrorCode::DECIMAL_OVERFLOW, "the time does not fit in 64 bits");

/// What a source row is in time.
#[derive(Clone, Copy)]
enum Moment {
    /// Days since 1970-01-01.
    Day(i64),
    /// Ticks of the precision since 1970 UTC.
    Ticks(i64, u8),
    /// A number that is no time yet: whole part and the fraction's ticks.
    Number(i64, f64),
}

/// Dates, times and numbers to a date or time type.
pub(super) fn to_time(array: &ArrayRef, from: &DataType, to: &DataType, rules: &Rules) -> Result<ArrayRef> {
    let moments = moments(array, from, to)?;
    let source_zone = zone_of(from, rules);
    // a day begins in the target's zone; an instant falls on a day of its own zone
    let target_zone = zone_of(to, rules);
    let text = |row: usize| show(&moments, row);
    let accurate = rules.is_accurate();
    match to {
        DataType::Date => rows::<UInt16Type>(&moments, to, rules, text, |moment| {
            day_of(moment, source_zone, accurate).map(|day| day as u16)
        }),
        DataType::Date32 => {
            rows::<Int32Type>(&moments, to, rules, text, |moment| Ok(day32_of(moment, source_zone) as i32))
        }
        DataType::DateTime(_) => rows::<UInt32Type>(&moments, to, rules, text, |moment| {
            seconds_of(moment, target_zone, accurate).map(|seconds| seconds as u32)
        }),
        DataType::DateTime64 { precision, .. } => rows::<Int64Type>(&moments, to, rules, text, |moment| {
            ticks_of(moment, *precision, target_zone).ok_or(TICKS_OVERFLOW)
        }),
        _ => Err(Error::CannotConvert { what: from.to_string(), to: to.to_string() }),
    }
}

fn rows<T: ArrowPrimitiveType>(
    moments: &[Option<Moment>],
    to: &DataType,
    rules: &Rules,
    text: impl Fn(usize) -> String,
    convert: impl Fn(Moment) -> std::result::Result<T::Native, Failure>,
) -> Result<ArrayRef> {
    primitive::<T>(moments.len(), to, rules, |row| -> Outcome<T::Native> { moments[row].map(&convert) }, text)
}

fn show(moments: &[Option<Moment>], row: usize) -> String {
    match moments[row] {
        Some(Moment::Day(number) | Moment::Number(number, _) | Moment::Ticks(number, _)) => number.to_string(),
        None => "NULL".to_owned(),
    }
}

/// The zone of a type, or the session's.
pub(crate) fn zone_of(ty: &DataType, rules: &Rules) -> Zone {
    match ty {
        DataType::DateTime(zone) | DataType::DateTime64 { zone, .. } => Zone::of(zone, rules.zone),
        _ => rules.zone,
    }
}

fn moments(array: &ArrayRef, from: &DataType, to: &DataType) -> Result<Vec<Option<Moment>>> {
    let longs = |array: &ArrayRef| -> Result<ArrayRef> { Ok(arrow_cast(array, &ArrowType::Int64)?) };
    let map = |array: ArrayRef, moment: &dyn Fn(i64) -> Moment| {
        array.as_primitive::<Int64Type>().iter().map(|v| v.map(moment)).collect::<Vec<_>>()
    };
    Ok(match from {
        DataType::Date | DataType::Date32 => map(longs(array)?, &Moment::Day),
        DataType::DateTime(_) => map(longs(array)?, &|seconds| Moment::Ticks(seconds, 0)),
        DataType::DateTime64 { precision, .. } => map(array.clone(), &|ticks| Moment::Ticks(ticks, *precision)),
        DataType::Float32 | DataType::Float64 => {
            let floats = arrow_cast(array, &ArrowType::Float64)?;
            floats.as_primitive::<Float64Type>().iter().map(|v| v.map(float_moment)).collect()
        }
        number if number.is_integer() || number.is_decimal() || *number == DataType::Bool => {
            let scale = scale_of(number);
            wide::integers(array, number)?.into_iter().map(|raw| raw.map(|raw| number_moment(raw, scale))).collect()
        }
        _ => return Err(Error::CannotConvert { what: from.to_string(), to: to.to_string() }),
    })
}

fn float_moment(value: f64) -> Moment {
    Moment::Number(value.floor() as i64, value - value.floor())
}

fn number_moment(raw: arrow::datatypes::i256, scale: u8) -> Moment {
    let whole = rescale(raw, scale, 0).unwrap_or_default();
    let seconds = whole.to_i128().unwrap_or(i128::MAX).clamp(i64::MIN.into(), i64::MAX.into()) as i64;
    let fraction = power_of_ten(scale)
        .map_or(0.0, |power| wide::to_f64(raw.wrapping_rem(power), false) / wide::to_f64(power, false));
    Moment::Number(seconds, fraction)
}

fn local_day(ticks: i64, precision: u8, zone: Zone) -> i64 {
    let seconds = ticks.div_euclid(10i64.pow(precision.min(18).into()));
    (seconds + zone.offset_at(seconds)).div_euclid(DAY)
}

const OUT_OF_RANGE: Failure = super::numbers::OUT_OF_RANGE;

fn day_of(moment: Moment, zone: Zone, accurate: bool) -> std::result::Result<i64, Failure> {
    Ok(match moment {
        Moment::Day(day) => day,
        Moment::Ticks(ticks, precision) => local_day(ticks, precision, zone),
        Moment::Number(number, _) if number < 0 => {
            if accurate {
                return Err(OUT_OF_RANGE);
            }
            0
        }
        Moment::Number(number, _) if number <= u16::MAX.into() => number,
        Moment::Number(number, _) => local_day(number.min(u32::MAX.into()), 0, zone),
    })
}

fn day32_of(moment: Moment, zone: Zone) -> i64 {
    match moment {
        Moment::Day(day) => day,
        Moment::Ticks(ticks, precision) => local_day(ticks, precision, zone),
        Moment::Number(number, _) if number <= DATE32_DAYS_MAX => number.max(-719_528),
        Moment::Number(number, _) => local_day(number.min(SECONDS_MAX), 0, zone),
    }
}

fn seconds_of(moment: Moment, zone: Zone, accurate: bool) -> std::result::Result<i64, Failure> {
    Ok(match moment {
        Moment::Day(day) => zone.to_utc(day * DAY),
        Moment::Ticks(ticks, precision) => ticks.div_euclid(10i64.pow(precision.min(18).into())),
        Moment::Number(number, _) => {
            let clamped = number.clamp(0, u32::MAX.into());
            if accurate && clamped != number {
                return Err(OUT_OF_RANGE);
            }
            clamped
        }
    })
}

fn ticks_of(moment: Moment, precision: u8, zone: Zone) -> Option<i64> {
    let scale = 10i64.checked_pow(precision.into())?;
    match moment {
        Moment::Day(day) => zone.to_utc(day * DAY).checked_mul(scale),
        Moment::Ticks(ticks, own) if own <= precision => {
            ticks.checked_mul(10i64.checked_pow((precision - own).into())?)
        }
        Moment::Ticks(ticks, own) => Some(ticks.div_euclid(10i64.pow((own - precision).into()))),
        Moment::Number(number, fraction) => {
            if number > SECONDS_MAX {
                return SECONDS_MAX.checked_mul(scale)?.checked_add(scale - 1);
            }
            number.max(SECONDS_MIN).checked_mul(scale)?.checked_add((fraction * scale as f64) as i64)
        }
    }
}
