//! One refresh: the view's SELECT on a snapshot, its rows staged, and one commit of the rows and of what the run leaves.

use std::sync::Arc;

use query::QueryContext;
use query::definition::Definition;
use sql::ast::RefreshMode;
use store::{CommitError, Conflict, TableDef, ViewDef};
use types::ErrorCode;
use views::InsertOptions;
use views::insert::Replaces;
use views::refresh::decide::Amounts;
use views::refresh::record;

use super::Scheduler;
use super::board::{Job, Left};
use crate::error::{Error, Result};
use crate::insert;
use crate::settings;

/// Times that a refresh is run again when a definition that it went through changed meanwhile.
const TRIES_MAX: usize = 8;

/// Runs a view until its commit. `leave` says what the run leaves at the moment of commit.
pub(super) async fn run(
    scheduler: &Scheduler,
    job: &Job,
    ctx: &Arc<QueryContext>,
    leave: &(dyn Fn(Amounts) -> Left + Send + Sync),
) -> Result<Left> {
    for _ in 1..TRIES_MAX {
        match attempt(scheduler, job, ctx, leave).await {
            Err(Error::Views(views::Error::Commit(CommitError::Conflict(conflict)))) if is_lost(&conflict) => {}
            ended => return ended,
        }
    }
    attempt(scheduler, job, ctx, leave).await
}

fn is_lost(conflict: &Conflict) -> bool {
    conflict.is_retryable()
}

async fn attempt(
    scheduler: &Scheduler,
    job: &Job,
    ctx: &Arc<QueryContext>,
    leave: &(dyn Fn(Amounts) -> Left + Send + Sync),
) -> Result<Left> {
    let views = &scheduler.views;
    let newest = views.store().snapshot();
    let view = newest.catalog.table_by_id(job.view.id).cloned().unwrap_or_else(|| Arc::clone(&job.view));
    let (passage, ctx) = views.enter(&view.qualified_name(), ctx).await;
    let ctx = Arc::new(ctx.with_database(&view.database));
    let view = ctx.snapshot.catalog.table_by_id(view.id).cloned().unwrap_or(view);
    if target(&view, &ctx).is_none() {
        let message = format!("target table of view {} does not exist", view.qualified_name());
        return Err(Error::refused(ErrorCode::UNKNOWN_TABLE, message));
    }
    let query = query_of(&view)?;
    let mut into = views.insert(&view, &ctx, InsertOptions::default())?;
    into.keep(passage);
    into.rely_on(&view);
    check_columns(&into, &query, &ctx).await?;
    match job.plan.mode {
        RefreshMode::Replace => into.replace_content(Replaces::All),
        RefreshMode::ReplacePartitions => into.replace_content(Replaces::Partitions),
        RefreshMode::Append | RefreshMode::AppendIncremental => {}
    }
    insert::from_named(&mut into, &query, &ctx).await?;
    ctx.check()?;
    let written = into.written();
    let left = leave(amounts(&ctx, written.rows, written.bytes));
    let state = record::table_of(&view).and_then(|table| ctx.snapshot.catalog.table_by_id(table).cloned());
    if let Some(state) = state {
        into.attach_rows(&state, &record::run_rows(left.version, &left.outcome, &left.entry)?).await?;
    }
    into.commit().await?;
    Ok(left)
}

fn target(view: &TableDef, ctx: &QueryContext) -> Option<Arc<TableDef>> {
    let target = view.view.as_ref().and_then(ViewDef::target)?;
    ctx.snapshot.catalog.target(target).cloned()
}

/// The SELECT of a view.
pub(super) fn query_of(view: &TableDef) -> Result<sql::Query> {
    let definition = Definition::parse(view)?;
    let none = || Error::refused(ErrorCode::LOGICAL_ERROR, format!("{} has no SELECT", view.qualified_name()));
    definition.query().cloned().ok_or_else(none)
}

/// A column of the SELECT that the target does not have: MODIFY QUERY does not look.
async fn check_columns(into: &views::Insert, query: &sql::Query, ctx: &Arc<QueryContext>) -> Result<()> {
    let prepared = query::prepare(query, ctx).await?;
    let names = prepared.compiled.header().columns().iter().map(|column| column.name.to_string());
    into.table().columns_of(Some(&names.collect::<Vec<_>>()))?;
    Ok(())
}

/// What a run read so far, and what it wrote.
pub(super) fn amounts(ctx: &QueryContext, written_rows: u64, written_bytes: u64) -> Amounts {
    let progress = ctx.counters.progress();
    Amounts {
        read_rows: progress.read_rows,
        read_bytes: progress.read_bytes,
        total_rows: progress.total_rows.max(progress.read_rows),
        written_rows,
        written_bytes,
    }
}

/// The settings that a view's SELECT says.
pub(super) fn settings_of(view: &TableDef) -> Result<types::Settings> {
    let mut settings = types::Settings::default();
    let statement = sql::Statement::new(sql::ast::StatementKind::Query(Box::new(query_of(view)?)));
    settings::apply_clauses(&mut settings, &statement)?;
    Ok(settings)
}
