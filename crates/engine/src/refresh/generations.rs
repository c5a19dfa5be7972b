//! Generations at work: which tables keep what a view's target was, and SYSTEM ROLLBACK VIEW.

use std::sync::Arc;

use query::QueryContext;
use sql::ast::ObjectName;
use store::{Commit, Edit, Read, TableDef, ViewDef};
use types::{ErrorCode, TableId};
use views::Views;
use views::refresh::{generations, record};

use super::Scheduler;
use super::board::State;
use crate::error::{Error, Result};

/// A view whose generations are kept in other tables than before.
pub(super) struct Changed {
    /// The view with its new tables.
    pub(super) view: TableDef,
    /// Drops the old ones and makes the new ones; the view itself is the caller's to alter.
    pub(super) edits: Vec<Edit>,
}

/// New tables for `keep` contents of the target, in the place of those that the view has.
pub(super) fn fresh(views: &Views, view: &TableDef, target: &TableDef, keep: usize) -> Changed {
    let mut edits: Vec<Edit> =
        generations::tables_of(view).iter().map(|table| Edit::DropTable { table: *table }).collect();
    let made: Vec<TableDef> = (0..keep).map(|_| generations::table(views, target, &view.name)).collect();
    let mut view = view.clone();
    if let Some(ViewDef::Refreshable { state, .. }) = &mut view.view {
        state.truncate(1);
        state.extend(made.iter().map(|table| table.id));
    }
    edits.extend(made.into_iter().map(|table| Edit::CreateTable(Arc::new(table))));
    Changed { view, edits }
}

/// Tables for another number of contents: the newest stay.
pub(super) fn resized(views: &Views, view: &TableDef, target: &TableDef, keep: usize) -> Changed {
    let known = generations::tables_of(view);
    let gone = known.get(keep..).unwrap_or_default();
    let mut edits: Vec<Edit> = gone.iter().map(|table| Edit::DropTable { table: *table }).collect();
    let more = keep.saturating_sub(known.len());
    let made: Vec<TableDef> = (0..more).map(|_| generations::table(views, target, &view.name)).collect();
    let mut view = view.clone();
    if let Some(ViewDef::Refreshable { state, .. }) = &mut view.view {
        state.truncate(1 + keep);
        state.extend(made.iter().map(|table| table.id));
    }
    edits.extend(made.into_iter().map(|table| Edit::CreateTable(Arc::new(table))));
    Changed { view, edits }
}

/// The table that a view writes to, which must keep rows in parts when its contents are to be kept.
pub(super) fn check_target(target: &TableDef, keep: usize) -> Result<()> {
    if keep == 0 || target.schema.is_some() {
        return Ok(());
    }
    let message =
        format!("keep_generations: table {} of engine {} keeps no rows", target.qualified_name(), target.engine);
    Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message))
}

/// Gives a view back to the scheduler.
struct Held<'a> {
    scheduler: &'a Scheduler,
    view: TableId,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.scheduler.board.with(|state| {
            state.tasks.get_mut(&self.view).into_iter().for_each(|task| task.is_held = false);
            state.open(self.view);
        });
        self.scheduler.board.changed();
    }
}

impl Scheduler {
    /// SYSTEM ROLLBACK VIEW: an earlier content of the target becomes the present one, and the present one the one before
    /// it. Below 0 counts back from the present one; above, it is the number that system.view_generations shows.
    pub(crate) async fn rollback(&self, name: &ObjectName, to: i64, ctx: &QueryContext) -> Result<()> {
        let view = self.view(name, ctx).await?;
        let _held = self.hold(view.id, ctx).await?;
        let (mut outcome, version) = self.board.with(|state| {
            let task = state.tasks.get_mut(&view.id);
            task.map(|task| (task.outcome.clone(), task.next_version())).unwrap_or_default()
        });
        let snapshot = self.views.store().snapshot();
        let view = snapshot.catalog.table_by_id(view.id).cloned().unwrap_or(view);
        let target = view.view.as_ref().and_then(ViewDef::target).and_then(|target| snapshot.catalog.target(target));
        let target =
            target.ok_or_else(|| bad(format!("target table of view {} does not exist", view.qualified_name())))?;
        let older = generations::tables_of(&view);
        let numbers: Vec<u64> = outcome.generations.iter().map(|generation| generation.number).collect();
        let back = steps_back(to, &numbers).filter(|back| *back <= older.len());
        let back = back.ok_or_else(|| {
            let kept: Vec<String> = numbers.iter().skip(1).map(ToString::to_string).collect();
            bad(format!(
                "view {} has no generation {to} to go back to; there are: {}",
                view.qualified_name(),
                kept.join(", ")
            ))
        })?;
        if !generations::fit(&snapshot, target, older) {
            let message = format!(
                "columns of {} were changed since: its generations are of other columns",
                target.qualified_name()
            );
            return Err(bad(message));
        }
        outcome.generations.get_mut(..=back).into_iter().for_each(|moved| moved.rotate_right(1));
        outcome.made_from = None;
        let tables = std::iter::once(target.id).chain(older.iter().take(back).copied()).collect();
        let mut edits = vec![Edit::ShiftParts { tables, is_ring: true }];
        let state = record::table_of(&view).and_then(|table| snapshot.catalog.table_by_id(table));
        if let Some((state, schema)) = state.and_then(|state| Some((state, state.schema.as_ref()?))) {
            edits.push(record::edit(&self.views, state, schema, &record::outcome_row(version, &outcome)?).await?);
        }
        let reads = [&view, target].map(|def| Read::Definition { table: def.id, version: def.version });
        self.views.store().commit(Commit { reads: reads.to_vec(), edits, at_ns: 0 }).await?;
        self.board.with(|state| {
            if let Some(task) = state.tasks.get_mut(&view.id) {
                task.outcome = outcome;
            }
        });
        Ok(())
    }

    /// Waits until the view does not run, and keeps it from running.
    async fn hold(&self, view: TableId, ctx: &QueryContext) -> Result<Held<'_>> {
        let mut changes = self.board.subscribe();
        let take = |state: &mut State| {
            let task = state.tasks.get_mut(&view).filter(|task| task.run.is_none() && !task.is_held)?;
            task.is_held = true;
            Some(Held { scheduler: self, view })
        };
        loop {
            changes.mark_unchanged();
            if let Some(held) = self.board.with(take) {
                return Ok(held);
            }
            tokio::select! {
                biased;
                () = ctx.cancel.cancelled() => return Err(query::Error::Cancelled.into()),
                changed = changes.changed() => if changed.is_err() {
                    return Err(query::Error::Cancelled.into());
                },
            }
            ctx.check()?;
        }
    }
}

/// How many contents back `to` is, at least one.
fn steps_back(to: i64, numbers: &[u64]) -> Option<usize> {
    let back = match to {
        ..=-1 => usize::try_from(to.unsigned_abs()).ok()?,
        0.. => numbers.iter().position(|number| i64::try_from(*number) == Ok(to))?,
    };
    (0 < back && back < numbers.len()).then_some(back)
}

fn bad(message: String) -> Error {
    Error::refused(ErrorCode::BAD_ARGUMENTS, message)
}
