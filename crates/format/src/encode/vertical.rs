//! Vertical: a line a value, for wide rows that a person reads.

use types::text::{Quoting, Zone, write_cell};
use types::{Block, Header};
use unicode_width::UnicodeWidthStr;

use super::{Encode, Statistics};

pub(super) struct Vertical {
    header: Header,
    zone: Zone,
    row: u64,
    has_totals: bool,
}

impl Vertical {
    pub(super) fn new(header: &Header, zone: Zone) -> Vertical {
        Vertical { header: header.clone(), zone, row: 0, has_totals: false }
    }

    fn row(&self, title: &str, block: &Block, row: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(title.as_bytes());
        out.push(b'\n');
        out.extend_from_slice("─".repeat(title.width()).as_bytes());
        out.push(b'\n');
        let width = self.header.columns().iter().map(|c| c.name.width()).max().unwrap_or(0);
        for (column, array) in self.header.columns().iter().zip(block.arrays()) {
            out.extend_from_slice(column.name.as_bytes());
            out.push(b':');
            out.extend(std::iter::repeat_n(b' ', width + 1 - column.name.width()));
            write_cell(out, &column.ty, array, row, Quoting::Raw, self.zone);
            super::pretty::write_readable_number(out, &column.ty, array, row);
            out.push(b'\n');
        }
    }
}

impl Encode for Vertical {
    fn begin(&mut self, _: &mut Vec<u8>) {}

    fn block(&mut self, block: &Block, out: &mut Vec<u8>) {
        for row in 0..block.rows() {
            if self.row > 0 {
                out.push(b'\n');
            }
            self.row += 1;
            self.row(&format!("Row {}:", self.row), block, row, out);
        }
    }

    fn totals(&mut self, totals: &Block, out: &mut Vec<u8>) {
        self.has_totals = true;
        out.extend_from_slice(b"\n\n");
        self.row("Totals:", totals, 0, out);
    }

    fn extremes(&mut self, extremes: &Block, out: &mut Vec<u8>) {
        if !self.has_totals {
            out.push(b'\n');
        }
        for (row, title) in ["Min:", "Max:"].into_iter().enumerate() {
            out.push(b'\n');
            self.row(title, extremes, row, out);
        }
    }

    fn end(&mut self, _: &Statistics, _: &mut Vec<u8>) {}
}
