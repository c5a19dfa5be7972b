//! The mutations that run now, those that are queued ([`queue`], [`worker`]), and `system.mutations`: these and the ones that
//! are done.
//!
//! A mutation is one commit: while it runs nothing of it is visible, and when it is killed nothing was done.

mod queue;
mod worker;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use query::system::{Cell, Rows};
use query::{QueryContext, SystemTable};
use sql::ast::{Kill, KillMode};
use store::TableDef;
use types::{Block, Column, DataType, Header};

use crate::error::Result;

pub(crate) use queue::{Queue, Queued};
pub(crate) use worker::Worker;

/// The mutations that run now. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Mutations {
    running: Arc<Mutex<BTreeMap<u64, Mutation>>>,
    last: Arc<AtomicU64>,
    pub(crate) queue: Queue,
}

/// One of them.
#[derive(Clone)]
struct Mutation {
    database: Arc<str>,
    table: Arc<str>,
    commands: Vec<Arc<str>>,
    started_ns: i64,
    ctx: Arc<QueryContext>,
}

/// Takes the mutation off the list when dropped.
pub(crate) struct Running {
    mutations: Mutations,
    number: u64,
}

impl Mutations {
    /// Lists a mutation of a table.
    pub(crate) fn start(&self, table: &TableDef, commands: &[Arc<str>], ctx: &Arc<QueryContext>) -> Running {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        let mutation = Mutation {
            database: Arc::clone(&table.database),
            table: Arc::clone(&table.name),
            commands: commands.to_vec(),
            started_ns: ctx.now_ns,
            ctx: Arc::clone(ctx),
        };
        self.running.lock().insert(number, mutation);
        Running { mutations: self.clone(), number }
    }

    fn list(&self) -> Vec<(u64, Mutation)> {
        self.running.lock().iter().map(|(number, mutation)| (*number, mutation.clone())).collect()
    }

    /// KILL MUTATION WHERE …: ends what the condition takes among those that run or wait.
    pub(crate) async fn kill(&self, kill: &Kill, ctx: &QueryContext) -> Result<Block> {
        let header = header();
        let mut rows = Rows::new(&header);
        let mut of_row: Vec<Victim> = Vec::new();
        for (number, mutation) in self.list() {
            for command in &mutation.commands {
                rows.push(running_row(number, &mutation, command));
                of_row.push(Victim::Running(number, mutation.clone(), Arc::clone(command)));
            }
        }
        for queued in self.queue.list() {
            let Some(table) = ctx.snapshot.catalog.table_by_id(queued.table()) else { continue };
            for command in &queued.row.commands {
                rows.push(queued_row(&queued, table, command, ctx));
                of_row.push(Victim::Queued(Box::new(queued.clone()), Arc::clone(table), command.clone()));
            }
        }
        let condition = query::expressions::Expressions::compile(std::slice::from_ref(&kill.filter), &header, ctx)?;
        let chosen = condition.eval_conditions(&rows.block()?)?.remove(0);
        let columns = ["kill_status", "database", "table", "mutation_id", "command"];
        let result = Header::new(columns.map(|name| Column::new(name, DataType::String)).to_vec());
        let mut killed = Rows::new(&result);
        for (victim, _) in of_row.iter().zip(chosen.values()).filter(|(_, chosen)| *chosen) {
            if kill.mode != KillMode::Test {
                match victim {
                    Victim::Running(_, mutation, _) => mutation.ctx.cancel.cancel(),
                    Victim::Queued(queued, ..) => self.queue.kill(queued, ctx).await?,
                }
            }
            let (database, table, id, command) = match victim {
                Victim::Running(number, mutation, command) => {
                    (&mutation.database, &mutation.table, running_id(*number), command.to_string())
                }
                Victim::Queued(queued, table, command) => (&table.database, &table.name, queued.id(), command.clone()),
            };
            killed.push(vec![
                ("kill_status", Cell::from(if kill.mode == KillMode::Test { "unknown" } else { "waiting" })),
                ("database", Cell::from(Arc::clone(database))),
                ("table", Cell::from(Arc::clone(table))),
                ("mutation_id", Cell::from(id)),
                ("command", Cell::from(format!("({command})"))),
            ]);
        }
        Ok(killed.block()?)
    }

