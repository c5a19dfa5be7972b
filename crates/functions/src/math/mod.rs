//! Functions over numbers: rounding, elementary and special functions, checks of floats, text about numbers.

pub(crate) mod bounds;
pub(crate) mod elementary;
pub(crate) mod finite;
pub(crate) mod readable;
pub(crate) mod rounding;
pub(crate) mod steps;

#[cfg(test)]
mod tests;
