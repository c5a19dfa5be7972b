//! Dates and times: their parts, the starts of their units, arithmetic with units, differences, formats.
//!
//! [`clock`] reads and writes columns of the four types; everything else is arithmetic on days and seconds.

pub(crate) mod add;
pub(crate) mod clock;
