//! The words every other crate speaks: ClickHouse types and what Arrow type each of them is, blocks of rows, values,
//! names and ids, error codes, settings.
//!
//! Pure: no I/O, no clock, no catalogue, and nothing here knows SQL or tables. The mapping from a ClickHouse type to an
//! Arrow type ([`DataType::arrow_type`]) is on disk in every part and can never change.

pub mod block;
pub mod data_type;
pub mod defaults;
pub mod error;
pub mod error_code;
pub mod ids;
pub mod settings;
pub mod state;
pub mod text;
pub mod transform;
pub mod value;
pub mod wide;

pub use block::{Block, Column, Header};
pub use data_type::{AggregateSignature, DataType, EnumType, IntervalUnit, TupleField};
pub use error::{Error, Result};
pub use error_code::ErrorCode;
pub use ids::{CommitSeq, DatabaseId, TableId};
pub use settings::{Setting, Settings};
pub use transform::BlockTransform;
pub use value::{F64, Value};
