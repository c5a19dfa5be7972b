//! Mutations that are not waited for: how they are queued, how one that comes off the queue is run, and how others wait.

use std::sync::Arc;

use query::QueryContext;
use sql::ast::AlterAction;
use store::{Edit, TableDef, TableKind};
use types::{ErrorCode, Setting};

use super::Work;
use super::mutate::{changes, refuse_rows, reserve, rewrite_parts};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::mutations::Queued;

/// True when the statement does not wait for its mutation.
pub(super) fn may_queue(table: &TableDef, ctx: &QueryContext) -> bool {
    // values of parameters are not kept
    ctx.settings.uint(Setting::MutationsSync) == 0 && table.kind == TableKind::MergeTree && ctx.params.is_empty()
}

/// Queues a mutation. What is wrong with it, whatever the rows are, is said at once.
pub(super) async fn enqueue(work: &Work<'_>, table: &TableDef, actions: &[&AlterAction]) -> Result<()> {
    changes(work, table.id, actions).await?;
    refuse_rows(table, actions)?;
    let commands = actions.iter().map(|action| action.to_string()).collect();
    let inner = &work.engine.inner;
    inner.mutations.queue.enqueue(&inner.views, table, commands, &work.ctx).await
}

/// Waits for the mutations that were queued before.
pub(super) async fn settle(work: &Work<'_>, table: &TableDef) -> Result<()> {
    let Some(failed) = work.engine.inner.mutations.queue.settle(table.id, &work.ctx).await? else { return Ok(()) };
    let reason = failed.failure.as_ref().map(|failure| failure.reason.as_str()).unwrap_or_default();
    let id = failed.id();
    let message =
        format!("mutation '{id}' before it is not done: {reason}. KILL MUTATION WHERE mutation_id = '{id}' ends it");
    Err(Error::refused(ErrorCode::UNFINISHED, message))
}

/// Runs a queued mutation over the parts that it concerns; `end` takes it off the queue in the same commit.
pub(crate) async fn run_queued(
    engine: &Engine,
    queued: &Queued,
    actions: &[AlterAction],
    end: Option<Edit>,
    ctx: &Arc<QueryContext>,
) -> Result<()> {
    let mut work = Work::new(engine, ctx);
    let table = queued.table();
    let actions: Vec<&AlterAction> = actions.iter().collect();
    let names = reserve(&mut work, table, |name| name.max_block <= queued.row.boundary).await?;
    let changes = changes(&work, table, &actions).await?;
    let commands: Vec<Arc<str>> = queued.row.commands.iter().map(|command| command.as_str().into()).collect();
    rewrite_parts(&mut work, table, names, changes, commands).await?;
    work.add(end.into_iter().collect())?;
    work.commit().await
}
