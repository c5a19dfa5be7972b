//! `system.view_refreshes`, `system.view_refresh_history`, `system.view_generations` and `system.concurrency_groups`.

use std::sync::Arc;

use query::system::{Cell, Rows, SYSTEM, header_of};
use query::{QueryContext, SystemTable};
use store::{TableDef, ViewDef};
use types::{Block, Header};
use views::refresh::decide::{Amounts, Decision};
use views::refresh::generations;
use views::refresh::record::Entry;

use super::board::{Board, Doing, is_refreshed};
use super::run::amounts;

type Fill = fn(&Board, &QueryContext, &mut Rows);

/// A table that one function fills.
struct Table {
    name: &'static str,
    header: Header,
    board: Arc<Board>,
    fill: Fill,
}

/// The tables.
pub(crate) fn tables(board: &Arc<Board>) -> Vec<Arc<dyn SystemTable>> {
    let fills: [(&'static str, Fill); 4] = [
        ("view_refreshes", refreshes),
        ("view_refresh_history", history),
        ("view_generations", kept_generations),
        ("concurrency_groups", groups),
    ];
    let table = |(name, fill)| {
        let (header, board) = (header_of(SYSTEM, name), Arc::clone(board));
        Arc::new(Table { name, header, board, fill }) as Arc<dyn SystemTable>
    };
    fills.into_iter().map(table).collect()
}

impl SystemTable for Table {
    fn name(&self) -> &'static str {
        self.name
    }

    fn schema(&self) -> &Header {
        &self.header
    }

    fn rows(&self, ctx: &QueryContext) -> query::Result<Vec<Block>> {
        let mut rows = Rows::new(&self.header);
        (self.fill)(&self.board, ctx, &mut rows);
        Ok(vec![rows.block()?])
    }
}

/// The refreshable views, by database and name.
fn views(ctx: &QueryContext) -> impl Iterator<Item = &Arc<TableDef>> {
    let catalog = &ctx.snapshot.catalog;
    catalog.databases().flat_map(|database| catalog.tables_of(&database.name)).filter(|view| is_refreshed(view))
}

/// What names a view.
fn names(view: &TableDef) -> [(&'static str, Cell); 3] {
    [
        ("database", view.database.clone().into()),
        ("view", view.name.clone().into()),
        ("uuid", Cell::Uuid(view.uuid.to_be_bytes())),
    ]
}

fn refreshes(board: &Board, ctx: &QueryContext, rows: &mut Rows) {
    let now_ns = ctx.runtime.env.clock.now_ns();
    for view in views(ctx) {
        if let Some(cells) = board.with(|state| cells(state, view.id, now_ns)) {
            rows.push(cells.into_iter().chain(names(view)));
        }
    }
}

/// Every run of a view that is remembered.
fn history(board: &Board, ctx: &QueryContext, rows: &mut Rows) {
    for view in views(ctx) {
        let history = board.with(|state| state.tasks.get(&view.id).map(|task| task.history.clone()));
        for entry in history.unwrap_or_default() {
            rows.push(run_cells(&entry).into_iter().chain(names(view)));
        }
    }
}

/// The present content of each target, and those before it that can be read and gone back to.
fn kept_generations(board: &Board, ctx: &QueryContext, rows: &mut Rows) {
    for view in views(ctx) {
        let known = board.with(|state| state.tasks.get(&view.id).map(|task| task.outcome.generations.clone()));
        let target = view.view.as_ref().and_then(ViewDef::target).and_then(|to| ctx.snapshot.catalog.target(to));
        let older = generations::tables_of(view);
        let tables = target.map(|target| target.id).into_iter().chain(older.iter().copied());
        for (before, (generation, table)) in known.unwrap_or_default().iter().zip(tables).enumerate() {
            let parts = ctx.snapshot.table_parts(table);
            let back = i64::try_from(before).unwrap_or(i64::MAX);
            let cells = [
                ("generation", (-back).into()),
                ("number", generation.number.into()),
                ("refresh_time", generation.at.map_or(Cell::Null, shown)),
                ("rows", parts.map_or(0, |parts| parts.rows()).into()),
                ("bytes_on_disk", parts.map_or(0, |parts| parts.size_bytes()).into()),
                ("parts", parts.map_or(0, |parts| parts.count()).into()),
            ];
            rows.push(cells.into_iter().chain(names(view)));
        }
    }
}

fn groups(board: &Board, ctx: &QueryContext, rows: &mut Rows) {
    for (name, limit) in ctx.snapshot.catalog.groups() {
        let (views, running, waiting) = board.with(|state| state.in_group(name));
        rows.push([
            ("name", name.clone().into()),
            ("limit", (*limit).into()),
            ("running", running.into()),
            ("waiting", waiting.into()),
            ("views", Cell::Texts(views.iter().map(ToString::to_string).collect())),
        ]);
    }
}

fn run_cells(entry: &Entry) -> Vec<(&'static str, Cell)> {
    let status = match entry.error.as_str() {
        "" if entry.is_unchanged => "skipped: unchanged",
        "" => "succeeded",
        super::CANCELLED => "cancelled",
        _ => "failed",
    };
    vec![
        ("run", entry.run.into()),
        ("reason", if entry.asked_for { "request" } else { "schedule" }.into()),
        ("status", status.into()),
        ("slot", entry.slot.map_or(Cell::Null, shown)),
        ("missed_slots", entry.missed_slots.into()),
        ("overrun_slots", entry.overrun_slots.into()),
        ("delay_ms", entry.delay_ms.into()),
        ("partitions", Cell::Texts(entry.partitions.clone())),
        ("generation", entry.generation.into()),
        ("start_time", shown(entry.started)),
        ("end_time", shown(entry.ended)),
        ("duration_ms", entry.duration_ms.into()),
        ("read_rows", entry.amounts.read_rows.into()),
        ("read_bytes", entry.amounts.read_bytes.into()),
        ("written_rows", entry.amounts.written_rows.into()),
        ("written_bytes", entry.amounts.written_bytes.into()),
        ("peak_memory_bytes", entry.peak_memory_bytes.into()),
        ("exception", entry.error.as_str().into()),
    ]
}

fn cells(state: &mut super::board::State, view: types::TableId, now_ns: i64) -> Option<Vec<(&'static str, Cell)>> {
    let doing = state.doing(view, now_ns)?;
    let next_ms = state.next_ms(view, now_ns);
    let task = state.tasks.get(&view)?;
    let outcome = &task.outcome;
    // of a view that never ran ClickHouse says the first slot there is
    let has_slot = task.plan.schedule.is_every() || task.plan.depends_on.is_empty();
    let first = (has_slot && outcome.slot.is_none()).then(|| task.plan.schedule.next(0));
    let next = next_ms.map(|ms| ms.div_euclid(1_000)).or(first);
    let (amounts, last_refresh) = match &task.run {
        Some(run) => (amounts(&run.ctx, run.ctx.counters.progress().result_rows, 0), Some(run.started.at)),
        None => (outcome.amounts, outcome.ended),
    };
    Some(vec![
        ("status", status(doing).into()),
        ("last_success_time", outcome.succeeded.map_or(Cell::Null, shown)),
        ("last_success_duration_ms", outcome.duration_ms.into()),
        ("last_refresh_time", last_refresh.map_or(Cell::Null, shown)),
        ("next_refresh_time", next.map_or(Cell::Null, shown)),
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

/// A moment as the DateTime nearest to it: periods of centuries and fake times lead beyond what that type has.
fn shown(seconds: i64) -> Cell {
    seconds.clamp(0, i64::from(u32::MAX)).into()
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
