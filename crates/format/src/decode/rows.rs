//! The rows being read: builders of all columns, and what the formats have in common.

use arrow::array::LargeBinaryBuilder;
use types::{Block, ErrorCode, Setting};

use super::{BadRow, DecodeOptions, Decoded};
use crate::build::{ColumnBuilder, Misfit, misfit_code};
use crate::error::{Error, Result};
use crate::numbers::Numbers;

/// Invariant: between rows all builders, flags, positions and raw rows have the same length.
pub(crate) struct Rows {
    pub(crate) options: DecodeOptions,
    pub(crate) columns: Vec<ColumnBuilder>,
    absent: Vec<Vec<bool>>,
    any_absent: Vec<bool>,
    positions: Vec<u64>,
    raw: LargeBinaryBuilder,
    bad: Vec<BadRow>,
    /// Rows that are kept although a value did not fit, by row.
    misfits: Vec<(usize, usize)>,
    rows: usize,
    /// Rows seen so far, good, bad and skipped.
    pub(crate) position: u64,
    /// Bytes consumed so far.
    pub(crate) bytes_read: u64,
    /// Bytes consumed when the last block was given.
    bytes_given: u64,
    errors_left: u64,
}

/// Why a row was not read.
pub(crate) enum Fault {
    /// The value of that column, with the beginning of its text.
    Column(usize, Vec<u8>),
    /// The row as a whole; the reason word for dead letters and what was expected.
    Row(&'static str, String),
    /// A key that is no column.
    Unknown(String),
    /// An expression that failed.
    Expression(types::ErrorCode, String),
}

impl Rows {
    pub(crate) fn new(options: DecodeOptions) -> Rows {
        let zone = options.zone();
        let numbers = if options.keep_bad_rows { Numbers::Exact } else { Numbers::Wrapped };
        let columns: Vec<ColumnBuilder> = options
            .header
            .columns()
            .iter()
            .map(|column| ColumnBuilder::with_numbers(&column.ty, zone, numbers))
            .collect();
        Rows {
            absent: vec![Vec::new(); columns.len()],
            any_absent: vec![false; columns.len()],
            errors_left: options.settings.uint(Setting::InputFormatAllowErrorsNum),
            columns,
            options,
            positions: Vec::new(),
            raw: LargeBinaryBuilder::new(),
            bad: Vec::new(),
            misfits: Vec::new(),
            rows: 0,
            position: 0,
            bytes_read: 0,
            bytes_given: 0,
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        let rows = self.rows + self.bad.len();
        rows >= self.options.rows_max || (rows != 0 && self.bytes_read - self.bytes_given >= self.options.bytes_max)
    }

    /// A column's value is absent in the row being read.
    pub(crate) fn append_absent(&mut self, column: usize) {
        if !self.any_absent[column] {
            self.any_absent[column] = true;
            self.absent[column].resize(self.rows, false);
        }
        self.absent[column].push(true);
        self.columns[column].append_default();
    }

    /// NULL: a value of Nullable columns; for others the column's default where the settings say so.
    pub(crate) fn append_null(&mut self, column: usize) -> std::result::Result<(), Misfit> {
        if self.columns[column].is_nullable() {
            self.columns[column].append_default();
            Ok(())
        } else if self.options.settings.flag(Setting::InputFormatNullAsDefault) {
            self.append_absent(column);
            Ok(())
        } else {
            Err(Misfit)
        }
    }

    /// True when the row being read already has a value of that column.
    pub(crate) fn has(&self, column: usize) -> bool {
        self.columns[column].len() > self.rows
    }

    /// Ends the row: columns without a value take their default.
    pub(crate) fn end_row(&mut self, raw: &[u8]) {
        for column in 0..self.columns.len() {
            if !self.has(column) {
                self.append_absent(column);
            } else if self.any_absent[column] {
                self.absent[column].resize(self.rows + 1, false);
            }
        }
        self.rows += 1;
        self.positions.push(self.position);
        if self.options.keep_bad_rows {
            self.raw.append_value(raw);
        }
    }

    /// Takes the row being read back, and keeps it aside, skips it, or gives its error.
    pub(crate) fn fail_row(&mut self, fault: Fault, raw: &[u8]) -> Result<()> {
        if let (Fault::Column(column, _), true) = (&fault, self.options.keep_bad_rows) {
            // the other values decide with it why the row cannot be used
            self.columns[*column].truncate(self.rows);
            self.absent[*column].truncate(self.rows);
            self.misfits.push((self.rows, *column));
            self.end_row(raw);
            return Ok(());
        }
        self.take_back();
        if self.options.keep_bad_rows {
            let reason = match &fault {
                Fault::Column(column, _) => self.options.header.columns()[*column].name.to_string(),
                Fault::Row(reason, _) => (*reason).to_owned(),
                Fault::Unknown(_) => "unknown_field".to_owned(),
                Fault::Expression(..) => "expression".to_owned(),
            };
            self.bad.push(BadRow { position: self.position, reason, raw: raw.to_vec() });
            return Ok(());
        }
        if self.errors_left > 0 {
            self.errors_left -= 1;
            return Ok(());
        }
        Err(self.error(fault))
    }

    /// Forgets the values of the row being read.
    pub(crate) fn take_back(&mut self) {
        for (column, absent) in self.columns.iter_mut().zip(&mut self.absent) {
            column.truncate(self.rows);
            absent.truncate(self.rows);
        }
    }

    fn error(&self, fault: Fault) -> Error {
        let row = self.position;
        match fault {
            Fault::Column(column, text) => {
                let column = &self.options.header.columns()[column];
                Error::BadValue {
                    column: column.name.to_string(),
                    ty: column.ty.to_string(),
                    code: misfit_code(&column.ty, &text),
                    text: excerpt(&text),
                    row,
                }
            }
            Fault::Row("not_values", message) => Error::Expression { message, row, code: ErrorCode::SYNTAX_ERROR },
            Fault::Row(_, reason) => Error::BadRow { row, reason },
            Fault::Unknown(name) => Error::UnknownField { name, row },
            Fault::Expression(code, message) => Error::Expression { message, row, code },
        }
    }

    /// The rows so far as a block, when there are any and it is time.
    pub(crate) fn give(&mut self, last: bool) -> Result<Option<Decoded>> {
        let anything = self.rows > 0 || !self.bad.is_empty();
        if !anything || !(last || self.is_full()) {
            return Ok(None);
        }
        self.bytes_given = self.bytes_read;
        let arrays = self.columns.iter_mut().map(ColumnBuilder::finish).collect();
        let rows = std::mem::take(&mut self.rows);
        let raw = self.raw.finish();
        if self.options.keep_bad_rows {
            // blocks of one input are alike, and growing copies
            self.raw = LargeBinaryBuilder::with_capacity(rows, raw.value_data().len());
        }
        let absent = (0..self.columns.len())
            .map(|i| {
                let flags = std::mem::take(&mut self.absent[i]);
                std::mem::take(&mut self.any_absent[i]).then_some(flags)
            })
            .collect();
        Ok(Some(Decoded {
            block: Block::with_rows(self.options.header.clone(), arrays, rows)?,
            absent,
            positions: std::mem::take(&mut self.positions),
            raw,
            bad: std::mem::take(&mut self.bad),
            misfits: std::mem::take(&mut self.misfits),
            rows_read: self.position,
            bytes_read: self.bytes_read,
        }))
    }
}

/// The beginning of a text, quoted, for an error message.
fn excerpt(text: &[u8]) -> String {
    const LENGTH_MAX: usize = 60;
    let text = String::from_utf8_lossy(text);
    match text.char_indices().nth(LENGTH_MAX) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// Bytes that were pushed and not yet read.
#[derive(Default)]
pub(crate) struct Pending {
    bytes: Vec<u8>,
    at: usize,
    /// Behind `at`, so many bytes are known to hold no line end: a long line is not searched again with each piece.
    searched: usize,
}

impl Pending {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..std::mem::take(&mut self.at));
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    /// The first `count` bytes are read.
    pub(crate) fn consume(&mut self, count: usize) {
        self.at = (self.at + count).min(self.bytes.len());
        self.searched = 0;
    }

    /// The length of the next line without its end, and with it; with `last`, an unended rest is a line as well.
    pub(crate) fn line(&mut self, last: bool) -> Option<(usize, usize)> {
        let searched = std::mem::take(&mut self.searched);
        let rest = &self.bytes[self.at..];
        match memchr::memchr(b'\n', &rest[searched..]).map(|end| searched + end) {
            Some(end) => Some((end - usize::from(end > 0 && rest[end - 1] == b'\r'), end + 1)),
            None if last && !rest.is_empty() => Some((rest.len(), rest.len())),
            None => {
                self.searched = rest.len();
                None
            }
        }
    }
}
