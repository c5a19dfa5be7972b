//! Values: `(1,'a'),(2,'b')`, without a line end.

use types::text::{Quoting, Zone, write_cell};
use types::{Block, Header};

use super::{Encode, Statistics};

pub(super) struct Values {
    header: Header,
    zone: Zone,
    started: bool,
}

impl Values {
    pub(super) fn new(header: &Header, zone: Zone) -> Values {
        Values { header: header.clone(), zone, started: false }
    }
}

impl Encode for Values {
    fn begin(&mut self, _: &mut Vec<u8>) {}

    fn block(&mut self, block: &Block, out: &mut Vec<u8>) {
        for row in 0..block.rows() {
            out.extend_from_slice(if std::mem::replace(&mut self.started, true) { b",(" } else { b"(" });
            for (i, (column, array)) in self.header.columns().iter().zip(block.arrays()).enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_cell(out, &column.ty, array, row, Quoting::Quoted, self.zone);
            }
            out.push(b')');
        }
    }

    fn totals(&mut self, _: &Block, _: &mut Vec<u8>) {}

    fn end(&mut self, _: &Statistics, _: &mut Vec<u8>) {}
}
