//! 128- and 256-bit integers as `i256` bit patterns, which add, subtract and multiply alike for all four types.
//!
//! A UInt256 of 2^255 or more is a negative `i256` here; whoever divides, compares or converts to a float must ask the
//! type. The column form of these types is `types::wide`'s.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeBinaryBuilder};
use arrow::datatypes::{DataType as ArrowType, Decimal128Type, Decimal256Type, Int64Type, UInt64Type, i256};
use types::DataType;
use types::wide::{
    i128_from_cell, i128_to_cell, i256_from_cell, i256_to_cell, u128_from_cell, u128_to_cell, u256_from_cell,
    u256_to_cell,
};

use crate::error::{Error, Result};

/// True for the four wide integer types.
pub fn is_wide(ty: &DataType) -> bool {
    matches!(ty, DataType::UInt128 | DataType::Int128 | DataType::UInt256 | DataType::Int256)
}

/// The integers of a column of any integer or decimal type (raw digits), or of a type stored as one; NULL is `None`.
pub fn integers(array: &ArrayRef, ty: &DataType) -> Result<Vec<Option<i256>>> {
    if is_wide(ty) || *ty == DataType::Uuid {
        let cells = array.as_fixed_size_binary();
        return Ok((0..cells.len()).map(|i| cells.is_valid(i).then(|| from_cell(ty, cells.value(i)))).collect());
    }
    match array.data_type() {
        ArrowType::Decimal128(..) => {
            Ok(array.as_primitive::<Decimal128Type>().iter().map(|v| v.map(i256::from_i128)).collect())
        }
        ArrowType::Decimal256(..) => Ok(array.as_primitive::<Decimal256Type>().iter().collect()),
        ArrowType::UInt64 => {
            Ok(array.as_primitive::<UInt64Type>().iter().map(|v| v.map(|v| i256::from_i128(v.into()))).collect())
        }
        _ => {
            let longs = arrow::compute::cast(array, &ArrowType::Int64)?;
            Ok(longs.as_primitive::<Int64Type>().iter().map(|v| v.map(|v| i256::from_i128(v.into()))).collect())
        }
    }
}

fn from_cell(ty: &DataType, cell: &[u8]) -> i256 {
    match ty {
        DataType::UInt128 | DataType::Uuid => u128_from_cell(cell).map(|v| i256::from_parts(v, 0)),
        DataType::Int128 => i128_from_cell(cell).map(i256::from_i128),
        DataType::Int256 => i256_from_cell(cell),
        _ => u256_from_cell(cell).map(|(high, low)| i256::from_parts(low, high as i128)),
    }
    .unwrap_or_default()
}

/// The column form of an integer in a wide type, cut to its width.
pub fn to_cell(ty: &DataType, value: i256) -> Vec<u8> {
    let (low, high) = value.to_parts();
    match ty {
        DataType::UInt128 | DataType::Uuid => u128_to_cell(low).to_vec(),
        DataType::Int128 => i128_to_cell(low as i128).to_vec(),
        DataType::Int256 => i256_to_cell(value).to_vec(),
        _ => u256_to_cell(high as u128, low).to_vec(),
    }
}

/// A column of a wide type (or UUID) from integers, each cut to its width.
pub fn column(ty: &DataType, values: impl IntoIterator<Item = Option<i256>>) -> Result<ArrayRef> {
    let values = values.into_iter();
    let ArrowType::FixedSizeBinary(width) = ty.arrow_type() else {
        return Err(Error::Internal { function: "wide integer".to_owned(), reason: format!("{ty} is not one") });
    };
    let mut builder = FixedSizeBinaryBuilder::with_capacity(values.size_hint().0, width);
    for value in values {
        match value {
            Some(value) => builder.append_value(to_cell(ty, value))?,
            None => builder.append_null(),
        }
    }
    Ok(Arc::new(builder.finish()))
}

