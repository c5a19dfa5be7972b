//! A partition's key as `system.parts.partition` shows it: one column plain, several as a tuple with quoted elements.

use types::Block;
use types::text::{Quoting, Zone, write_cell};

/// The text of the partition that the first row of `key` (the partition key's columns alone) is in; times are in UTC.
/// Bytes that are not UTF-8 are replaced.
pub fn partition_text(key: &Block) -> String {
    if key.header().is_empty() || key.rows() == 0 {
        return "tuple()".to_owned();
    }
    let mut text = Vec::new();
    let write = |text: &mut Vec<u8>, position: usize, quoting: Quoting| {
        write_cell(text, &key.header().columns()[position].ty, key.array(position), 0, quoting, Zone::Utc);
    };
    match key.header().len() {
        1 => write(&mut text, 0, Quoting::Raw),
        columns => {
            text.push(b'(');
            for position in 0..columns {
                if 0 < position {
                    text.push(b',');
                }
                write(&mut text, position, Quoting::Quoted);
            }
            text.push(b')');
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}
