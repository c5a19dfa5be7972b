//! The store as its users see it: open, read a snapshot, commit, stage files, follow what is published, close.
//!
//! All state is the snapshot; all changes go through the committer. Background tasks, all named and joined by `close`:
//! the committer, the checkpointer, the garbage collector, and the sync of commits that were answered before theirs.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use env::{Env, Task};
use parking_lot::Mutex;
use parts::cache::GranuleCache;
use parts::file::{Amendment, FilePart, Maturity};
use parts::merge::Run;
use parts::part_store::DiskPartStore;
use parts::rewrite::RowSet;
use parts::{Derived, PartSchema, PartStore};
use tokio::sync::{Notify, Semaphore, mpsc, oneshot, watch};
use types::{Block, DatabaseId, TableId};

use crate::background;
use crate::commit::{Commit, NewPart, PartSource, Receipt};
use crate::committer::{Committer, Request};
use crate::config::{FULL_WAIT_MAX, OVERDRAFT, QUEUE_BYTES_MAX, QUEUE_COMMITS_MAX, ROOM_CHECKPOINTS_MAX, StoreConfig};
use crate::error::{CommitError, Error, Result};
use crate::folder::DataFolder;
use crate::garbage::Garbage;
use crate::in_flight::InFlight;
use crate::log::FsyncMode;
use crate::merge::{self, Derives, MergeError, MergeWork, Merged};
use crate::merge_policy::MergePlan;
use crate::merges::Merges;
use crate::published::{Published, Subscription};
use crate::recovery::{self, Recovered};
use crate::reservations::Reservations;
use crate::shared::{DerivedBy, Shared, Stop};
use crate::slow::{self, Reason};
use crate::snapshot::Snapshot;
use crate::staging;
use crate::stats::Stats;

/// An open data folder. Cheap to clone; [`Store::close`] it before the process ends, or recovery does the same work.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) shared: Arc<Shared>,
    tasks: Arc<Mutex<Vec<Task>>>,
}

impl Store {
    /// Opens the data folder, makes it when it is not there. Must be called inside a tokio runtime.
    ///
    /// Errors say what is wrong in one sentence: another process has it, it was made by a newer program, it is damaged.
    /// Nothing in it is overwritten then.
    pub async fn open(env: Env, folder: &Path, config: StoreConfig) -> Result<Store> {
        let folder = DataFolder::open(&*env.disk, folder).await?;
        let part_store = Arc::new(DiskPartStore::open(Arc::clone(&env.disk), folder.parts()).await?);
        let source = PartSource {
            part_store: Arc::clone(&part_store) as _,
            cache: Arc::new(GranuleCache::new(config.cache_bytes_max)),
            garbage: Arc::new(Garbage::default()),
        };
        let Recovered { snapshot, log, broken } = recovery::recover(&env, &folder, &config, &source).await?;
        // not before: a folder that cannot be opened stays as it was found
        part_store.clear_unfinished().await?;
        let first = [
            recovery::first_commit(&env, &snapshot),
            recovery::put_aside(broken),
            recovery::drop_unfinished(&snapshot),
        ];
        let (requests, queue) = mpsc::channel(QUEUE_COMMITS_MAX);
        let shared = Arc::new(Shared {
            next_table: AtomicU64::new(0),
            next_database: AtomicU64::new(0),
            published: Published::at(snapshot.seq),
            snapshot: ArcSwap::from_pointee(snapshot),
            requests,
            queue_bytes: Arc::new(Semaphore::new(QUEUE_BYTES_MAX)),
            parts: source,
            reservations: Reservations::default(),
            merges: Merges::default(),
            counters: Arc::default(),
            in_flight: InFlight::default(),
            derives: OnceLock::new(),
            log_bytes: AtomicU64::new(0),
            checkpointing: Semaphore::new(1),
            checkpointed: Notify::new(),
            checkpoint_failure: Mutex::default(),
            unsynced: Notify::new(),
            stopped: watch::Sender::new(None),
            closing: watch::Sender::new(false),
            env,
            config,
            folder,
        });
        let committer = Committer::new(Arc::clone(&shared), Box::new(log));
        let store = Store { tasks: Arc::new(Mutex::new(start_tasks(&shared, committer, queue))), shared };
        for commit in first.into_iter().flatten() {
            store.commit(commit).await.map_err(|error| Error::Start(error.to_string()))?;
        }
        let catalog = &store.snapshot().catalog;
        store.shared.next_table.store(catalog.next_table_id().0, Ordering::Relaxed);
        store.shared.next_database.store(catalog.next_database_id().0, Ordering::Relaxed);
        Ok(store)
    }

