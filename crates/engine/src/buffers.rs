//! Engine Buffer: rows on their way into another table.
//!
//! A row that was acknowledged is in the log, as one of any table: a Buffer has parts of its own, and a flush is one
//! commit that inserts them into the destination (through its views) and drops them here. So a kill loses nothing and
//! doubles nothing. One loop flushes what is due by time; inserts, OPTIMIZE, DROP, DETACH and the end of the process
//! flush by themselves. A flush that fails leaves the rows where they are.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use parts::PartName;
use query::buffer_engine::{Amount, BufferEngine};
use query::{Caller, QueryContext, Runtime};
use store::{Edit, QualifiedName, Snapshot, Store, TableDef, TableKind};
use tokio_util::sync::CancellationToken;
use types::{Settings, TableId};
use views::{InsertOptions, Views};

use crate::error::{Error, Result};
use crate::insert::from_prepared;

/// A flush whose parts were joined by others meanwhile is tried again so often.
const ATTEMPTS_MAX: usize = 5;
/// The loop leaves limits of rows and bytes to inserts for so long after the last one.
const SETTLES_NS: i64 = 1_000_000_000;
/// After a flush that failed, the loop waits so long.
const PAUSE: Duration = Duration::from_secs(5);

/// Flushes, one at a time, and the task of the loop.
pub(crate) struct Buffers {
    flusher: Arc<Flusher>,
    stop: CancellationToken,
    task: Mutex<Option<env::Task>>,
}

/// Which rows of a Buffer are meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Which<'a> {
    All,
    /// Those of these parts.
    Of(&'a [PartName]),
}

struct Flusher {
    store: Arc<Store>,
    runtime: Arc<Runtime>,
    views: Views,
    /// Two flushes of one Buffer would want the same parts.
    turn: tokio::sync::Mutex<()>,
}

impl Buffers {
    /// Starts the loop.
    pub(crate) fn start(store: Arc<Store>, runtime: Arc<Runtime>, views: Views) -> Buffers {
        let stop = CancellationToken::new();
        let env = runtime.env.clone();
        let flusher = Arc::new(Flusher { store, runtime, views, turn: tokio::sync::Mutex::new(()) });
        let task = env.spawner.spawn("buffers", Box::pin(run(Arc::clone(&flusher), stop.clone())));
        Buffers { flusher, stop, task: Mutex::new(Some(task)) }
    }

    /// Ends the loop and flushes every Buffer; what cannot be flushed stays and is there after a start.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        let task = self.task.lock().take();
        if let Some(task) = task {
            task.join().await;
        }
        for def in buffers(&self.flusher.store.snapshot()) {
            if let Err(error) = self.flusher.flush(&def, Which::All).await {
                tracing::warn!(table = %def.qualified_name(), %error, "Buffer was not flushed; its rows stay in it");
            }
        }
    }

    /// Flushes all rows of a Buffer.
    pub(crate) async fn flush(&self, def: &Arc<TableDef>) -> Result<()> {
        self.flusher.flush(def, Which::All).await
    }

    /// After an insert: a block that is beyond the limits goes on at once; else, when it does not fit beside the rows
    /// that were there, those go.
    pub(crate) async fn after_insert(
        &self,
        def: &Arc<TableDef>,
        before: &Snapshot,
        written: views::insert::Written,
    ) -> Result<()> {
        let flusher = &self.flusher;
        let ctx = flusher.context();
        let Some(engine) = BufferEngine::of_table(def, &ctx)? else { return Ok(()) };
        let names = |snapshot: &Snapshot| -> Vec<PartName> {
            let parts = snapshot.table_parts(def.id).into_iter().flat_map(|parts| parts.parts());
            parts.map(|part| part.name().clone()).collect()
        };
        let old = names(before);
        if engine.is_too_large(written.rows, written.bytes) {
            let mut new = names(&ctx.snapshot);
            new.retain(|name| !old.contains(name));
            return flusher.flush(def, Which::Of(&new)).await;
        }
        match engine.is_due(amount(&ctx.snapshot, def.id, ctx.now_ns)) && !old.is_empty() {
            true => flusher.flush(def, Which::Of(&old)).await,
            false => Ok(()),
        }
    }
}

