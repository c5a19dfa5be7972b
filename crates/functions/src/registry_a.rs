//! The families of part A: numbers, dates, conversions.

use crate::conversions::{casts, numbers, texts, times};
use crate::frame::Definition;

/// One table a family file.
pub(crate) const FAMILIES: &[&[Definition]] =
    &[numbers::NUMBERS, numbers::DECIMALS, numbers::INTERVALS, texts::TEXTS, times::TIMES, casts::CASTS];
