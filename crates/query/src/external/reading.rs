//! One object's bytes as blocks: text formats as a stream, Parquet range by range, so that memory holds one row group.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use external::objects::Bytestream;
use external::{Object, Objects, Seekable};
use format::codec::Coding;
use format::parquet::{ParquetBlocks, ParquetFile, ParquetFooter, ParquetPieces, Step};
use format::{Decode, DecodeOptions, Format};
use futures::{StreamExt, TryStreamExt};
use types::{Block, Header};

use super::wait;
use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::expressions::Converter;
use crate::memory::Held;

/// Rows of a block that is read from a Parquet file.
const PARQUET_ROWS: usize = 65_536;
/// How often the bytes of a block are in memory while they are decoded.
const BLOCK_COPIES: usize = 2;

/// Blocks out of bytes that are all there.
pub(crate) fn decode(format: Format, bytes: &Bytes, header: &Header, ctx: &QueryContext) -> Result<Vec<Block>> {
    if format == Format::Parquet {
        let blocks = ParquetBlocks::open(bytes.clone(), Some(header), PARQUET_ROWS).map_err(from_format)?;
        let converter = Converter::new(blocks.header(), header, ctx)?;
        return blocks.map(|block| converter.convert(&block.map_err(from_format)?)).collect();
    }
    let options = DecodeOptions::new(header.clone(), ctx.settings.clone(), ctx.memory.limit_bytes());
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

/// An object's bytes, and how many there are of them as they are stored.
pub(super) struct Unpacked {
    pub(super) bytes: Bytestream,
    pub(super) size: Option<u64>,
    /// When they were changed last.
    modified_s: Option<i64>,
}

/// The bytes of an object, unpacked as they are read: from how it travels, then from how it is stored.
pub(super) async fn unpacked(
    objects: &dyn Objects,
    object: &Object,
    coding: Option<Coding>,
    ctx: &QueryContext,
) -> Result<Unpacked> {
    let opened = wait(ctx, objects.open(object)).await?;
    let travelled = match &opened.encoding {
        Some(name) => match Coding::by_name(name) {
            Some(coding) => Some(coding),
            None => return Err(Error::NotSupported(format!("Content-Encoding \"{name}\" of {}", objects.name()))),
        },
        None => None,
    };
    let mut bytes = opened.bytes;
    for coding in travelled.into_iter().chain(coding) {
        bytes = unpack(bytes, coding, object.path.clone())?;
    }
    Ok(Unpacked { bytes, size: opened.size, modified_s: opened.modified_s })
}

/// Unpacks; an error of the source stays what it is, one of the packing names the object.
fn unpack(bytes: Bytestream, coding: Coding, place: String) -> Result<Bytestream> {
    let bytes = bytes.map_err(std::io::Error::other).boxed();
    let wrong = move |error: std::io::Error| match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(own) => external::Error::clone(own),
        None => external::Error::BadCompression { place: place.clone(), reason: error.to_string() },
    };
    let bytes = format::codec::unpack(bytes, coding).map_err(|error| super::from_external(wrong(error)))?;
    Ok(bytes.map_err(wrong).boxed())
}

/// How a Parquet file can be read.
pub(super) enum Packing {
    /// In pieces.
    Pieces(ParquetFile, Seekable),
    /// Only whole: it is in memory, and accounted for. When it was changed last.
    Whole(Box<ParquetBlocks>, Option<i64>),
}

/// The footer of a Parquet file; the whole file where its source gives no ranges, or where it is packed.
pub(super) async fn footer(
    objects: &dyn Objects,
    object: &Object,
    coding: Option<Coding>,
    ctx: &Arc<QueryContext>,
) -> Result<Packing> {
    let seekable = match coding {
        None => wait(ctx, objects.seekable(object)).await?,
        Some(_) => None,
    };
    let Some(seekable) = seekable else {
        let mut held = ctx.memory.hold("a Parquet file that is read whole");
        let Unpacked { mut bytes, modified_s, .. } = unpacked(objects, object, coding, ctx).await?;
        let mut whole = Vec::new();
        while let Some(piece) = wait(ctx, bytes.try_next()).await? {
            held.resize(whole.len() + piece.len())?;
            whole.extend_from_slice(&piece);
        }
        let blocks = ParquetBlocks::open(Bytes::from(whole), None, PARQUET_ROWS).map_err(from_format)?;
        return Ok(Packing::Whole(Box::new(blocks), modified_s));
    };
    let mut footer = ParquetFooter::new(seekable.size).map_err(from_format)?;
    loop {
        match footer.step().map_err(from_format)? {
            Step::Ready(file) => return Ok(Packing::Pieces(file, seekable)),
            Step::Needs(ranges) => {
                for range in ranges {
                    let bytes = wait(ctx, objects.range(object, range.clone())).await?;
                    footer.give(range, bytes).map_err(from_format)?;
                }
            }
        }
    }
}

