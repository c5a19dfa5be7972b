//! Mutations that were asked for with `mutations_sync = 0`: a list in memory of what hidden tables hold, one a database.
//!
//! ```text
//! enqueue ─▶ { hold merges ─▶ commit its row } ─▶ worker: the rewritten parts and the row's end in one commit
//! ```
//! A mutation concerns the parts up to its boundary, the last block of its table when it was queued; so while any is queued no
//! merge puts parts before and after a boundary together ([`store::Merges::hold`]). Of one table they run in their order.
//! A row is JSON; an empty one is the end of its entry, which a later mutation may take again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;
use query::QueryContext;
use serde::{Deserialize, Serialize};
use store::{Commit, Edit, Snapshot, TableDef, TableParts, Visibility};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use types::{ErrorCode, TableId};
use views::Views;
use views::refresh::record;

use crate::error::{Error, Result};

/// The comment that a hidden table of queued mutations is known by.
const COMMENT: &str = "queued mutations";
/// Mutations that may wait for one database.
const QUEUED_MAX: usize = 1000;

/// What is durable of a queued mutation.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Row {
    /// The id of its table.
    pub(crate) table: u64,
    /// What `system.mutations` calls it by.
    pub(crate) number: u64,
    /// The last block of the table that it concerns.
    pub(crate) boundary: u64,
    /// When it was queued, nanoseconds since 1970.
    pub(crate) at_ns: i64,
    /// Its commands, as ALTER TABLE takes them; tables in them have their databases.
    pub(crate) commands: Vec<String>,
}

/// Why the last try failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) at_ns: i64,
    pub(crate) code: ErrorCode,
    pub(crate) reason: String,
}

/// A queued mutation.
#[derive(Clone, Debug)]
pub(crate) struct Queued {
    pub(crate) row: Row,
    /// The hidden table that it is in, and its entry there.
    home: TableId,
    entry: u64,
    /// The version of its row: mutations are in the order of these.
    order: u64,
    pub(crate) failure: Option<Failure>,
    pub(crate) tries: u32,
    /// Not tried again before, on the clock that never goes back.
    pub(crate) next_try_ns: u64,
    /// Ends it.
    pub(crate) cancel: CancellationToken,
}

impl Queued {
    /// Its table.
    pub(crate) fn table(&self) -> TableId {
        TableId(self.row.table)
    }

    /// `mutation_3.txt`
    pub(crate) fn id(&self) -> String {
        format!("mutation_{}.txt", self.row.number)
    }

    /// The names of the parts that it still has to look at.
    pub(crate) fn parts_to_do(&self, snapshot: &Snapshot) -> Vec<String> {
        let parts = snapshot.table_parts(self.table()).into_iter().flat_map(|parts| parts.parts());
        let names = parts.map(|part| part.name()).filter(|name| name.max_block <= self.row.boundary);
        names.map(ToString::to_string).collect()
    }
}

/// The queued mutations of all databases. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Queue {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    /// Writers take turns: what is in memory is what is in the store.
    writing: tokio::sync::Mutex<()>,
    /// Something was queued or has ended.
    changed: Notify,
    /// The worker has something to look at.
    work: Notify,
}

#[derive(Default)]
struct State {
    queued: Vec<Queued>,
    last_version: u64,
}

impl Queue {
    /// What was queued before the start, with merges held. Must come before anything can merge.
    pub(crate) async fn load(&self, views: &Views, ctx: &QueryContext) -> Result<()> {
        let homes: Vec<TableId> = ctx.snapshot.catalog.tables().filter(|def| is_home(def)).map(|def| def.id).collect();
        for home in homes {
            for (entry, (version, json)) in record::newest(home, ctx).await? {
                let mut state = self.inner.state.lock();
                state.last_version = state.last_version.max(version);
                if json.is_empty() {
                    continue;
                }
                let row: Row = serde_json::from_slice(&json).map_err(|error| {
                    Error::refused(ErrorCode::CORRUPTED_DATA, format!("cannot read a queued mutation: {error}"))
                })?;
                views.store().merges().hold(TableId(row.table));
                state.queued.push(queued(row, home, entry, version));
            }
        }
        self.inner.state.lock().queued.sort_by_key(|queued| queued.order);
        Ok(())
    }

    /// Queues commands over a table. Durable when it returns.
    pub(crate) async fn enqueue(
        &self,
        views: &Views,
        table: &TableDef,
        commands: Vec<String>,
        ctx: &QueryContext,
    ) -> Result<()> {
        let _turn = self.inner.writing.lock().await;
        let store = views.store();
        // before the boundary is drawn: nothing is merged over it from here on
        store.merges().hold(table.id);
        let written = self.write_new(views, table, commands, ctx).await;
        match written {
            Ok(new) => {
                self.inner.state.lock().queued.push(new);
                self.inner.work.notify_one();
                Ok(())
            }
            Err(error) => {
                store.merges().release(table.id);
                Err(error)
            }
        }
    }

