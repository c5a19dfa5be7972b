//! Equality and order of elements of any type, by way of Arrow's row format.
//!
//! -0 equals 0, every NaN equals every other here (callers that must tell them apart ask [`nan_rows`]), NULL equals NULL.
//! Sorted, NaN comes behind all numbers and NULL behind NaN, in either direction.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float32Array, Float64Array, ListArray, StructArray, UInt8Array,
};
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType as ArrowType, Float32Type, Float64Type};
use arrow_row::{RowConverter, Rows, SortField};

use crate::error::Result;

/// Rows of one column whose bytes are equal where the values are.
pub(crate) fn keys(column: &ArrayRef) -> Result<Rows> {
    keys_of(std::slice::from_ref(column))
}

/// Rows of several columns, equal where all are.
pub(crate) fn keys_of(columns: &[ArrayRef]) -> Result<Rows> {
    let columns: Vec<ArrayRef> = columns.iter().map(normalized).collect();
    let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
    Ok(RowConverter::new(fields)?.convert_columns(&columns)?)
}

/// Keys of two columns of one type that can be compared with each other.
pub(crate) fn keys_of_two(left: &ArrayRef, right: &ArrayRef) -> Result<(Rows, Rows)> {
    let (left, right) = (normalized(left), normalized(right));
    let converter = RowConverter::new(vec![SortField::new(left.data_type().clone())])?;
    Ok((converter.convert_columns(&[left])?, converter.convert_columns(&[right])?))
}

/// Rows of one column whose bytes sort as the values do.
pub(crate) fn sort_keys(column: &ArrayRef, descending: bool) -> Result<Rows> {
    let value = normalized(column);
    let class = classes(&value);
    let options = SortOptions { descending, nulls_first: false };
    let mut fields = vec![SortField::new_with_options(value.data_type().clone(), options)];
    let mut columns = vec![value];
    if let Some(class) = class {
        fields.insert(0, SortField::new(ArrowType::UInt8));
        columns.insert(0, Arc::new(class));
    }
    Ok(RowConverter::new(fields)?.convert_columns(&columns)?)
}

/// For floating-point columns: 0 for numbers, 1 for NaN, 2 for NULL.
fn classes(column: &ArrayRef) -> Option<UInt8Array> {
    let nan = nan_rows(column)?;
    let class = |row| if column.is_null(row) { 2 } else { u8::from(nan.value(row)) };
    Some(UInt8Array::from_iter_values((0..column.len()).map(class)))
}

/// Which rows are NaN; `None` for columns that cannot hold it.
pub(crate) fn nan_rows(column: &ArrayRef) -> Option<BooleanArray> {
    match column.data_type() {
        ArrowType::Float32 => {
            Some(BooleanArray::from_unary(column.as_primitive::<Float32Type>(), |value: f32| value.is_nan()))
        }
        ArrowType::Float64 => {
            Some(BooleanArray::from_unary(column.as_primitive::<Float64Type>(), |value: f64| value.is_nan()))
        }
        _ => None,
    }
}

/// The column with one spelling of zero and of NaN, at every depth.
fn normalized(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        ArrowType::Float32 => {
            let values: Float32Array = column
                .as_primitive::<Float32Type>()
                .unary(|value: f32| if value.is_nan() { f32::NAN } else { value + 0.0 });
            Arc::new(values)
        }
        ArrowType::Float64 => {
            let values: Float64Array = column
                .as_primitive::<Float64Type>()
                .unary(|value: f64| if value.is_nan() { f64::NAN } else { value + 0.0 });
            Arc::new(values)
        }
        ArrowType::List(field) => {
            let list: &ListArray = column.as_list();
            let values = normalized(list.values());
            Arc::new(ListArray::new(field.clone(), list.offsets().clone(), values, list.nulls().cloned()))
        }
        ArrowType::Struct(fields) if !fields.is_empty() => {
            let tuple = column.as_struct();
            let columns = tuple.columns().iter().map(normalized).collect();
            Arc::new(StructArray::new(fields.clone(), columns, tuple.nulls().cloned()))
        }
        _ => column.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_and_null_sort_last_in_both_directions() {
        let column: ArrayRef =
            Arc::new(Float64Array::from(vec![Some(f64::NAN), Some(1.0), None, Some(2.0), Some(-0.0)]));
        for (descending, expected) in [(false, [4, 1, 3, 0, 2]), (true, [3, 1, 4, 0, 2])] {
            let keys = sort_keys(&column, descending).unwrap();
            let mut order = [0, 1, 2, 3, 4];
            order.sort_by(|a, b| keys.row(*a).cmp(&keys.row(*b)));
            assert_eq!(order, expected);
        }
    }

    #[test]
    fn zeros_are_equal_and_so_are_nans() {
        let column: ArrayRef = Arc::new(Float64Array::from(vec![0.0, -0.0, f64::NAN, -f64::NAN]));
        let keys = keys(&column).unwrap();
        assert_eq!(keys.row(0), keys.row(1));
        assert_eq!(keys.row(2), keys.row(3));
    }
}
