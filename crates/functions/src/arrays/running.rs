//! Arrays made position by position from what came before: sums, differences, runs.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, FixedSizeBinaryArray, PrimitiveArray, UInt32Array};
use arrow::datatypes::{
    Decimal128Type, Decimal256Type, Float64Type, Int16Type, Int32Type, Int64Type, UInt64Type, i256,
};
use types::{DataType, wide};

use super::order;
use super::reduce::{sum_type, wide_add, wide_zero};
use super::steps::{End, Flat, Plan};
use crate::columns::{Offsets, unexpected};
use crate::error::{Error, Result};

/// What a running sum never falls below.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Floor {
    None,
    Zero,
}

/// `arrayCumSum`, `arrayCumSumNonNegative`.
pub(super) fn cumulative_sum(name: &str, key: &DataType, floor: Floor) -> Result<Plan> {
    let ty = sum_type(name, key)?;
    let name = name.to_owned();
    Ok(Plan::new(DataType::array(ty.clone()), move |flat| {
        let values = match &ty {
            DataType::UInt64 => scan::<UInt64Type>(&flat, &ty, floor, |a, b| Some(a.wrapping_add(b))),
            DataType::Int64 => scan::<Int64Type>(&flat, &ty, floor, |a, b| Some(a.wrapping_add(b))),
            DataType::Float64 => scan::<Float64Type>(&flat, &ty, floor, |a, b| Some(a + b)),
            DataType::Decimal { precision, .. } if *precision <= 38 => {
                scan::<Decimal128Type>(&flat, &ty, floor, i128::checked_add)
            }
            DataType::Decimal { .. } => scan::<Decimal256Type>(&flat, &ty, floor, i256::checked_add),
            wide => wide_scan(&flat, wide, floor),
        };
        let overflow = || Error::DecimalOverflow(format!("function \"{name}\""));
        Ok(flat.lists.with_elements(values?.ok_or_else(overflow)?))
    }))
}

/// Running sums of each list; `None` when one overflows.
fn scan<T: ArrowPrimitiveType>(
    flat: &Flat,
    ty: &DataType,
    floor: Floor,
    add: impl Fn(T::Native, T::Native) -> Option<T::Native>,
) -> Result<Option<ArrayRef>> {
    let cast = arrow::compute::cast(&flat.key, &ty.arrow_type())?;
    let values = cast.as_primitive::<T>().values();
    let mut sums = Vec::with_capacity(values.len());
    for range in flat.lists.ranges() {
        let mut sum = T::default_value();
        for value in &values[range] {
            let Some(next) = add(sum, *value) else { return Ok(None) };
            sum = if floor == Floor::Zero && next < T::default_value() { T::default_value() } else { next };
            sums.push(sum);
        }
    }
    Ok(Some(Arc::new(PrimitiveArray::<T>::from_iter_values(sums).with_data_type(ty.arrow_type()))))
}

fn wide_scan(flat: &Flat, ty: &DataType, floor: Floor) -> Result<Option<ArrayRef>> {
    let cells = flat.key.as_fixed_size_binary_opt().ok_or_else(|| unexpected(flat.key.data_type()))?;
    let zero = wide_zero(ty);
    let mut sums = Vec::with_capacity(cells.len());
    for range in flat.lists.ranges() {
        let mut sum = zero.clone();
        for i in range {
            sum = wide_add(&sum, cells.value(i), ty);
            if floor == Floor::Zero && sum < zero {
                sum = zero.clone();
            }
            sums.push(Some(sum.clone()));
        }
    }
    let width = zero.len() as i32;
    Ok(Some(Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(sums.into_iter(), width)?)))
}

/// `arrayDifference`: each element less the one before; 0 for the first.
pub(super) fn difference(name: &str, key: &DataType) -> Result<Plan> {
    use DataType::*;
    let ty = match key {
        UInt8 | Int8 | Bool => Int16,
        UInt16 | Int16 | Date => Int32,
        UInt32 | Int32 | UInt64 | Int64 | DateTime(_) => Int64,
        UInt128 | Int128 => Int128,
        UInt256 | Int256 => Int256,
        Float32 | Float64 => Float64,
        Decimal { .. } => key.clone(),
        other => {
            return Err(Error::ArgumentType {
                function: name.to_owned(),
                position: 1,
                ty: other.to_string(),
                expected: "an array of numbers".to_owned(),
            });
        }
    };
    let (from, to, name) = (key.clone(), ty.clone(), name.to_owned());
    Ok(Plan::new(DataType::array(ty), move |flat| {
        let values = match &to {
            Int16 => differences::<Int16Type>(&flat, &to, |a, b| Some(a.wrapping_sub(b))),
            Int32 => differences::<Int32Type>(&flat, &to, |a, b| Some(a.wrapping_sub(b))),
            Int64 => differences::<Int64Type>(&flat, &to, |a, b| Some(a.wrapping_sub(b))),
            Float64 => differences::<Float64Type>(&flat, &to, |a, b| Some(a - b)),
            Decimal { precision, .. } if *precision <= 38 => {
                differences::<Decimal128Type>(&flat, &to, i128::checked_sub)
            }
            Decimal { .. } => differences::<Decimal256Type>(&flat, &to, i256::checked_sub),
            _ => wide_differences(&flat, &from, &to),
        };
        let overflow = || Error::DecimalOverflow(format!("function \"{name}\""));
        Ok(flat.lists.with_elements(values?.ok_or_else(overflow)?))
    }))
}

