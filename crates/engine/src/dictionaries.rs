//! Dictionaries beside the statements: loaded again when their lifetime is over or a command says so, and loaded before
//! a statement whose expressions are evaluated without a plan.
//!
//! One loop, woken when something was loaded and when the next lifetime ends. A load that fails leaves what was there;
//! its error is in `system.dictionaries`. Never here: what a load does (`query::dictionary`).

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use query::{Caller, QueryContext, Runtime};
use sql::ast::{ObjectName, StatementKind};
use store::{Store, TableDef, TableKind};
use tokio_util::sync::CancellationToken;
use types::{ErrorCode, Settings};

use crate::ddl;
use crate::engine::{DEFAULT_DATABASE, Engine};
use crate::error::{Error, Result};

/// The task of the loop.
pub(crate) struct Refresher {
    stop: CancellationToken,
    task: Mutex<Option<env::Task>>,
}

impl Refresher {
    /// Starts the loop.
    pub(crate) fn start(store: Arc<Store>, runtime: Arc<Runtime>) -> Refresher {
        let stop = CancellationToken::new();
        let env = runtime.env.clone();
        let task = env.spawner.spawn("dictionaries", Box::pin(refresh(store, runtime, stop.clone())));
        Refresher { stop, task: Mutex::new(Some(task)) }
    }

    /// Ends the loop after the load under way.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        let task = self.task.lock().take();
        if let Some(task) = task {
            task.join().await;
        }
    }
}

async fn refresh(store: Arc<Store>, runtime: Arc<Runtime>, stop: CancellationToken) {
    loop {
        let now_ns = runtime.env.clock.now_ns();
        let (due, next_ns) = runtime.dictionaries.due(now_ns);
        for id in &due {
            let ctx = context(&store, &runtime);
            if let Err(error) = runtime.dictionaries.load(*id, &ctx).await {
                tracing::warn!(dictionary = %id, %error, "dictionary was not loaded again; it stays as it is");
            }
        }
        if !due.is_empty() {
            runtime.dictionaries.retain(&store.snapshot());
            continue;
        }
        let wait_ns = next_ns.map(|next_ns| u64::try_from(next_ns.saturating_sub(now_ns)).unwrap_or(0));
        let timer = async {
            match wait_ns {
                Some(wait_ns) => runtime.env.clock.sleep(Duration::from_nanos(wait_ns)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = runtime.dictionaries.changed() => {}
            () = timer => {}
        }
    }
}

fn context(store: &Store, runtime: &Arc<Runtime>) -> QueryContext {
    let caller = Caller { query_id: "dictionaries".into(), user: "default".into(), database: DEFAULT_DATABASE.into() };
    QueryContext::new(runtime.clone(), store.snapshot(), caller, Settings::default())
}

/// SYSTEM RELOAD DICTIONARY, and SYSTEM RELOAD DICTIONARIES: those that are loaded.
pub(crate) async fn reload(engine: &Engine, name: Option<&ObjectName>, ctx: &QueryContext) -> Result<()> {
    let dictionaries = &engine.inner.runtime.dictionaries;
    let Some(name) = name else {
        for def in all(ctx) {
            if dictionaries.known(def.id).is_some_and(|slot| slot.content().is_ok()) {
                dictionaries.load(def.id, ctx).await?;
            }
        }
        return Ok(());
    };
    let name = ddl::qualified(ctx, name);
    let def = ctx.snapshot.catalog.named(&name).filter(|def| def.kind == TableKind::Dictionary);
    let def =
        def.ok_or_else(|| Error::refused(ErrorCode::BAD_ARGUMENTS, format!("dictionary (`{}`) not found", name.name)))?;
    Ok(dictionaries.load(def.id, ctx).await?)
}

fn all(ctx: &QueryContext) -> impl Iterator<Item = &Arc<TableDef>> {
    ctx.snapshot.catalog.tables().filter(|def| def.kind == TableKind::Dictionary)
}

/// Loads the dictionaries that a statement or the table that it changes may use in an expression that no plan is made for:
/// defaults, constraints, assignments, VALUES. One that cannot be loaded fails where it is used.
pub(crate) async fn load_before(kind: &StatementKind, text: &[u8], ctx: &QueryContext) {
    let table = match kind {
        StatementKind::Insert(insert) => match &insert.target {
            sql::ast::InsertTarget::Table(name) => Some(ddl::qualified(ctx, name)),
            sql::ast::InsertTarget::Function(_) => None,
        },
        StatementKind::AlterTable(alter) => Some(ddl::qualified(ctx, &alter.name)),
        StatementKind::CreateTable(_) => None,
        StatementKind::Mutate(mutate) => Some(ddl::qualified(ctx, &mutate.table)),
        _ => return,
    };
    let def = table.and_then(|name| ctx.snapshot.catalog.named(&name).cloned());
    let definition = def.as_ref().map_or("", |def| &*def.sql);
    let in_text = contains(text, b"dict");
    if !in_text && !definition.contains("dict") {
        return;
    }
    let dictionaries = &ctx.runtime.dictionaries;
    for def in all(ctx) {
        let is_named = definition.contains(&*def.name) || contains(text, def.name.as_bytes());
        if is_named && dictionaries.known(def.id).is_none_or(|slot| slot.content().is_err()) {
            // its error is in system.dictionaries, and is met again by whoever looks something up in it
            let _ = dictionaries.load(def.id, ctx).await;
        }
    }
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len().max(1)).any(|window| window == word)
}
