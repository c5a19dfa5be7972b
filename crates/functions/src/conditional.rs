//! Choosing among arguments: `if`, `multiIf`, NULL's functions, `transform`.
//!
//! All arguments are computed for all rows; whoever plans a query may turn `if` into a lazy expression instead.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, UInt8Array, new_null_array};
use arrow::datatypes::DataType as ArrowType;
use types::DataType;

use crate::arrays::order;
use crate::arrays::steps::conditions;
use crate::common_type;
use crate::convert::{Converter, converters, plain};
use crate::error::{Error, Result};
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;

const fn row(name: &'static str, resolver: crate::frame::Resolver) -> Definition {
    Definition::new(name, resolver).sees_nulls().sees_low_cardinality()
}

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    row("if", multi_if).any_case(),
    row("multiIf", multi_if),
    row("multiIf", multi_if).alias("caseWithoutExpression"),
    row("coalesce", coalesce).any_case(),
    row("ifNull", if_null).any_case(),
    row("firstNonDefault", first_non_default).any_case(),
    row("nullIf", null_if).any_case(),
    row("isNull", |request| null_test(request, true)).any_case(),
    row("isNotNull", |request| null_test(request, false)),
    Definition::new("isZeroOrNull", is_zero_or_null).sees_nulls(),
    row("isNullable", is_nullable),
    row("assumeNotNull", assume_not_null),
    row("toNullable", to_nullable),
];

/// The common type of alternatives, LowCardinality dropped.
fn alternative_type<'a>(types: impl IntoIterator<Item = &'a DataType>) -> Result<DataType> {
    common_type(&types.into_iter().map(plain).collect::<Vec<_>>())
}

/// `multiIf(c1, v1, c2, v2, …, otherwise)`; `if` is the one with three arguments.
fn multi_if(request: &Request<'_>) -> Result<Resolved> {
    let is_if = request.name == "if";
    request.arity(3..=if is_if { 3 } else { usize::MAX })?;
    if request.args.len().is_multiple_of(2) {
        let expected = "an odd number of".to_owned();
        return Err(Error::ArgumentCount { function: request.name.to_owned(), expected, got: request.args.len() });
    }
    let branches = request.args.len() / 2;
    for condition in 0..branches {
        if !matches!(request.ty(condition * 2).base(), DataType::UInt8 | DataType::Bool | DataType::Nothing) {
            return Err(request.wrong_type(condition * 2, "UInt8, Bool or Nullable of them"));
        }
    }
    let values: Vec<usize> = (0..branches).map(|i| i * 2 + 1).chain([branches * 2]).collect();
    let result = alternative_type(values.iter().map(|&i| request.ty(i)))?;
    let converters = converters(values.iter().map(|&i| request.ty(i)), &result, request.context)?;
    Ok(Resolved::new(result, move |args: &[Operand], call: &Call| {
        let conditions = (0..branches)
            .map(|i| Ok((conditions(args[i * 2].array())?, args[i * 2].is_constant())))
            .collect::<Result<Vec<_>>>()?;
        let holds = |i: usize, row: usize| {
            let (condition, constant) = &conditions[i];
            condition.value(if *constant { 0 } else { row })
        };
        let choice = |row| (0..branches).find(|&i| holds(i, row)).unwrap_or(branches);
        choose(&values.iter().map(|&i| &args[i]).collect::<Vec<_>>(), &converters, call, choice)
    }))
}

/// For each row the value of the chosen alternative.
fn choose(
    values: &[&Operand],
    converters: &[Converter],
    call: &Call,
    choice: impl Fn(usize) -> usize,
) -> Result<ArrayRef> {
    let choices: Vec<usize> = (0..call.rows).map(choice).collect();
    if let Some(first) = choices.first()
        && choices.iter().all(|choice| choice == first)
    {
        return converters[*first].full(values[*first], call.rows);
    }
    let mut arrays = Vec::with_capacity(values.len());
    for (i, (value, converter)) in values.iter().zip(converters).enumerate() {
        // what no row takes need not be convertible
        arrays.push(if choices.contains(&i) { Some(converter.operand(value)?) } else { None });
    }
    let used: Vec<&Operand> = arrays.iter().flatten().collect();
    let place: Vec<usize> = arrays
        .iter()
        .scan(0, |next, array| {
            let at = *next;
            *next += usize::from(array.is_some());
            Some(at)
        })
        .collect();
    let positions: Vec<(usize, usize)> =
        choices.iter().enumerate().map(|(row, &i)| (place[i], used[place[i]].index(row))).collect();
    let arrays: Vec<&dyn Array> = used.iter().map(|operand| operand.array().as_ref()).collect();
    if arrays.is_empty() {
        return converters[0].full(values[0], call.rows);
    }
    Ok(arrow::compute::interleave(&arrays, &positions)?)
}

