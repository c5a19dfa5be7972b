//! Aggregate states as values: `finalizeAggregation`, `initializeAggregation`, `arrayReduce`, `runningAccumulate`; and the
//! functions that look at neighbouring rows of a block.

use aggregate::{Aggregate, Rows};
use arrow::array::{Array, ArrayRef, UInt32Array};
use types::{DataType, ErrorCode, Setting, Value};

use crate::columns::{Integers, Lists, Offsets};
use crate::convert::plain;
use crate::error::{Error, Result};
use crate::frame::{Arg, Call, Definition, Operand, Resolved};
use crate::request::Request;
use crate::resolve::resolve;

const fn row(name: &'static str, resolver: crate::frame::Resolver) -> Definition {
    Definition::new(name, resolver).sees_nulls()
}

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    row("finalizeAggregation", finalize),
    row("initializeAggregation", initialize),
    row("arrayReduce", array_reduce),
    row("arrayReduceInRanges", array_reduce_in_ranges),
    row("runningAccumulate", running_accumulate).volatile(),
    row("runningDifference", |request| running_difference(request, First::Zero)).volatile(),
    row("runningDifferenceStartingWithFirstValue", |request| running_difference(request, First::Value)).volatile(),
    row("neighbor", neighbor).volatile(),
];

/// The aggregate function whose states argument `i` holds.
fn state_of(request: &Request<'_>, i: usize) -> Result<Aggregate> {
    match request.ty(i) {
        DataType::AggregateFunction(signature) => Ok(aggregate::resolve_signature(signature)?),
        _ => Err(request.wrong_type(i, "AggregateFunction(…)")),
    }
}

/// The result of each state.
fn finalize(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let aggregate = state_of(request, 0)?;
    Ok(Resolved::new(aggregate.result_type(), move |args: &[Operand], call: &Call| {
        let states = args[0].expand(call.rows)?;
        let groups: Vec<usize> = (0..call.rows).collect();
        let mut results = aggregate.grouped();
        results.merge(&states, Rows::all(&groups, call.rows))?;
        results.grow(call.rows);
        Ok(results.result_column(call.rows)?)
    }))
}

/// The aggregate function that the first argument names, `quantile(0.9)` for example, over `types`.
fn named(request: &Request<'_>, types: &[DataType]) -> Result<Aggregate> {
    let text = request.constant_text(0)?;
    let (name, params) =
        parse_name(&text).ok_or_else(|| request.bad(format!("\"{text}\" is no aggregate function")))?;
    Ok(aggregate::resolve(&name, &params, types)?)
}

/// Name and parameters. The grammar of parameters is that of types, so a type is what is parsed.
fn parse_name(text: &str) -> Option<(String, Vec<Value>)> {
    let Some((name, params)) = text.split_once('(') else { return Some((text.trim().to_owned(), Vec::new())) };
    let probe = format!("AggregateFunction(quantiles({params}, UInt8)");
    match DataType::parse(&probe).ok()? {
        DataType::AggregateFunction(signature) => Some((name.trim().to_owned(), signature.params.clone())),
        _ => None,
    }
}

/// `initializeAggregation('sumState', x)`: every row aggregated by itself.
fn initialize(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=usize::MAX)?;
    let types: Vec<DataType> = request.args[1..].iter().map(|arg| arg.ty.clone()).collect();
    let aggregate = named(request, &types)?;
    Ok(Resolved::new(aggregate.result_type(), move |args: &[Operand], call: &Call| {
        let columns = args[1..].iter().map(|arg| arg.expand(call.rows)).collect::<Result<Vec<_>>>()?;
        let groups: Vec<usize> = (0..call.rows).collect();
        let mut states = aggregate.grouped();
        states.update(&columns, Rows::all(&groups, call.rows))?;
        states.grow(call.rows);
        Ok(states.result_column(call.rows)?)
    }))
}

