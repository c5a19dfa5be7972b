//! JSON values on their way into a column of any type.
//!
//! A value that does not fit leaves the type's default (NULL where there is one), as ClickHouse's JSONExtract does.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, UInt64Array};
use arrow::buffer::NullBuffer;
use types::text::scan::parse_f64;
use types::{DataType, TupleField};

use super::tape::{Json, Kind, Number, number_of};
use crate::cast::{self, CastMode, Rules, TimeText, fill_nulls};
use crate::columns::{Offsets, Texts, tuples};
use crate::error::{Error, Result};
use crate::frame::FunctionContext;
use crate::maps::map_of;

/// A column of one type being written.
pub(super) struct Column {
    ty: DataType,
    values: Values,
}

enum Values {
    Signed(Vec<Option<i64>>),
    Unsigned(Vec<Option<u64>>),
    Float(Vec<Option<f64>>),
    Bool(Vec<Option<bool>>),
    /// Strings, FixedStrings, and types that are read from text when the column is finished.
    Text {
        texts: Texts,
        rules: Rules,
    },
    List {
        offsets: Offsets,
        inner: Box<Column>,
        count: usize,
    },
    Map {
        offsets: Offsets,
        keys: Box<Column>,
        values: Box<Column>,
        count: usize,
    },
    Tuple {
        fields: Arc<[TupleField]>,
        columns: Vec<Column>,
        count: usize,
    },
}

impl Column {
    /// An empty column of `ty`; types that JSON cannot be read as are refused.
    pub(super) fn new(ty: &DataType, context: &FunctionContext) -> Result<Column> {
        let inner = |ty: &DataType| Column::new(ty, context).map(Box::new);
        let values = match ty.base() {
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => Values::Signed(Vec::new()),
            DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => Values::Unsigned(Vec::new()),
            DataType::Float32 | DataType::Float64 => Values::Float(Vec::new()),
            DataType::Bool => Values::Bool(Vec::new()),
            DataType::Array(element) => {
                Values::List { offsets: Offsets::with_capacity(0), inner: inner(element)?, count: 0 }
            }
            DataType::Map(entry) if entry.0.base().is_string() => Values::Map {
                offsets: Offsets::with_capacity(0),
                keys: inner(&entry.0)?,
                values: inner(&entry.1)?,
                count: 0,
            },
            DataType::Tuple(fields) => Values::Tuple {
                fields: fields.clone(),
                columns: fields.iter().map(|field| Column::new(&field.ty, context)).collect::<Result<_>>()?,
                count: 0,
            },
            DataType::Map(_) | DataType::Nothing | DataType::AggregateFunction(_) | DataType::Interval(_) => {
                return Err(Error::NotImplemented(format!("extracting {ty} from JSON")));
            }
            _ => {
                let rules = Rules::new(CastMode::OrNull, context).with_times(TimeText::Basic);
                Values::Text { texts: Texts::with_capacity(0, 0), rules }
            }
        };
        Ok(Column { ty: ty.clone(), values })
    }

    /// Appends the value, or the default where there is none or it does not fit; says whether it fitted.
    pub(super) fn push(&mut self, json: Option<Json<'_>>) -> Result<bool> {
        let fitted = match (json, &mut self.values) {
            (json, Values::Signed(values)) => {
                let value = json.and_then(integer).and_then(|value| i64::try_from(value).ok());
                let value = value.filter(|value| in_range(&self.ty, i128::from(*value)));
                values.push(value);
                value.is_some()
            }
            (json, Values::Unsigned(values)) => {
                let value = json.and_then(integer).and_then(|value| u64::try_from(value).ok());
                let value = value.filter(|value| in_range(&self.ty, i128::from(*value)));
                values.push(value);
                value.is_some()
            }
            (json, Values::Float(values)) => {
                let value = json.and_then(float);
                values.push(value);
                value.is_some()
            }
            (json, Values::Bool(values)) => {
                let value = json.and_then(boolean);
                values.push(value);
                value.is_some()
            }
            (json, Values::Text { texts, .. }) => push_text(texts, json)?,
            (json, Values::List { offsets, inner, count }) => {
                let json = json.filter(|json| json.kind() == Kind::Array);
                for value in json.iter().flat_map(|json| json.values()) {
                    inner.push(Some(value))?;
                    *count += 1;
                }
                offsets.end(*count)?;
                json.is_some()
            }
            (json, Values::Map { offsets, keys, values, count }) => {
                let json = json.filter(|json| json.kind() == Kind::Object);
                for (key, value) in json.iter().flat_map(|json| json.members()) {
                    keys.push(key)?;
                    values.push(Some(value))?;
                    *count += 1;
                }
                offsets.end(*count)?;
                json.is_some()
            }
            (json, Values::Tuple { fields, columns, count }) => {
                *count += 1;
                push_tuple(fields, columns, json)?
            }
        };
        Ok(fitted || self.ty.is_nullable())
    }

