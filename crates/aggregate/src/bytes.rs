//! Reading and writing the payload of opaque states. Numbers are little endian; lengths and counts are LEB128.

use crate::error::{Error, Result};

/// Bytes of one state, read from the front. Reading past the end is an error, never a panic.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    function: &'static str,
}

impl<'a> Reader<'a> {
    /// `function` is named by errors.
    pub fn new(bytes: &'a [u8], function: &'static str) -> Reader<'a> {
        Reader { bytes, function }
    }

    pub fn damaged(&self) -> Error {
        Error::DamagedState(self.function)
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What is left; the reader is at its end then.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.bytes)
    }

    pub fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (head, rest) = self.bytes.split_at_checked(n).ok_or_else(|| self.damaged())?;
        self.bytes = rest;
        Ok(head)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, rest) = self.bytes.split_first_chunk::<N>().ok_or_else(|| self.damaged())?;
        self.bytes = rest;
        Ok(*head)
    }

    pub fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub fn f64(&mut self) -> Result<f64> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    pub fn f32(&mut self) -> Result<f32> {
        Ok(f32::from_le_bytes(self.array()?))
    }

    /// An unsigned number in LEB128.
    pub fn varint(&mut self) -> Result<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.damaged())
    }

    /// How many elements of at least `size` bytes follow; more than can be there is an error, before memory is taken.
    pub fn count(&mut self, size: usize) -> Result<usize> {
        let count = usize::try_from(self.varint()?).map_err(|_| self.damaged())?;
        if count > self.bytes.len() / size.max(1) { Err(self.damaged()) } else { Ok(count) }
    }

    /// Bytes with their length before them.
    pub fn sized(&mut self) -> Result<&'a [u8]> {
        let length = self.count(1)?;
        self.take(length)
    }
}

/// Appends an unsigned number in LEB128.
pub(crate) fn write_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends bytes with their length before them.
pub(crate) fn write_sized(bytes: &[u8], out: &mut Vec<u8>) {
    write_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}
