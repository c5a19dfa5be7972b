//! ALTER TABLE, DELETE FROM and UPDATE: one statement, one commit.
//!
//! ```text
//! actions ─▶ partitions ─▶ mutations ─▶ definition ─▶ one commit
//!            parts go, come   parts rewritten   columns, keys, TTL, settings; parts stay unless their values change
//! ```
//! Each group sees what those before it did: edits are tried on a copy of the snapshot ([`Work`]). Nothing is visible, and
//! nothing is kept, before the commit.

mod actions;
mod columns;
mod copy;
mod definition;
mod elements;
mod freeze;
mod lightweight;
mod located;
mod materialize;
mod mutate;
mod partition;
mod projections;
mod queued;
mod repair;
mod update;
mod view;

use std::sync::Arc;

use query::QueryContext;
use sql::ast::{AlterAction, AlterTable, Mutate};
use store::{Commit, Edit, Read, Reservation, TableDef, ViewDef};
use types::{ErrorCode, TableId};
use views::insert::quarantine;

use crate::ddl;
use crate::engine::Engine;
use crate::error::{Error, Result};

pub(crate) use columns::key_columns;
pub(crate) use copy::{CopyFrom, copy_parts, rows_as};
pub(crate) use partition::{part_name, partition_id};
pub(crate) use queued::run_queued as mutate_queued;
pub(crate) use repair::repair;
pub(crate) use view::{refuse_broken, set_comment};

/// Tries to take parts that are in other work, a few milliseconds apart.
const TRIES_MAX: usize = 2_000;

/// Between two tries.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(5);

/// A commit while it is put together.
pub(super) struct Work<'a> {
    engine: &'a Engine,
    /// Its snapshot is the database with the edits so far.
    ctx: Arc<QueryContext>,
    edits: Vec<Edit>,
    reads: Vec<Read>,
    reservations: Vec<Reservation>,
}

