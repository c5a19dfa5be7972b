//! Arrays put together: `arrayConcat`, `arrayPushBack`, `arrayPushFront`.

use arrow::array::{Array, ArrayRef};
use types::DataType;

use crate::columns::{Lists, Offsets};
use crate::common_type;
use crate::convert::{Converter, converters};
use crate::error::Result;
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("arrayConcat", array_concat),
    Definition::new("arrayPushBack", |request| push(request, End::Back)).sees_nulls(),
    Definition::new("arrayPushFront", |request| push(request, End::Front)).sees_nulls(),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Front,
    Back,
}

/// `concat` of arrays is the same.
pub(crate) fn array_concat(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=usize::MAX)?;
    for i in 0..request.args.len() {
        super::element_type(request, i)?;
    }
    joined(request)
}

/// The elements of all lists (arrays or maps) of a row one after another, in the lists' common type.
pub(crate) fn joined(request: &Request<'_>) -> Result<Resolved> {
    let types: Vec<DataType> = request.args.iter().map(|arg| arg.ty.clone()).collect();
    let result = common_type(&types)?;
    let converters = converters(&types, &result, request.context)?;
    Ok(Resolved::new(result, move |args: &[Operand], call: &Call| {
        let lists = args
            .iter()
            .zip(&converters)
            .map(|(arg, to)| Lists::of_array(&to.full(arg, call.rows)?))
            .collect::<Result<Vec<_>>>()?;
        append(&lists, call.rows)
    }))
}

/// The lists of each row one after another.
fn append(lists: &[Lists], rows: usize) -> Result<ArrayRef> {
    let mut positions = Vec::with_capacity(lists.iter().map(|list| list.elements.len()).sum());
    let mut offsets = Offsets::with_capacity(rows);
    for row in 0..rows {
        for (i, list) in lists.iter().enumerate() {
            positions.extend(list.range(row).map(|at| (i, at)));
        }
        offsets.end(positions.len())?;
    }
    let elements: Vec<&dyn Array> = lists.iter().map(|list| list.elements.as_ref()).collect();
    Ok(offsets.finish(arrow::compute::interleave(&elements, &positions)?))
}

/// The array with one more element.
fn push(request: &Request<'_>, end: End) -> Result<Resolved> {
    request.arity(2..=2)?;
    let element = super::element_type(request, 0)?.clone();
    let common = common_type(&[element, request.ty(1).clone()])?;
    let result = DataType::array(common.clone());
    let to_array = Converter::new(request.ty(0), &result, request.context)?;
    let to_element = Converter::new(request.ty(1), &common, request.context)?;
    Ok(Resolved::new(result, move |args: &[Operand], call: &Call| {
        let lists = Lists::of_array(&to_array.full(&args[0], call.rows)?)?;
        let value = to_element.operand(&args[1])?;
        let mut positions = Vec::with_capacity(lists.elements.len() + call.rows);
        let mut offsets = Offsets::with_capacity(call.rows);
        for (row, range) in lists.ranges().enumerate() {
            let pushed = (1, value.index(row));
            if end == End::Front {
                positions.push(pushed);
            }
            positions.extend(range.map(|at| (0, at)));
            if end == End::Back {
                positions.push(pushed);
            }
            offsets.end(positions.len())?;
        }
        let elements = arrow::compute::interleave(&[lists.elements.as_ref(), value.array().as_ref()], &positions)?;
        Ok(offsets.finish(elements))
    }))
}
