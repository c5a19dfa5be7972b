//! A part file with other values in some columns: those are written anew, the others are copied as they are encoded.
//!
//! ```text
//! old   │ a │ b │ c ││ a │ b │ c │        row groups; rows 7 and 8 of the first one change in b
//! new   │ a │ B │ c ││ a │ b │ c │        one column chunk is encoded, five are copied
//! ```
//! An UPDATE of one column of many costs that column. The rows, their order and their keys stay what they were.
//! Memory: the chunks of one row group, and up to [`PENDING_BYTES_MAX`] of rows of which none has changed yet.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf, Bytes, buf};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriterOptions, compute_leaves};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::writer::SerializedFileWriter;
use types::Block;

use super::checksum::BlockSums;
use super::end::End;
use super::layout::FileRef;
use super::reader::{Caching, FilePart};
use super::writer::{Maturity, page_rows, properties};
use crate::error::Result;
use crate::meta::{MinMaxBuilder, PartMeta, sliced_bytes};
use crate::part::READ_GRANULES;
use crate::part_store::PartStore;
use crate::rewrite::{Mutation, RowSet, rewrite_block};
use crate::schema::PartSchema;

/// Bytes of rows that wait to see whether any row of their row group changes.
const PENDING_BYTES_MAX: usize = 16 << 20;

/// An update as it is made of some columns of a table.
pub struct Amendment {
    /// The columns that it looks at or changes, by their positions in the table, ascending.
    pub read: Vec<usize>,
    /// Those of them that it may change, by their positions in the table; none of a key.
    pub written: Vec<usize>,
    /// An update of blocks that have the columns of `read`.
    pub mutation: Mutation,
}

/// The new file, and what changed.
pub struct Amended {
    /// What is known of the part.
    pub meta: Arc<PartMeta>,
    /// How to open it.
    pub file: FileRef,
    /// Rows that changed, by their numbers in the part.
    pub changed: RowSet,
}

impl FilePart {
    /// True when the file can be amended: it has just the columns of the schema, and nothing that is computed of them.
    pub fn can_amend(&self, schema: &PartSchema, amendment: &Amendment) -> bool {
        let key = [schema.sort_positions(), schema.partition_key.clone()].concat();
        let meta = self.meta();
        meta.header == schema.header
            && meta.index_granularity == schema.index_granularity
            && meta.min_max.iter().zip(&schema.min_max).all(|(known, at)| known.column == schema.header.columns()[*at])
            && meta.min_max.len() == schema.min_max.len()
            && self.has_rows_only()
            && matches!(amendment.mutation, Mutation::Update { .. })
            && amendment.written.iter().all(|column| !key.contains(column) && amendment.read.contains(column))
    }

    /// Writes the amended file as one durable object. [`FilePart::can_amend`] must hold. None when no row changes.
    pub async fn amend(
        &self,
        schema: &PartSchema,
        amendment: &Amendment,
        store: &dyn PartStore,
        object: &str,
    ) -> Result<Option<Amended>> {
        let mut amender = Amender::new(self, schema, amendment)?;
        let mut sink = store.put(object).await?;
        for (number, rows) in self.row_groups().into_iter().enumerate() {
            let encoded = amender.encode(number, rows).await?;
            sink.append(amender.write(number, encoded).await?).await?;
        }
        if amender.changed.is_empty() {
            return Ok(None);
        }
        let (meta, file, bytes, changed) = amender.finish(object)?;
        for bytes in bytes {
            sink.append(bytes).await?;
        }
        sink.finish().await?;
        Ok(Some(Amended { meta: Arc::new(meta), file, changed }))
    }
}

/// The column chunks of a row group that are written anew, by Parquet's leaf columns.
type Encoded = Vec<Option<ArrowColumnWriter>>;

/// A column that may change.
struct Written {
    /// Where it is in the blocks that are read.
    at: usize,
    /// Its field in the file.
    field: arrow::datatypes::FieldRef,
    /// Parquet's leaf columns that it is stored as.
    leaves: Vec<usize>,
}

