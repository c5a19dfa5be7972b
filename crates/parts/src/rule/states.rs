//! Columns that merge by an aggregate function: states of AggregateFunction, values of SimpleAggregateFunction.

use aggregate::{Emit, Rows, resolve_signature};
use arrow::array::ArrayRef;
use types::{Column, DataType};

use crate::error::{Error, Result};

/// One state (or value) a group.
pub fn merged(column: &Column, array: &ArrayRef, starts: &[u32]) -> Result<ArrayRef> {
    let failed = |error: aggregate::Error| Error::States {
        column: column.name.to_string(),
        reason: error.to_string(),
        code: error.code(),
    };
    let groups: Vec<usize> = starts
        .windows(2)
        .enumerate()
        .flat_map(|(number, group)| std::iter::repeat_n(number, (group[1] - group[0]) as usize))
        .collect();
    let rows = Rows::all(&groups, starts.len() - 1);
    match &column.ty {
        DataType::AggregateFunction(signature) => {
            let mut states = resolve_signature(signature).map_err(failed)?.grouped();
            states.merge(array, rows).map_err(failed)?;
            states.states(Emit::All).map_err(failed)
        }
        // the function's state is its result, so merging values is aggregating them
        DataType::SimpleAggregateFunction(signature) => {
            let mut states = resolve_signature(signature).map_err(failed)?.grouped();
            states.update(std::slice::from_ref(array), rows).map_err(failed)?;
            states.finish(Emit::All).map_err(failed)
        }
        other => Err(Error::Schema(format!("column \"{}\" of type {other} has no states", column.name))),
    }
}
