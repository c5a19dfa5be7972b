//! Columns that merge by an aggregate function: states of AggregateFunction, values of SimpleAggregateFunction.

use arrow::array::ArrayRef;
use types::{Column, ErrorCode};

use crate::error::{Error, Result};

/// One state (or value) a group.
pub fn merged(column: &Column, _array: &ArrayRef, _starts: &[u32]) -> Result<ArrayRef> {
    Err(Error::States {
        column: column.name.to_string(),
        reason: "merging states waits for crate aggregate".to_owned(),
        code: ErrorCode::NOT_IMPLEMENTED,
    })
}
