//! Numbers of any type in two kinds: whole ones and decimals as i128, floats as f64.

use arrow::array::{ArrayRef, Float64Array};
use arrow::compute::cast;
use std::sync::Arc;
use types::DataType;

use crate::bytes::Reader;
use crate::error::Result;
use crate::numeric::{from_i128, to_f64, to_i128};

/// One of the two kinds.
pub(crate) trait Number: Copy + Default + PartialOrd + Send + Sync + 'static {
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn write(self, out: &mut Vec<u8>);
    fn read(bytes: &mut Reader<'_>) -> Result<Self>;
    /// The numbers of a column of `ty`, in its units.
    fn of_column(ty: &DataType, array: &ArrayRef) -> Result<Vec<Self>>;
    /// A column of `ty`; whole numbers wrap to its width.
    fn to_column(ty: &DataType, values: &[Self]) -> Result<ArrayRef>;
}

/// True for types whose numbers are floats.
pub(crate) fn is_float(ty: &DataType) -> bool {
    ty.base().is_float()
}

impl Number for i128 {
    fn plus(self, other: i128) -> i128 {
        self.wrapping_add(other)
    }
    fn minus(self, other: i128) -> i128 {
        self.wrapping_sub(other)
    }
    fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }
    fn read(bytes: &mut Reader<'_>) -> Result<i128> {
        Ok(i128::from_le_bytes(bytes.array()?))
    }
    fn of_column(ty: &DataType, array: &ArrayRef) -> Result<Vec<i128>> {
        to_i128(ty, array)
    }
    fn to_column(ty: &DataType, values: &[i128]) -> Result<ArrayRef> {
        from_i128(ty, values)
    }
}

impl Number for f64 {
    fn plus(self, other: f64) -> f64 {
        self + other
    }
    fn minus(self, other: f64) -> f64 {
        self - other
    }
    fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }
    fn read(bytes: &mut Reader<'_>) -> Result<f64> {
        bytes.f64()
    }
    fn of_column(ty: &DataType, array: &ArrayRef) -> Result<Vec<f64>> {
        Ok(to_f64(ty, array)?.values().to_vec())
    }
    fn to_column(ty: &DataType, values: &[f64]) -> Result<ArrayRef> {
        let floats: ArrayRef = Arc::new(Float64Array::from(values.to_vec()));
        Ok(cast(&floats, &ty.arrow_type())?)
    }
}
