//! A number of any summable type, with room for sums: whole numbers and decimals in 256 bits, floats in 64.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Decimal256Array, FixedSizeBinaryBuilder, PrimitiveArray,
};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType as ArrowType, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type, i256,
};
use types::{DataType, wide};

use super::super::sums::wrap_decimal;
use crate::error::{Error, Result};

/// A sum, not yet cut to its column's type.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum WideSum {
    /// Only NULLs so far.
    Null,
    /// Whole numbers up to 64 bits: sums wrap at 64 bits, which is where ClickHouse's do.
    Word(i64),
    /// Wider whole numbers, and decimals unscaled.
    Wide(i256),
    /// Floating point.
    Float(f64),
}

impl WideSum {
    /// The value of `array` (of type `ty`) at `row`.
    pub fn read(ty: &DataType, array: &ArrayRef, row: usize) -> WideSum {
        if array.is_null(row) {
            return WideSum::Null;
        }
        let cell = || array.as_fixed_size_binary().value(row);
        match array.data_type() {
            ArrowType::Boolean => WideSum::Word(array.as_boolean().value(row).into()),
            ArrowType::UInt8 => WideSum::Word(array.as_primitive::<UInt8Type>().value(row).into()),
            ArrowType::UInt16 => WideSum::Word(array.as_primitive::<UInt16Type>().value(row).into()),
            ArrowType::UInt32 => WideSum::Word(array.as_primitive::<UInt32Type>().value(row).into()),
            ArrowType::UInt64 => WideSum::Word(array.as_primitive::<UInt64Type>().value(row) as i64),
            ArrowType::Int8 => WideSum::Word(array.as_primitive::<Int8Type>().value(row).into()),
            ArrowType::Int16 => WideSum::Word(array.as_primitive::<Int16Type>().value(row).into()),
            ArrowType::Int32 => WideSum::Word(array.as_primitive::<Int32Type>().value(row).into()),
            ArrowType::Int64 => WideSum::Word(array.as_primitive::<Int64Type>().value(row)),
            ArrowType::Float32 => WideSum::Float(array.as_primitive::<Float32Type>().value(row).into()),
            ArrowType::Float64 => WideSum::Float(array.as_primitive::<Float64Type>().value(row)),
            ArrowType::Decimal128(..) => {
                WideSum::Wide(i256::from_i128(array.as_primitive::<Decimal128Type>().value(row)))
            }
            ArrowType::Decimal256(..) => WideSum::Wide(array.as_primitive::<Decimal256Type>().value(row)),
            _ => match ty.base() {
                DataType::Int128 => {
                    wide::i128_from_cell(cell()).map_or(WideSum::Null, |v| WideSum::Wide(i256::from_i128(v)))
                }
                DataType::Int256 => wide::i256_from_cell(cell()).map_or(WideSum::Null, WideSum::Wide),
                DataType::UInt128 => {
                    wide::u128_from_cell(cell()).map_or(WideSum::Null, |v| WideSum::Wide(i256::from_parts(v, 0)))
                }
                _ => wide::u256_from_cell(cell())
                    .map_or(WideSum::Null, |(high, low)| WideSum::Wide(i256::from_parts(low, high as i128))),
            },
        }
    }

    /// Adds a number of the same type. NULL adds nothing.
    pub fn add(&mut self, other: WideSum) {
        *self = match (*self, other) {
            (WideSum::Word(a), WideSum::Word(b)) => WideSum::Word(a.wrapping_add(b)),
            (WideSum::Wide(a), WideSum::Wide(b)) => WideSum::Wide(a.wrapping_add(b)),
            (WideSum::Float(a), WideSum::Float(b)) => WideSum::Float(a + b),
            (sum, WideSum::Null) => sum,
            (_, other) => other,
        };
    }

    /// True when nothing, or nothing but zeros, was added up.
    pub fn is_zero(&self) -> bool {
        match self {
            WideSum::Null => true,
            WideSum::Word(word) => *word == 0,
            WideSum::Wide(wide) => *wide == i256::ZERO,
            WideSum::Float(float) => *float == 0.0,
        }
    }

    /// A column of `ty` (whose Arrow type is `arrow`) of sums cut to that type.
    pub fn collect<'a>(ty: &DataType, arrow: &ArrowType, sums: impl Iterator<Item = &'a WideSum>) -> Result<ArrayRef> {
        Ok(match arrow {
            ArrowType::Boolean => Arc::new(sums.map(|s| s.word().map(|w| w != 0)).collect::<BooleanArray>()),
            ArrowType::UInt8 => words::<UInt8Type>(sums, |w| w as u8),
            ArrowType::UInt16 => words::<UInt16Type>(sums, |w| w as u16),
            ArrowType::UInt32 => words::<UInt32Type>(sums, |w| w as u32),
            ArrowType::UInt64 => words::<UInt64Type>(sums, |w| w as u64),
            ArrowType::Int8 => words::<Int8Type>(sums, |w| w as i8),
            ArrowType::Int16 => words::<Int16Type>(sums, |w| w as i16),
            ArrowType::Int32 => words::<Int32Type>(sums, |w| w as i32),
            ArrowType::Int64 => words::<Int64Type>(sums, |w| w),
            ArrowType::Float32 => {
                Arc::new(sums.map(|s| s.float().map(|f| f as f32)).collect::<PrimitiveArray<Float32Type>>())
            }
            ArrowType::Float64 => Arc::new(sums.map(WideSum::float).collect::<PrimitiveArray<Float64Type>>()),
            ArrowType::Decimal128(precision, scale) => {
                let digits = if let DataType::Decimal { precision, .. } = ty.base() { *precision } else { 38 };
                let sums = sums.map(|s| s.wide().map(|wide| wrap_decimal(wide.as_i128(), digits)));
                Arc::new(sums.collect::<Decimal128Array>().with_precision_and_scale(*precision, *scale)?)
            }
            ArrowType::Decimal256(precision, scale) => {
                let sums = sums.map(WideSum::wide).collect::<Decimal256Array>();
                Arc::new(sums.with_precision_and_scale(*precision, *scale)?)
            }
            ArrowType::FixedSizeBinary(width) => {
                let mut builder = FixedSizeBinaryBuilder::new(*width);
                for sum in sums {
                    match sum.wide() {
                        Some(wide) => builder.append_value(cell(ty.base(), wide))?,
                        None => builder.append_null(),
                    }
                }
                Arc::new(builder.finish())
            }
            other => return Err(Error::Schema(format!("a map cannot add up values of {other}"))),
        })
    }

    fn word(&self) -> Option<i64> {
        if let WideSum::Word(word) = self { Some(*word) } else { None }
    }

    fn float(&self) -> Option<f64> {
        if let WideSum::Float(float) = self { Some(*float) } else { None }
    }

    fn wide(&self) -> Option<i256> {
        if let WideSum::Wide(wide) = self { Some(*wide) } else { None }
    }
}

fn words<'a, T: ArrowPrimitiveType>(
    sums: impl Iterator<Item = &'a WideSum>,
    cut: impl Fn(i64) -> T::Native,
) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::from_iter(sums.map(|sum| sum.word().map(&cut))))
}

fn cell(ty: &DataType, sum: i256) -> Vec<u8> {
    let (low, high) = sum.to_parts();
    match ty {
        DataType::Int128 => wide::i128_to_cell(low as i128).to_vec(),
        DataType::UInt128 => wide::u128_to_cell(low).to_vec(),
        DataType::Int256 => wide::i256_to_cell(sum).to_vec(),
        _ => wide::u256_to_cell(high as u128, low).to_vec(),
    }
}
