//! How long strings, arrays and maps are.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt64Array};
use arrow::datatypes::UInt64Type;
use types::DataType;

use super::shapes::{check_text, flags, text_to_number};
use super::utf8;
use crate::arrays::order;
use crate::columns::{Bytes, Lists};
use crate::error::Result;
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("length", length).any_case(),
    Definition::new("length", length).alias("OCTET_LENGTH").any_case(),
    Definition::new("length", length).alias("CARDINALITY").any_case(),
    Definition::new("lengthUTF8", characters),
    Definition::new("lengthUTF8", characters).alias("CHAR_LENGTH").any_case(),
    Definition::new("lengthUTF8", characters).alias("CHARACTER_LENGTH").any_case(),
    Definition::new("empty", |request| empty(request, true)),
    Definition::new("notEmpty", |request| empty(request, false)),
];

/// Bytes of a string, elements of an array or map.
fn length(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    if is_container(request.ty(0)) {
        return Ok(Resolved::new(DataType::UInt64, |args: &[Operand], call: &Call| {
            let lists = Lists::of(&args[0], call.rows)?;
            Ok(Arc::new(UInt64Array::from_iter_values(lists.ranges().map(|range| range.len() as u64))))
        }));
    }
    text_to_number::<UInt64Type>(request, DataType::UInt64, |text| text.len() as u64)
}

fn is_container(ty: &DataType) -> bool {
    matches!(ty, DataType::Array(_) | DataType::Map(_))
}

fn characters(request: &Request<'_>) -> Result<Resolved> {
    text_to_number::<UInt64Type>(request, DataType::UInt64, |text| utf8::count(text) as u64)
}

/// 1 where there is nothing; a FixedString or UUID of zero bytes is nothing too.
fn empty(request: &Request<'_>, wanted: bool) -> Result<Resolved> {
    request.arity(1..=1)?;
    match request.ty(0) {
        ty if is_container(ty) => Ok(Resolved::new(DataType::UInt8, move |args: &[Operand], call: &Call| {
            let lists = Lists::of(&args[0], call.rows)?;
            Ok(flags(lists.ranges().map(|range| range.is_empty() == wanted)))
        })),
        DataType::Uuid | DataType::Ipv4 | DataType::Ipv6 => {
            let zero = request.ty(0).default_array(1);
            Ok(Resolved::new(DataType::UInt8, move |args: &[Operand], call: &Call| {
                let array: ArrayRef = args[0].expand(call.rows)?;
                let (keys, zero) = order::keys_of_two(&array, &zero)?;
                Ok(flags((0..call.rows).map(|row| (keys.row(row) == zero.row(0)) == wanted)))
            }))
        }
        _ => {
            check_text(request, 0)?;
            Ok(Resolved::new(DataType::UInt8, move |args: &[Operand], call: &Call| {
                let texts = Bytes::of(&args[0])?;
                Ok(flags((0..call.rows).map(|row| texts.get(row).iter().all(|byte| *byte == 0) == wanted)))
            }))
        }
    }
}
