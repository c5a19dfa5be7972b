//! ARRAY JOIN: one row for each element of lists that lie side by side.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, RecordBatch, RecordBatchOptions, UInt32Array, UInt64Array};
use arrow::compute::take;
use arrow::datatypes::SchemaRef;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr_common::physical_expr::is_volatile;
use types::ErrorCode;

use super::exec::Work;
use crate::error::{Error, Result};

/// Rows of one output batch.
const ROWS_MAX: usize = 8_192;
/// Rows whose lists are made first: how long they are is not known yet.
const FIRST_ROWS: usize = 1;
/// How many times as many rows may be next.
const GROWTH: usize = 4;

/// Takes lists apart.
pub(super) struct Unnest {
    arrays: Vec<Arc<dyn PhysicalExpr>>,
    left: bool,
    schema: SchemaRef,
    /// The batch that is taken apart, and how many of its rows are done.
    batch: Option<(RecordBatch, usize)>,
    /// Its lists of the next rows.
    lists: Option<Lists>,
    /// Of how many rows lists are made at once. As many as make about one batch of output: a list of a few bytes' text
    /// (`range(1000000)`) is large, and those of a whole batch would be larger than any memory.
    rows_at_once: usize,
}

/// The lists of some rows of the batch, and how far they are.
struct Lists {
    arrays: Vec<ListArray>,
    /// The first row.
    start: usize,
    /// The row that is next, and its element.
    row: usize,
    element: usize,
    /// About how many bytes were made for them.
    size_bytes: usize,
}

impl Unnest {
    pub(super) fn new(arrays: &[Arc<dyn PhysicalExpr>], left: bool, schema: SchemaRef) -> Unnest {
        // lists that are stored are there already, and what is volatile may look at the rows of its whole block
        let is_made = |array: &Arc<dyn PhysicalExpr>| array.downcast_ref::<Column>().is_none();
        let in_pieces = arrays.iter().any(is_made) && !arrays.iter().any(is_volatile);
        let rows_at_once = if in_pieces { FIRST_ROWS } else { usize::MAX };
        Unnest { arrays: arrays.to_vec(), left, schema, batch: None, lists: None, rows_at_once }
    }

    /// Makes the lists of the next rows; false when the batch has no more.
    fn open(&mut self) -> Result<bool> {
        let Some((batch, done)) = &mut self.batch else { return Ok(false) };
        let (start, rows) = (*done, self.rows_at_once.min(batch.num_rows() - *done));
        if rows == 0 {
            self.batch = None;
            return Ok(false);
        }
        let piece = batch.slice(start, rows);
        *done += rows;
        let (mut arrays, mut size_bytes) = (Vec::with_capacity(self.arrays.len()), 0);
        for array in &self.arrays {
            let list: ArrayRef = array.evaluate(&piece)?.into_array(rows)?;
            if array.downcast_ref::<Column>().is_none() {
                size_bytes += list.get_array_memory_size();
            }
            arrays.push(list.as_list::<i32>().clone());
        }
        if self.rows_at_once != usize::MAX {
            let elements: usize = arrays.first().map_or(0, |list| (0..rows).map(|row| length(list, row)).sum());
            let fitting = (ROWS_MAX * rows).checked_div(elements).unwrap_or(ROWS_MAX);
            self.rows_at_once = fitting.clamp(1, rows.saturating_mul(GROWTH).min(ROWS_MAX));
        }
        self.lists = Some(Lists { arrays, start, row: 0, element: 0, size_bytes });
        Ok(true)
    }

    /// The next rows of the lists that are open; `None` when they are at their end.
    fn emit(&mut self) -> Result<Option<RecordBatch>> {
        let (Some((batch, _)), Some(lists)) = (&self.batch, &mut self.lists) else { return Ok(None) };
        let mut picked = Picked { rows: Vec::new(), elements: vec![Vec::new(); lists.arrays.len()] };
        while picked.rows.len() < ROWS_MAX && lists.pick(self.left, &mut picked)? {}
        if picked.rows.is_empty() {
            self.lists = None;
            return Ok(None);
        }
        let rows = UInt32Array::from(picked.rows);
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for column in batch.columns() {
            columns.push(take(column, &rows, None)?);
        }
        for (list, elements) in lists.arrays.iter().zip(picked.elements) {
            columns.push(take(list.values(), &UInt64Array::from(elements), None)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        Ok(Some(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?))
    }
}

/// Row and element numbers of the rows that were made.
struct Picked {
    rows: Vec<u32>,
    elements: Vec<Vec<Option<u64>>>,
}

impl Lists {
    /// Picks what fits of the next row; false when there is none.
    fn pick(&mut self, left: bool, picked: &mut Picked) -> Result<bool> {
        let Some(first) = self.arrays.first().filter(|list| self.row < list.len()) else { return Ok(false) };
        let longest = length(first, self.row);
        if let Some(other) = self.arrays.iter().map(|list| length(list, self.row)).find(|len| *len != longest) {
            return Err(Error::refused(
                ErrorCode::SIZES_OF_ARRAYS_DONT_MATCH,
                format!("arrays of ARRAY JOIN have {longest} and {other} elements in one row"),
            ));
        }
        let index = u32::try_from(self.start + self.row).unwrap_or(u32::MAX);
        if longest == 0 && left {
            picked.rows.push(index);
            picked.elements.iter_mut().for_each(|elements| elements.push(None));
        }
        let count = (longest - self.element).min(ROWS_MAX.saturating_sub(picked.rows.len()));
        picked.rows.extend(std::iter::repeat_n(index, count));
        for (list, elements) in self.arrays.iter().zip(&mut picked.elements) {
            let start = u64::try_from(list.value_offsets()[self.row]).unwrap_or(0) + self.element as u64;
            elements.extend((start..start + count as u64).map(Some));
        }
        self.element += count;
        if self.element == longest {
            (self.row, self.element) = (self.row + 1, 0);
        }
        Ok(true)
    }
}

impl Work for Unnest {
    fn push(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>> {
        self.batch = Some((batch, 0));
        Ok(Vec::new())
    }

    fn more(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.emit()? {
                return Ok(Some(batch));
            }
            if !self.open()? {
                return Ok(None);
            }
        }
    }

    fn size_bytes(&self) -> usize {
        self.lists.as_ref().map_or(0, |lists| lists.size_bytes)
    }
}

/// Elements of a row; a list that is NULL has none.
fn length(list: &ListArray, row: usize) -> usize {
    if list.is_null(row) { 0 } else { usize::try_from(list.value_length(row)).unwrap_or(0) }
}
