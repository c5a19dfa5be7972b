//! Sorted rows to a part file.
//!
//! Rows are handed to Parquet a page at a time, so that pages end where granules do. Everything written passes the block
//! checksums; bytes are taken out and appended to the object as row groups fill, so that memory holds one row group.

use std::sync::Arc;

use arrow::datatypes::DataType as ArrowType;
use bytes::Bytes;
use futures::StreamExt;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, Type as PhysicalType, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use types::{Block, BlockTransform, DataType};

use super::checksum::BlockSums;
use super::end::End;
use super::layout::FileRef;
use crate::derived::Derived;
use crate::error::{Error, Result};
use crate::merge::Run;
use crate::meta::{MetaBuilder, PartMeta};
use crate::part_store::PartStore;
use crate::projection;
use crate::schema::PartSchema;
use crate::skip_index::{Builder, SkipIndex};

/// Rows of a page in keyed tables, where lookups read single rows.
const KEYED_PAGE_ROWS: usize = 1024;
/// Rows of a row group: what one Parquet reader elsewhere takes as a unit of work.
const ROW_GROUP_ROWS: usize = 1 << 20;
/// Encoded bytes at which a row group ends early: they are in memory until then, once as pages and once as bytes.
const ROW_GROUP_BYTES: usize = 32 << 20;
/// Pages end at granules and not by size, but Parquet counts their bytes in an i32.
const PAGE_BYTES_MAX: usize = 1 << 30;
/// Past this size a dictionary is given up for plain values.
const DICTIONARY_BYTES_MAX: usize = 256 << 10;

/// How long a part will live: how much work its encoding is worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Maturity {
    /// Just inserted, soon merged: LZ4, and the encodings that are cheap.
    Young,
    /// Merged: ZSTD and delta encodings, of strings too.
    Merged,
}

/// A part file being written. No I/O: bytes are taken out by [`FileWriter::take_bytes`].
pub struct FileWriter {
    schema: PartSchema,
    writer: ArrowWriter<Vec<u8>>,
    meta: MetaBuilder,
    sums: BlockSums,
    indexes: Vec<(Arc<dyn BlockTransform>, SkipIndex, Builder)>,
    projections: Vec<projection::Builder>,
    page_rows: usize,
    /// Rows that do not fill a page yet.
    rest: Vec<Block>,
    rest_rows: usize,
    /// Rows handed to Parquet.
    written_rows: usize,
}

/// A finished part file.
#[derive(Debug)]
pub struct Finished {
    /// What is known of the part.
    pub meta: PartMeta,
    /// How to open it.
    pub file: FileRef,
    /// The last bytes, to be appended after all taken before: the end of the rows, indexes and projections, the tail.
    pub bytes: [Bytes; 3],
}

impl FileWriter {
    /// An empty file. Refuses columns that Parquet cannot hold, by name.
    pub fn new(schema: &PartSchema, derived: &Derived, maturity: Maturity) -> Result<FileWriter> {
        for column in schema.header.columns() {
            if has_empty_struct(&column.ty.arrow_type()) {
                return Err(Error::Unsupported { column: column.name.to_string(), ty: column.ty.to_string() });
            }
        }
        let page_rows = page_rows(schema);
        let options = ArrowWriterOptions::new()
            .with_properties(properties(schema, maturity, page_rows)?)
            .with_skip_arrow_metadata(true);
        Ok(FileWriter {
            schema: schema.clone(),
            writer: ArrowWriter::try_new_with_options(Vec::new(), schema.header.arrow_schema(), options)?,
            meta: MetaBuilder::new(schema, derived)?,
            sums: BlockSums::default(),
            indexes: derived
                .indexes()
                .iter()
                .map(|(index, compute)| {
                    let builder = Builder::new(index, schema.index_granularity);
                    (Arc::clone(compute), index.clone(), builder)
                })
                .collect(),
            projections: derived
                .projections()
                .iter()
                .map(|(of, compute)| projection::Builder::new(of, compute))
                .collect(),
            page_rows,
            rest: Vec::new(),
            rest_rows: 0,
            written_rows: 0,
        })
    }

    /// The next rows, in the order of the key.
    pub fn write(&mut self, block: &Block) -> Result<()> {
        self.meta.push(block)?;
        for (compute, _, builder) in &mut self.indexes {
            builder.push(&compute.apply(block)?)?;
        }
        self.projections.iter_mut().try_for_each(|builder| builder.push(block))?;
        let mut start = 0;
        while self.page_rows <= self.rest_rows + (block.rows() - start) {
            let take = self.page_rows - self.rest_rows;
            self.rest.push(block.slice(start, take));
            self.write_page()?;
            start += take;
        }
        if start < block.rows() {
            self.rest.push(block.slice(start, block.rows() - start));
            self.rest_rows += block.rows() - start;
        }
        Ok(())
    }

    /// Hands the gathered rows to Parquet, which ends the page when they are a full page's.
    fn write_page(&mut self) -> Result<()> {
        let page = Block::concat(&self.schema.header, &std::mem::take(&mut self.rest))?;
        self.rest_rows = 0;
        self.writer.write(&page.to_record_batch()?)?;
        self.written_rows += page.rows();
        let at_granule = self.written_rows.is_multiple_of(self.schema.index_granularity);
        if at_granule && ROW_GROUP_BYTES <= self.writer.in_progress_size() {
            self.writer.flush()?;
        }
        Ok(())
    }

