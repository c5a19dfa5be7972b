//! Constants: each takes the smallest type that holds it.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array,
    UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow::datatypes::{Float32Type, Float64Type};
use sql::ast::Literal;
use types::{DataType, ErrorCode, F64, Value};

use crate::bind::typed::Typed;
use crate::error::{Error, Result};

pub(super) fn bind_literal(literal: &Literal) -> Result<Typed> {
    match literal {
        Literal::Null => Ok(Typed::null()),
        Literal::Bool(value) => Typed::constant(Arc::new(BooleanArray::from(vec![*value])), DataType::Bool),
        Literal::UInt(value) => unsigned(*value),
        Literal::Int(value) => signed(*value),
        Literal::Float(value) => Typed::constant(Arc::new(Float64Array::from(vec![*value])), DataType::Float64),
        Literal::String(bytes) => {
            Typed::constant(Arc::new(BinaryArray::from(vec![bytes.as_slice()])), DataType::String)
        }
    }
}

/// An integer that is not negative.
pub(crate) fn unsigned(value: u64) -> Result<Typed> {
    let (array, ty): (ArrayRef, DataType) = if let Ok(value) = u8::try_from(value) {
        (Arc::new(UInt8Array::from(vec![value])), DataType::UInt8)
    } else if let Ok(value) = u16::try_from(value) {
        (Arc::new(UInt16Array::from(vec![value])), DataType::UInt16)
    } else if let Ok(value) = u32::try_from(value) {
        (Arc::new(UInt32Array::from(vec![value])), DataType::UInt32)
    } else {
        (Arc::new(UInt64Array::from(vec![value])), DataType::UInt64)
    };
    Typed::constant(array, ty)
}

/// An integer.
pub(super) fn signed(value: i64) -> Result<Typed> {
    let (array, ty): (ArrayRef, DataType) = if let Ok(value) = i8::try_from(value) {
        (Arc::new(Int8Array::from(vec![value])), DataType::Int8)
    } else if let Ok(value) = i16::try_from(value) {
        (Arc::new(Int16Array::from(vec![value])), DataType::Int16)
    } else if let Ok(value) = i32::try_from(value) {
        (Arc::new(Int32Array::from(vec![value])), DataType::Int32)
    } else {
        (Arc::new(Int64Array::from(vec![value])), DataType::Int64)
    };
    Typed::constant(array, ty)
}

/// The value of a constant: parameters of aggregate functions, numbers of clauses.
///
/// `what` says in an error what had to be constant.
pub(crate) fn value_of(typed: &Typed, what: &str) -> Result<Value> {
    let Some(array) = &typed.constant else {
        return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, format!("{what} must be a constant")));
    };
    element(array, 0, &typed.ty)
}

/// Row `row` of `array`, as a value.
fn element(array: &ArrayRef, row: usize, ty: &DataType) -> Result<Value> {
    use arrow::datatypes::DataType as ArrowType;
    if array.is_null(row) || *array.data_type() == ArrowType::Null {
        return Ok(Value::Null);
    }
    Ok(match (array.data_type(), ty.base()) {
        (ArrowType::Boolean, _) => Value::Bool(array.as_boolean().value(row)),
        (ArrowType::Binary, _) => Value::String(array.as_binary::<i32>().value(row).into()),
        (ArrowType::Float64, _) => Value::Float(F64(array.as_primitive::<Float64Type>().value(row))),
        (ArrowType::Float32, _) => Value::Float(F64(f64::from(array.as_primitive::<Float32Type>().value(row)))),
        (ArrowType::List(_), DataType::Array(inner)) => {
            let items = array.as_list::<i32>().value(row);
            Value::Array((0..items.len()).map(|i| element(&items, i, inner)).collect::<Result<Vec<_>>>()?.into())
        }
        (ArrowType::Struct(_), DataType::Tuple(fields)) => {
            let columns = array.as_struct().columns();
            let items = columns.iter().zip(fields.iter()).map(|(column, field)| element(column, row, &field.ty));
            Value::Tuple(items.collect::<Result<Vec<_>>>()?.into())
        }
        _ => integer(array, row, ty)?,
    })
}

fn integer(array: &ArrayRef, row: usize, ty: &DataType) -> Result<Value> {
    use datafusion::common::ScalarValue as S;
    Ok(match S::try_from_array(array, row)? {
        S::UInt8(Some(v)) => Value::UInt(v.into()),
        S::UInt16(Some(v)) => Value::UInt(v.into()),
        S::UInt32(Some(v)) => Value::UInt(v.into()),
        S::UInt64(Some(v)) => Value::UInt(v),
        S::Int8(Some(v)) => Value::Int(v.into()),
        S::Int16(Some(v)) => Value::Int(v.into()),
        S::Int32(Some(v)) => Value::Int(v.into()),
        S::Int64(Some(v)) => Value::Int(v),
        _ => {
            let mut text = Vec::new();
            let quoting = types::text::Quoting::Raw;
            types::text::write_cell(&mut text, ty, array, row, quoting, types::text::Zone::Utc);
            Value::Number(String::from_utf8_lossy(&text).as_ref().into())
        }
    })
}

/// The value of a constant that counts something: LIMIT, OFFSET.
pub(crate) fn constant_u64(typed: &Typed, what: &str) -> Result<u64> {
    let value = value_of(typed, what)?;
    value.as_u64().ok_or_else(|| {
        Error::refused(
            ErrorCode::INVALID_LIMIT_EXPRESSION,
            format!("{what} must be an integer that is not negative, not of type {}", typed.ty),
        )
    })
}

/// A value as the literal that a user would write.
pub(crate) fn literal_of(value: &Value) -> Result<Literal> {
    Ok(match value {
        Value::Null => Literal::Null,
        Value::Bool(value) => Literal::Bool(*value),
        Value::UInt(value) => Literal::UInt(*value),
        Value::Int(value) => u64::try_from(*value).map_or(Literal::Int(*value), Literal::UInt),
        Value::Float(value) => Literal::Float(value.0),
        Value::String(bytes) => Literal::String(bytes.to_vec()),
        Value::Number(text) => Literal::String(text.as_bytes().to_vec()),
        Value::Array(_) | Value::Tuple(_) | Value::Map(_) => {
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, "expected a number or a text"));
        }
    })
}