    /// The column. NULLs became defaults unless the type has NULL.
    pub(super) fn finish(self) -> Result<ArrayRef> {
        let base = self.ty.base();
        let array: ArrayRef = match self.values {
            Values::Signed(values) => cast_to(Arc::new(Int64Array::from(values)), base)?,
            Values::Unsigned(values) => cast_to(Arc::new(UInt64Array::from(values)), base)?,
            Values::Float(values) => cast_to(Arc::new(Float64Array::from(values)), base)?,
            Values::Bool(values) => Arc::new(BooleanArray::from(values)),
            Values::Text { texts, rules } => {
                let texts = texts.finish();
                let from = DataType::nullable(DataType::String);
                if *base == DataType::String { texts } else { cast::cast(&texts, &from, &base.to_nullable(), &rules)? }
            }
            Values::List { offsets, inner, .. } => offsets.finish(inner.finish()?),
            Values::Map { offsets, keys, values, .. } => {
                map_of(offsets.into_buffer(), keys.finish()?, values.finish()?)
            }
            Values::Tuple { columns, count, .. } => {
                tuples(columns.into_iter().map(Column::finish).collect::<Result<_>>()?, count)
            }
        };
        if self.ty.is_nullable() || array.logical_nulls().as_ref().is_none_or(|n: &NullBuffer| n.null_count() == 0) {
            return Ok(array);
        }
        fill_nulls(&array, base)
    }
}

fn cast_to(array: ArrayRef, ty: &DataType) -> Result<ArrayRef> {
    Ok(arrow::compute::cast(&array, &ty.arrow_type())?)
}

fn in_range(ty: &DataType, value: i128) -> bool {
    let bits = ty.base().integer_width().unwrap_or(8) as u32 * 8;
    if ty.base().is_signed() {
        -(1i128 << (bits - 1)) <= value && value < 1i128 << (bits - 1)
    } else {
        0 <= value && value < 1i128 << bits
    }
}

/// An integer: a number (cut off at its point), or a string that is one.
fn integer(json: Json<'_>) -> Option<i128> {
    let number = match json.kind() {
        Kind::Number => json.number()?,
        Kind::Text => {
            let mut text = Vec::new();
            json.unescape(&mut text);
            number_of(&text).filter(|number| !matches!(number, Number::Double(_)))?
        }
        _ => return None,
    };
    match number {
        Number::Signed(value) => Some(value.into()),
        Number::Unsigned(value) => Some(value.into()),
        Number::Double(value) => (value.abs() < 1e20).then_some(value as i128),
    }
}

fn float(json: Json<'_>) -> Option<f64> {
    match json.kind() {
        Kind::Number => match json.number()? {
            Number::Signed(value) => Some(value as f64),
            Number::Unsigned(value) => Some(value as f64),
            Number::Double(value) => Some(value),
        },
        Kind::Text => {
            let mut text = Vec::new();
            json.unescape(&mut text);
            parse_f64(&text)
        }
        _ => None,
    }
}

fn boolean(json: Json<'_>) -> Option<bool> {
    match json.kind() {
        Kind::Bool(value) => Some(value),
        Kind::Number => float(json).map(|value| value != 0.0),
        _ => None,
    }
}

/// A string's characters; any other value as JSON; NULL for null.
fn push_text(texts: &mut Texts, json: Option<Json<'_>>) -> Result<bool> {
    match json {
        Some(json) if json.kind() != Kind::Null => {
            match json.kind() {
                Kind::Text => json.unescape(texts.bytes()),
                _ => json.write(texts.bytes()),
            }
            texts.end()?;
            Ok(true)
        }
        _ => {
            texts.push_null()?;
            Ok(false)
        }
    }
}

/// An array by position; an object by name where the tuple has names, else by position.
fn push_tuple(fields: &[TupleField], columns: &mut [Column], json: Option<Json<'_>>) -> Result<bool> {
    let Some(json) = json.filter(|json| matches!(json.kind(), Kind::Array | Kind::Object)) else {
        columns.iter_mut().try_for_each(|column| column.push(None).map(drop))?;
        return Ok(false);
    };
    for (i, (field, column)) in fields.iter().zip(columns).enumerate() {
        let value = match &field.name {
            Some(name) if json.kind() == Kind::Object => json.member(name.as_bytes(), false),
            _ => json.values().nth(i),
        };
        column.push(value)?;
    }
    Ok(true)
}