/// The number as a float; `unsigned` says that the bits are those of a UInt256.
pub fn to_f64(value: i256, unsigned: bool) -> f64 {
    let (low, high) = value.to_parts();
    if unsigned || high >= 0 {
        return (high as u128) as f64 * 2f64.powi(128) + low as f64;
    }
    -to_f64(value.wrapping_neg(), true)
}

/// The integer part of a finite float, modulo 2^256.
pub fn from_f64(value: f64) -> i256 {
    let bits = value.to_bits();
    let exponent = ((bits >> 52) & 0x7FF) as i32 - 1075;
    let mantissa = i256::from_i128(((bits & ((1 << 52) - 1)) | (1 << 52)).into());
    let magnitude = match exponent {
        256.. => i256::ZERO,
        0.. => mantissa << exponent as u8,
        -52.. => mantissa >> exponent.unsigned_abs() as u8,
        _ => i256::ZERO,
    };
    if value < 0.0 { magnitude.wrapping_neg() } else { magnitude }
}

/// Quotient and remainder of unsigned 256-bit numbers; `None` for a zero divisor.
pub fn divide_unsigned(dividend: i256, divisor: i256) -> Option<(i256, i256)> {
    if divisor == i256::ZERO {
        return None;
    }
    if !dividend.is_negative() && !divisor.is_negative() {
        return Some((dividend.wrapping_div(divisor), dividend.wrapping_rem(divisor)));
    }
    let (mut quotient, mut rest) = (i256::ZERO, i256::ZERO);
    for bit in (0..256u32).rev() {
        let carry = rest.is_negative();
        rest = (rest << 1) | ((dividend >> bit as u8) & i256::ONE);
        if carry || compare_unsigned(rest, divisor).is_ge() {
            rest = rest.wrapping_sub(divisor);
            quotient = quotient | (i256::ONE << bit as u8);
        }
    }
    Some((quotient, rest))
}

/// Order of the bits as unsigned 256-bit numbers.
pub fn compare_unsigned(a: i256, b: i256) -> std::cmp::Ordering {
    let ((a_low, a_high), (b_low, b_high)) = (a.to_parts(), b.to_parts());
    (a_high as u128, a_low).cmp(&(b_high as u128, b_low))
}

/// `value` cut to the width and sign of an integer type, as an `i256` of the same number (bits, for UInt256).
pub fn wrap_to(ty: &DataType, value: i256) -> i256 {
    let (low, _) = value.to_parts();
    match ty {
        DataType::UInt8 | DataType::Bool => i256::from_i128((low as u8).into()),
        DataType::UInt16 => i256::from_i128((low as u16).into()),
        DataType::UInt32 => i256::from_i128((low as u32).into()),
        DataType::UInt64 => i256::from_i128((low as u64).into()),
        DataType::UInt128 => i256::from_parts(low, 0),
        DataType::Int8 => i256::from_i128((low as i8).into()),
        DataType::Int16 => i256::from_i128((low as i16).into()),
        DataType::Int32 => i256::from_i128((low as i32).into()),
        DataType::Int64 => i256::from_i128((low as i64).into()),
        DataType::Int128 => i256::from_i128(low as i128),
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn floats_become_integers_beyond_64_bits() {
        assert_eq!(from_f64(1e30).to_string(), "1000000000000000019884624838656");
        assert_eq!(from_f64(-1.9), i256::from_i128(-1));
        assert_eq!(from_f64(2f64.powi(200)), i256::ONE << 200);
        assert_eq!(to_f64(from_f64(-1e60), false), -1e60);
    }

    proptest! {
        #[test]
        fn unsigned_division_gives_the_dividend_back(a: (u128, u128), b: (u128, u128)) {
            let (dividend, divisor) = (i256::from_parts(a.0, a.1 as i128), i256::from_parts(b.0, b.1 as i128));
            if let Some((quotient, rest)) = divide_unsigned(dividend, divisor) {
                prop_assert_eq!(quotient.wrapping_mul(divisor).wrapping_add(rest), dividend);
                prop_assert!(compare_unsigned(rest, divisor).is_lt());
            }
        }
    }
}
