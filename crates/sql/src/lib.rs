//! Text ↔ syntax tree of ClickHouse's dialect and Everview's additions.
//!
//! Pure: no I/O, no catalogue, no meaning. A name is only a name here; which tables, functions, types and settings
//! exist, is for the binder. The law of this crate is `parse(print(x)) == x`, and that no text makes it panic or
//! overflow the stack.
//!
//! In reading order: [`ast`] (the tree), `token` and `lexer` (bytes → tokens), `parser` (tokens → tree), `print`
//! (tree → text).

pub mod ast;
mod error;

pub use ast::{Expr, Query, Span, Statement};
pub use error::{Error, Position, QUERY_IS_TOO_LARGE, SYNTAX_ERROR, SyntaxError, TOO_DEEP_RECURSION};

/// What this crate's functions return.
pub type Result<T> = std::result::Result<T, Error>;

/// The deepest tree: nesting of brackets, subqueries and operators together.
pub const DEPTH_MAX: u32 = 200;
/// The most bytes of one statement, without the data of an INSERT.
pub const STATEMENT_BYTES_MAX: usize = 16 << 20;
