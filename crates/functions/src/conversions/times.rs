//! `toDate`, `toDate32`, `toDateTime`, `toDateTime64` and their variants; `parseDateTimeBestEffort` and its kin.

use std::sync::Arc;

use types::DataType;
use types::text::best_effort::DayOrder;

use super::{Variant, digits_argument, resolve_to, variant_of, zone_argument};
use crate::cast::{CastMode, Rules, TimeText, masked_cast_resolved};
use crate::error::Result;
use crate::frame::{Definition, Resolved};
use crate::request::Request;

const fn time(name: &'static str) -> Definition {
    Definition::new(name, to_time).masks_nulls()
}

const fn best(name: &'static str) -> Definition {
    Definition::new(name, parse_best_effort).masks_nulls()
}

pub(crate) const TIMES: &[Definition] = &[
    time("toDate"),
    time("toDate").alias("DATE").any_case(),
    time("toDateOrZero"),
    time("toDateOrNull"),
    time("toDateOrDefault"),
    time("toDate32"),
    time("toDate32OrZero"),
    time("toDate32OrNull"),
    time("toDate32OrDefault"),
    time("toDateTime"),
    time("toDateTimeOrZero"),
    time("toDateTimeOrNull"),
    time("toDateTimeOrDefault"),
    time("toDateTime32"),
    time("toDateTime64"),
    time("toDateTime64OrZero"),
    time("toDateTime64OrNull"),
    time("toDateTime64OrDefault"),
    best("parseDateTimeBestEffort"),
    best("parseDateTimeBestEffortOrZero"),
    best("parseDateTimeBestEffortOrNull"),
    best("parseDateTimeBestEffortUS"),
    best("parseDateTimeBestEffortUSOrZero"),
    best("parseDateTimeBestEffortUSOrNull"),
    best("parseDateTime32BestEffort"),
    best("parseDateTime32BestEffortOrZero"),
    best("parseDateTime32BestEffortOrNull"),
    best("parseDateTime64BestEffort"),
    best("parseDateTime64BestEffortOrZero"),
    best("parseDateTime64BestEffortOrNull"),
    best("parseDateTime64BestEffortUS"),
    best("parseDateTime64BestEffortUSOrZero"),
    best("parseDateTime64BestEffortUSOrNull"),
];

fn to_time(request: &Request<'_>) -> Result<Resolved> {
    let (stem, variant) = variant_of(request.name);
    let default = usize::from(variant == Variant::OrDefault);
    match stem {
        "toDate" | "toDate32" => {
            request.arity(1..=2)?;
            let to = if stem == "toDate" { DataType::Date } else { DataType::Date32 };
            if variant == Variant::Plain && request.args.len() == 2 {
                return in_zone(request, &to);
            }
            resolve_to(request, to, variant, 1)
        }
        "toDateTime64" => {
            request.arity(2..=3 + default)?;
            let precision = digits_argument(request, 1, 9)?;
            let zone = zone_or_own(request, 2, default)?;
            resolve_to(request, DataType::DateTime64 { precision, zone }, variant, request.args.len().max(3) - default)
        }
        _ => {
            request.arity(1..=2 + default)?;
            let zone = zone_or_own(request, 1, default)?;
            resolve_to(request, DataType::DateTime(zone), variant, request.args.len().max(2) - default)
        }
    }
}

/// `toDate(time, zone)`: the day of an instant in that zone.
fn in_zone(request: &Request<'_>, to: &DataType) -> Result<Resolved> {
    let zone = zone_argument(request, 1)?;
    let from = match request.ty(0) {
        DataType::DateTime(_) => DataType::DateTime(zone.clone()),
        DataType::DateTime64 { precision, .. } => DataType::DateTime64 { precision: *precision, zone: zone.clone() },
        other => other.clone(),
    };
    let mut rules = Rules::new(CastMode::Cast, request.context);
    rules.zone = request.constant_zone(1)?;
    masked_cast_resolved(&from, to, rules)
}

/// The zone that argument `position` names, when it is one and not an OrDefault's default; else that of a time argument.
fn zone_or_own(request: &Request<'_>, position: usize, default: usize) -> Result<Option<Arc<str>>> {
    if request.args.len() > position && (default == 0 || request.ty(position).is_string()) {
        return zone_argument(request, position);
    }
    Ok(match request.ty(0) {
        DataType::DateTime(zone) | DataType::DateTime64 { zone, .. } => zone.clone(),
        _ => None,
    })
}

/// `parseDateTime[32|64]BestEffort[US][OrZero|OrNull](text[, precision][, zone])`.
fn parse_best_effort(request: &Request<'_>) -> Result<Resolved> {
    let (stem, variant) = variant_of(request.name);
    let has_precision = stem.starts_with("parseDateTime64");
    request.arity(1..=if has_precision { 3 } else { 2 })?;
    if !request.ty(0).is_string() {
        return Err(request.wrong_type(0, "String"));
    }
    let order = if stem.ends_with("US") { DayOrder::MonthFirst } else { DayOrder::DayFirst };
    let to = if has_precision {
        let precision = if request.args.len() > 1 { digits_argument(request, 1, 9)? } else { 3 };
        DataType::DateTime64 { precision, zone: zone_argument(request, 2)? }
    } else {
        DataType::DateTime(zone_argument(request, 1)?)
    };
    let (mode, to) = match variant {
        Variant::OrNull => (CastMode::OrNull, DataType::nullable(to)),
        Variant::OrZero => (CastMode::OrDefault, to),
        Variant::Plain | Variant::OrDefault => (CastMode::Cast, to),
    };
    let rules = Rules::new(mode, request.context).with_times(TimeText::BestEffort(order));
    masked_cast_resolved(request.ty(0), &to, rules)
}
