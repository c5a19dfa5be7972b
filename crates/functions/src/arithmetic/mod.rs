//! The arithmetic operators and functions: which kernel a pair of types takes.
//!
//! ```text
//! numbers │ decimals │ times (dates ± numbers, intervals, times) │ elementwise (tuples, arrays)
//! division (intDiv, modulo, gcd) │ unary (negate, abs, sign) │ bits │ extremes (greatest, least)
//! ```

pub(crate) mod bits;
mod decimals;
pub(crate) mod division;
pub(crate) mod elementwise;
pub(crate) mod extremes;
pub(crate) mod numbers;
pub(crate) mod result_type;
mod times;
pub(crate) mod unary;

pub(crate) use decimals::decimal_column;
use types::DataType;

use crate::error::Result;
use crate::frame::{Definition, Resolved};
use crate::request::Request;
use result_type::{mixes, traits};

/// The four operators of school.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Operator {
    Plus,
    Minus,
    Multiply,
    Divide,
}

pub(crate) const OPERATORS: &[Definition] = &[
    Definition::new("plus", resolve_operator).masks_nulls(),
    Definition::new("minus", resolve_operator).masks_nulls(),
    Definition::new("multiply", resolve_operator).masks_nulls(),
    Definition::new("divide", resolve_operator).masks_nulls(),
    Definition::new("divideOrNull", divide_or_null).sees_nulls(),
    Definition::new("tuplePlus", over_tuples),
    Definition::new("tuplePlus", over_tuples).alias("vectorSum").any_case(),
    Definition::new("tupleMinus", over_tuples),
    Definition::new("tupleMinus", over_tuples).alias("vectorDifference").any_case(),
    Definition::new("tupleMultiply", over_tuples),
    Definition::new("tupleDivide", over_tuples),
    Definition::new("tupleMultiplyByNumber", over_tuples),
    Definition::new("tupleDivideByNumber", over_tuples),
];

fn operator_of(name: &str) -> Operator {
    match name {
        "plus" => Operator::Plus,
        "minus" => Operator::Minus,
        "multiply" => Operator::Multiply,
        _ => Operator::Divide,
    }
}

fn resolve_operator(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let operator = operator_of(request.name);
    let (left, right) = (request.ty(0), request.ty(1));
    if let (Some(a), Some(b)) = (traits(left), traits(right)) {
        let result = match operator {
            Operator::Divide => DataType::Float64,
            _ if !mixes(a, b) => return Err(request.wrong_types()),
            Operator::Plus | Operator::Multiply => result_type::sum(a, b),
            Operator::Minus => result_type::difference(a, b),
        };
        return Ok(numbers::operation(operator, left, right, result));
    }
    let timely = |ty: &DataType| ty.is_date_or_time() || matches!(ty, DataType::Interval(_));
    if timely(left) || timely(right) {
        return times::resolve(request, operator);
    }
    let decimal = |ty: &DataType| ty.is_decimal() || ty.is_number();
    if decimal(left) && decimal(right) {
        return decimals::resolve(request, operator);
    }
    elementwise::resolve(request)
}

/// `a / b`, NULL where b is 0.
fn divide_or_null(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let divide = crate::resolve::resolve("divide", request.args, request.context)?;
    let result = divide.result.to_nullable();
    Ok(Resolved::new(result, move |args, call| {
        let quotient = divide.run(args, call)?;
        let floats = arrow::compute::cast(&quotient, &arrow::datatypes::DataType::Float64)?;
        let floats = arrow::array::AsArray::as_primitive::<arrow::datatypes::Float64Type>(&floats);
        let infinite: arrow::array::BooleanArray = floats.iter().map(|v| v.map(|v| !v.is_finite())).collect();
        Ok(arrow::compute::nullif(&quotient, &infinite)?)
    }))
}

/// `tuplePlus` and its kin are the operators, over tuples only.
fn over_tuples(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let name = match request.name {
        "tuplePlus" => "plus",
        "tupleMinus" => "minus",
        "tupleMultiply" | "tupleMultiplyByNumber" => "multiply",
        _ => "divide",
    };
    if !matches!(request.ty(0), DataType::Tuple(_)) {
        return Err(request.wrong_type(0, "Tuple"));
    }
    let both = matches!((request.ty(0), request.ty(1)), (DataType::Tuple(_), DataType::Tuple(_)));
    if both && name == "multiply" {
        return elementwise::products(request);
    }
    elementwise::resolve(&Request { name, args: request.args, context: request.context })
}

#[cfg(test)]
mod tests;
