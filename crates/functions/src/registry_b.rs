//! The families of part B: strings, arrays, maps, tuples, JSON, hashing, conditions and the rest.

use crate::frame::Definition;
use crate::{
    arrays, bitmaps, conditional, encode, json, lambda, maps, misc, random, states, strings, transform, tuples,
};

/// One table a family file.
pub(crate) const FAMILIES: &[&[Definition]] = &[
    conditional::DEFINITIONS,
    strings::length::DEFINITIONS,
    strings::case::DEFINITIONS,
    strings::substring::DEFINITIONS,
    strings::search::DEFINITIONS,
    strings::regexp::DEFINITIONS,
    strings::replace::DEFINITIONS,
    strings::split::DEFINITIONS,
    strings::concat::DEFINITIONS,
    arrays::build::DEFINITIONS,
    arrays::access::DEFINITIONS,
    arrays::search::DEFINITIONS,
    arrays::subset::DEFINITIONS,
    arrays::concat::DEFINITIONS,
    arrays::slice::DEFINITIONS,
    arrays::shape::DEFINITIONS,
    arrays::sets::DEFINITIONS,
    arrays::vectors::DEFINITIONS,
    lambda::DEFINITIONS,
    maps::DEFINITIONS,
    tuples::DEFINITIONS,
    json::extract::DEFINITIONS,
    json::path::DEFINITIONS,
    json::simple::DEFINITIONS,
    json::write::DEFINITIONS,
    strings::distance::DEFINITIONS,
    strings::traits::DEFINITIONS,
    transform::DEFINITIONS,
    encode::hex::DEFINITIONS,
    encode::base::DEFINITIONS,
    encode::escapes::DEFINITIONS,
    encode::ids::DEFINITIONS,
    random::DEFINITIONS,
    states::DEFINITIONS,
    bitmaps::DEFINITIONS,
    bitmaps::BIT_DEFINITIONS,
    misc::DEFINITIONS,
];
