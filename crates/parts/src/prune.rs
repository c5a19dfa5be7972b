//! Which granules, and which parts, can hold rows whose key lies in given ranges. Never leaves out one that does.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, UInt32Array};
use arrow_row::{OwnedRow, Rows};
use types::Header;

use crate::error::Result;
use crate::meta::{MinMax, PartMeta};
use crate::order::KeyEncoder;
use crate::schema::SortColumn;

/// An interval of a column's values, in the order of values (not of a descending key).
#[derive(Clone, Debug)]
pub struct KeyRange {
    /// The smallest value; `None` is no bound.
    pub lower: Option<Bound>,
    /// The largest value; `None` is no bound.
    pub upper: Option<Bound>,
}

/// One end of a [`KeyRange`].
#[derive(Clone, Debug)]
pub struct Bound {
    /// One value, an array of length 1 of the column's Arrow type. NULL stands for itself (after all others).
    pub value: ArrayRef,
    /// True when the value itself is inside.
    pub inclusive: bool,
}

impl KeyRange {
    /// Exactly this value.
    pub fn point(value: ArrayRef) -> KeyRange {
        let bound = Bound { value, inclusive: true };
        KeyRange { lower: Some(bound.clone()), upper: Some(bound) }
    }
}

/// What is asked of each key column, in the order of the key: any of these ranges, or (`None`) anything.
///
/// May be shorter than the key. An empty list of ranges is a condition that nothing fulfils.
pub type KeyRanges = Vec<Option<Vec<KeyRange>>>;

/// The granules of a part that can hold rows inside `ranges`: disjoint, ascending, ends exclusive.
///
/// `key` is the sorting key; its first columns are those of the part's marks.
pub fn prune(meta: &PartMeta, key: &[SortColumn], ranges: &KeyRanges) -> Result<Vec<Range<usize>>> {
    let granules = meta.granules();
    let columns = meta.marks.header().len().min(key.len()).min(ranges.len());
    if granules == 0 || meta.marks.rows() <= granules || ranges.iter().take(columns).all(Option::is_none) {
        return Ok(if granules == 0 { Vec::new() } else { Vec::from([0..granules]) });
    }
    let index = (0..columns)
        .map(|position| KeyColumn::new(meta, position, key[position].descending, &ranges[position]))
        .collect::<Result<Vec<_>>>()?;
    let mut found: Vec<Range<usize>> = Vec::new();
    for granule in candidates(&index, granules) {
        if !may_hold(&index, granule, Tight { lower: true, upper: true }) {
            continue;
        }
        match found.last_mut() {
            Some(last) if last.end == granule => last.end += 1,
            _ => found.push(granule..granule + 1),
        }
    }
    Ok(found)
}

/// True when a column with these smallest and largest values can hold a value in one of `ranges`.
pub fn may_contain(min_max: &MinMax, ranges: &[KeyRange]) -> Result<bool> {
    let header = Header::new(vec![min_max.column.clone()]);
    let encoder = KeyEncoder::new(&header, &[SortColumn::ascending(0)])?;
    let intervals = ranges.iter().map(|range| Interval::new(&encoder, range, false)).collect::<Result<Vec<_>>>()?;
    let values = encoder.encode_arrays(std::slice::from_ref(&min_max.values), min_max.values.len())?;
    let null = arrow::array::new_null_array(min_max.values.data_type(), 1);
    let null = encoder.encode_arrays(&[null], 1)?;
    Ok(intervals.iter().any(|interval| {
        let holds_null = min_max.has_null && interval.contains(null.row(0).data());
        let holds_value = values.num_rows() == 2
            && interval.reaches(Some(values.row(0).data()), Some(values.row(1).data()), Ends::Inclusive);
        holds_null || holds_value
    }))
}

/// Ranges of one column, for many values at once.
pub struct ValueRanges {
    encoder: KeyEncoder,
    intervals: Vec<Interval>,
    ty: arrow::datatypes::DataType,
}

impl ValueRanges {
    /// The ranges of a column.
    pub fn new(column: &types::Column, ranges: &[KeyRange]) -> Result<ValueRanges> {
        let encoder = KeyEncoder::new(&Header::new(vec![column.clone()]), &[SortColumn::ascending(0)])?;
        let intervals = ranges.iter().map(|range| Interval::new(&encoder, range, false)).collect::<Result<Vec<_>>>()?;
        Ok(ValueRanges { encoder, intervals, ty: column.ty.arrow_type() })
    }

