//! ORDER BY … WITH FILL: rows for the values that are missing between those that are there.
//!
//! ```text
//! FROM ─ fill ─ row ─ fill ─ row ─ … ─ fill ─ TO        for each run of equal prefix columns
//! ```

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, UInt64Array};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType as ArrowType, Float64Type, Int64Type, SchemaRef, UInt64Type};
use chrono::{Months, NaiveDate};
use datafusion::physical_expr::PhysicalExpr;
use types::{ErrorCode, F64};

use super::exec::Work;
use super::limit_by::Keys;
use crate::error::{Error, Result};

/// The most rows that are made between two rows that are there.
const FILLED_ROWS_MAX: u64 = 10_000_000;
/// Days from 0001-01-01 to 1970-01-01, as chrono counts them.
const EPOCH_DAYS: i32 = 719_163;

/// A value of a filled column.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum FillValue {
    /// Integers, days, seconds, ticks.
    Int(i128),
    Float(F64),
}

/// From one value to the next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum FillStep {
    /// Added.
    Plain(FillValue),
    /// Calendar months, clamped to the month's end.
    Months(i64),
}

/// FROM, TO (exclusive), STEP and direction.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct FillBounds {
    pub from: Option<FillValue>,
    pub to: Option<FillValue>,
    pub step: FillStep,
    pub ascending: bool,
}

impl FillStep {
    /// True when the step leads in that direction, not zero.
    pub(crate) fn goes(self, ascending: bool) -> bool {
        match self {
            FillStep::Plain(FillValue::Int(step)) => step != 0 && (step > 0) == ascending,
            FillStep::Plain(FillValue::Float(step)) => step.0 != 0.0 && (step.0 > 0.0) == ascending,
            FillStep::Months(step) => step != 0 && (step > 0) == ascending,
        }
    }

    fn after(self, value: FillValue, ty: &ArrowType) -> Option<FillValue> {
        match (self, value) {
            (FillStep::Plain(FillValue::Int(step)), FillValue::Int(value)) => {
                value.checked_add(step).map(FillValue::Int)
            }
            (FillStep::Plain(step), value) => Some(FillValue::Float(F64(step.as_f64() + value.as_f64()))),
            (FillStep::Months(months), FillValue::Int(value)) => add_months(value, months, ty).map(FillValue::Int),
            (FillStep::Months(_), FillValue::Float(_)) => None,
        }
    }
}

impl FillValue {
    fn as_f64(self) -> f64 {
        match self {
            FillValue::Int(value) => value as f64,
            FillValue::Float(value) => value.0,
        }
    }

    /// Whether `self` comes before `other` in the direction of the sort.
    fn before(self, other: FillValue, ascending: bool) -> bool {
        let less = |a: FillValue, b: FillValue| match (a, b) {
            (FillValue::Int(a), FillValue::Int(b)) => a < b,
            (a, b) => a.as_f64() < b.as_f64(),
        };
        if ascending { less(self, other) } else { less(other, self) }
    }
}

/// Days (UInt16, Int32) or seconds (UInt32) and some months; ticks of DateTime64 are no such type.
fn add_months(value: i128, months: i64, ty: &ArrowType) -> Option<i128> {
    let (days, rest) = match ty {
        ArrowType::UInt16 | ArrowType::Int32 => (value, 0),
        ArrowType::UInt32 => (value.div_euclid(86_400), value.rem_euclid(86_400)),
        _ => return None,
    };
    let date = NaiveDate::from_num_days_from_ce_opt(i32::try_from(days).ok()? + EPOCH_DAYS)?;
    let count = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
    let moved = if months > 0 { date.checked_add_months(count)? } else { date.checked_sub_months(count)? };
    let days = i128::from(chrono::Datelike::num_days_from_ce(&moved) - EPOCH_DAYS);
    Some(if matches!(ty, ArrowType::UInt32) { days * 86_400 + rest } else { days })
}

