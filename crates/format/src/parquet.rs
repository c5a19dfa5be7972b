//! Parquet files that others wrote, as input: their schema as ClickHouse types, their rows as blocks.

mod pieces;

use std::sync::Arc;

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use ::parquet::file::reader::ChunkReader;
use arrow::array::{Array, ArrayRef, AsArray, LargeBinaryArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType as ArrowType, Field, TimeUnit};
use bytes::Bytes;
use types::{Block, Column, DataType, Header, Setting, TupleField};

use crate::decode::{Decode, DecodeOptions, Decoded};
use crate::error::{Error, Result};

pub use pieces::{ParquetFile, ParquetFooter, ParquetPieces, Step};

fn broken(error: impl std::fmt::Display) -> Error {
    Error::Broken { format: "Parquet", reason: error.to_string() }
}

/// A Parquet file being read, block after block, in the types of the file.
pub struct ParquetBlocks {
    header: Header,
    reader: ParquetRecordBatchReader,
}

/// The columns of a file, nullable ones as Nullable.
fn header_of<'a>(fields: impl Iterator<Item = &'a Arc<Field>>) -> Result<Header> {
    let columns = fields.map(|field| Ok(Column::new(field.name().as_str(), from_arrow(field)?)));
    Ok(Header::new(columns.collect::<Result<Vec<_>>>()?))
}

impl ParquetBlocks {
    /// Reads the columns that `wanted` names (all, when it is `None`), `rows_max` rows a block.
    pub fn open<R: ChunkReader + 'static>(file: R, wanted: Option<&Header>, rows_max: usize) -> Result<ParquetBlocks> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(broken)?;
        let kept: Vec<usize> = (0..builder.schema().fields().len())
            .filter(|i| wanted.is_none_or(|wanted| wanted.column(builder.schema().field(*i).name()).is_some()))
            .collect();
        let header = header_of(kept.iter().map(|i| &builder.schema().fields()[*i]))?;
        let mask = ProjectionMask::roots(builder.parquet_schema(), kept);
        let reader = builder.with_projection(mask).with_batch_size(rows_max).build().map_err(broken)?;
        Ok(ParquetBlocks { header, reader })
    }

    /// The columns of the blocks.
    pub fn header(&self) -> &Header {
        &self.header
    }
}

/// A batch of a file in the file's own types.
fn block_of(header: &Header, batch: &RecordBatch) -> Result<Block> {
    let columns = header.columns().iter().zip(batch.columns());
    let arrays = columns.map(|(column, array)| to_column(array, &column.ty)).collect::<Result<Vec<_>>>()?;
    Ok(Block::with_rows(header.clone(), arrays, batch.num_rows())?)
}

impl Iterator for ParquetBlocks {
    type Item = Result<Block>;

    fn next(&mut self) -> Option<Result<Block>> {
        let batch = self.reader.next()?;
        Some(batch.map_err(broken).and_then(|batch| block_of(&self.header, &batch)))
    }
}

/// The ClickHouse type that a field of a file means.
fn from_arrow(field: &Field) -> Result<DataType> {
    let ty = match field.data_type() {
        ArrowType::Null => return Ok(DataType::nullable(DataType::Nothing)),
        ArrowType::Boolean => DataType::Bool,
        ArrowType::UInt8 => DataType::UInt8,
        ArrowType::UInt16 => DataType::UInt16,
        ArrowType::UInt32 => DataType::UInt32,
        ArrowType::UInt64 => DataType::UInt64,
        ArrowType::Int8 => DataType::Int8,
        ArrowType::Int16 => DataType::Int16,
        ArrowType::Int32 => DataType::Int32,
        ArrowType::Int64 => DataType::Int64,
        ArrowType::Float16 | ArrowType::Float32 => DataType::Float32,
        ArrowType::Float64 => DataType::Float64,
        ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View => DataType::String,
        ArrowType::Binary | ArrowType::LargeBinary | ArrowType::BinaryView => DataType::String,
        ArrowType::FixedSizeBinary(n) => DataType::FixedString(u32::try_from(*n).map_err(broken)?.max(1)),
        ArrowType::Date32 | ArrowType::Date64 => DataType::Date32,
        ArrowType::Timestamp(unit, zone) => {
            let precision = match unit {
                TimeUnit::Second => 0,
                TimeUnit::Millisecond => 3,
                TimeUnit::Microsecond => 6,
                TimeUnit::Nanosecond => 9,
            };
            DataType::DateTime64 { precision, zone: zone.clone() }
        }
        ArrowType::Decimal32(p, s)
        | ArrowType::Decimal64(p, s)
        | ArrowType::Decimal128(p, s)
        | ArrowType::Decimal256(p, s) => DataType::Decimal { precision: *p, scale: u8::try_from(*s).map_err(broken)? },
        ArrowType::Dictionary(_, value) => from_arrow(&Field::new("", (**value).clone(), false))?,
        ArrowType::List(item) | ArrowType::LargeList(item) => DataType::array(from_arrow(item)?),
        ArrowType::Struct(fields) => DataType::Tuple(
            fields
                .iter()
                .map(|field| Ok(TupleField { name: Some(field.name().as_str().into()), ty: from_arrow(field)? }))
                .collect::<Result<Vec<_>>>()?
                .into(),
        ),
        other => return Err(broken(format!("column \"{}\" of type {other} is not supported", field.name()))),
    };
    Ok(if field.is_nullable() { ty.to_nullable() } else { ty })
}