async fn run(flusher: Arc<Flusher>, stop: CancellationToken) {
    let clock = flusher.runtime.env.clock.clone();
    let mut published = flusher.store.subscribe();
    while !stop.is_cancelled() {
        let (due, wait) = flusher.due();
        let mut failed = false;
        for def in &due {
            if let Err(error) = flusher.flush(def, Which::All).await {
                tracing::warn!(table = %def.qualified_name(), %error, "Buffer was not flushed; its rows stay in it");
                failed = true;
            }
        }
        if !due.is_empty() && !failed {
            continue;
        }
        let wait = if failed { Some(PAUSE) } else { wait };
        let timer = async {
            match wait {
                Some(wait) => clock.sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = timer => {}
            _seq = published.changed(), if !failed => {}
        }
    }
}

impl Flusher {
    fn context(&self) -> QueryContext {
        let caller = Caller { query_id: "buffers".into(), user: "default".into(), database: "default".into() };
        QueryContext::new(self.runtime.clone(), self.store.snapshot(), caller, Settings::default())
    }

    /// The Buffers that are due, and when the next one is.
    fn due(&self) -> (Vec<Arc<TableDef>>, Option<Duration>) {
        let ctx = self.context();
        let (mut due, mut wait_s) = (Vec::new(), None::<u64>);
        for def in buffers(&ctx.snapshot) {
            let amount = amount(&ctx.snapshot, def.id, ctx.now_ns);
            let Ok(Some(engine)) = BufferEngine::of_table(&def, &ctx) else { continue };
            if amount.rows == 0 {
                continue;
            }
            // an insert that is being answered looks at rows and bytes itself
            let settles = newest_ns(&ctx.snapshot, def.id).saturating_add(SETTLES_NS) > ctx.now_ns;
            let looked_at = if settles { Amount { seconds: amount.seconds, ..Amount::default() } } else { amount };
            if engine.is_due_by_itself(looked_at) {
                due.push(def);
                continue;
            }
            if settles {
                wait_s = Some(1);
                continue;
            }
            // limits are passed, not reached: a second more
            let left = engine.due_after_s(amount.rows, amount.bytes).saturating_sub(amount.seconds).saturating_add(1);
            wait_s = Some(wait_s.map_or(left, |wait| wait.min(left)));
        }
        (due, wait_s.map(Duration::from_secs))
    }

    /// The rows go to the destination and out of the Buffer, in one commit.
    async fn flush(&self, def: &Arc<TableDef>, which: Which<'_>) -> Result<()> {
        let _turn = self.turn.lock().await;
        let mut attempt = 1;
        loop {
            let ctx = self.context();
            let Some(engine) = BufferEngine::of_table(def, &ctx)? else { return Ok(()) };
            let parts = chosen(&ctx.snapshot, def.id, which);
            if parts.is_empty() {
                return Ok(());
            }
            let result = self.flush_parts(def, &engine.destination, parts.clone(), &ctx).await;
            let has_changed = chosen(&self.store.snapshot(), def.id, which) != parts;
            if result.is_ok() || !has_changed || attempt == ATTEMPTS_MAX {
                return result;
            }
            attempt += 1;
        }
    }

    async fn flush_parts(
        &self,
        def: &Arc<TableDef>,
        destination: &QualifiedName,
        parts: Vec<PartName>,
        ctx: &QueryContext,
    ) -> Result<()> {
        if destination.name.is_empty() {
            let edits = vec![Edit::DropParts { table: def.id, parts }];
            self.store.commit(store::Commit::of(edits)).await?;
            return Ok(());
        }
        let (passage, ctx) = self.views.enter(destination, ctx).await;
        let ctx = Arc::new(ctx);
        let target = ctx.snapshot.catalog.named(destination).cloned();
        let target = target.ok_or_else(|| crate::ddl::unknown_table(&ctx, destination))?;
        let mut into = self.views.insert(&target, &ctx, InsertOptions::default())?;
        into.keep(passage);
        let query = rows_of(def, &into.table().insertable, &parts)?;
        into.attach(Edit::DropParts { table: def.id, parts });
        let prepared = query::prepare(&query, &ctx).await?;
        from_prepared(&mut into, &prepared, &ctx).await?;
        into.commit().await?;
        Ok(())
    }
}

/// `SELECT` of the columns that the destination has too, from some parts of a Buffer.
fn rows_of(def: &TableDef, insertable: &types::Header, parts: &[PartName]) -> Result<sql::Query> {
    let shared = def.columns.columns().iter().filter(|column| insertable.column(&column.name).is_some());
    let columns: Vec<String> = shared.map(|column| sql::back_quote(&column.name)).collect();
    if columns.is_empty() {
        let message = format!("Buffer {} has no column of its destination", def.qualified_name());
        return Err(Error::refused(types::ErrorCode::BAD_ARGUMENTS, message));
    }
    let names: Vec<String> = parts.iter().map(|part| sql::quote_string(part.to_string().as_bytes())).collect();
    let text = format!(
        "SELECT {} FROM {}.{} WHERE _part IN ({})",
        columns.join(", "),
        sql::back_quote(&def.database),
        sql::back_quote(&query::state_table_name(def.id)),
        names.join(", ")
    );
    match sql::parse_statement(&text)?.kind {
        sql::ast::StatementKind::Query(query) => Ok(*query),
        _ => Err(Error::refused(types::ErrorCode::LOGICAL_ERROR, format!("{text} is no SELECT"))),
    }
}

fn buffers(snapshot: &Snapshot) -> Vec<Arc<TableDef>> {
    let listed = |table: &&Arc<TableDef>| table.kind == TableKind::Buffer && !table.visibility.is_detached();
    snapshot.catalog.tables().filter(listed).cloned().collect()
}

fn chosen(snapshot: &Snapshot, table: TableId, which: Which<'_>) -> Vec<PartName> {
    let parts = snapshot.table_parts(table).into_iter().flat_map(|parts| parts.parts());
    let parts = parts.map(|part| part.name().clone());
    match which {
        Which::All => parts.collect(),
        Which::Of(names) => parts.filter(|name| names.contains(name)).collect(),
    }
}

fn newest_ns(snapshot: &Snapshot, table: TableId) -> i64 {
    let parts = snapshot.table_parts(table).into_iter().flat_map(|parts| parts.parts());
    parts.map(|part| part.created_ns).max().unwrap_or(i64::MIN)
}

/// What is in a Buffer.
fn amount(snapshot: &Snapshot, table: TableId, now_ns: i64) -> Amount {
    let Some(parts) = snapshot.table_parts(table) else { return Amount::default() };
    let oldest_ns = parts.parts().map(|part| part.created_ns).min().unwrap_or(now_ns);
    Amount {
        seconds: u64::try_from(now_ns.saturating_sub(oldest_ns) / 1_000_000_000).unwrap_or(0),
        rows: parts.rows(),
        bytes: parts.parts().map(|part| part.part.meta.uncompressed_bytes).sum(),
    }
}
