//! Where an element is: `has`, `indexOf`, `countEqual`. NULL is found as NULL; NaN is never found.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, UInt8Array, UInt64Array};
use arrow::datatypes::{
    DataType as ArrowType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use types::DataType;

use super::order;
use crate::columns::{Bytes, Lists};
use crate::common_type;
use crate::convert::{Converter, plain};
use crate::error::Result;
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;

const fn row(name: &'static str, resolver: crate::frame::Resolver) -> Definition {
    Definition::new(name, resolver).sees_nulls().sees_low_cardinality()
}

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    row("has", |request| has(request, true)),
    row("notHas", |request| has(request, false)),
    row("indexOf", index_of),
    row("indexOfAssumeSorted", index_of),
    row("countEqual", count_equal),
];

/// A search for needles among elements, both cast to their common type.
pub(crate) struct Search {
    to_element: Converter,
    to_needle: Converter,
    needle_is_null: bool,
}

impl Search {
    /// A search among elements of type `element` for argument `needle` of the call.
    pub(crate) fn new(request: &Request<'_>, element: &DataType, needle: usize) -> Result<Search> {
        let ty = request.ty(needle);
        let needle_is_null = ty.is_nullable() && *ty.base() == DataType::Nothing;
        let common = if needle_is_null {
            element.clone()
        } else if *element == DataType::Nothing {
            ty.clone()
        } else {
            let nullable = element.is_nullable() || ty.is_nullable();
            let common = common_type(&[plain(element).remove_nullable(), plain(ty).remove_nullable()])?;
            if nullable { common.to_nullable() } else { common }
        };
        let needle_type = if needle_is_null { common.to_nullable() } else { common.clone() };
        Ok(Search {
            to_element: Converter::new(element, &common, request.context)?,
            to_needle: Converter::new(ty, &needle_type, request.context)?,
            needle_is_null,
        })
    }

    /// Calls `found` for every row with its list's range and a test of the element at a position.
    pub(crate) fn for_each_row(
        &self,
        lists: &Lists,
        needle: &Operand,
        rows: usize,
        mut found: impl FnMut(usize, std::ops::Range<usize>, &dyn Fn(usize) -> bool),
    ) -> Result<()> {
        let elements = self.to_element.array(&lists.elements)?;
        if self.needle_is_null {
            let nulls = elements.logical_nulls();
            let is_null = |i: usize| nulls.as_ref().is_some_and(|nulls| nulls.is_null(i));
            (0..rows).for_each(|row| found(row, lists.range(row), &is_null));
            return Ok(());
        }
        let needle = self.to_needle.operand(needle)?;
        let equal = equality(&elements, needle.array())?;
        for row in 0..rows {
            let at = needle.index(row);
            found(row, lists.range(row), &|i| equal(i, at));
        }
        Ok(())
    }

    /// 1 in rows whose list has the needle.
    pub(crate) fn has(&self, lists: &Lists, needle: &Operand, rows: usize) -> Result<ArrayRef> {
        let mut result = Vec::with_capacity(rows);
        self.for_each_row(lists, needle, rows, |_, mut range, equal| result.push(u8::from(range.any(equal))))?;
        Ok(Arc::new(UInt8Array::from(result)))
    }

    /// The position of the first element of each row that equals the needle.
    pub(crate) fn first(&self, lists: &Lists, needle: &Operand, rows: usize) -> Result<Vec<Option<u32>>> {
        let mut result = Vec::with_capacity(rows);
        self.for_each_row(lists, needle, rows, |_, mut range, equal| {
            result.push(range.find(|i| equal(*i)).map(|i| i as u32));
        })?;
        Ok(result)
    }
}

