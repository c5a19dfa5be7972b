//! What the store's tasks and its users have in common.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use env::Env;
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore, mpsc, oneshot, watch};
use types::ErrorCode;

use crate::commit::{Commit, Edit, PartSource, Receipt};
use crate::committer::{Pending, Request};
use crate::config::{OVERDRAFT, RECORD_BYTES_MAX, StoreConfig};
use crate::error::CommitError;
use crate::folder::DataFolder;
use crate::in_flight::InFlight;
use crate::log::FsyncMode;
use crate::merge::Derives;
use crate::merges::Merges;
use crate::published::Published;
use crate::reservations::Reservations;
use crate::slow::Pressure;
use crate::snapshot::Snapshot;
use crate::stats::Counters;

/// Shared by the store and its tasks. The only mutable state of a database is the snapshot here, and only the committer
/// changes it.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) env: Env,
    pub(crate) config: StoreConfig,
    pub(crate) folder: DataFolder,
    pub(crate) snapshot: ArcSwap<Snapshot>,
    pub(crate) published: Arc<Published>,
    pub(crate) requests: mpsc::Sender<Request>,
    pub(crate) queue_bytes: Arc<Semaphore>,
    pub(crate) parts: PartSource,
    pub(crate) reservations: Reservations,
    pub(crate) merges: Merges,
    pub(crate) counters: Arc<Counters>,
    pub(crate) in_flight: InFlight,
    pub(crate) derives: OnceLock<DerivedBy>,
    pub(crate) next_table: AtomicU64,
    pub(crate) next_database: AtomicU64,
    /// Bytes of the log that are not freed, for the checkpointer.
    pub(crate) log_bytes: AtomicU64,
    /// One checkpoint at a time: its permit is held for the whole of it.
    pub(crate) checkpointing: Semaphore,
    /// Tells waiting inserts that a checkpoint has ended, well or not.
    pub(crate) checkpointed: Notify,
    /// What the last checkpoint failed with, when it did.
    pub(crate) checkpoint_failure: Mutex<Option<(ErrorCode, String)>>,
    /// Tells that commits were answered which must be durable soon.
    pub(crate) unsynced: Notify,
    /// Why no more commits are taken.
    pub(crate) stopped: watch::Sender<Option<Stop>>,
    /// Set by `close`; the tasks end.
    pub(crate) closing: watch::Sender<bool>,
}

/// Who computes what parts keep beside their rows: expressions are evaluated above the store.
pub(crate) struct DerivedBy(pub(crate) Derives);

impl std::fmt::Debug for DerivedBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DerivedBy")
    }
}

/// Why a store takes no more commits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    /// It was closed.
    Closed,
    /// The log could not be written: what it holds is unknown.
    Failed(String),
}

impl Shared {
    /// The newest snapshot.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Lets no more commits in; the first reason stays.
    pub(crate) fn stop(&self, reason: Stop) {
        self.stopped.send_if_modified(|stopped| {
            let is_first = stopped.is_none();
            stopped.get_or_insert(reason);
            is_first
        });
        self.checkpointed.notify_waiters();
    }

    /// The refusal of a commit for which checkpoints make no room.
    pub(crate) fn no_room(&self) -> CommitError {
        let none = || (ErrorCode::MEMORY_LIMIT_EXCEEDED, "checkpoints do not keep up with the inserts".to_owned());
        let (code, reason) = self.checkpoint_failure.lock().clone().unwrap_or_else(none);
        CommitError::NoRoom { reason, code }
    }

    pub(crate) fn stop_reason(&self) -> Option<String> {
        match &*self.stopped.borrow() {
            None => None,
            Some(Stop::Closed) => Some("it is closed".to_owned()),
            Some(Stop::Failed(reason)) => Some(reason.clone()),
        }
    }

    /// Refuses, with the bytes free and needed, what would use the bytes that must stay free. Before anything is written:
    /// a clean error instead of half a file.
    pub(crate) async fn check_space(&self, bytes: u64) -> Result<(), (u64, u64)> {
        let needed = self.config.free_bytes_min.saturating_add(bytes);
        match self.env.disk.free_space(self.folder.path()).await {
            Ok(free) if free < needed => Err((free, needed)),
            // A system that does not say is tried.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// True when the log or the rows in memory are over their limits `times` times.
    pub(crate) fn is_over(&self, times: u64) -> bool {
        self.config.log_bytes_max.saturating_mul(times) <= self.log_bytes.load(Ordering::Relaxed)
            || self.config.memory_bytes_max.saturating_mul(times) <= self.snapshot.load().parts.memory_bytes()
    }

    /// What is running out for a commit.
    pub(crate) fn pressure(&self, commit: &Commit) -> Pressure {
        let snapshot = self.snapshot.load();
        let partitions = commit.edits.iter().flat_map(|edit| match edit {
            Edit::Insert { table, parts, .. } => parts.iter().map(|part| (*table, part.partition_id())).collect(),
            _ => Vec::new(),
        });
        let count = |(table, id)| snapshot.parts.table(table).map_or(0, |parts| parts.partition_count(id));
        let times = |bytes: u64, limit: u64| bytes as f64 / limit.max(1) as f64;
        Pressure {
            parts: partitions.map(count).max().unwrap_or(0),
            parts_max: self.config.partition_parts_max,
            log: times(self.log_bytes.load(Ordering::Relaxed), self.config.log_bytes_max),
            memory: times(snapshot.parts.memory_bytes(), self.config.memory_bytes_max),
            overdraft: OVERDRAFT as f64,
        }
    }

    /// Commits without waiting for room: for users who have waited, and for the work that makes room.
    pub(crate) async fn commit_now(&self, commit: Commit, fsync: FsyncMode) -> Result<Receipt, CommitError> {
        let bytes = commit.encode();
        if RECORD_BYTES_MAX < bytes.len() {
            return Err(CommitError::TooLarge { bytes: bytes.len(), max: RECORD_BYTES_MAX });
        }
        let share = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        // The semaphore is never closed; without a permit the commit would go uncounted.
        let _permit = Arc::clone(&self.queue_bytes).acquire_many_owned(share).await.ok();
        let (answer, answered) = oneshot::channel();
        self.send(Request::Commit(Box::new(Pending { commit, bytes, fsync, answer, _permit })), answered).await
    }

    /// Sends a request to the committer and waits for its answer.
    pub(crate) async fn send<T>(
        &self,
        request: Request,
        answered: oneshot::Receiver<Result<T, CommitError>>,
    ) -> Result<T, CommitError> {
        let stopped = || CommitError::Stopped(self.stop_reason().unwrap_or_else(|| "it is closed".to_owned()));
        if self.requests.send(request).await.is_err() {
            return Err(stopped());
        }
        match answered.await {
            Ok(answer) => answer,
            // The committer ended with the request in its queue: nothing of it happened.
            Err(_) => Err(stopped()),
        }
    }
}
