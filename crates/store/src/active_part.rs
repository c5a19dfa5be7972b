//! A part that a snapshot names.

use std::sync::Arc;

use parts::{Part, PartName};
use types::CommitSeq;

use crate::garbage::PartFile;

/// A part with its place in the history. Never changes; shared by all snapshots that name it.
#[derive(Clone, Debug)]
pub struct ActivePart {
    /// The part: its name, what is known of it, its rows or where they are.
    pub part: Part,
    /// The commit that made it active.
    pub seq: CommitSeq,
    /// When that was, nanoseconds since 1970.
    pub created_ns: i64,
    /// Its file, unless its rows are in memory (and in the log or a checkpoint). The file lives as long as this.
    pub file: Option<Arc<PartFile>>,
}

impl ActivePart {
    /// What it covers.
    pub fn name(&self) -> &PartName {
        &self.part.name
    }

    /// How many rows.
    pub fn rows(&self) -> u64 {
        self.part.meta.rows
    }

    /// Bytes of its file, or about the bytes of memory.
    pub fn size_bytes(&self) -> u64 {
        self.part.meta.bytes
    }

    /// True when its rows are in memory.
    pub fn is_in_memory(&self) -> bool {
        self.file.is_none()
    }
}
