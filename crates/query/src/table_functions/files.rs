//! `file()` and `format()`: rows out of bytes that are in no table.
//!
//! Paths are relative to the user files folder and never lead out of it. How bytes become blocks is `format`'s; it comes
//! in through [`FileFormats`] at start-up.

use std::fmt;

use types::{Block, Header, Settings};

use crate::error::Result;

/// The formats that files can be in.
pub trait FileFormats: fmt::Debug + Send + Sync {
    /// The format's own name, found in any case; none when there is no such input format.
    fn canonical(&self, format: &str) -> Option<String>;

    /// The format that a file of this name is in, by its extension.
    fn of_path(&self, path: &str) -> Option<String>;

    /// The columns that a sample of the bytes has. An error where the format cannot tell.
    fn infer(&self, format: &str, sample: &[u8], settings: &Settings) -> Result<Header>;

    /// Decodes bytes of the format into blocks of `header`.
    fn decoder(&self, format: &str, header: &Header, settings: &Settings) -> Result<Box<dyn FileDecoder>>;

    /// Every format: name, can be read, can be written.
    fn list(&self) -> Vec<FormatEntry>;
}

/// One row of `system.formats`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FormatEntry {
    /// Its name.
    pub name: &'static str,
    /// Can be read.
    pub is_input: bool,
    /// Can be written.
    pub is_output: bool,
}

/// Bytes in, blocks out.
pub trait FileDecoder: Send {
    /// Takes more bytes; gives the blocks that became complete.
    fn push(&mut self, bytes: &[u8]) -> Result<Vec<Block>>;

    /// There are no more bytes; gives what is left.
    fn finish(&mut self) -> Result<Vec<Block>>;
}