    /// The newest snapshot. Holding it keeps its parts' files.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.snapshot()
    }

    /// Makes a commit: it is durable and visible when this returns `Ok`.
    ///
    /// Waits in a bounded queue, and while rows in memory or the log are far over their limits. Dropping the future
    /// leaves it open whether the commit happens. A commit that was seen before is
    /// [`Conflict::Duplicate`](crate::Conflict::Duplicate) with the first receipt.
    pub async fn commit(&self, commit: Commit) -> std::result::Result<Receipt, CommitError> {
        self.commit_with(commit, self.shared.config.fsync).await
    }

    /// As [`Store::commit`], and durable when `fsync` says, whatever the store's own mode.
    pub async fn commit_with(&self, commit: Commit, fsync: FsyncMode) -> std::result::Result<Receipt, CommitError> {
        self.hold_back(&commit).await;
        self.wait_for_room().await?;
        self.shared.commit_now(commit, fsync).await
    }

    /// Slows the commit down when parts, log or memory are running out; where a partition is full, until merges made room
    /// or a while has passed.
    async fn hold_back(&self, commit: &Commit) {
        let (shared, mut waited) = (&self.shared, Duration::ZERO);
        loop {
            let pressure = shared.pressure(commit);
            let Some((reason, delay)) = slow::delay(&pressure) else { return };
            match reason {
                Reason::Parts => shared.counters.delayed_by_parts.add(1),
                Reason::Log => shared.counters.delayed_by_log.add(1),
                Reason::Memory => shared.counters.delayed_by_memory.add(1),
            }
            shared.env.clock.sleep(delay).await;
            shared.counters.delayed_ns.add(u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX));
            waited += delay;
            let is_full = pressure.parts_max <= pressure.parts;
            if !is_full || FULL_WAIT_MAX <= waited || shared.stop_reason().is_some() {
                return;
            }
        }
    }

    /// Waits for checkpoints while rows in memory or the log are far over their limits; gives up after a few.
    async fn wait_for_room(&self) -> std::result::Result<(), CommitError> {
        for _ in 0..ROOM_CHECKPOINTS_MAX {
            let checkpointed = self.shared.checkpointed.notified();
            tokio::pin!(checkpointed);
            // Listens from here on: a checkpoint that ends between the look and the wait is not missed.
            checkpointed.as_mut().enable();
            if !self.shared.is_over(OVERDRAFT) || self.shared.stop_reason().is_some() {
                return Ok(());
            }
            checkpointed.await;
        }
        match self.shared.is_over(OVERDRAFT) {
            true => Err(self.shared.no_room()),
            false => Ok(()),
        }
    }

    /// Tells of every published snapshot; commits in quick succession may be told of once.
    pub fn subscribe(&self) -> Subscription {
        self.shared.published.subscribe()
    }

    /// An id for a table to be made.
    pub fn new_table_id(&self) -> TableId {
        TableId(self.shared.next_table.fetch_add(1, Ordering::Relaxed))
    }

    /// An id for a database to be made.
    pub fn new_database_id(&self) -> DatabaseId {
        DatabaseId(self.shared.next_database.fetch_add(1, Ordering::Relaxed))
    }

    /// Merges under way, and STOP MERGES.
    pub fn merges(&self) -> &Merges {
        &self.shared.merges
    }

    /// What was done since the store was opened, in numbers.
    pub fn stats(&self) -> Stats {
        self.shared.counters.read()
    }

    /// Parts in work.
    pub fn reservations(&self) -> &Reservations {
        &self.shared.reservations
    }

    /// Inserts on their way, for DDL that lets them pass first.
    pub fn in_flight(&self) -> &InFlight {
        &self.shared.in_flight
    }

    /// Where part files are.
    pub fn part_store(&self) -> &Arc<dyn PartStore> {
        &self.shared.parts.part_store
    }

    /// What was chosen at start.
    pub fn config(&self) -> &StoreConfig {
        &self.shared.config
    }

    /// The outside, as it was given.
    pub fn env(&self) -> &Env {
        &self.shared.env
    }

    /// Why the store takes no more commits, if it does not.
    pub fn stop_reason(&self) -> Option<String> {
        self.shared.stop_reason()
    }

    /// Returns, with the reason, when the log could not be written: what it holds is unknown, nothing can be committed
    /// any more, and only a new start can tell. Never returns otherwise.
    pub async fn failed(&self) -> String {
        let mut stopped = self.shared.stopped.subscribe();
        let failed = stopped.wait_for(|stop| matches!(stop, Some(Stop::Failed(_)))).await.map(|stop| stop.clone());
        match failed {
            Ok(Some(Stop::Failed(reason))) => reason,
            // The sender lives as long as `self`.
            Ok(_) | Err(_) => std::future::pending().await,
        }
    }

    /// Bytes of the log that no checkpoint has freed yet.
    pub fn log_bytes(&self) -> u64 {
        self.shared.log_bytes.load(Ordering::Relaxed)
    }

    /// The cache of decoded granules that all part files share.
    pub fn granule_cache(&self) -> &Arc<GranuleCache> {
        &self.shared.parts.cache
    }

    /// A sorted block of one partition, past the engine's rule, as a part that can be committed: small ones will ride in
    /// the record, larger ones are written to a file now. None for no rows.
    pub async fn stage(&self, schema: &PartSchema, derived: &Derived, block: Block) -> Result<Option<NewPart>> {
        staging::stage_block(&self.shared, schema, derived, block).await
    }

    /// A sorted run of one partition, past the engine's rule, as a part in a file, which is durable when this returns and
    /// goes by itself when the part is not committed. None for no rows.
    pub async fn stage_file(
        &self,
        schema: &PartSchema,
        derived: &Derived,
        rows: Run,
        maturity: Maturity,
    ) -> Result<Option<NewPart>> {
        staging::stage_file(&self.shared, schema, derived, rows, maturity).await
    }

    /// A part's file with other values in some columns, as a part that can be committed in its place, and which of its rows
    /// changed. [`FilePart::can_amend`] must hold. None when no row does.
    pub async fn stage_amended(
        &self,
        schema: &PartSchema,
        old: &FilePart,
        amendment: &Amendment,
    ) -> Result<Option<(NewPart, RowSet)>> {
        staging::stage_amended(&self.shared, schema, old, amendment).await
    }

    /// A part in memory that no flush can write by itself and that should be merged alone; its rows must be brought into
    /// the table's layout ([`MergeWork::upgrade`]).
    pub fn plan_outdated(&self, now_ns: i64) -> Option<MergePlan> {
        merge::plan_outdated(&self.shared, &self.snapshot(), now_ns)
    }

    /// Runs a merge that [`MergePolicy`](crate::MergePolicy) planned and commits it.
    pub async fn merge(&self, plan: &MergePlan, work: &MergeWork) -> std::result::Result<Merged, MergeError> {
        merge::run_with_room(&self.shared, plan, work).await
    }

    /// Says who computes what files keep beside rows that come from memory. The first one stays.
    pub fn derive_by(&self, derives: Derives) {
        self.shared.derives.get_or_init(|| DerivedBy(derives));
    }

    /// Writes a checkpoint now, as the checkpointer does by itself.
    pub async fn checkpoint(&self) -> std::result::Result<(), Error> {
        background::checkpoint(&self.shared).await
    }

    /// Takes no more commits, writes a checkpoint, ends the tasks. Later calls do nothing. The folder is free for
    /// another process when the last clone is dropped.
    pub async fn close(&self) -> Result<()> {
        let tasks: Vec<Task> = std::mem::take(&mut *self.tasks.lock());
        if tasks.is_empty() {
            return Ok(());
        }
        self.shared.closing.send_replace(true);
        let checkpointed = match self.shared.stop_reason() {
            None => self.checkpoint().await,
            Some(_) => Ok(()),
        };
        let (answer, answered) = oneshot::channel();
        let closed = self.shared.send(Request::Close(answer), answered).await;
        for task in tasks {
            task.join().await;
        }
        checkpointed?;
        match closed {
            Ok(()) => Ok(()),
            Err(error) => Err(Error::Stop(error.to_string())),
        }
    }
}

fn start_tasks(shared: &Arc<Shared>, committer: Committer, queue: mpsc::Receiver<Request>) -> Vec<Task> {
    let spawner = &shared.env.spawner;
    vec![
        spawner.spawn("store-committer", Box::pin(committer.run(queue))),
        spawner.spawn("store-checkpoint", Box::pin(background::keep_checkpointing(Arc::clone(shared)))),
        spawner.spawn("store-garbage", Box::pin(background::collect_garbage(Arc::clone(shared)))),
        spawner.spawn("store-sync", Box::pin(background::sync_soon(Arc::clone(shared)))),
    ]
}
