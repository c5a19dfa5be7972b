//! Operators over tuples (element by element, or with a number on one side) and arrays.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StructArray};
use types::{DataType, TupleField};

use crate::columns::{Lists, tuples};
use crate::error::{Error, Result};
use crate::frame::{Arg, Call, Function, Operand, Resolved};
use crate::request::Request;
use crate::resolve::resolve as resolve_function;

/// An operator whose arguments are no plain numbers.
pub(super) fn resolve(request: &Request<'_>) -> Result<Resolved> {
    match (request.ty(0), request.ty(1)) {
        (DataType::Tuple(a), DataType::Tuple(b)) if a.len() == b.len() && request.name == "multiply" => {
            dot_product(request, a, b)
        }
        (DataType::Tuple(a), DataType::Tuple(b)) if a.len() == b.len() => {
            let pairs: Vec<(DataType, DataType)> =
                a.iter().zip(b.iter()).map(|(a, b)| (a.ty.clone(), b.ty.clone())).collect();
            over_tuples(request, &pairs, Sides::Both)
        }
        (DataType::Tuple(fields), number) if number.is_number() && is_scaling(request.name) => {
            let pairs: Vec<_> = fields.iter().map(|field| (field.ty.clone(), number.clone())).collect();
            over_tuples(request, &pairs, Sides::Left)
        }
        (number, DataType::Tuple(fields)) if number.is_number() && request.name == "multiply" => {
            let pairs: Vec<_> = fields.iter().map(|field| (number.clone(), field.ty.clone())).collect();
            over_tuples(request, &pairs, Sides::Right)
        }
        (DataType::Array(a), DataType::Array(b)) if matches!(request.name, "plus" | "minus") => {
            over_arrays(request, a, b)
        }
        _ => Err(request.wrong_types()),
    }
}

fn is_scaling(name: &str) -> bool {
    matches!(name, "multiply" | "divide" | "intDiv" | "intDivOrZero" | "modulo")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sides {
    Both,
    Left,
    Right,
}

fn bind(request: &Request<'_>, left: &DataType, right: &DataType) -> Result<Function> {
    resolve_function(request.name, &[Arg::column(left.clone()), Arg::column(right.clone())], request.context)
}

fn over_tuples(request: &Request<'_>, pairs: &[(DataType, DataType)], sides: Sides) -> Result<Resolved> {
    let functions = pairs.iter().map(|(a, b)| bind(request, a, b)).collect::<Result<Vec<_>>>()?;
    let result = DataType::tuple(functions.iter().map(|function| function.result.clone()));
    Ok(Resolved::new(result, move |args, call| {
        let columns = functions
            .iter()
            .enumerate()
            .map(|(i, function)| {
                let left = if sides == Sides::Right { args[0].clone() } else { element(&args[0], i) };
                let right = if sides == Sides::Left { args[1].clone() } else { element(&args[1], i) };
                function.run(&[left, right], call)
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(tuples(columns, call.rows))
    }))
}

/// Element `i` of a tuple operand.
pub(crate) fn element(operand: &Operand, i: usize) -> Operand {
    let tuple: &StructArray = operand.array().as_struct();
    let column = tuple.column(i).clone();
    if operand.is_constant() { Operand::Constant(column) } else { Operand::Full(column) }
}

/// The sum of the products of the elements.
fn dot_product(request: &Request<'_>, a: &[TupleField], b: &[TupleField]) -> Result<Resolved> {
    let products = a.iter().zip(b).map(|(a, b)| bind(request, &a.ty, &b.ty)).collect::<Result<Vec<_>>>()?;
    let Some((first, rest)) = products.split_first() else { return Err(request.wrong_types()) };
    let mut sums = Vec::new();
    let mut total = first.result.clone();
    for product in rest {
        let args = [Arg::column(total), Arg::column(product.result.clone())];
        let sum = resolve_function("plus", &args, request.context)?;
        total = sum.result.clone();
        sums.push(sum);
    }
    Ok(Resolved::new(total, move |args, call| {
        let product = |i: usize| products[i].run(&[element(&args[0], i), element(&args[1], i)], call);
        let mut total = product(0)?;
        for (i, sum) in sums.iter().enumerate() {
            total = sum.run(&[Operand::Full(total), Operand::Full(product(i + 1)?)], call)?;
        }
        Ok(total)
    }))
}

fn over_arrays(request: &Request<'_>, a: &DataType, b: &DataType) -> Result<Resolved> {
    let function = bind(request, a, b)?;
    let name = request.name.to_owned();
    Ok(Resolved::new(DataType::array(function.result.clone()), move |args, call| {
        let (left, right) = (Lists::of(&args[0], call.rows)?, Lists::of(&args[1], call.rows)?);
        if !left.offsets.lengths().eq(right.offsets.lengths()) {
            return Err(Error::ArrayLengths(name.clone()));
        }
        let inner = Call { rows: left.elements.len(), time: call.time.clone() };
        let elements: ArrayRef =
            function.run(&[Operand::Full(left.elements.clone()), Operand::Full(right.elements.clone())], &inner)?;
        Ok(left.with_elements(Arc::clone(&elements)))
    }))
}

/// `negate` and `abs` over each element of a tuple.
pub(super) fn unary(request: &Request<'_>) -> Result<Resolved> {
    let DataType::Tuple(fields) = request.ty(0) else {
        return Err(request.wrong_type(0, "a number"));
    };
    let functions = fields
        .iter()
        .map(|field| resolve_function(request.name, &[Arg::column(field.ty.clone())], request.context))
        .collect::<Result<Vec<_>>>()?;
    let result = DataType::tuple(functions.iter().map(|function| function.result.clone()));
    Ok(Resolved::new(result, move |args, call| {
        let columns = functions
            .iter()
            .enumerate()
            .map(|(i, function)| function.run(&[element(&args[0], i)], call))
            .collect::<Result<Vec<_>>>()?;
        Ok(tuples(columns, call.rows))
    }))
}

/// The products of the elements, as a tuple.
pub(super) fn products(request: &Request<'_>) -> Result<Resolved> {
    let (DataType::Tuple(a), DataType::Tuple(b)) = (request.ty(0), request.ty(1)) else {
        return Err(request.wrong_types());
    };
    if a.len() != b.len() {
        return Err(request.wrong_types());
    }
    let pairs: Vec<_> = a.iter().zip(b.iter()).map(|(a, b)| (a.ty.clone(), b.ty.clone())).collect();
    over_tuples(&Request { name: "multiply", args: request.args, context: request.context }, &pairs, Sides::Both)
}
