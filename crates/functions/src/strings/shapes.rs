//! Resolvers for functions of common shapes, so that a function of strings is one line in a table and one pure function.

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, FixedSizeBinaryArray, PrimitiveArray, UInt8Array};
use types::DataType;

use crate::columns::{Bytes, Offsets, Texts};
use crate::error::{Error, Result};
use crate::frame::{Call, Operand, Resolved};
use crate::request::Request;

/// Refuses an argument that is no string.
pub(crate) fn check_text(request: &Request<'_>, i: usize) -> Result<()> {
    if request.ty(i).is_string() { Ok(()) } else { Err(request.wrong_type(i, "String or FixedString")) }
}

/// Refuses other numbers of arguments, and arguments that are no strings.
pub(crate) fn check_texts(request: &Request<'_>, count: usize) -> Result<()> {
    request.arity(count..=count)?;
    (0..count).try_for_each(|i| check_text(request, i))
}

/// The error for a value that the function `name` does not take.
pub(crate) fn bad(name: &str, reason: impl Into<String>) -> Error {
    Error::BadArgument { function: name.to_owned(), reason: reason.into() }
}

/// From a string to a string.
pub(crate) fn text_to_text(request: &Request<'_>, f: fn(&[u8], &mut Vec<u8>)) -> Result<Resolved> {
    check_texts(request, 1)?;
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| map_text(&args[0], call.rows, f)))
}

/// From a string to a string of the same type: FixedString stays.
pub(crate) fn text_to_same(request: &Request<'_>, f: fn(&[u8], &mut Vec<u8>)) -> Result<Resolved> {
    check_texts(request, 1)?;
    let DataType::FixedString(width) = *request.ty(0) else { return text_to_text(request, f) };
    Ok(Resolved::new(request.ty(0).clone(), move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        let mut bytes = Vec::with_capacity(width as usize * call.rows);
        (0..call.rows).for_each(|row| f(texts.get(row), &mut bytes));
        let cells = bytes.chunks(width.max(1) as usize).map(Some);
        Ok(Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(cells, width as i32)?))
    }))
}

/// `f` of every row's string.
pub(crate) fn map_text(operand: &Operand, rows: usize, f: impl Fn(&[u8], &mut Vec<u8>)) -> Result<ArrayRef> {
    let texts = Bytes::of(operand)?;
    let mut result = Texts::with_capacity(rows, texts.size());
    for row in 0..rows {
        f(texts.get(row), result.bytes());
        result.end()?;
    }
    Ok(result.finish())
}

/// From a string to a string, where some strings are refused.
pub(crate) fn text_to_text_or_error(
    request: &Request<'_>,
    f: fn(&[u8], &mut Vec<u8>) -> std::result::Result<(), Error>,
) -> Result<Resolved> {
    check_texts(request, 1)?;
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        let mut result = Texts::with_capacity(call.rows, texts.size());
        for row in 0..call.rows {
            f(texts.get(row), result.bytes())?;
            result.end()?;
        }
        Ok(result.finish())
    }))
}

/// From two strings to one.
pub(crate) fn texts_to_text(request: &Request<'_>, f: fn(&[u8], &[u8], &mut Vec<u8>)) -> Result<Resolved> {
    check_texts(request, 2)?;
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let (left, right) = (Bytes::of(&args[0])?, Bytes::of(&args[1])?);
        let mut result = Texts::with_capacity(call.rows, left.size());
        for row in 0..call.rows {
            f(left.get(row), right.get(row), result.bytes());
            result.end()?;
        }
        Ok(result.finish())
    }))
}

/// From a string to a number of the Arrow type `T`, which is the type `ty`.
pub(crate) fn text_to_number<T: ArrowPrimitiveType>(
    request: &Request<'_>,
    ty: DataType,
    f: fn(&[u8]) -> T::Native,
) -> Result<Resolved> {
    check_texts(request, 1)?;
    Ok(Resolved::new(ty, move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        let values = (0..call.rows).map(|row| f(texts.get(row)));
        Ok(Arc::new(PrimitiveArray::<T>::from_iter_values(values)))
    }))
}

/// From two strings to a number of the Arrow type `T`, which is the type `ty`.
pub(crate) fn texts_to_number<T: ArrowPrimitiveType>(
    request: &Request<'_>,
    ty: DataType,
    f: fn(&[u8], &[u8]) -> T::Native,
) -> Result<Resolved> {
    check_texts(request, 2)?;
    Ok(Resolved::new(ty, move |args: &[Operand], call: &Call| {
        let (left, right) = (Bytes::of(&args[0])?, Bytes::of(&args[1])?);
        let values = (0..call.rows).map(|row| f(left.get(row), right.get(row)));
        Ok(Arc::new(PrimitiveArray::<T>::from_iter_values(values)))
    }))
}

/// From a string to 0 or 1.
pub(crate) fn text_test(request: &Request<'_>, f: fn(&[u8]) -> bool) -> Result<Resolved> {
    check_texts(request, 1)?;
    Ok(Resolved::new(DataType::UInt8, move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        Ok(flags((0..call.rows).map(|row| f(texts.get(row)))))
    }))
}

/// From two strings to 0 or 1.
pub(crate) fn texts_test(request: &Request<'_>, f: fn(&[u8], &[u8]) -> bool) -> Result<Resolved> {
    check_texts(request, 2)?;
    Ok(Resolved::new(DataType::UInt8, move |args: &[Operand], call: &Call| {
        let (left, right) = (Bytes::of(&args[0])?, Bytes::of(&args[1])?);
        Ok(flags((0..call.rows).map(|row| f(left.get(row), right.get(row)))))
    }))
}

/// A column of 0 and 1.
pub(crate) fn flags(values: impl Iterator<Item = bool>) -> ArrayRef {
    Arc::new(values.map(|value| Some(u8::from(value))).collect::<UInt8Array>())
}

/// A column of arrays of strings being written.
pub(crate) struct TextLists {
    texts: Texts,
    offsets: Offsets,
}

impl TextLists {
    /// Nothing yet.
    pub(crate) fn with_capacity(rows: usize, bytes: usize) -> TextLists {
        TextLists { texts: Texts::with_capacity(rows * 4, bytes), offsets: Offsets::with_capacity(rows) }
    }

    /// One more string in the current array.
    pub(crate) fn push(&mut self, text: &[u8]) -> Result<()> {
        self.texts.push(text)
    }

    /// Ends the array.
    pub(crate) fn end_row(&mut self) -> Result<()> {
        self.offsets.end(self.texts.len())
    }

    /// The column.
    pub(crate) fn finish(self) -> ArrayRef {
        self.offsets.finish(self.texts.finish())
    }
}

/// Gives the pieces of a string to a callback.
pub(crate) type Pieces = fn(&[u8], &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()>;

/// From a string to an array of strings.
pub(crate) fn text_to_texts(request: &Request<'_>, f: Pieces) -> Result<Resolved> {
    check_texts(request, 1)?;
    Ok(Resolved::new(DataType::array(DataType::String), move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        let mut lists = TextLists::with_capacity(call.rows, texts.size());
        for row in 0..call.rows {
            f(texts.get(row), &mut |piece| lists.push(piece))?;
            lists.end_row()?;
        }
        Ok(lists.finish())
    }))
}
