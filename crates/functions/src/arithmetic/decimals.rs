//! `+ - * / intDiv %` where a side is a decimal.
//!
//! Raw numbers are computed in 256 bits and checked against the storage of the result (DECIMAL_OVERFLOW); with a float
//! on the other side both become Float64.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Decimal256Array};
use arrow::datatypes::{DataType as ArrowType, Decimal128Type, Int64Type, UInt64Type, i256};
use types::DataType;

use super::Operator;
use super::numbers::{Integers, operation, plain};
use crate::cast::{cast, decimal_storage_digits, fits_storage, power_of_ten, scale_of};
use crate::error::{Error, Result};
use crate::frame::{Call, Operand, Resolved};
use crate::request::Request;

/// `operator` over two types of which at least one is a decimal.
pub(super) fn resolve(request: &Request<'_>, operator: Operator) -> Result<Resolved> {
    let (left, right) = (request.ty(0), request.ty(1));
    if left.is_float() || right.is_float() {
        return Ok(operation(operator, left, right, DataType::Float64));
    }
    let Some(precision) = precision_of(left, right) else { return Err(request.wrong_types()) };
    let (a, b) = (scale_of(left), scale_of(right));
    let scale = match operator {
        Operator::Plus | Operator::Minus => a.max(b),
        Operator::Multiply => a + b,
        Operator::Divide if left.is_decimal() => a,
        Operator::Divide => b,
    };
    let out_of_bound = scale > precision || (operator == Operator::Divide && left.is_decimal() && a < b);
    if out_of_bound {
        return Err(Error::OutOfBound {
            function: request.name.to_owned(),
            reason: format!("{left} and {right} have no result with their scales"),
        });
    }
    let kernel = Kernel {
        name: request.name.to_owned(),
        operator,
        types: (left.clone(), right.clone()),
        result: DataType::Decimal { precision, scale },
        precision,
        scales: (a, b, scale),
    };
    Ok(Resolved::new(kernel.result.clone(), move |args, call| kernel.run(args, call)))
}

/// Digits of the wider storage of the two; integers take the decimal's.
fn precision_of(left: &DataType, right: &DataType) -> Option<u8> {
    let own = |ty: &DataType| match ty {
        DataType::Decimal { precision, .. } => Some(decimal_storage_digits(*precision)),
        integer if integer.is_integer() || *integer == DataType::Bool => Some(0),
        _ => None,
    };
    Some(own(left)?.max(own(right)?))
}

struct Kernel {
    name: String,
    operator: Operator,
    types: (DataType, DataType),
    result: DataType,
    precision: u8,
    /// Of left, right and result.
    scales: (u8, u8, u8),
}

impl Kernel {
    fn run(&self, args: &[Operand], call: &Call) -> Result<ArrayRef> {
        if self.precision <= 38
            && let (Some(a), Some(b)) = (Longs::of(&args[0], &self.types.0)?, Longs::of(&args[1], &self.types.1)?)
        {
            return self.run_narrow(&a, &b, call.rows);
        }
        let (a, b) = (Integers::of(&args[0], &self.types.0)?, Integers::of(&args[1], &self.types.1)?);
        let values = (0..call.rows)
            .map(|row| match (a.get(row), b.get(row)) {
                (Some(a), Some(b)) => self.compute(a, b).map(Some),
                _ => Ok(None),
            })
            .collect::<Result<Vec<_>>>()?;
        decimal_column(&self.result, values)
    }

    /// In 128 bits; a row that overflows them is computed again in 256, which decides.
    fn run_narrow(&self, a: &Longs, b: &Longs, rows: usize) -> Result<ArrayRef> {
        let (scale_a, scale_b, scale) = self.scales;
        let power = |digits: u8| 10i128.checked_pow(digits.into());
        let up = |value: i128, factor: Option<i128>| value.checked_mul(factor?);
        let (factor_a, factor_b) = match self.operator {
            Operator::Plus | Operator::Minus => (power(scale - scale_a), power(scale - scale_b)),
            Operator::Multiply => (Some(1), Some(1)),
            Operator::Divide => (power(scale + scale_b - scale_a), Some(1)),
        };
        let fits = |value: &i128| match self.precision {
            9 => i32::try_from(*value).is_ok(),
            18 => i64::try_from(*value).is_ok(),
            _ => true,
        };
        let mut values = Vec::with_capacity(rows);
        for row in 0..rows {
            let (Some(x), Some(y)) = (a.get(row), b.get(row)) else {
                values.push(None);
                continue;
            };
            let narrow = match self.operator {
                Operator::Plus => up(x, factor_a).zip(up(y, factor_b)).and_then(|(x, y)| x.checked_add(y)),
                Operator::Minus => up(x, factor_a).zip(up(y, factor_b)).and_then(|(x, y)| x.checked_sub(y)),
                Operator::Multiply => x.checked_mul(y),
                Operator::Divide => up(x, factor_a).and_then(|x| x.checked_div(y)),
            };
            values.push(Some(match narrow.filter(fits) {
                Some(value) => value,
                None => self.compute(i256::from_i128(x), i256::from_i128(y))?.to_parts().0 as i128,
            }));
        }
        Ok(Arc::new(Decimal128Array::from(values).with_data_type(self.result.arrow_type())))
    }