    /// `system.mutations`.
    pub(crate) fn system_table(&self) -> Arc<dyn SystemTable> {
        Arc::new(MutationsTable { mutations: self.clone(), header: header() })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.mutations.running.lock().remove(&self.number);
    }
}

/// What KILL MUTATION may end.
enum Victim {
    Running(u64, Mutation, Arc<str>),
    Queued(Box<Queued>, Arc<TableDef>, String),
}

/// A mutation gets its number when it is committed.
fn running_id(number: u64) -> String {
    format!("running_{number}")
}

fn header() -> Header {
    query::system::header_of("system", "mutations")
}

fn seconds(ns: i64) -> Cell {
    Cell::UInt(u64::try_from(ns.div_euclid(1_000_000_000)).unwrap_or(0))
}

fn running_row(number: u64, mutation: &Mutation, command: &str) -> Vec<(&'static str, Cell)> {
    vec![
        ("database", Cell::from(Arc::clone(&mutation.database))),
        ("table", Cell::from(Arc::clone(&mutation.table))),
        ("mutation_id", Cell::from(running_id(number))),
        ("command", Cell::from(format!("({command})"))),
        ("create_time", seconds(mutation.started_ns)),
        ("is_killed", Cell::from(mutation.ctx.cancel.is_cancelled())),
    ]
}

fn queued_row(queued: &Queued, table: &TableDef, command: &str, ctx: &QueryContext) -> Vec<(&'static str, Cell)> {
    let parts = queued.parts_to_do(&ctx.snapshot);
    let mut row = vec![
        ("database", Cell::from(Arc::clone(&table.database))),
        ("table", Cell::from(Arc::clone(&table.name))),
        ("mutation_id", Cell::from(queued.id())),
        ("command", Cell::from(format!("({command})"))),
        ("create_time", seconds(queued.row.at_ns)),
        ("block_numbers.partition_id", Cell::Texts(vec![String::new()])),
        ("parts_to_do", Cell::from(parts.len())),
        ("parts_to_do_names", Cell::Texts(parts)),
        ("is_done", Cell::from(false)),
        ("is_killed", Cell::from(queued.cancel.is_cancelled())),
    ];
    if let Some(failure) = &queued.failure {
        row.extend([
            ("latest_fail_time", seconds(failure.at_ns)),
            ("latest_fail_reason", Cell::from(failure.reason.clone())),
            ("latest_fail_error_code_name", Cell::from(failure.code.name())),
        ]);
    }
    row
}

struct MutationsTable {
    mutations: Mutations,
    header: Header,
}

impl SystemTable for MutationsTable {
    fn name(&self) -> &'static str {
        "mutations"
    }

    fn schema(&self) -> &Header {
        &self.header
    }

    fn rows(&self, ctx: &QueryContext) -> query::Result<Vec<Block>> {
        let mut rows = Rows::new(&self.header);
        for (table, history) in ctx.snapshot.history.tables() {
            let Some(def) = ctx.snapshot.catalog.table_by_id(*table) else { continue };
            for mutation in &history.mutations {
                for command in &mutation.commands {
                    rows.push(vec![
                        ("database", Cell::from(Arc::clone(&def.database))),
                        ("table", Cell::from(Arc::clone(&def.name))),
                        ("mutation_id", Cell::from(format!("mutation_{}.txt", mutation.number))),
                        ("command", Cell::from(format!("({command})"))),
                        ("create_time", seconds(mutation.at_ns)),
                        ("finish_time", seconds(mutation.at_ns)),
                        ("block_numbers.partition_id", Cell::Texts(vec![String::new()])),
                        ("is_done", Cell::from(true)),
                    ]);
                }
            }
        }
        for (number, mutation) in self.mutations.list() {
            mutation.commands.iter().for_each(|command| rows.push(running_row(number, &mutation, command)));
        }
        for queued in self.mutations.queue.list() {
            let Some(table) = ctx.snapshot.catalog.table_by_id(queued.table()) else { continue };
            queued.row.commands.iter().for_each(|command| rows.push(queued_row(&queued, table, command, ctx)));
        }
        Ok(vec![rows.block()?])
    }
}
