//! The JSON formats: an object or array a row, or one document with `meta`, `data` and `statistics`.

use types::{Block, Header, Setting, Settings};

use super::json_cell::JsonStyle;
use super::tsv::Lines;
use super::{Encode, Statistics};

/// What a row is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Object,
    Array,
}

/// JSONEachRow, JSONCompactEachRow and their variants with header lines or values as strings.
pub(super) struct EachRow {
    header: Header,
    style: JsonStyle,
    shape: Shape,
    lines: Lines,
    keys: Vec<Vec<u8>>,
}

impl EachRow {
    pub(super) fn new(header: &Header, style: JsonStyle, shape: Shape, lines: Lines) -> EachRow {
        EachRow { header: header.clone(), style, shape, lines, keys: keys(header, &style) }
    }
}

/// `["a", "b"]` and a line end.
fn array_line(out: &mut Vec<u8>, items: &[Vec<u8>]) {
    out.push(b'[');
    out.extend_from_slice(&items.join(&b", "[..]));
    out.extend_from_slice(b"]\n");
}

fn keys(header: &Header, style: &JsonStyle) -> Vec<Vec<u8>> {
    let key = |name: &str| {
        let mut key = Vec::new();
        style.write_string(&mut key, name.as_bytes());
        key
    };
    header.columns().iter().map(|column| key(&column.name)).collect()
}

impl Encode for EachRow {
    fn begin(&mut self, out: &mut Vec<u8>) {
        if self.lines != Lines::None {
            array_line(out, &self.keys);
        }
        if self.lines == Lines::NamesAndTypes {
            let types = self.header.columns().iter().map(|column| {
                let mut text = Vec::new();
                self.style.write_string(&mut text, column.ty.to_string().as_bytes());
                text
            });
            array_line(out, &types.collect::<Vec<_>>());
        }
    }

    fn block(&mut self, block: &Block, out: &mut Vec<u8>) {
        for row in 0..block.rows() {
            out.push(if self.shape == Shape::Object { b'{' } else { b'[' });
            for (i, (column, array)) in self.header.columns().iter().zip(block.arrays()).enumerate() {
                match (self.shape, i) {
                    (_, 0) => {}
                    (Shape::Object, _) => out.push(b','),
                    (Shape::Array, _) => out.extend_from_slice(b", "),
                }
                if self.shape == Shape::Object {
                    out.extend_from_slice(&self.keys[i]);
                    out.push(b':');
                }
                self.style.value(out, &column.ty, array, row, None);
            }
            out.extend_from_slice(if self.shape == Shape::Object { b"}\n" } else { b"]\n" });
        }
    }

    fn totals(&mut self, _: &Block, _: &mut Vec<u8>) {}

    fn end(&mut self, _: &Statistics, _: &mut Vec<u8>) {}
}

/// JSON, JSONCompact and the same with values as strings.
pub(super) struct Whole {
    header: Header,
    style: JsonStyle,
    shape: Shape,
    keys: Vec<Vec<u8>>,
    statistics: bool,
    rows: u64,
    totals: Option<Block>,
    extremes: Option<Block>,
}

impl Whole {
    pub(super) fn new(header: &Header, style: JsonStyle, settings: &Settings, shape: Shape) -> Whole {
        Whole {
            header: header.clone(),
            style,
            shape,
            keys: keys(header, &style),
            statistics: settings.flag(Setting::OutputFormatWriteStatistics),
            rows: 0,
            totals: None,
            extremes: None,
        }
    }

    fn row(&self, block: &Block, row: usize, depth: usize, out: &mut Vec<u8>) {
        let tabs = "\t".repeat(depth);
        match self.shape {
            Shape::Array => {
                out.extend_from_slice(format!("{tabs}[").as_bytes());
                for (i, (column, array)) in self.header.columns().iter().zip(block.arrays()).enumerate() {
                    if i > 0 {
                        out.extend_from_slice(b", ");
                    }
                    self.style.value(out, &column.ty, array, row, None);
                }
                out.push(b']');
            }
            Shape::Object => {
                out.extend_from_slice(format!("{tabs}{{\n").as_bytes());
                self.fields(block, row, depth + 1, out);
                out.extend_from_slice(format!("{tabs}}}").as_bytes());
            }
        }
    }

