//! Columns of one Nested structure: arrays named `structure.element`, of equal length in every row.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, ListArray};
use arrow::datatypes::DataType as ArrowType;
use types::{Block, Column, DataType};

use crate::error::{Error, Result};

/// The structure that a column is an element of.
fn structure_of(column: &Column) -> Option<&str> {
    let (structure, _) = column.name.split_once('.')?;
    matches!(column.ty, DataType::Array(_)).then_some(structure)
}

/// The default of a column that is not given: where an element of the same structure is, arrays of its lengths.
pub(super) fn default_of(column: &Column, known: &[Column], arrays: &[ArrayRef], rows: usize) -> ArrayRef {
    let structure = structure_of(column);
    let sibling = known.iter().zip(arrays).find(|(other, _)| structure.is_some() && structure_of(other) == structure);
    let (Some((_, sibling)), DataType::Array(element), ArrowType::List(field)) =
        (sibling, &column.ty, column.ty.arrow_type())
    else {
        return column.ty.default_array(rows);
    };
    let Some(offsets) = sibling.as_list_opt::<i32>().map(ListArray::offsets) else {
        return column.ty.default_array(rows);
    };
    let elements = offsets.last().copied().unwrap_or(0);
    let values = element.default_array(usize::try_from(elements).unwrap_or(0));
    Arc::new(ListArray::new(field, offsets.clone(), values, None))
}

/// SIZES_OF_ARRAYS_DONT_MATCH when elements of a structure have different lengths in a row.
pub fn check(block: &Block) -> Result<()> {
    let mut first: Vec<(&str, &Column, &ArrayRef)> = Vec::new();
    for (column, array) in block.header().columns().iter().zip(block.arrays()) {
        let Some(structure) = structure_of(column) else { continue };
        match first.iter().find(|(known, ..)| *known == structure) {
            None => first.push((structure, column, array)),
            Some((_, other, lengths)) if !same_lengths(lengths, array) => {
                return Err(Error::NestedLengths {
                    structure: structure.to_owned(),
                    elements: [other.name.to_string(), column.name.to_string()],
                });
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn same_lengths(a: &ArrayRef, b: &ArrayRef) -> bool {
    match (a.as_list_opt::<i32>(), b.as_list_opt::<i32>()) {
        (Some(a), Some(b)) => a.offsets().lengths().eq(b.offsets().lengths()),
        _ => true,
    }
}
