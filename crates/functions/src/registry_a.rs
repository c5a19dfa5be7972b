//! The families of part A: numbers, dates, conversions.

use crate::frame::Definition;

/// One table a family file.
pub(crate) const FAMILIES: &[&[Definition]] = &[];
