//! `transform(x, from, to [, otherwise])`: a table of values for values.

use arrow::array::{Array, ArrayRef};
use types::{DataType, ErrorCode};

use crate::arrays::order;
use crate::columns::Lists;
use crate::common_type;
use crate::convert::{Converter, plain};
use crate::error::{Error, Result};
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;

/// The function of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[Definition::new("transform", transform).sees_nulls()];

/// The elements of a constant array argument, and their type.
fn constant_elements(request: &Request<'_>, i: usize) -> Result<(DataType, ArrayRef)> {
    let element = crate::arrays::element_type(request, i)?.clone();
    let constant = request.constant(i).ok_or_else(|| request.not_constant(i))?;
    Ok((element, Lists::of_array(constant)?.elements))
}

fn transform(request: &Request<'_>) -> Result<Resolved> {
    request.arity(3..=4)?;
    let (from_type, from) = constant_elements(request, 1)?;
    let (to_type, to) = constant_elements(request, 2)?;
    if from.len() != to.len() {
        return Err(request.bad("its arrays have different lengths"));
    }
    if from.null_count() > 0 {
        return Err(Error::Parse {
            text: "NULL".to_owned(),
            ty: "value to transform".to_owned(),
            reason: "NULL is no value to look up".to_owned(),
            code: ErrorCode::CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN,
        });
    }
    let value_type = plain(request.ty(0));
    let otherwise = request.args.get(3).map_or(&value_type, |arg| &arg.ty);
    let only_null = *value_type.base() == DataType::Nothing;
    let key = if only_null {
        DataType::Nothing
    } else {
        common_type(&[value_type.remove_nullable(), plain(&from_type).remove_nullable()])
            .map_or_else(|error| if request.args.len() == 4 { Ok(DataType::Nothing) } else { Err(error) }, Ok)?
    };
    let result = common_type(&[plain(&to_type), plain(otherwise)])?;
    let to = Converter::new(&to_type, &result, request.context)?.array(&to)?;
    let to_otherwise = Converter::new(otherwise, &result, request.context)?;
    let default_position = if request.args.len() == 4 { 3 } else { 0 };
    // without a type that holds both, no value is found
    let table = if key == DataType::Nothing {
        None
    } else {
        let from = Converter::new(&from_type, &key, request.context)?.array(&from)?;
        Some((from, Converter::new(&value_type, &key.to_nullable(), request.context)?))
    };
    Ok(Resolved::new(result, move |args: &[Operand], call: &Call| {
        let otherwise = to_otherwise.operand(&args[default_position])?;
        let choices = match &table {
            None => (0..call.rows).map(|row| (1, otherwise.index(row))).collect::<Vec<_>>(),
            Some((from, to_key)) => {
                let values = to_key.operand(&args[0])?;
                let (keys, known) = order::keys_of_two(values.array(), from)?;
                let places: std::collections::HashMap<_, _> =
                    (0..from.len()).rev().map(|i| (known.row(i), i)).collect();
                let choice = |row: usize| match places.get(&keys.row(values.index(row))) {
                    Some(place) => (0, *place),
                    None => (1, otherwise.index(row)),
                };
                (0..call.rows).map(choice).collect()
            }
        };
        Ok(arrow::compute::interleave(&[to.as_ref(), otherwise.array().as_ref()], &choices)?)
    }))
}
