//! What stands behind the rows of a part file: skip indexes, projections, the metadata with the checksums, Parquet's footer.
//!
//! ```text
//! rows (row groups) │ indexes │ projections │ section: metadata, checksums │ footer: where all of it is
//! └──────────────── body, under block checksums ─────────┘└──────────────── tail ─────────────────┘
//! ```

use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::writer::SerializedFileWriter;

use super::checksum::BlockSums;
use super::layout::{
    FileRef, INDEX_KEY, IndexPlace, PROJECTION_KEY, ProjectionPlace, SECTION_KEY, Section, TYPES_KEY, VERSION_KEY,
};
use crate::error::Result;
use crate::inline::encode_inline;
use crate::meta::{FORMAT_VERSION, PartMeta};
use crate::projection;
use crate::schema::PartSchema;
use crate::skip_index::{Builder, SkipIndex};

/// A file whose rows were all taken out of the writer.
pub(super) struct End {
    writer: SerializedFileWriter<Vec<u8>>,
    sums: BlockSums,
    /// Where the rows end.
    first: u64,
    indexes: usize,
    projections: usize,
}

impl End {
    /// `sums` have seen every byte of the rows.
    pub(super) fn new(writer: SerializedFileWriter<Vec<u8>>, sums: BlockSums) -> End {
        let first = sums.len();
        End { writer, sums, first, indexes: 0, projections: 0 }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.writer.write_all(bytes).map_err(ParquetError::from)?;
        self.sums.push(bytes);
        Ok(())
    }

    fn name(&mut self, key: String, value: String) {
        self.writer.append_key_value_metadata(KeyValue::new(key, value));
    }

    /// The entries of an index; all before the first projection.
    pub(super) fn index(&mut self, index: &SkipIndex, builder: Builder) -> Result<()> {
        let (at, bytes) = (self.sums.len(), encode_inline(&builder.finish()?));
        self.write(&bytes)?;
        let place = IndexPlace { at, bytes: bytes.len() as u64, text: Arc::clone(&index.text) };
        self.name(format!("{INDEX_KEY}{}", self.indexes), place.encode());
        self.indexes += 1;
        Ok(())
    }

    /// The groups of a projection, unless it has too many to be worth it.
    pub(super) fn projection(&mut self, builder: projection::Builder) -> Result<()> {
        let number = self.projections;
        self.projections += 1;
        let text = Arc::clone(&builder.projection().text);
        let Some(encoded) = builder.finish()? else { return Ok(()) };
        let at = self.sums.len();
        let (head_bytes, chunk_bytes) = (encoded.head.len() as u64, encoded.chunks.len() as u64);
        self.write(&encoded.head)?;
        self.write(&encoded.chunks)?;
        let place = ProjectionPlace { at, head_bytes, chunk_bytes, rows: encoded.rows, text };
        self.name(format!("{PROJECTION_KEY}{number}"), place.encode());
        Ok(())
    }

    /// The metadata with its bytes filled in, how to open the file, and the bytes of indexes and projections and of the tail.
    pub(super) fn finish(
        mut self,
        mut meta: PartMeta,
        schema: &PartSchema,
        object: &str,
    ) -> Result<(PartMeta, FileRef, [Bytes; 2])> {
        let (sums, body_bytes) = std::mem::take(&mut self.sums).finish();
        let (section, entry) = Section { meta: meta.encode(), sums }.encode();
        self.writer.write_all(&section).map_err(ParquetError::from)?;
        self.name(SECTION_KEY.to_owned(), entry);
        self.name(VERSION_KEY.to_owned(), FORMAT_VERSION.to_string());
        self.name(TYPES_KEY.to_owned(), types_text(schema));
        let mut indexes = self.writer.into_inner()?;
        let tail = indexes.split_off((body_bytes - self.first) as usize);
        let file = FileRef {
            object: object.into(),
            bytes: body_bytes + tail.len() as u64,
            body_bytes,
            tail_checksum: crc32c::crc32c(&tail),
        };
        meta.bytes = file.bytes;
        Ok((meta, file, [Bytes::from(indexes), Bytes::from(tail)]))
    }
}

fn types_text(schema: &PartSchema) -> String {
    let columns: Vec<String> = schema.header.columns().iter().map(|c| format!("`{}` {}", c.name, c.ty)).collect();
    columns.join(", ")
}
