//! LIMIT BY and LIMIT … WITH TIES.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::physical_expr::PhysicalExpr;

use super::exec::Work;
use crate::error::Result;

/// Bytes that a key takes in a map beside its own.
const KEY_BYTES: usize = 48;

/// Key columns of batches as bytes that are equal when the keys are.
pub(super) struct Keys {
    exprs: Vec<Arc<dyn PhysicalExpr>>,
    converter: Option<RowConverter>,
}

impl Keys {
    pub(super) fn new(exprs: &[Arc<dyn PhysicalExpr>]) -> Keys {
        Keys { exprs: exprs.to_vec(), converter: None }
    }

    pub(super) fn rows(&mut self, batch: &RecordBatch) -> Result<Rows> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.exprs.len());
        for expr in &self.exprs {
            columns.push(expr.evaluate(batch)?.into_array(batch.num_rows())?);
        }
        rows_of(&mut self.converter, &columns, batch.num_rows())
    }
}

/// Columns as rows of bytes; no column is one constant.
pub(super) fn rows_of(converter: &mut Option<RowConverter>, columns: &[ArrayRef], rows: usize) -> Result<Rows> {
    let constant: [ArrayRef; 1];
    let columns = if columns.is_empty() {
        constant = [Arc::new(BooleanArray::from(vec![true; rows]))];
        &constant[..]
    } else {
        columns
    };
    let converter = match converter {
        Some(converter) => converter,
        None => {
            let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
            converter.insert(RowConverter::new(fields)?)
        }
    };
    Ok(converter.convert_columns(columns)?)
}

/// At most `count` rows of each key after the first `offset`.
pub(super) struct LimitBy {
    keys: Keys,
    offset: u64,
    count: u64,
    seen: HashMap<Box<[u8]>, u64>,
    size_bytes: usize,
}

impl LimitBy {
    pub(super) fn new(exprs: &[Arc<dyn PhysicalExpr>], offset: u64, count: u64) -> LimitBy {
        LimitBy { keys: Keys::new(exprs), offset, count, seen: HashMap::new(), size_bytes: 0 }
    }
}

impl Work for LimitBy {
    fn push(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>> {
        let rows = self.keys.rows(&batch)?;
        let end = self.offset.saturating_add(self.count);
        let mut keep = Vec::with_capacity(batch.num_rows());
        for row in &rows {
            let key = row.as_ref();
            let seen = match self.seen.get_mut(key) {
                Some(seen) => seen,
                None => {
                    self.size_bytes += key.len() + KEY_BYTES;
                    self.seen.entry(key.into()).or_insert(0)
                }
            };
            keep.push(self.offset <= *seen && *seen < end);
            *seen = seen.saturating_add(1);
        }
        Ok(vec![filter_record_batch(&batch, &BooleanArray::from(keep))?])
    }

    fn size_bytes(&self) -> usize {
        self.size_bytes
    }
}

/// `count` rows after `offset`, then those that equal the last one.
pub(super) struct Ties {
    keys: Keys,
    offset: u64,
    count: u64,
    seen: u64,
    last: Option<Box<[u8]>>,
    done: bool,
}

impl Ties {
    pub(super) fn new(exprs: &[Arc<dyn PhysicalExpr>], offset: u64, count: u64) -> Ties {
        Ties { keys: Keys::new(exprs), offset, count, seen: 0, last: None, done: count == 0 }
    }
}

impl Work for Ties {
    fn push(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>> {
        let rows = self.keys.rows(&batch)?;
        let end = self.offset.saturating_add(self.count);
        let mut first = None;
        let mut stop = batch.num_rows();
        for (position, row) in rows.iter().enumerate() {
            if self.seen < self.offset {
                self.seen += 1;
                continue;
            }
            let within = self.seen < end;
            if !within && self.last.as_deref() != Some(row.as_ref()) {
                stop = position;
                self.done = true;
                break;
            }
            first.get_or_insert(position);
            self.seen += 1;
            if self.seen == end {
                self.last = Some(row.as_ref().into());
            }
        }
        Ok(first.map(|first| batch.slice(first, stop - first)).into_iter().collect())
    }

    fn is_done(&self) -> bool {
        self.done
    }
}
