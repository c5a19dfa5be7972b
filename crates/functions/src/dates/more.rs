//! Wall clocks moved between zones, snowflake ids, Julian days, `timestamp`.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray};
use types::DataType;
use types::text::{Zone, write_date};

use super::add::amounts;
use super::clock::{Clock, Longs, Shape, clock_of, column};
use super::parts::numbers;
use crate::cast::{CastMode, Rules, cast};
use crate::columns::Texts;
use crate::conversions::zone_argument;
use crate::error::Result;
use crate::frame::{Definition, Operand, Resolved};
use crate::request::Request;

const TO_UTC: Definition = Definition::new("toUTCTimestamp", moved).masks_nulls();
const FROM_UTC: Definition = Definition::new("fromUTCTimestamp", moved).masks_nulls();

pub(crate) const MORE: &[Definition] = &[
    TO_UTC,
    TO_UTC.alias("to_utc_timestamp").any_case(),
    FROM_UTC,
    FROM_UTC.alias("from_utc_timestamp").any_case(),
    Definition::new("dateTimeToSnowflakeID", to_snowflake),
    Definition::new("dateTime64ToSnowflakeID", to_snowflake),
    Definition::new("snowflakeIDToDateTime", from_snowflake),
    Definition::new("snowflakeIDToDateTime64", from_snowflake),
    Definition::new("toModifiedJulianDay", to_julian),
    Definition::new("toModifiedJulianDayOrNull", to_julian),
    Definition::new("fromModifiedJulianDay", from_julian),
    Definition::new("timestamp", timestamp).any_case(),
];

/// 1858-11-17, the first Modified Julian Day, counted back from 1970-01-01.
const JULIAN: i64 = 40_587;

/// `toUTCTimestamp(time, zone)`: the wall clock was the zone's, the result's is UTC's; `fromUTCTimestamp` the other way.
fn moved(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let zone = request.constant_zone(1)?;
    let to_utc = request.name == "toUTCTimestamp";
    let result = match request.ty(0) {
        DataType::DateTime(None) => DataType::DateTime(None),
        DataType::DateTime64 { precision, zone: None } => DataType::DateTime64 { precision: *precision, zone: None },
        _ => return Err(request.wrong_type(0, "DateTime or DateTime64 without a zone of its own")),
    };
    let scale = Clock::of(&result, Zone::Utc).map_or(1, Clock::scale);
    let to = result.clone();
    Ok(Resolved::new(result, move |args, call| {
        let times = Longs::of(&args[0])?;
        Ok(column(
            &to,
            (0..call.rows).map(|row| {
                let value = times.get(row);
                let (seconds, ticks) = (value.div_euclid(scale), value.rem_euclid(scale));
                let seconds = if to_utc { zone.to_utc(seconds) } else { seconds + zone.offset_at(seconds) };
                seconds * scale + ticks
            }),
        ))
    }))
}

/// The first snowflake id of an instant: milliseconds since 1970, or since a constant epoch, above 22 bits.
fn to_snowflake(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=2)?;
    let epoch = request.optional_int(1)?.unwrap_or(0);
    let clock = clock_of(request, 0)?;
    Ok(numbers(DataType::UInt64, move |times, row| {
        let value = times.get(row);
        let millis = clock.seconds(value) * 1000 + clock.local(value).ticks * 1000 / clock.scale();
        millis.wrapping_sub(epoch) << 22
    }))
}

/// `snowflakeIDToDateTime[64](id[, epoch[, zone]])`.
fn from_snowflake(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=3)?;
    if !request.ty(0).is_integer() {
        return Err(request.wrong_type(0, "UInt64"));
    }
    let epoch = request.optional_int(1)?.unwrap_or(0);
    let zone = zone_argument(request, 2)?;
    let is_64 = request.name.ends_with("64");
    let result = if is_64 { DataType::DateTime64 { precision: 3, zone } } else { DataType::DateTime(zone) };
    let (from, to) = (request.ty(0).clone(), result.clone());
    Ok(Resolved::new(result, move |args, call| {
        let ids = amounts(&args[0], &from)?;
        Ok(column(
            &to,
            (0..call.rows).map(|row| {
                let millis = ((ids.get(row) as u64) >> 22) as i64 + epoch;
                if is_64 { millis } else { millis.div_euclid(1000) }
            }),
        ))
    }))
}

/// Modified Julian Days of a date or its text.
fn to_julian(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let or_null = request.name.ends_with("OrNull");
    let result = if or_null { DataType::nullable(DataType::Int32) } else { DataType::Int32 };
    if request.ty(0).is_string() {
        let mode = if or_null { CastMode::OrNull } else { CastMode::Cast };
        let (from, rules) = (request.ty(0).clone(), Rules::new(mode, request.context));
        return Ok(Resolved::new(result, move |args, call| {
            let days = cast(&args[0].expand(call.rows)?, &from, &DataType::nullable(DataType::Date32), &rules)?;
            let days = arrow::array::AsArray::as_primitive::<arrow::datatypes::Int32Type>(&days);
            Ok(Arc::new(days.unary::<_, arrow::datatypes::Int32Type>(|day| day.wrapping_add(JULIAN as i32))))
        }));
    }
    let clock = clock_of(request, 0)?;
    let resolved = numbers(DataType::Int32, move |times, row| clock.local(times.get(row)).days + JULIAN);
    Ok(Resolved { result, kernel: resolved.kernel })
}

fn from_julian(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    if !request.ty(0).is_integer() {
        return Err(request.wrong_type(0, "an integer"));
    }
    let from = request.ty(0).clone();
    Ok(Resolved::new(DataType::String, move |args, call| {
        let days = amounts(&args[0], &from)?;
        let mut texts = Texts::with_capacity(call.rows, call.rows * 10);
        for row in 0..call.rows {
            write_date(texts.bytes(), days.get(row).saturating_sub(JULIAN));
            texts.end()?;
        }
        Ok(texts.finish())
    }))
}

/// `timestamp(text[, time of day])`: a DateTime64(6).
fn timestamp(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=2)?;
    for i in 0..request.args.len() {
        if !request.ty(i).is_string() {
            return Err(request.wrong_type(i, "String"));
        }
    }
    let result = DataType::DateTime64 { precision: 6, zone: None };
    let (from, to) = (request.ty(0).clone(), result.clone());
    let rules = Rules::new(CastMode::Cast, request.context);
    Ok(Resolved::new(result, move |args, call| {
        let array = args[0].expand(call.rows)?;
        let Some(time) = args.get(1) else { return cast(&array, &from, &to, &rules) };
        // the time of day is added to the day: read as one of 1970
        let texts: ArrayRef = Arc::new(BinaryArray::from_iter_values((0..call.rows).map(|row| {
            let mut text = b"1970-01-01 ".to_vec();
            text.extend_from_slice(crate::conversions::bytes_of(time, row));
            text
        })));
        let utc = Rules { zone: Zone::Utc, ..rules };
        let times = cast(&texts, &DataType::String, &to, &utc)?;
        let starts = cast(&array, &from, &to, &rules)?;
        let (starts, times) = (Longs::of(&Operand::Full(starts))?, Longs::of(&Operand::Full(times))?);
        debug_assert!(Clock::of(&to, Zone::Utc).is_some_and(|clock| clock.shape == Shape::Ticks(6)));
        Ok(column(&to, (0..call.rows).map(|row| starts.get(row).wrapping_add(times.get(row)))))
    }))
}
