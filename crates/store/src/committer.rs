//! The one writer: numbers commits, decides conflicts, writes them to the log in groups with one sync each, publishes.
//!
//! ```text
//! callers ─▶ queue ─▶ [ take what waits ─▶ apply each ─▶ compact ─▶ append + sync ─▶ publish ─▶ answer ] ─▶ again
//! ```
//! Promise: a receipt is given after the sync, in `FsyncMode::Always`; a commit is visible to nobody before. A commit that
//! need not wait for it is durable with the next one that must, or soon. After a
//! failed append or sync the outcome is unknown: nothing of the group is published, nobody is answered "no", and no later
//! commit is taken. Recovery decides.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parts::PartitionId;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use types::{CommitSeq, TableId};

use crate::active_part::ActivePart;
use crate::apply::Applied;
use crate::commit::{Commit, Edit, Receipt};
use crate::compact;
use crate::config::{GROUP_BYTES_MAX, GROUP_COMMITS_MAX};
use crate::error::{CommitError, Conflict, Error};
use crate::garbage::PartFile;
use crate::log::{FsyncMode, LogStore, Record};
use crate::reservations::Reservation;
use crate::shared::{Shared, Stop};
use crate::snapshot::Snapshot;
use crate::stats::Stats;

/// What the writer is asked for.
#[derive(Debug)]
pub(crate) enum Request {
    /// One commit.
    Commit(Box<Pending>),
    /// Make everything published durable.
    Sync(oneshot::Sender<Result<(), CommitError>>),
    /// Free the log up to a commit that a checkpoint has.
    Free(CommitSeq, oneshot::Sender<Result<(), CommitError>>),
    /// Take no more, make everything durable, end.
    Close(oneshot::Sender<Result<(), CommitError>>),
}

/// A commit in the queue.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) commit: Commit,
    /// The commit as bytes, its time still to be filled in.
    pub(crate) bytes: Vec<u8>,
    /// When it is forced to the disk.
    pub(crate) fsync: FsyncMode,
    pub(crate) answer: oneshot::Sender<Result<Receipt, CommitError>>,
    /// Its share of the queue's bytes, given back with this.
    pub(crate) _permit: Option<OwnedSemaphorePermit>,
}

/// The writer's own state.
#[derive(Debug)]
pub(crate) struct Committer {
    shared: Arc<Shared>,
    log: Box<dyn LogStore>,
}

/// Commits that go into one sync.
#[derive(Debug)]
struct Group {
    snapshot: Snapshot,
    records: Vec<Record>,
    answers: Vec<(oneshot::Sender<Result<Receipt, CommitError>>, Receipt)>,
    removed: Vec<Arc<ActivePart>>,
    files: Vec<Arc<PartFile>>,
    /// Where inserts went, and the first block they got there.
    touched: BTreeMap<(TableId, PartitionId), u64>,
    /// Inputs of compactions, until the group is published.
    reservations: Vec<Reservation>,
    bytes: usize,
    /// True when a commit of it must be durable before it is answered; then all are.
    sync: bool,
    /// True when a commit of it must be durable soon.
    sync_soon: bool,
    /// What is counted when it is published.
    done: Stats,
}

impl Committer {
    pub(crate) fn new(shared: Arc<Shared>, log: Box<dyn LogStore>) -> Committer {
        shared.log_bytes.store(log.size_bytes(), Ordering::Relaxed);
        Committer { shared, log }
    }

