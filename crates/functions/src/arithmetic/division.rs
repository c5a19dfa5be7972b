//! `intDiv`, `modulo`, `positiveModulo`, `gcd`, `lcm` and their OrZero and OrNull variants.
//!
//! Dividing an integer by zero, or the smallest number by -1, is ILLEGAL_DIVISION in the plain ones.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::array::{ArrayRef, ArrowPrimitiveType, Float64Array, PrimitiveBuilder};
use arrow::datatypes::{Float64Type, Int64Type, UInt64Type, i256};
use types::DataType;

use super::numbers::{Integers, plain, to_carrier};
use super::result_type::{self, traits};
use crate::cast::cast;
use crate::error::{Error, Result};
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;
use crate::wide;

/// What is computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Operation {
    IntDiv,
    Modulo,
    PositiveModulo,
    Gcd,
    Lcm,
}

/// What a division by zero gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ByZero {
    Error,
    Zero,
    Null,
}

const POSITIVE: Definition = Definition::new("positiveModulo", resolve_integers).any_case();
const MODULO: Definition = Definition::new("modulo", resolve_integers);

const MODULO_OR_NULL: Definition = Definition::new("moduloOrNull", resolve_integers);
const POSITIVE_OR_NULL: Definition = Definition::new("positiveModuloOrNull", resolve_integers).any_case();

pub(crate) const DIVISIONS: &[Definition] = &[
    Definition::new("intDiv", resolve_integers),
    Definition::new("intDivOrZero", resolve_integers),
    Definition::new("intDivOrNull", resolve_integers),
    MODULO,
    MODULO.alias("mod").any_case(),
    Definition::new("moduloOrZero", resolve_integers),
    MODULO_OR_NULL,
    MODULO_OR_NULL.alias("modOrNull").any_case(),
    POSITIVE,
    POSITIVE.alias("positive_modulo").any_case(),
    POSITIVE.alias("pmod").any_case(),
    POSITIVE_OR_NULL,
    POSITIVE_OR_NULL.alias("positive_modulo_or_null").any_case(),
    POSITIVE_OR_NULL.alias("pmodOrNull").any_case(),
    Definition::new("gcd", resolve_integers),
    Definition::new("lcm", resolve_integers),
];

fn parts(name: &str) -> (Operation, ByZero) {
    let by_zero = if name.ends_with("OrZero") {
        ByZero::Zero
    } else if name.ends_with("OrNull") {
        ByZero::Null
    } else {
        ByZero::Error
    };
    let operation = match name.trim_end_matches("OrZero").trim_end_matches("OrNull") {
        "intDiv" => Operation::IntDiv,
        "positiveModulo" => Operation::PositiveModulo,
        "gcd" => Operation::Gcd,
        "lcm" => Operation::Lcm,
        _ => Operation::Modulo,
    };
    (operation, by_zero)
}

fn resolve_integers(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let (operation, by_zero) = parts(request.name);
    if request.ty(0).is_decimal() || request.ty(1).is_decimal() {
        return over_decimals(request, operation);
    }
    let (Some(a), Some(b)) = (traits(request.ty(0)), traits(request.ty(1))) else {
        return super::elementwise::resolve(request);
    };
    let result = match operation {
        Operation::IntDiv => result_type::integer_division(a, b),
        Operation::Modulo => result_type::modulo(a, b),
        Operation::PositiveModulo => result_type::positive_modulo(a, b),
        Operation::Gcd | Operation::Lcm if a.float || b.float => return Err(request.wrong_types()),
        Operation::Gcd | Operation::Lcm => result_type::sum(a, b),
    };
    let division = Division {
        name: request.name.to_owned(),
        operation,
        by_zero,
        types: (request.ty(0).clone(), request.ty(1).clone()),
        result: result.clone(),
    };
    let floats = a.float || b.float;
    let shown = if by_zero == ByZero::Null { DataType::nullable(result) } else { result };
    Ok(Resolved::new(
        shown,
        move |args, call| {
            if floats { division.over_floats(args, call) } else { division.over_integers(args, call) }
        },
    ))
}

