//! `toString`, `toFixedString`, `toUUID`, `toIPv4`, `toIPv6` and their variants.

use std::sync::Arc;

use types::{AggregateSignature, DataType};

use super::{Variant, resolve_to, variant_of};
use crate::cast::{CastMode, Rules, masked_cast_resolved};
use crate::error::Result;
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;

const fn id(name: &'static str) -> Definition {
    Definition::new(name, to_id).masks_nulls()
}

pub(crate) const TEXTS: &[Definition] = &[
    Definition::new("toString", to_string).masks_nulls(),
    Definition::new("toFixedString", to_fixed_string).masks_nulls(),
    id("toUUID"),
    id("toUUIDOrZero"),
    id("toUUIDOrNull"),
    id("toUUIDOrDefault"),
    id("toIPv4"),
    id("toIPv4OrZero"),
    id("toIPv4OrNull"),
    id("toIPv4OrDefault"),
    id("toIPv6"),
    id("toIPv6OrZero"),
    id("toIPv6OrNull"),
    id("toIPv6OrDefault"),
];

/// `toString(x)`; for times also `toString(time, zone)`.
fn to_string(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=2)?;
    let mut rules = Rules::new(CastMode::Cast, request.context);
    let mut from = request.ty(0).clone();
    if let DataType::AggregateFunction(signature) = &from {
        return Ok(state_bytes(signature.clone()));
    }
    if request.args.len() == 2 {
        rules.zone = request.constant_zone(1)?;
        from = in_session_zone(&from).ok_or_else(|| request.wrong_type(0, "DateTime or DateTime64"))?;
    }
    masked_cast_resolved(&from, &DataType::String, rules)
}

/// States as their bytes in ClickHouse's layout.
fn state_bytes(signature: Arc<AggregateSignature>) -> Resolved {
    Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let states = args[0].expand(call.rows)?;
        Ok(Arc::new(aggregate::encode_clickhouse(&signature, &states)?))
    })
}

/// A time type without a zone of its own, so that it prints in the rules' zone.
fn in_session_zone(ty: &DataType) -> Option<DataType> {
    match ty {
        DataType::DateTime(_) => Some(DataType::DateTime(None)),
        DataType::DateTime64 { precision, .. } => Some(DataType::DateTime64 { precision: *precision, zone: None }),
        DataType::Date | DataType::Date32 => Some(ty.clone()),
        _ => None,
    }
}

fn to_fixed_string(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let width = request.constant_int(1)?;
    let width = u32::try_from(width).ok().filter(|width| 0 < *width && *width <= 0xFF_FFFF);
    let width = width.ok_or_else(|| request.bad("the width of a FixedString is between 1 and 16777215"))?;
    if !request.ty(0).is_string() {
        return Err(request.wrong_type(0, "String or FixedString"));
    }
    masked_cast_resolved(request.ty(0), &DataType::FixedString(width), Rules::new(CastMode::Cast, request.context))
}

fn to_id(request: &Request<'_>) -> Result<Resolved> {
    let (stem, variant) = variant_of(request.name);
    request.arity(1..=if variant == Variant::OrDefault { 2 } else { 1 })?;
    let to = DataType::parse(stem.strip_prefix("to").unwrap_or(stem))?;
    resolve_to(request, to, variant, 1)
}
