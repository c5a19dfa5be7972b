//! Choosing values by position, with a default where there is none.

use arrow::array::{Array, ArrayRef, UInt32Array};
use types::DataType;

use crate::error::Result;

/// The values at `positions`; NULL where there is none.
pub(crate) fn pick(values: &ArrayRef, positions: &[Option<u32>]) -> Result<ArrayRef> {
    let positions: UInt32Array = positions.iter().copied().collect();
    Ok(arrow::compute::take(values, &positions, None)?)
}

/// The values at `positions`; the default of `ty` (the type of `values`) where there is none.
pub(crate) fn pick_or_default(values: &ArrayRef, ty: &DataType, positions: &[Option<u32>]) -> Result<ArrayRef> {
    if positions.iter().all(Option::is_some) || *ty == DataType::Nothing {
        return pick(values, positions);
    }
    let default = ty.default_array(1);
    let last = values.len() as u32;
    let values = arrow::compute::concat(&[values.as_ref(), default.as_ref()])?;
    let positions: UInt32Array = positions.iter().map(|position| position.unwrap_or(last)).collect::<Vec<_>>().into();
    Ok(arrow::compute::take(&values, &positions, None)?)
}
