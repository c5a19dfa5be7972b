//! The JSON formats: an object or array a row, or one document with `meta`, `data` and `statistics`.

use types::text::Zone;
use types::{Block, Header, Setting, Settings};

use super::json_cell::JsonStyle;
use super::{Encode, Statistics};

/// What a row is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Object,
    Array,
}

/// JSONEachRow and JSONCompactEachRow.
pub(super) struct EachRow {
    header: Header,
    style: JsonStyle,
    shape: Shape,
    keys: Vec<Vec<u8>>,
}

impl EachRow {
    pub(super) fn new(header: &Header, zone: Zone, settings: &Settings, shape: Shape) -> EachRow {
        let style = JsonStyle::new(zone, settings);
        EachRow { header: header.clone(), style, shape, keys: keys(header, &style) }
    }
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
    fn begin(&mut self, _: &mut Vec<u8>) {}

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
                self.style.write(out, &column.ty, array, row, None);
            }
            out.extend_from_slice(if self.shape == Shape::Object { b"}\n" } else { b"]\n" });
        }
    }

    fn totals(&mut self, _: &Block, _: &mut Vec<u8>) {}

    fn end(&mut self, _: &Statistics, _: &mut Vec<u8>) {}
}

/// JSON and JSONCompact.
pub(super) struct Whole {
    header: Header,
    style: JsonStyle,
    shape: Shape,
    keys: Vec<Vec<u8>>,
    statistics: bool,
    rows: u64,
    totals: Option<Block>,
}

impl Whole {
    pub(super) fn new(header: &Header, zone: Zone, settings: &Settings, shape: Shape) -> Whole {
        let style = JsonStyle::new(zone, settings);
        Whole {
            header: header.clone(),
            style,
            shape,
            keys: keys(header, &style),
            statistics: settings.flag(Setting::OutputFormatWriteStatistics),
            rows: 0,
            totals: None,
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
                    self.style.write(out, &column.ty, array, row, None);
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
            self.style.write(out, &column.ty, array, row, Some(depth));
        }
        out.push(b'\n');
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

    fn end(&mut self, statistics: &Statistics, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.rows > 0 { b"\n\t]" } else { b"\t]" });
        if let Some(totals) = self.totals.take() {
            self.write_totals(&totals, out);
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
