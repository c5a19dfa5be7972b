//! `system.view_refreshes` and `system.view_refresh_history`.

use std::sync::Arc;

use query::system::{Cell, Rows, SYSTEM, header_of};
use query::{QueryContext, SystemTable};
use types::{Block, Header};
use views::refresh::decide::{Amounts, Decision};
use views::refresh::record::Entry;

use super::board::{Board, Doing, is_refreshed};
use super::run::amounts;

struct ViewRefreshes {
    header: Header,
    board: Arc<Board>,
}

/// Every run of a view that is remembered.
struct History {
    header: Header,
    board: Arc<Board>,
}

/// The tables.
pub(crate) fn tables(board: &Arc<Board>) -> [Arc<dyn SystemTable>; 2] {
    let header = |name| header_of(SYSTEM, name);
    [
        Arc::new(ViewRefreshes { header: header("view_refreshes"), board: Arc::clone(board) }),
        Arc::new(History { header: header("view_refresh_history"), board: Arc::clone(board) }),
    ]
}

impl SystemTable for History {
    fn name(&self) -> &'static str {
        "view_refresh_history"
    }

    fn schema(&self) -> &Header {
        &self.header
    }

    fn rows(&self, ctx: &QueryContext) -> query::Result<Vec<Block>> {
        let mut rows = Rows::new(&self.header);
        for view in ctx.snapshot.catalog.tables().filter(|view| is_refreshed(view)) {
            let history = self.board.with(|state| state.tasks.get(&view.id).map(|task| task.history.clone()));
            for entry in history.unwrap_or_default() {
                rows.push(run_cells(&entry).into_iter().chain([
                    ("database", view.database.clone().into()),
                    ("view", view.name.clone().into()),
                    ("uuid", Cell::Uuid(view.uuid.to_be_bytes())),
                ]));
            }
        }
        Ok(vec![rows.block()?])
    }
}

fn run_cells(entry: &Entry) -> Vec<(&'static str, Cell)> {
    let status = match entry.error.as_str() {
        "" => "succeeded",
        super::CANCELLED => "cancelled",
        _ => "failed",
    };
    vec![
        ("run", entry.run.into()),
        ("reason", if entry.asked_for { "request" } else { "schedule" }.into()),
        ("status", status.into()),
        ("slot", entry.slot.into()),
        ("missed_slots", entry.missed_slots.into()),
        ("start_time", entry.started.into()),
        ("end_time", entry.ended.into()),
        ("duration_ms", entry.duration_ms.into()),
        ("read_rows", entry.amounts.read_rows.into()),
        ("read_bytes", entry.amounts.read_bytes.into()),
        ("written_rows", entry.amounts.written_rows.into()),
        ("written_bytes", entry.amounts.written_bytes.into()),
        ("peak_memory_bytes", entry.peak_memory_bytes.into()),
        ("exception", entry.error.as_str().into()),
    ]
}

impl SystemTable for ViewRefreshes {
    fn name(&self) -> &'static str {
        "view_refreshes"
    }

    fn schema(&self) -> &Header {
        &self.header
    }

    fn rows(&self, ctx: &QueryContext) -> query::Result<Vec<Block>> {
        let mut rows = Rows::new(&self.header);
        let now_ns = ctx.runtime.env.clock.now_ns();
        for database in ctx.snapshot.catalog.databases() {
            for view in ctx.snapshot.catalog.tables_of(&database.name).filter(|view| is_refreshed(view)) {
                if let Some(cells) = self.board.with(|state| cells(state, view.id, now_ns)) {
                    rows.push(cells.into_iter().chain([
                        ("database", view.database.clone().into()),
                        ("view", view.name.clone().into()),
                        ("uuid", Cell::Uuid(view.uuid.to_be_bytes())),
                    ]));
                }
            }
        }
        Ok(vec![rows.block()?])
    }
}

fn cells(state: &mut super::board::State, view: types::TableId, now_ns: i64) -> Option<Vec<(&'static str, Cell)>> {
    let doing = state.doing(view, now_ns)?;
    let next_ms = state.next_ms(view);
    let task = state.tasks.get(&view)?;
    let outcome = &task.outcome;
    let (amounts, last_refresh) = match &task.run {
        Some(run) => (amounts(&run.ctx, run.ctx.counters.progress().result_rows, 0), Some(run.started.at)),
        None => (outcome.amounts, outcome.ended),
    };
    Some(vec![
        ("status", status(doing).into()),
        ("last_success_time", outcome.succeeded.into()),
        ("last_success_duration_ms", outcome.duration_ms.into()),
        ("last_refresh_time", last_refresh.into()),
        ("next_refresh_time", next_ms.map(|ms| ms.div_euclid(1_000)).into()),
        ("exception", outcome.error.as_str().into()),
        ("retry", u64::from(outcome.attempts).into()),
        ("progress", progress(&amounts, task.run.is_none() && outcome.has_succeeded()).into()),
        ("read_rows", amounts.read_rows.into()),
        ("read_bytes", amounts.read_bytes.into()),
        ("total_rows", amounts.total_rows.into()),
        ("written_rows", amounts.written_rows.into()),
        ("written_bytes", amounts.written_bytes.into()),
    ])
}

fn progress(amounts: &Amounts, is_done: bool) -> f64 {
    match amounts.total_rows {
        _ if is_done => 1.0,
        0 => 0.0,
        total => (amounts.read_rows as f64 / total as f64).min(1.0),
    }
}

fn status(doing: Doing) -> &'static str {
    match doing {
        Doing::Running => "Running",
        Doing::Waiting(Decision::Off) => "Disabled",
        Doing::Waiting(Decision::Missing) => "MissingDependencies",
        Doing::Waiting(Decision::WaitForParents) => "WaitingForDependencies",
        Doing::Waiting(Decision::Sleep { .. }) => "Scheduled",
        Doing::Waiting(Decision::Run { .. }) => "Scheduling",
    }
}