struct Division {
    name: String,
    operation: Operation,
    by_zero: ByZero,
    types: (DataType, DataType),
    result: DataType,
}

impl Division {
    /// What a row without an answer becomes.
    fn no_answer<T: Default>(&self) -> Result<Option<T>> {
        match self.by_zero {
            ByZero::Error => Err(Error::DivisionByZero(self.name.clone())),
            ByZero::Zero => Ok(Some(T::default())),
            ByZero::Null => Ok(None),
        }
    }

    fn over_floats(&self, args: &[Operand], call: &Call) -> Result<ArrayRef> {
        let a = to_carrier(&args[0], &self.types.0, &DataType::Float64)?;
        let b = to_carrier(&args[1], &self.types.1, &DataType::Float64)?;
        let (left, right) = (a.array().as_primitive::<Float64Type>(), b.array().as_primitive::<Float64Type>());
        let mut values = Vec::with_capacity(call.rows);
        for row in 0..call.rows {
            let (x, y) = (left.value(a.index(row)), right.value(b.index(row)));
            values.push(match self.operation {
                Operation::IntDiv if y == 0.0 || !(x / y).is_finite() => self.no_answer()?,
                Operation::IntDiv => Some(x / y),
                Operation::PositiveModulo => Some(positive_remainder(x, y)),
                _ if y == 0.0 && self.by_zero != ByZero::Error => self.no_answer()?,
                _ => Some(x % y),
            });
        }
        let floats: ArrayRef = Arc::new(Float64Array::from(values));
        cast(&floats, &DataType::Float64, &DataType::nullable(self.result.clone()), &plain())
    }

    fn over_integers(&self, args: &[Operand], call: &Call) -> Result<ArrayRef> {
        let is_short = |ty: &DataType| ty.integer_width().unwrap_or(1) <= 8;
        let is_unsigned = |ty: &DataType| traits(ty).is_some_and(|of| !of.signed);
        let (x, y) = (&self.types.0, &self.types.1);
        if is_short(x) && is_short(y) {
            if is_unsigned(x) && is_unsigned(y) {
                let operate = |x, y| unsigned_operation(self.operation, x, y);
                return self.by_row::<UInt64Type>(&DataType::UInt64, args, call, operate);
            }
            if *x != DataType::UInt64 && *y != DataType::UInt64 {
                let smallest = smallest_of(x);
                let overflows = |x, y| y == -1 && Some(x) == smallest;
                let operate = |x, y| if overflows(x, y) { None } else { long_operation(self.operation, x, y) };
                return self.by_row::<Int64Type>(&DataType::Int64, args, call, operate);
            }
        }
        let (a, b) = (Integers::of(&args[0], &self.types.0)?, Integers::of(&args[1], &self.types.1)?);
        let unsigned = self.types.0 == DataType::UInt256 || self.types.1 == DataType::UInt256;
        let values = (0..call.rows)
            .map(|row| match (a.get(row), b.get(row)) {
                (Some(a), Some(b)) => match wide_operation(self.operation, a, b, unsigned) {
                    Some(value) => Ok(Some(value)),
                    None => self.no_answer(),
                },
                _ => Ok(None),
            })
            .collect::<Result<Vec<_>>>()?;
        let wide = if unsigned { DataType::UInt256 } else { DataType::Int256 };
        let column = wide::column(&wide, values)?;
        cast(&column, &wide, &DataType::nullable(self.result.clone()), &plain())
    }

    /// Row by row in the type that carries both operands.
    fn by_row<T: ArrowPrimitiveType>(
        &self,
        carrier: &DataType,
        args: &[Operand],
        call: &Call,
        operate: impl Fn(T::Native, T::Native) -> Option<T::Native>,
    ) -> Result<ArrayRef> {
        let a = to_carrier(&args[0], &self.types.0, carrier)?;
        let b = to_carrier(&args[1], &self.types.1, carrier)?;
        let (left, right) = (a.array().as_primitive::<T>(), b.array().as_primitive::<T>());
        let mut values = PrimitiveBuilder::<T>::with_capacity(call.rows);
        for row in 0..call.rows {
            match operate(left.value(a.index(row)), right.value(b.index(row))) {
                Some(value) => values.append_value(value),
                None => values.append_option(self.no_answer()?),
            }
        }
        let values: ArrayRef = Arc::new(values.finish());
        cast(&values, carrier, &DataType::nullable(self.result.clone()), &plain())
    }
}

