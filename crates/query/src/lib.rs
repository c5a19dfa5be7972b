//! Queries: from ClickHouse's words to DataFusion's plans, and from plans to blocks.
//!
//! In reading order: `context` (what a query carries), [`bind`] (syntax tree → logical plan), [`mod@compile`] (logical →
//! physical plan), [`run`] (plan → blocks), [`scan`] (the leaves), `relations` (what stands behind names), [`merge_tables`], [`dictionary`], [`join_engine`], [`buffer_engine`], [`system`]
//! and [`table_functions`] (rows that are in no table), [`mod@external`] (rows elsewhere), [`expressions`], [`layout`] and
//! [`transform`] (expressions over one block), [`skip_indexes`] and [`projections`] (what parts keep beside their rows).
//!
//! Never here: writing. Nothing in this crate changes a snapshot.

pub mod bind;
mod brief;
pub mod buffer_engine;
pub mod cache;
pub mod compile;
pub mod context;
pub mod definition;
pub mod derive;
pub mod dictionary;
pub mod error;
pub mod explain;
pub mod expressions;
pub mod external;
pub mod join_engine;
pub mod keys;
pub mod layout;
pub mod memory;
pub mod merge_tables;
pub mod nodes;
mod parameters;
pub mod prepare;
pub mod projections;
pub mod relations;
pub mod run;
pub mod runtime;
pub mod scan;
mod session;
mod shape;
pub mod shared;
mod sizes;
pub mod skip_indexes;
mod spare;
pub mod spilling;
pub mod subqueries;
pub mod system;
pub mod table_functions;
mod template;
mod timed;
pub mod transform;

pub use ::external::AllowedHosts;
pub use compile::{Compiled, compile};
pub use context::{Caller, Counters, QueryContext};
pub use error::{Error, Result};
pub use prepare::{Prepared, bind, prepare, select};
pub use run::BlockStream;
pub use runtime::{Runtime, RuntimeConfig, RuntimeParts};
pub use shared::SharedPlans;
pub use system::{SystemTable, SystemTables};

/// How a query names a hidden table of an operator's state; no user's table has such a name.
pub fn state_table_name(table: types::TableId) -> String {
    format!(".state.{table}")
}

/// True for names of aggregate functions, combinators included.
pub fn is_aggregate_function(name: &str) -> bool {
    functions::aggregates::is_aggregate(name)
}

#[cfg(test)]
mod tests;
