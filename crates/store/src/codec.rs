//! Values to bytes and back: the primitive encodings that commit records and checkpoints are made of.
//!
//! Little endian; lengths and counts are LEB128 varints. Decoding never panics and never allocates more than the bytes
//! it was given could hold. What is encoded here is on disk: a change needs a new format version of the file it is in.

use std::sync::Arc;

use types::{Column, DataType, Header};

/// Bytes that do not say what they should.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end inside a value.
    #[error("the bytes end inside {0}")]
    End(&'static str),
    /// A tag or number that this version does not know.
    #[error("{what} cannot be {value}")]
    Value {
        /// What was read.
        what: &'static str,
        /// Its value.
        value: u64,
    },
    /// A text that is not UTF-8.
    #[error("{0} is not UTF-8")]
    Text(&'static str),
    /// A data type that this version does not know.
    #[error("{0}")]
    Type(types::Error),
    /// A part inside the record.
    #[error("{0}")]
    Part(String),
    /// Bytes that nobody asked for.
    #[error("{0} bytes too many")]
    TooLong(usize),
}

/// Appends values to a buffer.
#[derive(Default, Debug)]
pub struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    /// All bytes so far.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// How many bytes so far.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// True before the first value.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// A varint.
    pub fn u64(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push((value as u8 & 0x7F) | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// A count or position.
    pub fn size(&mut self, value: usize) {
        self.u64(value as u64);
    }

    /// Eight bytes.
    pub fn i64(&mut self, value: i64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Sixteen bytes.
    pub fn u128(&mut self, value: u128) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// One byte, 0 or 1.
    pub fn flag(&mut self, value: bool) {
        self.u8(u8::from(value));
    }

    /// Length, then the bytes.
    pub fn bytes(&mut self, value: &[u8]) {
        self.size(value.len());
        self.bytes.extend_from_slice(value);
    }

    /// As bytes.
    pub fn text(&mut self, value: &str) {
        self.bytes(value.as_bytes());
    }

    /// Count, then each.
    pub fn list<T>(&mut self, values: &[T], mut each: impl FnMut(&mut Encoder, &T)) {
        self.size(values.len());
        for value in values {
            each(self, value);
        }
    }

    /// A flag, then the value if there is one.
    pub fn option<T>(&mut self, value: Option<&T>, each: impl FnOnce(&mut Encoder, &T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            each(self, value);
        }
    }

    /// Names and types, the types as text.
    pub fn header(&mut self, header: &Header) {
        self.list(header.columns(), |to, column| {
            to.text(&column.name);
            to.text(&column.ty.to_string());
        });
    }
}

/// Takes values off the front of some bytes, in the order in which they were appended.
#[derive(Clone, Debug)]
pub struct Decoder<'a> {
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    /// Reads `bytes` from the front.
    pub fn new(bytes: &'a [u8]) -> Decoder<'a> {
        Decoder { rest: bytes }
    }

    /// The bytes not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// True when no bytes are left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// An error when bytes are left.
    pub fn end(&self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::TooLong(self.rest.len())) }
    }

    fn take(&mut self, len: usize, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(DecodeError::End(what))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], DecodeError> {
        self.take(N, what)?.try_into().map_err(|_| DecodeError::End(what))
    }

    /// One byte.
    pub fn u8(&mut self, what: &'static str) -> Result<u8, DecodeError> {
        Ok(u8::from_le_bytes(self.array(what)?))
    }

    /// A varint.
    pub fn u64(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8(what)?;
            let bits = u64::from(byte & 0x7F);
            if (bits << shift) >> shift != bits {
                return Err(DecodeError::Value { what, value: u64::MAX });
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(DecodeError::Value { what, value: u64::MAX })
    }

    /// A count or position.
    pub fn size(&mut self, what: &'static str) -> Result<usize, DecodeError> {
        let value = self.u64(what)?;
        usize::try_from(value).map_err(|_| DecodeError::Value { what, value })
    }

    /// A number of 32 bits.
    pub fn u32(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        let value = self.u64(what)?;
        u32::try_from(value).map_err(|_| DecodeError::Value { what, value })
    }

    /// Eight bytes.
    pub fn i64(&mut self, what: &'static str) -> Result<i64, DecodeError> {
        Ok(i64::from_le_bytes(self.array(what)?))
    }

    /// Sixteen bytes.
    pub fn u128(&mut self, what: &'static str) -> Result<u128, DecodeError> {
        Ok(u128::from_le_bytes(self.array(what)?))
    }

    /// One byte, 0 or 1.
    pub fn flag(&mut self, what: &'static str) -> Result<bool, DecodeError> {
        match self.u8(what)? {
            0 => Ok(false),
            1 => Ok(true),
            value => Err(DecodeError::Value { what, value: u64::from(value) }),
        }
    }

    /// Length, then the bytes.
    pub fn bytes(&mut self, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let len = self.size(what)?;
        self.take(len, what)
    }

    /// As bytes, and UTF-8.
    pub fn text(&mut self, what: &'static str) -> Result<Arc<str>, DecodeError> {
        let text = std::str::from_utf8(self.bytes(what)?).map_err(|_| DecodeError::Text(what))?;
        Ok(text.into())
    }

    /// Count, then each, which takes at least one byte.
    pub fn list<T>(
        &mut self,
        what: &'static str,
        mut each: impl FnMut(&mut Decoder<'a>) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let count = self.size(what)?;
        if self.rest.len() < count {
            return Err(DecodeError::End(what));
        }
        (0..count).map(|_| each(self)).collect()
    }

    /// A flag, then the value if there is one.
    pub fn option<T>(
        &mut self,
        what: &'static str,
        each: impl FnOnce(&mut Decoder<'a>) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        if self.flag(what)? { each(self).map(Some) } else { Ok(None) }
    }

    /// Names and types.
    pub fn header(&mut self) -> Result<Header, DecodeError> {
        let columns = self.list("columns", |from| {
            let name = from.text("column name")?;
            let ty = DataType::parse(&from.text("column type")?).map_err(DecodeError::Type)?;
            Ok(Column { name, ty })
        })?;
        Ok(Header::new(columns))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_and_texts_come_back(a: u64, b: i64, c: u128, d: bool, e: String, f: Option<u64>, g: Vec<u8>) {
            let mut to = Encoder::default();
            to.u64(a);
            to.i64(b);
            to.u128(c);
            to.flag(d);
            to.text(&e);
            to.option(f.as_ref(), |to, f| to.u64(*f));
            to.bytes(&g);
            let bytes = to.into_bytes();
            let mut from = Decoder::new(&bytes);
            prop_assert_eq!(from.u64("a").unwrap(), a);
            prop_assert_eq!(from.i64("b").unwrap(), b);
            prop_assert_eq!(from.u128("c").unwrap(), c);
            prop_assert_eq!(from.flag("d").unwrap(), d);
            prop_assert_eq!(&*from.text("e").unwrap(), &e);
            prop_assert_eq!(from.option("f", |from| from.u64("f")).unwrap(), f);
            prop_assert_eq!(from.bytes("g").unwrap(), &g);
            prop_assert!(from.end().is_ok());
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let mut from = Decoder::new(&bytes);
            let _header = from.header();
            let _list = Decoder::new(&bytes).list("list", |from| from.u64("item"));
        }
    }

    #[test]
    fn a_varint_that_is_too_long_is_refused() {
        assert!(Decoder::new(&[0xFF; 11]).u64("n").is_err());
        let mut to = Encoder::default();
        to.u64(u64::MAX);
        assert_eq!(Decoder::new(&to.into_bytes()).u64("n"), Ok(u64::MAX));
    }
}
