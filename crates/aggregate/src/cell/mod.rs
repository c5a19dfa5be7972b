//! One value of any type as bytes: cells.
//!
//! The bytes of two values of one type compare as ClickHouse compares the values, and equal bytes mean equal values, so
//! sets, sorts and extremes of any type are those of byte strings. Cells are also how values are kept inside opaque
//! states, so this format is on disk: it can be added to, never changed.
//!
//! ```text
//! UInt*, Date…     big endian                         Nullable   01 value | 02 (NULL last) or 00 (NULL first)
//! Int*, Decimal    big endian, sign bit flipped       Array, Map (01 element)* 00
//! Float*           IEEE bits, made to sort; NaN last  Tuple      the elements one after another
//! String           00 becomes 00 FF, ends in 00 00    UUID       second half, then first half, big endian
//! FixedString,     as it is                           states     as a tuple of their fields
//! (U)Int128/256
//! ```
//!
//! A String that is not inside another value may be kept raw instead, see [`Shape::is_raw`].

mod reader;
mod shape;
mod writer;

pub(crate) use reader::CellReader;
pub(crate) use shape::{Nulls, Shape};
pub(crate) use writer::CellWriter;

#[cfg(test)]
mod tests;
