//! CSV and its variants: strings, dates and containers in double quotes, tuples spread over several values.

use arrow::array::{Array, ArrayRef, AsArray};
use types::text::{Quoting, Zone, write_cell};
use types::{Block, DataType, Header, Setting, Settings};

use super::tsv::Lines;
use super::{Encode, Statistics};

pub(super) struct Csv {
    header: Header,
    zone: Zone,
    lines: Lines,
    delimiter: u8,
    line_end: &'static [u8],
    null: Vec<u8>,
    cell: Vec<u8>,
}

impl Csv {
    pub(super) fn new(header: &Header, zone: Zone, settings: &Settings, lines: Lines) -> Csv {
        Csv {
            header: header.clone(),
            zone,
            lines,
            delimiter: settings.text(Setting::FormatCsvDelimiter).bytes().next().unwrap_or(b','),
            line_end: if settings.flag(Setting::OutputFormatCsvCrlfEndOfLine) { b"\r\n" } else { b"\n" },
            null: settings.text(Setting::FormatCsvNullRepresentation).as_bytes().to_vec(),
            cell: Vec::new(),
        }
    }

    fn value(&mut self, ty: &DataType, array: &ArrayRef, row: usize, first: &mut bool, out: &mut Vec<u8>) {
        if let DataType::Tuple(fields) = ty {
            for (field, array) in fields.iter().zip(array.as_struct().columns()) {
                self.value(&field.ty, array, row, first, out);
            }
            return;
        }
        if !std::mem::take(first) {
            out.push(self.delimiter);
        }
        if array.is_null(row) {
            return out.extend_from_slice(&self.null);
        }
        if ty.base().is_number() {
            return write_cell(out, ty, array, row, Quoting::Raw, self.zone);
        }
        self.cell.clear();
        write_cell(&mut self.cell, ty, array, row, Quoting::Raw, self.zone);
        write_double_quoted(out, &self.cell);
    }

    fn header_line(&self, out: &mut Vec<u8>, text: impl Fn(&str, &DataType) -> String) {
        let mut first = true;
        for column in self.header.columns() {
            spread(&column.name, &column.ty, &mut |name, ty| {
                if !std::mem::take(&mut first) {
                    out.push(self.delimiter);
                }
                write_double_quoted(out, text(name, ty).as_bytes());
            });
        }
        out.extend_from_slice(self.line_end);
    }
}

/// The values that a column becomes: tuples are spread, their elements named `column.1` or `column.name`.
fn spread(name: &str, ty: &DataType, give: &mut dyn FnMut(&str, &DataType)) {
    match ty {
        DataType::Tuple(fields) => {
            for (i, field) in fields.iter().enumerate() {
                let element = field.name.as_deref().map_or_else(|| (i + 1).to_string(), str::to_owned);
                spread(&format!("{name}.{element}"), &field.ty, give);
            }
        }
        other => give(name, other),
    }
}

fn write_double_quoted(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for byte in text {
        if *byte == b'"' {
            out.push(b'"');
        }
        out.push(*byte);
    }
    out.push(b'"');
}

impl Encode for Csv {
    fn begin(&mut self, out: &mut Vec<u8>) {
        if self.lines != Lines::None {
            self.header_line(out, |name, _| name.to_owned());
        }
        if self.lines == Lines::NamesAndTypes {
            self.header_line(out, |_, ty| ty.to_string());
        }
    }

    fn block(&mut self, block: &Block, out: &mut Vec<u8>) {
        let header = self.header.clone();
        for row in 0..block.rows() {
            let mut first = true;
            for (column, array) in header.columns().iter().zip(block.arrays()) {
                self.value(&column.ty, array, row, &mut first, out);
            }
            out.extend_from_slice(self.line_end);
        }
    }

    fn totals(&mut self, totals: &Block, out: &mut Vec<u8>) {
        out.extend_from_slice(self.line_end);
        self.block(totals, out);
    }

    fn extremes(&mut self, extremes: &Block, out: &mut Vec<u8>) {
        self.totals(extremes, out);
    }

    fn end(&mut self, _: &Statistics, _: &mut Vec<u8>) {}
}
