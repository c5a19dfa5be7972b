//! Rows that are counted out: `numbers`, `zeros`, `generateSeries`, and `system.numbers`, which never ends.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt8Array, UInt64Array};
use datafusion::common::ScalarValue;
use futures::{StreamExt, stream};
use types::{Block, Column, DataType, Header};

use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::scan::{Blocks, Comparison, Predicate, Read, Source};

/// Rows of one block.
const BLOCK_ROWS: u64 = 65_409;

/// `start, start + step, …`, `count` of them.
#[derive(Clone, Debug)]
pub struct Numbers {
    header: Header,
    name: &'static str,
    start: u64,
    step: u64,
    /// `u64::MAX` for without end.
    count: u64,
    /// More than one share may be read at once, which gives up the order of rows.
    parallel: bool,
}

/// Rows of one zero.
#[derive(Clone, Debug)]
pub struct Zeros {
    header: Header,
    name: &'static str,
    count: u64,
}

impl Numbers {
    /// `numbers(count)`, `numbers(start, count, step)`.
    pub fn new(name: &'static str, start: u64, count: u64, step: u64) -> Numbers {
        let header = Header::new(vec![Column::new("number", DataType::UInt64)]);
        Numbers { header, name, start, step, count, parallel: false }
    }

    /// Without end: `system.numbers`.
    pub fn endless(name: &'static str) -> Numbers {
        Numbers::new(name, 0, u64::MAX, 1)
    }

    /// As `numbers_mt`: in any order.
    #[must_use]
    pub fn parallel(self) -> Numbers {
        Numbers { parallel: true, ..self }
    }

    /// `generateSeries(first, last, step)`: both ends inclusive.
    pub fn series(name: &'static str, first: u64, last: u64, step: u64) -> Result<Numbers> {
        if step == 0 {
            let message = format!("table function \"{name}\": step must not be 0");
            return Err(Error::refused(types::ErrorCode::BAD_ARGUMENTS, message));
        }
        let count = if last < first { 0 } else { ((last - first) / step).saturating_add(1) };
        let header = Header::new(vec![Column::new(name, DataType::UInt64)]);
        Ok(Numbers { header, ..Numbers::new(name, first, count, step) })
    }

    /// The indices `from..to` of the rows that the predicate can match; sound only where values do not wrap.
    fn narrow(&self, predicate: &Predicate) -> (u64, u64) {
        let step = self.step.max(1);
        let wraps =
            self.count != 0 && (self.count - 1).checked_mul(step).and_then(|v| v.checked_add(self.start)).is_none();
        if wraps && self.count != u64::MAX {
            return (0, self.count);
        }
        let (low, high) = bounds(predicate);
        let from = low.saturating_sub(self.start).div_ceil(step);
        let to = match high.checked_sub(self.start) {
            Some(distance) => (distance / step).saturating_add(1),
            None => 0,
        };
        (from.min(self.count), to.min(self.count))
    }
}

/// The values that the one column can have, both ends inclusive.
fn bounds(predicate: &Predicate) -> (u64, u64) {
    match predicate {
        Predicate::And(parts) => parts.iter().map(bounds).fold((0, u64::MAX), |a, b| (a.0.max(b.0), a.1.min(b.1))),
        Predicate::Or(parts) => {
            parts.iter().map(bounds).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or((0, u64::MAX))
        }
        Predicate::Compare { op, value: ScalarValue::UInt64(Some(v)), .. } => match op {
            Comparison::Equal => (*v, *v),
            Comparison::Less => (0, v.saturating_sub(1)),
            Comparison::LessOrEqual => (0, *v),
            Comparison::Greater => (v.saturating_add(1), u64::MAX),
            Comparison::GreaterOrEqual => (*v, u64::MAX),
            Comparison::NotEqual => (0, u64::MAX),
        },
        Predicate::In { values, .. } => {
            let numbers = values.iter().map(|value| match value {
                ScalarValue::UInt64(Some(v)) => (*v, *v),
                _ => (0, u64::MAX),
            });
            numbers.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or((u64::MAX, 0))
        }
        Predicate::Compare { .. }
        | Predicate::Unknown
        | Predicate::Has { .. }
        | Predicate::Text { .. }
        | Predicate::Null { .. } => (0, u64::MAX),
    }
}

