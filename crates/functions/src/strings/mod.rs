//! Functions of strings. Strings are bytes; only functions whose name says UTF8 know characters.

pub(crate) mod case;
pub(crate) mod concat;
pub(crate) mod conv;
pub(crate) mod distance;
pub(crate) mod key_values;
pub(crate) mod length;
pub(crate) mod like;
pub(crate) mod printf;
pub mod re2;
pub(crate) mod regexp;
pub(crate) mod replace;
pub(crate) mod search;
pub(crate) mod shapes;
pub(crate) mod split;
pub(crate) mod substring;
pub(crate) mod traits;
pub(crate) mod utf8;
