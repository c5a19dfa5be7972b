//! Comparing two columns of one type.

use std::cmp::Ordering;

use arrow::array::{Array, ArrowPrimitiveType, AsArray, BooleanArray, StructArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::kernels::boolean::{and_kleene, or_kleene};
use arrow::compute::kernels::cmp;
use arrow::datatypes::{Float32Type, Float64Type, Int64Type, UInt64Type};
use types::DataType;

use super::order::Order;
use crate::arithmetic::numbers::with_datums;
use crate::error::Result;
use crate::frame::Operand;

/// The six comparisons.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)] // they are what they are called
pub enum Op {
    Equals,
    NotEquals,
    Less,
    LessOrEquals,
    Greater,
    GreaterOrEquals,
}

impl Op {
    /// ClickHouse's function of it.
    pub fn name(self) -> &'static str {
        match self {
            Op::Equals => "equals",
            Op::NotEquals => "notEquals",
            Op::Less => "less",
            Op::LessOrEquals => "lessOrEquals",
            Op::Greater => "greater",
            Op::GreaterOrEquals => "greaterOrEquals",
        }
    }

    /// The comparison of that function.
    pub(super) fn of(name: &str) -> Op {
        match name {
            "notEquals" => Op::NotEquals,
            "less" => Op::Less,
            "lessOrEquals" => Op::LessOrEquals,
            "greater" => Op::Greater,
            "greaterOrEquals" => Op::GreaterOrEquals,
            _ => Op::Equals,
        }
    }

    /// Its answer for an order; `None` is NaN beside anything.
    pub(crate) fn answers(self, order: Option<Ordering>) -> bool {
        match self {
            Op::Equals => order == Some(Ordering::Equal),
            Op::NotEquals => order != Some(Ordering::Equal),
            Op::Less => order == Some(Ordering::Less),
            Op::LessOrEquals => order.is_some_and(Ordering::is_le),
            Op::Greater => order == Some(Ordering::Greater),
            Op::GreaterOrEquals => order.is_some_and(Ordering::is_ge),
        }
    }
}

/// True when comparing values of the type can give NULL.
pub(super) fn has_null_answer(ty: &DataType) -> bool {
    match ty {
        DataType::Tuple(fields) => fields.iter().any(|field| has_null_answer(&field.ty)),
        other => other.is_nullable(),
    }
}

/// Both operands are columns of `ty` (either may be Nullable).
pub(crate) fn compare(op: Op, left: &Operand, right: &Operand, ty: &DataType, rows: usize) -> Result<BooleanArray> {
    match ty.base() {
        DataType::Float32 => Ok(floats::<Float32Type>(op, left, right, rows)),
        DataType::Float64 => Ok(floats::<Float64Type>(op, left, right, rows)),
        DataType::Tuple(fields) => {
            let types: Vec<DataType> = fields.iter().map(|field| field.ty.clone()).collect();
            tuples(op, left, right, &types, rows)
        }
        DataType::Array(_) | DataType::Map(_) => nested(op, left, right, ty, rows),
        _ => {
            let answers = with_datums(left, right, |a, b| {
                Ok(match op {
                    Op::Equals => cmp::eq(a, b)?,
                    Op::NotEquals => cmp::neq(a, b)?,
                    Op::Less => cmp::lt(a, b)?,
                    Op::LessOrEquals => cmp::lt_eq(a, b)?,
                    Op::Greater => cmp::gt(a, b)?,
                    Op::GreaterOrEquals => cmp::gt_eq(a, b)?,
                })
            })?;
            Ok(if answers.len() == rows { answers } else { spread(&answers, rows) })
        }
    }
}

/// The answer of two constants, for all rows.
fn spread(answers: &BooleanArray, rows: usize) -> BooleanArray {
    let answer = answers.is_valid(0).then(|| answers.value(0));
    std::iter::repeat_n(answer, rows).collect()
}

fn nulls_of(left: &Operand, right: &Operand, rows: usize) -> Option<NullBuffer> {
    let side = |operand: &Operand| -> Option<NullBuffer> {
        let nulls = operand.array().nulls().filter(|nulls| nulls.null_count() > 0)?;
        Some(if operand.is_constant() { NullBuffer::new_null(rows) } else { nulls.clone() })
    };
    NullBuffer::union(side(left).as_ref(), side(right).as_ref())
}

