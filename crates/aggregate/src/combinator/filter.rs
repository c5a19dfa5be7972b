//! `-If`: the last argument says which rows count.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{DataType as ArrowType, UInt8Type};
use types::DataType;

use super::Combined;
use crate::aggregate::{GroupedStates, Made, Rows, pass_on};
use crate::error::{Error, Result};
use crate::rows::and;

pub(super) fn resolve(call: &Combined<'_>) -> Result<Made> {
    let Some((condition, args)) = call.args.split_last() else {
        return Err(call.argument_count("at least a condition"));
    };
    if !matches!(condition.base(), DataType::UInt8 | DataType::Bool | DataType::Nothing) {
        return Err(call.argument_type(condition, "UInt8 as its last argument, the condition"));
    }
    Ok(filtered(call.below(call.params, args)?))
}

/// `made` with a condition as one more argument at the end.
pub(super) fn filtered(made: Made) -> Made {
    made.wrap(|inner| Filtered { inner })
}

struct Filtered {
    inner: Box<dyn GroupedStates>,
}

/// The rows whose condition is neither 0 nor NULL.
pub(crate) fn condition(array: &ArrayRef) -> Result<BooleanArray> {
    match array.data_type() {
        ArrowType::Boolean => Ok(array.as_boolean().clone()),
        ArrowType::UInt8 => {
            let values = array.as_primitive::<UInt8Type>();
            Ok(BooleanArray::new(values.values().iter().map(|v| *v != 0).collect(), values.nulls().cloned()))
        }
        ArrowType::Null => Ok(BooleanArray::from(vec![false; array.len()])),
        other => Err(Error::ArrowType { expected: "UInt8 or Boolean".to_owned(), found: other.to_string() }),
    }
}

impl GroupedStates for Filtered {
    fn update(&mut self, args: &[ArrayRef], rows: Rows<'_>) -> Result<()> {
        let Some((last, args)) = args.split_last() else { return Ok(()) };
        let filter = and(rows.filter, &condition(last)?);
        self.inner.update(args, Rows { filter: Some(&filter), ..rows })
    }

    pass_on!(merge, state_column, result_column, forget, groups, grow, size_bytes);
}
