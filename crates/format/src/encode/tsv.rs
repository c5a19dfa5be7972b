//! TabSeparated and its variants.

use types::text::cell::write_text;
use types::text::{Quoting, Zone, write_cell};
use types::{Block, Header};

use super::{Encode, Statistics};

/// Which header lines stand before the rows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    None,
    Names,
    NamesAndTypes,
}

pub(super) struct Tsv {
    header: Header,
    zone: Zone,
    lines: Lines,
    quoting: Quoting,
}

impl Tsv {
    pub(super) fn new(header: &Header, zone: Zone, lines: Lines) -> Tsv {
        Tsv { header: header.clone(), zone, lines, quoting: Quoting::Escaped }
    }

    pub(super) fn raw(header: &Header, zone: Zone, lines: Lines) -> Tsv {
        Tsv { header: header.clone(), zone, lines, quoting: Quoting::Raw }
    }

    fn line(&self, out: &mut Vec<u8>, texts: impl Iterator<Item = String>) {
        for (i, text) in texts.enumerate() {
            if i > 0 {
                out.push(b'\t');
            }
            write_text(out, text.as_bytes(), self.quoting);
        }
        out.push(b'\n');
    }
}

impl Encode for Tsv {
    fn begin(&mut self, out: &mut Vec<u8>) {
        if self.lines != Lines::None {
            self.line(out, self.header.columns().iter().map(|c| c.name.to_string()));
        }
        if self.lines == Lines::NamesAndTypes {
            self.line(out, self.header.columns().iter().map(|c| c.ty.to_string()));
        }
    }

    fn block(&mut self, block: &Block, out: &mut Vec<u8>) {
        for row in 0..block.rows() {
            for (i, (column, array)) in self.header.columns().iter().zip(block.arrays()).enumerate() {
                if i > 0 {
                    out.push(b'\t');
                }
                // raw NULLs are \N as well
                if super::is_null(array, row) {
                    out.extend_from_slice(b"\\N");
                } else {
                    write_cell(out, &column.ty, array, row, self.quoting, self.zone);
                }
            }
            out.push(b'\n');
        }
    }

    fn totals(&mut self, totals: &Block, out: &mut Vec<u8>) {
        out.push(b'\n');
        self.block(totals, out);
    }

    fn extremes(&mut self, extremes: &Block, out: &mut Vec<u8>) {
        self.totals(extremes, out);
    }

    fn end(&mut self, _: &Statistics, _: &mut Vec<u8>) {}
}