    /// Bytes written since the last call, to be appended to the object. Empty while a row group fills.
    pub fn take_bytes(&mut self) -> Result<Bytes> {
        self.writer.sync().map_err(parquet::errors::ParquetError::from)?;
        let bytes = std::mem::take(self.writer.inner_mut());
        self.sums.push(&bytes);
        Ok(Bytes::from(bytes))
    }

    /// Ends the file, which is to be called `object`.
    pub fn finish(mut self, object: &str) -> Result<Finished> {
        if 0 < self.rest_rows {
            self.write_page()?;
        }
        self.writer.flush()?;
        let body = self.take_bytes()?;
        let meta = self.meta.finish()?;
        let (writer, _) = self.writer.into_serialized_writer()?;
        let mut end = End::new(writer, self.sums);
        for (_, index, builder) in self.indexes {
            end.index(&index, builder)?;
        }
        for builder in self.projections {
            end.projection(builder)?;
        }
        let (meta, file, [indexes, tail]) = end.finish(meta, &self.schema, object)?;
        Ok(Finished { meta, file, bytes: [body, indexes, tail] })
    }
}

/// Writes all rows of a sorted run, which are past the engine's rule, as one durable object.
pub async fn write_part(
    schema: &PartSchema,
    derived: &Derived,
    mut rows: Run,
    maturity: Maturity,
    store: &dyn PartStore,
    object: &str,
) -> Result<(Arc<PartMeta>, FileRef)> {
    let mut writer = FileWriter::new(schema, derived, maturity)?;
    let mut sink = store.put(object).await?;
    while let Some(block) = rows.next().await {
        writer.write(&block?)?;
        let bytes = writer.take_bytes()?;
        if !bytes.is_empty() {
            sink.append(bytes).await?;
        }
    }
    let finished = writer.finish(object)?;
    for bytes in finished.bytes {
        sink.append(bytes).await?;
    }
    sink.finish().await?;
    Ok((Arc::new(finished.meta), finished.file))
}

fn has_empty_struct(ty: &ArrowType) -> bool {
    match ty {
        ArrowType::Struct(fields) => {
            fields.is_empty() || fields.iter().any(|field| has_empty_struct(field.data_type()))
        }
        ArrowType::List(item) => has_empty_struct(item.data_type()),
        _ => false,
    }
}

/// Rows of a page: a granule's, or for keyed tables about [`KEYED_PAGE_ROWS`]; always a divisor of the granularity.
pub(super) fn page_rows(schema: &PartSchema) -> usize {
    let granularity = schema.index_granularity;
    if !schema.is_keyed() || granularity <= KEYED_PAGE_ROWS {
        return granularity;
    }
    let divisor = (KEYED_PAGE_ROWS / 4..=KEYED_PAGE_ROWS).rev().find(|rows| granularity.is_multiple_of(*rows));
    divisor.unwrap_or(granularity)
}

pub(super) fn properties(schema: &PartSchema, maturity: Maturity, page_rows: usize) -> Result<WriterProperties> {
    let granularity = schema.index_granularity;
    let compression = match maturity {
        Maturity::Young => Compression::LZ4_RAW,
        Maturity::Merged => Compression::ZSTD(ZstdLevel::try_new(3)?),
    };
    let mut builder = WriterProperties::builder()
        .set_created_by("everview".to_owned())
        .set_compression(compression)
        .set_data_page_row_count_limit(page_rows)
        .set_write_batch_size(page_rows)
        .set_data_page_size_limit(PAGE_BYTES_MAX)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES_MAX)
        .set_max_row_group_row_count(Some((ROW_GROUP_ROWS / granularity).max(1) * granularity))
        .set_statistics_enabled(EnabledStatistics::Chunk);
    let arrow_schema = schema.header.arrow_schema();
    let parquet_schema = parquet::arrow::ArrowSchemaConverter::new().convert(&arrow_schema)?;
    for (i, leaf) in parquet_schema.columns().iter().enumerate() {
        let column = &schema.header.columns()[parquet_schema.get_column_root_idx(i)];
        let is_number = !matches!(leaf.physical_type(), PhysicalType::BYTE_ARRAY);
        let hinted = matches!(column.ty, DataType::LowCardinality(_) | DataType::Enum(_));
        // a lookup of one row would read the whole dictionary too
        let dictionary = hinted || !(is_number && schema.is_keyed());
        builder = builder.set_column_dictionary_enabled(leaf.path().clone(), dictionary);
        if let Some(encoding) = encoding(maturity, leaf.physical_type()) {
            builder = builder.set_column_encoding(leaf.path().clone(), encoding);
        }
    }
    Ok(builder.build())
}

/// The encoding of values that are not in a dictionary. That of numbers costs less than compressing them plain; that of
/// strings costs more, so that parts which are soon merged go without.
fn encoding(maturity: Maturity, ty: PhysicalType) -> Option<Encoding> {
    match ty {
        PhysicalType::INT32 | PhysicalType::INT64 => Some(Encoding::DELTA_BINARY_PACKED),
        PhysicalType::BYTE_ARRAY => (maturity == Maturity::Merged).then_some(Encoding::DELTA_BYTE_ARRAY),
        PhysicalType::FLOAT | PhysicalType::DOUBLE => Some(Encoding::BYTE_STREAM_SPLIT),
        PhysicalType::BOOLEAN | PhysicalType::INT96 | PhysicalType::FIXED_LEN_BYTE_ARRAY => None,
    }
}
