//! The families of part A: numbers, dates, conversions.

use crate::arithmetic::{self, bits, division, extremes, unary};
use crate::comparison::{self, logic};
use crate::conversions::{self, casts, numbers, reinterpret, texts, times};
use crate::dates::{self, add, diff, format, interval, make, parse, parts, slots, starts, zones};
use crate::frame::Definition;
use crate::math::{bounds, elementary, finite, readable, rounding, steps};

/// One table a family file.
pub(crate) const FAMILIES: &[&[Definition]] = &[
    arithmetic::OPERATORS,
    division::DIVISIONS,
    unary::UNARY,
    bits::BITS,
    extremes::EXTREMES,
    comparison::COMPARISONS,
    logic::LOGIC,
    numbers::NUMBERS,
    numbers::DECIMALS,
    numbers::INTERVALS,
    texts::TEXTS,
    times::TIMES,
    casts::CASTS,
    reinterpret::REINTERPRETS,
    rounding::ROUNDING,
    elementary::ELEMENTARY,
    finite::FINITE,
    steps::STEPS,
    readable::READABLE,
    bounds::BOUNDS,
    add::UNITS,
    parts::PARTS,
    starts::STARTS,
    interval::INTERVALS,
    diff::DIFFERENCES,
    make::MAKERS,
    make::CHANGES,
    zones::ZONES,
    format::FORMATS,
    parse::PARSERS,
    slots::SLOTS,
    dates::more::MORE,
    dates::windows::WINDOWS,
    conversions::more::MORE,
];
