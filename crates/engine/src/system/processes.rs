//! `system.processes` and KILL QUERY.

use std::sync::Arc;
use std::time::Duration;

use query::expressions::Expressions;
use query::system::{Cell, Rows};
use query::{QueryContext, SystemTable};
use sql::ast::{Kill, KillMode, KillWhat};
use types::{Block, Column, DataType, Header};

use crate::ddl;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::processes::{Process, Processes};

/// How often KILL … SYNC looks whether the statements have ended.
const LOOK_EVERY: Duration = Duration::from_millis(5);

const COLUMNS: &[(&str, &str)] = &[
    ("is_initial_query", "UInt8"),
    ("user", "String"),
    ("query_id", "String"),
    ("address", "IPv6"),
    ("port", "UInt16"),
    ("initial_user", "String"),
    ("initial_query_id", "String"),
    ("initial_address", "IPv6"),
    ("initial_port", "UInt16"),
    (
        "interface",
        "Enum8('Unknown' = 0, 'TCP' = 1, 'HTTP' = 2, 'gRPC' = 3, 'MySQL' = 4, 'PostgreSQL' = 5, 'Local' = 6, 'TCP_Interserver' = 7, 'Prometheus' = 8, 'Background' = 9, 'ArrowFlight' = 10)",
    ),
    ("os_user", "String"),
    ("client_hostname", "String"),
    ("client_name", "String"),
    ("client_agent", "LowCardinality(String)"),
    ("client_revision", "UInt64"),
    ("client_version_major", "UInt64"),
    ("client_version_minor", "UInt64"),
    ("client_version_patch", "UInt64"),
    ("http_method", "Enum8('UNKNOWN' = 0, 'GET' = 1, 'POST' = 2, 'OPTIONS' = 3, 'PUT' = 4, 'DELETE' = 5, 'HEAD' = 6)"),
    ("http_user_agent", "String"),
    ("http_referer", "String"),
    ("forwarded_for", "String"),
    ("quota_key", "String"),
    ("distributed_depth", "UInt64"),
    ("elapsed", "Float64"),
    ("is_cancelled", "UInt8"),
    ("is_all_data_sent", "UInt8"),
    ("read_rows", "UInt64"),
    ("read_bytes", "UInt64"),
    ("total_rows_approx", "UInt64"),
    ("written_rows", "UInt64"),
    ("written_bytes", "UInt64"),
    ("memory_usage", "Int64"),
    ("peak_memory_usage", "Int64"),
    ("query", "String"),
    ("normalized_query_hash", "UInt64"),
    ("query_kind", "String"),
    ("thread_ids", "Array(UInt64)"),
    ("peak_threads_usage", "UInt64"),
    ("ProfileEvents", "Map(LowCardinality(String), UInt64)"),
    ("Settings", "Map(LowCardinality(String), LowCardinality(String))"),
    ("current_database", "String"),
    ("is_internal", "UInt8"),
    ("ProfileEvents.Names", "Array(String)"),
    ("ProfileEvents.Values", "Array(UInt64)"),
    ("Settings.Names", "Array(String)"),
    ("Settings.Values", "Array(String)"),
];

fn header() -> Header {
    let column = |(name, ty): &(&str, &str)| Column::new(*name, DataType::parse(ty).expect("a type written here"));
    Header::new(COLUMNS.iter().map(column).collect::<Vec<_>>())
}

fn row(process: &Process) -> Vec<(&'static str, Cell)> {
    let ctx = &process.ctx;
    let progress = ctx.counters.progress();
    let elapsed_ns = ctx.runtime.env.clock.monotonic_ns().saturating_sub(process.started_ns);
    let settings: Vec<(String, String)> =
        ctx.settings.changed_by_name().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let (names, values): (Vec<String>, Vec<String>) = settings.iter().cloned().unzip();
    vec![
        ("is_initial_query", Cell::from(true)),
        ("user", Cell::from(ctx.caller.user.clone())),
        ("query_id", Cell::from(ctx.caller.query_id.clone())),
        ("initial_user", Cell::from(ctx.caller.user.clone())),
        ("initial_query_id", Cell::from(ctx.caller.query_id.clone())),
        ("elapsed", Cell::Float(elapsed_ns as f64 / 1e9)),
        ("is_cancelled", Cell::from(ctx.cancel.is_cancelled())),
        ("read_rows", Cell::from(progress.read_rows)),
        ("read_bytes", Cell::from(progress.read_bytes)),
        ("total_rows_approx", Cell::from(progress.total_rows)),
        ("memory_usage", Cell::from(ctx.memory.used_bytes())),
        ("peak_memory_usage", Cell::from(ctx.memory.peak_bytes())),
        ("query", Cell::from(process.text.clone())),
        ("query_kind", Cell::from(process.kind)),
        ("peak_threads_usage", Cell::from(ctx.threads())),
        ("current_database", Cell::from(ctx.caller.database.clone())),
        ("Settings.Names", Cell::from(names)),
        ("Settings.Values", Cell::from(values)),
        ("Settings", Cell::TextMap(settings)),
    ]
}

