//! Ids of things in the catalogue. An id is given once, by the store's committer, and never used again.

use std::fmt;

/// A table, view or hidden table, for the whole life of a data folder.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TableId(pub u64);

/// A database.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DatabaseId(pub u64);

/// The number of a commit: 1, 2, 3… without gaps; 0 is the empty database.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct CommitSeq(pub u64);

impl CommitSeq {
    /// The commit after this one.
    pub fn next(self) -> CommitSeq {
        CommitSeq(self.0 + 1)
    }
}

impl fmt::Display for TableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for CommitSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
