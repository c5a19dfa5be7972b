//! Native: the inverse of the encoder, a block at a time. Lengths are checked before anything is allocated.
//!
//! Columns are given with the types that the input names; the caller converts them and fills in those that are missing.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, LargeBinaryArray, ListArray, StructArray, UInt32Array, make_array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::DataType as ArrowType;
use types::text::Zone;
use types::{Block, Column, DataType, Header, Setting};

use super::row_binary::{Reader, Stop};
use super::rows::Pending;
use super::{Decode, DecodeOptions, Decoded};
use crate::build::ColumnBuilder;
use crate::error::{Error, Result};
use crate::native::{ADDITIONAL_KEYS, DICTIONARY_VERSION, GLOBAL_DICTIONARY};

/// Bytes that one block may have.
const BLOCK_BYTES_MAX: usize = 1 << 30;
/// Columns that a block may have.
const COLUMNS_MAX: usize = 100_000;

type Read<T> = std::result::Result<T, Stop>;

pub(super) struct Native {
    options: DecodeOptions,
    pending: Pending,
    /// So many bytes are waited for before a block that was cut off is tried again.
    enough: usize,
    rows_read: u64,
    bytes_read: u64,
}

pub(super) fn decoder(options: DecodeOptions) -> Native {
    Native { options, pending: Pending::default(), enough: 0, rows_read: 0, bytes_read: 0 }
}

impl Decode for Native {
    fn push(&mut self, bytes: &[u8]) {
        self.pending.push(bytes);
    }

    fn next(&mut self, last: bool) -> Result<Option<Decoded>> {
        loop {
            let rest = self.pending.rest();
            if rest.is_empty() || (!last && rest.len() < self.enough) {
                return Ok(None);
            }
            let mut reader = Reader::new(rest);
            match read_block(&mut reader, self.options.zone()) {
                Ok(block) => {
                    let consumed = reader.at();
                    self.pending.consume(consumed);
                    self.enough = 0;
                    self.bytes_read += consumed as u64;
                    if block.rows() > 0 {
                        return self.give(&block).map(Some);
                    }
                }
                Err(Stop::More) if !last && rest.len() <= BLOCK_BYTES_MAX => {
                    // Twice as much, so that a large block is not read once for each of its pieces.
                    self.enough = rest.len() * 2;
                    return Ok(None);
                }
                Err(Stop::More) => return Err(broken("the data ends inside a block")),
                Err(Stop::Misfit) => return Err(broken("this is no block of columns whose types are known")),
            }
        }
    }
}

fn broken(reason: &str) -> Error {
    Error::Broken { format: "Native", reason: reason.to_owned() }
}

impl Native {
    /// The block's columns that the table has.
    fn give(&mut self, block: &Block) -> Result<Decoded> {
        let wanted = &self.options.header;
        if !self.options.settings.flag(Setting::InputFormatSkipUnknownFields)
            && let Some(unknown) =
                block.header().columns().iter().find(|column| wanted.position(&column.name).is_none())
        {
            return Err(Error::UnknownField { name: unknown.name.to_string(), row: self.rows_read + 1 });
        }
        let present = |column: &Column| block.header().position(&column.name);
        let positions: Vec<usize> = wanted.columns().iter().filter_map(present).collect();
        let block = block.project(&positions);
        let first = self.rows_read + 1;
        self.rows_read += block.rows() as u64;
        Ok(Decoded {
            absent: vec![None; block.header().len()],
            positions: (first..=self.rows_read).collect(),
            raw: LargeBinaryArray::new_null(0),
            bad: Vec::new(),
            misfits: Vec::new(),
            rows_read: self.rows_read,
            bytes_read: self.bytes_read,
            block,
        })
    }
}

fn read_block(reader: &mut Reader<'_>, zone: Zone) -> Read<Block> {
    let (columns, rows) = (reader.varint()?, reader.varint()?);
    // rows without columns take no bytes: there could be any number of them
    if columns > COLUMNS_MAX || (columns == 0 && rows > 0) {
        return Err(Stop::Misfit);
    }
    let (mut header, mut arrays) = (Vec::new(), Vec::new());
    for _ in 0..columns {
        let name = reader.string()?;
        let ty = DataType::parse(&reader.string()?).map_err(|_| Stop::Misfit)?;
        if rows > 0 {
            read_prefix(reader, &ty)?;
        }
        arrays.push(read_column(reader, &ty, rows, zone)?);
        header.push(Column::new(name, ty));
    }
    Block::with_rows(Header::new(header), arrays, rows).map_err(|_| Stop::Misfit)
}

fn read_prefix(reader: &mut Reader<'_>, ty: &DataType) -> Read<()> {
    match ty {
        DataType::LowCardinality(_) => match u64::from_le_bytes(reader.number()?) {
            DICTIONARY_VERSION => Ok(()),
            _ => Err(Stop::Misfit),
        },
        DataType::Nullable(inner) | DataType::Array(inner) => read_prefix(reader, inner),
        DataType::SimpleAggregateFunction(signature) => {
            signature.args.iter().take(1).try_for_each(|ty| read_prefix(reader, ty))
        }
        DataType::Map(entry) => {
            read_prefix(reader, &entry.0)?;
            read_prefix(reader, &entry.1)
        }
        DataType::Tuple(fields) => fields.iter().try_for_each(|field| read_prefix(reader, &field.ty)),
        _ => Ok(()),
    }
}

