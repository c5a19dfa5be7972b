//! The setting `extremes`: the least and the greatest value of each column of an answer.
//!
//! As in ClickHouse, NULLs and NaNs do not count, and those of a tuple are those of its elements.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StructArray, new_null_array};
use arrow::compute::{SortOptions, concat, nullif, sort_to_indices, take};
use arrow::datatypes::{DataType as ArrowType, Float32Type, Float64Type};
use arrow_row::{RowConverter, SortField};
use types::{Block, DataType, Header};

use crate::error::{Error, Result};

/// What was seen so far.
pub(crate) struct Extremes {
    header: Header,
    /// Of each column one row, the least and the greatest; none before the first row.
    columns: Vec<Option<(ArrayRef, ArrayRef)>>,
}

impl Extremes {
    pub(crate) fn new(header: &Header) -> Extremes {
        Extremes { header: header.clone(), columns: vec![None; header.len()] }
    }

    /// Takes the rows of a block of that header.
    pub(crate) fn add(&mut self, block: &Block) -> Result<()> {
        if block.rows() == 0 {
            return Ok(());
        }
        for ((column, array), seen) in self.header.columns().iter().zip(block.arrays()).zip(&mut self.columns) {
            let found = |array: &ArrayRef, greatest: bool| extreme(&column.ty, array, greatest).map_err(failed);
            *seen = Some(match seen.take() {
                None => (found(array, false)?, found(array, true)?),
                Some((least, greatest)) => {
                    let with = |one: ArrayRef| concat(&[one.as_ref(), array.as_ref()]).map_err(failed);
                    (found(&with(least)?, false)?, found(&with(greatest)?, true)?)
                }
            });
        }
        Ok(())
    }

    /// Two rows, the least values and the greatest; none of an answer without rows.
    pub(crate) fn finish(self) -> Result<Option<Block>> {
        let Some(pairs) = self.columns.into_iter().collect::<Option<Vec<_>>>() else { return Ok(None) };
        let both = pairs.iter().map(|(least, greatest)| concat(&[least.as_ref(), greatest.as_ref()]));
        let arrays = both.collect::<std::result::Result<Vec<_>, _>>().map_err(failed)?;
        Ok(Some(Block::with_rows(self.header, arrays, 2)?))
    }
}

fn failed(error: arrow::error::ArrowError) -> Error {
    Error::refused(types::ErrorCode::LOGICAL_ERROR, format!("extremes of a column: {error}"))
}

/// One row: the least or the greatest value.
fn extreme(ty: &DataType, array: &ArrayRef, greatest: bool) -> std::result::Result<ArrayRef, arrow::error::ArrowError> {
    match ty.base() {
        DataType::Tuple(fields) if !fields.is_empty() => {
            let tuple = array.as_struct();
            let columns =
                fields.iter().zip(tuple.columns()).map(|(field, column)| extreme(&field.ty, column, greatest));
            let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
            Ok(Arc::new(StructArray::try_new(tuple.fields().clone(), columns, None)?))
        }
        DataType::Nothing => Ok(new_null_array(array.data_type(), 1)),
        DataType::Array(_) | DataType::Map(_) => {
            let rows = RowConverter::new(vec![SortField::new(array.data_type().clone())])?
                .convert_columns(std::slice::from_ref(array))?;
            let by_row = |row: &usize| rows.row(*row);
            let numbers = 0..array.len();
            let found = if greatest { numbers.max_by_key(by_row) } else { numbers.min_by_key(by_row) };
            Ok(array.slice(found.unwrap_or(0), 1))
        }
        _ => {
            let array = without_nan(array)?;
            let options = SortOptions { descending: greatest, nulls_first: false };
            take(&array, &sort_to_indices(&array, Some(options), Some(1))?, None)
        }
    }
}

fn without_nan(array: &ArrayRef) -> std::result::Result<ArrayRef, arrow::error::ArrowError> {
    let nan: BooleanArray = match array.data_type() {
        ArrowType::Float32 => array.as_primitive::<Float32Type>().iter().map(|v| Some(v?.is_nan())).collect(),
        ArrowType::Float64 => array.as_primitive::<Float64Type>().iter().map(|v| Some(v?.is_nan())).collect(),
        _ => return Ok(array.clone()),
    };
    // A column of nothing else has NaN as its extremes.
    let others = array.len() - array.null_count() > nan.true_count();
    if others { nullif(array, &nan) } else { Ok(array.clone()) }
}
