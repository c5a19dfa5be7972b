//! EXCEPT ALL and INTERSECT ALL: rows are counted.

use std::collections::HashMap;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::row::RowConverter;

use super::exec::Work;
use super::limit_by::rows_of;
use crate::error::Result;

/// Which rows stay.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum CountedSet {
    /// Left rows, without one for each equal right row.
    Except,
    /// Left rows, at most one for each equal right row.
    Intersect,
}

/// The right rows that are left, by value.
pub(super) struct CountedRows {
    kind: CountedSet,
    converter: Option<RowConverter>,
    counts: HashMap<Box<[u8]>, u64>,
}

impl CountedRows {
    pub(super) fn new(kind: CountedSet, right: Option<RecordBatch>) -> Result<CountedRows> {
        let mut rows = CountedRows { kind, converter: None, counts: HashMap::new() };
        if let Some(right) = right {
            for row in &rows_of(&mut rows.converter, right.columns(), right.num_rows())? {
                *rows.counts.entry(row.as_ref().into()).or_insert(0) += 1;
            }
        }
        Ok(rows)
    }
}

impl Work for CountedRows {
    fn push(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>> {
        let rows = rows_of(&mut self.converter, batch.columns(), batch.num_rows())?;
        let mut keep = Vec::with_capacity(batch.num_rows());
        for row in &rows {
            let matched = match self.counts.get_mut(row.as_ref()) {
                Some(count) if *count > 0 => {
                    *count -= 1;
                    true
                }
                _ => false,
            };
            keep.push(matched == (self.kind == CountedSet::Intersect));
        }
        Ok(vec![filter_record_batch(&batch, &BooleanArray::from(keep))?])
    }
}
