//! `equals`, `less` and their kin, `and`, `or`, `not`, `xor`; and what the binder must know to emit native operators.
//!
//! ClickHouse compares NaN as IEEE does, -0 equals 0, numbers of different signs by value, and text constants with dates
//! and ids by parsing the text.

pub(crate) mod kernel;
pub(crate) mod logic;
pub(crate) mod order;
mod types;

use std::sync::Arc;

use ::types::DataType;
use arrow::array::{Array, ArrayRef, BooleanArray};

pub use kernel::Op;
pub use types::{Comparison, comparison_types};

use crate::cast::{CastMode, Rules, cast};
use crate::error::Result;
use crate::frame::{Arg, Definition, Function, FunctionContext, Operand, Resolved};
use crate::request::Request;
use crate::resolve::function_of;

const fn comparison(name: &'static str) -> Definition {
    Definition::new(name, resolve_comparison).sees_nulls()
}

pub(crate) const COMPARISONS: &[Definition] = &[
    comparison("equals"),
    comparison("notEquals"),
    comparison("less"),
    comparison("lessOrEquals"),
    comparison("greater"),
    comparison("greaterOrEquals"),
    Definition::new("isNotDistinctFrom", resolve_distinct).sees_nulls(),
    Definition::new("isDistinctFrom", resolve_distinct).sees_nulls(),
];

/// The comparison as a predicate: its result is `Bool` (or Nullable of it), an Arrow boolean.
///
/// For the binder, where [`Comparison::native`] is false.
pub fn predicate(op: Op, left: &Arg, right: &Arg, context: &FunctionContext) -> Result<Function> {
    let args = [left.clone(), right.clone()];
    let request = Request { name: op.name(), args: &args, context };
    let compare = Compare::resolve(&request, op)?;
    let nullable = compare.nullable;
    let result = if nullable { DataType::nullable(DataType::Bool) } else { DataType::Bool };
    let resolved = Resolved::new(result, move |args, call| Ok(Arc::new(compare.run(args, call.rows)?)));
    Ok(function_of(op.name(), resolved, &args, context, 1))
}

fn resolve_comparison(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let op = Op::of(request.name);
    if request.args.iter().any(|arg| *arg.ty.base() == DataType::Nothing && arg.ty.is_nullable()) {
        let null = DataType::nullable(DataType::Nothing);
        return Ok(Resolved::new(null.clone(), move |_, call| Ok(null.default_array(call.rows))));
    }
    let compare = Compare::resolve(request, op)?;
    let result = if compare.nullable { DataType::nullable(DataType::UInt8) } else { DataType::UInt8 };
    Ok(Resolved::new(result, move |args, call| flags(&compare.run(args, call.rows)?)))
}

/// Booleans as UInt8.
pub(crate) fn flags(array: &BooleanArray) -> Result<ArrayRef> {
    Ok(arrow::compute::cast(array, &arrow::datatypes::DataType::UInt8)?)
}

/// Both sides cast to one type and compared there.
pub(crate) struct Compare {
    op: Op,
    types: (DataType, DataType),
    common: DataType,
    rules: Rules,
    pub(crate) nullable: bool,
}

impl Compare {
    pub(crate) fn resolve(request: &Request<'_>, op: Op) -> Result<Compare> {
        let common = comparison_types(&request.args[0], &request.args[1])
            .map_err(|error| if request.args.len() == 2 { error } else { request.wrong_types() })?
            .ty;
        let rules = Rules::new(CastMode::Cast, request.context);
        let types = (request.ty(0).clone(), request.ty(1).clone());
        let nullable = kernel::has_null_answer(&types.0) || kernel::has_null_answer(&types.1);
        Ok(Compare { op, types, common, rules, nullable })
    }

    pub(crate) fn run(&self, args: &[Operand], rows: usize) -> Result<BooleanArray> {
        let signed = |ty: &DataType| ty.is_signed() && ty.integer_width().is_some_and(|width| width <= 8);
        match (self.types.0.base(), self.types.1.base()) {
            (DataType::UInt64, other) if signed(other) => {
                return kernel::mixed_signs(self.op, &args[0], &args[1], false, rows);
            }
            (other, DataType::UInt64) if signed(other) => {
                return kernel::mixed_signs(self.op, &args[0], &args[1], true, rows);
            }
            _ => {}
        }
        let side = |operand: &Operand, ty: &DataType| -> Result<Operand> {
            let to = if ty.is_nullable() { self.common.to_nullable() } else { self.common.clone() };
            let array = cast(operand.array(), ty, &to, &self.rules)?;
            Ok(if operand.is_constant() { Operand::Constant(array) } else { Operand::Full(array) })
        };
        let (left, right) = (side(&args[0], &self.types.0)?, side(&args[1], &self.types.1)?);
        kernel::compare(self.op, &left, &right, &self.common, rows)
    }
}

/// `IS [NOT] DISTINCT FROM`: NULL equals NULL, and nothing else.
fn resolve_distinct(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let negated = request.name == "isDistinctFrom";
    let nothing = |i: usize| *request.ty(i).base() == DataType::Nothing;
    let compare = if nothing(0) || nothing(1) { None } else { Some(Compare::resolve(request, Op::Equals)?) };
    Ok(Resolved::new(DataType::UInt8, move |args, call| {
        let null = |i: usize, row: usize| args[i].array().is_null(args[i].index(row));
        let equal = compare.as_ref().map(|compare| compare.run(args, call.rows)).transpose()?;
        let same = (0..call.rows).map(|row| {
            match (logical_null(args, 0, row) || null(0, row), logical_null(args, 1, row) || null(1, row)) {
                (true, true) => true,
                (false, false) => equal.as_ref().is_some_and(|equal| equal.is_valid(row) && equal.value(row)),
                _ => false,
            }
        });
        flags(&same.map(|same| Some(same != negated)).collect())
    }))
}

/// Arrays of Arrow's Null type are NULL without a validity buffer.
fn logical_null(args: &[Operand], i: usize, _row: usize) -> bool {
    args[i].array().data_type().is_null()
}

#[cfg(test)]
mod tests;
