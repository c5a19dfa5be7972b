//! What the store has done since it was opened, in numbers: for `system.events`, `system.metrics` and whoever watches.
//!
//! Counters only grow and are read one by one: a reader may see one commit in one counter and not yet in another.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::commit::{ChangeKind, Commit, Edit, NewPart};
use crate::log::frame::FRAME_HEADER_BYTES;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The counters as they are changed.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $name: Counter,)*
        }

        /// The counters at one moment.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        pub struct Stats {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counters {
            /// Adds what was done.
            pub(crate) fn add(&self, done: &Stats) {
                $(self.$name.add(done.$name);)*
            }

            /// All of them, now.
            pub(crate) fn read(&self) -> Stats {
                Stats { $($name: self.$name.read(),)* }
            }
        }

        impl Stats {
            /// Name and value of each counter, in the order of declaration.
            pub fn all(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

counters! {
    /// Commits in the log, the store's own among them.
    commits,
    /// Writes of a group of commits to the log, each with one sync in `FsyncMode::Always`.
    log_groups,
    /// Bytes of records written to the log.
    log_bytes,
    /// Rows that inserts brought.
    inserted_rows,
    /// Bytes of the parts that inserts brought.
    inserted_bytes,
    /// Bytes of part files that inserts wrote.
    inserted_file_bytes,
    /// Merges that were committed; those of small parts inside the log are not counted.
    merges,
    /// Rows that merges wrote.
    merged_rows,
    /// How often merges rested between pieces of their rows because queries ran.
    merge_rests,
    /// Nanoseconds that they rested, all together.
    merge_rest_ns,
    /// Bytes of part files that merges wrote, rows flushed from memory among them.
    merged_bytes,
    /// Bytes of part files that mutations wrote.
    mutated_bytes,
    /// Part files of which a mutation wrote some columns and copied the others.
    amended_parts,
    /// Checkpoints written.
    checkpoints,
    /// Bytes of checkpoints written.
    checkpoint_bytes,
    /// Commits that were answered as the first one with the same token was.
    duplicates,
    /// Commits refused because the disk was full.
    refused_full_disk,
    /// Commits that were held back because a partition had many parts.
    delayed_by_parts,
    /// Commits that were held back because the log was long.
    delayed_by_log,
    /// Commits that were held back because rows in memory were many.
    delayed_by_memory,
    /// Nanoseconds that commits were held back, all together.
    delayed_ns,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Stats {
    /// Counts a commit whose record has `record_bytes` bytes.
    pub(crate) fn count(&mut self, commit: &Commit, record_bytes: usize) {
        self.commits += 1;
        self.log_bytes += (record_bytes + FRAME_HEADER_BYTES) as u64;
        let file_bytes = |part: &NewPart| part.file().map_or(0, |_| part.staged().meta.bytes);
        for edit in &commit.edits {
            for part in edit.new_parts() {
                match edit.kind() {
                    ChangeKind::Insert => {
                        self.inserted_rows += part.rows();
                        self.inserted_bytes += part.staged().meta.bytes;
                        self.inserted_file_bytes += file_bytes(part);
                    }
                    ChangeKind::Rewrite => self.mutated_bytes += file_bytes(part),
                    ChangeKind::NoLogicalChange | ChangeKind::Delete | ChangeKind::Definition => {
                        self.merged_rows += part.rows();
                        self.merged_bytes += file_bytes(part);
                    }
                }
            }
            self.merges += u64::from(matches!(edit, Edit::Merge { .. }));
        }
    }

    /// Bytes written to the disk for each byte of parts that inserts brought, in the log and in files; 0 before the
    /// first insert.
    pub fn write_amplification(&self) -> f64 {
        let written =
            self.log_bytes + self.inserted_file_bytes + self.merged_bytes + self.mutated_bytes + self.checkpoint_bytes;
        match self.inserted_bytes {
            0 => 0.0,
            inserted => written as f64 / inserted as f64,
        }
    }
}