    /// Serves requests until it is closed or every sender is gone.
    pub(crate) async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut next = requests.recv().await;
        while let Some(request) = next.take() {
            match request {
                Request::Commit(first) => next = self.serve_group(first, &mut requests).await,
                Request::Sync(answer) => drop(answer.send(self.sync().await)),
                Request::Free(seq, answer) => drop(answer.send(self.free(seq).await)),
                Request::Close(answer) => {
                    self.shared.stop(Stop::Closed);
                    drop(answer.send(self.sync().await));
                    return;
                }
            }
            if next.is_none() {
                next = requests.recv().await;
            }
        }
    }

    /// Takes the commits that wait, up to the limits of a group, and serves them. Gives back the request that is none.
    async fn serve_group(&mut self, first: Box<Pending>, requests: &mut mpsc::Receiver<Request>) -> Option<Request> {
        let mut pending = vec![first];
        let mut bytes = 0;
        let mut other = None;
        while pending.len() < GROUP_COMMITS_MAX && bytes < GROUP_BYTES_MAX && other.is_none() {
            match requests.try_recv() {
                Ok(Request::Commit(commit)) => {
                    bytes += commit.bytes.len();
                    pending.push(commit);
                }
                Ok(request) => other = Some(request),
                Err(_) => break,
            }
        }
        if let Some(reason) = self.shared.stop_reason() {
            for commit in pending {
                drop(commit.answer.send(Err(CommitError::Stopped(reason.clone()))));
            }
            return other;
        }
        let mut group = self.begin_group();
        for commit in pending {
            self.admit(*commit, &mut group);
        }
        self.compact(&mut group);
        self.write(group).await;
        other
    }

    fn begin_group(&self) -> Group {
        Group {
            snapshot: (*self.shared.snapshot()).clone(),
            records: Vec::new(),
            answers: Vec::new(),
            removed: Vec::new(),
            files: Vec::new(),
            touched: BTreeMap::new(),
            reservations: Vec::new(),
            bytes: 0,
            sync: false,
            sync_soon: false,
            done: Stats { log_groups: 1, ..Stats::default() },
        }
    }

    /// Applies one commit to the group's snapshot, or answers why it does not apply.
    fn admit(&self, pending: Pending, group: &mut Group) {
        let Pending { mut commit, mut bytes, fsync, answer, _permit } = pending;
        // Commit times never go back, whatever the wall clock does.
        commit.at_ns = self.shared.env.clock.now_ns().max(group.snapshot.at_ns);
        Commit::stamp(&mut bytes, commit.at_ns);
        let applied = self.check_parts(&commit, &group.snapshot).and_then(|()| Ok(group.snapshot.apply(&commit)?));
        match applied {
            Ok(applied) => {
                group.sync |= fsync == FsyncMode::Always;
                group.sync_soon |= matches!(fsync, FsyncMode::Interval(_));
                group.note_touched(&commit);
                group.answers.push((answer, applied.receipt));
                group.take(&commit, bytes, applied);
            }
            Err(error) => {
                let is_duplicate = matches!(error, CommitError::Conflict(Conflict::Duplicate(_)));
                self.shared.counters.duplicates.add(u64::from(is_duplicate));
                drop(answer.send(Err(error)));
            }
        }
    }

    /// Refuses an insert into a partition that has too many parts.
    fn check_parts(&self, commit: &Commit, snapshot: &Snapshot) -> Result<(), CommitError> {
        for edit in &commit.edits {
            let Edit::Insert { table, parts, .. } = edit else { continue };
            let Some(there) = snapshot.parts.table(*table) else { continue };
            for part in parts {
                let count = there.partition_count(part.partition_id());
                if self.shared.config.partition_parts_max <= count
                    && let Some(def) = snapshot.catalog.table_by_id(*table)
                {
                    let partition = part.partition_id().to_string();
                    return Err(CommitError::TooManyParts { table: def.qualified_name(), partition, parts: count });
                }
            }
        }
        Ok(())
    }

    /// Adds a commit for every partition whose small parts should become one.
    fn compact(&self, group: &mut Group) {
        for ((table, partition), first_block) in std::mem::take(&mut group.touched) {
            if !self.shared.merges.may_run(table) {
                continue;
            }
            let Some(inputs) = self.plan_compaction(&group.snapshot, table, &partition, first_block) else { continue };
            let Some(reservation) = self.shared.reservations.reserve(table, &inputs) else { continue };
            let mut commit = Commit::of(vec![Edit::Compact { table, inputs }]);
            commit.at_ns = group.snapshot.at_ns;
            match group.snapshot.apply(&commit) {
                Ok(applied) => {
                    group.reservations.push(reservation);
                    let bytes = commit.encode();
                    group.take(&commit, bytes, applied);
                }
                // The rows stay as they are; the next merge meets the same error where somebody is told.
                Err(conflict) => tracing::error!(%conflict, %table, "small parts could not be joined"),
            }
        }
    }

    fn plan_compaction(
        &self,
        snapshot: &Snapshot,
        table: TableId,
        partition: &PartitionId,
        first_block: u64,
    ) -> Option<Vec<parts::PartName>> {
        let schema = snapshot.catalog.table_by_id(table)?.schema.as_ref()?;
        let may_join = |part: &ActivePart| {
            snapshot.is_current(table, schema, part) && self.shared.reservations.is_free(table, part.name())
        };
        compact::plan(snapshot.parts.table(table)?, partition, first_block, &may_join)
    }

    /// Makes the group durable, then visible, then answers.
    async fn write(&mut self, group: Group) {
        if group.records.is_empty() {
            return;
        }
        if let Err((free, needed)) = self.shared.check_space(group.bytes as u64).await {
            return self.refuse(group, CommitError::NoSpace { free, needed });
        }
        // From here on the log may name them, whatever becomes of the write.
        group.files.iter().for_each(|file| file.keep());
        if let Err(error) = self.log.append(&group.records, group.sync).await {
            if let Error::LogFull = error {
                group.files.iter().for_each(|file| file.unkeep());
                let needed = group.bytes as u64;
                return self.refuse(group, CommitError::NoSpace { free: 0, needed });
            }
            let reason = error.to_string();
            tracing::error!(reason, "the log could not be written: no more commits are taken");
            self.log.fence();
            self.shared.stop(Stop::Failed(reason.clone()));
            for (answer, _) in group.answers {
                drop(answer.send(Err(CommitError::Unknown(reason.clone()))));
            }
            return;
        }
        self.publish(group);
    }

    /// Answers that the disk is full; nothing happened, and the next group is tried as if nothing had been.
    fn refuse(&self, group: Group, error: CommitError) {
        self.shared.counters.refused_full_disk.add(group.answers.len() as u64);
        tracing::warn!(%error, "commits are refused");
        for (answer, _) in group.answers {
            drop(answer.send(Err(error.clone())));
        }
    }

    fn publish(&self, group: Group) {
        if group.sync_soon && !group.sync {
            self.shared.unsynced.notify_one();
        }
        let seq = group.snapshot.seq;
        self.shared.log_bytes.store(self.log.size_bytes(), Ordering::Relaxed);
        self.shared.counters.add(&group.done);
        self.shared.snapshot.store(Arc::new(group.snapshot));
        for part in &group.removed {
            if let Some(file) = &part.file {
                file.give_up();
            }
        }
        drop(group.reservations);
        self.shared.published.tell(seq);
        for (answer, receipt) in group.answers {
            drop(answer.send(Ok(receipt)));
        }
    }

    async fn sync(&mut self) -> Result<(), CommitError> {
        self.log.sync().await.map(drop).map_err(|error| self.fail(&error))
    }

    async fn free(&mut self, seq: CommitSeq) -> Result<(), CommitError> {
        let freed = self.log.free_up_to(seq).await;
        self.shared.log_bytes.store(self.log.size_bytes(), Ordering::Relaxed);
        freed.map_err(|error| self.fail(&error))
    }

    /// After this no commit is taken: what the log holds is unknown.
    fn fail(&mut self, error: &Error) -> CommitError {
        let reason = error.to_string();
        self.log.fence();
        self.shared.stop(Stop::Failed(reason.clone()));
        CommitError::Stopped(reason)
    }
}

impl Group {
    fn take(&mut self, commit: &Commit, bytes: Vec<u8>, applied: Applied) {
        debug_assert_eq!(applied.snapshot.at_ns, commit.at_ns, "the record has the time that was applied");
        self.bytes += bytes.len();
        self.done.count(commit, bytes.len());
        self.records.push(Record { seq: applied.receipt.seq, payload: bytes.into() });
        self.snapshot = applied.snapshot;
        self.removed.extend(applied.removed);
        self.files.extend(commit.new_parts().filter_map(|part| part.file().cloned()));
    }

    /// Remembers where `commit`, which is about to be taken, puts its first block in each partition.
    fn note_touched(&mut self, commit: &Commit) {
        for edit in &commit.edits {
            let Edit::Insert { table, parts, .. } = edit else { continue };
            let first = self.snapshot.parts.table(*table).map_or(1, |parts| parts.last_block() + 1);
            for part in parts.iter().filter(|part| part.file().is_none()) {
                self.touched.entry((*table, part.partition_id().clone())).or_insert(first);
            }
        }
    }
}
