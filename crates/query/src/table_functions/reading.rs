//! One file's bytes as blocks: text formats as a stream, Parquet range by range, so that memory holds one row group.

use std::collections::VecDeque;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use env::DiskFile;
use format::parquet::{ParquetBlocks, ParquetFile, ParquetFooter, ParquetPieces, Step};
use format::{Decode, DecodeOptions, Format};
use types::{Block, Header, Settings};

use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::expressions::Converter;

/// Bytes that are read from a file at once.
const CHUNK_BYTES: u64 = 1 << 20;
/// Rows of a block that is read from a Parquet file.
const PARQUET_ROWS: usize = 65_536;

/// Blocks out of bytes that are all there.
pub(super) fn decode(format: Format, bytes: &Bytes, header: &Header, ctx: &QueryContext) -> Result<Vec<Block>> {
    if format == Format::Parquet {
        let blocks = ParquetBlocks::open(bytes.clone(), Some(header), PARQUET_ROWS).map_err(from_format)?;
        let converter = Converter::new(blocks.header(), header, ctx)?;
        return blocks.map(|block| converter.convert(&block.map_err(from_format)?)).collect();
    }
    let options = DecodeOptions::new(header.clone(), ctx.settings.clone());
    let mut decoder = format::decoder(format, options, None).map_err(from_format)?;
    decoder.push(bytes);
    drain(decoder.as_mut(), true)
}

fn drain(decoder: &mut dyn Decode, last: bool) -> Result<Vec<Block>> {
    let mut blocks = Vec::new();
    while let Some(decoded) = decoder.next(last).map_err(from_format)? {
        blocks.push(decoded.block);
    }
    Ok(blocks)
}

fn from_format(error: format::Error) -> Error {
    Error::reported(error.code(), &error)
}

pub(super) fn unreadable(path: &str, error: &env::Error) -> Error {
    Error::FileUnreadable { path: path.to_owned(), reason: error.to_string() }
}

/// What is read of files.
pub(super) struct Wanted {
    pub(super) ctx: Arc<QueryContext>,
    pub(super) format: Format,
    /// The columns that the files are said to have.
    pub(super) header: Header,
    /// Those that are asked for, by position.
    pub(super) columns: Arc<[usize]>,
    pub(super) settings: Settings,
}

/// An open file.
pub(super) struct OpenFile {
    file: Box<dyn DiskFile>,
    len: u64,
    /// As written by the user, for errors.
    text: String,
}

impl OpenFile {
    pub(super) async fn open(ctx: &QueryContext, path: &Path, text: &str) -> Result<OpenFile> {
        let file = ctx.runtime.env.disk.open(path).await.map_err(|error| unreadable(text, &error))?;
        let len = file.len().await.map_err(|error| unreadable(text, &error))?;
        Ok(OpenFile { file, len, text: text.to_owned() })
    }

    async fn range(&self, range: Range<u64>) -> Result<Bytes> {
        if self.len < range.end || range.end < range.start {
            return Err(Error::FileUnreadable { path: self.text.clone(), reason: "it is cut short".to_owned() });
        }
        self.file.read_range(range.start, range.end - range.start).await.map_err(|error| unreadable(&self.text, &error))
    }

    /// The footer of a Parquet file.
    pub(super) async fn footer(&self) -> Result<ParquetFile> {
        let mut footer = ParquetFooter::new(self.len).map_err(from_format)?;
        loop {
            match footer.step().map_err(from_format)? {
                Step::Ready(file) => return Ok(file),
                Step::Needs(ranges) => {
                    for range in ranges {
                        let bytes = self.range(range.clone()).await?;
                        footer.give(range, bytes).map_err(from_format)?;
                    }
                }
            }
        }
    }
}

/// One file while it is read.
pub(super) enum Reading {
    /// A format that is read from its beginning.
    Stream { file: OpenFile, at: u64, decoder: Box<dyn Decode>, ready: VecDeque<Block> },
    /// Parquet.
    Pieces { file: OpenFile, pieces: Box<ParquetPieces>, converter: Converter },
}

impl Reading {
    /// Opens a file.
    pub(super) async fn open(what: &Wanted, path: &Path, text: &str) -> Result<Reading> {
        let file = OpenFile::open(&what.ctx, path, text).await?;
        if what.format == Format::Parquet {
            let wanted = what.header.project(&what.columns);
            let pieces = file.footer().await?.read(&wanted, PARQUET_ROWS).map_err(from_format)?;
            let converter = Converter::new(pieces.header(), &wanted, &what.ctx)?;
            return Ok(Reading::Pieces { file, pieces: Box::new(pieces), converter });
        }
        let options = DecodeOptions::new(what.header.clone(), what.settings.clone());
        let decoder = format::decoder(what.format, options, None).map_err(from_format)?;
        Ok(Reading::Stream { file, at: 0, decoder, ready: VecDeque::new() })
    }

    /// The next block of the columns that are asked for; `None` behind the last.
    pub(super) async fn next(&mut self, what: &Wanted) -> Result<Option<Block>> {
        match self {
            Reading::Stream { file, at, decoder, ready } => loop {
                if let Some(block) = ready.pop_front() {
                    return Ok(Some(block.project(&what.columns)));
                }
                if file.len <= *at {
                    return Ok(None);
                }
                what.ctx.check()?;
                let end = file.len.min(*at + CHUNK_BYTES);
                decoder.push(&file.range(*at..end).await?);
                *at = end;
                ready.extend(drain(decoder.as_mut(), end == file.len)?);
            },
            Reading::Pieces { file, pieces, converter } => loop {
                match pieces.step().map_err(from_format)? {
                    Step::Ready(block) => return block.map(|block| converter.convert(&block)).transpose(),
                    Step::Needs(ranges) => {
                        for range in ranges {
                            let bytes = file.range(range.clone()).await?;
                            pieces.give(range, bytes).map_err(from_format)?;
                        }
                    }
                }
            },
        }
    }
}
