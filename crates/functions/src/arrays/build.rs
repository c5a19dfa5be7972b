//! Arrays made of single values: `array`, `range`, `arrayWithConstant`, empty arrays.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, UInt32Array, UInt64Array};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType as ArrowType, UInt64Type};
use types::{DataType, ErrorCode};

use super::access::check_narrow;
use crate::columns::{Integers, Lists, Offsets, list_of};
use crate::common_type;
use crate::convert::converters;
use crate::error::{Error, Result};
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::maps::woven;
use crate::request::Request;

/// The most elements that `range` makes for one block: ClickHouse's `function_range_max_elements_in_block`.
const RANGE_ELEMENTS_MAX: usize = 500_000_000;
/// The most elements of one array of `arrayWithConstant`.
const CONSTANT_ELEMENTS_MAX: i64 = 1_000_000_000;

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("array", array).sees_nulls().sees_low_cardinality(),
    Definition::new("range", range),
    Definition::new("arrayWithConstant", with_constant).sees_nulls(),
    Definition::new("replicate", replicate).sees_nulls(),
    Definition::new("emptyArrayToSingle", empty_to_single),
    Definition::new("emptyArrayUInt8", |_| empty(DataType::UInt8)),
    Definition::new("emptyArrayUInt16", |_| empty(DataType::UInt16)),
    Definition::new("emptyArrayUInt32", |_| empty(DataType::UInt32)),
    Definition::new("emptyArrayUInt64", |_| empty(DataType::UInt64)),
    Definition::new("emptyArrayInt8", |_| empty(DataType::Int8)),
    Definition::new("emptyArrayInt16", |_| empty(DataType::Int16)),
    Definition::new("emptyArrayInt32", |_| empty(DataType::Int32)),
    Definition::new("emptyArrayInt64", |_| empty(DataType::Int64)),
    Definition::new("emptyArrayFloat32", |_| empty(DataType::Float32)),
    Definition::new("emptyArrayFloat64", |_| empty(DataType::Float64)),
    Definition::new("emptyArrayDate", |_| empty(DataType::Date)),
    Definition::new("emptyArrayDateTime", |_| empty(DataType::DateTime(None))),
    Definition::new("emptyArrayString", |_| empty(DataType::String)),
];

/// `array(a, b, …)`, which is also `[a, b]`.
fn array(request: &Request<'_>) -> Result<Resolved> {
    let types: Vec<DataType> = request.args.iter().map(|arg| arg.ty.clone()).collect();
    let element = common_type(&types)?;
    let converters = converters(&types, &element, request.context)?;
    let empty = DataType::array(element.clone());
    Ok(Resolved::new(DataType::array(element), move |args: &[Operand], call: &Call| {
        if args.is_empty() {
            return Ok(empty.default_array(call.rows));
        }
        let columns =
            args.iter().zip(&converters).map(|(arg, to)| to.full(arg, call.rows)).collect::<Result<Vec<_>>>()?;
        let offsets = OffsetBuffer::from_repeated_length(columns.len(), call.rows);
        Ok(Arc::new(list_of(offsets, woven(&columns, call.rows)?)))
    }))
}

fn empty(element: DataType) -> Result<Resolved> {
    let ty = DataType::array(element);
    Ok(Resolved::new(ty.clone(), move |_: &[Operand], call: &Call| Ok(ty.default_array(call.rows))))
}

/// `range([start,] end [, step])`.
fn range(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=3)?;
    for i in 0..request.args.len() {
        if !request.ty(i).is_integer() {
            return Err(request.wrong_type(i, "an integer"));
        }
        check_narrow(request, i)?;
    }
    let element = common_type(&request.args.iter().map(|arg| arg.ty.clone()).collect::<Vec<_>>())?;
    let ty = element.clone();
    Ok(Resolved::new(DataType::array(element), move |args: &[Operand], call: &Call| {
        let columns = args.iter().map(wide).collect::<Vec<_>>();
        let at = |i: usize, row: usize| columns[i][args[i].index(row)];
        let mut values: Vec<i128> = Vec::new();
        let mut offsets = Offsets::with_capacity(call.rows);
        for row in 0..call.rows {
            let (start, end, step) = match columns.len() {
                1 => (0, at(0, row), 1),
                2 => (at(0, row), at(1, row), 1),
                _ => (at(0, row), at(1, row), at(2, row)),
            };
            if columns.len() == 1 && end < 0 {
                return Err(range_error("only positive values are supported where only the end is given".to_owned()));
            }
            append_range(&mut values, start, end, step)?;
            offsets.end(values.len())?;
        }
        Ok(offsets.finish(integers(values, &ty)?))
    }))
}