struct Amender<'a> {
    old: &'a FilePart,
    schema: &'a PartSchema,
    amendment: &'a Amendment,
    written: Vec<Written>,
    writer: SerializedFileWriter<Vec<u8>>,
    factory: ArrowRowGroupWriterFactory,
    sums: BlockSums,
    page_rows: usize,
    /// Of columns that may change and have bounds: which of the part's bounds.
    bounds: Vec<(usize, MinMaxBuilder)>,
    /// Bytes that the values take now, and took.
    bytes: (u64, u64),
    changed: Vec<u32>,
}

impl<'a> Amender<'a> {
    fn new(old: &'a FilePart, schema: &'a PartSchema, amendment: &'a Amendment) -> Result<Amender<'a>> {
        let (arrow_schema, page_rows) = (schema.header.arrow_schema(), page_rows(schema));
        let options = ArrowWriterOptions::new()
            .with_properties(properties(schema, Maturity::Merged, page_rows)?)
            .with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(Vec::new(), arrow_schema.clone(), options)?;
        let (writer, factory) = writer.into_serialized_writer()?;
        let roots: Vec<usize> = {
            let columns = writer.schema_descr();
            (0..columns.num_columns()).map(|leaf| columns.get_column_root_idx(leaf)).collect()
        };
        let place = |column: &usize| amendment.read.iter().position(|read| read == column);
        let mut written = Vec::with_capacity(amendment.written.len());
        let mut bounds = Vec::new();
        for column in &amendment.written {
            let Some(at) = place(column) else { continue };
            let leaves = roots.iter().enumerate().filter(|(_, root)| *root == column).map(|(leaf, _)| leaf).collect();
            written.push(Written { at, field: Arc::clone(&arrow_schema.fields()[*column]), leaves });
            if let Some(known) = schema.min_max.iter().position(|bounded| bounded == column) {
                bounds.push((known, MinMaxBuilder::new(&schema.header.project(&amendment.read), at)?));
            }
        }
        let (sums, changed) = (BlockSums::default(), Vec::new());
        Ok(Amender {
            old,
            schema,
            amendment,
            written,
            writer,
            factory,
            sums,
            page_rows,
            bounds,
            bytes: (0, 0),
            changed,
        })
    }

    /// The new column chunks of a row group; none when no row of it changes.
    async fn encode(&mut self, number: usize, rows: Range<usize>) -> Result<Option<Encoded>> {
        let granularity = self.schema.index_granularity;
        let granules = rows.start / granularity..rows.end.div_ceil(granularity);
        let (mut row, changed_before) = (rows.start, self.changed.len());
        let (mut pending, mut pending_bytes) = (Vec::new(), 0);
        let mut encoded: Option<Encoded> = None;
        for start in granules.clone().step_by(READ_GRANULES) {
            let piece = start..granules.end.min(start + READ_GRANULES);
            for block in self.old.read(&self.amendment.read, piece, Caching::Bypass).await? {
                let rewritten = rewrite_block(&block, row as u32, std::slice::from_ref(&self.amendment.mutation))?;
                row += block.rows();
                self.note(&block, &rewritten.block)?;
                self.changed.extend_from_slice(rewritten.changed.rows());
                pending_bytes += rewritten.block.size_bytes();
                pending.push(rewritten.block);
                if changed_before == self.changed.len() && encoded.is_none() && pending_bytes < PENDING_BYTES_MAX {
                    continue;
                }
                let chunks = match &mut encoded {
                    Some(chunks) => chunks,
                    None => encoded.insert(self.factory.create_column_writers(number)?.into_iter().map(Some).collect()),
                };
                for block in pending.drain(..) {
                    encode_block(chunks, &self.written, &block, self.page_rows)?;
                }
            }
        }
        Ok(encoded.filter(|_| changed_before < self.changed.len()))
    }

    /// What is known of the part must follow its values.
    fn note(&mut self, old: &Block, new: &Block) -> Result<()> {
        for written in &self.written {
            self.bytes.0 += sliced_bytes(new.array(written.at));
            self.bytes.1 += sliced_bytes(old.array(written.at));
        }
        self.bounds.iter_mut().try_for_each(|(_, builder)| builder.push(new))
    }

    /// The bytes of a row group: chunks as they were encoded, or as they are in the old file.
    async fn write(&mut self, number: usize, encoded: Option<Encoded>) -> Result<Bytes> {
        let mut is_new = vec![false; self.writer.schema_descr().num_columns()];
        if encoded.is_some() {
            self.written.iter().flat_map(|column| &column.leaves).for_each(|leaf| is_new[*leaf] = true);
        }
        let mut old = Vec::with_capacity(is_new.len());
        for (leaf, is_new) in is_new.into_iter().enumerate() {
            old.push(if is_new { None } else { Some(self.old.chunk(number, leaf).await?) });
        }
        let mut encoded = encoded.unwrap_or_default().into_iter();
        let mut group = self.writer.next_row_group()?;
        for old in old {
            let new = encoded.next().flatten();
            match (old, new) {
                (Some((chunk, close)), _) => group.append_column(&chunk, close)?,
                (None, Some(new)) => new.close()?.append_to_row_group(&mut group)?,
                (None, None) => return Err(ParquetError::General("a column chunk is missing".to_owned()).into()),
            }
        }
        group.close()?;
        self.writer.flush().map_err(ParquetError::from)?;
        let bytes = std::mem::take(self.writer.inner_mut());
        self.sums.push(&bytes);
        Ok(Bytes::from(bytes))
    }

    fn finish(self, object: &str) -> Result<(PartMeta, FileRef, [Bytes; 2], RowSet)> {
        let mut meta = PartMeta::clone(self.old.meta());
        meta.uncompressed_bytes = (meta.uncompressed_bytes + self.bytes.0).saturating_sub(self.bytes.1);
        for (known, builder) in self.bounds {
            meta.min_max[known] = builder.finish();
        }
        let (meta, file, bytes) = End::new(self.writer, self.sums).finish(meta, self.schema, object)?;
        Ok((meta, file, bytes, RowSet::from_ascending(self.changed)))
    }
}

/// Hands the changed columns of a granule to Parquet, page by page, as `FileWriter` does.
fn encode_block(chunks: &mut Encoded, written: &[Written], block: &Block, page_rows: usize) -> Result<()> {
    for start in (0..block.rows()).step_by(page_rows) {
        let page = block.slice(start, page_rows.min(block.rows() - start));
        for column in written {
            let leaves = compute_leaves(&column.field, page.array(column.at))?;
            for (place, leaf) in column.leaves.iter().zip(&leaves) {
                if let Some(chunk) = &mut chunks[*place] {
                    chunk.write(leaf)?;
                }
            }
        }
    }
    Ok(())
}

/// The bytes of a column chunk, called by their places in the file that they come from.
pub(super) struct Chunk {
    start: u64,
    bytes: Bytes,
}

impl Length for Chunk {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for Chunk {
    type T = buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(self.get_bytes(start, (self.len().saturating_sub(start)) as usize)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let from = start.checked_sub(self.start).map(|from| from as usize);
        let range = from.map(|from| from..from.saturating_add(length)).filter(|range| range.end <= self.bytes.len());
        range
            .map(|range| self.bytes.slice(range))
            .ok_or_else(|| ParquetError::EOF("outside of a column chunk".to_owned()))
    }
}

impl FilePart {
    /// The rows of each row group.
    fn row_groups(&self) -> Vec<Range<usize>> {
        let mut first = 0;
        let groups = self.parquet().row_groups().iter();
        groups
            .map(|group| {
                let start = first;
                first += usize::try_from(group.num_rows()).unwrap_or(0);
                start..first
            })
            .collect()
    }

    /// A column chunk as it is in the file, checked.
    async fn chunk(&self, group: usize, leaf: usize) -> Result<(Chunk, ColumnCloseResult)> {
        let (rows, metadata) =
            (self.parquet().row_group(group).num_rows(), self.parquet().row_group(group).column(leaf));
        let (start, length) = metadata.byte_range();
        let bytes = self.checked_bytes(start..start + length).await?;
        let pages = self.parquet().offset_index().and_then(|index| index.get(group)?.get(leaf));
        let close = ColumnCloseResult {
            bytes_written: length,
            rows_written: u64::try_from(rows).unwrap_or(0),
            metadata: metadata.clone(),
            bloom_filter: None,
            column_index: None,
            offset_index: pages.cloned(),
        };
        Ok((Chunk { start, bytes }, close))
    }
}

#[cfg(test)]
mod tests;
