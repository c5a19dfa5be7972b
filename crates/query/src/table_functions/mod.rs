//! Table functions.
mod files;
mod numbers;
pub use files::{FileDecoder, FileFormats, FormatEntry};
pub use numbers::{Numbers, Zeros};
