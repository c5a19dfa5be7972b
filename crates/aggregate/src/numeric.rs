//! Number columns of every type as few kinds of Arrow columns.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeBinaryBuilder, Float64Array, PrimitiveArray, UInt8Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType as ArrowType, *};
use types::{DataType, wide};

use crate::error::{Error, Result};

/// The column as an array of `T`, which the caller derived from the same type.
pub(crate) fn primitive<T: ArrowPrimitiveType>(array: &ArrayRef) -> Result<&PrimitiveArray<T>> {
    array
        .as_primitive_opt::<T>()
        .ok_or_else(|| Error::ArrowType { expected: T::DATA_TYPE.to_string(), found: array.data_type().to_string() })
}

/// Bool as UInt8 and (U)Int128/256 as Decimal128/256 of the same bits, so that all numbers are primitive arrays.
/// `ty` is the column's type.
pub(crate) fn to_primitive(ty: &DataType, array: &ArrayRef) -> Result<ArrayRef> {
    let signed = ty.base().is_signed();
    Ok(match array.data_type() {
        ArrowType::Boolean => {
            let bits = array.as_boolean();
            let values: Vec<u8> = bits.values().iter().map(u8::from).collect();
            Arc::new(UInt8Array::new(values.into(), array.nulls().cloned()))
        }
        ArrowType::FixedSizeBinary(16) => {
            let cells = array.as_fixed_size_binary();
            let number = |cell| match signed {
                true => wide::i128_from_cell(cell).unwrap_or_default(),
                false => wide::u128_from_cell(cell).unwrap_or_default() as i128,
            };
            let values: Vec<i128> = (0..cells.len()).map(|row| number(cells.value(row))).collect();
            Arc::new(PrimitiveArray::<Decimal128Type>::new(values.into(), array.nulls().cloned()))
        }
        ArrowType::FixedSizeBinary(32) => {
            let cells = array.as_fixed_size_binary();
            let number = |cell: &[u8]| match signed {
                true => wide::i256_from_cell(cell).unwrap_or_default(),
                false => i256::from_be_bytes(cell.try_into().unwrap_or([0; 32])),
            };
            let values: Vec<i256> = (0..cells.len()).map(|row| number(cells.value(row))).collect();
            Arc::new(PrimitiveArray::<Decimal256Type>::new(values.into(), array.nulls().cloned()))
        }
        _ => Arc::clone(array),
    })
}

/// The inverse of [`to_primitive`]: `array` as the Arrow type of `ty`, bits unchanged.
pub(crate) fn from_primitive(array: ArrayRef, ty: &DataType) -> Result<ArrayRef> {
    let wanted = ty.arrow_type();
    let signed = ty.base().is_signed();
    Ok(match (array.data_type(), &wanted) {
        (ArrowType::UInt8, ArrowType::Boolean) => cast(&array, &wanted)?,
        (ArrowType::Decimal128(..), ArrowType::FixedSizeBinary(16)) => {
            let values = array.as_primitive::<Decimal128Type>();
            let cell = |v: i128| if signed { wide::i128_to_cell(v) } else { wide::u128_to_cell(v as u128) };
            let mut builder = FixedSizeBinaryBuilder::with_capacity(values.len(), 16);
            values.values().iter().try_for_each(|value| builder.append_value(cell(*value)))?;
            Arc::new(builder.finish())
        }
        (ArrowType::Decimal256(..), ArrowType::FixedSizeBinary(32)) => {
            let values = array.as_primitive::<Decimal256Type>();
            let cell = |v: i256| if signed { wide::i256_to_cell(v) } else { v.to_be_bytes() };
            let mut builder = FixedSizeBinaryBuilder::with_capacity(values.len(), 32);
            values.values().iter().try_for_each(|value| builder.append_value(cell(*value)))?;
            Arc::new(builder.finish())
        }
        (ArrowType::Decimal128(..), ArrowType::Decimal128(..)) => {
            Arc::new(array.as_primitive::<Decimal128Type>().clone().with_data_type(wanted))
        }
        (ArrowType::Decimal256(..), ArrowType::Decimal256(..)) => {
            Arc::new(array.as_primitive::<Decimal256Type>().clone().with_data_type(wanted))
        }
        _ => array,
    })
}

