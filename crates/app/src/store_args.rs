//! Flags of the store: when the log is forced to the disk, and limits that small disks and tests make smaller.

use std::time::Duration;

use clap::{Args, ValueEnum};
use engine::{FsyncMode, StoreConfig};

/// How a data folder is kept.
#[derive(Args, Debug)]
pub(crate) struct StoreArgs {
    /// When commits are forced to the disk. After a power cut under interval or never the last acknowledged ones may be
    /// missing, and what is left is whole.
    #[arg(long, value_enum, default_value_t = Fsync::Always)]
    fsync_mode: Fsync,
    /// Milliseconds between two syncs under --fsync-mode interval.
    #[arg(long, default_value_t = 100)]
    fsync_interval_ms: u64,
    /// Bytes of log after which a checkpoint is written and the log before it goes.
    #[arg(long, default_value_t = StoreConfig::default().log_bytes_max)]
    log_bytes_max: u64,
    /// Bytes of the disk that stay free: below, inserts are refused with NOT_ENOUGH_SPACE.
    #[arg(long, default_value_t = StoreConfig::default().free_bytes_min)]
    free_bytes_min: u64,
}

/// The flag's values.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Fsync {
    /// Before a commit is answered.
    Always,
    /// Every so often.
    Interval,
    /// When the system likes.
    Never,
}

impl StoreArgs {
    /// The store's choices.
    pub(crate) fn config(&self) -> StoreConfig {
        let default = StoreConfig::default();
        StoreConfig {
            fsync: match self.fsync_mode {
                Fsync::Always => FsyncMode::Always,
                Fsync::Interval => FsyncMode::Interval(Duration::from_millis(self.fsync_interval_ms.max(1))),
                Fsync::Never => FsyncMode::Never,
            },
            segment_bytes_max: default.segment_bytes_max.min(self.log_bytes_max / 4).max(1 << 16),
            log_bytes_max: self.log_bytes_max.max(1 << 16),
            free_bytes_min: self.free_bytes_min,
            ..default
        }
    }
}
