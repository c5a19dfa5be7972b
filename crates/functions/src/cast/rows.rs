//! Row loops of fallible conversions: what a failed row becomes is the mode's business, in one place.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BinaryArray, FixedSizeBinaryArray, FixedSizeBinaryBuilder,
    NullBufferBuilder, PrimitiveArray,
};
use arrow::datatypes::DataType as ArrowType;
use types::{DataType, ErrorCode};

use super::{CastMode, Rules};
use crate::error::{Error, Result};

/// Why a value does not convert.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failure {
    pub(crate) code: ErrorCode,
    pub(crate) reason: &'static str,
}

impl Failure {
    pub(crate) const fn new(code: ErrorCode, reason: &'static str) -> Failure {
        Failure { code, reason }
    }
}

/// The outcome of one row: NULL in, a value, or a failure.
pub(crate) type Outcome<T> = Option<std::result::Result<T, Failure>>;

/// The error of a failed row.
pub(crate) fn raise(failure: Failure, text: &str, to: &DataType, row: usize) -> Error {
    match failure.code {
        ErrorCode::CANNOT_CONVERT_TYPE => {
            Error::CannotConvert { what: format!("{text} (row {}): {}", row + 1, failure.reason), to: to.to_string() }
        }
        ErrorCode::DECIMAL_OVERFLOW => {
            Error::DecimalOverflow(format!("the conversion of {text} to {to}: {}", failure.reason))
        }
        ErrorCode::TOO_LARGE_STRING_SIZE => Error::TooLarge {
            function: format!("CAST AS {to}"),
            reason: format!("{} (row {})", failure.reason, row + 1),
            code: failure.code,
        },
        ErrorCode::UNKNOWN_ELEMENT_OF_ENUM => {
            Error::UnknownEnumElement { element: format!("\"{text}\""), ty: to.to_string() }
        }
        code => Error::Parse {
            text: shorten(text),
            ty: to.to_string(),
            reason: format!("{} (row {})", failure.reason, row + 1),
            code,
        },
    }
}

fn shorten(text: &str) -> String {
    const SHOWN: usize = 100;
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    text.chars().take(SHOWN).chain("…".chars()).collect()
}

/// A column of `to`, row by row; `text` prints a row for its error.
pub(crate) fn primitive<T: ArrowPrimitiveType>(
    rows: usize,
    to: &DataType,
    rules: &Rules,
    mut value: impl FnMut(usize) -> Outcome<T::Native>,
    text: impl Fn(usize) -> String,
) -> Result<ArrayRef> {
    let mut values = Vec::with_capacity(rows);
    let mut nulls = NullBufferBuilder::new(rows);
    for row in 0..rows {
        let (native, valid) = match value(row) {
            Some(Ok(native)) => (native, true),
            None => (T::Native::default(), false),
            Some(Err(failure)) => match rules.mode {
                CastMode::OrNull => (T::Native::default(), false),
                CastMode::OrDefault => (T::Native::default(), true),
                CastMode::Cast | CastMode::Accurate | CastMode::Insert => {
                    return Err(raise(failure, &text(row), to, row));
                }
            },
        };
        values.push(native);
        nulls.append(valid);
    }
    let array = PrimitiveArray::<T>::new(values.into(), nulls.finish());
    Ok(Arc::new(array.with_data_type(to.arrow_type())))
}

/// As [`primitive`], for types of fixed-size cells; a failed row's default is all zero bytes flipped as `default` says.
pub(crate) fn cells(
    rows: usize,
    to: &DataType,
    rules: &Rules,
    mut value: impl FnMut(usize) -> Outcome<Vec<u8>>,
    text: impl Fn(usize) -> String,
) -> Result<ArrayRef> {
    let default = to.default_array(1);
    let default = default.as_fixed_size_binary();
    let mut builder = FixedSizeBinaryBuilder::with_capacity(rows, default.value_length());
    for row in 0..rows {
        match value(row) {
            Some(Ok(cell)) => builder.append_value(cell)?,
            None => builder.append_null(),
            Some(Err(failure)) => match rules.mode {
                CastMode::OrNull => builder.append_null(),
                CastMode::OrDefault => builder.append_value(default.value(0))?,
                CastMode::Cast | CastMode::Accurate | CastMode::Insert => {
                    return Err(raise(failure, &text(row), to, row));
                }
            },
        }
    }
    Ok(Arc::new(builder.finish()))
}

/// A column of String or FixedString, read as bytes; the zero bytes that pad a FixedString are not part of its text.
pub(crate) enum Text<'a> {
    Binary(&'a BinaryArray),
    Fixed(&'a FixedSizeBinaryArray),
}

impl<'a> Text<'a> {
    pub(crate) fn of(array: &'a ArrayRef) -> Text<'a> {
        match array.data_type() {
            ArrowType::FixedSizeBinary(_) => Text::Fixed(array.as_fixed_size_binary()),
            _ => Text::Binary(array.as_binary()),
        }
    }

    /// The bytes of a row, `None` for NULL.
    pub(crate) fn get(&self, row: usize) -> Option<&'a [u8]> {
        match self {
            Text::Binary(array) => array.is_valid(row).then(|| array.value(row)),
            Text::Fixed(array) => array.is_valid(row).then(|| trim_padding(array.value(row))),
        }
    }

    /// The row for an error message.
    pub(crate) fn show(&self, row: usize) -> String {
        self.get(row).map_or_else(|| "NULL".to_owned(), |bytes| String::from_utf8_lossy(bytes).into_owned())
    }
}

/// Without the zero bytes at its end.
pub(crate) fn trim_padding(bytes: &[u8]) -> &[u8] {
    let length = bytes.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
    &bytes[..length]
}