/// A column of whole numbers, dates, times or unscaled decimals of up to 128 bits as i128; unsigned 128 bits wrap.
pub(crate) fn to_i128(ty: &DataType, array: &ArrayRef) -> Result<Vec<i128>> {
    fn convert<T: ArrowPrimitiveType>(array: &ArrayRef, to: impl Fn(T::Native) -> i128) -> Result<Vec<i128>> {
        Ok(primitive::<T>(array)?.values().iter().map(|value| to(*value)).collect())
    }
    let array = &to_primitive(ty, array)?;
    match array.data_type() {
        ArrowType::UInt8 => convert::<UInt8Type>(array, i128::from),
        ArrowType::UInt16 => convert::<UInt16Type>(array, i128::from),
        ArrowType::UInt32 => convert::<UInt32Type>(array, i128::from),
        ArrowType::UInt64 => convert::<UInt64Type>(array, i128::from),
        ArrowType::Int8 => convert::<Int8Type>(array, i128::from),
        ArrowType::Int16 => convert::<Int16Type>(array, i128::from),
        ArrowType::Int32 => convert::<Int32Type>(array, i128::from),
        ArrowType::Int64 => convert::<Int64Type>(array, i128::from),
        ArrowType::Decimal128(..) => convert::<Decimal128Type>(array, |v| v),
        other => Err(Error::ArrowType { expected: "a whole number".to_owned(), found: other.to_string() }),
    }
}

/// The inverse of [`to_i128`]: a column of `ty`, values wrapped to its width.
pub(crate) fn from_i128(ty: &DataType, values: &[i128]) -> Result<ArrayRef> {
    fn convert<T: ArrowPrimitiveType>(values: &[i128], to: impl Fn(i128) -> T::Native) -> ArrayRef {
        Arc::new(PrimitiveArray::<T>::from_iter_values(values.iter().map(|value| to(*value))))
    }
    let array = match ty.arrow_type() {
        ArrowType::UInt8 | ArrowType::Boolean => convert::<UInt8Type>(values, |v| v as u8),
        ArrowType::UInt16 => convert::<UInt16Type>(values, |v| v as u16),
        ArrowType::UInt32 => convert::<UInt32Type>(values, |v| v as u32),
        ArrowType::UInt64 => convert::<UInt64Type>(values, |v| v as u64),
        ArrowType::Int8 => convert::<Int8Type>(values, |v| v as i8),
        ArrowType::Int16 => convert::<Int16Type>(values, |v| v as i16),
        ArrowType::Int32 => convert::<Int32Type>(values, |v| v as i32),
        ArrowType::Int64 => convert::<Int64Type>(values, |v| v as i64),
        ArrowType::Float32 => convert::<Float32Type>(values, |v| v as f32),
        ArrowType::Float64 => convert::<Float64Type>(values, |v| v as f64),
        _ => convert::<Decimal128Type>(values, |v| v),
    };
    from_primitive(array, ty)
}

/// A column of any number type, of dates and times as floats; decimals with their scale.
pub(crate) fn to_f64(ty: &DataType, array: &ArrayRef) -> Result<Float64Array> {
    fn convert<T: ArrowPrimitiveType>(array: &ArrayRef, to: impl Fn(T::Native) -> f64) -> Result<Float64Array> {
        Ok(primitive::<T>(array)?.unary(to))
    }
    let array = &to_primitive(ty, array)?;
    match (array.data_type(), ty.base()) {
        (ArrowType::Float64, _) => Ok(primitive::<Float64Type>(array)?.clone()),
        (ArrowType::UInt8, _) => convert::<UInt8Type>(array, f64::from),
        (ArrowType::UInt16, _) => convert::<UInt16Type>(array, f64::from),
        (ArrowType::UInt32, _) => convert::<UInt32Type>(array, f64::from),
        (ArrowType::UInt64, _) => convert::<UInt64Type>(array, |v| v as f64),
        (ArrowType::Int8, _) => convert::<Int8Type>(array, f64::from),
        (ArrowType::Int16, _) => convert::<Int16Type>(array, f64::from),
        (ArrowType::Int32, _) => convert::<Int32Type>(array, f64::from),
        (ArrowType::Int64, _) => convert::<Int64Type>(array, |v| v as f64),
        (ArrowType::Float32, _) => convert::<Float32Type>(array, f64::from),
        (ArrowType::Decimal128(..), DataType::UInt128) => convert::<Decimal128Type>(array, |v| v as u128 as f64),
        (ArrowType::Decimal128(..), ty) => {
            let unit = scale_unit(ty);
            convert::<Decimal128Type>(array, |v| v as f64 / unit)
        }
        (ArrowType::Decimal256(..), ty) => {
            let unit = scale_unit(ty);
            let unsigned = *ty == DataType::UInt256;
            convert::<Decimal256Type>(array, |v| i256_to_f64(v, unsigned) / unit)
        }
        (other, _) => Err(Error::ArrowType { expected: "a number".to_owned(), found: other.to_string() }),
    }
}

/// 10 to the power of a decimal's scale; 1 for all other types.
pub(crate) fn scale_unit(ty: &DataType) -> f64 {
    match ty.base() {
        DataType::Decimal { scale, .. } => 10f64.powi(i32::from(*scale)),
        _ => 1.0,
    }
}

/// The number that the bits of a 256-bit integer mean.
pub(crate) fn i256_to_f64(value: i256, unsigned: bool) -> f64 {
    let (low, high) = value.to_parts();
    let high = if unsigned { high as u128 as f64 } else { high as f64 };
    high * 2f64.powi(128) + low as f64
}
