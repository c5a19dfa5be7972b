//! What the readers of other databases' rows share.

use futures::StreamExt;
use types::{Block, Header};

use crate::error::Error;
use crate::relation::Blocks;

/// Bytes of cells in one block, at most about.
pub(crate) const BLOCK_BYTES_MAX: usize = 32 << 20;
/// Characters of a value in an error.
const SHOWN_MAX: usize = 100;

/// A value for an error, shortened.
pub(crate) fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("'{}…'", text.get(..end).unwrap_or_default()),
        None => format!("'{text}'"),
    }
}

/// Blocks without columns that have `count` rows in all.
pub(crate) fn alone(count: usize, block_rows: usize) -> Blocks {
    let block_rows = block_rows.max(1);
    let next = move |left: usize| async move {
        let rows = left.min(block_rows);
        let block = Block::with_rows(Header::default(), vec![], rows).map_err(Error::from);
        (rows > 0).then(|| block.map(|block| (block, left - rows))).transpose()
    };
    futures::stream::try_unfold(count, next).boxed()
}
