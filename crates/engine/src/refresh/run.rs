//! One refresh: the view's SELECT on a snapshot, its rows staged, and one commit of the rows and of what the run leaves.

use std::sync::Arc;

use parts::PartitionId;
use query::{Prepared, QueryContext};
use sql::ast::RefreshMode;
use store::{CommitError, Conflict, Edit, TableDef, ViewDef};
use types::ErrorCode;
use views::InsertOptions;
use views::insert::Replaces;
use views::refresh::decide::{Amounts, Generation, next_generations};
use views::refresh::versions::{Version, Versions};
use views::refresh::{generations, record};

use super::Scheduler;
use super::board::{Job, Left};
use super::generations::{Changed, fresh};
use super::incremental;
use super::partitions;
use crate::error::{Error, Result};
use crate::insert;

/// Times that a refresh is run again when a definition that it went through changed meanwhile.
const TRIES_MAX: usize = 8;

/// What a run made, for what it leaves.
#[derive(Default)]
pub(super) struct Made {
    pub(super) amounts: Amounts,
    /// What the rows depend on; none when on something that cannot be compared.
    pub(super) made_from: Option<Versions>,
    /// The contents of the target after it; none: as before.
    pub(super) generations: Option<Vec<Generation>>,
    /// Rows of others were read.
    pub(super) is_outside: bool,
}

/// Says what a run leaves at the moment of its commit.
pub(super) type Leave<'a> = dyn Fn(Made) -> Left + Send + Sync + 'a;

