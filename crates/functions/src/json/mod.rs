//! Functions of JSON in strings. A text is parsed once a row into a [`tape`]; what is not JSON has no values at all.

pub(crate) mod extract;
pub(crate) mod path;
pub(crate) mod simple;
pub(crate) mod tape;
pub(crate) mod write;

mod column;
