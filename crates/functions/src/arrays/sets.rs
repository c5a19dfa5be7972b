//! Different elements: `arrayDistinct`, `arrayUniq`, `arrayEnumerateUniq`, `arrayIntersect`…
//!
//! Elements keep the order in which they came first.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt32Array};
use arrow_row::{Row, Rows};
use types::DataType;

use super::order;
use super::search::Search;
use crate::columns::{Lists, Offsets};
use crate::common_type;
use crate::convert::{Converter, converters, plain};
use crate::error::{Error, Result};
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("arrayDistinct", distinct),
    Definition::new("arrayUniq", uniq),
    Definition::new("arrayEnumerate", enumerate),
    Definition::new("arrayEnumerateUniq", |request| numbered(request, Numbering::Occurrence)),
    Definition::new("arrayEnumerateDense", |request| numbered(request, Numbering::Value)),
    Definition::new("arrayIntersect", |request| combined(request, Combination::Intersection)),
    Definition::new("arrayUnion", |request| combined(request, Combination::Union)),
    Definition::new("arraySymmetricDifference", |request| combined(request, Combination::SymmetricDifference)),
    Definition::new("arrayExcept", except),
    Definition::new("arrayRemove", remove).sees_nulls(),
    Definition::new("arrayRemove", remove).sees_nulls().alias("array_remove").any_case(),
];

/// Each element once; NULL not at all.
fn distinct(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let element = super::element_type(request, 0)?.remove_nullable();
    Ok(Resolved::new(DataType::array(element), |args: &[Operand], call: &Call| {
        let lists = Lists::of(&args[0], call.rows)?;
        let keys = order::keys(&lists.elements)?;
        let nulls = lists.elements.logical_nulls();
        let mut kept = Vec::with_capacity(lists.elements.len());
        let mut offsets = Offsets::with_capacity(call.rows);
        let mut seen = HashMap::new();
        for range in lists.ranges() {
            seen.clear();
            for i in range.filter(|&i| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(i))) {
                if seen.insert(keys.row(i), ()).is_none() {
                    kept.push(i as u32);
                }
            }
            offsets.end(kept.len())?;
        }
        Ok(offsets.finish(arrow::compute::take(&lists.elements, &UInt32Array::from(kept), None)?))
    }))
}

/// Arrays of one length, and keys of the tuples of their elements.
fn keyed(name: &str, args: &[Operand], rows: usize) -> Result<(Lists, Rows)> {
    let lists = args.iter().map(|arg| Lists::of(arg, rows)).collect::<Result<Vec<_>>>()?;
    if lists.iter().any(|other| other.offsets != lists[0].offsets) {
        return Err(Error::ArrayLengths(name.to_owned()));
    }
    let columns: Vec<ArrayRef> = lists.iter().map(|list| list.elements.clone()).collect();
    Ok((lists[0].clone(), order::keys_of(&columns)?))
}

fn check_arrays(request: &Request<'_>) -> Result<()> {
    request.arity(1..=usize::MAX)?;
    (0..request.args.len()).try_for_each(|i| super::element_type(request, i).map(drop))
}

/// How many different elements (or tuples of elements).
fn uniq(request: &Request<'_>) -> Result<Resolved> {
    check_arrays(request)?;
    let name = request.name.to_owned();
    Ok(Resolved::new(DataType::UInt32, move |args: &[Operand], call: &Call| {
        let (lists, keys) = keyed(&name, args, call.rows)?;
        let mut seen = HashMap::new();
        let count = |range: std::ops::Range<usize>| {
            seen.clear();
            seen.extend(range.map(|i| (keys.row(i), ())));
            seen.len() as u32
        };
        Ok(Arc::new(UInt32Array::from_iter_values(lists.ranges().map(count))))
    }))
}