/// Fills gaps.
pub(super) struct Fill {
    bounds: FillBounds,
    column: Arc<dyn PhysicalExpr>,
    prefix: Keys,
    /// Output columns that are those of ORDER BY before the filled one.
    prefix_columns: Vec<usize>,
    filled_column: usize,
    interpolated: Vec<(usize, Arc<dyn PhysicalExpr>)>,
    defaults: RecordBatch,
    schema: SchemaRef,
    /// The run of equal prefix columns being read.
    run: Option<Run>,
    /// The row before, for INTERPOLATE.
    previous: RecordBatch,
}

struct Run {
    key: Box<[u8]>,
    /// A row of the run, for its prefix columns.
    sample: RecordBatch,
    next: Option<FillValue>,
}

impl Fill {
    pub(super) fn new(
        bounds: FillBounds,
        prefix: usize,
        targets: &[String],
        exprs: &[Arc<dyn PhysicalExpr>],
        schema: SchemaRef,
    ) -> Result<Fill> {
        let wrong = || Error::Plan("WITH FILL without its columns".to_owned());
        let (column, rest) = exprs.split_first().ok_or_else(wrong)?;
        let (prefix_exprs, rest) = rest.split_at_checked(prefix).ok_or_else(wrong)?;
        let (values, default_exprs) = rest.split_at_checked(targets.len()).ok_or_else(wrong)?;
        let one = one_row()?;
        let mut defaults = Vec::with_capacity(default_exprs.len());
        for (default, field) in default_exprs.iter().zip(schema.fields()) {
            defaults.push(cast(&default.evaluate(&one)?.into_array(1)?, field.data_type())?);
        }
        let defaults = RecordBatch::try_new(schema.clone(), defaults)?;
        let mut interpolated = Vec::with_capacity(targets.len());
        for (target, value) in targets.iter().zip(values) {
            interpolated.push((schema.index_of(target)?, value.clone()));
        }
        Ok(Fill {
            bounds,
            column: column.clone(),
            prefix: Keys::new(prefix_exprs),
            prefix_columns: prefix_exprs.iter().filter_map(column_index).collect(),
            filled_column: column_index(column).ok_or_else(wrong)?,
            interpolated,
            previous: defaults.clone(),
            defaults,
            schema,
            run: None,
        })
    }

    /// Rows up to `until` (exclusive), or up to TO at a run's end.
    fn fill_until(&mut self, until: Option<FillValue>, out: &mut Vec<RecordBatch>) -> Result<()> {
        let ascending = self.bounds.ascending;
        let mut made = 0;
        loop {
            let Some(next) = self.run.as_ref().and_then(|run| run.next) else { return Ok(()) };
            let wanted = until.is_none_or(|until| next.before(until, ascending))
                && self.bounds.to.is_none_or(|to| next.before(to, ascending))
                && (until.is_some() || self.bounds.to.is_some());
            if !wanted {
                return Ok(());
            }
            made += 1;
            if made > FILLED_ROWS_MAX {
                return Err(Error::refused(
                    ErrorCode::INVALID_WITH_FILL_EXPRESSION,
                    format!("WITH FILL would make more than {FILLED_ROWS_MAX} rows in one gap"),
                ));
            }
            let row = self.made_row(next)?;
            self.previous = row.clone();
            out.push(row);
            self.advance(next)?;
        }
    }

    fn advance(&mut self, from: FillValue) -> Result<()> {
        let next = self.bounds.step.after(from, self.schema.field(self.filled_column).data_type());
        if let Some(run) = &mut self.run {
            run.next = next;
        }
        Ok(())
    }

    fn made_row(&self, value: FillValue) -> Result<RecordBatch> {
        let mut columns: Vec<ArrayRef> = self.defaults.columns().to_vec();
        if let Some(run) = &self.run {
            for position in &self.prefix_columns {
                columns[*position] = run.sample.column(*position).clone();
            }
        }
        for (position, expr) in &self.interpolated {
            columns[*position] = expr.evaluate(&self.previous)?.into_array(1)?;
        }
        columns[self.filled_column] = value_array(value, self.schema.field(self.filled_column).data_type())?;
        Ok(RecordBatch::try_new(self.schema.clone(), columns)?)
    }

    /// The run ends: what is left up to TO.
    fn end_run(&mut self, out: &mut Vec<RecordBatch>) -> Result<()> {
        self.fill_until(None, out)?;
        self.run = None;
        Ok(())
    }
}