fn differences<T: ArrowPrimitiveType>(
    flat: &Flat,
    ty: &DataType,
    subtract: impl Fn(T::Native, T::Native) -> Option<T::Native>,
) -> Result<Option<ArrayRef>> {
    let cast = match flat.key.data_type() {
        // the sign bit is only read differently: differences wrap
        arrow::datatypes::DataType::UInt64 => {
            let values = flat.key.as_primitive::<UInt64Type>();
            Arc::new(values.unary::<_, Int64Type>(|value| value as i64))
        }
        _ => arrow::compute::cast(&flat.key, &ty.arrow_type())?,
    };
    let values = cast.as_primitive::<T>().values();
    let mut result = Vec::with_capacity(values.len());
    for range in flat.lists.ranges() {
        let values = &values[range];
        for (i, value) in values.iter().enumerate() {
            let step = if i == 0 { Some(T::default_value()) } else { subtract(*value, values[i - 1]) };
            let Some(step) = step else { return Ok(None) };
            result.push(step);
        }
    }
    Ok(Some(Arc::new(PrimitiveArray::<T>::from_iter_values(result).with_data_type(ty.arrow_type()))))
}

fn wide_differences(flat: &Flat, from: &DataType, to: &DataType) -> Result<Option<ArrayRef>> {
    let cells = flat.key.as_fixed_size_binary_opt().ok_or_else(|| unexpected(flat.key.data_type()))?;
    let subtract = |a: &[u8], b: &[u8]| match from {
        DataType::UInt128 => wide::u128_from_cell(a)
            .zip(wide::u128_from_cell(b))
            .map(|(a, b)| wide::i128_to_cell(a.wrapping_sub(b) as i128).to_vec()),
        DataType::Int128 => wide::i128_from_cell(a)
            .zip(wide::i128_from_cell(b))
            .map(|(a, b)| wide::i128_to_cell(a.wrapping_sub(b)).to_vec()),
        DataType::UInt256 => wide::u256_from_cell(a).zip(wide::u256_from_cell(b)).map(|(a, b)| {
            let (low, borrow) = a.1.overflowing_sub(b.1);
            let high = a.0.wrapping_sub(b.0).wrapping_sub(u128::from(borrow));
            wide::i256_to_cell(i256::from_parts(low, high as i128)).to_vec()
        }),
        _ => wide::i256_from_cell(a)
            .zip(wide::i256_from_cell(b))
            .map(|(a, b)| wide::i256_to_cell(a.wrapping_sub(b)).to_vec()),
    };
    let zero = wide_zero(to);
    let mut result = Vec::with_capacity(cells.len());
    for range in flat.lists.ranges() {
        let first = range.start;
        for i in range {
            let step = if i == first { None } else { subtract(cells.value(i), cells.value(i - 1)) };
            result.push(Some(step.unwrap_or_else(|| zero.clone())));
        }
    }
    let width = zero.len() as i32;
    Ok(Some(Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(result.into_iter(), width)?)))
}

/// `arrayCompact`: of neighbours with equal keys the first.
pub(super) fn compact(array: DataType) -> Plan {
    Plan::new(array, |flat| {
        let keys = order::keys(&flat.key)?;
        let mut kept = Vec::with_capacity(flat.key.len());
        let mut offsets = Offsets::with_capacity(flat.lists.len());
        for range in flat.lists.ranges() {
            let first = range.start;
            kept.extend(range.filter(|&i| i == first || keys.row(i) != keys.row(i - 1)).map(|i| i as u32));
            offsets.end(kept.len())?;
        }
        let elements = arrow::compute::take(&flat.lists.elements, &UInt32Array::from(kept), None)?;
        Ok(offsets.finish(elements))
    })
}

/// `arrayFill`, `arrayReverseFill`: an element whose key is false becomes the nearest one before (behind) it that stays.
pub(super) fn fill(flat: &Flat, end: End) -> Result<ArrayRef> {
    let conditions = flat.conditions()?;
    let mut positions: Vec<u32> = (0..conditions.len() as u32).collect();
    for range in flat.lists.ranges() {
        match end {
            End::First => {
                for i in range.skip(1).filter(|&i| !conditions.value(i)) {
                    positions[i] = positions[i - 1];
                }
            }
            End::Last => {
                for i in range.rev().skip(1).filter(|&i| !conditions.value(i)) {
                    positions[i] = positions[i + 1];
                }
            }
        }
    }
    let elements = arrow::compute::take(&flat.lists.elements, &UInt32Array::from(positions), None)?;
    Ok(flat.lists.with_elements(elements))
}
