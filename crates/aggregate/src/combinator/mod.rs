//! Combinators: aggregate functions made of one other.

mod array;
mod filter;
mod or_fill;
mod state;

pub use state::merge_present;
use types::state::Combinator;
use types::{DataType, Value};

use crate::aggregate::Made;
use crate::error::{Error, Result};
use crate::resolve::resolve_made;

/// A call of a combined function: the combinator over `inner`.
#[derive(Clone, Copy)]
pub(crate) struct Combined<'a> {
    /// The whole name, for errors.
    pub name: &'a str,
    /// The name without this combinator.
    pub inner: &'a str,
    pub params: &'a [Value],
    pub args: &'a [DataType],
    pub depth: usize,
}

impl Combined<'_> {
    /// The function below, over these arguments.
    fn below(&self, params: &[Value], args: &[DataType]) -> Result<Made> {
        resolve_made(self.inner, params, args, self.depth)
    }

    fn argument_type(&self, ty: &DataType, expected: &'static str) -> Error {
        Error::ArgumentType { function: self.name.to_owned(), ty: ty.clone(), expected }
    }

    fn argument_count(&self, expected: &'static str) -> Error {
        Error::ArgumentCount { function: self.name.to_owned(), expected, found: self.args.len() }
    }
}

pub(crate) fn resolve(call: &Combined<'_>, combinator: Combinator) -> Result<Made> {
    match combinator {
        Combinator::If => filter::resolve(call),
        Combinator::Array => array::resolve(call),
        Combinator::OrNull => or_fill::resolve(call, or_fill::Fill::Null),
        Combinator::OrDefault => or_fill::resolve(call, or_fill::Fill::Default),
        Combinator::State => state::resolve_state(call),
        Combinator::SimpleState => state::resolve_simple(call),
        Combinator::Merge => state::resolve_merge(call),
        Combinator::ForEach
        | Combinator::Distinct
        | Combinator::Resample
        | Combinator::Map
        | Combinator::ArgMin
        | Combinator::ArgMax => Err(Error::Unsupported(format!("aggregate function \"{}\"", call.name))),
    }
}
