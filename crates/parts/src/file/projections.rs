//! Reading a projection of a part file: its metadata, then only the columns of the chunks that are asked for.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::ArrayRef;
use types::Block;

use super::reader::{Caching, FilePart};
use crate::error::{Error, Result};
use crate::inline::decode_inline;
use crate::meta::PartMeta;
use crate::projection::{Head, Projection};

/// A projection of one file, its metadata read.
#[derive(Clone)]
pub struct OpenProjection {
    file: FilePart,
    number: usize,
    /// Where the first chunk begins.
    first: u64,
    head: Arc<Head>,
}

impl FilePart {
    /// How many groups a projection has; none when the file was written without it.
    pub fn projection_rows(&self, text: &str) -> Option<u64> {
        self.projection_place(text).map(|(_, place)| place.rows)
    }

    /// Bytes of a projection.
    pub fn projection_bytes(&self, text: &str) -> Option<u64> {
        self.projection_place(text).map(|(_, place)| place.head_bytes.saturating_add(place.chunk_bytes))
    }

    /// A projection, ready to be read; none when the file was written without it.
    pub async fn projection(&self, projection: &Projection) -> Result<Option<OpenProjection>> {
        let Some((number, place)) = self.projection_place(&projection.text) else { return Ok(None) };
        let first = place.at + place.head_bytes;
        let bytes = self.checked_bytes(place.at..first).await?;
        let head = Head::decode(&bytes, projection, place.chunk_bytes)?;
        if head.meta.rows != place.rows {
            return Err(Error::Damaged("projection has another number of groups than its footer says"));
        }
        Ok(Some(OpenProjection { file: self.clone(), number, first, head: Arc::new(head) }))
    }

    /// Reads every byte of all projections past its checksum.
    pub async fn check_projections(&self) -> Result<()> {
        for place in self.projection_places() {
            let end = place.end().ok_or(Error::Damaged("projection is not where its footer says"))?;
            let mut at = place.at;
            while at < end {
                let piece = at..end.min(at + (1 << 20));
                at = piece.end;
                self.checked_bytes(piece).await?;
            }
        }
        Ok(())
    }
}

impl OpenProjection {
    /// What is known of it: as of a part, whose granules are its chunks.
    pub fn meta(&self) -> &PartMeta {
        &self.head.meta
    }

    /// The columns at `columns` of one chunk.
    pub async fn read(&self, columns: &[usize], chunk: usize, caching: Caching) -> Result<Block> {
        let meta = &self.head.meta;
        let wide = meta.header.len();
        let rows = meta.rows as usize;
        let start = chunk.saturating_mul(meta.index_granularity).min(rows);
        let rows = meta.index_granularity.min(rows - start);
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(columns.len());
        for &column in columns {
            let cached = match caching {
                Caching::Use => self.file.cached_projection(self.number, column, chunk),
                Caching::Bypass => None,
            };
            if let Some(array) = cached {
                arrays.push(array);
                continue;
            }
            let place = self.head.places.get(chunk * wide + column);
            let place: &Range<u64> = place.ok_or(Error::Damaged("projection has no such chunk"))?;
            let bytes = self.file.checked_bytes(self.first + place.start..self.first + place.end).await?;
            let block = decode_inline(&meta.header.project(&[column]), &bytes)?;
            if block.rows() != rows {
                return Err(Error::Damaged("chunk of a projection has another number of groups"));
            }
            let array = block.array(0).clone();
            if caching == Caching::Use {
                self.file.cache_projection((self.number, column, chunk), array.clone());
            }
            arrays.push(array);
        }
        Ok(Block::with_rows(meta.header.project(columns), arrays, rows)?)
    }
}
