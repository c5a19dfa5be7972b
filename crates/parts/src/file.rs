//! Parts as Parquet files: one file a part, readable by anyone's Parquet reader, with what we need beside it.
//!
//! `docs/format/part.md` draws the layout. A page never crosses a granule, so that a granule is read by fetching its pages
//! alone; every fetched byte is checked against a CRC32C before it is decoded. Parquet's own decoder may panic on bytes that
//! no Parquet writer made, so it sees none whose checksum does not fit.

mod amend;
mod checksum;
mod end;
mod layout;
mod projections;
mod reader;
mod writer;

pub use amend::{Amended, Amendment};
pub use layout::FileRef;
pub use projections::OpenProjection;
pub use reader::{Caching, FilePart};
pub use writer::{FileWriter, Finished, Maturity, write_part};

#[cfg(test)]
mod tests;