/// `KILL QUERY WHERE … [ASYNC | SYNC | TEST]`: cancels what the condition takes among the other running statements. SYNC
/// waits until they have ended.
pub(crate) async fn kill(engine: &Engine, kill: &Kill, ctx: &Arc<QueryContext>) -> Result<Block> {
    ddl::refuse_cluster(&kill.on_cluster)?;
    if kill.what == KillWhat::Mutation {
        return engine.inner.mutations.kill(kill, ctx).await;
    }
    if kill.what != KillWhat::Query {
        return Err(Error::NotImplemented("KILL of anything but queries and mutations".to_owned()));
    }
    let processes: Vec<Process> = engine.inner.processes.list();
    let is_other = |process: &&Process| process.ctx.caller.query_id != ctx.caller.query_id;
    let others: Vec<&Process> = processes.iter().filter(is_other).collect();
    let header = header();
    let mut rows = Rows::new(&header);
    others.iter().for_each(|process| rows.push(row(process)));
    let condition = Expressions::compile(std::slice::from_ref(&kill.filter), &header, ctx)?;
    let chosen = condition.eval_conditions(&rows.block()?)?.remove(0);
    let chosen: Vec<&Process> =
        others.into_iter().zip(chosen.values()).filter(|(_, chosen)| *chosen).map(|(process, _)| process).collect();
    if kill.mode != KillMode::Test {
        chosen.iter().for_each(|process| process.ctx.cancel.cancel());
    }
    let status = match kill.mode {
        KillMode::Test => "unknown_status",
        KillMode::Async => "waiting",
        KillMode::Sync => {
            wait(engine, &chosen, ctx).await?;
            "finished"
        }
    };
    answer(&chosen, status)
}

/// Waits until none of the statements runs.
async fn wait(engine: &Engine, killed: &[&Process], ctx: &QueryContext) -> Result<()> {
    let is_killed = |process: &Process| killed.iter().any(|killed| Arc::ptr_eq(&killed.ctx, &process.ctx));
    while engine.inner.processes.list().iter().any(is_killed) {
        ctx.check()?;
        engine.env().clock.sleep(LOOK_EVERY).await;
    }
    Ok(())
}

fn answer(killed: &[&Process], status: &str) -> Result<Block> {
    let names = ["kill_status", "query_id", "user", "query"];
    let header = Header::new(names.map(|name| Column::new(name, DataType::String)).to_vec());
    let mut rows = Rows::new(&header);
    for process in killed {
        rows.push([
            ("kill_status", Cell::from(status)),
            ("query_id", Cell::from(process.ctx.caller.query_id.clone())),
            ("user", Cell::from(process.ctx.caller.user.clone())),
            ("query", Cell::from(process.text.clone())),
        ]);
    }
    Ok(rows.block()?)
}

/// `system.processes`.
pub(super) fn table(processes: &Processes) -> Arc<dyn SystemTable> {
    Arc::new(Table { processes: processes.clone(), header: header() })
}

struct Table {
    processes: Processes,
    header: Header,
}

impl SystemTable for Table {
    fn name(&self) -> &'static str {
        "processes"
    }

    fn schema(&self) -> &Header {
        &self.header
    }

    fn rows(&self, _: &QueryContext) -> query::Result<Vec<Block>> {
        let mut rows = Rows::new(&self.header);
        self.processes.list().iter().for_each(|process| rows.push(row(process)));
        Ok(vec![rows.block()?])
    }
}