    async fn write_new(
        &self,
        views: &Views,
        table: &TableDef,
        commands: Vec<String>,
        ctx: &QueryContext,
    ) -> Result<Queued> {
        let store = views.store();
        let snapshot = store.snapshot();
        let home = snapshot.catalog.tables().find(|def| is_home(def) && def.database == table.database).cloned();
        let boundary = snapshot.table_parts(table.id).map_or(0, TableParts::last_block);
        let (entry, version, number) = {
            let mut state = self.inner.state.lock();
            state.last_version += 1;
            let taken: BTreeSet<u64> =
                state.queued.iter().filter(|q| Some(q.home) == home.as_ref().map(|h| h.id)).map(|q| q.entry).collect();
            if QUEUED_MAX <= taken.len() {
                let message = format!("{QUEUED_MAX} mutations of database {} are waiting", table.database);
                return Err(Error::refused(ErrorCode::TOO_MANY_MUTATIONS, message));
            }
            let entry = (0..).find(|entry| !taken.contains(entry)).unwrap_or(0);
            let last = state.queued.iter().filter(|q| q.table() == table.id).map(|q| q.row.number).max();
            (entry, state.last_version, last.unwrap_or(0).max(boundary) + 1)
        };
        let row = Row { table: table.id.0, number, boundary, at_ns: ctx.now_ns, commands };
        let mut edits = Vec::new();
        let home = match home {
            Some(home) => home,
            None => {
                let new = record::table(views, &table.database, "", ctx.now_ns);
                let new = Arc::new(TableDef { comment: COMMENT.into(), ..new });
                edits.push(Edit::CreateTable(Arc::clone(&new)));
                new
            }
        };
        let json = serde_json::to_vec(&row)
            .map_err(|error| Error::refused(ErrorCode::LOGICAL_ERROR, format!("a queued mutation: {error}")))?;
        edits.push(row_edit(views, &home, entry, version, json).await?);
        let reads = snapshot.read_definition(table.id).into_iter().collect();
        store.commit(Commit { reads, edits, at_ns: 0 }).await?;
        Ok(queued(row, home.id, entry, version))
    }

    /// The edit that ends a queued mutation; none when the table that it is in is gone.
    pub(crate) async fn end_edit(&self, views: &Views, queued: &Queued) -> Result<Option<Edit>> {
        let Some(home) = views.store().snapshot().catalog.table_by_id(queued.home).cloned() else { return Ok(None) };
        let version = {
            let mut state = self.inner.state.lock();
            state.last_version += 1;
            state.last_version
        };
        row_edit(views, &home, queued.entry, version, Vec::new()).await.map(Some)
    }

    /// It is done or killed, and its end is in the store.
    pub(crate) fn ended(&self, views: &Views, queued: &Queued) {
        let mut state = self.inner.state.lock();
        let before = state.queued.len();
        state.queued.retain(|other| other.order != queued.order);
        if state.queued.len() < before {
            views.store().merges().release(queued.table());
        }
        drop(state);
        self.inner.changed.notify_waiters();
        self.inner.work.notify_one();
    }

    /// A try failed; it is tried again later.
    pub(crate) fn failed(&self, queued: &Queued, failure: Failure, next_try_ns: u64) {
        let mut state = self.inner.state.lock();
        for known in state.queued.iter_mut().filter(|other| other.order == queued.order) {
            known.tries += 1;
            known.next_try_ns = next_try_ns;
            known.failure = Some(failure.clone());
        }
        drop(state);
        self.inner.changed.notify_waiters();
    }

    /// Ends one that waits or runs: the worker takes it off the queue. Returns when it is off.
    pub(crate) async fn kill(&self, queued: &Queued, ctx: &QueryContext) -> Result<()> {
        queued.cancel.cancel();
        self.inner.work.notify_one();
        loop {
            let changed = self.inner.changed.notified();
            if !self.list().iter().any(|other| other.order == queued.order) {
                return Ok(());
            }
            tokio::select! {
                biased;
                () = ctx.cancel.cancelled() => ctx.check()?,
                () = changed => {}
            }
        }
    }

    /// All of them, in their order.
    pub(crate) fn list(&self) -> Vec<Queued> {
        self.inner.state.lock().queued.clone()
    }

    /// The first of every table.
    pub(crate) fn heads(&self) -> Vec<Queued> {
        let mut heads: BTreeMap<TableId, Queued> = BTreeMap::new();
        for queued in self.list() {
            heads.entry(queued.table()).or_insert(queued);
        }
        let mut heads: Vec<Queued> = heads.into_values().collect();
        heads.sort_by_key(|queued| queued.order);
        heads
    }

    /// Waits until no mutation of a table is queued. The failure of the first of them, when it cannot be done.
    pub(crate) async fn settle(&self, table: TableId, ctx: &QueryContext) -> Result<Option<Queued>> {
        loop {
            let changed = self.inner.changed.notified();
            let head = self.list().into_iter().find(|queued| queued.table() == table);
            match head {
                None => return Ok(None),
                Some(head) if head.failure.is_some() => return Ok(Some(head)),
                Some(_) => {}
            }
            tokio::select! {
                biased;
                () = ctx.cancel.cancelled() => ctx.check()?,
                () = changed => {}
            }
        }
    }

    /// Waits until there may be something to do.
    pub(crate) async fn wait_for_work(&self) {
        self.inner.work.notified().await;
    }
}

fn queued(row: Row, home: TableId, entry: u64, order: u64) -> Queued {
    let cancel = CancellationToken::new();
    Queued { row, home, entry, order, failure: None, tries: 0, next_try_ns: 0, cancel }
}

fn is_home(def: &TableDef) -> bool {
    def.visibility == Visibility::Hidden && &*def.comment == COMMENT
}

async fn row_edit(views: &Views, home: &Arc<TableDef>, entry: u64, version: u64, json: Vec<u8>) -> Result<Edit> {
    let Some(schema) = &home.schema else {
        return Err(Error::refused(ErrorCode::CORRUPTED_DATA, "the table of queued mutations has no layout"));
    };
    let block = record::rows(version, &[(entry, json)])?;
    Ok(record::edit(views, home, schema, &block).await?)
}
