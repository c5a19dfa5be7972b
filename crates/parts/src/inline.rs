//! Small parts as bytes inside a commit log record: the columns' Arrow buffers one after another, LZ4 where it pays.
//!
//! `docs/format/inline.md` draws the layout. The reader knows the types from the table's header, so nothing in the bytes
//! says them. Decoding checks every length: arbitrary bytes give an error, never a panic, and never ask for more memory
//! than [`LZ4_RATIO_MAX`] times their own length (and a little for each column).

mod decode;
mod encode;

pub use decode::decode_inline;
pub use encode::encode_inline;

/// The version in the first byte.
const VERSION: u8 = 1;

/// A buffer stored as it is.
const CODEC_RAW: u8 = 0;
/// A buffer as one LZ4 block.
const CODEC_LZ4: u8 = 1;

/// Smaller buffers are not worth a try at compression.
const LZ4_BYTES_MIN: usize = 64;
/// LZ4 cannot expand a byte to more than this; a longer claim is a lie.
const LZ4_RATIO_MAX: usize = 256;

#[cfg(test)]
mod tests;
