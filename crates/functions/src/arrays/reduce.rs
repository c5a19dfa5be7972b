//! One value from each array: sums, extremes, counts.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, FixedSizeBinaryArray, Float64Array, PrimitiveArray, UInt8Array,
    UInt32Array,
};
use arrow::datatypes::{
    DataType as ArrowType, Decimal128Type, Decimal256Type, Float64Type, Int64Type, UInt64Type, i256,
};
use types::{DataType, wide};

use super::order;
use super::pick::{pick, pick_or_default};
use super::steps::{Flat, Plan};
use crate::columns::{floats, unexpected};
use crate::error::{Error, Result};

/// How an array becomes one value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reduction {
    Sum,
    Average,
    Product,
    Least,
    Greatest,
}

pub(super) fn plan(reduction: Reduction, name: &str, key: &DataType) -> Result<Plan> {
    match reduction {
        Reduction::Least | Reduction::Greatest => {
            let descending = reduction == Reduction::Greatest;
            let ty = key.clone();
            Ok(Plan::new(key.clone(), move |flat| extreme(&flat, &ty, descending)))
        }
        Reduction::Sum => {
            let result = sum_type(name, key)?;
            let ty = result.clone();
            let name = name.to_owned();
            Ok(Plan::new(result, move |flat| sums(&name, &flat, &ty)))
        }
        Reduction::Average | Reduction::Product => {
            sum_type(name, key)?;
            let ty = key.clone();
            let finish = if reduction == Reduction::Average { average } else { product };
            Ok(Plan::new(DataType::Float64, move |flat| finish(&flat, &ty)))
        }
    }
}

/// The type of sums of `key`; NULL has none.
pub(super) fn sum_type(name: &str, key: &DataType) -> Result<DataType> {
    let number = if key.is_number() { types::state::sum_type(key) } else { None };
    number.ok_or_else(|| Error::ArgumentType {
        function: name.to_owned(),
        position: 1,
        ty: key.to_string(),
        expected: "an array of numbers".to_owned(),
    })
}

/// How many keys are true.
pub(super) fn count(flat: &Flat) -> Result<ArrayRef> {
    let conditions = flat.conditions()?;
    let counts = flat.lists.ranges().map(|mut range| {
        let mut count = 0u32;
        range.by_ref().for_each(|i| count += u32::from(conditions.value(i)));
        count
    });
    Ok(Arc::new(UInt32Array::from_iter_values(counts)))
}

/// 1 where any key is true, or where none is false.
pub(super) fn any_or_all(flat: &Flat, any: bool) -> Result<ArrayRef> {
    let conditions = flat.conditions()?;
    let decided = flat.lists.ranges().map(|mut range| u8::from(range.any(|i| conditions.value(i) == any) == any));
    Ok(Arc::new(UInt8Array::from_iter_values(decided)))
}

/// The least or greatest key; NULL and NaN only where there is nothing else, the default where there is nothing.
fn extreme(flat: &Flat, ty: &DataType, descending: bool) -> Result<ArrayRef> {
    if flat.key.data_type().is_null() {
        return pick(&flat.key, &vec![None; flat.lists.len()]);
    }
    let keys = order::sort_keys(&flat.key, descending)?;
    let best: Vec<Option<u32>> = flat
        .lists
        .ranges()
        .map(|range| range.min_by(|a, b| keys.row(*a).cmp(&keys.row(*b))).map(|i| i as u32))
        .collect();
    pick_or_default(&flat.key, ty, &best)
}

fn average(flat: &Flat, ty: &DataType) -> Result<ArrayRef> {
    let values = as_floats(&flat.key, ty)?;
    let averages = flat.lists.ranges().map(|range| {
        if range.is_empty() {
            return 0.0;
        }
        let length = range.len() as f64;
        values[range].iter().sum::<f64>() / length
    });
    Ok(Arc::new(Float64Array::from_iter_values(averages)))
}

fn product(flat: &Flat, ty: &DataType) -> Result<ArrayRef> {
    let values = as_floats(&flat.key, ty)?;
    let product = |range: std::ops::Range<usize>| if range.is_empty() { 0.0 } else { values[range].iter().product() };
    Ok(Arc::new(Float64Array::from_iter_values(flat.lists.ranges().map(product))))
}

/// Numbers of any type as floats.
pub(crate) fn as_floats(column: &ArrayRef, ty: &DataType) -> Result<Vec<f64>> {
    if !matches!(column.data_type(), ArrowType::FixedSizeBinary(_)) {
        return Ok(floats(column)?.values().to_vec());
    }
    let cells = column.as_fixed_size_binary();
    Ok(cells.iter().map(|cell| wide_as_float(cell.unwrap_or_default(), ty)).collect())
}