impl Source for Numbers {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn header(&self) -> &Header {
        &self.header
    }

    fn shares(&self, wanted: usize) -> usize {
        if self.parallel && BLOCK_ROWS < self.count { wanted } else { 1 }
    }

    fn prunes(&self) -> bool {
        true
    }

    fn rows_expected(&self, _: &QueryContext, read: &Read) -> Result<u64> {
        let (from, to) = self.narrow(&read.predicate);
        Ok(to.saturating_sub(from))
    }

    fn read(&self, ctx: &Arc<QueryContext>, read: &Read) -> Result<Blocks> {
        let (from, to) = self.narrow(&read.predicate);
        if to != u64::MAX {
            ctx.counters.expect_rows(to.saturating_sub(from) / read.shares as u64);
        }
        let rows = BLOCK_ROWS.min(read.limit.map_or(BLOCK_ROWS, |limit| limit as u64)).max(1);
        let stride = rows.saturating_mul(read.shares as u64);
        let first = from.saturating_add(rows.saturating_mul(read.share as u64));
        let (start, step, header, columns) = (self.start, self.step, self.header.clone(), read.columns.clone());
        let blocks = stream::unfold(first, move |at| {
            let block = (at < to).then(|| {
                let end = at.saturating_add(rows).min(to);
                let values = (at..end).map(|index| start.wrapping_add(index.wrapping_mul(step)));
                block(&header, Arc::new(UInt64Array::from_iter_values(values)), &columns)
            });
            futures::future::ready(block.map(|block| (block, at.saturating_add(stride))))
        });
        Ok(blocks.boxed())
    }
}

impl Zeros {
    /// `zeros(count)`.
    pub fn new(name: &'static str, count: u64) -> Zeros {
        Zeros { header: Header::new(vec![Column::new("zero", DataType::UInt8)]), name, count }
    }
}

impl Source for Zeros {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn header(&self) -> &Header {
        &self.header
    }

    fn rows_expected(&self, _: &QueryContext, _: &Read) -> Result<u64> {
        Ok(self.count)
    }

    fn read(&self, _: &Arc<QueryContext>, read: &Read) -> Result<Blocks> {
        let (header, columns) = (self.header.clone(), read.columns.clone());
        let blocks = stream::unfold(self.count, move |left| {
            let rows = left.min(BLOCK_ROWS);
            let block =
                (rows != 0).then(|| block(&header, Arc::new(UInt8Array::from_value(0, rows as usize)), &columns));
            let left = if left == u64::MAX { left } else { left - rows };
            futures::future::ready(block.map(|block| (block, left)))
        });
        Ok(blocks.boxed())
    }
}

fn block(header: &Header, values: ArrayRef, columns: &[usize]) -> Result<Block> {
    Ok(Block::new(header.clone(), vec![values])?.project(columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(op: Comparison, value: u64) -> Predicate {
        Predicate::Compare { column: 0, op, value: ScalarValue::UInt64(Some(value)) }
    }

    #[test]
    fn an_endless_source_ends_where_the_filter_does() {
        let numbers = Numbers::endless("system.numbers");
        assert_eq!(numbers.narrow(&compare(Comparison::Less, 10)), (0, 10));
        let both = Predicate::And(vec![compare(Comparison::GreaterOrEqual, 5), compare(Comparison::LessOrEqual, 7)]);
        assert_eq!(numbers.narrow(&both), (5, 8));
    }

    #[test]
    fn steps_are_counted_not_values() {
        let numbers = Numbers::new("numbers", 10, 100, 5);
        assert_eq!(numbers.narrow(&compare(Comparison::Greater, 20)), (3, 100));
        assert_eq!(numbers.narrow(&compare(Comparison::Less, 10)).1, 0);
    }

    #[test]
    fn a_series_has_both_ends() {
        assert_eq!(Numbers::series("generate_series", 1, 7, 3).unwrap().count, 3);
        assert_eq!(Numbers::series("generate_series", 7, 1, 3).unwrap().count, 0);
        assert!(Numbers::series("generate_series", 1, 7, 0).is_err());
    }
}
