//! `+`, `-`, `*`, `/` over plain numbers. Integers wrap; `/` is always Float64.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Datum, Scalar};
use arrow::compute::kernels::numeric::{add_wrapping, div, mul_wrapping, sub_wrapping};
use arrow::datatypes::i256;
use types::DataType;

use super::Operator;
use crate::cast::{CastMode, Rules, TimeText, cast};
use crate::error::{Error, Result};
use crate::frame::{Call, Operand, Resolved};
use crate::wide;

/// Casts both sides to `carrier`, whose arithmetic is that of the result, and runs the operator there.
pub(super) fn operation(operator: Operator, left: &DataType, right: &DataType, result: DataType) -> Resolved {
    let (left, right, carrier) = (left.clone(), right.clone(), result.clone());
    Resolved::new(result, move |args, call| {
        if wide::is_wide(&carrier) {
            return wide_operation(operator, args, (&left, &right), &carrier, call);
        }
        let (a, b) = (to_carrier(&args[0], &left, &carrier)?, to_carrier(&args[1], &right, &carrier)?);
        let array = native(operator, &a, &b)?;
        match (&a, &b) {
            (Operand::Constant(_), Operand::Constant(_)) => Operand::Constant(array).expand(call.rows),
            _ => Ok(array),
        }
    })
}

/// The operand in another type; its NULLs stay.
pub(crate) fn to_carrier(operand: &Operand, from: &DataType, to: &DataType) -> Result<Operand> {
    let array = cast(operand.array(), from, &DataType::nullable(to.clone()), &plain())?;
    Ok(if operand.is_constant() { Operand::Constant(array) } else { Operand::Full(array) })
}

/// Numbers to numbers need nothing of the session.
pub(crate) fn plain() -> Rules {
    Rules { mode: CastMode::Cast, zone: types::text::Zone::Utc, times: TimeText::Basic }
}

fn native(operator: Operator, a: &Operand, b: &Operand) -> Result<ArrayRef> {
    with_datums(a, b, |a, b| {
        Ok(match operator {
            Operator::Plus => add_wrapping(a, b)?,
            Operator::Minus => sub_wrapping(a, b)?,
            Operator::Multiply => mul_wrapping(a, b)?,
            Operator::Divide => div(a, b)?,
        })
    })
}

/// Constant operands as Arrow scalars, so that kernels need not repeat them.
pub(crate) fn with_datums<T>(
    a: &Operand,
    b: &Operand,
    run: impl FnOnce(&dyn Datum, &dyn Datum) -> Result<T>,
) -> Result<T> {
    match (a, b) {
        (Operand::Constant(a), Operand::Full(b)) => run(&Scalar::new(a.clone()), b),
        (Operand::Full(a), Operand::Constant(b)) => run(a, &Scalar::new(b.clone())),
        _ => run(a.array(), b.array()),
    }
}

fn wide_operation(
    operator: Operator,
    args: &[Operand],
    types: (&DataType, &DataType),
    result: &DataType,
    call: &Call,
) -> Result<ArrayRef> {
    let (a, b) = (Integers::of(&args[0], types.0)?, Integers::of(&args[1], types.1)?);
    let compute = |a: i256, b: i256| match operator {
        Operator::Plus => Ok(a.wrapping_add(b)),
        Operator::Minus => Ok(a.wrapping_sub(b)),
        Operator::Multiply => Ok(a.wrapping_mul(b)),
        Operator::Divide => Err(Error::Internal { function: "divide".to_owned(), reason: "over integers".to_owned() }),
    };
    let values = (0..call.rows)
        .map(|row| match (a.get(row), b.get(row)) {
            (Some(a), Some(b)) => compute(a, b).map(Some),
            _ => Ok(None),
        })
        .collect::<Result<Vec<_>>>()?;
    wide::column(result, values)
}

/// An operand of any integer type as wide integers.
pub(crate) struct Integers {
    values: Vec<Option<i256>>,
    constant: bool,
}

impl Integers {
    pub(crate) fn of(operand: &Operand, ty: &DataType) -> Result<Integers> {
        let array = operand.array();
        let array = if *ty == DataType::Bool {
            Arc::new(arrow::compute::cast(array, &arrow::datatypes::DataType::UInt8)?) as ArrayRef
        } else {
            array.clone()
        };
        debug_assert_eq!(array.len(), operand.array().len());
        Ok(Integers { values: wide::integers(&array, ty)?, constant: operand.is_constant() })
    }

    pub(crate) fn get(&self, row: usize) -> Option<i256> {
        self.values[if self.constant { 0 } else { row }]
    }
}
