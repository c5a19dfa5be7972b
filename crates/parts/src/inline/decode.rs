//! The bytes of a log record back to a block.

use arrow::array::{ArrayData, ArrayRef, make_array};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::datatypes::DataType as ArrowType;
use types::{Block, DataType, Header};

use super::encode::fixed_width;
use super::{CODEC_LZ4, CODEC_RAW, LZ4_RATIO_MAX, VERSION};
use crate::error::{Error, Result};

/// The block that [`encode_inline`](super::encode_inline) made `bytes` from, given its header.
///
/// Any other bytes are an error, or a block of arbitrary values that is well formed.
pub fn decode_inline(header: &Header, bytes: &[u8]) -> Result<Block> {
    let mut reader = Reader { rest: bytes };
    let version = reader.byte()?;
    if version != VERSION {
        return Err(Error::FormatVersion { found: version.into(), known: VERSION.into() });
    }
    let rows = usize::try_from(reader.varint()?).ok().filter(|rows| *rows <= i32::MAX as usize);
    let rows = rows.ok_or(Error::Damaged("more rows than a block can have"))?;
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(header.len());
    for column in header.columns() {
        let array = make_array(reader.array(&column.ty.arrow_type(), rows)?);
        // a NULL state is the empty one
        let may_be_null =
            column.ty.is_nullable() || matches!(column.ty, DataType::Nothing | DataType::AggregateFunction(_));
        if 0 < array.null_count() && !may_be_null {
            return Err(Error::Damaged("NULL in a column that cannot hold it"));
        }
        arrays.push(array);
    }
    if !reader.rest.is_empty() {
        return Err(Error::Damaged("bytes after the last column"));
    }
    Ok(Block::with_rows(header.clone(), arrays, rows)?)
}

/// What is left of the bytes.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8> {
        let (first, rest) = self.rest.split_first().ok_or(Error::Damaged("bytes end too early"))?;
        self.rest = rest;
        Ok(*first)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Error::Damaged("bytes end too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Error::Damaged("a number of too many bytes"))
    }

    /// A buffer that must have `len` bytes once it is unpacked.
    fn buffer(&mut self, len: usize) -> Result<Buffer> {
        match self.byte()? {
            CODEC_RAW => Ok(Buffer::from(self.take(len)?)),
            CODEC_LZ4 => {
                let packed = usize::try_from(self.varint()?).map_err(|_| Error::Damaged("bytes end too early"))?;
                let packed = self.take(packed)?;
                if packed.len().saturating_mul(LZ4_RATIO_MAX) < len {
                    return Err(Error::Damaged("packed bytes cannot be that long"));
                }
                let unpacked = lz4_flex::block::decompress(packed, len).map_err(|_| Error::Damaged("bad LZ4 block"))?;
                if unpacked.len() != len {
                    return Err(Error::Damaged("packed bytes have another length"));
                }
                Ok(Buffer::from_vec(unpacked))
            }
            _ => Err(Error::Damaged("unknown codec")),
        }
    }

    fn bits(&mut self, len: usize) -> Result<BooleanBuffer> {
        Ok(BooleanBuffer::new(self.buffer(len.div_ceil(8))?, 0, len))
    }

    /// Offsets from the ends of `rows` values; the last one is the number of elements.
    fn offsets(&mut self, rows: usize) -> Result<(Buffer, usize)> {
        let ends = self.buffer(rows.checked_mul(4).ok_or(Error::Damaged("too many values"))?)?;
        let mut offsets = Vec::with_capacity(rows + 1);
        let mut last = 0i32;
        offsets.push(last);
        for end in ends.chunks_exact(4) {
            let end = i32::from_le_bytes(end.try_into().map_err(|_| Error::Damaged("bytes end too early"))?);
            if end < last {
                return Err(Error::Damaged("a value that ends before it starts"));
            }
            offsets.push(end);
            last = end;
        }
        Ok((Buffer::from_vec(offsets), last as usize))
    }

    fn array(&mut self, ty: &ArrowType, rows: usize) -> Result<ArrayData> {
        if *ty == ArrowType::Null {
            return Ok(ArrayData::new_null(ty, rows));
        }
        let nulls = match self.byte()? {
            0 => None,
            1 => Some(NullBuffer::new(self.bits(rows)?)),
            _ => return Err(Error::Damaged("unknown kind of null mask")),
        };
        let builder = ArrayData::builder(ty.clone()).len(rows).nulls(nulls);
        let builder = match ty {
            ArrowType::Boolean => builder.add_buffer(self.bits(rows)?.into_inner()),
            ArrowType::Binary => {
                let (offsets, len) = self.offsets(rows)?;
                builder.add_buffer(offsets).add_buffer(self.buffer(len)?)
            }
            ArrowType::List(item) => {
                let (offsets, len) = self.offsets(rows)?;
                builder.add_buffer(offsets).add_child_data(self.array(item.data_type(), len)?)
            }
            ArrowType::Struct(fields) => {
                let mut builder = builder;
                for field in fields {
                    builder = builder.add_child_data(self.array(field.data_type(), rows)?);
                }
                builder
            }
            ty => {
                let width = fixed_width(ty).ok_or(Error::Damaged("a type that is not stored"))?;
                builder.add_buffer(self.buffer(rows.checked_mul(width).ok_or(Error::Damaged("too many values"))?)?)
            }
        };
        Ok(builder.align_buffers(true).build()?)
    }
}
