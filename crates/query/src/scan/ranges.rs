//! From a predicate to intervals of one column's values, as parts prune by them.
//!
//! The intervals of a column are a necessary condition: every row that the predicate accepts has its value in one of
//! them. They may hold more.

use std::cmp::Ordering;

use datafusion::common::ScalarValue;
use parts::prune::{Bound, KeyRange};

use super::{Comparison, Predicate};
use crate::error::Result;

/// More intervals than these are not kept apart: pruning by them would cost more than it saves.
const INTERVALS_MAX: usize = 4_096;

/// Values between two ends.
#[derive(Clone, PartialEq, Debug)]
struct Interval {
    lower: Option<End>,
    upper: Option<End>,
}

#[derive(Clone, PartialEq, Debug)]
struct End {
    value: ScalarValue,
    inclusive: bool,
}

/// The intervals that the predicate leaves of a column; none when it leaves everything.
pub(crate) fn ranges_of(predicate: &Predicate, column: usize) -> Result<Option<Vec<KeyRange>>> {
    let Some(intervals) = intervals(predicate, column) else { return Ok(None) };
    if INTERVALS_MAX < intervals.len() {
        return Ok(None);
    }
    Ok(Some(intervals.into_iter().map(Interval::into_range).collect::<Result<_>>()?))
}

fn intervals(predicate: &Predicate, column: usize) -> Option<Vec<Interval>> {
    match predicate {
        Predicate::Unknown | Predicate::Has { .. } | Predicate::Text { .. } | Predicate::Null { .. } => None,
        Predicate::Compare { column: other, .. } | Predicate::In { column: other, .. } if *other != column => None,
        Predicate::Compare { op, value, .. } => compared(*op, value),
        Predicate::In { values, .. } => Some(values.iter().map(point).collect()),
        Predicate::And(parts) => parts.iter().filter_map(|part| intervals(part, column)).reduce(|a, b| both(&a, &b)),
        Predicate::Or(parts) => {
            let mut joined = Vec::new();
            for part in parts {
                joined.extend(intervals(part, column)?);
            }
            Some(joined)
        }
    }
}

fn compared(op: Comparison, value: &ScalarValue) -> Option<Vec<Interval>> {
    let end = |inclusive| Some(End { value: value.clone(), inclusive });
    Some(vec![match op {
        Comparison::Equal => point(value),
        Comparison::Less => Interval { lower: None, upper: end(false) },
        Comparison::LessOrEqual => Interval { lower: None, upper: end(true) },
        Comparison::Greater => Interval { lower: end(false), upper: None },
        Comparison::GreaterOrEqual => Interval { lower: end(true), upper: None },
        Comparison::NotEqual => return None,
    }])
}

/// Exactly the value; zero of a float stands for both zeros, which are equal and differ in order.
fn point(value: &ScalarValue) -> Interval {
    let ends = |low: ScalarValue, high: ScalarValue| Interval {
        lower: Some(End { value: low, inclusive: true }),
        upper: Some(End { value: high, inclusive: true }),
    };
    match value {
        ScalarValue::Float64(Some(zero)) if *zero == 0.0 => ends((-0.0_f64).into(), 0.0_f64.into()),
        ScalarValue::Float32(Some(zero)) if *zero == 0.0 => ends((-0.0_f32).into(), 0.0_f32.into()),
        other => ends(other.clone(), other.clone()),
    }
}

/// The values that are in both lists.
fn both(left: &[Interval], right: &[Interval]) -> Vec<Interval> {
    let mut common = Vec::new();
    for a in left {
        for b in right {
            let lower = tighter(&a.lower, &b.lower, Ordering::Greater);
            let upper = tighter(&a.upper, &b.upper, Ordering::Less);
            if !is_empty(&lower, &upper) {
                common.push(Interval { lower, upper });
            }
        }
    }
    common
}

/// The end that allows less; `wanted` says on which side "less" is.
fn tighter(a: &Option<End>, b: &Option<End>, wanted: Ordering) -> Option<End> {
    match (a, b) {
        (None, end) | (end, None) => end.clone(),
        (Some(x), Some(y)) => match x.value.partial_cmp(&y.value) {
            Some(Ordering::Equal) => Some(if x.inclusive { y.clone() } else { x.clone() }),
            Some(order) if order == wanted => Some(x.clone()),
            // Values that cannot be compared: either end is a necessary condition.
            _ => Some(y.clone()),
        },
    }
}

fn is_empty(lower: &Option<End>, upper: &Option<End>) -> bool {
    let (Some(lower), Some(upper)) = (lower, upper) else { return false };
    match lower.value.partial_cmp(&upper.value) {
        Some(Ordering::Greater) => true,
        Some(Ordering::Equal) => !(lower.inclusive && upper.inclusive),
        Some(Ordering::Less) | None => false,
    }
}

impl Interval {
    fn into_range(self) -> Result<KeyRange> {
        let bound = |end: Option<End>| -> Result<Option<Bound>> {
            let Some(end) = end else { return Ok(None) };
            Ok(Some(Bound { value: end.value.to_array()?, inclusive: end.inclusive }))
        };
        Ok(KeyRange { lower: bound(self.lower)?, upper: bound(self.upper)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(column: usize, op: Comparison, value: u64) -> Predicate {
        Predicate::Compare { column, op, value: value.into() }
    }

    fn count(predicate: &Predicate) -> Option<usize> {
        intervals(predicate, 0).map(|intervals| intervals.len())
    }

    #[test]
    fn a_range_is_the_intersection_of_its_ends() {
        let range = Predicate::And(vec![
            compare(0, Comparison::GreaterOrEqual, 3),
            compare(0, Comparison::Less, 5),
            compare(1, Comparison::Equal, 9),
        ]);
        let found = intervals(&range, 0).unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[0].lower.as_ref().unwrap().inclusive);
        assert!(!found[0].upper.as_ref().unwrap().inclusive);
    }

    #[test]
    fn contradictions_leave_nothing_and_other_columns_everything() {
        let never = Predicate::And(vec![compare(0, Comparison::Less, 3), compare(0, Comparison::Greater, 5)]);
        assert_eq!(count(&never), Some(0));
        assert_eq!(count(&compare(1, Comparison::Less, 3)), None);
    }

    #[test]
    fn an_alternative_on_another_column_leaves_everything() {
        let or = |other| Predicate::Or(vec![compare(0, Comparison::Equal, 3), compare(other, Comparison::Equal, 5)]);
        assert_eq!(count(&or(0)), Some(2));
        assert_eq!(count(&or(1)), None);
    }
}
