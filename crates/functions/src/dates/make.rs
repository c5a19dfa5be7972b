//! Times made of numbers (`makeDate`, `fromUnixTimestamp`) and numbers made of times (`toUnixTimestamp64Milli`).

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array};
use arrow::datatypes::{DataType as ArrowType, Float64Type};
use types::DataType;
use types::text::Zone;
use types::text::time::{Civil, days_in_month, days_of};

use super::add::amounts;
use super::clock::{Clock, DAY, Local, Longs, Shape, clock_of, column};
use super::format::Dialect;
use super::week::new_year;
use crate::conversions::{digits_argument, zone_argument};
use crate::error::Result;
use crate::frame::{Definition, Operand, Resolved};
use crate::request::Request;

const FROM_UNIX: Definition = Definition::new("fromUnixTimestamp", from_unix_timestamp);

pub(crate) const MAKERS: &[Definition] = &[
    Definition::new("makeDate", make_date).any_case(),
    Definition::new("makeDate32", make_date).any_case(),
    Definition::new("makeDateTime", make_date_time).any_case(),
    Definition::new("makeDateTime64", make_date_time).any_case(),
    Definition::new("YYYYMMDDToDate", from_digits).any_case(),
    Definition::new("YYYYMMDDToDate32", from_digits).any_case(),
    Definition::new("YYYYMMDDhhmmssToDateTime", from_digits).any_case(),
    Definition::new("YYYYMMDDhhmmssToDateTime64", from_digits),
    FROM_UNIX,
    FROM_UNIX.alias("FROM_UNIXTIME").any_case(),
    Definition::new("fromUnixTimestampInJodaSyntax", from_unix_timestamp),
    Definition::new("fromUnixTimestamp64Second", from_unix_64),
    Definition::new("fromUnixTimestamp64Milli", from_unix_64),
    Definition::new("fromUnixTimestamp64Micro", from_unix_64),
    Definition::new("fromUnixTimestamp64Nano", from_unix_64),
    Definition::new("toUnixTimestamp64Second", to_unix_64),
    Definition::new("toUnixTimestamp64Milli", to_unix_64),
    Definition::new("toUnixTimestamp64Micro", to_unix_64),
    Definition::new("toUnixTimestamp64Nano", to_unix_64),
    Definition::new("fromDaysSinceYearZero", from_days),
    Definition::new("fromDaysSinceYearZero", from_days).alias("FROM_DAYS").any_case(),
    Definition::new("fromDaysSinceYearZero32", from_days),
];

/// The whole numbers of each argument.
fn longs_of(args: &[Operand], types: &[DataType]) -> Result<Vec<Longs>> {
    args.iter().zip(types).map(|(arg, ty)| amounts(arg, ty)).collect()
}

/// The types of arguments that must be numbers.
fn number_types(request: &Request<'_>, count: usize) -> Result<Vec<DataType>> {
    (0..count.min(request.args.len()))
        .map(|i| {
            let ty = request.ty(i);
            if ty.is_number() { Ok(ty.clone()) } else { Err(request.wrong_type(i, "a number")) }
        })
        .collect()
}

/// Days of a calendar day as ClickHouse makes it: a day past its month's end counts on; what no calendar has is 0.
fn civil_days(year: i64, month: i64, day: i64) -> i64 {
    if !(0..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return 0;
    }
    days_of(Civil { year, month: month as u8, day: day as u8 })
}

/// `makeDate(year, month, day)`, `makeDate(year, day of year)`.
fn make_date(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=3)?;
    let types = number_types(request, 3)?;
    let result = if request.name == "makeDate" { DataType::Date } else { DataType::Date32 };
    let to = result.clone();
    Ok(Resolved::new(result, move |args, call| {
        let parts = longs_of(args, &types)?;
        let days = (0..call.rows).map(|row| {
            let days = match parts.as_slice() {
                [year, month, day] => civil_days(year.get(row), month.get(row), day.get(row)),
                [year, day] => {
                    let (year, day) = (year.get(row), day.get(row));
                    let length = 337 + i64::from(days_in_month(year, 2));
                    if (1..=length).contains(&day) { new_year(year) + day - 1 } else { 0 }
                }
                _ => 0,
            };
            if to == DataType::Date { days.clamp(0, u16::MAX.into()) } else { days }
        });
        Ok(column(&to, days))
    }))
}