fn only_null(ty: &DataType) -> bool {
    ty.is_nullable() && *ty.base() == DataType::Nothing
}

/// The first argument that is not NULL. Arguments behind one that never is are not looked at.
fn coalesce(request: &Request<'_>) -> Result<Resolved> {
    let mut used: Vec<usize> = Vec::new();
    for (i, arg) in request.args.iter().enumerate().filter(|(_, arg)| !only_null(&arg.ty)) {
        used.push(i);
        if !arg.ty.is_nullable() {
            break;
        }
    }
    let Some(&last) = used.last() else {
        return Ok(Resolved::new(DataType::nullable(DataType::Nothing), |_: &[Operand], call: &Call| {
            Ok(new_null_array(&ArrowType::Null, call.rows))
        }));
    };
    if let [only] = used[..] {
        return Ok(pass(request.ty(only).clone(), only));
    }
    let types: Vec<DataType> = used.iter().map(|&i| plain(request.ty(i)).remove_nullable()).collect();
    let mut result = common_type(&types)?;
    if request.ty(last).is_nullable() {
        result = result.to_nullable();
    }
    let converters = used
        .iter()
        .map(|&i| {
            let to = if request.ty(i).is_nullable() { result.to_nullable() } else { result.clone() };
            Converter::new(request.ty(i), &to, request.context)
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Resolved::new(result.clone(), move |args: &[Operand], call: &Call| {
        let values: Vec<&Operand> = used.iter().map(|&i| &args[i]).collect();
        let nulls: Vec<_> = values.iter().map(|value| (value.array().logical_nulls(), value.is_constant())).collect();
        let valid = |i: usize, row: usize| {
            let (nulls, constant) = &nulls[i];
            nulls.as_ref().is_none_or(|nulls| nulls.is_valid(if *constant { 0 } else { row }))
        };
        let choice = |row| (0..values.len()).find(|&i| valid(i, row)).unwrap_or(values.len() - 1);
        choose(&values, &converters, call, choice)
    }))
}

/// Argument `i` as it is.
fn pass(ty: DataType, i: usize) -> Resolved {
    Resolved::new(ty, move |args: &[Operand], call: &Call| args[i].expand(call.rows))
}

/// `ifNull(value, otherwise)`: `coalesce` of two.
fn if_null(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    coalesce(request)
}

/// The first argument that is neither NULL nor its type's default.
fn first_non_default(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=usize::MAX)?;
    let result = alternative_type(request.args.iter().map(|arg| &arg.ty))?;
    let converters = converters(request.args.iter().map(|arg| &arg.ty), &result, request.context)?;
    let ty = result.clone();
    Ok(Resolved::new(result, move |args: &[Operand], call: &Call| {
        let arrays =
            args.iter().zip(&converters).map(|(arg, to)| to.full(arg, call.rows)).collect::<Result<Vec<_>>>()?;
        let default = ty.remove_nullable().default_array(1);
        let mut keys = Vec::with_capacity(arrays.len());
        for array in &arrays {
            keys.push(order::keys_of_two(array, &default)?);
        }
        let last = arrays.len() - 1;
        let set = |i: usize, row: usize| arrays[i].is_valid(row) && keys[i].0.row(row) != keys[i].1.row(0);
        let positions: Vec<(usize, usize)> =
            (0..call.rows).map(|row| ((0..last).find(|&i| set(i, row)).unwrap_or(last), row)).collect();
        let arrays: Vec<&dyn Array> = arrays.iter().map(|array| array.as_ref()).collect();
        Ok(arrow::compute::interleave(&arrays, &positions)?)
    }))
}

