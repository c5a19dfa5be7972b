//! JSONColumns and JSONCompactColumns: an array a column. Rows are held back to the end.

use types::text::Zone;
use types::{Block, Header, Settings};

use super::json::Shape;
use super::json_cell::JsonStyle;
use super::{Encode, Statistics};

pub(super) struct JsonColumns {
    header: Header,
    style: JsonStyle,
    shape: Shape,
    /// The values of each column so far, separated.
    columns: Vec<Vec<u8>>,
}

impl JsonColumns {
    pub(super) fn new(header: &Header, zone: Zone, settings: &Settings, shape: Shape) -> JsonColumns {
        let columns = vec![Vec::new(); header.len()];
        JsonColumns { header: header.clone(), style: JsonStyle::new(zone, settings), shape, columns }
    }
}

impl Encode for JsonColumns {
    fn begin(&mut self, _: &mut Vec<u8>) {}

    fn block(&mut self, block: &Block, _: &mut Vec<u8>) {
        for ((column, array), out) in self.header.columns().iter().zip(block.arrays()).zip(&mut self.columns) {
            for row in 0..block.rows() {
                if !out.is_empty() {
                    out.extend_from_slice(b", ");
                }
                self.style.value(out, &column.ty, array, row, None);
            }
        }
    }

    fn totals(&mut self, _: &Block, _: &mut Vec<u8>) {}

    fn end(&mut self, _: &Statistics, out: &mut Vec<u8>) {
        let is_object = self.shape == Shape::Object;
        out.extend_from_slice(if is_object { b"{" } else { b"[" });
        for (i, (column, values)) in self.header.columns().iter().zip(&self.columns).enumerate() {
            out.extend_from_slice(if i > 0 { b",\n\t" } else { b"\n\t" });
            if is_object {
                self.style.write_string(out, column.name.as_bytes());
                out.extend_from_slice(b": ");
            }
            out.push(b'[');
            out.extend_from_slice(values);
            out.push(b']');
        }
        out.extend_from_slice(if is_object { b"\n}\n" } else { b"\n]\n" });
    }
}
