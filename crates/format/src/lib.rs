//! Bytes to blocks and blocks to bytes: the formats that ClickHouse's clients speak.
//!
//! Pure: no I/O, no catalogue, no SQL. A decoder is pushed bytes as they come and gives bounded blocks; an encoder is
//! pushed blocks and gives bytes. Bytes from outside never panic: a bad row is an error with its row number, or a
//! [`BadRow`] where the caller keeps dead letters. What needs an expression evaluated (VALUES) asks the caller.

mod build;
pub mod codec;
mod cursor;
pub mod decode;
pub mod encode;
mod error;
mod infer;
mod names;
mod native;
mod numbers;
pub mod parquet;

pub use build::{ColumnBuilder, Misfit};
pub use decode::values::subqueries;
pub use decode::{BadRow, Decode, DecodeOptions, Decoded, Evaluate, block_bytes_max, decoder, unescape_cell};
pub use encode::{Encode, Statistics, encoder, encoder_for};
pub use error::{Error, Result};
pub use infer::infer;
pub use names::{FORMATS, Format, content_type};
