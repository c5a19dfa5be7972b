//! The one log: every commit in order, each a record with length, checksum and number.
//!
//! Promise: what [`LogStore::append`] said is [`Durable`] is given back by every later [`LogStore::read_from`], whole and
//! in order; what it did not say so of is given back whole or not at all. The log knows bytes and numbers; what a record
//! means is `commit`'s. The bytes are described in docs/format/log.md.

pub mod file_log;
pub mod frame;

use async_trait::async_trait;
use bytes::Bytes;
use types::CommitSeq;

pub use file_log::FileLog;

use crate::error::Result;

/// One commit's bytes and number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Its number; one more than that of the record before.
    pub seq: CommitSeq,
    /// Its bytes.
    pub payload: Bytes,
}

/// The last commit that no power cut can take back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Durable(pub CommitSeq);

/// When appended records are forced to the disk. Whatever the mode, what a power cut leaves is a prefix of the commits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum FsyncMode {
    /// Before they are acknowledged.
    #[default]
    Always,
    /// Every so often; a power cut (not a `kill -9`) may take back the acknowledged commits since.
    Interval(std::time::Duration),
    /// When the system likes.
    Never,
}

impl FsyncMode {
    /// The mode of that name; `interval` is that of intervals.
    pub fn parse(name: &str, interval: std::time::Duration) -> Option<FsyncMode> {
        match name {
            "always" => Some(FsyncMode::Always),
            "interval" => Some(FsyncMode::Interval(interval)),
            "never" => Some(FsyncMode::Never),
            _ => None,
        }
    }
}

/// Where the records are.
#[async_trait]
pub trait LogStore: Send + Sync + std::fmt::Debug {
    /// Gives every record after `after`, in order, to `visit`, and readies the log for appending after the last one.
    /// A torn tail that nobody was told of is cut off. Everything given back is durable when this returns. Call it once,
    /// before the first append.
    async fn read_from(
        &mut self,
        after: CommitSeq,
        visit: &mut (dyn FnMut(Record) -> Result<()> + Send),
    ) -> Result<Durable>;

    /// Adds records with one write and, when `sync` says so, makes everything appended durable. After [`Error::LogFull`](crate::Error::LogFull)
    /// none of them is there, and nothing else happened; after any other error it is unknown which of them are there: call
    /// [`LogStore::fence`].
    async fn append(&mut self, group: &[Record], sync: bool) -> Result<Durable>;

    /// Makes everything appended durable.
    async fn sync(&mut self) -> Result<Durable>;

    /// Frees records up to `seq`, inclusive; some may stay.
    async fn free_up_to(&mut self, seq: CommitSeq) -> Result<()>;

    /// Bytes of records that are not freed.
    fn size_bytes(&self) -> u64;

    /// No later append of this log succeeds.
    fn fence(&mut self);
}
