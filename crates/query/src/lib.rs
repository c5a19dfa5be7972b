//! Queries: from ClickHouse's words to DataFusion's plans, and from plans to blocks.
//!
//! In reading order: `context` (what a query carries), [`bind`] (syntax tree → logical plan), [`mod@compile`] (logical →
//! physical plan), [`run`] (plan → blocks), [`scan`] (the leaves), `relations` (what stands behind names), [`system`]
//! and [`table_functions`] (rows that are in no table), [`expressions`] and [`transform`] (expressions over one block).
//!
//! Never here: writing. Nothing in this crate changes a snapshot.

pub mod bind {
    //! Names and types.
    pub mod context;
    pub mod relations;
}
pub mod cache;
pub mod compile;
pub mod context;
pub mod error;
pub mod memory;
pub mod pending;
pub mod run;
pub mod runtime;
pub mod scan;
mod session;
pub mod system;
pub mod table_functions;

pub use compile::{Compiled, compile};
pub use context::{Caller, Counters, QueryContext};
pub use error::{Error, Result};
pub use run::BlockStream;
pub use runtime::{Runtime, RuntimeConfig, RuntimeParts};
pub use system::{SystemTable, SystemTables};

#[cfg(test)]
mod tests;