impl<'a> Work<'a> {
    fn new(engine: &'a Engine, ctx: &Arc<QueryContext>) -> Work<'a> {
        let ctx = Arc::new(ctx.with_snapshot(engine.inner.store.snapshot()));
        Work { engine, ctx, edits: Vec::new(), reads: Vec::new(), reservations: Vec::new() }
    }

    /// Adds edits, which must apply to what is there.
    fn add(&mut self, edits: Vec<Edit>) -> Result<()> {
        let applied = self.ctx.snapshot.apply(&Commit::of(edits.clone())).map_err(store::CommitError::from)?;
        self.ctx = Arc::new(self.ctx.with_snapshot(Arc::new(applied.snapshot)));
        self.edits.extend(edits);
        Ok(())
    }

    /// The newest database, with the edits so far.
    fn pin_again(&mut self) -> Result<()> {
        let newest = self.engine.inner.store.snapshot();
        let snapshot = match self.edits.is_empty() {
            true => newest,
            false => {
                let applied = newest.apply(&Commit::of(self.edits.clone())).map_err(store::CommitError::from)?;
                Arc::new(applied.snapshot)
            }
        };
        self.ctx = Arc::new(self.ctx.with_snapshot(snapshot));
        Ok(())
    }

    /// The table as it would be now.
    fn table(&self, id: TableId) -> Result<Arc<TableDef>> {
        let table = self.ctx.snapshot.catalog.table_by_id(id).cloned();
        table.ok_or_else(|| store::CommitError::from(store::Conflict::TableGone { table: id }).into())
    }

    /// Relies on the table's definition as the store has it.
    fn rely_on(&mut self, table: TableId) {
        let read = self.engine.inner.store.snapshot().read_definition(table);
        self.reads.extend(read.filter(|read| !self.reads.contains(read)));
    }

    async fn commit(self) -> Result<()> {
        if self.edits.is_empty() {
            return Ok(());
        }
        let commit = Commit { reads: self.reads, edits: self.edits, at_ns: 0 };
        self.engine.inner.store.commit(commit).await?;
        Ok(())
    }
}

/// Runs ALTER TABLE.
pub(crate) async fn run(engine: &Engine, alter: &AlterTable, ctx: &Arc<QueryContext>) -> Result<()> {
    ddl::refuse_cluster(&alter.on_cluster)?;
    let mut work = Work::new(engine, ctx);
    let named = ddl::table(&work.ctx, &alter.name)?;
    let actions = actions::qualified(&alter.actions, &work.ctx);
    let groups = actions::Groups::of(&actions);
    groups.check(&named)?;
    let behind = stored(&work.ctx, &named)?;
    if groups.is_mutation() && queued::may_queue(&behind, &work.ctx) {
        return queued::enqueue(&work, &behind, &groups.mutations).await;
    }
    if groups.follows_mutations() {
        queued::settle(&work, &behind).await?;
    }
    // inserts under way pass first, later ones wait: the definition that they were shaped by changes
    let changed = [Edit::AlterTable(stored(&work.ctx, &named)?)];
    let _hold = match groups.waits(&named) {
        true => Some(engine.inner.views.hold(&changed, ctx).await),
        false => None,
    };
    work.pin_again()?;
    for action in &groups.view {
        if let AlterAction::ModifySecurity(security) = action {
            let is_materialized = !matches!(named.view, Some(ViewDef::Plain));
            ddl::security::check(security, is_materialized, &engine.inner.config.access)?;
        }
    }
    if !groups.view.is_empty() && matches!(named.view, Some(ViewDef::Refreshable { .. })) {
        let actions: Vec<&AlterAction> = groups.view.iter().chain(&groups.definition).copied().collect();
        let changed = crate::refresh::altered(&engine.inner.views, &named, &actions, &work.ctx).await?;
        work.add(changed)?;
        return work.commit().await;
    }
    if named.view.is_some() && !(groups.view.is_empty() && groups.definition.is_empty()) {
        let actions: Vec<&AlterAction> = groups.view.iter().chain(&groups.definition).copied().collect();
        view::run(&mut work, &named, &actions).await?;
        return work.commit().await;
    }
    let table = stored(&work.ctx, &named)?;
    if let Some(view) =
        quarantine::owner(&work.ctx.snapshot.catalog, table.id).filter(|_| !groups.definition.is_empty())
    {
        let message = format!(
            "the columns of {} are those of the source of view {}",
            table.qualified_name(),
            view.qualified_name()
        );
        return Err(Error::refused(ErrorCode::NOT_IMPLEMENTED, message));
    }
    for action in &groups.partitions {
        partition::run(&mut work, table.id, action).await?;
    }
    if !groups.mutations.is_empty() && table.kind == store::TableKind::Join {
        // a row that only stands behind the first one of its key must not come forth when that one goes
        crate::optimize::join_whole(engine, &table, ctx).await?;
        work.pin_again()?;
    }
    // a column that is added may be assigned, one that is dropped may be looked at
    let only_adds = groups.definition.iter().all(|action| matches!(action, AlterAction::AddColumn { .. }));
    if only_adds {
        define(&mut work, &table, &groups.definition).await?;
    }
    if !groups.mutations.is_empty() {
        mutate::run(&mut work, table.id, &groups.mutations).await?;
    }
    if !only_adds {
        define(&mut work, &table, &groups.definition).await?;
    }
    work.commit().await
}

/// Changes the definition of a table, and what follows it.
async fn define(work: &mut Work<'_>, table: &TableDef, actions: &[&AlterAction]) -> Result<()> {
    if actions.is_empty() {
        return Ok(());
    }
    let before = Arc::clone(&work.ctx);
    definition::run(work, table.id, actions).await?;
    if actions.iter().any(|action| matches!(action, AlterAction::DropColumn(what) if !what.clear)) {
        view::refuse_dropped(&before, &work.ctx, table).await?;
    }
    follow(work, table, actions).await
}

/// The tables of errors of the views over a table get the columns that the table gets.
async fn follow(work: &mut Work<'_>, source: &TableDef, actions: &[&AlterAction]) -> Result<()> {
    let name = source.qualified_name();
    let views = work.ctx.snapshot.catalog.views_of(&name);
    let errors: Vec<TableId> = views.filter_map(|view| view.view.as_ref().and_then(ViewDef::errors)).collect();
    let actions = ddl::following(actions);
    if actions.is_empty() {
        return Ok(());
    }
    for errors in errors {
        definition::run(work, errors, &actions.iter().collect::<Vec<_>>()).await?;
    }
    Ok(())
}

/// `DELETE FROM` and `UPDATE … SET`.
pub(crate) async fn mutate(engine: &Engine, mutate: &Mutate, ctx: &Arc<QueryContext>) -> Result<()> {
    ddl::refuse_cluster(&mutate.on_cluster)?;
    let mut work = Work::new(engine, ctx);
    let table = ddl::table(&work.ctx, &mutate.table)?;
    queued::settle(&work, &table).await?;
    let mut mutate = mutate.clone();
    actions::qualify_mutation(&mut mutate.mutation, &work.ctx);
    match mutate.mutation.assignments.is_empty() {
        true => {
            lightweight::check_delete(&table, &work.ctx)?;
            lightweight::delete(&mut work, table.id, &mutate.mutation).await?;
        }
        false => {
            lightweight::check_update(&table, &work.ctx)?;
            lightweight::update(&mut work, table.id, &mutate.mutation).await?;
        }
    }
    work.commit().await
}

/// The table that holds the rows of a table or of a materialized view.
fn stored(ctx: &QueryContext, table: &Arc<TableDef>) -> Result<Arc<TableDef>> {
    match table.view.as_ref().and_then(ViewDef::target) {
        None => Ok(Arc::clone(table)),
        Some(target) => ctx.snapshot.catalog.target(target).cloned().ok_or_else(|| {
            let message = format!("the table behind view {} is gone", table.qualified_name());
            Error::refused(ErrorCode::UNKNOWN_TABLE, message)
        }),
    }
}

/// Engines that keep rows as they come and change nothing.
pub(crate) fn is_log(engine: &str) -> bool {
    matches!(engine, "Log" | "TinyLog" | "StripeLog")
}