fn range_error(reason: String) -> Error {
    Error::OutOfBound { function: "range".to_owned(), reason }
}

fn append_range(values: &mut Vec<i128>, start: i128, end: i128, step: i128) -> Result<()> {
    if step == 0 {
        return Err(range_error("the step cannot be 0".to_owned()));
    }
    let span = if step > 0 { end - start } else { start - end };
    let count = if span <= 0 { 0 } else { (span + step.abs() - 1) / step.abs() };
    if count + values.len() as i128 > RANGE_ELEMENTS_MAX as i128 {
        return Err(range_error(format!("{count} elements, at most {RANGE_ELEMENTS_MAX} in a block")));
    }
    values.extend((0..count).map(|i| start + i * step));
    Ok(())
}

/// Integers of at most 64 bits.
fn wide(operand: &Operand) -> Vec<i128> {
    match operand.array().data_type() {
        ArrowType::UInt64 => {
            operand.array().as_primitive::<UInt64Type>().values().iter().map(|v| i128::from(*v)).collect()
        }
        _ => crate::columns::saturated(operand.array())
            .map(|values| values.values().iter().map(|v| i128::from(*v)).collect())
            .unwrap_or_default(),
    }
}

/// Values of a type that holds them.
fn integers(values: Vec<i128>, ty: &DataType) -> Result<ArrayRef> {
    let column: ArrayRef = if *ty == DataType::UInt64 {
        Arc::new(UInt64Array::from_iter_values(values.into_iter().map(|v| v as u64)))
    } else {
        Arc::new(Int64Array::from_iter_values(values.into_iter().map(|v| v as i64)))
    };
    Ok(arrow::compute::cast(&column, &ty.arrow_type())?)
}

/// `arrayWithConstant(length, value)`.
fn with_constant(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    check_narrow(request, 0)?;
    let name = request.name.to_owned();
    Ok(Resolved::new(DataType::array(request.ty(1).clone()), move |args: &[Operand], call: &Call| {
        let lengths = Integers::of(&args[0])?;
        let mut rows = Vec::new();
        let mut offsets = Offsets::with_capacity(call.rows);
        for row in 0..call.rows {
            let length = lengths.get_valid(row).unwrap_or(0);
            if !(0..=CONSTANT_ELEMENTS_MAX).contains(&length) || rows.len() as i64 + length > RANGE_ELEMENTS_MAX as i64
            {
                return Err(Error::TooLarge {
                    function: name.clone(),
                    reason: format!("{length} elements, at most {CONSTANT_ELEMENTS_MAX}"),
                    code: ErrorCode::TOO_LARGE_ARRAY_SIZE,
                });
            }
            rows.extend(std::iter::repeat_n(args[1].index(row) as u32, length as usize));
            offsets.end(rows.len())?;
        }
        Ok(offsets.finish(arrow::compute::take(args[1].array(), &UInt32Array::from(rows), None)?))
    }))
}

/// `replicate(value, array, …)`: the value as often as the array has elements.
fn replicate(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=usize::MAX)?;
    for i in 1..request.args.len() {
        super::element_type(request, i)?;
    }
    let name = request.name.to_owned();
    Ok(Resolved::new(DataType::array(request.ty(0).clone()), move |args: &[Operand], call: &Call| {
        let lists = args[1..].iter().map(|arg| Lists::of(arg, call.rows)).collect::<Result<Vec<_>>>()?;
        if lists.iter().any(|other| other.offsets != lists[0].offsets) {
            return Err(Error::ArrayLengths(name.clone()));
        }
        let value = args[0].expand(call.rows)?;
        let values = arrow::compute::take(&value, &lists[0].row_of_elements(), None)?;
        Ok(lists[0].with_elements(values))
    }))
}

/// An empty array becomes an array of one default value.
fn empty_to_single(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let element = super::element_type(request, 0)?.clone();
    Ok(Resolved::new(request.ty(0).clone(), move |args: &[Operand], call: &Call| {
        let lists = Lists::of(&args[0], call.rows)?;
        let mut positions = Vec::with_capacity(lists.elements.len());
        let mut offsets = Offsets::with_capacity(call.rows);
        for range in lists.ranges() {
            if range.is_empty() {
                positions.push(None);
            }
            positions.extend(range.map(|i| Some(i as u32)));
            offsets.end(positions.len())?;
        }
        Ok(offsets.finish(super::pick::pick_or_default(&lists.elements, &element, &positions)?))
    }))
}
