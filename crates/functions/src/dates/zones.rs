//! Time zones of values, and the query's own time: `toTimeZone`, `timeZoneOf`, `now`, `today`.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, Int64Array, UInt16Array, UInt32Array};
use types::DataType;

use super::clock::{Clock, DAY, clock_of};
use super::parts::numbers;
use crate::conversions::{digits_argument, zone_argument};
use crate::error::Result;
use crate::frame::{Definition, Resolved, repeat};
use crate::request::Request;

const TO_ZONE: Definition = Definition::new("toTimeZone", to_time_zone).masks_nulls();
const ZONE_OF: Definition = Definition::new("timeZoneOf", zone_of_type).sees_nulls();
const OFFSET: Definition = Definition::new("timeZoneOffset", offset).masks_nulls();
const ZONE: Definition = Definition::new("timeZone", session_zone).any_case();
const NOW: Definition = Definition::new("now", now).stable().any_case();
const TODAY: Definition = Definition::new("today", today).stable().any_case();

pub(crate) const ZONES: &[Definition] = &[
    TO_ZONE,
    TO_ZONE.alias("toTimezone"),
    ZONE_OF,
    ZONE_OF.alias("timezoneOf"),
    OFFSET,
    OFFSET.alias("timezoneOffset"),
    ZONE,
    ZONE.alias("timezone").any_case(),
    ZONE.alias("serverTimeZone"),
    ZONE.alias("serverTimezone"),
    NOW,
    NOW.alias("current_timestamp").any_case(),
    NOW.alias("localtimestamp").any_case(),
    Definition::new("nowInBlock", now).volatile(),
    Definition::new("now64", now).stable().any_case(),
    Definition::new("UTCTimestamp", now).stable().any_case(),
    Definition::new("UTCTimestamp", now).stable().alias("UTC_timestamp").any_case(),
    TODAY,
    TODAY.alias("curdate").any_case(),
    TODAY.alias("current_date").any_case(),
    Definition::new("yesterday", today).stable(),
];

/// The same instant, shown in another zone.
fn to_time_zone(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let zone = zone_argument(request, 1)?;
    let result = match request.ty(0) {
        DataType::DateTime(_) => DataType::DateTime(zone),
        DataType::DateTime64 { precision, .. } => DataType::DateTime64 { precision: *precision, zone },
        _ => return Err(request.wrong_type(0, "DateTime or DateTime64")),
    };
    Ok(Resolved::new(result, |args, call| args[0].expand(call.rows)))
}

fn text(value: &'static str) -> Resolved {
    Resolved::new(DataType::String, move |_, call| {
        let array: ArrayRef = Arc::new(BinaryArray::from_vec(vec![value.as_bytes()]));
        repeat(&array, call.rows)
    })
}

fn zone_of_type(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    match Clock::of(request.ty(0).base(), request.context.zone) {
        Some(clock) if !matches!(request.ty(0).base(), DataType::Date | DataType::Date32) => {
            Ok(text(clock.zone.name()))
        }
        _ => Err(request.wrong_type(0, "DateTime or DateTime64")),
    }
}

/// Seconds east of UTC at an instant, in its zone.
fn offset(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let clock = clock_of(request, 0)?;
    Ok(numbers(DataType::Int32, move |times, row| clock.zone.offset_at(clock.seconds(times.get(row)))))
}

fn session_zone(request: &Request<'_>) -> Result<Resolved> {
    request.arity(0..=0)?;
    Ok(text(request.context.zone.name()))
}

/// `now([zone])`, `now64([precision[, zone]])`: when the query started.
fn now(request: &Request<'_>) -> Result<Resolved> {
    if request.name == "now64" {
        request.arity(0..=2)?;
        let precision = if request.args.is_empty() { 3 } else { digits_argument(request, 0, 9)? };
        let result = DataType::DateTime64 { precision, zone: zone_argument(request, 1)? };
        let divisor = 10i64.pow(9 - u32::from(precision));
        return Ok(Resolved::new(result, move |_, call| {
            Ok(Arc::new(Int64Array::from(vec![call.time.now_ns.div_euclid(divisor); call.rows])))
        }));
    }
    let utc = request.name == "UTCTimestamp";
    request.arity(0..=usize::from(!utc))?;
    let zone = if utc { Some("UTC".into()) } else { zone_argument(request, 0)? };
    Ok(Resolved::new(DataType::DateTime(zone), |_, call| {
        Ok(Arc::new(UInt32Array::from(vec![call.time.now_seconds() as u32; call.rows])))
    }))
}

/// The session's day at the query's start, and the day before.
fn today(request: &Request<'_>) -> Result<Resolved> {
    request.arity(0..=0)?;
    let zone = request.context.zone;
    let back = i64::from(request.name == "yesterday");
    Ok(Resolved::new(DataType::Date, move |_, call| {
        let seconds = call.time.now_seconds();
        let day = (seconds + zone.offset_at(seconds)).div_euclid(DAY) - back;
        Ok(Arc::new(UInt16Array::from(vec![day as u16; call.rows])))
    }))
}
