//! What can be chosen about a store, resolved; and its named limits.

use std::time::Duration;

use crate::log::FsyncMode;

/// Choices, made once at start.
#[derive(Clone, Copy, Debug)]
pub struct StoreConfig {
    /// When records are forced to the disk.
    pub fsync: FsyncMode,
    /// A log segment that has grown to this gets a successor.
    pub segment_bytes_max: u64,
    /// Log bytes after which a checkpoint is written and the log before it freed.
    pub log_bytes_max: u64,
    /// Bytes of rows in memory after which they are written to files.
    pub memory_bytes_max: u64,
    /// Rows in memory older than this are written to files by the next checkpoint.
    pub memory_age_max: Duration,
    /// An insert's part up to this size rides in the log; larger ones are files.
    pub inline_bytes_max: usize,
    /// Bytes of decoded granules kept for reads.
    pub cache_bytes_max: usize,
    /// A partition with this many parts takes no more inserts (ClickHouse's `parts_to_throw_insert`).
    pub partition_parts_max: usize,
    /// Bytes that stay free on the disk: below, commits are refused before anything is written.
    pub free_bytes_min: u64,
}

impl Default for StoreConfig {
    fn default() -> StoreConfig {
        StoreConfig {
            fsync: FsyncMode::Always,
            segment_bytes_max: 32 << 20,
            log_bytes_max: 128 << 20,
            memory_bytes_max: 256 << 20,
            memory_age_max: Duration::from_secs(600),
            inline_bytes_max: 1 << 20,
            cache_bytes_max: 256 << 20,
            partition_parts_max: 3000,
            free_bytes_min: 64 << 20,
        }
    }
}

/// Commits that wait for the writer; more make their senders wait.
pub const QUEUE_COMMITS_MAX: usize = 1024;
/// Bytes of commits that wait for the writer; more make their senders wait. At least one record's limit.
pub const QUEUE_BYTES_MAX: usize = 256 << 20;
/// Commits in one sync.
pub const GROUP_COMMITS_MAX: usize = 256;
/// Bytes in one sync; a single larger commit goes alone.
pub const GROUP_BYTES_MAX: usize = 16 << 20;
/// Bytes of one record.
pub const RECORD_BYTES_MAX: usize = 64 << 20;
/// Where no interval is chosen, a commit that asked not to wait for its sync is durable this much later.
pub const SYNC_SOON: Duration = Duration::from_millis(100);
/// The log and the rows in memory may be this many times over their limits before inserts wait for the checkpoint.
pub const OVERDRAFT: u64 = 4;
/// An insert into a partition that has as many parts as may be waits this long for merges before it is refused.
pub const FULL_WAIT_MAX: Duration = Duration::from_secs(60);
/// Checkpoints that an insert waits for before it is refused.
pub const ROOM_CHECKPOINTS_MAX: usize = 3;
