//! Protocols over one engine: what clients speak, translated to `engine::Session` and back.
//!
//! In reading order: [`http`] (ClickHouse's HTTP interface). Later: [`native`], [`resp`], [`rest`], [`console`].
//!
//! Never here: storage, plans, the meaning of a statement. Bytes from a socket cannot panic us; every queue and buffer has
//! a named limit.

pub use format::codec;

pub mod console;
mod error;
pub mod http;
pub mod native;
pub mod resp;
pub mod rest;

pub use error::{Error, Result};
pub use http::{HttpConfig, HttpServer};
