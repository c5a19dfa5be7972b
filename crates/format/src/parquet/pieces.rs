//! A Parquet file that is read piece by piece: it says which ranges of bytes it needs, and whoever can read gives them.
//! Memory holds one row group of the columns that are read. No I/O here.

use std::ops::Range;
use std::sync::Arc;

use ::parquet::DecodeResult;
use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use ::parquet::arrow::push_decoder::{ParquetPushDecoder, ParquetPushDecoderBuilder};
use ::parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataPushDecoder};
use bytes::Bytes;
use types::{Block, Header};

use super::{block_of, broken, header_of};
use crate::error::Result;

/// What comes next.
pub enum Step<T> {
    /// These ranges of bytes must be given first.
    Needs(Vec<Range<u64>>),
    /// This.
    Ready(T),
}

/// The footer of a file whose length is known.
pub struct ParquetFooter(ParquetMetaDataPushDecoder);

impl ParquetFooter {
    /// Of a file of so many bytes.
    pub fn new(file_bytes: u64) -> Result<ParquetFooter> {
        let decoder = ParquetMetaDataPushDecoder::try_new(file_bytes).map_err(broken)?;
        Ok(ParquetFooter(decoder.with_page_index_policy(PageIndexPolicy::Skip)))
    }

    /// The footer, as soon as its bytes were given.
    pub fn step(&mut self) -> Result<Step<ParquetFile>> {
        match self.0.try_decode().map_err(broken)? {
            DecodeResult::NeedsData(ranges) => Ok(Step::Needs(ranges)),
            DecodeResult::Finished => Err(broken("the file has no footer")),
            DecodeResult::Data(metadata) => {
                let metadata = ArrowReaderMetadata::try_new(Arc::new(metadata), ArrowReaderOptions::new());
                let metadata = metadata.map_err(broken)?;
                let header = header_of(metadata.schema().fields().iter())?;
                Ok(Step::Ready(ParquetFile { metadata, header }))
            }
        }
    }

    /// Bytes that were asked for.
    pub fn give(&mut self, range: Range<u64>, bytes: Bytes) -> Result<()> {
        self.0.push_range(range, bytes).map_err(broken)
    }
}

/// What a file's footer says.
pub struct ParquetFile {
    metadata: ArrowReaderMetadata,
    header: Header,
}

impl ParquetFile {
    /// The file's columns, nullable ones as Nullable.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Reads the columns that `wanted` names, `rows_max` rows a block.
    pub fn read(&self, wanted: &Header, rows_max: usize) -> Result<ParquetPieces> {
        let is_wanted = |i: &usize| wanted.column(&self.header.columns()[*i].name).is_some();
        let kept: Vec<usize> = (0..self.header.len()).filter(is_wanted).collect();
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), kept.iter().copied());
        let builder = ParquetPushDecoderBuilder::new_with_metadata(self.metadata.clone());
        let decoder = builder.with_projection(mask).with_batch_size(rows_max).build().map_err(broken)?;
        Ok(ParquetPieces { header: self.header.project(&kept), decoder })
    }
}

/// The rows of a file.
pub struct ParquetPieces {
    header: Header,
    decoder: ParquetPushDecoder,
}

impl ParquetPieces {
    /// The columns of the blocks, in the types and the order of the file.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next block; `None` behind the last.
    pub fn step(&mut self) -> Result<Step<Option<Block>>> {
        Ok(match self.decoder.try_decode().map_err(broken)? {
            DecodeResult::NeedsData(ranges) => Step::Needs(ranges),
            DecodeResult::Data(batch) => Step::Ready(Some(block_of(&self.header, &batch)?)),
            DecodeResult::Finished => Step::Ready(None),
        })
    }

    /// Bytes that were asked for.
    pub fn give(&mut self, range: Range<u64>, bytes: Bytes) -> Result<()> {
        self.decoder.push_range(range, bytes).map_err(broken)
    }
}