fn read_column(reader: &mut Reader<'_>, ty: &DataType, rows: usize, zone: Zone) -> Read<ArrayRef> {
    // Each row takes a byte at least, so that no length makes us allocate more than was sent.
    reader.at_least(rows)?;
    match ty {
        DataType::Nullable(inner) => {
            let nulls = reader.take(rows)?.iter().map(|null| *null == 0).collect::<Vec<bool>>();
            let values = read_column(reader, inner, rows, zone)?;
            if **inner == DataType::Nothing {
                return Ok(values);
            }
            let values = values.to_data().into_builder().nulls(Some(NullBuffer::from(nulls))).build();
            values.map(make_array).map_err(|_| Stop::Misfit)
        }
        DataType::LowCardinality(inner) => read_dictionary(reader, inner, rows, zone),
        DataType::SimpleAggregateFunction(signature) => {
            read_column(reader, signature.args.first().ok_or(Stop::Misfit)?, rows, zone)
        }
        DataType::Nothing => {
            reader.take(rows)?;
            Ok(arrow::array::new_null_array(&ArrowType::Null, rows))
        }
        DataType::Array(inner) => {
            let (offsets, count) = read_offsets(reader, rows)?;
            let values = read_column(reader, inner, count, zone)?;
            list_of(ty, offsets, values)
        }
        DataType::Map(entry) => {
            let (offsets, count) = read_offsets(reader, rows)?;
            let columns =
                vec![read_column(reader, &entry.0, count, zone)?, read_column(reader, &entry.1, count, zone)?];
            let ArrowType::List(item) = ty.arrow_type() else { return Err(Stop::Misfit) };
            let ArrowType::Struct(fields) = item.data_type() else { return Err(Stop::Misfit) };
            let pairs = StructArray::try_new(fields.clone(), columns, None).map_err(|_| Stop::Misfit)?;
            list_of(ty, offsets, Arc::new(pairs))
        }
        DataType::Tuple(fields) if fields.is_empty() => {
            reader.take(rows)?;
            Ok(Arc::new(StructArray::new_empty_fields(rows, None)))
        }
        DataType::Tuple(fields) => {
            let columns =
                fields.iter().map(|field| read_column(reader, &field.ty, rows, zone)).collect::<Read<Vec<_>>>()?;
            let ArrowType::Struct(fields) = ty.arrow_type() else { return Err(Stop::Misfit) };
            Ok(Arc::new(StructArray::try_new(fields, columns, None).map_err(|_| Stop::Misfit)?))
        }
        plain => {
            let mut column = ColumnBuilder::new(plain, zone);
            for _ in 0..rows {
                reader.value(plain, &mut column)?;
            }
            Ok(column.finish())
        }
    }
}

/// Where the elements of each row end, and how many there are.
fn read_offsets(reader: &mut Reader<'_>, rows: usize) -> Read<(Vec<i32>, usize)> {
    let mut offsets = Vec::with_capacity(rows + 1);
    offsets.push(0i32);
    let mut end = 0i32;
    for _ in 0..rows {
        let next = i32::try_from(u64::from_le_bytes(reader.number()?)).map_err(|_| Stop::Misfit)?;
        if next < end {
            return Err(Stop::Misfit);
        }
        end = next;
        offsets.push(end);
    }
    Ok((offsets, end as usize))
}

fn list_of(ty: &DataType, offsets: Vec<i32>, values: ArrayRef) -> Read<ArrayRef> {
    let ArrowType::List(field) = ty.arrow_type() else { return Err(Stop::Misfit) };
    let list = ListArray::try_new(field, OffsetBuffer::new(offsets.into()), values, None);
    Ok(Arc::new(list.map_err(|_| Stop::Misfit)?))
}

fn read_dictionary(reader: &mut Reader<'_>, ty: &DataType, rows: usize, zone: Zone) -> Read<ArrayRef> {
    if rows == 0 {
        return Ok(ty.default_array(0));
    }
    let flags = u64::from_le_bytes(reader.number()?);
    if flags & GLOBAL_DICTIONARY != 0 || flags & ADDITIONAL_KEYS == 0 {
        return Err(Stop::Misfit);
    }
    let length = |number: [u8; 8]| usize::try_from(u64::from_le_bytes(number)).map_err(|_| Stop::Misfit);
    let count = length(reader.number()?)?;
    let keys = read_column(reader, &ty.remove_nullable(), count, zone)?;
    if length(reader.number()?)? != rows {
        return Err(Stop::Misfit);
    }
    let mut positions: Vec<Option<u32>> = Vec::with_capacity(rows.min(1 << 20));
    for _ in 0..rows {
        let position: u64 = match flags & 0xff {
            0 => reader.number::<1>()?[0].into(),
            1 => u16::from_le_bytes(reader.number()?).into(),
            2 => u32::from_le_bytes(reader.number()?).into(),
            3 => u64::from_le_bytes(reader.number()?),
            _ => return Err(Stop::Misfit),
        };
        if position >= count as u64 {
            return Err(Stop::Misfit);
        }
        let is_null = position == 0 && ty.is_nullable();
        positions.push(if is_null { None } else { u32::try_from(position).ok() });
    }
    arrow::compute::take(keys.as_ref(), &UInt32Array::from(positions), None).map_err(|_| Stop::Misfit)
}
