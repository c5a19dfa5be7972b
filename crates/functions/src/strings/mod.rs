//! Functions of strings. Strings are bytes; only functions whose name says UTF8 know characters.

pub(crate) mod like;
pub(crate) mod re2;
pub(crate) mod utf8;

mod case;