/// The array as the one Arrow type that `ty` has.
fn to_column(array: &ArrayRef, ty: &DataType) -> Result<ArrayRef> {
    let wanted = ty.arrow_type();
    if array.data_type() == &wanted {
        return Ok(array.clone());
    }
    let step = match (array.data_type(), ty.base()) {
        (ArrowType::Utf8View, _) => cast(array, &ArrowType::Utf8),
        (ArrowType::Date64, _) => cast(array, &ArrowType::Date32),
        (ArrowType::Timestamp(..), _) => cast(array, &ArrowType::Int64),
        (ArrowType::Dictionary(_, value), _) => cast(array, value),
        _ => Ok(array.clone()),
    }
    .map_err(broken)?;
    match (step.data_type(), ty.base()) {
        (ArrowType::Struct(_), DataType::Tuple(fields)) => {
            let tuple = step.as_struct();
            let columns = fields.iter().zip(tuple.columns()).map(|(field, column)| to_column(column, &field.ty));
            let ArrowType::Struct(arrow_fields) = &wanted else { return Err(broken("tuple without fields")) };
            let columns = columns.collect::<Result<Vec<_>>>()?;
            Ok(Arc::new(arrow::array::StructArray::new(arrow_fields.clone(), columns, tuple.nulls().cloned())))
        }
        (ArrowType::List(_), DataType::Array(inner)) => {
            let list = step.as_list::<i32>();
            let ArrowType::List(field) = &wanted else { return Err(broken("array without elements")) };
            let values = to_column(list.values(), inner)?;
            let list =
                arrow::array::ListArray::new(field.clone(), list.offsets().clone(), values, list.nulls().cloned());
            Ok(Arc::new(list))
        }
        _ => cast(&step, &wanted).map_err(broken),
    }
}

/// A decoder for INSERT … FORMAT Parquet: the file must be whole before its footer can be read.
pub(crate) fn decoder(options: DecodeOptions) -> impl Decode {
    Whole { options, bytes: Vec::new(), blocks: None, rows_read: 0 }
}

struct Whole {
    options: DecodeOptions,
    bytes: Vec<u8>,
    blocks: Option<ParquetBlocks>,
    rows_read: u64,
}

impl Decode for Whole {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn next(&mut self, last: bool) -> Result<Option<Decoded>> {
        if !last {
            return Ok(None);
        }
        let blocks = match &mut self.blocks {
            Some(blocks) => blocks,
            None => {
                let file = Bytes::from(std::mem::take(&mut self.bytes));
                let rows_max = self.options.rows_max.min(65_536);
                self.blocks.insert(ParquetBlocks::open(file, Some(&self.options.header), rows_max)?)
            }
        };
        let Some(block) = blocks.next() else { return Ok(None) };
        let block = block?;
        let first = self.rows_read + 1;
        self.rows_read += block.rows() as u64;
        Ok(Some(fit(&self.options, &block, first, self.rows_read)))
    }
}

/// The block of a file as rows read: only the columns it has; the caller converts types and fills in the others.
fn fit(options: &DecodeOptions, block: &Block, first: u64, rows_read: u64) -> Decoded {
    let wanted = &options.header;
    let present = |column: &Column| block.header().position(&column.name);
    let positions: Vec<usize> = wanted.columns().iter().filter_map(present).collect();
    let block = block.project(&positions);
    // NULL in a column that cannot hold it is an absent value, whose DEFAULT applies, unless the settings forbid it
    let null_as_default = options.settings.flag(Setting::InputFormatNullAsDefault);
    let absent = block.header().columns().iter().zip(block.arrays()).map(|(column, array)| {
        let is_absent = null_as_default && wanted.column(&column.name).is_some_and(|wanted| !wanted.ty.is_nullable());
        let nulls = array.logical_nulls().filter(|nulls| is_absent && nulls.null_count() > 0)?;
        Some(nulls.iter().map(|valid| !valid).collect())
    });
    Decoded {
        absent: absent.collect(),
        positions: (first..=rows_read).collect(),
        raw: LargeBinaryArray::new_null(0),
        bad: Vec::new(),
        misfits: Vec::new(),
        rows_read,
        bytes_read: 0,
        block,
    }
}
