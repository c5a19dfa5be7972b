//! `a[i]` and `m[k]`: elements by index from 1 (from the end when negative) and map values by key.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::UInt64Type;
use types::DataType;

use super::pick::{pick, pick_or_default};
use super::search::Search;
use crate::columns::{Integers, Lists};
use crate::convert::plain;
use crate::error::{Error, Result};
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::maps::entries;
use crate::request::Request;

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] =
    &[Definition::new("arrayElement", element), Definition::new("arrayElementOrNull", element_or_null)];

/// Outside of the array: the default.
fn element(request: &Request<'_>) -> Result<Resolved> {
    let access = Access::new(request)?;
    let ty = access.element.clone();
    Ok(Resolved::new(ty.clone(), move |args: &[Operand], call: &Call| {
        let (values, positions) = access.positions(args, call.rows)?;
        pick_or_default(&values, &ty, &positions)
    }))
}

/// Outside of the array: NULL, or the default of a type that cannot be NULL.
fn element_or_null(request: &Request<'_>) -> Result<Resolved> {
    let access = Access::new(request)?;
    let ty = access.element.to_nullable();
    Ok(Resolved::new(ty.clone(), move |args: &[Operand], call: &Call| {
        let (values, positions) = access.positions(args, call.rows)?;
        if ty.is_nullable() { pick(&values, &positions) } else { pick_or_default(&values, &ty, &positions) }
    }))
}

struct Access {
    element: DataType,
    /// How to find a key, for maps.
    by_key: Option<Search>,
}

impl Access {
    fn new(request: &Request<'_>) -> Result<Access> {
        request.arity(2..=2)?;
        match request.ty(0) {
            DataType::Array(inner) => {
                if !request.ty(1).is_integer() {
                    return Err(request.wrong_type(1, "an integer"));
                }
                check_narrow(request, 1)?;
                Ok(Access { element: plain(inner), by_key: None })
            }
            DataType::Map(entry) => {
                if entry.0.base().is_string() != request.ty(1).base().is_string() && entry.0 != DataType::Nothing {
                    return Err(request.wrong_types());
                }
                let search = Search::new(request, &entry.0, 1)?;
                Ok(Access { element: plain(&entry.1), by_key: Some(search) })
            }
            _ => Err(request.wrong_type(0, "Array or Map")),
        }
    }

    /// The values, and where each row's value is among them.
    fn positions(&self, args: &[Operand], rows: usize) -> Result<(ArrayRef, Vec<Option<u32>>)> {
        let mut lists = Lists::of(&args[0], rows)?;
        if let Some(search) = &self.by_key {
            let (keys, values) = entries(&lists)?;
            lists.elements = keys;
            return Ok((values, search.first(&lists, &args[1], rows)?));
        }
        let indices = Integers::of(&args[1])?;
        let huge = HugeIndices::of(&args[1]);
        let position = |row: usize| {
            let range = lists.range(row);
            let index = if huge.is_huge(args[1].index(row)) { 0 } else { indices.get(row) };
            let offset = match index {
                1.. => usize::try_from(index - 1).ok()?,
                0 => return None,
                _ => range.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?,
            };
            (offset < range.len()).then(|| (range.start + offset) as u32)
        };
        Ok((lists.elements.clone(), (0..rows).map(position).collect()))
    }
}

/// Indices beyond `i64`: outside of every array.
struct HugeIndices<'a>(Option<&'a arrow::array::UInt64Array>);

impl<'a> HugeIndices<'a> {
    fn of(operand: &'a Operand) -> HugeIndices<'a> {
        HugeIndices(operand.array().as_primitive_opt::<UInt64Type>())
    }

    fn is_huge(&self, row: usize) -> bool {
        self.0.is_some_and(|indices| indices.is_valid(row) && indices.value(row) > i64::MAX as u64)
    }
}

/// Refuses wide integers as indices and counts, which are read as 64 bits.
pub(crate) fn check_narrow(request: &Request<'_>, i: usize) -> Result<()> {
    let ty = request.ty(i).remove_nullable();
    let narrow = ty.is_integer() && ty.integer_width() <= Some(8) || ty == DataType::Nothing || ty == DataType::Bool;
    if narrow { Ok(()) } else { Err::<(), Error>(request.wrong_type(i, "an integer of at most 64 bits")) }
}
