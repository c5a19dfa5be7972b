//! CSV (RFC 4180 and what ClickHouse adds): values in double or single quotes may hold delimiters and line ends.

use types::{DataType, Setting};

use super::rows::{Fault, Pending, Rows};
use super::tsv::fields_of;
use super::{Decode, DecodeOptions, Decoded, ROW_BYTES_MAX};
use crate::error::{Error, Result};

pub(super) struct Csv {
    pending: Pending,
    rows: Rows,
    header_lines: usize,
    with_names: bool,
    fields: Vec<Option<usize>>,
    delimiter: u8,
    null: Vec<u8>,
}

/// A value of a line: its text, and whether it stood in quotes.
struct Cell {
    text: Vec<u8>,
    quoted: bool,
}

pub(super) fn decoder(options: DecodeOptions, with_names: bool, header_lines: usize) -> Csv {
    Csv {
        pending: Pending::default(),
        fields: (0..options.header.len()).map(Some).collect(),
        header_lines,
        with_names,
        delimiter: options.settings.text(Setting::FormatCsvDelimiter).bytes().next().unwrap_or(b','),
        null: options.settings.text(Setting::FormatCsvNullRepresentation).as_bytes().to_vec(),
        rows: Rows::new(options),
    }
}

impl Csv {
    /// The length of the next record without and with its line end. Line ends inside quotes do not count.
    fn record(&self, last: bool) -> Option<(usize, usize)> {
        let rest = self.pending.rest();
        let mut quote = None;
        let mut cell_start = true;
        for (i, byte) in rest.iter().enumerate() {
            match (quote, *byte) {
                (Some(open), b) if b == open => quote = None,
                (Some(_), _) => {}
                // only a quote at the beginning of a value (or right after one, doubled) opens
                (None, b @ (b'"' | b'\'')) if cell_start || (i > 0 && rest[i - 1] == b) => quote = Some(b),
                (None, b'\n') => return Some((i - usize::from(i > 0 && rest[i - 1] == b'\r'), i + 1)),
                _ => {}
            }
            cell_start = quote.is_none() && (*byte == self.delimiter || (cell_start && *byte == b' '));
        }
        (last && !rest.is_empty()).then_some((rest.len(), rest.len()))
    }

    fn split(&self, record: &[u8]) -> std::result::Result<Vec<Cell>, Fault> {
        let mut cells = Vec::with_capacity(self.fields.len());
        let mut at = 0;
        loop {
            while matches!(record.get(at), Some(b' ' | b'\t')) && self.delimiter != record[at] {
                at += 1;
            }
            let (cell, next) = match record.get(at) {
                Some(quote @ (b'"' | b'\'')) => quoted_cell(record, at + 1, *quote)?,
                _ => {
                    let rest = &record[at.min(record.len())..];
                    let end = memchr::memchr(self.delimiter, rest).unwrap_or(rest.len());
                    (Cell { text: rest[..end].trim_ascii_end().to_vec(), quoted: false }, at + end)
                }
            };
            cells.push(cell);
            at = next;
            while matches!(record.get(at), Some(b' ' | b'\t')) && self.delimiter != record[at] {
                at += 1;
            }
            match record.get(at) {
                None => return Ok(cells),
                Some(byte) if *byte == self.delimiter => at += 1,
                Some(_) => return Err(Fault::Row("not_csv", "expected a delimiter after a quoted value".to_owned())),
            }
        }
    }

    fn row(&mut self, record: &[u8]) -> Result<()> {
        self.rows.position += 1;
        match self.split(record).and_then(|cells| self.cells(cells)) {
            Ok(()) => self.rows.end_row(record),
            Err(fault) => self.rows.fail_row(fault, record)?,
        }
        Ok(())
    }

    fn cells(&mut self, cells: Vec<Cell>) -> std::result::Result<(), Fault> {
        let expected: usize = self.fields.iter().map(|f| f.map_or(1, |c| width(self.rows.columns[c].ty()))).sum();
        if cells.len() != expected {
            return Err(Fault::Row("not_csv", format!("expected {expected} values, found {}", cells.len())));
        }
        let mut cells = cells.into_iter();
        for i in 0..self.fields.len() {
            let Some(column) = self.fields[i] else {
                cells.next();
                continue;
            };
            match width(self.rows.columns[column].ty()) {
                1 => cells.next().map_or(Ok(()), |cell| self.cell(column, &cell))?,
                count => self.tuple(column, cells.by_ref().take(count).collect())?,
            }
        }
        Ok(())
    }

    fn cell(&mut self, column: usize, cell: &Cell) -> std::result::Result<(), Fault> {
        let misfit = |_| Fault::Column(column, cell.text.clone());
        if !cell.quoted && cell.text == self.null {
            return self.rows.append_null(column).map_err(misfit);
        }
        let empty_default = self.rows.options.settings.flag(Setting::InputFormatCsvEmptyAsDefault);
        if !cell.quoted && cell.text.is_empty() && empty_default {
            self.rows.append_absent(column);
            return Ok(());
        }
        self.rows.columns[column].append_text(&cell.text).map_err(misfit)
    }

    /// A tuple stands in several values.
    fn tuple(&mut self, column: usize, cells: Vec<Cell>) -> std::result::Result<(), Fault> {
        let builder = &mut self.rows.columns[column];
        for (i, cell) in cells.iter().enumerate() {
            let child = builder.struct_children().and_then(|children| children.get_mut(i));
            let appended = child.is_some_and(|child| child.append_text(&cell.text).is_ok());
            if !appended {
                return Err(Fault::Column(column, cell.text.clone()));
            }
        }
        builder.end_struct();
        Ok(())
    }
}

/// How many values of a line a column takes.
fn width(ty: &DataType) -> usize {
    match ty {
        DataType::Tuple(fields) => fields.len().max(1),
        _ => 1,
    }
}

/// The value whose opening quote was just read, and where the text goes on.
fn quoted_cell(record: &[u8], start: usize, quote: u8) -> std::result::Result<(Cell, usize), Fault> {
    let mut text = Vec::new();
    let mut at = start;
    while let Some(byte) = record.get(at) {
        at += 1;
        if *byte != quote {
            text.push(*byte);
        } else if record.get(at) == Some(&quote) {
            text.push(quote);
            at += 1;
        } else {
            return Ok((Cell { text, quoted: true }, at));
        }
    }
    Err(Fault::Row("not_csv", "a quoted value is not closed".to_owned()))
}

impl Decode for Csv {
    fn push(&mut self, bytes: &[u8]) {
        self.pending.push(bytes);
    }

    fn next(&mut self, last: bool) -> Result<Option<Decoded>> {
        while !self.rows.is_full() {
            let Some((end, next)) = self.record(last) else { break };
            let record = self.pending.rest()[..end].to_vec();
            self.pending.consume(next);
            self.rows.bytes_read += next as u64;
            if self.header_lines > 0 {
                self.header_lines -= 1;
                if std::mem::take(&mut self.with_names) {
                    let cells =
                        self.split(&record).map_err(|_| Error::BadRow { row: 0, reason: "bad header".into() })?;
                    let names: Vec<String> =
                        cells.iter().map(|cell| String::from_utf8_lossy(&cell.text).into_owned()).collect();
                    self.fields = fields_of(&names, &self.rows)?;
                }
            } else if !record.is_empty() {
                self.row(&record)?;
            }
        }
        if self.pending.rest().len() > ROW_BYTES_MAX {
            return Err(Error::RowTooLarge { row: self.rows.position + 1, limit_bytes: ROW_BYTES_MAX });
        }
        self.rows.give(last)
    }
}