/// As IEEE 754 has it: NaN is unequal to everything, -0 equals 0. Arrow's kernels order them in a line instead.
fn floats<T: ArrowPrimitiveType>(op: Op, left: &Operand, right: &Operand, rows: usize) -> BooleanArray
where
    T::Native: PartialOrd,
{
    let (a, b) = (left.array().as_primitive::<T>().values(), right.array().as_primitive::<T>().values());
    let (step_a, step_b) = (usize::from(!left.is_constant()), usize::from(!right.is_constant()));
    let pair = |i: usize| (a[i * step_a], b[i * step_b]);
    let bits = match op {
        Op::Equals => BooleanBuffer::collect_bool(rows, |i| pair(i).0 == pair(i).1),
        Op::NotEquals => BooleanBuffer::collect_bool(rows, |i| pair(i).0 != pair(i).1),
        Op::Less => BooleanBuffer::collect_bool(rows, |i| pair(i).0 < pair(i).1),
        Op::LessOrEquals => BooleanBuffer::collect_bool(rows, |i| pair(i).0 <= pair(i).1),
        Op::Greater => BooleanBuffer::collect_bool(rows, |i| pair(i).0 > pair(i).1),
        Op::GreaterOrEquals => BooleanBuffer::collect_bool(rows, |i| pair(i).0 >= pair(i).1),
    };
    BooleanArray::new(bits, nulls_of(left, right, rows))
}

/// UInt64 beside a signed integer, without going through 128 bits: a negative number is less than any unsigned one.
/// `swapped`: the signed side is on the left.
pub(super) fn mixed_signs(op: Op, left: &Operand, right: &Operand, swapped: bool, rows: usize) -> Result<BooleanArray> {
    let (unsigned, signed) = if swapped { (right, left) } else { (left, right) };
    let unsigned_values = unsigned.array().as_primitive::<UInt64Type>().values();
    let longs = arrow::compute::cast(signed.array(), &arrow::datatypes::DataType::Int64)?;
    let signed_values = longs.as_primitive::<Int64Type>().values();
    let (step_u, step_s) = (usize::from(!unsigned.is_constant()), usize::from(!signed.is_constant()));
    let order = |row: usize| {
        let (u, s) = (unsigned_values[row * step_u], signed_values[row * step_s]);
        let order = u64::try_from(s).map_or(Ordering::Greater, |s| u.cmp(&s));
        if swapped { order.reverse() } else { order }
    };
    let bits = BooleanBuffer::collect_bool(rows, |row| op.answers(Some(order(row))));
    Ok(BooleanArray::new(bits, nulls_of(left, right, rows)))
}

fn nested(op: Op, left: &Operand, right: &Operand, ty: &DataType, rows: usize) -> Result<BooleanArray> {
    let order = Order::of(left.array(), right.array(), ty)?;
    let bits = BooleanBuffer::collect_bool(rows, |row| op.answers(order.compare(left.index(row), right.index(row))));
    Ok(BooleanArray::new(bits, nulls_of(left, right, rows)))
}

fn element(operand: &Operand, i: usize) -> Operand {
    let tuple: &StructArray = operand.array().as_struct();
    let column = tuple.column(i).clone();
    if operand.is_constant() { Operand::Constant(column) } else { Operand::Full(column) }
}

/// Element by element with SQL's three values: `a1 < b1 OR (a1 = b1 AND …)`.
fn tuples(op: Op, left: &Operand, right: &Operand, types: &[DataType], rows: usize) -> Result<BooleanArray> {
    let one = |op: Op, i: usize| compare(op, &element(left, i), &element(right, i), &types[i], rows);
    let all = |value: bool| BooleanArray::from(vec![value; rows]);
    match op {
        Op::Equals => (0..types.len()).try_fold(all(true), |so_far, i| Ok(and_kleene(&so_far, &one(op, i)?)?)),
        Op::NotEquals => (0..types.len()).try_fold(all(false), |so_far, i| Ok(or_kleene(&so_far, &one(op, i)?)?)),
        Op::Less | Op::LessOrEquals | Op::Greater | Op::GreaterOrEquals => {
            let strict = match op {
                Op::Less | Op::LessOrEquals => Op::Less,
                _ => Op::Greater,
            };
            let mut answer = all(matches!(op, Op::LessOrEquals | Op::GreaterOrEquals));
            for i in (0..types.len()).rev() {
                let last = i + 1 == types.len();
                answer = if last {
                    one(op, i)?
                } else {
                    or_kleene(&one(strict, i)?, &and_kleene(&one(Op::Equals, i)?, &answer)?)?
                };
            }
            Ok(answer)
        }
    }
}