/// 1, 2, 3…
fn enumerate(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    super::element_type(request, 0)?;
    Ok(Resolved::new(DataType::array(DataType::UInt32), |args: &[Operand], call: &Call| {
        let lists = Lists::of(&args[0], call.rows)?;
        let numbers = lists.ranges().flat_map(|range| 1..=range.len() as u32);
        Ok(lists.with_elements(Arc::new(UInt32Array::from_iter_values(numbers))))
    }))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbering {
    /// The first of its kind is 1, the second 2…
    Occurrence,
    /// The first kind is 1, the second kind 2…
    Value,
}

fn numbered(request: &Request<'_>, numbering: Numbering) -> Result<Resolved> {
    check_arrays(request)?;
    let name = request.name.to_owned();
    Ok(Resolved::new(DataType::array(DataType::UInt32), move |args: &[Operand], call: &Call| {
        let (lists, keys) = keyed(&name, args, call.rows)?;
        let mut numbers = Vec::with_capacity(lists.elements.len());
        let mut seen: HashMap<Row<'_>, u32> = HashMap::new();
        for range in lists.ranges() {
            seen.clear();
            for i in range {
                let next = seen.len() as u32 + 1;
                let number = seen.entry(keys.row(i)).or_insert(if numbering == Numbering::Value { next } else { 0 });
                if numbering == Numbering::Occurrence {
                    *number += 1;
                }
                numbers.push(*number);
            }
        }
        Ok(lists.with_elements(Arc::new(UInt32Array::from(numbers))))
    }))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Combination {
    Intersection,
    Union,
    SymmetricDifference,
}

impl Combination {
    /// Whether an element in `count` of `all` arrays belongs to the result.
    fn keeps(self, count: usize, all: usize) -> bool {
        match self {
            Combination::Intersection => count == all,
            Combination::Union => true,
            Combination::SymmetricDifference => count < all,
        }
    }
}

/// The type of what arrays have in common: the narrowest.
fn narrowest(types: &[DataType]) -> DataType {
    let rank = |ty: &DataType| match ty {
        DataType::Nothing => (0, 0, false),
        ty => (1, ty.integer_width().unwrap_or(usize::MAX), ty.is_signed()),
    };
    let nullable = types.iter().all(DataType::is_nullable);
    let bases: Vec<DataType> = types.iter().map(|ty| plain(ty).remove_nullable()).collect();
    let narrowest = bases.iter().min_by_key(|ty| rank(ty)).cloned().unwrap_or(DataType::Nothing);
    if nullable { narrowest.to_nullable() } else { narrowest }
}

fn combined(request: &Request<'_>, combination: Combination) -> Result<Resolved> {
    check_arrays(request)?;
    let elements =
        (0..request.args.len()).map(|i| super::element_type(request, i).cloned()).collect::<Result<Vec<_>>>()?;
    let types: Vec<DataType> = request.args.iter().map(|arg| arg.ty.clone()).collect();
    let common = common_type(&types)?;
    let to_common = converters(&types, &common, request.context)?;
    let result = match combination {
        Combination::Intersection => DataType::array(narrowest(&elements)),
        _ => common.clone(),
    };
    if result == DataType::array(DataType::Nothing) {
        return Ok(Resolved::new(
            result.clone(),
            move |_: &[Operand], call: &Call| Ok(result.default_array(call.rows)),
        ));
    }
    let to_result = Converter::new(&common, &result, request.context)?;
    Ok(Resolved::new(result, move |args: &[Operand], call: &Call| {
        let lists = args
            .iter()
            .zip(&to_common)
            .map(|(arg, to)| Lists::of_array(&to.full(arg, call.rows)?))
            .collect::<Result<Vec<_>>>()?;
        to_result.array(&combine(&lists, combination, call.rows)?)
    }))
}

/// The elements that the combination keeps, each once, in the order in which they came first.
fn combine(lists: &[Lists], combination: Combination, rows: usize) -> Result<ArrayRef> {
    let elements: Vec<&dyn Array> = lists.iter().map(|list| list.elements.as_ref()).collect();
    let starts: Vec<usize> = elements
        .iter()
        .scan(0, |next, column| {
            let start = *next;
            *next += column.len();
            Some(start)
        })
        .collect();
    let elements = arrow::compute::concat(&elements)?;
    let keys = order::keys(&elements)?;
    let mut kept = Vec::new();
    let mut offsets = Offsets::with_capacity(rows);
    for row in 0..rows {
        // key -> in how many arrays, and the last of those
        let mut counts: HashMap<Row<'_>, (usize, usize)> = HashMap::new();
        let mut firsts = Vec::new();
        for (array, list) in lists.iter().enumerate() {
            for i in list.range(row).map(|i| starts[array] + i) {
                let (count, last) = counts.entry(keys.row(i)).or_insert((0, usize::MAX));
                if *count == 0 {
                    firsts.push(i);
                }
                if *last != array {
                    (*count, *last) = (*count + 1, array);
                }
            }
        }
        let keeps = |i: &usize| counts.get(&keys.row(*i)).is_some_and(|(n, _)| combination.keeps(*n, lists.len()));
        kept.extend(firsts.into_iter().filter(keeps).map(|i| i as u32));
        offsets.end(kept.len())?;
    }
    Ok(offsets.finish(arrow::compute::take(&elements, &UInt32Array::from(kept), None)?))
}

/// The elements of the first array that the second has not.
fn except(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    check_arrays(request)?;
    let types = [request.ty(0).clone(), request.ty(1).clone()];
    let to_common = converters(&types, &common_type(&types)?, request.context)?;
    Ok(Resolved::new(types[0].clone(), move |args: &[Operand], call: &Call| {
        let lists = Lists::of(&args[0], call.rows)?;
        let left = Lists::of_array(&to_common[0].full(&args[0], call.rows)?)?;
        let right = Lists::of_array(&to_common[1].full(&args[1], call.rows)?)?;
        let keys = order::keys_of_two(&left.elements, &right.elements)?;
        let mut kept = Vec::new();
        let mut offsets = Offsets::with_capacity(call.rows);
        for row in 0..call.rows {
            let excluded: HashMap<Row<'_>, ()> = right.range(row).map(|i| (keys.1.row(i), ())).collect();
            kept.extend(left.range(row).filter(|&i| !excluded.contains_key(&keys.0.row(i))).map(|i| i as u32));
            offsets.end(kept.len())?;
        }
        Ok(offsets.finish(arrow::compute::take(&lists.elements, &UInt32Array::from(kept), None)?))
    }))
}

/// The array without the elements that equal the second argument.
fn remove(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let search = Search::new(request, super::element_type(request, 0)?, 1)?;
    Ok(Resolved::new(request.ty(0).clone(), move |args: &[Operand], call: &Call| {
        let lists = Lists::of(&args[0], call.rows)?;
        let mut kept: Vec<u32> = Vec::new();
        let mut ends = Vec::with_capacity(call.rows);
        search.for_each_row(&lists, &args[1], call.rows, |_, range, equal| {
            kept.extend(range.filter(|i| !equal(*i)).map(|i| i as u32));
            ends.push(kept.len());
        })?;
        let mut offsets = Offsets::with_capacity(call.rows);
        for end in ends {
            offsets.end(end)?;
        }
        Ok(offsets.finish(arrow::compute::take(&lists.elements, &UInt32Array::from(kept), None)?))
    }))
}
