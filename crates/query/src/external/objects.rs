//! Bytes elsewhere as a leaf of a plan: object after object, each decoded as it comes.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, UInt32Array, UInt64Array};
use external::Object;
use format::Format;
use format::codec::Coding;
use futures::{StreamExt, TryFutureExt, stream};
use types::{Block, Column, ErrorCode, Header, Setting};

use super::place::Packed;
use super::reading::{Reading, Wanted};
use super::wait;
use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::scan::{Blocks, Read, Source};

/// Reads objects.
pub(super) struct Bytes {
    packed: Packed,
    format: Format,
    /// The columns of the rows.
    data: Header,
    /// Those, and behind them the virtual ones.
    header: Header,
}

impl Packed {
    /// The format of the bytes: as said, or as the name says; none where only the bytes can say it.
    pub(super) fn format(&self) -> Option<Format> {
        self.format.or_else(|| format_of_name(self.objects.hint()))
    }

    /// Nothing says what format the bytes are to be in.
    pub(super) fn no_format(&self) -> Error {
        let message = format!("{}: the format cannot be told from the name: give it", self.objects.name());
        Error::refused(ErrorCode::BAD_ARGUMENTS, message)
    }
}

/// The format that a file of this name is in, by its extension, behind which there may be one of a compression.
fn format_of_name(name: &str) -> Option<Format> {
    let (rest, extension) = name.rsplit_once('.')?;
    let by_extension = |extension: &str| match extension.to_ascii_lowercase().as_str() {
        "tsv" => Some(Format::TabSeparated),
        "csv" => Some(Format::Csv),
        "json" | "jsonl" | "ndjson" => Some(Format::JsonEachRow),
        "parquet" => Some(Format::Parquet),
        "native" => Some(Format::Native),
        _ => None,
    };
    match extension {
        "gz" | "gzip" | "zst" | "zstd" | "lz4" | "deflate" | "br" | "xz" | "bz2" | "snappy" => {
            by_extension(rest.rsplit_once('.')?.1)
        }
        other => by_extension(other),
    }
}

impl Bytes {
    pub(super) fn new(packed: Packed, format: Format, data: Header, virtuals: Vec<Column>) -> Bytes {
        let header = Header::new(data.columns().iter().cloned().chain(virtuals).collect::<Vec<_>>());
        Bytes { packed, format, data, header }
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({}, {})", self.packed.objects.name(), self.format.name())
    }
}

/// Where a read stands.
struct State {
    what: Wanted,
    packed: Packed,
    /// How each column that is asked for comes to be.
    asked: Vec<Asked>,
    shown: Header,
    left: VecDeque<Object>,
    open: Option<Reading>,
    /// Pages that are not there have no rows.
    skips_missing: bool,
}

/// One column that is asked for.
#[derive(Clone, Copy)]
enum Asked {
    /// At this position among those that are decoded.
    Data(usize),
    Path,
    File,
    Size,
    Time,
}

impl Source for Bytes {
    fn name(&self) -> String {
        format!("{} {}", self.packed.objects.name(), self.format.name())
    }

    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, ctx: &Arc<QueryContext>, read: &Read) -> Result<Blocks> {
        let (mut columns, mut asked) = (Vec::new(), Vec::new());
        for &at in read.columns.iter() {
            if at < self.data.len() {
                asked.push(Asked::Data(columns.len()));
                columns.push(at);
                continue;
            }
            asked.push(match self.header.columns().get(at).map(|column| &*column.name) {
                Some("_path") => Asked::Path,
                Some("_file") => Asked::File,
                Some("_time") => Asked::Time,
                _ => Asked::Size,
            });
        }
        let what = Wanted {
            ctx: ctx.clone(),
            objects: self.packed.objects.clone(),
            format: self.format,
            header: self.data.clone(),
            columns,
        };
        let (packed, shown) = (self.packed.clone(), self.header.project(&read.columns));
        let listed = async move {
            let left: VecDeque<Object> = wait(&what.ctx, what.objects.list()).await?.into();
            let skips_missing = left.len() > 1 && what.ctx.settings.flag(Setting::HttpSkipNotFoundUrlForGlobs);
            Ok(State { what, packed, asked, shown, left, open: None, skips_missing })
        };
        let blocks = listed.map_ok(|state| stream::try_unfold(state, State::next));
        Ok(blocks.try_flatten_stream().boxed())
    }
}

impl State {
    async fn next(mut self) -> Result<Option<(Block, State)>> {
        loop {
            self.what.ctx.check()?;
            let mut reading = match self.open.take() {
                Some(reading) => reading,
                None => match self.left.pop_front() {
                    None => return Ok(None),
                    Some(object) => {
                        let coding = self.packed.compression.of(&object.file)?;
                        match State::begin(&self.what, object, coding, self.skips_missing).await? {
                            Some(reading) => reading,
                            None => continue,
                        }
                    }
                },
            };
            if let Some(block) = reading.next(&self.what).await? {
                let block = self.shown(&block, &reading)?;
                self.open = Some(reading);
                return Ok(Some((block, self)));
            }
        }
    }

    /// Opens an object; none for a page that may be missing and is.
    async fn begin(
        what: &Wanted,
        object: Object,
        coding: Option<Coding>,
        skips_missing: bool,
    ) -> Result<Option<Reading>> {
        match Reading::open(what, object, coding).await {
            Ok(reading) => Ok(Some(reading)),
            Err(error) if skips_missing && is_missing_page(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The decoded columns and the virtual ones, as they were asked for.
    fn shown(&self, block: &Block, reading: &Reading) -> Result<Block> {
        let rows = block.rows();
        let text =
            |text: &str| -> ArrayRef { Arc::new(BinaryArray::from_iter_values(std::iter::repeat_n(text, rows))) };
        let arrays = self.asked.iter().map(|asked| match asked {
            Asked::Data(at) => {
                block.arrays().get(*at).cloned().ok_or_else(|| Error::Plan("a column is missing".into()))
            }
            Asked::Path => Ok(text(&reading.object.path)),
            Asked::File => Ok(text(&reading.object.file)),
            Asked::Time => {
                // times that the type does not have are not known
                let time = reading.object.modified_s.or(reading.modified_s).and_then(|at| u32::try_from(at).ok());
                Ok(Arc::new(UInt32Array::from_iter(std::iter::repeat_n(time, rows))) as ArrayRef)
            }
            Asked::Size => {
                let size = reading.object.size.or(reading.size);
                Ok(Arc::new(UInt64Array::from_iter(std::iter::repeat_n(size, rows))) as ArrayRef)
            }
        });
        Ok(Block::with_rows(self.shown.clone(), arrays.collect::<Result<Vec<_>>>()?, rows)?)
    }
}

/// A page that the server says is not there.
fn is_missing_page(error: &Error) -> bool {
    error.code() == ErrorCode::RECEIVED_ERROR_FROM_REMOTE_IO_SERVER && error.to_string().ends_with("HTTP status 404")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_extensions_in_front_of_compressions() {
        assert_eq!(format_of_name("a.csv"), Some(Format::Csv));
        assert_eq!(format_of_name("d/a.tsv.gz"), Some(Format::TabSeparated));
        assert_eq!(format_of_name("a.PARQUET"), Some(Format::Parquet));
        assert_eq!((format_of_name("a"), format_of_name("a.gz"), format_of_name("a.txt")), (None, None, None));
    }
}
