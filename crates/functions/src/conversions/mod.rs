//! Functions that turn a value into another type: `toInt32`, `toDateTime64`, `CAST`, `accurateCastOrNull`, `toTypeName`.
//!
//! All of them end in [`crate::cast`]; here only names become types and modes.

pub(crate) mod casts;
pub(crate) mod more;
pub(crate) mod numbers;
pub(crate) mod reinterpret;
pub(crate) mod texts;
pub(crate) mod times;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{is_null, kernels::zip::zip};
use types::DataType;

use crate::cast::{self, CastMode, Rules, TimeText};
use crate::error::{Error, Result};
use crate::frame::{Operand, Resolved};
use crate::request::Request;

/// What follows the type in names such as `toInt32OrNull`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Variant {
    Plain,
    OrZero,
    OrNull,
    OrDefault,
}

/// The stem and the variant of a function name.
pub(crate) fn variant_of(name: &str) -> (&str, Variant) {
    for (suffix, variant) in
        [("OrZero", Variant::OrZero), ("OrNull", Variant::OrNull), ("OrDefault", Variant::OrDefault)]
    {
        if let Some(stem) = name.strip_suffix(suffix) {
            return (stem, variant);
        }
    }
    (name, Variant::Plain)
}

/// Converts argument 0 to `to` as the variant says; `default` is the position of an OrDefault's optional default.
pub(crate) fn resolve_to(request: &Request<'_>, to: DataType, variant: Variant, default: usize) -> Result<Resolved> {
    let from = request.ty(0);
    let basic = |mode| Rules::new(mode, request.context).with_times(TimeText::Basic);
    match variant {
        Variant::Plain => cast::masked_cast_resolved(from, &to, Rules::new(CastMode::Cast, request.context)),
        Variant::OrZero | Variant::OrNull if !from.is_string() => Err(request.wrong_type(0, "String or FixedString")),
        Variant::OrZero => cast::masked_cast_resolved(from, &to, basic(CastMode::OrDefault)),
        Variant::OrNull => cast::masked_cast_resolved(from, &to.to_nullable(), basic(CastMode::OrNull)),
        Variant::OrDefault => or_default(request, to, default),
    }
}

/// What does not convert becomes the value of argument `default`, or the type's default when there is none.
pub(crate) fn or_default(request: &Request<'_>, to: DataType, default: usize) -> Result<Resolved> {
    let from = request.ty(0).clone();
    if request.args.len() <= default {
        return cast::masked_cast_resolved(&from, &to, Rules::new(CastMode::OrDefault, request.context));
    }
    let default_type = request.ty(default).clone();
    let rules = Rules::new(CastMode::OrNull, request.context);
    let plain = Rules::new(CastMode::Cast, request.context);
    let nullable = to.to_nullable();
    cast::check(&from, &nullable, &rules)?;
    cast::check(&default_type, &to, &plain)?;
    Ok(Resolved::new(to.clone(), move |args, call| {
        let value = cast::cast(&args[0].expand(call.rows)?, &from, &nullable, &rules)?;
        if value.null_count() == 0 {
            return Ok(value);
        }
        let default = cast::cast_keeping_nulls(&args[default].expand(call.rows)?, &default_type, &to, &plain)?;
        Ok(zip(&is_null(&value)?, &default, &value)?)
    }))
}

/// The optional time zone that argument `position` names.
pub(crate) fn zone_argument(request: &Request<'_>, position: usize) -> Result<Option<Arc<str>>> {
    let Some(name) = request.optional_text(position)? else { return Ok(None) };
    crate::request::zone(&name)?;
    Ok(Some(name.into()))
}

/// A count of digits between 0 and `most` in constant argument `position`.
pub(crate) fn digits_argument(request: &Request<'_>, position: usize, most: u8) -> Result<u8> {
    let digits = request.constant_int(position)?;
    u8::try_from(digits).ok().filter(|digits| *digits <= most).ok_or_else(|| Error::OutOfBound {
        function: request.name.to_owned(),
        reason: format!("{digits} is not between 0 and {most}"),
    })
}

/// The bytes of row `row` of a String or FixedString operand.
pub(crate) fn bytes_of(operand: &Operand, row: usize) -> &[u8] {
    let array: &ArrayRef = operand.array();
    let row = operand.index(row);
    match array.data_type() {
        arrow::datatypes::DataType::FixedSizeBinary(_) => array.as_fixed_size_binary().value(row),
        _ => array.as_binary::<i32>().value(row),
    }
}

#[cfg(test)]
mod tests;
