//! Checksums of a part file's body: a CRC32C of every 4 KiB, so that a read checks just what it fetched.
//!
//! Parquet has checksums in page headers, but its Arrow writer does not fill them, and they could be checked only after a
//! header was parsed. Blocks need no parsing, and 4 bytes a 4 KiB cost a thousandth.

use std::ops::Range;

use crate::error::{Error, Result};

/// Bytes under one checksum.
pub const BLOCK_BYTES: usize = 4096;

/// Checksums bytes as they are written.
#[derive(Default, Debug)]
pub struct BlockSums {
    sums: Vec<u32>,
    current: u32,
    filled: usize,
    bytes: u64,
}

impl BlockSums {
    /// The next bytes of the file.
    pub fn push(&mut self, mut bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        while !bytes.is_empty() {
            let (now, rest) = bytes.split_at(bytes.len().min(BLOCK_BYTES - self.filled));
            self.current = crc32c::crc32c_append(self.current, now);
            self.filled += now.len();
            bytes = rest;
            if self.filled == BLOCK_BYTES {
                self.end_block();
            }
        }
    }

    fn end_block(&mut self) {
        self.sums.push(self.current);
        (self.current, self.filled) = (0, 0);
    }

    /// Bytes so far.
    pub fn len(&self) -> u64 {
        self.bytes
    }

    /// The checksum of each block, the last one maybe of fewer bytes, and how many bytes that is.
    pub fn finish(mut self) -> (Vec<u32>, u64) {
        if 0 < self.filled {
            self.end_block();
        }
        (self.sums, self.bytes)
    }
}

/// The whole blocks that hold `range`, inside a body of `body_bytes`.
pub fn blocks_around(range: &Range<u64>, body_bytes: u64) -> Range<u64> {
    let block = BLOCK_BYTES as u64;
    range.start / block * block..range.end.next_multiple_of(block).min(body_bytes)
}

/// Checks bytes that begin at `start`, which is a multiple of [`BLOCK_BYTES`].
pub fn check(object: &str, sums: &[u32], start: u64, bytes: &[u8]) -> Result<()> {
    let first = (start / BLOCK_BYTES as u64) as usize;
    for (i, block) in bytes.chunks(BLOCK_BYTES).enumerate() {
        if sums.get(first + i) != Some(&crc32c::crc32c(block)) {
            let offset = start + (i * BLOCK_BYTES) as u64;
            return Err(Error::Checksum { object: object.to_owned(), offset });
        }
    }
    Ok(())
}