fn wide_as_float(cell: &[u8], ty: &DataType) -> f64 {
    let two128 = 2f64.powi(128);
    match ty {
        DataType::UInt128 => wide::u128_from_cell(cell).map(|value| value as f64),
        DataType::Int128 => wide::i128_from_cell(cell).map(|value| value as f64),
        DataType::UInt256 => wide::u256_from_cell(cell).map(|(high, low)| high as f64 * two128 + low as f64),
        _ => wide::i256_from_cell(cell).map(|value| {
            let (low, high) = value.to_parts();
            high as f64 * two128 + low as f64
        }),
    }
    .unwrap_or(0.0)
}

fn sums(name: &str, flat: &Flat, ty: &DataType) -> Result<ArrayRef> {
    match ty {
        DataType::UInt64 => fold::<UInt64Type>(flat, ty, |a, b| Some(a.wrapping_add(b)), name),
        DataType::Int64 => fold::<Int64Type>(flat, ty, |a, b| Some(a.wrapping_add(b)), name),
        DataType::Float64 => fold::<Float64Type>(flat, ty, |a, b| Some(a + b), name),
        DataType::Decimal { precision, .. } if *precision <= 38 => {
            fold::<Decimal128Type>(flat, ty, i128::checked_add, name)
        }
        DataType::Decimal { .. } => fold::<Decimal256Type>(flat, ty, i256::checked_add, name),
        wide => wide_sums(flat, wide),
    }
}

/// Folds each list after a cast to the Arrow type of `ty`.
fn fold<T: ArrowPrimitiveType>(
    flat: &Flat,
    ty: &DataType,
    add: impl Fn(T::Native, T::Native) -> Option<T::Native>,
    name: &str,
) -> Result<ArrayRef> {
    let cast = arrow::compute::cast(&flat.key, &ty.arrow_type())?;
    let values = cast.as_primitive::<T>().values();
    let mut sums = Vec::with_capacity(flat.lists.len());
    for range in flat.lists.ranges() {
        let sum = values[range].iter().try_fold(T::default_value(), |sum, value| add(sum, *value));
        sums.push(sum.ok_or_else(|| Error::DecimalOverflow(format!("function \"{name}\"")))?);
    }
    Ok(Arc::new(PrimitiveArray::<T>::from_iter_values(sums).with_data_type(ty.arrow_type())))
}

/// Sums of 128- and 256-bit integers, wrapping.
fn wide_sums(flat: &Flat, ty: &DataType) -> Result<ArrayRef> {
    let cells = flat.key.as_fixed_size_binary_opt().ok_or_else(|| unexpected(flat.key.data_type()))?;
    let mut sums = Vec::with_capacity(flat.lists.len());
    for range in flat.lists.ranges() {
        let mut sum = wide_zero(ty);
        for i in range {
            sum = wide_add(&sum, cells.value(i), ty);
        }
        sums.push(sum);
    }
    let width = wide_zero(ty).len() as i32;
    Ok(Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(sums.into_iter().map(Some), width)?))
}

/// The cell of 0.
pub(super) fn wide_zero(ty: &DataType) -> Vec<u8> {
    match ty {
        DataType::UInt128 => wide::u128_to_cell(0).to_vec(),
        DataType::Int128 => wide::i128_to_cell(0).to_vec(),
        DataType::UInt256 => wide::u256_to_cell(0, 0).to_vec(),
        _ => wide::i256_to_cell(i256::ZERO).to_vec(),
    }
}

/// The cell of the wrapping sum.
pub(super) fn wide_add(left: &[u8], right: &[u8], ty: &DataType) -> Vec<u8> {
    let sum = match ty {
        DataType::UInt128 => wide::u128_from_cell(left)
            .zip(wide::u128_from_cell(right))
            .map(|(a, b)| wide::u128_to_cell(a.wrapping_add(b)).to_vec()),
        DataType::Int128 => wide::i128_from_cell(left)
            .zip(wide::i128_from_cell(right))
            .map(|(a, b)| wide::i128_to_cell(a.wrapping_add(b)).to_vec()),
        DataType::UInt256 => wide::u256_from_cell(left).zip(wide::u256_from_cell(right)).map(|(a, b)| {
            let (low, carry) = a.1.overflowing_add(b.1);
            wide::u256_to_cell(a.0.wrapping_add(b.0).wrapping_add(u128::from(carry)), low).to_vec()
        }),
        _ => wide::i256_from_cell(left)
            .zip(wide::i256_from_cell(right))
            .map(|(a, b)| wide::i256_to_cell(a.wrapping_add(b)).to_vec()),
    };
    sum.unwrap_or_else(|| wide_zero(ty))
}