    /// True when NULL is in one of them.
    pub fn holds_null(&self) -> bool {
        let null = arrow::array::new_null_array(&self.ty, 1);
        let null = self.encoder.encode_arrays(&[null], 1);
        null.is_ok_and(|null| self.intervals.iter().any(|interval| interval.contains(null.row(0).data())))
    }

    /// For each value whether it is in one of them.
    pub fn inside(&self, values: &ArrayRef) -> Result<Vec<bool>> {
        let rows = self.encoder.encode_arrays(std::slice::from_ref(values), values.len())?;
        let inside = |row: usize| self.intervals.iter().any(|interval| interval.contains(rows.row(row).data()));
        Ok((0..values.len()).map(inside).collect())
    }

    /// For each pair of a smallest and a largest value whether one of them reaches in between.
    pub fn between(&self, smallest: &ArrayRef, largest: &ArrayRef) -> Result<Vec<bool>> {
        let low = self.encoder.encode_arrays(std::slice::from_ref(smallest), smallest.len())?;
        let high = self.encoder.encode_arrays(std::slice::from_ref(largest), largest.len())?;
        let reached = |row: usize| {
            let (low, high) = (Some(low.row(row).data()), Some(high.row(row).data()));
            self.intervals.iter().any(|interval| interval.reaches(low, high, Ends::Inclusive))
        };
        Ok((0..smallest.len().min(largest.len())).map(reached).collect())
    }
}

/// True when the `i`-th column of a part's partition key is in one of `ranges`. True for parts without rows.
pub fn partition_may_contain(meta: &PartMeta, i: usize, ranges: &[KeyRange]) -> Result<bool> {
    let Some(column) = meta.partition.header().columns().get(i).filter(|_| 0 < meta.partition.rows()) else {
        return Ok(true);
    };
    let value = meta.partition.array(i);
    let has_null = value.is_null(0);
    let repeated = UInt32Array::from(if has_null { vec![] } else { vec![0, 0] });
    let values = arrow::compute::take(value, &repeated, None)?;
    may_contain(&MinMax { column: column.clone(), values, has_null }, ranges)
}