/// The number whose division by -1 overflows.
fn smallest_of(ty: &DataType) -> Option<i64> {
    match ty {
        DataType::Int8 => Some(i8::MIN.into()),
        DataType::Int16 => Some(i16::MIN.into()),
        DataType::Int32 => Some(i32::MIN.into()),
        DataType::Int64 => Some(i64::MIN),
        _ => None,
    }
}

fn long_operation(operation: Operation, a: i64, b: i64) -> Option<i64> {
    if b == 0 || (a == 0 && matches!(operation, Operation::Gcd | Operation::Lcm)) {
        return None;
    }
    Some(match operation {
        Operation::IntDiv => a.checked_div(b)?,
        Operation::Modulo => a.checked_rem(b)?,
        Operation::PositiveModulo => {
            let rest = a.checked_rem(b)?;
            if rest < 0 { rest.wrapping_add(b.wrapping_abs()) } else { rest }
        }
        Operation::Gcd => gcd(a.unsigned_abs(), b.unsigned_abs()) as i64,
        Operation::Lcm => {
            let (a, b) = (a.unsigned_abs(), b.unsigned_abs());
            (a / gcd(a, b)).wrapping_mul(b) as i64
        }
    })
}

fn unsigned_operation(operation: Operation, a: u64, b: u64) -> Option<u64> {
    if b == 0 || (a == 0 && matches!(operation, Operation::Gcd | Operation::Lcm)) {
        return None;
    }
    Some(match operation {
        Operation::IntDiv => a / b,
        Operation::Modulo | Operation::PositiveModulo => a % b,
        Operation::Gcd => gcd(a, b),
        Operation::Lcm => (a / gcd(a, b)).wrapping_mul(b),
    })
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn wide_operation(operation: Operation, a: i256, b: i256, unsigned: bool) -> Option<i256> {
    if b == i256::ZERO || (a == i256::ZERO && matches!(operation, Operation::Gcd | Operation::Lcm)) {
        return None;
    }
    let divide = |a: i256, b: i256| -> Option<(i256, i256)> {
        if unsigned {
            return wide::divide_unsigned(a, b);
        }
        Some((a.checked_div(b)?, a.checked_rem(b)?))
    };
    match operation {
        Operation::IntDiv => divide(a, b).map(|(quotient, _)| quotient),
        Operation::Modulo => divide(a, b).map(|(_, rest)| rest),
        Operation::PositiveModulo => divide(a, b)
            .map(|(_, rest)| if rest.is_negative() && !unsigned { rest.wrapping_add(b.wrapping_abs()) } else { rest }),
        Operation::Gcd | Operation::Lcm => {
            let (x, y) = if unsigned { (a, b) } else { (a.wrapping_abs(), b.wrapping_abs()) };
            let (mut p, mut q) = (x, y);
            while q != i256::ZERO {
                (p, q) = (q, divide(p, q)?.1);
            }
            if operation == Operation::Gcd { Some(p) } else { divide(x, p).map(|(n, _)| n.wrapping_mul(y)) }
        }
    }
}

fn positive_remainder(a: f64, b: f64) -> f64 {
    let rest = a % b;
    if rest < 0.0 { rest + b.abs() } else { rest }
}

/// Decimals: `intDiv` gives Int64 (or wider), `%` a decimal of the larger scale.
fn over_decimals(request: &Request<'_>, operation: Operation) -> Result<Resolved> {
    super::decimals::division(
        request,
        operation == Operation::IntDiv,
        match operation {
            Operation::IntDiv | Operation::Modulo => true,
            Operation::PositiveModulo | Operation::Gcd | Operation::Lcm => return Err(request.wrong_types()),
        },
    )
}
