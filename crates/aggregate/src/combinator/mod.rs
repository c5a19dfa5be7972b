//! Combinators: aggregate functions made of one other.

mod arg;
mod array;
mod distinct;
mod filter;
mod for_each;
pub(crate) mod map;
mod or_fill;
mod resample;
mod slots;
mod state;

pub(crate) use filter::condition;
pub(crate) use slots::list_column;
pub(crate) use state::merge_present;
use types::state::Combinator;
use types::{DataType, Value};

use crate::aggregate::Made;
use crate::error::{Error, Result};
use crate::extreme::Rule;
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
        Combinator::ForEach => for_each::resolve(call),
        Combinator::Distinct => distinct::resolve(call),
        Combinator::Resample => resample::resolve(call),
        Combinator::Map => map::resolve(call),
        Combinator::ArgMin => arg::resolve(call, Rule::Min),
        Combinator::ArgMax => arg::resolve(call, Rule::Max),
    }
}
