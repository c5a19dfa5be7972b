//! SYSTEM commands, and the system tables that the engine knows.

pub(crate) mod processes;
mod tables;

use std::sync::Arc;

use query::{QueryContext, SystemTable};
use sql::ast::{ObjectName, Switch, System, SystemCommand};

use views::refresh::Switch as Switched;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::{ddl, dictionaries};

pub(crate) use tables::Sources;

/// The logs that there are to flush.
const LOGS: &[&str] = &["query_log", "part_log"];

/// Runs SYSTEM.
pub(crate) async fn run(engine: &Engine, system: &System, ctx: &QueryContext) -> Result<()> {
    ddl::refuse_cluster(&system.on_cluster)?;
    let later = |what: &str| Err(Error::NotImplemented(format!("SYSTEM {what}")));
    let merges = engine.inner.store.merges();
    let refreshes = &engine.inner.refreshes;
    match &system.command {
        SystemCommand::Merges(switch, table) => {
            let table = table.as_ref().map(|table| ddl::table(ctx, table)).transpose()?.map(|table| table.id);
            match switch {
                Switch::Stop => merges.stop(table),
                Switch::Start => merges.start(table),
            }
            Ok(())
        }
        SystemCommand::TtlMerges(switch, table) => {
            let table = table.as_ref().map(|table| ddl::table(ctx, table)).transpose()?.map(|table| table.id);
            match switch {
                Switch::Stop => merges.stop_ttl(table),
                Switch::Start => merges.start_ttl(table),
            }
            Ok(())
        }
        // inserts are durable and visible when they are answered: nothing waits anywhere
        SystemCommand::FlushAsyncInsertQueue(_) => Ok(()),
        // statements are in their log when they have ended; parts are looked at now
        SystemCommand::FlushLogs(names) => {
            let is_log = |name: &&ObjectName| {
                let is_of_system = name.database.as_ref().is_none_or(|database| database.name == query::system::SYSTEM);
                is_of_system && LOGS.contains(&name.name.name.as_str())
            };
            if let Some(other) = names.iter().find(|name| !is_log(name)) {
                let message = format!("log {other} does not exist");
                return Err(Error::refused(types::ErrorCode::BAD_ARGUMENTS, message));
            }
            engine.inner.telemetry.observe(&engine.inner.store.snapshot(), ctx.now_ns);
            Ok(())
        }
        SystemCommand::RefreshView(view, partitions) => refreshes.request(view, partitions, ctx).await,
        SystemCommand::WaitView(view) => refreshes.wait(view, ctx).await,
        SystemCommand::CancelView(view) => refreshes.cancel(view, ctx).await,
        SystemCommand::StopView(Some(view)) => refreshes.stop_view(view, ctx).await,
        SystemCommand::StopView(None) => refreshes.stop_all(ctx).await,
        SystemCommand::PauseView(Some(view)) => refreshes.switch(view, Switched::Off, ctx).await,
        SystemCommand::PauseView(None) => refreshes.switch_all(Switched::Off, ctx).await.map(drop),
        SystemCommand::StartView(Some(view)) => refreshes.switch(view, Switched::On, ctx).await,
        SystemCommand::StartView(None) => refreshes.switch_all(Switched::On, ctx).await.map(drop),
        SystemCommand::TestView(view, time) => refreshes.fake_time(view, time.as_deref(), ctx).await,
        SystemCommand::RollbackView(view, generation) => refreshes.rollback(view, *generation, ctx).await,
        SystemCommand::RepairView(view) => crate::alter::repair(engine, view, ctx).await,
        SystemCommand::ReloadDictionary(name) => dictionaries::reload(engine, name.as_ref(), ctx).await,
        SystemCommand::Moves(..) => later("STOP|START MOVES"),
        SystemCommand::Shutdown => later("SHUTDOWN"),
        SystemCommand::Other(words) if drop_cache(engine, words) => Ok(()),
        SystemCommand::ReplicatedView(_, view) => refreshes.refuse_replicated(view, ctx).await,
        SystemCommand::Other(words) if is_of_one_view(words) => {
            let message =
                format!("SYSTEM {words}: one view is named (SYSTEM REFRESH VIEW v), there is no such command for all");
            Err(Error::refused(types::ErrorCode::UNKNOWN_TABLE, message))
        }
        SystemCommand::Other(words) => later(words),
    }
}

/// REFRESH VIEWS, CANCEL VIEWS: ClickHouse takes the word for a table's name.
fn is_of_one_view(words: &str) -> bool {
    ["REFRESH VIEWS", "CANCEL VIEWS"].iter().any(|command| words.eq_ignore_ascii_case(command))
}

/// SYSTEM DROP … CACHE, for the caches that there are; false for other words.
fn drop_cache(engine: &Engine, words: &str) -> bool {
    let runtime = &engine.inner.runtime;
    match words.to_ascii_uppercase().as_str() {
        "DROP UNCOMPRESSED CACHE" | "DROP MARK CACHE" | "DROP PRIMARY INDEX CACHE" | "DROP PAGE CACHE" => {
            engine.inner.store.granule_cache().clear();
            runtime.key_indexes.clear();
        }
        "DROP COMPILED EXPRESSION CACHE" | "DROP QUERY CACHE" | "DROP QUERY CONDITION CACHE" => runtime.plans.clear(),
        // nothing is cached that these could make old
        "DROP DNS CACHE" | "DROP MMAP CACHE" | "DROP FORMAT SCHEMA CACHE" | "DROP SCHEMA CACHE" => {}
        _ => return false,
    }
    true
}

/// The system tables of the engine.
pub(crate) fn tables(sources: &Sources) -> Vec<Arc<dyn SystemTable>> {
    let mut tables = tables::all(sources);
    tables.push(processes::table(&sources.processes));
    tables
}