/// The types of the elements of the array arguments from `first` on.
fn array_elements(request: &Request<'_>, first: usize) -> Result<Vec<DataType>> {
    let types: Vec<DataType> = (first..request.args.len())
        .map(|i| crate::arrays::element_type(request, i).map(plain))
        .collect::<Result<_>>()?;
    if types.contains(&DataType::Nothing) {
        Err(request.wrong_type(first, "an array of a known type"))
    } else {
        Ok(types)
    }
}

fn equal_lists(name: &str, operands: &[Operand], rows: usize) -> Result<Vec<Lists>> {
    let lists = operands.iter().map(|operand| Lists::of(operand, rows)).collect::<Result<Vec<_>>>()?;
    if lists.iter().any(|other| other.offsets != lists[0].offsets) {
        return Err(Error::ArrayLengths(name.to_owned()));
    }
    Ok(lists)
}

/// `arrayReduce('sum', array, …)`: the elements of each row aggregated.
fn array_reduce(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=usize::MAX)?;
    let aggregate = named(request, &array_elements(request, 1)?)?;
    Ok(Resolved::new(aggregate.result_type(), move |args: &[Operand], call: &Call| {
        let lists = equal_lists("arrayReduce", &args[1..], call.rows)?;
        let elements: Vec<ArrayRef> = lists.iter().map(|list| list.elements.clone()).collect();
        let groups: Vec<usize> = lists[0].row_of_elements().values().iter().map(|row| *row as usize).collect();
        let mut states = aggregate.grouped();
        states.update(&elements, Rows::all(&groups, call.rows))?;
        states.grow(call.rows);
        Ok(states.result_column(call.rows)?)
    }))
}

/// `arrayReduceInRanges('sum', ranges, array, …)`: ranges are (index from 1, length), from the end when negative.
fn array_reduce_in_ranges(request: &Request<'_>) -> Result<Resolved> {
    request.arity(3..=usize::MAX)?;
    match crate::arrays::element_type(request, 1)? {
        DataType::Tuple(fields) if fields.len() == 2 && fields.iter().all(|field| field.ty.is_integer()) => {}
        _ => return Err(request.wrong_type(1, "Array(Tuple(integer, integer))")),
    }
    let aggregate = named(request, &array_elements(request, 2)?)?;
    let result = DataType::array(aggregate.result_type());
    Ok(Resolved::new(result, move |args: &[Operand], call: &Call| {
        let lists = equal_lists("arrayReduceInRanges", &args[2..], call.rows)?;
        let ranges = Lists::of(&args[1], call.rows)?;
        let bounds = crate::arrays::steps::fields(&ranges.elements)?;
        let (starts, lengths) =
            (Integers::of(&Operand::Full(bounds[0].clone()))?, Integers::of(&Operand::Full(bounds[1].clone()))?);
        let (mut positions, mut groups) = (Vec::new(), Vec::new());
        let mut offsets = Offsets::with_capacity(call.rows);
        for (row, of_row) in ranges.ranges().enumerate() {
            let array = lists[0].range(row);
            offsets.end(of_row.end)?;
            for range in of_row {
                let window = crate::arrays::slice::window(array.len(), starts.get(range), Some(lengths.get(range)));
                positions.extend(window.clone().map(|i| (array.start + i) as u32));
                groups.extend(std::iter::repeat_n(range, window.len()));
            }
        }
        let positions = UInt32Array::from(positions);
        let elements = lists
            .iter()
            .map(|list| Ok(arrow::compute::take(&list.elements, &positions, None)?))
            .collect::<Result<Vec<_>>>()?;
        let total = ranges.elements.len();
        let mut states = aggregate.grouped();
        states.update(&elements, Rows::all(&groups, total))?;
        states.grow(total);
        Ok(offsets.finish(states.result_column(total)?))
    }))
}

