//! Enum from text, numbers and other enums. An unknown element is an error in every mode, as in ClickHouse.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int8Array, Int16Array};
use arrow::datatypes::{DataType as ArrowType, Int16Type, Int64Type};
use types::{DataType, EnumType};

use super::Rules;
use super::rows::Text;
use crate::error::{Error, Result};

/// The enum's number of each value.
pub(super) fn to_enum(
    array: &ArrayRef,
    from: &DataType,
    values: &EnumType,
    to: &DataType,
    rules: &Rules,
) -> Result<ArrayRef> {
    let numbers: Vec<Option<i16>> = match from {
        DataType::String | DataType::FixedString(_) => from_text(array, values, to)?,
        DataType::Enum(source) => from_enum(array, source, values, to)?,
        number if number.is_number() => from_number(array, number, values, to, rules)?,
        other => return Err(Error::CannotConvert { what: other.to_string(), to: to.to_string() }),
    };
    if values.wide {
        return Ok(Arc::new(Int16Array::from(numbers)));
    }
    Ok(Arc::new(numbers.into_iter().map(|number| number.map(|number| number as i8)).collect::<Int8Array>()))
}

fn from_text(array: &ArrayRef, values: &EnumType, to: &DataType) -> Result<Vec<Option<i16>>> {
    let text = Text::of(array);
    (0..array.len())
        .map(|row| match text.get(row) {
            None => Ok(None),
            Some(name) => by_name_or_number(values, name).map(Some).ok_or_else(|| Error::UnknownEnumElement {
                element: format!("\"{}\"", text.show(row)),
                ty: to.to_string(),
            }),
        })
        .collect()
}

/// A text that is no name may be the number of one.
fn by_name_or_number(values: &EnumType, text: &[u8]) -> Option<i16> {
    values.number(text).or_else(|| {
        let number = std::str::from_utf8(text).ok()?.parse().ok()?;
        values.name(number).map(|_| number)
    })
}

fn from_number(
    array: &ArrayRef,
    from: &DataType,
    values: &EnumType,
    to: &DataType,
    rules: &Rules,
) -> Result<Vec<Option<i16>>> {
    let longs = super::convert(array, from, &DataType::Int64, rules)?;
    let limit = if values.wide { i64::from(i16::MAX) } else { i64::from(i8::MAX) };
    longs
        .as_primitive::<Int64Type>()
        .iter()
        .map(|number| match number {
            None => Ok(None),
            Some(number) if number < -limit - 1 || number > limit => {
                Err(Error::CannotConvert { what: number.to_string(), to: to.to_string() })
            }
            Some(number) => match values.name(number as i16) {
                Some(_) => Ok(Some(number as i16)),
                None => Err(Error::UnknownEnumElement { element: number.to_string(), ty: to.to_string() }),
            },
        })
        .collect()
}

/// By number; a name that both have must have one number.
fn from_enum(array: &ArrayRef, source: &EnumType, values: &EnumType, to: &DataType) -> Result<Vec<Option<i16>>> {
    for (name, number) in &source.values {
        if values.number(name.as_bytes()).is_some_and(|other| other != *number) {
            return Err(Error::CannotConvert {
                what: format!("enum element \"{name}\", whose number differs,"),
                to: to.to_string(),
            });
        }
    }
    let wide = arrow::compute::cast(array, &ArrowType::Int16)?;
    wide.as_primitive::<Int16Type>()
        .iter()
        .map(|number| match number {
            Some(number) if values.name(number).is_none() => {
                Err(Error::UnknownEnumElement { element: number.to_string(), ty: to.to_string() })
            }
            other => Ok(other),
        })
        .collect()
}