/// `makeDateTime(y, m, d, h, m, s[, zone])`, `makeDateTime64(y, m, d, h, m, s[, fraction[, precision[, zone]]])`.
fn make_date_time(request: &Request<'_>) -> Result<Resolved> {
    let is_64 = request.name == "makeDateTime64";
    request.arity(6..=if is_64 { 9 } else { 7 })?;
    let types = number_types(request, if is_64 { 7 } else { 6 })?;
    let zone_at = if is_64 { 8 } else { 6 };
    let zone = if request.args.len() > zone_at { zone_argument(request, zone_at)? } else { None };
    let (precision, result) = if is_64 {
        let precision = if request.args.len() > 7 { digits_argument(request, 7, 9)? } else { 3 };
        (precision, DataType::DateTime64 { precision, zone })
    } else {
        (0, DataType::DateTime(zone))
    };
    let clock = Clock::of(&result, request.context.zone).unwrap_or(Clock { shape: Shape::Ticks(0), zone: Zone::Utc });
    let to = result.clone();
    Ok(Resolved::new(result, move |args, call| {
        let parts = longs_of(args, &types)?;
        let part = |i: usize, row: usize| parts.get(i).map_or(0, |part| part.get(row));
        Ok(column(
            &to,
            (0..call.rows).map(|row| {
                let second = part(3, row) * 3600 + part(4, row) * 60 + part(5, row);
                let days = civil_days(part(0, row), part(1, row), part(2, row));
                let ticks = part(6, row).clamp(0, 10i64.pow(precision.into()) - 1);
                let value =
                    clock.value(Local { days: days + second.div_euclid(DAY), second: second.rem_euclid(DAY), ticks });
                if is_64 { value } else { value.clamp(0, u32::MAX.into()) }
            }),
        ))
    }))
}

/// `YYYYMMDDToDate(20250305)`, `YYYYMMDDhhmmssToDateTime(20250305010203[, zone])`, `…64(number[, precision[, zone]])`.
fn from_digits(request: &Request<'_>) -> Result<Resolved> {
    let with_time = request.name.starts_with("YYYYMMDDhhmmss");
    let is_64 = request.name.ends_with("64");
    request.arity(1..=if is_64 { 3 } else { 1 + usize::from(with_time) })?;
    let types = number_types(request, 1)?;
    let result = match (with_time, is_64) {
        (true, true) => {
            let precision = if request.args.len() > 1 { digits_argument(request, 1, 9)? } else { 3 };
            DataType::DateTime64 {
                precision,
                zone: if request.args.len() > 2 { zone_argument(request, 2)? } else { None },
            }
        }
        (true, false) => DataType::DateTime(zone_argument(request, 1)?),
        (false, _) if request.name.ends_with("32") => DataType::Date32,
        (false, _) => DataType::Date,
    };
    let clock = Clock::of(&result, request.context.zone).unwrap_or(Clock { shape: Shape::Days, zone: Zone::Utc });
    let (from, to) = (types[0].clone(), result.clone());
    Ok(Resolved::new(result, move |args, call| {
        let whole = amounts(&args[0], &from)?;
        let fractions = fractions(&args[0], &from)?;
        Ok(column(
            &to,
            (0..call.rows).map(|row| {
                let number = whole.get(row);
                let (date, time) = if with_time { (number / 1_000_000, number % 1_000_000) } else { (number, 0) };
                let days = civil_days(date / 10_000, date / 100 % 100, date % 100);
                let second = time / 10_000 * 3600 + time / 100 % 100 * 60 + time % 100;
                let ticks =
                    (fractions.as_ref().map_or(0.0, |f| f.value(args[0].index(row))) * clock.scale() as f64) as i64;
                clock.value(Local { days, second, ticks: if is_64 { ticks } else { 0 } })
            }),
        ))
    }))
}

/// The fractions of a column of floats; `None` for integers.
fn fractions(operand: &Operand, ty: &DataType) -> Result<Option<Float64Array>> {
    if !ty.is_float() {
        return Ok(None);
    }
    let floats = arrow::compute::cast(operand.array(), &ArrowType::Float64)?;
    Ok(Some(floats.as_primitive::<Float64Type>().unary(f64::fract)))
}