/// Refuses functions whose answer depends on how rows fall into blocks, unless a setting asks for them.
fn check_allowed(request: &Request<'_>) -> Result<()> {
    if request.context.settings.flag(Setting::AllowDeprecatedErrorProneWindowFunctions) {
        return Ok(());
    }
    Err(Error::Disabled {
        function: request.name.to_owned(),
        setting: "allow_deprecated_error_prone_window_functions = 1",
        code: ErrorCode::DEPRECATED_FUNCTION,
    })
}

/// The result over the states of this and all earlier rows of the block; begins again where the second argument changes.
fn running_accumulate(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=2)?;
    check_allowed(request)?;
    let aggregate = state_of(request, 0)?;
    Ok(Resolved::new(aggregate.result_type(), move |args: &[Operand], call: &Call| {
        let states = args[0].expand(call.rows)?;
        let resets = args.get(1).map(|arg| crate::arrays::order::keys(&arg.expand(call.rows)?)).transpose()?;
        let mut running = aggregate.grouped();
        let mut results: Vec<ArrayRef> = Vec::with_capacity(call.rows);
        for row in 0..call.rows {
            if row > 0 && resets.as_ref().is_some_and(|keys| keys.row(row) != keys.row(row - 1)) {
                running = aggregate.grouped();
            }
            running.merge(&states.slice(row, 1), Rows::all(&[0], 1))?;
            results.push(running.result_column(1)?);
        }
        let results: Vec<&dyn Array> = results.iter().map(|result| result.as_ref()).collect();
        if results.is_empty() {
            return Ok(arrow::array::new_empty_array(&aggregate.result_type().arrow_type()));
        }
        Ok(arrow::compute::concat(&results)?)
    }))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    Zero,
    Value,
}

/// Each row of the block less the one before it.
fn running_difference(request: &Request<'_>, first: First) -> Result<Resolved> {
    request.arity(1..=1)?;
    check_allowed(request)?;
    let ty = request.ty(0).clone();
    let minus = resolve("minus", &[Arg::column(ty.clone()), Arg::column(ty)], request.context)?;
    Ok(Resolved::new(minus.result.clone(), move |args: &[Operand], call: &Call| {
        let values = args[0].expand(call.rows)?;
        let before: UInt32Array = (0..call.rows as u32).map(|row| row.saturating_sub(1)).collect::<Vec<_>>().into();
        let mut before = arrow::compute::take(&values, &before, None)?;
        if first == First::Value && call.rows > 0 {
            let zero = arrow::compute::cast(&arrow::array::Int64Array::from(vec![0]), values.data_type())?;
            before = arrow::compute::concat(&[zero.as_ref(), before.slice(1, call.rows - 1).as_ref()])?;
        }
        minus.run(&[Operand::Full(values), Operand::Full(before)], call)
    }))
}

/// `neighbor(column, offset [, otherwise])`: the value so many rows away in the block.
fn neighbor(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=3)?;
    check_allowed(request)?;
    crate::arrays::access::check_narrow(request, 1)?;
    let ty = request.ty(0).clone();
    let to_default = match request.args.get(2) {
        Some(arg) => Some(crate::convert::Converter::new(&arg.ty, &ty, request.context)?),
        None => None,
    };
    Ok(Resolved::new(ty.clone(), move |args: &[Operand], call: &Call| {
        let values = args[0].expand(call.rows)?;
        let offsets = Integers::of(&args[1])?;
        let default = match &to_default {
            Some(converter) => converter.operand(&args[2])?,
            None => Operand::Constant(ty.default_array(1)),
        };
        let choice = |row: usize| {
            let at = row as i128 + i128::from(offsets.get_valid(row).unwrap_or(0));
            if 0 <= at && at < call.rows as i128 { (0, at as usize) } else { (1, default.index(row)) }
        };
        let choices: Vec<(usize, usize)> = (0..call.rows).map(choice).collect();
        Ok(arrow::compute::interleave(&[values.as_ref(), default.array().as_ref()], &choices)?)
    }))
}
