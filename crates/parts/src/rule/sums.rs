//! Sums of groups in the column's own type: they wrap as ClickHouse's do (UInt8: 200 + 100 = 44). NULL adds nothing.
//! Sums begin at zero, so that a lone -0.0 becomes 0.0.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowNativeTypeOp, ArrowPrimitiveType, AsArray, BooleanArray, FixedSizeBinaryBuilder,
    PrimitiveArray,
};
use arrow::datatypes::{
    DataType as ArrowType, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use types::{Column, DataType};

use crate::error::{Error, Result};

/// One value a group.
pub fn summed(column: &Column, array: &ArrayRef, starts: &[u32]) -> Result<ArrayRef> {
    Ok(match (array.data_type(), column.ty.base()) {
        (ArrowType::UInt8, _) => primitive::<UInt8Type>(array, starts),
        (ArrowType::UInt16, _) => primitive::<UInt16Type>(array, starts),
        (ArrowType::UInt32, _) => primitive::<UInt32Type>(array, starts),
        (ArrowType::UInt64, _) => primitive::<UInt64Type>(array, starts),
        (ArrowType::Int8, _) => primitive::<Int8Type>(array, starts),
        (ArrowType::Int16, _) => primitive::<Int16Type>(array, starts),
        (ArrowType::Int32, _) => primitive::<Int32Type>(array, starts),
        (ArrowType::Int64, _) => primitive::<Int64Type>(array, starts),
        (ArrowType::Float32, _) => primitive::<Float32Type>(array, starts),
        (ArrowType::Float64, _) => primitive::<Float64Type>(array, starts),
        (ArrowType::Decimal128(precision, scale), DataType::Decimal { precision: digits, .. }) => {
            let sums: PrimitiveArray<Decimal128Type> =
                sums::<Decimal128Type>(array, starts).unary(|sum| wrap_decimal(sum, *digits));
            Arc::new(sums.with_precision_and_scale(*precision, *scale)?)
        }
        (ArrowType::Decimal256(precision, scale), _) => {
            let sums: PrimitiveArray<Decimal256Type> = sums::<Decimal256Type>(array, starts);
            Arc::new(sums.with_precision_and_scale(*precision, *scale)?)
        }
        (ArrowType::Boolean, _) => booleans(array, starts),
        (ArrowType::FixedSizeBinary(width), _) => wide_integers(array, starts, *width, column.ty.base().is_signed())?,
        _ => return Err(Error::Schema(format!("column \"{}\" of type {} has no sum", column.name, column.ty))),
    })
}

/// Keeps what ClickHouse's own storage of that precision keeps.
pub fn wrap_decimal(sum: i128, digits: u8) -> i128 {
    match digits {
        0..=9 => i128::from(sum as i32),
        10..=18 => i128::from(sum as i64),
        _ => sum,
    }
}

fn primitive<T: ArrowPrimitiveType>(array: &ArrayRef, starts: &[u32]) -> ArrayRef
where
    T::Native: ArrowNativeTypeOp,
{
    Arc::new(sums::<T>(array, starts))
}

fn sums<T: ArrowPrimitiveType>(array: &ArrayRef, starts: &[u32]) -> PrimitiveArray<T>
where
    T::Native: ArrowNativeTypeOp,
{
    let array = array.as_primitive::<T>();
    let values = array.values();
    let groups = starts.windows(2).map(|group| group[0] as usize..group[1] as usize);
    if array.null_count() == 0 {
        let sum = |rows: std::ops::Range<usize>| {
            values[rows].iter().fold(T::Native::default(), |sum, value| sum.add_wrapping(*value))
        };
        return PrimitiveArray::from_iter_values(groups.map(sum));
    }
    let sum = |rows: std::ops::Range<usize>| {
        rows.filter(|row| array.is_valid(*row))
            .fold(None, |sum: Option<T::Native>, row| Some(sum.unwrap_or_default().add_wrapping(values[row])))
    };
    PrimitiveArray::from_iter(groups.map(sum))
}

/// Bool sums stay Bool: true when any is.
fn booleans(array: &ArrayRef, starts: &[u32]) -> ArrayRef {
    let array = array.as_boolean();
    let any = |group: &[u32]| {
        let valid = (group[0]..group[1]).map(|row| row as usize).filter(|row| array.is_valid(*row));
        valid.map(|row| array.value(row)).reduce(|any, value| any | value)
    };
    Arc::new(BooleanArray::from(starts.windows(2).map(any).collect::<Vec<_>>()))
}

fn wide_integers(array: &ArrayRef, starts: &[u32], width: i32, signed: bool) -> Result<ArrayRef> {
    let array = array.as_fixed_size_binary();
    let mut builder = FixedSizeBinaryBuilder::with_capacity(starts.len(), width);
    for group in starts.windows(2) {
        let mut sum: Option<Vec<u8>> = None;
        for row in (group[0] as usize..group[1] as usize).filter(|row| array.is_valid(*row)) {
            sum = Some(match sum {
                None => array.value(row).to_vec(),
                Some(sum) => add_cells(sum, array.value(row), signed),
            });
        }
        match sum {
            Some(sum) => builder.append_value(&sum)?,
            None => builder.append_null(),
        }
    }
    Ok(Arc::new(builder.finish()))
}

/// The sum of two cells of wide integers, wrapping. Cells of signed ones have their sign bit flipped ([`types::wide`]).
fn add_cells(mut sum: Vec<u8>, cell: &[u8], signed: bool) -> Vec<u8> {
    let mut carry = 0u16;
    for (sum, byte) in sum.iter_mut().zip(cell).rev() {
        carry += u16::from(*sum) + u16::from(*byte);
        *sum = carry as u8;
        carry >>= 8;
    }
    // both flips cancelled out, modulo the width
    if let Some(first) = sum.first_mut().filter(|_| signed) {
        *first ^= 0x80;
    }
    sum
}

/// Sets `marks` of rows whose value is not the type's default: not zero, or not NULL where NULL is possible.
pub fn mark_not_default(ty: &DataType, array: &ArrayRef, marks: &mut [bool]) {
    if ty.is_nullable() {
        marks.iter_mut().enumerate().for_each(|(row, mark)| *mark |= array.is_valid(row));
        return;
    }
    let zero = ty.default_array(1);
    let is_zero: Box<dyn Fn(usize) -> bool> = match array.data_type() {
        // -0.0 is zero too
        ArrowType::Float32 => Box::new(|row| array.as_primitive::<Float32Type>().value(row) == 0.0),
        ArrowType::Float64 => Box::new(|row| array.as_primitive::<Float64Type>().value(row) == 0.0),
        _ => match arrow::array::make_comparator(array, &zero, Default::default()) {
            Ok(compare) => Box::new(move |row| compare(row, 0).is_eq()),
            Err(_) => Box::new(|_| false),
        },
    };
    marks.iter_mut().enumerate().for_each(|(row, mark)| *mark |= !is_zero(row));
}