    fn fields(&self, block: &Block, row: usize, depth: usize, out: &mut Vec<u8>) {
        let tabs = "\t".repeat(depth);
        for (i, (column, array)) in self.header.columns().iter().zip(block.arrays()).enumerate() {
            if i > 0 {
                out.extend_from_slice(b",\n");
            }
            out.extend_from_slice(tabs.as_bytes());
            out.extend_from_slice(&self.keys[i]);
            out.extend_from_slice(b": ");
            self.style.value(out, &column.ty, array, row, Some(depth));
        }
        out.push(b'\n');
    }

    fn write_extremes(&self, extremes: &Block, out: &mut Vec<u8>) {
        out.extend_from_slice(b",\n\n\t\"extremes\":\n\t{\n");
        for (row, name) in ["min", "max"].into_iter().enumerate() {
            let (line_end, depth) = if self.shape == Shape::Object { ("\n", 2) } else { (" ", 0) };
            out.extend_from_slice(format!("\t\t\"{name}\":{line_end}").as_bytes());
            self.row(extremes, row, depth, out);
            out.extend_from_slice(if row == 0 { b",\n" } else { b"\n" });
        }
        out.extend_from_slice(b"\t}");
    }

    fn write_totals(&self, totals: &Block, out: &mut Vec<u8>) {
        match self.shape {
            Shape::Object => {
                out.extend_from_slice(b",\n\n\t\"totals\":\n");
                self.row(totals, 0, 1, out);
            }
            Shape::Array => {
                out.extend_from_slice(b",\n\n\t\"totals\": ");
                self.row(totals, 0, 0, out);
            }
        }
    }
}

impl Encode for Whole {
    fn begin(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\n\t\"meta\":\n\t[\n");
        for (i, column) in self.header.columns().iter().enumerate() {
            if i > 0 {
                out.extend_from_slice(b",\n");
            }
            out.extend_from_slice(b"\t\t{\n\t\t\t\"name\": ");
            out.extend_from_slice(&self.keys[i]);
            out.extend_from_slice(b",\n\t\t\t\"type\": ");
            self.style.write_string(out, column.ty.to_string().as_bytes());
            out.extend_from_slice(b"\n\t\t}");
        }
        out.extend_from_slice(b"\n\t],\n\n\t\"data\":\n\t[\n");
    }

    fn block(&mut self, block: &Block, out: &mut Vec<u8>) {
        for row in 0..block.rows() {
            if self.rows > 0 {
                out.extend_from_slice(b",\n");
            }
            self.rows += 1;
            self.row(block, row, 2, out);
        }
    }

    fn totals(&mut self, totals: &Block, _: &mut Vec<u8>) {
        self.totals = Some(totals.clone());
    }

    fn extremes(&mut self, extremes: &Block, _: &mut Vec<u8>) {
        self.extremes = Some(extremes.clone());
    }

    fn end(&mut self, statistics: &Statistics, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.rows > 0 { b"\n\t]" } else { b"\t]" });
        if let Some(totals) = self.totals.take() {
            self.write_totals(&totals, out);
        }
        if let Some(extremes) = self.extremes.take() {
            self.write_extremes(&extremes, out);
        }
        out.extend_from_slice(format!(",\n\n\t\"rows\": {}", self.rows).as_bytes());
        if let Some(rows) = statistics.rows_before_limit {
            out.extend_from_slice(format!(",\n\n\t\"rows_before_limit_at_least\": {rows}").as_bytes());
        }
        if self.statistics {
            let Statistics { elapsed_seconds, rows_read, bytes_read, .. } = statistics;
            out.extend_from_slice(
                format!(
                    ",\n\n\t\"statistics\":\n\t{{\n\t\t\"elapsed\": {elapsed_seconds:.9},\n\t\t\"rows_read\": \
                     {rows_read},\n\t\t\"bytes_read\": {bytes_read}\n\t}}"
                )
                .as_bytes(),
            );
        }
        out.extend_from_slice(b"\n}\n");
    }
}
