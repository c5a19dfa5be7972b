//! ARRAY JOIN: one row for each element of lists that lie side by side.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, RecordBatch, RecordBatchOptions, UInt32Array, UInt64Array};
use arrow::compute::take;
use arrow::datatypes::SchemaRef;
use datafusion::physical_expr::PhysicalExpr;
use types::ErrorCode;

use super::exec::Work;
use crate::error::{Error, Result};

/// Rows of one output batch, unless one input row alone has more elements.
const ROWS_MAX: usize = 8_192;

/// Takes lists apart.
pub(super) struct Unnest {
    arrays: Vec<Arc<dyn PhysicalExpr>>,
    left: bool,
    schema: SchemaRef,
}

impl Unnest {
    pub(super) fn new(arrays: &[Arc<dyn PhysicalExpr>], left: bool, schema: SchemaRef) -> Unnest {
        Unnest { arrays: arrays.to_vec(), left, schema }
    }

    /// The rows and elements of one output batch.
    fn emit(&self, batch: &RecordBatch, lists: &[ListArray], picked: &mut Picked) -> Result<RecordBatch> {
        let rows = UInt32Array::from(std::mem::take(&mut picked.rows));
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for column in batch.columns() {
            columns.push(take(column, &rows, None)?);
        }
        for (list, elements) in lists.iter().zip(&mut picked.elements) {
            let elements = UInt64Array::from(std::mem::take(elements));
            columns.push(take(list.values(), &elements, None)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }
}

/// Row and element numbers of the rows that were made.
struct Picked {
    rows: Vec<u32>,
    elements: Vec<Vec<Option<u64>>>,
}

impl Work for Unnest {
    fn push(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>> {
        let mut lists = Vec::with_capacity(self.arrays.len());
        for array in &self.arrays {
            let array: ArrayRef = array.evaluate(&batch)?.into_array(batch.num_rows())?;
            lists.push(array.as_list::<i32>().clone());
        }
        let mut out = Vec::new();
        let mut picked = Picked { rows: Vec::new(), elements: vec![Vec::new(); lists.len()] };
        for row in 0..batch.num_rows() {
            let mut longest = 0;
            for (position, list) in lists.iter().enumerate() {
                let len = length(list, row);
                if position > 0 && len != longest {
                    return Err(Error::refused(
                        ErrorCode::SIZES_OF_ARRAYS_DONT_MATCH,
                        format!("arrays of ARRAY JOIN have {longest} and {len} elements in one row"),
                    ));
                }
                longest = len;
            }
            let index = u32::try_from(row).unwrap_or(u32::MAX);
            if longest == 0 && self.left {
                picked.rows.push(index);
                picked.elements.iter_mut().for_each(|elements| elements.push(None));
            }
            picked.rows.extend(std::iter::repeat_n(index, longest));
            for (list, elements) in lists.iter().zip(&mut picked.elements) {
                let start = u64::try_from(list.value_offsets()[row]).unwrap_or(0);
                elements.extend((start..start + longest as u64).map(Some));
            }
            if picked.rows.len() >= ROWS_MAX {
                out.push(self.emit(&batch, &lists, &mut picked)?);
            }
        }
        out.push(self.emit(&batch, &lists, &mut picked)?);
        Ok(out)
    }
}

/// Elements of a row; a list that is NULL has none.
fn length(list: &ListArray, row: usize) -> usize {
    if list.is_null(row) { 0 } else { usize::try_from(list.value_length(row)).unwrap_or(0) }
}