impl Work for Fill {
    fn push(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>> {
        let keys = self.prefix.rows(&batch)?;
        let values = self.column.evaluate(&batch)?.into_array(batch.num_rows())?;
        let mut out = Vec::new();
        for position in 0..batch.num_rows() {
            let row = batch.slice(position, 1);
            let key = keys.row(position);
            if self.run.as_ref().is_none_or(|run| run.key.as_ref() != key.as_ref()) {
                self.end_run(&mut out)?;
                let next = self.bounds.from;
                self.run = Some(Run { key: key.as_ref().into(), sample: row.clone(), next });
            }
            if let Some(value) = value_at(&values, position)? {
                let started = self.run.as_ref().is_some_and(|run| run.next.is_some());
                if started {
                    self.fill_until(Some(value), &mut out)?;
                } else if let Some(run) = &mut self.run {
                    run.next = Some(value);
                }
                if self.run.as_ref().and_then(|run| run.next) == Some(value) {
                    self.advance(value)?;
                }
            }
            self.previous = row.clone();
            out.push(row);
        }
        if out.is_empty() { Ok(out) } else { Ok(vec![concat_batches(&self.schema, &out)?]) }
    }

    fn finish(&mut self) -> Result<Vec<RecordBatch>> {
        let mut out = Vec::new();
        if self.run.is_none() && self.bounds.from.is_some() && self.prefix_columns.is_empty() {
            // No row at all: everything between FROM and TO is missing.
            self.run = Some(Run { key: Box::default(), sample: self.defaults.clone(), next: self.bounds.from });
        }
        self.end_run(&mut out)?;
        if out.is_empty() { Ok(out) } else { Ok(vec![concat_batches(&self.schema, &out)?]) }
    }
}

fn one_row() -> Result<RecordBatch> {
    let schema = Arc::new(arrow::datatypes::Schema::empty());
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(1));
    Ok(RecordBatch::try_new_with_options(schema, Vec::new(), &options)?)
}

fn column_index(expr: &Arc<dyn PhysicalExpr>) -> Option<usize> {
    expr.downcast_ref::<datafusion::physical_expr::expressions::Column>().map(|column| column.index())
}

/// The value at a row; none for NULL and NaN, which nothing is filled up to.
fn value_at(values: &ArrayRef, row: usize) -> Result<Option<FillValue>> {
    if values.is_null(row) {
        return Ok(None);
    }
    let one = values.slice(row, 1);
    Ok(match one.data_type() {
        ArrowType::Float32 | ArrowType::Float64 => {
            let value = cast(&one, &ArrowType::Float64)?.as_primitive::<Float64Type>().value(0);
            (!value.is_nan()).then_some(FillValue::Float(F64(value)))
        }
        ArrowType::UInt64 => Some(FillValue::Int(i128::from(one.as_primitive::<UInt64Type>().value(0)))),
        _ => {
            let value = cast(&one, &ArrowType::Int64)?.as_primitive::<Int64Type>().value(0);
            Some(FillValue::Int(i128::from(value)))
        }
    })
}

/// A value as a column of one row; values beyond the type wrap to NULL and are refused.
fn value_array(value: FillValue, ty: &ArrowType) -> Result<ArrayRef> {
    let array: ArrayRef = match (value, ty) {
        (FillValue::Float(value), _) => Arc::new(Float64Array::from(vec![value.0])),
        (FillValue::Int(value), ArrowType::Float32 | ArrowType::Float64) => {
            Arc::new(Float64Array::from(vec![value as f64]))
        }
        (FillValue::Int(value), ArrowType::UInt64) => Arc::new(UInt64Array::from(vec![u64::try_from(value).ok()])),
        (FillValue::Int(value), _) => Arc::new(Int64Array::from(vec![i64::try_from(value).ok()])),
    };
    let array = cast(&array, ty)?;
    if array.is_null(0) {
        return Err(Error::refused(
            ErrorCode::INVALID_WITH_FILL_EXPRESSION,
            "WITH FILL leads beyond the values of the column's type",
        ));
    }
    Ok(array)
}
