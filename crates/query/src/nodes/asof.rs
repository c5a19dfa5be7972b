//! ASOF JOIN: each left row with the closest right row of the same keys.
//!
//! The right side is sorted by value within each key and held in memory; each left row finds its place by bisection.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::SchemaRef;
use arrow::row::{RowConverter, SortField};
use datafusion::physical_expr::PhysicalExpr;
use sql::ast::BinaryOperator;

use super::exec::Work;
use super::limit_by::rows_of;
use crate::error::{Error, Result};

/// How the left value stands to the right one: the closest right row for which that is so.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum AsofDirection {
    GreaterOrEquals,
    Greater,
    LessOrEquals,
    Less,
}

impl AsofDirection {
    pub(crate) fn of_operator(op: BinaryOperator) -> Option<AsofDirection> {
        match op {
            BinaryOperator::GreaterOrEquals => Some(AsofDirection::GreaterOrEquals),
            BinaryOperator::Greater => Some(AsofDirection::Greater),
            BinaryOperator::LessOrEquals => Some(AsofDirection::LessOrEquals),
            BinaryOperator::Less => Some(AsofDirection::Less),
            _ => None,
        }
    }

    /// The same comparison with its sides swapped.
    pub(crate) fn mirrored(self) -> AsofDirection {
        match self {
            AsofDirection::GreaterOrEquals => AsofDirection::LessOrEquals,
            AsofDirection::Greater => AsofDirection::Less,
            AsofDirection::LessOrEquals => AsofDirection::GreaterOrEquals,
            AsofDirection::Less => AsofDirection::Greater,
        }
    }
}

/// A right row: its value as ordered bytes, and where it is.
type Candidate = (Box<[u8]>, u32);

/// The right side, sorted, and what the left side is asked.
pub(super) struct Asof {
    left_keys: Vec<Arc<dyn PhysicalExpr>>,
    left_value: Arc<dyn PhysicalExpr>,
    direction: AsofDirection,
    outer: bool,
    right: RecordBatch,
    by_key: HashMap<Box<[u8]>, Vec<Candidate>>,
    key_converter: Option<RowConverter>,
    value_converter: RowConverter,
    schema: SchemaRef,
}

impl Asof {
    pub(super) fn new(
        exprs: &[Arc<dyn PhysicalExpr>],
        keys: usize,
        direction: AsofDirection,
        outer: bool,
        right: Option<RecordBatch>,
        schema: SchemaRef,
    ) -> Result<Asof> {
        let wrong = || Error::Plan("an ASOF join without both sides".to_owned());
        let right = right.ok_or_else(wrong)?;
        let (left, right_exprs) = exprs.split_at_checked(keys + 1).ok_or_else(wrong)?;
        let (left_value, left_keys) = left.split_last().ok_or_else(wrong)?;
        let (right_value, right_keys) = right_exprs.split_last().ok_or_else(wrong)?;
        let values = right_value.evaluate(&right)?.into_array(right.num_rows())?;
        let value_converter = RowConverter::new(vec![SortField::new(values.data_type().clone())])?;
        let mut asof = Asof {
            left_keys: left_keys.to_vec(),
            left_value: left_value.clone(),
            direction,
            outer,
            right,
            by_key: HashMap::new(),
            key_converter: None,
            value_converter,
            schema,
        };
        asof.index(right_keys, &values)?;
        Ok(asof)
    }

    fn index(&mut self, keys: &[Arc<dyn PhysicalExpr>], values: &ArrayRef) -> Result<()> {
        let key_columns = evaluate(keys, &self.right)?;
        let key_rows = rows_of(&mut self.key_converter, &key_columns, self.right.num_rows())?;
        let value_rows = self.value_converter.convert_columns(std::slice::from_ref(values))?;
        for row in 0..self.right.num_rows() {
            if values.is_null(row) || key_columns.iter().any(|column| column.is_null(row)) {
                continue;
            }
            let candidate = (value_rows.row(row).as_ref().into(), u32::try_from(row).unwrap_or(u32::MAX));
            self.by_key.entry(key_rows.row(row).as_ref().into()).or_default().push(candidate);
        }
        // Stable, so that of equal values the first row that came wins, as in ClickHouse.
        self.by_key.values_mut().for_each(|candidates| {
            candidates.sort_by(|a, b| a.0.cmp(&b.0));
            candidates.dedup_by(|later, kept| later.0 == kept.0);
        });
        Ok(())
    }

    /// The closest right row for a left value.
    fn closest(&self, candidates: &[Candidate], value: &[u8]) -> Option<u32> {
        let below =
            |inclusive: bool| {
                candidates.partition_point(|(candidate, _)| {
                    if inclusive { candidate.as_ref() <= value } else { candidate.as_ref() < value }
                })
            };
        let position = match self.direction {
            AsofDirection::GreaterOrEquals => below(true).checked_sub(1)?,
            AsofDirection::Greater => below(false).checked_sub(1)?,
            AsofDirection::LessOrEquals => below(false),
            AsofDirection::Less => below(true),
        };
        candidates.get(position).map(|(_, row)| *row)
    }
}

fn evaluate(exprs: &[Arc<dyn PhysicalExpr>], batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
    let mut columns = Vec::with_capacity(exprs.len());
    for expr in exprs {
        columns.push(expr.evaluate(batch)?.into_array(batch.num_rows())?);
    }
    Ok(columns)
}

impl Work for Asof {
    fn push(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>> {
        let key_columns = evaluate(&self.left_keys, &batch)?;
        let key_rows = rows_of(&mut self.key_converter, &key_columns, batch.num_rows())?;
        let values = self.left_value.evaluate(&batch)?.into_array(batch.num_rows())?;
        let value_rows = self.value_converter.convert_columns(std::slice::from_ref(&values))?;
        let mut left = Vec::with_capacity(batch.num_rows());
        let mut right: Vec<Option<u32>> = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let null = values.is_null(row) || key_columns.iter().any(|column| column.is_null(row));
            let candidates = self.by_key.get(key_rows.row(row).as_ref()).filter(|_| !null);
            let found = candidates.and_then(|candidates| self.closest(candidates, value_rows.row(row).as_ref()));
            if found.is_some() || self.outer {
                left.push(u32::try_from(row).unwrap_or(u32::MAX));
                right.push(found);
            }
        }
        let (left, right) = (UInt32Array::from(left), UInt32Array::from(right));
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for column in batch.columns() {
            columns.push(take(column, &left, None)?);
        }
        for column in self.right.columns() {
            columns.push(take(column, &right, None)?);
        }
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(left.len()));
        Ok(vec![RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?])
    }
}
