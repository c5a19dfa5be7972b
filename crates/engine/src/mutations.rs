//! The mutations that run now, and `system.mutations`: those and the ones that are done.
//!
//! A mutation is one commit: while it runs nothing of it is visible, and when it is killed nothing was done.

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

/// The mutations that run now. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Mutations {
    running: Arc<Mutex<BTreeMap<u64, Mutation>>>,
    last: Arc<AtomicU64>,
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

    /// KILL MUTATION WHERE …: cancels what the condition takes among the running ones.
    pub(crate) fn kill(&self, kill: &Kill, ctx: &QueryContext) -> Result<Block> {
        let header = header();
        let mut rows = Rows::new(&header);
        let mut of_row: Vec<(u64, Mutation, Arc<str>)> = Vec::new();
        for (number, mutation) in self.list() {
            for command in &mutation.commands {
                rows.push(running_row(number, &mutation, command));
                of_row.push((number, mutation.clone(), Arc::clone(command)));
            }
        }
        let condition = query::expressions::Expressions::compile(std::slice::from_ref(&kill.filter), &header, ctx)?;
        let chosen = condition.eval_conditions(&rows.block()?)?.remove(0);
        let columns = ["kill_status", "database", "table", "mutation_id", "command"];
        let result = Header::new(columns.map(|name| Column::new(name, DataType::String)).to_vec());
        let mut killed = Rows::new(&result);
        for ((number, mutation, command), _) in of_row.iter().zip(chosen.values()).filter(|(_, chosen)| *chosen) {
            if kill.mode != KillMode::Test {
                mutation.ctx.cancel.cancel();
            }
            killed.push(vec![
                ("kill_status", Cell::from(if kill.mode == KillMode::Test { "unknown" } else { "waiting" })),
                ("database", Cell::from(Arc::clone(&mutation.database))),
                ("table", Cell::from(Arc::clone(&mutation.table))),
                ("mutation_id", Cell::from(running_id(*number))),
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
        Ok(vec![rows.block()?])
    }
}