    fn compute(&self, a: i256, b: i256) -> Result<i256> {
        let (scale_a, scale_b, scale) = self.scales;
        let up = |value: i256, by: u8| power_of_ten(by).and_then(|power| value.checked_mul(power));
        let value = match self.operator {
            Operator::Plus => up(a, scale - scale_a).zip(up(b, scale - scale_b)).and_then(|(a, b)| a.checked_add(b)),
            Operator::Minus => up(a, scale - scale_a).zip(up(b, scale - scale_b)).and_then(|(a, b)| a.checked_sub(b)),
            Operator::Multiply => a.checked_mul(b),
            Operator::Divide if b == i256::ZERO => return Err(Error::DivisionByZero(self.name.clone())),
            Operator::Divide => up(a, scale + scale_b - scale_a).and_then(|a| a.checked_div(b)),
        };
        value
            .filter(|value| fits_storage(*value, self.precision))
            .ok_or_else(|| Error::DecimalOverflow(format!("function \"{}\"", self.name)))
    }
}

/// An operand of decimals of up to 38 digits or integers of up to 64 bits.
struct Longs {
    values: Decimal128Array,
    constant: bool,
}

impl Longs {
    /// `None` for wider types.
    fn of(operand: &Operand, ty: &DataType) -> Result<Option<Longs>> {
        let array = operand.array();
        let values = match array.data_type() {
            ArrowType::Decimal128(..) => array.as_primitive::<Decimal128Type>().clone(),
            ArrowType::UInt64 => array.as_primitive::<UInt64Type>().unary(i128::from),
            _ if ty.integer_width().is_some_and(|width| width <= 8) || *ty == DataType::Bool => {
                let longs = arrow::compute::cast(array, &ArrowType::Int64)?;
                longs.as_primitive::<Int64Type>().unary(i128::from)
            }
            _ => return Ok(None),
        };
        Ok(Some(Longs { values, constant: operand.is_constant() }))
    }

    fn get(&self, row: usize) -> Option<i128> {
        let row = if self.constant { 0 } else { row };
        self.values.is_valid(row).then(|| self.values.value(row))
    }
}

/// A decimal column from raw numbers that fit its storage.
pub(crate) fn decimal_column(ty: &DataType, values: Vec<Option<i256>>) -> Result<ArrayRef> {
    let array: ArrayRef = match ty.arrow_type() {
        ArrowType::Decimal256(..) => Arc::new(Decimal256Array::from(values).with_data_type(ty.arrow_type())),
        _ => {
            let narrow: Vec<Option<i128>> = values.into_iter().map(|v| v.map(|v| v.to_parts().0 as i128)).collect();
            Arc::new(Decimal128Array::from(narrow).with_data_type(ty.arrow_type()))
        }
    };
    Ok(array)
}

/// `intDiv` (`whole`) and `%` of decimals and integers: both at the larger scale, then as integers.
pub(super) fn division(request: &Request<'_>, whole: bool, allowed: bool) -> Result<Resolved> {
    let (left, right) = (request.ty(0).clone(), request.ty(1).clone());
    let Some(precision) = precision_of(&left, &right).filter(|_| allowed) else { return Err(request.wrong_types()) };
    let (scale_a, scale_b) = (scale_of(&left), scale_of(&right));
    let scale = scale_a.max(scale_b);
    let storage = match precision {
        9 => DataType::Int32,
        18 => DataType::Int64,
        38 => DataType::Int128,
        _ => DataType::Int256,
    };
    let result = if whole { storage } else { DataType::Decimal { precision, scale } };
    let (name, ty) = (request.name.to_owned(), result.clone());
    Ok(Resolved::new(result, move |args, call| {
        let (a, b) = (Integers::of(&args[0], &left)?, Integers::of(&args[1], &right)?);
        let overflow = || Error::DecimalOverflow(format!("function \"{name}\""));
        let values = (0..call.rows)
            .map(|row| {
                let (Some(a), Some(b)) = (a.get(row), b.get(row)) else { return Ok(None) };
                let up = |value: i256, by: u8| power_of_ten(by).and_then(|power| value.checked_mul(power));
                let (a, b) = up(a, scale - scale_a).zip(up(b, scale - scale_b)).ok_or_else(overflow)?;
                if b == i256::ZERO {
                    return Err(Error::DivisionByZero(name.clone()));
                }
                Ok(Some(if whole { a.wrapping_div(b) } else { a.wrapping_rem(b) }))
            })
            .collect::<Result<Vec<_>>>()?;
        if !whole {
            return decimal_column(&ty, values);
        }
        let wide = crate::wide::column(&DataType::Int256, values)?;
        cast(&wide, &DataType::Int256, &ty, &plain())
    }))
}
