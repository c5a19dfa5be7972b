//! Row filters, groups and struct columns: the small things that all states share.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StructArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::nullif;
use arrow::datatypes::{Field, Fields};

use crate::error::{Error, Result};

/// The rows of `filter` (all when `None`) at which `valid` is set too.
pub(crate) fn and_valid(filter: Option<&BooleanArray>, valid: Option<&NullBuffer>) -> Option<BooleanArray> {
    match (filter, valid) {
        (None, None) => None,
        (None, Some(valid)) => Some(BooleanArray::new(valid.inner().clone(), None)),
        (Some(filter), None) => Some(filter.clone()),
        (Some(filter), Some(valid)) => Some(BooleanArray::new(&true_bits(filter) & valid.inner(), None)),
    }
}

/// The rows at which both are true.
pub(crate) fn and(filter: Option<&BooleanArray>, condition: &BooleanArray) -> BooleanArray {
    let condition = true_bits(condition);
    match filter {
        None => BooleanArray::new(condition, None),
        Some(filter) => BooleanArray::new(&true_bits(filter) & &condition, None),
    }
}

/// Set bits where the array is true and not NULL.
pub(crate) fn true_bits(array: &BooleanArray) -> BooleanBuffer {
    match array.nulls() {
        None => array.values().clone(),
        Some(nulls) => array.values() & nulls.inner(),
    }
}

/// The fields of a state column.
pub(crate) fn state_columns(states: &ArrayRef, at_least: usize) -> Result<&[ArrayRef]> {
    match states.as_struct_opt() {
        Some(fields) if fields.num_columns() >= at_least => Ok(fields.columns()),
        _ => Err(Error::ArrowType {
            expected: format!("a state of {at_least} fields"),
            found: states.data_type().to_string(),
        }),
    }
}

/// A state column of these named fields.
pub(crate) fn state_struct(fields: Vec<(&str, ArrayRef)>) -> Result<ArrayRef> {
    let rows = fields.first().map_or(0, |(_, array)| array.len());
    let names: Fields = fields.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let arrays = fields.into_iter().map(|(_, array)| array).collect();
    Ok(Arc::new(StructArray::try_new_with_length(names, arrays, None, rows)?))
}

/// A state column with one more field at its end.
pub(crate) fn with_field(states: &ArrayRef, name: &str, array: ArrayRef) -> Result<ArrayRef> {
    let columns = states
        .as_struct_opt()
        .ok_or_else(|| Error::ArrowType { expected: "a state".to_owned(), found: states.data_type().to_string() })?;
    let mut fields: Vec<_> = columns.fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new(name, array.data_type().clone(), true)));
    let mut arrays = columns.columns().to_vec();
    let rows = array.len();
    arrays.push(array);
    Ok(Arc::new(StructArray::try_new_with_length(fields.into(), arrays, None, rows)?))
}

/// A boolean column of `flags`.
pub(crate) fn flags(flags: Vec<bool>) -> ArrayRef {
    Arc::new(BooleanArray::from(flags))
}

/// `array` with NULL where `present` is false.
pub(crate) fn null_unless(array: &ArrayRef, present: &[bool]) -> Result<ArrayRef> {
    if present.iter().all(|p| *p) {
        return Ok(Arc::clone(array));
    }
    let absent: BooleanArray = present.iter().map(|p| Some(!p)).collect();
    Ok(nullif(array, &absent)?)
}

/// The boolean field at `position` of a state column.
pub(crate) fn flag_column(columns: &[ArrayRef], position: usize) -> Result<&BooleanArray> {
    columns.get(position).and_then(|column| column.as_boolean_opt()).ok_or_else(|| Error::ArrowType {
        expected: "Boolean".to_owned(),
        found: columns.get(position).map_or_else(|| "nothing".to_owned(), |column| column.data_type().to_string()),
    })
}
