//! Snappy as Hadoop frames it, which is ClickHouse's `snappy`: blocks of pieces, each with its length in front.
//!
//! ```text
//! (unpacked length of the block:4  (packed length of a piece:4  piece…)*)*      lengths are big-endian
//! ```

use std::io;

use bytes::Bytes;
use snap::raw;

/// A block is no larger, whatever it says: what is unpacked of a piece is in memory.
const BLOCK_BYTES_MAX: usize = 64 << 20;
/// Bytes that are packed into one block.
const BLOCK_BYTES: usize = 256 << 10;

fn broken(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("snappy: {reason}"))
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(bytes)).ok()
}

/// Unpacks what is pushed.
#[derive(Default)]
pub(super) struct Unpacker {
    waiting: Vec<u8>,
    /// Unpacked bytes that the block still has to give.
    left: usize,
}

impl Unpacker {
    pub(super) fn push(&mut self, bytes: &[u8]) -> io::Result<Bytes> {
        self.waiting.extend_from_slice(bytes);
        let (mut out, mut at) = (Vec::new(), 0);
        while let Some(length) = number(&self.waiting, at) {
            if self.left == 0 {
                if length > BLOCK_BYTES_MAX {
                    return Err(broken("a block is too long"));
                }
                self.left = length;
                at += 4;
                continue;
            }
            if length > raw::max_compress_len(BLOCK_BYTES_MAX) {
                return Err(broken("a piece is too long"));
            }
            let Some(piece) = self.waiting.get(at + 4..at + 4 + length) else { break };
            if raw::decompress_len(piece)? > self.left {
                return Err(broken("a piece is longer than its block"));
            }
            let unpacked = raw::Decoder::new().decompress_vec(piece)?;
            if unpacked.is_empty() {
                return Err(broken("a piece is empty"));
            }
            self.left = self.left.saturating_sub(unpacked.len());
            out.extend_from_slice(&unpacked);
            at += 4 + length;
        }
        self.waiting.drain(..at);
        Ok(out.into())
    }

    pub(super) fn finish(&self) -> io::Result<Bytes> {
        if self.left != 0 || !self.waiting.is_empty() {
            return Err(broken("it is cut off"));
        }
        Ok(Bytes::new())
    }
}

/// Packs what is pushed.
#[derive(Default)]
pub struct Packer {
    waiting: Vec<u8>,
}

impl Packer {
    pub(super) fn push(&mut self, bytes: &[u8]) -> io::Result<Bytes> {
        self.waiting.extend_from_slice(bytes);
        let whole = self.waiting.len() - self.waiting.len() % BLOCK_BYTES;
        let blocks: Vec<u8> = self.waiting.drain(..whole).collect();
        packed(&blocks)
    }

    pub(super) fn finish(self) -> io::Result<Bytes> {
        packed(&self.waiting)
    }
}

fn packed(bytes: &[u8]) -> io::Result<Bytes> {
    let mut out = Vec::new();
    for block in bytes.chunks(BLOCK_BYTES) {
        let piece = raw::Encoder::new().compress_vec(block)?;
        for length in [block.len(), piece.len()] {
            let length = u32::try_from(length).map_err(|_too_long| broken("a block is too long"))?;
            out.extend_from_slice(&length.to_be_bytes());
        }
        out.extend_from_slice(&piece);
    }
    Ok(out.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_real_engine_writes_is_read_and_written_alike() {
        let file = [0, 0, 0, 2, 0, 0, 0, 4, 2, 4, b'1', b'\n'];
        let mut unpacker = Unpacker::default();
        let mut out = Vec::new();
        for byte in file {
            out.extend_from_slice(&unpacker.push(&[byte]).unwrap());
        }
        assert!(out == b"1\n" && unpacker.finish().is_ok());
        let mut packer = Packer::default();
        assert!(packer.push(b"1\n").unwrap().is_empty());
        assert_eq!(packer.finish().unwrap(), file.as_slice());
    }

    #[test]
    fn lengths_that_lie_are_errors() {
        for wrong in [
            vec![0xff; 12],
            vec![0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 1],
            vec![0, 0, 0, 1, 0, 0, 0, 4, 2, 4, b'1', b'\n'],
            vec![0, 0, 0, 1, 0, 0, 0, 1, 0],
        ] {
            let mut unpacker = Unpacker::default();
            assert!(unpacker.push(&wrong).and_then(|_| unpacker.finish()).is_err(), "{wrong:?}");
        }
    }
}
