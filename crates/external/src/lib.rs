//! Rows and bytes from elsewhere: `mysql()`, `postgresql()`, `s3()`, `url()` and `file()` as sources for any SELECT, and so
//! for a scheduled refresh.
//!
//! Two kinds of sources. A [`Table`] has rows of its own (PostgreSQL, MySQL). [`Objects`] are bytes under names (HTTP, S3,
//! files); how bytes become rows is `query`'s, with crate `format`. In reading order: [`hosts`] (who may be asked),
//! [`relation`], [`objects`], then a module for each source.
//!
//! What holds for all of them: a connection is only made to an address that the allow list was asked about; credentials are
//! a [`Secret`] and never in an error, a log or a name; a source that is down, slow or lies about its size fails the query
//! that asked, and nothing else.

pub mod database;
pub mod error;
pub mod files;
pub mod glob;
pub mod hosts;
pub mod http;
pub mod mysql;
pub mod objects;
pub mod postgres;
mod pushdown;
pub mod relation;
mod rows;
pub mod s3;
pub mod secret;
pub mod tls;

pub use database::{Database, Patience, Target};
pub use error::{Error, Result};
pub use hosts::{AllowedHosts, Hosts};
pub use objects::{Object, Objects, Seekable};
pub use relation::{Blocks, Comparison, Filter, Scan, Table};
pub use secret::Secret;
pub use tls::{Tls, TlsMode};
