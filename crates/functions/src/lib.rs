//! ClickHouse's functions and aggregate combinators as DataFusion UDFs.
//!
//! Reading order: [`frame`] says what a function is and how its kernel sees rows; [`registry`] finds one by name;
//! [`resolve`] chooses the result type and applies the default rules for NULL and LowCardinality; [`bound`] is the
//! DataFusion side. Each family of functions is one file with a table of [`Definition`]s, listed in `registry_a` or
//! `registry_b`.
//!
//! Never here: names of tables or columns, SQL text, I/O, clocks, randomness of its own (see [`QueryTime`]).

pub mod aggregates;
pub mod bound;
pub mod cast;
pub mod common;
pub mod comparison;
pub mod error;
pub mod frame;
pub mod query_time;
pub mod registry;
pub mod resolve;
pub mod total;
pub mod wide;

#[cfg(test)]
mod answers;
mod arithmetic;
mod arrays;
mod bitmaps;
mod columns;
mod conditional;
mod conversions;
mod convert;
mod dates;
mod encode;
mod hash;
mod json;
mod lambda;
mod maps;
mod math;
mod misc;
mod nulls;
mod random;
mod registry_a;
mod registry_b;
mod request;
mod sleep;
mod states;
mod strings;
#[cfg(test)]
mod testing;
mod transform;
mod tuples;
mod url;

pub use common::{common_type, common_type_or_nearest};
pub use error::{Error, Result};
pub use frame::{Arg, Call, Definition, Function, FunctionContext, Kernel, Nulls, Operand, Resolved};
pub use lambda::{Lambda, LambdaBody, higher_order, lambda_parameters, takes_lambda};
pub use query_time::QueryTime;
pub use registry::{FunctionName, names};
pub use request::Request;
pub use resolve::{function_of, lookup_of, resolve};
pub use strings::re2;