/// A test of two positions, in two columns of one type: NULL equals NULL, NaN nothing.
pub(crate) fn equality<'a>(left: &'a ArrayRef, right: &'a ArrayRef) -> Result<Box<dyn Fn(usize, usize) -> bool + 'a>> {
    Ok(match left.data_type() {
        ArrowType::UInt8 => primitives::<UInt8Type>(left, right),
        ArrowType::UInt16 => primitives::<UInt16Type>(left, right),
        ArrowType::UInt32 => primitives::<UInt32Type>(left, right),
        ArrowType::UInt64 => primitives::<UInt64Type>(left, right),
        ArrowType::Int8 => primitives::<Int8Type>(left, right),
        ArrowType::Int16 => primitives::<Int16Type>(left, right),
        ArrowType::Int32 => primitives::<Int32Type>(left, right),
        ArrowType::Int64 => primitives::<Int64Type>(left, right),
        ArrowType::Float32 => primitives::<Float32Type>(left, right),
        ArrowType::Float64 => primitives::<Float64Type>(left, right),
        ArrowType::Binary => {
            let (a, b) = (Bytes::of_array(left, false)?, Bytes::of_array(right, false)?);
            Box::new(move |i, j| left.is_valid(i) == right.is_valid(j) && (left.is_null(i) || a.get(i) == b.get(j)))
        }
        ArrowType::Null => Box::new(|_, _| true),
        _ => {
            let (a, b) = order::keys_of_two(left, right)?;
            Box::new(move |i, j| a.row(i) == b.row(j))
        }
    })
}

fn primitives<'a, T: ArrowPrimitiveType>(
    left: &'a ArrayRef,
    right: &'a ArrayRef,
) -> Box<dyn Fn(usize, usize) -> bool + 'a> {
    let (a, b) = (left.as_primitive::<T>(), right.as_primitive::<T>());
    if a.null_count() == 0 && b.null_count() == 0 {
        let (a, b) = (a.values(), b.values());
        return Box::new(move |i, j| a[i] == b[j]);
    }
    Box::new(move |i, j| a.is_valid(i) == b.is_valid(j) && (a.is_null(i) || a.value(i) == b.value(j)))
}

fn has(request: &Request<'_>, wanted: bool) -> Result<Resolved> {
    request.arity(2..=2)?;
    let (element, is_map) = match request.ty(0) {
        DataType::Array(inner) => ((**inner).clone(), false),
        DataType::Map(entry) => (entry.0.clone(), true),
        _ => return Err(request.wrong_type(0, "Array or Map")),
    };
    let search = Search::new(request, &element, 1)?;
    Ok(Resolved::new(DataType::UInt8, move |args: &[Operand], call: &Call| {
        let mut lists = Lists::of(&args[0], call.rows)?;
        if is_map {
            lists.elements = crate::maps::entries(&lists)?.0;
        }
        let found = search.has(&lists, &args[1], call.rows)?;
        if wanted {
            return Ok(found);
        }
        Ok(Arc::new(found.as_primitive::<UInt8Type>().unary::<_, UInt8Type>(|found| 1 - found)))
    }))
}

fn index_of(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let search = Search::new(request, super::element_type(request, 0)?, 1)?;
    Ok(Resolved::new(DataType::UInt64, move |args: &[Operand], call: &Call| {
        let lists = Lists::of(&args[0], call.rows)?;
        let first = search.first(&lists, &args[1], call.rows)?;
        let index = |(row, at): (usize, &Option<u32>)| at.map_or(0, |at| at as u64 - lists.range(row).start as u64 + 1);
        Ok(Arc::new(UInt64Array::from_iter_values(first.iter().enumerate().map(index))))
    }))
}

fn count_equal(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let search = Search::new(request, super::element_type(request, 0)?, 1)?;
    Ok(Resolved::new(DataType::UInt64, move |args: &[Operand], call: &Call| {
        let lists = Lists::of(&args[0], call.rows)?;
        let mut counts = Vec::with_capacity(call.rows);
        search.for_each_row(&lists, &args[1], call.rows, |_, range, equal| {
            counts.push(range.filter(|i| equal(*i)).count() as u64);
        })?;
        Ok(Arc::new(UInt64Array::from(counts)))
    }))
}
