//! `-Array`: every element of the argument arrays is a row.

use arrow::array::{Array, ArrayRef, AsArray, ListArray};
use types::{DataType, ErrorCode};

use super::Combined;
use crate::aggregate::{GroupedStates, Made, Rows, pass_on};
use crate::error::{Error, Result};

pub(super) fn resolve(call: &Combined<'_>) -> Result<Made> {
    let items = item_types(call)?;
    Ok(call.below(call.params, &items)?.wrap(|inner| Flattened { inner }))
}

/// The element types of the arguments, which must be arrays.
pub(super) fn item_types(call: &Combined<'_>) -> Result<Vec<DataType>> {
    if call.args.is_empty() {
        return Err(call.argument_count("at least one array"));
    }
    call.args
        .iter()
        .map(|arg| match arg.base() {
            DataType::Array(item) => Ok((**item).clone()),
            _ => Err(call.argument_type(arg, "an array")),
        })
        .collect()
}

/// Arrays of several columns that must be of the same lengths row by row.
pub(super) struct Lists {
    lists: Vec<ListArray>,
}

impl Lists {
    pub fn new(args: &[ArrayRef]) -> Result<Lists> {
        let lists = args.iter().map(|array| {
            array
                .as_list_opt::<i32>()
                .cloned()
                .ok_or_else(|| Error::ArrowType { expected: "List".to_owned(), found: array.data_type().to_string() })
        });
        Ok(Lists { lists: lists.collect::<Result<_>>()? })
    }

    /// How many elements the arrays of `row` have.
    pub fn length(&self, row: usize) -> Result<usize> {
        let mut lengths = self.lists.iter().map(|list| list.value_length(row));
        let first = lengths.next().unwrap_or(0);
        if lengths.any(|length| length != first) {
            return Err(Error::Rows {
                function: "-Array",
                reason: "lengths of all arrays must be equal",
                code: ErrorCode::SIZES_OF_ARRAYS_DONT_MATCH,
            });
        }
        Ok(first as usize)
    }

    /// The elements of `rows`, one after another.
    pub fn flatten(&self, rows: &[usize]) -> Result<Vec<ArrayRef>> {
        self.lists.iter().map(|list| flatten(list, rows)).collect()
    }
}

fn flatten(list: &ListArray, rows: &[usize]) -> Result<ArrayRef> {
    let offsets = list.value_offsets();
    let in_order = rows.windows(2).all(|pair| pair[0] + 1 == pair[1]);
    if let (true, Some(first), Some(last)) = (in_order, rows.first(), rows.last()) {
        let (start, end) = (offsets[*first] as usize, offsets[*last + 1] as usize);
        return Ok(list.values().slice(start, end - start));
    }
    let positions = rows.iter().flat_map(|row| offsets[*row] as u32..offsets[*row + 1] as u32);
    let positions = arrow::array::UInt32Array::from_iter_values(positions);
    Ok(arrow::compute::take(list.values(), &positions, None)?)
}

struct Flattened {
    inner: Box<dyn GroupedStates>,
}

impl GroupedStates for Flattened {
    fn update(&mut self, args: &[ArrayRef], rows: Rows<'_>) -> Result<()> {
        let lists = Lists::new(args)?;
        let mut kept = Vec::with_capacity(rows.groups.len());
        let mut groups = Vec::new();
        rows.try_for_each(|row, group| {
            groups.extend(std::iter::repeat_n(group, lists.length(row)?));
            kept.push(row);
            Ok(())
        })?;
        self.inner.update(&lists.flatten(&kept)?, Rows::all(&groups, rows.total))
    }

    pass_on!(merge, state_column, result_column, forget, groups, grow, size_bytes);
}
