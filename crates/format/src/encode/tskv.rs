//! TSKV: `name=value` pairs separated by tabs, and Markdown: a table in text. Both escape values as TabSeparated does.

use types::text::cell::write_text;
use types::text::{Quoting, Zone, write_cell};
use types::{Block, Header};

use super::{Encode, Statistics};

pub(super) struct Tskv {
    header: Header,
    zone: Zone,
    keys: Vec<Vec<u8>>,
}

impl Tskv {
    pub(super) fn new(header: &Header, zone: Zone) -> Tskv {
        let key = |name: &str| {
            let mut text = Vec::new();
            write_text(&mut text, name.as_bytes(), Quoting::Escaped);
            let mut key = Vec::with_capacity(text.len() + 1);
            for byte in text {
                if byte == b'=' {
                    key.push(b'\\');
                }
                key.push(byte);
            }
            key.push(b'=');
            key
        };
        let keys = header.columns().iter().map(|column| key(&column.name)).collect();
        Tskv { header: header.clone(), zone, keys }
    }
}

impl Encode for Tskv {
    fn begin(&mut self, _: &mut Vec<u8>) {}

    fn block(&mut self, block: &Block, out: &mut Vec<u8>) {
        for row in 0..block.rows() {
            for (i, (column, array)) in self.header.columns().iter().zip(block.arrays()).enumerate() {
                if i > 0 {
                    out.push(b'\t');
                }
                out.extend_from_slice(self.keys.get(i).map(Vec::as_slice).unwrap_or_default());
                write_cell(out, &column.ty, array, row, Quoting::Escaped, self.zone);
            }
            out.push(b'\n');
        }
    }

    fn totals(&mut self, _: &Block, _: &mut Vec<u8>) {}

    fn end(&mut self, _: &Statistics, _: &mut Vec<u8>) {}
}

pub(super) struct Markdown {
    header: Header,
    zone: Zone,
}

impl Markdown {
    pub(super) fn new(header: &Header, zone: Zone) -> Markdown {
        Markdown { header: header.clone(), zone }
    }
}

impl Encode for Markdown {
    fn begin(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"|");
        for column in self.header.columns() {
            out.push(b' ');
            write_text(out, column.name.as_bytes(), Quoting::Escaped);
            out.extend_from_slice(b" |");
        }
        out.extend_from_slice(b"\n|");
        for column in self.header.columns() {
            out.extend_from_slice(if super::pretty::is_right_aligned(&column.ty) { b"-:|" } else { b":-|" });
        }
        out.push(b'\n');
    }

    fn block(&mut self, block: &Block, out: &mut Vec<u8>) {
        for row in 0..block.rows() {
            out.push(b'|');
            for (column, array) in self.header.columns().iter().zip(block.arrays()) {
                out.push(b' ');
                write_cell(out, &column.ty, array, row, Quoting::Escaped, self.zone);
                out.extend_from_slice(b" |");
            }
            out.push(b'\n');
        }
    }

    fn totals(&mut self, _: &Block, _: &mut Vec<u8>) {}

    fn end(&mut self, _: &Statistics, _: &mut Vec<u8>) {}
}