/// `fromUnixTimestamp(seconds)`, or with a format the text of it.
fn from_unix_timestamp(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=3)?;
    if !request.ty(0).is_integer() && !request.ty(0).is_date_or_time() {
        return Err(request.wrong_type(0, "an integer"));
    }
    let zone = zone_argument(request, 2)?;
    let from = request.ty(0).clone();
    let time = DataType::DateTime(zone);
    let to = time.clone();
    let seconds = move |operand: &Operand, rows: usize| -> Result<ArrayRef> {
        let numbers = if from.is_integer() { amounts(operand, &from)? } else { Longs::of(operand)? };
        Ok(column(&to, (0..rows).map(|row| numbers.get(row).clamp(0, u32::MAX.into()))))
    };
    if request.args.len() == 1 {
        return Ok(Resolved::new(time, move |args, call| seconds(&args[0], call.rows)));
    }
    let dialect = if request.name.ends_with("JodaSyntax") { Dialect::Joda } else { Dialect::MySql };
    let format = super::format::time_format(request, &time, 1, dialect)?;
    Ok(Resolved::new(DataType::String, move |args, call| {
        let times = Operand::Full(seconds(&args[0], call.rows)?);
        format.run(&[times, args[1].clone()], call)
    }))
}

fn digits_of(name: &str) -> u8 {
    match name {
        name if name.ends_with("Milli") => 3,
        name if name.ends_with("Micro") => 6,
        name if name.ends_with("Nano") => 9,
        _ => 0,
    }
}

fn from_unix_64(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=2)?;
    if !request.ty(0).is_integer() {
        return Err(request.wrong_type(0, "an integer"));
    }
    let result = DataType::DateTime64 { precision: digits_of(request.name), zone: zone_argument(request, 1)? };
    let (from, to) = (request.ty(0).clone(), result.clone());
    Ok(Resolved::new(result, move |args, call| {
        let ticks = amounts(&args[0], &from)?;
        Ok(column(&to, (0..call.rows).map(|row| ticks.get(row))))
    }))
}

fn to_unix_64(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let DataType::DateTime64 { precision, .. } = *request.ty(0) else {
        return Err(request.wrong_type(0, "DateTime64"));
    };
    let digits = digits_of(request.name);
    let (up, down) =
        (10i64.pow(digits.saturating_sub(precision).into()), 10i64.pow(precision.saturating_sub(digits).into()));
    Ok(Resolved::new(DataType::Int64, move |args, call| {
        let ticks = Longs::of(&args[0])?;
        let values = (0..call.rows).map(|row| ticks.get(row).wrapping_mul(up).div_euclid(down));
        Ok(Arc::new(Int64Array::from(values.collect::<Vec<_>>())))
    }))
}

fn from_days(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let types = number_types(request, 1)?;
    let result = if request.name.ends_with("32") { DataType::Date32 } else { DataType::Date };
    let to = result.clone();
    Ok(Resolved::new(result, move |args, call| {
        let days = amounts(&args[0], &types[0])?;
        Ok(column(&to, (0..call.rows).map(|row| days.get(row) - 719_528)))
    }))
}

/// `changeYear(time, n)` … `changeSecond(time, n)`: one part of a time replaced.
pub(crate) const CHANGES: &[Definition] = &[
    Definition::new("changeYear", change),
    Definition::new("changeMonth", change),
    Definition::new("changeDay", change),
    Definition::new("changeHour", change),
    Definition::new("changeMinute", change),
    Definition::new("changeSecond", change),
];

fn change(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let clock = clock_of(request, 0)?;
    let name = request.name.to_owned();
    let is_time = matches!(request.name, "changeHour" | "changeMinute" | "changeSecond");
    let result = match request.ty(0) {
        DataType::Date if is_time => DataType::DateTime(None),
        DataType::Date32 if is_time => DataType::DateTime64 { precision: 3, zone: None },
        other => other.clone(),
    };
    let target = Clock::of(&result, request.context.zone).unwrap_or(clock);
    let (number, to) = (request.ty(1).clone(), result.clone());
    Ok(Resolved::new(result, move |args, call| {
        let (times, numbers) = (Longs::of(&args[0])?, amounts(&args[1], &number)?);
        Ok(column(
            &to,
            (0..call.rows).map(|row| {
                let (local, n) = (clock.local(times.get(row)), numbers.get(row));
                let civil = local.civil();
                let (month, day) = (i64::from(civil.month), i64::from(civil.day));
                let (hour, minute, second) = (local.second / 3600, local.second / 60 % 60, local.second % 60);
                let (days, second) = match name.as_str() {
                    "changeYear" => (civil_days(n, month, day), local.second),
                    "changeMonth" => (civil_days(civil.year, n, day), local.second),
                    "changeDay" => (civil_days(civil.year, month, n), local.second),
                    "changeHour" => (local.days, n.clamp(0, 23) * 3600 + minute * 60 + second),
                    "changeMinute" => (local.days, hour * 3600 + n.clamp(0, 59) * 60 + second),
                    _ => (local.days, hour * 3600 + minute * 60 + n.clamp(0, 59)),
                };
                target.value(Local { days, second, ..local })
            }),
        ))
    }))
}
