//! Any value as text: `toString`, CAST to String and FixedString.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder};
use types::text::Quoting;
use types::text::cell::write_column;
use types::{DataType, ErrorCode};

use super::Rules;
use super::rows::{Failure, Text, cells, trim_padding};
use crate::error::Result;

const TOO_LONG: Failure = Failure::new(ErrorCode::TOO_LARGE_STRING_SIZE, "string too long");

/// The text of each value; times in their own zone or the session's, FixedString without its padding.
pub(super) fn to_string(array: &ArrayRef, from: &DataType, rules: &Rules) -> Result<ArrayRef> {
    if let DataType::FixedString(_) = from {
        let fixed = array.as_fixed_size_binary();
        let mut builder = BinaryBuilder::with_capacity(fixed.len(), fixed.len() * fixed.value_length() as usize);
        for row in 0..fixed.len() {
            builder.append_option(fixed.is_valid(row).then(|| trim_padding(fixed.value(row))));
        }
        return Ok(Arc::new(builder.finish()));
    }
    Ok(Arc::new(write_column(from, array.as_ref(), Quoting::Raw, rules.zone)))
}

/// Strings padded with zero bytes to `width`; longer ones do not fit.
pub(super) fn to_fixed_string(array: &ArrayRef, from: &DataType, width: u32, rules: &Rules) -> Result<ArrayRef> {
    let to = DataType::FixedString(width);
    let width = width as usize;
    if let DataType::FixedString(own) = from {
        // a wider FixedString does not fit even where its padding would
        if *own as usize > width && !array.is_empty() {
            return Err(super::rows::raise(TOO_LONG, "", &to, 0));
        }
    }
    let strings = if from.is_string() { array.clone() } else { to_string(array, from, rules)? };
    let text = Text::of(&strings);
    cells(
        strings.len(),
        &to,
        rules,
        |row| {
            text.get(row).map(|bytes| {
                if bytes.len() > width {
                    return Err(TOO_LONG);
                }
                let mut cell = bytes.to_vec();
                cell.resize(width, 0);
                Ok(cell)
            })
        },
        |row| text.show(row),
    )
}
