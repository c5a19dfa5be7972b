//! Bytes to blocks.

mod csv;
mod json;
mod json_compact;
mod native;
mod row_binary;
mod rows;
mod tsv;
pub(crate) mod values;

use arrow::array::{ArrayRef, LargeBinaryArray};
pub use tsv::unescape_cell;
use types::text::Zone;
use types::{Block, DataType, Header, Setting, Settings};

use crate::error::{Error, Result};
use crate::names::Format;

/// Bytes that one row may have.
pub(crate) const ROW_BYTES_MAX: usize = 256 << 20;

/// Evaluates the text of an expression in VALUES to one cell (an array of length 1) of that type.
pub type Evaluate = dyn Fn(&[u8], &DataType) -> std::result::Result<ArrayRef, (types::ErrorCode, String)> + Send + Sync;

/// What a decoder must know besides the format.
#[derive(Clone)]
pub struct DecodeOptions {
    /// The columns that rows are read into, in the order of formats without names.
    pub header: Header,
    /// `input_format_*` and the like.
    pub settings: Settings,
    /// A block is given when it has this many rows.
    pub rows_max: usize,
    /// A block is given when about this many bytes of input are in it.
    pub bytes_max: u64,
    /// Give rows that cannot be read as [`BadRow`]s instead of an error, and keep the bytes of the good ones.
    pub keep_bad_rows: bool,
    /// JSON values must have the JSON type of their column: no numbers for strings, no quoted numbers.
    pub strict_types: bool,
}

impl DecodeOptions {
    /// Options as the settings of a query say, for one that may take `memory_bytes` (`usize::MAX`: any number).
    pub fn new(header: Header, settings: Settings, memory_bytes: usize) -> DecodeOptions {
        let rows_max = usize::try_from(settings.uint(Setting::MaxInsertBlockSize)).unwrap_or(usize::MAX).max(1);
        let bytes_max = block_bytes_max(&settings, memory_bytes);
        DecodeOptions { header, settings, rows_max, bytes_max, keep_bad_rows: false, strict_types: false }
    }

    pub(crate) fn zone(&self) -> Zone {
        Zone::parse(self.settings.text(Setting::SessionTimezone)).unwrap_or_default()
    }
}

/// Bytes of one block: those that are worth a part, but a small share of what the query may take (`usize::MAX`: any
/// number), since a block is there several times while it is shaped, sorted and written.
pub fn block_bytes_max(settings: &Settings, memory_bytes: usize) -> u64 {
    let wanted = match settings.uint(Setting::MinInsertBlockSizeBytes) {
        0 => u64::MAX,
        bytes => bytes,
    };
    wanted.min((memory_bytes as u64 / BLOCK_SHARE).max(1))
}

/// The share of a query's memory that one block may be.
const BLOCK_SHARE: u64 = 16;

/// A row that could not be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadRow {
    /// Number of the row from 1; blank lines are not counted.
    pub position: u64,
    /// `not_json` (`not_csv`, …) when it is no row at all, else the first column that could not be read.
    pub reason: String,
    /// The bytes of the row.
    pub raw: Vec<u8>,
}

/// Some rows of the input.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The rows, in the options' columns; absent and NULL values that a column cannot hold are type defaults.
    pub block: Block,
    /// For each column the rows whose value was absent, so that its DEFAULT applies; `None` when there is none.
    pub absent: Vec<Option<Vec<bool>>>,
    /// Number of each row of the block from 1.
    pub positions: Vec<u64>,
    /// The bytes of each row of the block, where bad rows are kept; else empty.
    pub raw: LargeBinaryArray,
    /// Rows that could not be read at all, where they are kept.
    pub bad: Vec<BadRow>,
    /// Rows of the block with a value that its column cannot hold, and the first such column; only where bad rows are
    /// kept. The value is the type's default.
    pub misfits: Vec<(usize, usize)>,
    /// Rows read so far, good and bad.
    pub rows_read: u64,
    /// Bytes consumed so far, so that reading can be resumed behind them.
    pub bytes_read: u64,
}

/// A decoder of one input.
pub trait Decode: Send {
    /// More bytes of the input.
    fn push(&mut self, bytes: &[u8]);

    /// The next full block; with `last` (no more bytes will come) also what is left. `None`: nothing now.
    fn next(&mut self, last: bool) -> Result<Option<Decoded>>;
}

/// A decoder of that format. `evaluate` is asked for expressions in VALUES.
pub fn decoder(format: Format, options: DecodeOptions, evaluate: Option<Box<Evaluate>>) -> Result<Box<dyn Decode>> {
    Ok(match format {
        Format::TabSeparated => Box::new(tsv::decoder(options, false, 0)),
        Format::TabSeparatedWithNames => Box::new(tsv::decoder(options, true, 1)),
        Format::TabSeparatedWithNamesAndTypes => Box::new(tsv::decoder(options, true, 2)),
        Format::Csv => Box::new(csv::decoder(options, false, 0)),
        Format::CsvWithNames => Box::new(csv::decoder(options, true, 1)),
        Format::CsvWithNamesAndTypes => Box::new(csv::decoder(options, true, 2)),
        Format::JsonEachRow => Box::new(json::decoder(options)),
        Format::Values => Box::new(values::decoder(options, evaluate)),
        Format::RowBinary => Box::new(row_binary::decoder(options, 0)),
        Format::RowBinaryWithNames => Box::new(row_binary::decoder(options, 1)),
        Format::RowBinaryWithNamesAndTypes => Box::new(row_binary::decoder(options, 2)),
        Format::Parquet => Box::new(crate::parquet::decoder(options)),
        Format::TabSeparatedRaw => Box::new(tsv::raw(options, false, 0)),
        Format::TabSeparatedRawWithNames => Box::new(tsv::raw(options, true, 1)),
        Format::TabSeparatedRawWithNamesAndTypes => Box::new(tsv::raw(options, true, 2)),
        Format::LineAsString => Box::new(tsv::whole_lines(options)),
        Format::JsonCompactEachRow => Box::new(json_compact::decoder(options, 0)),
        Format::JsonCompactEachRowWithNames => Box::new(json_compact::decoder(options, 1)),
        Format::JsonCompactEachRowWithNamesAndTypes => Box::new(json_compact::decoder(options, 2)),
        Format::Native => Box::new(native::decoder(options)),
        Format::Tskv
        | Format::Markdown
        | Format::JsonStringsEachRow
        | Format::JsonCompactStringsEachRow
        | Format::JsonCompactStringsEachRowWithNames
        | Format::JsonCompactStringsEachRowWithNamesAndTypes
        | Format::Json
        | Format::JsonCompact
        | Format::JsonStrings
        | Format::JsonCompactStrings
        | Format::JsonColumns
        | Format::JsonCompactColumns
        | Format::Vertical
        | Format::PrettyCompact
        | Format::Null => return Err(Error::Unsuitable { name: format.name().to_owned(), direction: "input" }),
    })
}

#[cfg(test)]
mod tests;
