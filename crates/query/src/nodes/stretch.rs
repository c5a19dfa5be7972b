//! LIMIT and OFFSET that are counted from the end, or are a share of the rows: known when all rows are.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::physical_expr::PhysicalExpr;

use super::exec::Work;
use super::limit_by::Keys;
use crate::error::Result;

/// How far a LIMIT or an OFFSET reaches.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Reach {
    /// So many rows from the first one on.
    First(u64),
    /// So many rows before the end.
    Last(u64),
    /// A share of all rows, rounded up to whole ones: the bits of a Float64 between 0 and 1.
    Share(u64),
}

impl Reach {
    fn of_share(bits: u64, rows: usize) -> usize {
        (f64::from_bits(bits) * rows as f64).ceil() as usize
    }
}

/// The rows between an offset and a limit, of which one at least is not counted from the first row.
pub(super) struct Stretch {
    offset: Option<Reach>,
    count: Option<Reach>,
    /// With TIES: rows that equal the one at the open end belong to them.
    ties: Option<Keys>,
    batches: VecDeque<RecordBatch>,
    /// Rows before those that are held: they cannot belong to the result any more.
    dropped: usize,
    rows: usize,
    size_bytes: usize,
}

impl Stretch {
    pub(super) fn new(
        exprs: &[Arc<dyn PhysicalExpr>],
        offset: Option<Reach>,
        count: Option<Reach>,
        with_ties: bool,
    ) -> Stretch {
        let ties = with_ties.then(|| Keys::new(exprs));
        Stretch { offset, count, ties, batches: VecDeque::new(), dropped: 0, rows: 0, size_bytes: 0 }
    }

    /// Of the last rows only so many are held.
    fn let_go(&mut self) {
        let (Some(Reach::Last(count)), None | Some(Reach::First(_)), None) = (self.count, self.offset, &self.ties)
        else {
            return;
        };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        while let Some(first) = self.batches.front()
            && count <= self.rows - self.dropped - first.num_rows()
        {
            self.dropped += first.num_rows();
            self.size_bytes = self.size_bytes.saturating_sub(first.get_array_memory_size());
            self.batches.pop_front();
        }
    }

    /// The rows of the result, and those that it may be widened to.
    fn chosen(&self) -> (Range<usize>, Range<usize>) {
        let rows = self.rows;
        let whole = |count: u64| usize::try_from(count).unwrap_or(usize::MAX).min(rows);
        let (mut start, mut end) = match self.offset {
            None => (0, rows),
            Some(Reach::First(count)) => (whole(count), rows),
            Some(Reach::Last(count)) => (0, rows - whole(count)),
            Some(Reach::Share(bits)) => (Reach::of_share(bits, rows).min(rows), rows),
        };
        let all = start..end;
        match self.count {
            None => {}
            Some(Reach::First(count)) => end = end.min(start.saturating_add(whole(count))),
            Some(Reach::Last(count)) => start = start.max(end.saturating_sub(whole(count))),
            Some(Reach::Share(bits)) => end = end.min(start.saturating_add(Reach::of_share(bits, rows))),
        }
        (start..end.max(start), all)
    }

    fn widened(&mut self, chosen: Range<usize>, all: &Range<usize>) -> Result<Range<usize>> {
        let Some(keys) = &mut self.ties else { return Ok(chosen) };
        if chosen.is_empty() {
            return Ok(chosen);
        }
        let mut of_row: Vec<Box<[u8]>> = Vec::with_capacity(self.rows);
        for batch in &self.batches {
            of_row.extend(keys.rows(batch)?.iter().map(|row| Box::from(row.as_ref())));
        }
        let (mut start, mut end) = (chosen.start, chosen.end);
        match self.count {
            Some(Reach::Last(_)) => {
                while all.start < start && of_row[start - 1] == of_row[start] {
                    start -= 1;
                }
            }
            _ => {
                while end < all.end && of_row[end - 1] == of_row[end] {
                    end += 1;
                }
            }
        }
        Ok(start..end)
    }
}

impl Work for Stretch {
    fn push(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>> {
        self.rows += batch.num_rows();
        self.size_bytes += batch.get_array_memory_size();
        self.batches.push_back(batch);
        self.let_go();
        Ok(Vec::new())
    }

    fn finish(&mut self) -> Result<Vec<RecordBatch>> {
        let (chosen, all) = self.chosen();
        let chosen = self.widened(chosen, &all)?;
        let mut at = self.dropped;
        let mut given = Vec::new();
        for batch in self.batches.drain(..) {
            let (start, end) = (chosen.start.max(at), chosen.end.min(at + batch.num_rows()));
            if start < end {
                given.push(batch.slice(start - at, end - start));
            }
            at += batch.num_rows();
        }
        self.size_bytes = 0;
        Ok(given)
    }

    fn size_bytes(&self) -> usize {
        self.size_bytes
    }
}
