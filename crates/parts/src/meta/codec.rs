//! Metadata as bytes: in the footer of part files, and for whoever keeps it elsewhere. Drawn in `docs/format/part.md`.
//!
//! Types are stored as ClickHouse's text. Decoding checks every length; arbitrary bytes are an error, never a panic.

use types::{Block, Column, DataType, Header};

use super::{FORMAT_VERSION, MinMax, PartMeta};
use crate::error::{Error, Result};
use crate::inline::{decode_inline, encode_inline};

/// Columns a part can have; more is damage.
const COLUMNS_MAX: u32 = 100_000;

impl PartMeta {
    /// The bytes that [`PartMeta::decode`] reads.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = FORMAT_VERSION.to_le_bytes().to_vec();
        for number in [self.rows, self.bytes, self.uncompressed_bytes, self.index_granularity as u64] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        write_header(&mut out, &self.header);
        write_block(&mut out, &self.partition);
        write_block(&mut out, &self.marks);
        out.extend_from_slice(&(self.min_max.len() as u32).to_le_bytes());
        for min_max in &self.min_max {
            let header = Header::new(vec![min_max.column.clone()]);
            let block = Block::new(header, vec![min_max.values.clone()]).expect("values are of the column's type");
            write_block(&mut out, &block);
            out.push(u8::from(min_max.has_null));
        }
        out
    }

    /// The metadata that `bytes` were made from.
    pub fn decode(bytes: &[u8]) -> Result<PartMeta> {
        let mut reader = Reader { rest: bytes };
        let version = reader.u32()?;
        if version != FORMAT_VERSION {
            return Err(Error::FormatVersion { found: version, known: FORMAT_VERSION });
        }
        let (rows, bytes, uncompressed_bytes) = (reader.u64()?, reader.u64()?, reader.u64()?);
        let index_granularity = usize::try_from(reader.u64()?).unwrap_or(0);
        let meta = PartMeta {
            rows,
            bytes,
            uncompressed_bytes,
            index_granularity,
            header: reader.header()?,
            partition: reader.block()?,
            marks: reader.block()?,
            min_max: reader.min_max()?,
        };
        let marks = if meta.rows == 0 { 0 } else { meta.granules().saturating_add(1) };
        if meta.index_granularity == 0 || (!meta.marks.header().is_empty() && meta.marks.rows() != marks) {
            return Err(Error::Damaged("marks do not fit the number of rows"));
        }
        if !reader.rest.is_empty() {
            return Err(Error::Damaged("bytes after the metadata"));
        }
        Ok(meta)
    }
}

fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

fn write_header(out: &mut Vec<u8>, header: &Header) {
    out.extend_from_slice(&(header.len() as u32).to_le_bytes());
    for column in header.columns() {
        write_bytes(out, column.name.as_bytes());
        write_bytes(out, column.ty.to_string().as_bytes());
    }
}

fn write_block(out: &mut Vec<u8>, block: &Block) {
    write_header(out, block.header());
    write_bytes(out, &encode_inline(block));
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Error::Damaged("metadata ends too early"))?;
        self.rest = rest;
        Ok(*taken)
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn bytes(&mut self) -> Result<&'a [u8]> {
        let len = self.u32()? as usize;
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Error::Damaged("metadata ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn text(&mut self) -> Result<&'a str> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Error::Damaged("a name that is not text"))
    }

    fn count(&mut self) -> Result<u32> {
        let count = self.u32()?;
        if COLUMNS_MAX < count { Err(Error::Damaged("too many columns")) } else { Ok(count) }
    }

    fn header(&mut self) -> Result<Header> {
        let mut columns = Vec::new();
        for _ in 0..self.count()? {
            let name = self.text()?;
            columns.push(Column::new(name, DataType::parse(self.text()?)?));
        }
        Ok(Header::new(columns))
    }

    fn block(&mut self) -> Result<Block> {
        let header = self.header()?;
        decode_inline(&header, self.bytes()?)
    }

    fn min_max(&mut self) -> Result<Vec<MinMax>> {
        let mut all = Vec::new();
        for _ in 0..self.count()? {
            let block = self.block()?;
            let (Some(column), [values]) = (block.header().columns().first(), block.arrays()) else {
                return Err(Error::Damaged("min and max of no column"));
            };
            all.push(MinMax { column: column.clone(), values: values.clone(), has_null: self.array::<1>()? != [0] });
        }
        Ok(all)
    }
}