/// NULL where both arguments are equal, else the first.
fn null_if(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let (left, right) = (request.ty(0).clone(), request.ty(1).clone());
    if !left.remove_low_cardinality().remove_nullable().can_be_inside_nullable() {
        return Err(request.wrong_type(0, "a type that can be inside Nullable"));
    }
    if only_null(&left) || only_null(&right) {
        return Ok(pass_nullable(left.to_nullable()));
    }
    let common = alternative_type([&left, &right])?.to_nullable();
    let (from_left, from_right) =
        (Converter::new(&left, &common, request.context)?, Converter::new(&right, &common, request.context)?);
    Ok(Resolved::new(left.to_nullable(), move |args: &[Operand], call: &Call| {
        let value = args[0].expand(call.rows)?;
        let (a, b) = (from_left.full(&args[0], call.rows)?, from_right.full(&args[1], call.rows)?);
        let keys = order::keys_of_two(&a, &b)?;
        let nan = order::nan_rows(&a);
        let equal = |row| {
            a.is_valid(row) && keys.0.row(row) == keys.1.row(row) && !nan.as_ref().is_some_and(|nan| nan.value(row))
        };
        let equal: BooleanArray = (0..call.rows).map(|row| Some(equal(row))).collect();
        Ok(arrow::compute::nullif(&value, &equal)?)
    }))
}

/// The first argument, its type being said to be `ty`.
fn pass_nullable(ty: DataType) -> Resolved {
    pass(ty, 0)
}

/// `isNull` (`null` = 1) or `isNotNull`.
fn null_test(request: &Request<'_>, null: bool) -> Result<Resolved> {
    request.arity(1..=1)?;
    Ok(Resolved::new(DataType::UInt8, move |args: &[Operand], call: &Call| {
        let array = args[0].expand(call.rows)?;
        let values: UInt8Array = match array.logical_nulls() {
            Some(nulls) => nulls.iter().map(|valid| u8::from(valid != null)).collect::<Vec<_>>().into(),
            None => vec![u8::from(!null); call.rows].into(),
        };
        Ok(Arc::new(values))
    }))
}

fn is_zero_or_null(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    if !request.ty(0).base().is_number() && *request.ty(0).base() != DataType::Nothing {
        return Err(request.wrong_type(0, "a number"));
    }
    let zero = request.ty(0).remove_nullable().default_array(1);
    Ok(Resolved::new(DataType::UInt8, move |args: &[Operand], call: &Call| {
        let array = args[0].expand(call.rows)?;
        if array.data_type().is_null() {
            return Ok(Arc::new(UInt8Array::from(vec![1; call.rows])));
        }
        let (keys, zero) = order::keys_of_two(&array, &zero)?;
        let zero_or_null = |row| u8::from(array.is_null(row) || keys.row(row) == zero.row(0));
        Ok(Arc::new(UInt8Array::from_iter_values((0..call.rows).map(zero_or_null))))
    }))
}

fn is_nullable(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let nullable = u8::from(request.ty(0).is_nullable());
    Ok(Resolved::new(DataType::UInt8, move |_: &[Operand], call: &Call| {
        Ok(Arc::new(UInt8Array::from(vec![nullable; call.rows])))
    }))
}

/// The value below a NULL is the type's default here: columns keep nothing else.
fn assume_not_null(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    if only_null(request.ty(0)) {
        return Err(request.not_constant(0));
    }
    let ty = request.ty(0).remove_nullable();
    Ok(Resolved::new(ty.clone(), move |args: &[Operand], call: &Call| {
        let array = args[0].expand(call.rows)?;
        if array.null_count() == 0 { Ok(array) } else { crate::cast::fill_nulls(&array, ty.base()) }
    }))
}

fn to_nullable(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let ty = request.ty(0).to_nullable();
    if !ty.is_nullable() {
        return Err(request.wrong_type(0, "a type that can be inside Nullable"));
    }
    Ok(pass_nullable(ty))
}
