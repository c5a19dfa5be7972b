//! Which rows of a part a commit changed.

use crate::codec::{DecodeError, Decoder, Encoder};

/// A set of row numbers of one part, as runs.
///
/// Invariant: the runs are sorted, not empty, and neither touch nor overlap.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct RowRanges {
    runs: Vec<(u32, u32)>,
}

impl RowRanges {
    /// Rows `0 .. rows`.
    pub fn all(rows: u32) -> RowRanges {
        RowRanges { runs: if rows == 0 { Vec::new() } else { vec![(0, rows)] } }
    }

    /// These rows, which must ascend strictly; a row that does not is left out.
    pub fn from_rows(rows: impl IntoIterator<Item = u32>) -> RowRanges {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for row in rows {
            match runs.last_mut() {
                Some((_, end)) if *end == row => *end = row.saturating_add(1),
                Some((_, end)) if row < *end => {}
                _ => runs.push((row, row.saturating_add(1))),
            }
        }
        RowRanges { runs }
    }

    /// The runs as `(start, end)`, end exclusive, ascending.
    pub fn runs(&self) -> &[(u32, u32)] {
        &self.runs
    }

    /// The rows, ascending.
    pub fn rows(&self) -> impl Iterator<Item = u32> + '_ {
        self.runs.iter().flat_map(|(start, end)| *start..*end)
    }

    /// True when `row` is one of them.
    pub fn contains(&self, row: u32) -> bool {
        let after = self.runs.partition_point(|(start, _)| *start <= row);
        after.checked_sub(1).and_then(|at| self.runs.get(at)).is_some_and(|(_, end)| row < *end)
    }

    /// The rows of both.
    pub fn union(&self, other: &RowRanges) -> RowRanges {
        RowRanges::from_runs(self.runs.iter().chain(&other.runs).copied().collect())
    }

    /// The rows of these runs, each `(start, end)` with its end exclusive, in any order.
    pub fn from_runs(mut all: Vec<(u32, u32)>) -> RowRanges {
        all.retain(|(start, end)| start < end);
        all.sort_unstable();
        let mut runs: Vec<(u32, u32)> = Vec::with_capacity(all.len());
        for (start, end) in all {
            match runs.last_mut() {
                Some((_, last)) if start <= *last => *last = end.max(*last),
                _ => runs.push((start, end)),
            }
        }
        RowRanges { runs }
    }

    /// How many rows.
    pub fn count(&self) -> u64 {
        self.runs.iter().map(|(start, end)| u64::from(end - start)).sum()
    }

    /// True for no row.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Gaps and lengths, so that small numbers stay small.
    pub(crate) fn encode(&self, to: &mut Encoder) {
        let mut last = 0;
        to.list(&self.runs, |to, (start, end)| {
            to.u64(u64::from(start - last));
            to.u64(u64::from(end - start));
            last = *end;
        });
    }

    pub(crate) fn decode(from: &mut Decoder<'_>) -> Result<RowRanges, DecodeError> {
        let mut last = 0u32;
        let mut is_first = true;
        let runs = from.list("changed rows", |from| {
            let (gap, len) = (from.u32("gap of rows")?, from.u32("run of rows")?);
            let wrong = DecodeError::Value { what: "run of rows", value: u64::from(len) };
            let start = last.checked_add(gap).ok_or(wrong.clone())?;
            let end = start.checked_add(len).ok_or(wrong.clone())?;
            if len == 0 || (gap == 0 && !is_first) {
                return Err(wrong);
            }
            is_first = false;
            last = end;
            Ok((start, end))
        })?;
        Ok(RowRanges { runs })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_union_has_the_rows_of_both(
            a in prop::collection::btree_set(0u32..200, 0..100),
            b in prop::collection::btree_set(0u32..200, 0..100),
        ) {
            let union = RowRanges::from_rows(a.iter().copied()).union(&RowRanges::from_rows(b.iter().copied()));
            prop_assert_eq!(union, RowRanges::from_rows(a.union(&b).copied()));
        }

        #[test]
        fn rows_come_back(rows in prop::collection::btree_set(0u32..2000, 0..200)) {
            let ranges = RowRanges::from_rows(rows.iter().copied());
            prop_assert_eq!(ranges.rows().collect::<Vec<_>>(), rows.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(ranges.count(), rows.len() as u64);
            let mut to = Encoder::default();
            ranges.encode(&mut to);
            let bytes = to.into_bytes();
            prop_assert_eq!(RowRanges::decode(&mut Decoder::new(&bytes)), Ok(ranges));
        }
    }
}
