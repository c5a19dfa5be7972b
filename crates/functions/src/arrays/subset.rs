//! Arrays inside arrays: `hasAll`, `hasAny` (as sets), `hasSubstr` (as a run), `startsWith` and `endsWith` of arrays.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, UInt8Array};
use arrow_row::Rows;
use types::DataType;

use super::order;
use crate::columns::Lists;
use crate::common_type;
use crate::convert::{Converter, converters};
use crate::error::Result;
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("hasAll", |request| test(request, has_all)),
    Definition::new("hasAny", |request| test(request, has_any)),
    Definition::new("hasSubstr", |request| test(request, has_run)),
    Definition::new("arrayJaccardIndex", jaccard_index),
];

/// Two arrays of every row, in keys of one kind.
struct Pair {
    left: Lists,
    right: Lists,
    left_keys: Rows,
    right_keys: Rows,
}

/// Brings two array arguments to their common type.
struct Both(Vec<Converter>);

impl Both {
    fn new(request: &Request<'_>) -> Result<Both> {
        request.arity(2..=2)?;
        super::element_type(request, 0)?;
        super::element_type(request, 1)?;
        let types = [request.ty(0).clone(), request.ty(1).clone()];
        let common = common_type(&types)?;
        Ok(Both(converters(&types, &common, request.context)?))
    }

    fn pair(&self, args: &[Operand], rows: usize) -> Result<Pair> {
        let left = Lists::of_array(&self.0[0].full(&args[0], rows)?)?;
        let right = Lists::of_array(&self.0[1].full(&args[1], rows)?)?;
        let (left_keys, right_keys) = order::keys_of_two(&left.elements, &right.elements)?;
        Ok(Pair { left, right, left_keys, right_keys })
    }
}

type Test = fn(&Pair, Range<usize>, Range<usize>) -> bool;

fn test(request: &Request<'_>, test: Test) -> Result<Resolved> {
    let both = Both::new(request)?;
    Ok(Resolved::new(DataType::UInt8, move |args: &[Operand], call: &Call| {
        let pair = both.pair(args, call.rows)?;
        let holds = |row| u8::from(test(&pair, pair.left.range(row), pair.right.range(row)));
        Ok(Arc::new(UInt8Array::from_iter_values((0..call.rows).map(holds))))
    }))
}

/// `startsWith` of arrays.
pub(crate) fn starts_with(request: &Request<'_>) -> Result<Resolved> {
    test(request, |pair, left, right| right.len() <= left.len() && is_run(pair, left.start, &right))
}

/// `endsWith` of arrays.
pub(crate) fn ends_with(request: &Request<'_>) -> Result<Resolved> {
    test(request, |pair, left, right| right.len() <= left.len() && is_run(pair, left.end - right.len(), &right))
}

fn has_all(pair: &Pair, left: Range<usize>, right: Range<usize>) -> bool {
    let known: HashSet<_> = left.map(|i| pair.left_keys.row(i)).collect();
    right.into_iter().all(|j| known.contains(&pair.right_keys.row(j)))
}

fn has_any(pair: &Pair, left: Range<usize>, right: Range<usize>) -> bool {
    let known: HashSet<_> = left.map(|i| pair.left_keys.row(i)).collect();
    right.into_iter().any(|j| known.contains(&pair.right_keys.row(j)))
}

fn has_run(pair: &Pair, left: Range<usize>, right: Range<usize>) -> bool {
    right.len() <= left.len() && (left.start..=left.end - right.len()).any(|start| is_run(pair, start, &right))
}

/// The right array's elements stand in the left one from `start` on.
fn is_run(pair: &Pair, start: usize, right: &Range<usize>) -> bool {
    right.clone().enumerate().all(|(i, j)| pair.left_keys.row(start + i) == pair.right_keys.row(j))
}

/// How many different elements both have, of those that any has.
fn jaccard_index(request: &Request<'_>) -> Result<Resolved> {
    let both = Both::new(request)?;
    if *super::element_type(request, 0)? == DataType::Nothing && *super::element_type(request, 1)? == DataType::Nothing
    {
        return Err(request.wrong_types());
    }
    Ok(Resolved::new(DataType::Float64, move |args: &[Operand], call: &Call| {
        let pair = both.pair(args, call.rows)?;
        let index = |row| {
            let left: HashSet<_> = pair.left.range(row).map(|i| pair.left_keys.row(i)).collect();
            let right: HashSet<_> = pair.right.range(row).map(|i| pair.right_keys.row(i)).collect();
            let shared = left.intersection(&right).count();
            shared as f64 / (left.len() + right.len() - shared) as f64
        };
        Ok(Arc::new(Float64Array::from_iter_values((0..call.rows).map(index))) as ArrayRef)
    }))
}