/// Runs a view until its commit.
pub(super) async fn run(scheduler: &Scheduler, job: &Job, ctx: &Arc<QueryContext>, leave: &Leave<'_>) -> Result<Left> {
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

async fn attempt(scheduler: &Scheduler, job: &Job, ctx: &Arc<QueryContext>, leave: &Leave<'_>) -> Result<Left> {
    let views = &scheduler.views;
    let newest = views.store().snapshot();
    let view = newest.catalog.table_by_id(job.view.id).cloned().unwrap_or_else(|| Arc::clone(&job.view));
    let (passage, ctx) = views.enter(&view.qualified_name(), ctx).await;
    let mut ctx = ctx.with_database(&view.database);
    let view = ctx.snapshot.catalog.table_by_id(view.id).cloned().unwrap_or(view);
    let target = target(&view, &ctx).ok_or_else(|| {
        let message = format!("target table of view {} does not exist", view.qualified_name());
        Error::refused(ErrorCode::UNKNOWN_TABLE, message)
    })?;
    let select = scheduler.plans.select(&view)?;
    let mut read = None;
    if job.plan.mode == RefreshMode::AppendIncremental {
        (ctx, read) = incremental::newer(&view, &select.query, &ctx)?;
    }
    let ctx = Arc::new(ctx);
    let mut prepared = scheduler.plans.prepared(&view, &select, job.plan.mode, &ctx).await?;
    if !job.started.partitions.is_empty() {
        let wanted = (&*target, job.started.partitions.as_slice());
        let narrowed = partitions::narrowed(&select.query, prepared.header(), wanted, &ctx).await;
        prepared = narrowed.unwrap_or(prepared);
    }
    let mut into = views.insert(&view, &ctx, InsertOptions::default())?;
    into.keep(passage);
    into.rely_on(&view);
    into.rely_on(&target);
    check_columns(&into, &prepared)?;
    read.into_iter().for_each(|edit| into.attach(edit));
    let generations = replace(&mut into, scheduler, job, (&view, &target))?;
    insert::from_prepared(&mut into, &prepared, &ctx).await?;
    ctx.check()?;
    let made_from = made_from(&mut into, job, (&view, &prepared), &ctx).await?;
    let written = into.written();
    let amounts = amounts(&ctx, written.rows, written.bytes);
    let made = Made { amounts, made_from, generations, is_outside: prepared.outside };
    let left = leave(made);
    let state = record::table_of(&view).and_then(|table| ctx.snapshot.catalog.table_by_id(table).cloned());
    if let Some(state) = state {
        let rows = record::run_rows(left.version, &left.outcome, std::slice::from_ref(&left.entry))?;
        into.attach_rows(&state, &rows).await?;
    }
    into.commit().await?;
    Ok(left)
}

/// Says what the rows take the place of, and gives the contents of the target after that.
fn replace(
    into: &mut views::Insert,
    scheduler: &Scheduler,
    job: &Job,
    (view, target): (&TableDef, &TableDef),
) -> Result<Option<Vec<Generation>>> {
    if !job.started.partitions.is_empty() {
        let ids = job.started.partitions.iter().map(|id| PartitionId::parse(id));
        let ids = ids.collect::<std::result::Result<_, _>>().map_err(|error| {
            Error::refused(ErrorCode::INVALID_PARTITION_VALUE, format!("invalid partition: {error}"))
        })?;
        into.replace_content(Replaces::Only(ids));
        return Ok(None);
    }
    match job.plan.mode {
        RefreshMode::Replace => {}
        RefreshMode::ReplacePartitions => {
            into.replace_content(Replaces::Partitions);
            return Ok(None);
        }
        RefreshMode::Append | RefreshMode::AppendIncremental => return Ok(None),
    }
    let keep = job.plan.options.keep_generations;
    let snapshot = Arc::clone(&into.context().snapshot);
    let before = &job.before.generations;
    let has_rows = snapshot.table_parts(target.id).is_some_and(|parts| 0 < parts.rows());
    let older = generations::tables_of(view);
    if older.len() == keep && generations::fit(&snapshot, target, older) {
        let is_first = before.is_empty() && !has_rows;
        let replaces = match keep == 0 || is_first {
            true => Replaces::All,
            false => Replaces::Generations(older.to_vec()),
        };
        into.replace_content(replaces);
        let was_there = if before.is_empty() && has_rows { &[Generation::default()][..] } else { before };
        return Ok(Some(next_generations(was_there, job.started.at, keep)));
    }
    // the target's columns changed: what was there before cannot be read under them
    let Changed { view: altered, edits } = fresh(&scheduler.views, view, target, keep);
    edits.into_iter().chain([Edit::AlterTable(Arc::new(altered))]).for_each(|edit| into.attach(edit));
    into.replace_content(Replaces::All);
    Ok(Some(next_generations(before.get(..1).unwrap_or_default(), job.started.at, 0)))
}

/// What must stay as it is for the next refresh to be left out.
async fn made_from(
    into: &mut views::Insert,
    job: &Job,
    (view, prepared): (&TableDef, &Prepared),
    ctx: &QueryContext,
) -> Result<Option<Versions>> {
    let is_whole = job.started.partitions.is_empty();
    let replaces = matches!(job.plan.mode, RefreshMode::Replace | RefreshMode::ReplacePartitions);
    let is_closed = prepared.deterministic && !prepared.outside && !prepared.lists_tables;
    if !is_closed || !is_whole || !replaces {
        return Ok(None);
    }
    let sources: Option<Vec<Version>> =
        prepared.uses.iter().map(|(table, _)| Version::of(&ctx.snapshot, *table)).collect();
    let target = into.foreseen().await?;
    Ok(sources.map(|sources| Versions { view: view.version, sources, target }))
}

fn target(view: &TableDef, ctx: &QueryContext) -> Option<Arc<TableDef>> {
    let target = view.view.as_ref().and_then(ViewDef::target)?;
    ctx.snapshot.catalog.target(target).cloned()
}

/// A column of the SELECT that the target does not have: MODIFY QUERY does not look.
fn check_columns(into: &views::Insert, prepared: &Prepared) -> Result<()> {
    let names = prepared.header().columns().iter().map(|column| column.name.to_string());
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
