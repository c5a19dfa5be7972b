//! Functions of real numbers: `exp`, `log`, `sqrt`, `pow`, trigonometry, `erf`, `tgamma`. The result is Float64.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, UInt64Array};
use arrow::datatypes::Float64Type;
use types::DataType;

use crate::arithmetic::numbers::{plain, to_carrier};
use crate::cast::cast;
use crate::error::Result;
use crate::frame::{Definition, Operand, Resolved};
use crate::request::Request;

type Of = fn(f64) -> f64;
type OfTwo = fn(f64, f64) -> f64;

const UNARY: &[(&str, Of)] = &[
    ("exp", f64::exp),
    ("exp2", f64::exp2),
    ("exp10", |x| 10f64.powf(x)),
    ("log", f64::ln),
    ("log2", f64::log2),
    ("log10", f64::log10),
    ("log1p", f64::ln_1p),
    ("sqrt", f64::sqrt),
    ("cbrt", f64::cbrt),
    ("sin", f64::sin),
    ("cos", f64::cos),
    ("tan", f64::tan),
    ("asin", f64::asin),
    ("acos", f64::acos),
    ("atan", f64::atan),
    ("sinh", f64::sinh),
    ("cosh", f64::cosh),
    ("tanh", f64::tanh),
    ("asinh", libm::asinh),
    ("acosh", libm::acosh),
    ("atanh", libm::atanh),
    ("erf", libm::erf),
    ("erfc", libm::erfc),
    ("lgamma", libm::lgamma),
    ("tgamma", libm::tgamma),
    ("degrees", |x| x * (180.0 / std::f64::consts::PI)),
    ("radians", |x| x * (std::f64::consts::PI / 180.0)),
    ("sigmoid", |x| 1.0 / (1.0 + (-x).exp())),
];

const BINARY: &[(&str, OfTwo)] = &[("pow", power), ("atan2", f64::atan2), ("hypot", f64::hypot)];

/// Whole powers by multiplying, which is exact where the result is.
fn power(base: f64, exponent: f64) -> f64 {
    base.powf(exponent)
}

const fn unary(name: &'static str) -> Definition {
    Definition::new(name, of_one).masks_nulls().any_case()
}

const fn cased(name: &'static str) -> Definition {
    Definition::new(name, of_one).masks_nulls()
}

const fn binary(name: &'static str) -> Definition {
    Definition::new(name, of_two).masks_nulls().any_case()
}

const fn constant(name: &'static str) -> Definition {
    Definition::new(name, a_constant)
}

pub(crate) const ELEMENTARY: &[Definition] = &[
    unary("exp"),
    cased("exp2"),
    cased("exp10"),
    unary("log"),
    unary("log").alias("ln").any_case(),
    unary("log2"),
    unary("log10"),
    cased("log1p"),
    unary("sqrt"),
    cased("cbrt"),
    unary("sin"),
    unary("cos"),
    unary("tan"),
    unary("asin"),
    unary("acos"),
    unary("atan"),
    cased("sinh"),
    cased("cosh"),
    unary("tanh"),
    cased("asinh"),
    cased("acosh"),
    cased("atanh"),
    cased("erf"),
    cased("erfc"),
    cased("lgamma"),
    cased("tgamma"),
    unary("degrees"),
    unary("radians"),
    cased("sigmoid"),
    binary("pow"),
    binary("pow").alias("power").any_case(),
    binary("atan2"),
    binary("hypot"),
    constant("pi").any_case(),
    constant("e"),
    Definition::new("factorial", factorial).any_case(),
    Definition::new("intExp2", whole_power),
    Definition::new("intExp10", whole_power),
];

fn check(request: &Request<'_>, i: usize) -> Result<DataType> {
    let ty = request.ty(i);
    if ty.is_number() { Ok(ty.clone()) } else { Err(request.wrong_type(i, "a number")) }
}

fn of_one(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let from = check(request, 0)?;
    let Some((_, of)) = UNARY.iter().find(|(name, _)| *name == request.name) else { return Err(request.wrong_types()) };
    let of = *of;
    Ok(Resolved::new(DataType::Float64, move |args, call| {
        let floats = to_carrier(&args[0], &from, &DataType::Float64)?.expand(call.rows)?;
        Ok(Arc::new(floats.as_primitive::<Float64Type>().unary::<_, Float64Type>(of)))
    }))
}

fn of_two(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let (left, right) = (check(request, 0)?, check(request, 1)?);
    let Some((_, of)) = BINARY.iter().find(|(name, _)| *name == request.name) else {
        return Err(request.wrong_types());
    };
    let of = *of;
    Ok(Resolved::new(DataType::Float64, move |args, call| {
        let a = to_carrier(&args[0], &left, &DataType::Float64)?;
        let b = to_carrier(&args[1], &right, &DataType::Float64)?;
        let (x, y) = (floats(&a), floats(&b));
        let values = (0..call.rows).map(|row| of(x.value(a.index(row)), y.value(b.index(row))));
        Ok(Arc::new(Float64Array::from(values.collect::<Vec<_>>())))
    }))
}

fn floats(operand: &Operand) -> &Float64Array {
    operand.array().as_primitive::<Float64Type>()
}

fn a_constant(request: &Request<'_>) -> Result<Resolved> {
    request.arity(0..=0)?;
    let value = if request.name == "pi" { std::f64::consts::PI } else { std::f64::consts::E };
    Ok(Resolved::new(DataType::Float64, move |_, call| Ok(Arc::new(Float64Array::from(vec![value; call.rows])))))
}

/// n! up to 20, the largest that 64 bits hold.
fn factorial(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let from = check(request, 0)?;
    if !from.is_integer() {
        return Err(request.wrong_type(0, "an integer"));
    }
    Ok(Resolved::new(DataType::UInt64, move |args, call| {
        let longs = cast(&args[0].expand(call.rows)?, &from, &DataType::Int64, &plain())?;
        let values = longs
            .as_primitive::<arrow::datatypes::Int64Type>()
            .iter()
            .map(|n| match n.unwrap_or(0) {
                n if n > 20 => Err(crate::error::Error::BadArgument {
                    function: "factorial".to_owned(),
                    reason: format!("{n}! does not fit in 64 bits; at most 20!"),
                }),
                n => Ok((1..=n.max(0) as u64).product::<u64>()),
            })
            .collect::<Result<Vec<_>>>()?;
        debug_assert_eq!(values.len(), call.rows);
        Ok(Arc::new(UInt64Array::from(values)) as ArrayRef)
    }))
}

/// 2 or 10 to a whole power: 0 below, the largest number above.
fn whole_power(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let from = check(request, 0)?;
    let (base, most): (u64, u32) = if request.name == "intExp2" { (2, 63) } else { (10, 19) };
    Ok(Resolved::new(DataType::UInt64, move |args, call| {
        let longs = cast(&args[0].expand(call.rows)?, &from, &DataType::Int64, &plain())?;
        let power = |n: i64| match u32::try_from(n) {
            Err(_) if n < 0 => 0,
            Ok(n) if n <= most => base.pow(n),
            _ => u64::MAX,
        };
        Ok(Arc::new(
            longs.as_primitive::<arrow::datatypes::Int64Type>().unary::<_, arrow::datatypes::UInt64Type>(power),
        ))
    }))
}
