//! `CAST(x, 'T')`, `accurateCast` and its variants, `toTypeName`, `defaultValueOfTypeName`.

use std::sync::Arc;

use arrow::array::BinaryArray;
use types::{DataType, Setting};

use super::or_default;
use crate::cast::{self, CastMode, Rules};
use crate::error::Result;
use crate::frame::{Definition, Resolved, repeat};
use crate::request::Request;

const CAST: Definition = Definition::new("CAST", cast_to).sees_nulls().sees_low_cardinality().any_case();

pub(crate) const CASTS: &[Definition] = &[
    CAST,
    CAST.alias("_CAST"),
    Definition::new("accurateCast", accurate).sees_nulls().sees_low_cardinality(),
    Definition::new("accurateCastOrNull", accurate_or_null).sees_nulls().sees_low_cardinality(),
    Definition::new("accurateCastOrDefault", accurate_or_default).sees_nulls().sees_low_cardinality(),
    Definition::new("toTypeName", to_type_name).sees_nulls().sees_low_cardinality(),
    Definition::new("toColumnTypeName", to_type_name).sees_nulls().sees_low_cardinality(),
    Definition::new("defaultValueOfTypeName", default_of_type).sees_nulls(),
    Definition::new("defaultValueOfArgumentType", default_of_argument).sees_nulls().sees_low_cardinality(),
];

/// The type that constant argument 1 names.
fn target(request: &Request<'_>) -> Result<DataType> {
    Ok(DataType::parse(&request.constant_text(1)?)?)
}

fn cast_to(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let mut to = target(request)?;
    if request.context.settings.flag(Setting::CastKeepNullable) && request.ty(0).is_nullable() {
        to = to.to_nullable();
    }
    cast::cast_resolved(request.ty(0), &to, Rules::new(CastMode::Cast, request.context))
}

fn accurate(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    cast::cast_resolved(request.ty(0), &target(request)?, Rules::new(CastMode::Accurate, request.context))
}

fn accurate_or_null(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let to = target(request)?;
    if !to.can_be_inside_nullable() && !to.is_nullable() {
        return Err(request.wrong_type(1, "a type that can be inside Nullable"));
    }
    cast::cast_resolved(request.ty(0), &to.to_nullable(), Rules::new(CastMode::OrNull, request.context))
}

fn accurate_or_default(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=3)?;
    or_default(request, target(request)?, 2)
}

fn to_type_name(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let name = request.ty(0).pretty();
    Ok(Resolved::new(DataType::String, move |_, call| {
        repeat(&(Arc::new(BinaryArray::from_vec(vec![name.as_bytes()])) as _), call.rows)
    }))
}

fn default_of_type(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let ty = DataType::parse(&request.constant_text(0)?)?;
    let default = ty.clone();
    Ok(Resolved::new(ty, move |_, call| Ok(default.default_array(call.rows))))
}

fn default_of_argument(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let ty = request.ty(0).clone();
    Ok(Resolved::new(ty.clone(), move |_, call| Ok(ty.default_array(call.rows))))
}
