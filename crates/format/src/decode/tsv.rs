//! TabSeparated: a line a row; tabs, line ends and backslashes inside values are escaped.

use types::{DataType, Setting};

use super::rows::{Fault, Pending, Rows};
use super::{Decode, DecodeOptions, Decoded, ROW_BYTES_MAX};
use crate::cursor::unescape;
use crate::error::{Error, Result};

pub(super) struct Tsv {
    pending: Pending,
    rows: Rows,
    /// Header lines still to come.
    header_lines: usize,
    with_names: bool,
    /// For each field of a line, the column it goes to.
    fields: Vec<Option<usize>>,
    empty_as_default: bool,
    escapes: Escapes,
    cell: Vec<u8>,
}

/// What bytes of a line mean.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    /// A backslash begins an escape.
    Backslash,
    /// Only tabs and `\N` mean something.
    Raw,
    /// Nothing: the line is one value.
    Line,
}

/// TabSeparatedRaw.
pub(super) fn raw(options: DecodeOptions, with_names: bool, header_lines: usize) -> Tsv {
    Tsv { escapes: Escapes::Raw, ..decoder(options, with_names, header_lines) }
}

/// LineAsString: a line is the value of the only column.
pub(super) fn whole_lines(options: DecodeOptions) -> Tsv {
    Tsv { escapes: Escapes::Line, ..decoder(options, false, 0) }
}

pub(super) fn decoder(options: DecodeOptions, with_names: bool, header_lines: usize) -> Tsv {
    Tsv {
        pending: Pending::default(),
        fields: (0..options.header.len()).map(Some).collect(),
        header_lines,
        with_names,
        empty_as_default: options.settings.flag(Setting::InputFormatTsvEmptyAsDefault),
        rows: Rows::new(options),
        escapes: Escapes::Backslash,
        cell: Vec::new(),
    }
}

/// The columns that the names of a header line mean; unknown names are skipped where the settings say so.
pub(super) fn fields_of(names: &[String], rows: &Rows) -> Result<Vec<Option<usize>>> {
    let settings = &rows.options.settings;
    if !settings.flag(Setting::InputFormatWithNamesUseHeader) {
        return Ok((0..rows.options.header.len()).map(Some).collect());
    }
    names
        .iter()
        .map(|name| match rows.options.header.position(name) {
            None if !settings.flag(Setting::InputFormatSkipUnknownFields) => {
                Err(Error::UnknownField { name: name.clone(), row: 0 })
            }
            position => Ok(position),
        })
        .collect()
}

impl Tsv {
    fn header_line(&mut self, line: &[u8]) -> Result<()> {
        if self.with_names {
            let names = line.split(|b| *b == b'\t').map(|name| {
                let mut out = Vec::new();
                unescape_cell(name, &mut out);
                String::from_utf8_lossy(&out).into_owned()
            });
            self.fields = fields_of(&names.collect::<Vec<_>>(), &self.rows)?;
        }
        self.with_names = false;
        Ok(())
    }

    fn row(&mut self, line: &[u8]) -> Result<()> {
        self.rows.position += 1;
        match self.cells(line) {
            Ok(()) => self.rows.end_row(line),
            Err(fault) => self.rows.fail_row(fault, line)?,
        }
        Ok(())
    }

    fn cells(&mut self, line: &[u8]) -> std::result::Result<(), Fault> {
        if self.escapes == Escapes::Line {
            if self.fields.len() != 1 {
                return Err(Fault::Row("not_line", "LineAsString fills one column of type String".to_owned()));
            }
            return self.rows.columns[0].append_text(line).map_err(|_| Fault::Column(0, line.to_vec()));
        }
        let mut cells = line.split(|b| *b == b'\t');
        for i in 0..self.fields.len() {
            let Some(cell) = cells.next() else {
                let expected = format!("expected {} values separated by tabs, found {i}", self.fields.len());
                return Err(Fault::Row("not_tsv", expected));
            };
            if let Some(column) = self.fields[i] {
                self.cell(column, cell)?;
            }
        }
        match cells.next() {
            Some(_) => Err(Fault::Row("not_tsv", format!("more values than {} columns", self.fields.len()))),
            None => Ok(()),
        }
    }

    fn cell(&mut self, column: usize, cell: &[u8]) -> std::result::Result<(), Fault> {
        let misfit = |_| Fault::Column(column, cell.to_vec());
        if cell == b"\\N" {
            return self.rows.append_null(column).map_err(misfit);
        }
        if cell.is_empty() && (self.empty_as_default || !self.rows.columns[column].ty().base().is_string()) {
            if !self.empty_as_default {
                return Err(Fault::Column(column, Vec::new()));
            }
            self.rows.append_absent(column);
            return Ok(());
        }
        // containers resolve the escapes of their inner strings themselves
        let container =
            matches!(self.rows.columns[column].ty(), DataType::Array(_) | DataType::Map(_) | DataType::Tuple(_));
        if container || self.escapes == Escapes::Raw || memchr::memchr(b'\\', cell).is_none() {
            return self.rows.columns[column].append_text(cell).map_err(misfit);
        }
        self.cell.clear();
        unescape_cell(cell, &mut self.cell);
        self.rows.columns[column].append_text(&self.cell).map_err(misfit)
    }
}

/// Appends a cell of TabSeparated with its escapes resolved.
pub fn unescape_cell(cell: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(byte) = cell.get(at) {
        at += 1;
        match (byte, cell.get(at)) {
            (b'\\', Some(escaped)) => at += 1 + unescape(*escaped, &cell[at + 1..], out),
            _ => out.push(*byte),
        }
    }
}

impl Decode for Tsv {
    fn push(&mut self, bytes: &[u8]) {
        self.pending.push(bytes);
    }

    fn next(&mut self, last: bool) -> Result<Option<Decoded>> {
        while !self.rows.is_full() {
            let Some((end, next)) = self.pending.line(last) else { break };
            let line = self.pending.rest()[..end].to_vec();
            self.pending.consume(next);
            self.rows.bytes_read += next as u64;
            if self.header_lines > 0 {
                self.header_lines -= 1;
                self.header_line(&line)?;
            } else if !(line.is_empty() && self.fields.len() != 1) {
                self.row(&line)?;
            }
        }
        if self.pending.rest().len() > ROW_BYTES_MAX {
            return Err(Error::RowTooLarge { row: self.rows.position + 1, limit_bytes: ROW_BYTES_MAX });
        }
        self.rows.give(last)
    }
}
