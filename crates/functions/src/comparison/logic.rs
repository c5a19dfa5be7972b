//! `and`, `or`, `xor`, `not`: numbers as truth values, with NULL as the third.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::compute::kernels::boolean::{and_kleene, not, or_kleene};
use types::DataType;

use super::flags;
use crate::arithmetic::numbers::plain;
use crate::cast::cast;
use crate::error::Result;
use crate::frame::{Definition, Operand, Resolved};
use crate::request::Request;

pub(crate) const LOGIC: &[Definition] = &[
    Definition::new("and", resolve_logic).sees_nulls(),
    Definition::new("or", resolve_logic).sees_nulls(),
    Definition::new("xor", resolve_logic),
    Definition::new("not", resolve_not).masks_nulls().any_case(),
];

fn check(request: &Request<'_>) -> Result<()> {
    for (i, arg) in request.args.iter().enumerate() {
        if !arg.ty.base().is_number() && *arg.ty.base() != DataType::Nothing {
            return Err(request.wrong_type(i, "a number"));
        }
    }
    Ok(())
}

/// Bool when an argument is one, else UInt8.
fn result_of(request: &Request<'_>) -> DataType {
    let bool = request.args.iter().any(|arg| *arg.ty.base() == DataType::Bool);
    let result = if bool { DataType::Bool } else { DataType::UInt8 };
    if request.args.iter().any(|arg| arg.ty.is_nullable()) { DataType::nullable(result) } else { result }
}

/// True where the number is not 0; NULL stays.
pub(crate) fn truth(operand: &Operand, ty: &DataType, rows: usize) -> Result<BooleanArray> {
    let array = operand.expand(rows)?;
    let bools = cast(&array, ty, &DataType::nullable(DataType::Bool), &plain())?;
    Ok(arrow::array::AsArray::as_boolean(&bools).clone())
}

fn answer(array: BooleanArray, result: &DataType) -> Result<ArrayRef> {
    if *result.base() == DataType::Bool { Ok(Arc::new(array)) } else { flags(&array) }
}

fn resolve_logic(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=usize::MAX)?;
    check(request)?;
    let result = result_of(request);
    let types: Vec<DataType> = request.args.iter().map(|arg| arg.ty.clone()).collect();
    let name = request.name.to_owned();
    Ok(Resolved::new(result.clone(), move |args, call| {
        let mut total: Option<BooleanArray> = None;
        for (arg, ty) in args.iter().zip(&types) {
            let next = truth(arg, ty, call.rows)?;
            total = Some(match total {
                None => next,
                Some(total) => match name.as_str() {
                    "and" => and_kleene(&total, &next)?,
                    "or" => or_kleene(&total, &next)?,
                    _ => arrow::compute::kernels::cmp::neq(&total, &next)?,
                },
            });
        }
        let total = total.unwrap_or_else(|| BooleanArray::from(vec![false; call.rows]));
        debug_assert_eq!(total.len(), call.rows);
        answer(total, &result)
    }))
}

fn resolve_not(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    check(request)?;
    let result = result_of(request);
    let ty = request.ty(0).clone();
    Ok(Resolved::new(result.clone(), move |args, call| answer(not(&truth(&args[0], &ty, call.rows)?)?, &result)))
}