/// Granules worth a look: those that the first key column allows, found by bisection when it is restricted.
fn candidates(index: &[KeyColumn], granules: usize) -> Vec<usize> {
    let Some(KeyColumn { marks, intervals: Some(intervals) }) = index.first() else {
        return (0..granules).collect();
    };
    let mut found: Vec<usize> = Vec::new();
    for interval in intervals {
        let start = match &interval.lower {
            // a granule ends where the next one starts, so the one before the first mark inside may reach in
            Some((lower, _)) => first_mark(marks, |mark| lower.row().data() <= mark).saturating_sub(1),
            None => 0,
        };
        let end = match &interval.upper {
            Some((upper, _)) => first_mark(marks, |mark| upper.row().data() < mark),
            None => granules,
        };
        found.extend(start..end.min(granules));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The first mark for which `is_past` holds; marks for which it does come last.
fn first_mark(marks: &Rows, is_past: impl Fn(&[u8]) -> bool) -> usize {
    let (mut low, mut high) = (0, marks.num_rows());
    while low < high {
        let middle = low + (high - low) / 2;
        if is_past(marks.row(middle).data()) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// One column of the primary index and what is asked of it, all as comparable bytes in the order of the key.
struct KeyColumn {
    marks: Rows,
    intervals: Option<Vec<Interval>>,
}

impl KeyColumn {
    fn new(meta: &PartMeta, position: usize, descending: bool, ranges: &Option<Vec<KeyRange>>) -> Result<KeyColumn> {
        let encoder = KeyEncoder::new(meta.marks.header(), &[SortColumn { position, descending }])?;
        let intervals = match ranges {
            None => None,
            Some(ranges) => Some(
                ranges.iter().map(|range| Interval::new(&encoder, range, descending)).collect::<Result<Vec<_>>>()?,
            ),
        };
        Ok(KeyColumn { marks: encoder.encode(&meta.marks)?, intervals })
    }

    fn contains(&self, value: &[u8]) -> bool {
        self.intervals.as_ref().is_none_or(|intervals| intervals.iter().any(|interval| interval.contains(value)))
    }

    fn reaches(&self, low: Option<&[u8]>, high: Option<&[u8]>) -> bool {
        let reaches = |interval: &Interval| interval.reaches(low, high, Ends::Exclusive);
        self.intervals.as_ref().is_none_or(|intervals| intervals.iter().any(reaches))
    }
}

/// A [`KeyRange`] as comparable bytes; turned round for a descending key. The flags say "inclusive".
struct Interval {
    lower: Option<(OwnedRow, bool)>,
    upper: Option<(OwnedRow, bool)>,
}

/// Whether the ends of an asked stretch belong to it.
#[derive(Clone, Copy, PartialEq)]
enum Ends {
    Inclusive,
    Exclusive,
}

impl Interval {
    fn new(encoder: &KeyEncoder, range: &KeyRange, descending: bool) -> Result<Interval> {
        let end = |bound: &Option<Bound>| -> Result<Option<(OwnedRow, bool)>> {
            let Some(bound) = bound else { return Ok(None) };
            let rows = encoder.encode_arrays(std::slice::from_ref(&bound.value), 1)?;
            Ok(Some((rows.row(0).owned(), bound.inclusive)))
        };
        let (lower, upper) = (end(&range.lower)?, end(&range.upper)?);
        Ok(if descending { Interval { lower: upper, upper: lower } } else { Interval { lower, upper } })
    }

    fn contains(&self, value: &[u8]) -> bool {
        let above = self
            .lower
            .as_ref()
            .is_none_or(|(lower, inclusive)| lower.row().data() < value || (*inclusive && lower.row().data() == value));
        let below = self
            .upper
            .as_ref()
            .is_none_or(|(upper, inclusive)| value < upper.row().data() || (*inclusive && value == upper.row().data()));
        above && below
    }

    /// True when some value can be both inside and between `low` and `high` (`None`: no end).
    fn reaches(&self, low: Option<&[u8]>, high: Option<&[u8]>, ends: Ends) -> bool {
        let starts_in_time = match (&self.lower, high) {
            (Some((lower, inclusive)), Some(high)) => {
                lower.row().data() < high || (ends == Ends::Inclusive && *inclusive && lower.row().data() == high)
            }
            _ => true,
        };
        let ends_late_enough = match (low, &self.upper) {
            (Some(low), Some((upper, inclusive))) => {
                low < upper.row().data() || (ends == Ends::Inclusive && *inclusive && low == upper.row().data())
            }
            _ => true,
        };
        let has_room = low.zip(high).is_none_or(|(low, high)| low < high || (ends == Ends::Inclusive && low == high));
        starts_in_time && ends_late_enough && has_room
    }
}

/// Whether the columns so far equal the granule's first (last) key, so that the next column is bounded by it too.
#[derive(Clone, Copy)]
struct Tight {
    lower: bool,
    upper: bool,
}

/// True when some key between the granule's first key and the next granule's first key is inside all ranges.
///
/// Splits the keys between the two marks by the first column: equal to both marks, strictly between them (then the rest of
/// the key is free), or equal to one of them (then the rest is bounded by that mark).
fn may_hold(index: &[KeyColumn], granule: usize, tight: Tight) -> bool {
    let Some((column, rest)) = index.split_first() else { return true };
    if !tight.lower && !tight.upper {
        let is_possible = |column: &KeyColumn| column.intervals.as_ref().is_none_or(|ranges| !ranges.is_empty());
        return is_possible(column) && rest.iter().all(is_possible);
    }
    let (first, last) = (column.marks.row(granule), column.marks.row(granule + 1));
    let (first, last) = (first.data(), last.data());
    if tight.lower && tight.upper && first == last {
        return column.contains(first) && may_hold(rest, granule, tight);
    }
    let (low, high) = (tight.lower.then_some(first), tight.upper.then_some(last));
    let free = Tight { lower: false, upper: false };
    (column.reaches(low, high) && may_hold(rest, granule, free))
        || (tight.lower && column.contains(first) && may_hold(rest, granule, Tight { lower: true, upper: false }))
        || (tight.upper && column.contains(last) && may_hold(rest, granule, Tight { lower: false, upper: true }))
}

#[cfg(test)]
mod tests;
