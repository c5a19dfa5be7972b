//! Dates and times: their parts, the starts of their units, arithmetic with units, differences, formats.
//!
//! [`clock`] reads and writes columns of the four types; everything else is arithmetic on days and seconds.

pub(crate) mod add;
pub(crate) mod clock;
pub(crate) mod diff;
pub(crate) mod format;
pub(crate) mod interval;
pub(crate) mod make;
pub(crate) mod more;
pub(crate) mod parse;
pub(crate) mod parts;
pub(crate) mod slots;
pub(crate) mod starts;
pub(crate) mod week;
pub(crate) mod windows;
pub(crate) mod zones;

#[cfg(test)]
mod tests;
