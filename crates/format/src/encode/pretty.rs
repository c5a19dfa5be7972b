//! PrettyCompact: a table drawn with lines, for a terminal.
//!
//! Rows are held back to `output_format_pretty_max_rows` so that one table has one width; more rows are only counted.

use arrow::array::{Array, ArrayRef};
use types::text::{Quoting, Zone, write_cell};
use types::{Block, DataType, Header, Setting, Settings};
use unicode_width::UnicodeWidthStr;

use super::{Encode, Statistics};

pub(super) struct PrettyCompact {
    header: Header,
    zone: Zone,
    rows_max: u64,
    numbered: bool,
    rows: Vec<Vec<Cell>>,
    seen: u64,
}

/// The lines of a cell's text, and the readable form of a large number.
struct Cell {
    lines: Vec<String>,
    readable: Option<String>,
}

/// Numbers from here on get a readable form behind a row of a single value.
const READABLE_MIN: f64 = 1_000_000.0;

impl PrettyCompact {
    pub(super) fn new(header: &Header, zone: Zone, settings: &Settings) -> PrettyCompact {
        PrettyCompact {
            header: header.clone(),
            zone,
            rows_max: settings.uint(Setting::OutputFormatPrettyMaxRows),
            numbered: settings.flag(Setting::OutputFormatPrettyRowNumbers),
            rows: Vec::new(),
            seen: 0,
        }
    }

    fn cells(&self, block: &Block, row: usize) -> Vec<Cell> {
        let columns = self.header.columns().iter().zip(block.arrays());
        columns
            .map(|(column, array)| {
                let mut text = Vec::new();
                write_cell(&mut text, &column.ty, array, row, Quoting::Raw, self.zone);
                let text = String::from_utf8_lossy(&text).into_owned();
                Cell {
                    lines: text.split('\n').map(str::to_owned).collect(),
                    readable: readable(&column.ty, array, row),
                }
            })
            .collect()
    }

    fn table(&self, rows: &[Vec<Cell>], out: &mut Vec<u8>) {
        let widths: Vec<usize> = self
            .header
            .columns()
            .iter()
            .enumerate()
            .map(|(i, column)| rows.iter().map(|row| row[i].width()).max().unwrap_or(0).max(column.name.width()))
            .collect();
        let margin = if self.numbered { rows.len().to_string().len() + 2 } else { 0 };
        self.top(&widths, margin, out);
        for (number, row) in rows.iter().enumerate() {
            self.row(row, number + 1, &widths, margin, out);
        }
        push_spaces(out, margin);
        push(out, "└");
        for (i, width) in widths.iter().enumerate() {
            push(out, if i > 0 { "┴" } else { "" });
            push(out, &"─".repeat(width + 2));
        }
        push(out, "┘\n");
    }

    /// A table of its own behind that of the rows.
    fn further(&mut self, title: &str, block: &Block, out: &mut Vec<u8>) {
        let rows = std::mem::take(&mut self.rows);
        if !rows.is_empty() {
            self.table(&rows, out);
        }
        push(out, &format!("\n{title}:\n"));
        let rows: Vec<Vec<Cell>> = (0..block.rows()).map(|row| self.cells(block, row)).collect();
        self.table(&rows, out);
    }

    fn top(&self, widths: &[usize], margin: usize, out: &mut Vec<u8>) {
        push_spaces(out, margin);
        push(out, "┌");
        for (i, (column, width)) in self.header.columns().iter().zip(widths).enumerate() {
            push(out, if i > 0 { "┬" } else { "" });
            push(out, "─");
            let rest = "─".repeat(width - column.name.width());
            let right = is_right_aligned(&column.ty);
            push(out, if right { &rest } else { "" });
            push(out, &column.name);
            push(out, if right { "" } else { &rest });
            push(out, "─");
        }
        push(out, "┐\n");
    }

    fn row(&self, row: &[Cell], number: usize, widths: &[usize], margin: usize, out: &mut Vec<u8>) {
        let height = row.iter().map(|cell| cell.lines.len()).max().unwrap_or(1);
        for line in 0..height {
            match (self.numbered, line) {
                (true, 0) => push(out, &format!("{number:>width$}. ", width = margin - 2)),
                _ => push_spaces(out, margin),
            }
            push(out, "│");
            for ((cell, column), width) in row.iter().zip(self.header.columns()).zip(widths) {
                let begin = if line > 0 && line < cell.lines.len() { "↳" } else { " " };
                let end = if line + 1 < cell.lines.len() { "↴" } else { " " };
                let text = cell.lines.get(line).map_or("", String::as_str);
                let pad = width.saturating_sub(text.width());
                push(out, begin);
                if is_right_aligned(&column.ty) {
                    push_spaces(out, pad);
                    push(out, text);
                } else {
                    push(out, text);
                    push_spaces(out, pad);
                }
                push(out, end);
                push(out, "│");
            }
            if let [.., Cell { readable: Some(readable), .. }] = row {
                push(out, &format!(" -- {readable}"));
            }
            out.push(b'\n');
        }
    }
}

impl Cell {
    fn width(&self) -> usize {
        self.lines.iter().map(|line| line.width()).max().unwrap_or(0)
    }
}

fn push(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

fn push_spaces(out: &mut Vec<u8>, count: usize) {
    out.extend(std::iter::repeat_n(b' ', count));
}

pub(super) fn is_right_aligned(ty: &DataType) -> bool {
    ty.base().is_number() && *ty.base() != DataType::Bool
}

/// `123.46 million` for numbers of a million and more.
fn readable(ty: &DataType, array: &ArrayRef, row: usize) -> Option<String> {
    if array.is_null(row) || !is_right_aligned(ty) {
        return None;
    }
    let mut text = Vec::new();
    types::text::cell::write_number(&mut text, ty.base(), array, row);
    let value = types::text::scan::parse_f64(&text).filter(|v| v.is_finite() && v.abs() >= READABLE_MIN)?;
    const UNITS: [&str; 5] = ["million", "billion", "trillion", "quadrillion", "quintillion"];
    let mut scaled = value / READABLE_MIN;
    let mut unit = 0;
    while scaled.abs() >= 1000.0 && unit + 1 < UNITS.len() {
        scaled /= 1000.0;
        unit += 1;
    }
    Some(format!("{scaled:.2} {}", UNITS[unit]))
}

/// Appends ` -- 123.46 million` behind a large number.
pub(super) fn write_readable_number(out: &mut Vec<u8>, ty: &DataType, array: &ArrayRef, row: usize) {
    if let Some(readable) = readable(ty, array, row) {
        push(out, &format!(" -- {readable}"));
    }
}

impl Encode for PrettyCompact {
    fn begin(&mut self, _: &mut Vec<u8>) {}

    fn block(&mut self, block: &Block, _: &mut Vec<u8>) {
        for row in 0..block.rows() {
            self.seen += 1;
            if self.seen <= self.rows_max {
                let cells = self.cells(block, row);
                self.rows.push(cells);
            }
        }
    }

    fn totals(&mut self, totals: &Block, out: &mut Vec<u8>) {
        self.further("Totals", totals, out);
    }

    fn extremes(&mut self, extremes: &Block, out: &mut Vec<u8>) {
        self.further("Extremes", extremes, out);
    }

    fn end(&mut self, _: &Statistics, out: &mut Vec<u8>) {
        if !self.rows.is_empty() {
            self.table(&self.rows, out);
        }
        if self.seen > self.rows_max {
            push(out, &format!("  Showed {} out of {} rows.\n", self.rows_max, self.seen));
        }
    }
}
