//! What makes an insert that is sent again be answered as the first was: its token, or the hash of its rows where the table
//! asks for that.
//!
//! The whole statement counts, with everything its views wrote: a duplicate changes nothing anywhere.

use std::sync::Arc;

use store::Edit;
use types::Block;
use xxhash_rust::xxh3::Xxh3;

use super::InsertOptions;
use crate::tables::TableShape;

/// The rows of an insert so far, as one number.
pub(super) struct RowsHash {
    hash: Xxh3,
    rows: usize,
}

impl Default for RowsHash {
    fn default() -> RowsHash {
        RowsHash { hash: Xxh3::new(), rows: 0 }
    }
}

impl RowsHash {
    /// Adds rows; looks at them when the table remembers hashes.
    pub(super) fn add(&mut self, table: &TableShape, block: &Block) {
        self.rows += block.rows();
        if table.block_window.is_some() {
            self.hash.update(&parts::encode_inline(block));
        }
    }

    /// The edit that remembers the insert; none when nothing asks for that, and none for an insert that had no rows and
    /// changed nothing: it may have some when it is sent again.
    pub(super) fn token(&self, table: &Arc<TableShape>, options: &InsertOptions, edits: &[Edit]) -> Option<Edit> {
        let id = table.def.id;
        if self.rows == 0 && edits.is_empty() {
            return None;
        }
        if let Some(token) = &options.token {
            return Some(Edit::Token { table: id, token: token.as_str().into(), window: None });
        }
        let window = table.block_window.filter(|_| options.by_hash && 0 < self.rows)?;
        Some(Edit::Token { table: id, token: format!("{:032x}", self.hash.digest128()).into(), window: Some(window) })
    }
}