/// What is read of objects.
pub(super) struct Wanted {
    pub(super) ctx: Arc<QueryContext>,
    pub(super) objects: Arc<dyn Objects>,
    pub(super) format: Format,
    /// The columns that the objects are said to have.
    pub(super) header: Header,
    /// Those that are asked for, by position.
    pub(super) columns: Vec<usize>,
}

/// One object while it is read.
pub(super) struct Reading {
    pub(super) object: Object,
    /// Bytes of the object, where that is known.
    pub(super) size: Option<u64>,
    /// When it was changed last, where that is known: seconds since 1970.
    pub(super) modified_s: Option<i64>,
    rows: Rows,
    held: Held,
}

enum Rows {
    /// A format that is read from its beginning.
    Stream { bytes: Bytestream, decoder: Box<dyn Decode>, ready: VecDeque<Block>, is_done: bool },
    /// Parquet, in pieces.
    Pieces { pieces: Box<ParquetPieces>, converter: Converter },
    /// Parquet that is in memory.
    Whole { blocks: Box<ParquetBlocks>, converter: Converter },
}

impl Reading {
    /// Opens an object.
    pub(super) async fn open(what: &Wanted, object: Object, coding: Option<Coding>) -> Result<Reading> {
        let ctx = &what.ctx;
        let held = ctx.memory.hold("blocks of a source elsewhere");
        let wanted = what.header.project(&what.columns);
        if what.format == Format::Parquet {
            return Ok(match footer(what.objects.as_ref(), &object, coding, ctx).await? {
                Packing::Pieces(file, Seekable { size, modified_s }) => {
                    let pieces = Box::new(file.read(&wanted, PARQUET_ROWS).map_err(from_format)?);
                    let converter = Converter::new(pieces.header(), &wanted, ctx)?;
                    Reading { object, size: Some(size), modified_s, rows: Rows::Pieces { pieces, converter }, held }
                }
                Packing::Whole(blocks, modified_s) => {
                    let converter = Converter::new(blocks.header(), &wanted, ctx)?;
                    let size = object.size;
                    Reading { object, size, modified_s, rows: Rows::Whole { blocks, converter }, held }
                }
            });
        }
        let unpacked = unpacked(what.objects.as_ref(), &object, coding, ctx).await?;
        let options = DecodeOptions::new(what.header.clone(), ctx.settings.clone(), ctx.memory.limit_bytes());
        let decoder = format::decoder(what.format, options, None).map_err(from_format)?;
        let rows = Rows::Stream { bytes: unpacked.bytes, decoder, ready: VecDeque::new(), is_done: false };
        Ok(Reading { object, size: unpacked.size, modified_s: unpacked.modified_s, rows, held })
    }

    /// The next block of the columns that are asked for; `None` behind the last.
    pub(super) async fn next(&mut self, what: &Wanted) -> Result<Option<Block>> {
        let block = self.next_uncounted(what).await?;
        self.held.resize(block.as_ref().map_or(0, Block::size_bytes).saturating_mul(BLOCK_COPIES))?;
        Ok(block)
    }

    async fn next_uncounted(&mut self, what: &Wanted) -> Result<Option<Block>> {
        match &mut self.rows {
            Rows::Stream { bytes, decoder, ready, is_done } => loop {
                if let Some(block) = ready.pop_front() {
                    return Ok(Some(block.project(&what.columns)));
                }
                if *is_done {
                    return Ok(None);
                }
                match wait(&what.ctx, bytes.try_next()).await? {
                    Some(piece) => decoder.push(&piece),
                    None => *is_done = true,
                }
                ready.extend(drain(decoder.as_mut(), *is_done)?);
            },
            Rows::Pieces { pieces, converter } => loop {
                match pieces.step().map_err(from_format)? {
                    Step::Ready(block) => return block.map(|block| converter.convert(&block)).transpose(),
                    Step::Needs(ranges) => {
                        for range in ranges {
                            let bytes = wait(&what.ctx, what.objects.range(&self.object, range.clone())).await?;
                            pieces.give(range, bytes).map_err(from_format)?;
                        }
                    }
                }
            },
            Rows::Whole { blocks, converter } => match blocks.next() {
                Some(block) => Ok(Some(converter.convert(&block.map_err(from_format)?)?)),
                None => Ok(None),
            },
        }
    }
}
