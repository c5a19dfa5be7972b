//! SYSTEM commands, KILL, and the system tables that the engine knows.

use std::sync::Arc;

use query::system::{Cell, Rows};
use query::{QueryContext, SystemTable};
use sql::ast::{Kill, KillMode, KillWhat, Switch, System, SystemCommand};
use types::{Block, Column, DataType, Header};

use crate::ddl;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::processes::{Process, Processes};

/// Runs SYSTEM.
pub(crate) async fn run(engine: &Engine, system: &System, ctx: &QueryContext) -> Result<()> {
    ddl::refuse_cluster(&system.on_cluster)?;
    let later = |what: &str| Err(Error::NotImplemented(format!("SYSTEM {what}")));
    let merges = engine.inner.store.merges();
    match &system.command {
        SystemCommand::Merges(switch, table) => {
            let table = table.as_ref().map(|table| ddl::table(ctx, table)).transpose()?.map(|table| table.id);
            match switch {
                Switch::Stop => merges.stop(table),
                Switch::Start => merges.start(table),
            }
            Ok(())
        }
        // inserts are durable and visible when they are answered: nothing waits anywhere
        SystemCommand::FlushAsyncInsertQueue(_) => Ok(()),
        SystemCommand::FlushLogs(_) => later("FLUSH LOGS"),
        SystemCommand::RefreshView(_) => later("REFRESH VIEW"),
        SystemCommand::WaitView(_) => later("WAIT VIEW"),
        SystemCommand::CancelView(_) => later("CANCEL VIEW"),
        SystemCommand::StopView(_) => later("STOP VIEW"),
        SystemCommand::PauseView(_) => later("PAUSE VIEW"),
        SystemCommand::StartView(_) => later("START VIEW"),
        SystemCommand::TestView(..) => later("TEST VIEW"),
        SystemCommand::RollbackView(..) => later("ROLLBACK VIEW"),
        SystemCommand::RepairView(_) => later("REPAIR VIEW"),
        SystemCommand::TtlMerges(..) => later("STOP|START TTL MERGES"),
        SystemCommand::Moves(..) => later("STOP|START MOVES"),
        SystemCommand::Shutdown => later("SHUTDOWN"),
        SystemCommand::Other(words) => later(words),
    }
}

fn processes_header() -> Header {
    Header::new(vec![
        Column::new("is_initial_query", DataType::UInt8),
        Column::new("user", DataType::String),
        Column::new("query_id", DataType::String),
        Column::new("elapsed", DataType::Float64),
        Column::new("is_cancelled", DataType::UInt8),
        Column::new("read_rows", DataType::UInt64),
        Column::new("read_bytes", DataType::UInt64),
        Column::new("total_rows_approx", DataType::UInt64),
        Column::new("query", DataType::String),
        Column::new("current_database", DataType::String),
    ])
}

fn process_row(process: &Process) -> Vec<(&'static str, Cell)> {
    let ctx = &process.ctx;
    let progress = ctx.counters.progress();
    let elapsed_ns = ctx.runtime.env.clock.monotonic_ns().saturating_sub(process.started_ns);
    vec![
        ("is_initial_query", Cell::from(true)),
        ("user", Cell::from(ctx.caller.user.clone())),
        ("query_id", Cell::from(ctx.caller.query_id.clone())),
        ("elapsed", Cell::Float(elapsed_ns as f64 / 1e9)),
        ("is_cancelled", Cell::from(ctx.cancel.is_cancelled())),
        ("read_rows", Cell::from(progress.read_rows)),
        ("read_bytes", Cell::from(progress.read_bytes)),
        ("total_rows_approx", Cell::from(progress.total_rows)),
        ("query", Cell::from(process.text.clone())),
        ("current_database", Cell::from(ctx.caller.database.clone())),
    ]
}

/// KILL QUERY WHERE …: cancels what the condition takes among the running statements.
pub(crate) async fn kill(engine: &Engine, kill: &Kill, ctx: &Arc<QueryContext>) -> Result<Block> {
    ddl::refuse_cluster(&kill.on_cluster)?;
    if kill.what != KillWhat::Query {
        return Err(Error::NotImplemented("KILL of anything but queries".to_owned()));
    }
    let processes: Vec<Process> = engine.inner.processes.list();
    let others = processes.iter().filter(|process| process.ctx.caller.query_id != ctx.caller.query_id);
    let others: Vec<&Process> = others.collect();
    let header = processes_header();
    let mut rows = Rows::new(&header);
    others.iter().for_each(|process| rows.push(process_row(process)));
    let condition = query::expressions::Expressions::compile(std::slice::from_ref(&kill.filter), &header, ctx)?;
    let chosen = condition.eval_conditions(&rows.block()?)?.remove(0);
    let result = Header::new(
        ["kill_status", "query_id", "user", "query"].map(|name| Column::new(name, DataType::String)).to_vec(),
    );
    let mut killed = Rows::new(&result);
    for (process, _) in others.iter().zip(chosen.values()).filter(|(_, chosen)| *chosen) {
        let status = if kill.mode == KillMode::Test { "unknown" } else { "waiting" };
        if kill.mode != KillMode::Test {
            process.ctx.cancel.cancel();
        }
        killed.push(vec![
            ("kill_status", Cell::from(status)),
            ("query_id", Cell::from(process.ctx.caller.query_id.clone())),
            ("user", Cell::from(process.ctx.caller.user.clone())),
            ("query", Cell::from(process.text.clone())),
        ]);
    }
    Ok(killed.block()?)
}

/// The system tables of the engine.
pub(crate) fn tables(processes: &Processes) -> Vec<Arc<dyn SystemTable>> {
    vec![Arc::new(ProcessesTable { processes: processes.clone(), header: processes_header() })]
}

/// `system.processes`.
struct ProcessesTable {
    processes: Processes,
    header: Header,
}

impl SystemTable for ProcessesTable {
    fn name(&self) -> &'static str {
        "processes"
    }

    fn schema(&self) -> &Header {
        &self.header
    }

    fn rows(&self, _: &QueryContext) -> query::Result<Vec<Block>> {
        let mut rows = Rows::new(&self.header);
        self.processes.list().iter().for_each(|process| rows.push(process_row(process)));
        Ok(vec![rows.block()?])
    }
}
