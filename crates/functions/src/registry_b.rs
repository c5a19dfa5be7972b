//! The families of part B: strings, arrays, maps, tuples, JSON, hashing, conditions and the rest.

use crate::frame::Definition;
use crate::lambda;

/// One table a family file.
pub(crate) const FAMILIES: &[&[Definition]] = &[lambda::DEFINITIONS];
