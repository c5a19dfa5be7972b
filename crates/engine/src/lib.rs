//! The façade: one open database, sessions over it, statements in and answers out. The API boundary: above it nobody
//! knows what is below. Also the embeddable library.
//!
//! In reading order: [`engine`] (open, close, what runs beside the statements), [`session`] (settings, database, one
//! statement at a time), [`request`] (what is asked and answered), `dispatch` (which statement goes where), `insert`,
//! `ddl`, `alter`, `show`, `system`, `refresh` (refreshable views at work), `run_input` (an input through a pipeline, resumably; `positions`: how far it is), [`pipeline`] (what programs that
//! run one ask), `upkeep` (merges, TTL).
//!
//! Never here: sockets, the text of formats, plans. Errors leave as [`Error`] with ClickHouse's code.

mod access;
mod alter;
mod backup;
mod buffers;
mod check;
mod collections;
mod config;
mod ddl;
mod dictionaries;
mod dispatch;
pub mod engine;
mod error;
mod extremes;
mod insert;
mod lookup;
mod mutations;
mod optimize;
mod outside;
pub mod pipeline;
mod positions;
mod processes;
mod refresh;
pub mod request;
pub mod run_input;
pub mod session;
mod settings;
mod show;
mod system;
mod telemetry;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod ttl;
mod ttl_groups;
mod upkeep;
mod verify;

pub use access::{Access, Credentials};
pub use config::EngineConfig;
pub use engine::Engine;
pub use error::{Error, ErrorKind, Result};
pub use pipeline::{Landing, statements};
pub use positions::InputCounts;
pub use request::{Answer, Data, Request, Rows, Summary};
pub use run_input::{InputKind, InputReport, RunInput};
pub use session::Session;

// what callers of the façade need from below it
pub use env::Env;
pub use format::{Format, Statistics, content_type};
pub use query::AllowedHosts;
pub use store::{FsyncMode, StoreConfig, check as check_folder};
pub use stream::generator;
pub use tokio_util::sync::CancellationToken;
pub use types::{Block, Column, DataType, ErrorCode, Header, Setting, Settings};
