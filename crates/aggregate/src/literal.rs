//! Literal parameters as columns of one row.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, BooleanArray, Float32Array, Float64Array};
use types::text::scan::{parse_decimal, parse_i128};
use types::{DataType, Value};

use crate::numeric::from_i128;

/// `value` as a column of `ty` with one row; `None` where a literal of that kind is none of the type.
pub(crate) fn literal_array(ty: &DataType, value: &Value) -> Option<ArrayRef> {
    if let (DataType::Nullable(_), Value::Null) = (ty, value) {
        return Some(ty.default_array(1));
    }
    let base = ty.base();
    match (base, value) {
        (DataType::String, Value::String(bytes)) => Some(Arc::new(BinaryArray::from_vec(vec![bytes]))),
        (DataType::Bool, value) => Some(Arc::new(BooleanArray::from(vec![value.as_u64()? != 0]))),
        (DataType::Float64, value) => Some(Arc::new(Float64Array::from(vec![value.as_f64()?]))),
        (DataType::Float32, value) => Some(Arc::new(Float32Array::from(vec![value.as_f64()? as f32]))),
        (DataType::Enum(values), Value::String(name)) => from_i128(base, &[values.number(name)?.into()]).ok(),
        (DataType::Decimal { precision, scale }, value) if *precision <= 38 => {
            let text = match value {
                Value::UInt(v) => v.to_string(),
                Value::Int(v) => v.to_string(),
                Value::Float(v) => v.0.to_string(),
                Value::Number(text) => text.to_string(),
                _ => return None,
            };
            from_i128(base, &[parse_decimal(text.as_bytes(), *scale)?.to_i128()?]).ok()
        }
        (ty, value) if ty.is_integer() && ty.integer_width() <= Some(16) => {
            let number = match value {
                Value::UInt(v) => i128::from(*v),
                Value::Int(v) => i128::from(*v),
                Value::Bool(v) => i128::from(*v),
                Value::Number(text) => parse_i128(text.as_bytes())?,
                _ => return None,
            };
            from_i128(ty, &[number]).ok()
        }
        (ty, value) if ty.is_date_or_time() || *ty == DataType::Ipv4 => from_i128(ty, &[value.as_i64()?.into()]).ok(),
        _ => None,
    }
}
