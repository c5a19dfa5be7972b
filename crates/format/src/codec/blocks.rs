//! ClickHouse's own compressed blocks, which clients ask for with `compress=1` and send with `decompress=1`.
//!
//! ```text
//! checksum:16 (CityHash 1.0.2 of the rest)  method:1 (0x82 LZ4, 0x90 zstd, 0x02 none)  packed:4 (with these 9 bytes)  size:4  bytes…
//! ```

use std::io;

use bytes::Bytes;

const CHECKSUM_BYTES: usize = 16;
const HEAD_BYTES: usize = 9;
const LZ4: u8 = 0x82;
const ZSTD: u8 = 0x90;
const NONE: u8 = 0x02;
/// Bytes of a block before it is packed, as ClickHouse cuts them.
const BLOCK_BYTES: usize = 1 << 20;
/// Larger blocks are refused: they are unpacked whole.
const BLOCK_BYTES_MAX: usize = 256 << 20;

/// Packs what is pushed into blocks.
#[derive(Default)]
pub struct Packer {
    waiting: Vec<u8>,
}

impl Packer {
    pub(super) fn push(&mut self, bytes: &[u8]) -> Bytes {
        self.waiting.extend_from_slice(bytes);
        let mut out = Vec::new();
        while self.waiting.len() >= BLOCK_BYTES {
            let rest = self.waiting.split_off(BLOCK_BYTES);
            pack(&std::mem::replace(&mut self.waiting, rest), &mut out);
        }
        out.into()
    }

    pub(super) fn finish(self) -> Bytes {
        let mut out = Vec::new();
        if !self.waiting.is_empty() {
            pack(&self.waiting, &mut out);
        }
        out.into()
    }
}

fn pack(bytes: &[u8], out: &mut Vec<u8>) {
    let packed = lz4_flex::block::compress(bytes);
    let mut block = Vec::with_capacity(HEAD_BYTES + packed.len());
    block.push(LZ4);
    block.extend_from_slice(&((HEAD_BYTES + packed.len()) as u32).to_le_bytes());
    block.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    block.extend_from_slice(&packed);
    out.extend_from_slice(&checksum(&block));
    out.extend_from_slice(&block);
}

/// The two halves of the hash, the first one first.
fn checksum(block: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let hash = cityhash_rs::cityhash_102_128(block);
    let mut out = [0; CHECKSUM_BYTES];
    let (first, second) = out.split_at_mut(8);
    first.copy_from_slice(&((hash >> 64) as u64).to_le_bytes());
    second.copy_from_slice(&(hash as u64).to_le_bytes());
    out
}

/// Unpacks blocks that are pushed in whatever pieces.
#[derive(Default)]
pub(super) struct Unpacker {
    waiting: Vec<u8>,
}

impl Unpacker {
    pub(super) fn push(&mut self, bytes: &[u8]) -> io::Result<Bytes> {
        self.waiting.extend_from_slice(bytes);
        let (mut out, mut at) = (Vec::new(), 0);
        while let Some(end) = next_block(self.waiting.get(at..).unwrap_or_default())? {
            unpack(self.waiting.get(at..at + end).unwrap_or_default(), &mut out)?;
            at += end;
        }
        self.waiting.drain(..at);
        Ok(out.into())
    }

    pub(super) fn finish(&self) -> io::Result<Bytes> {
        if self.waiting.is_empty() { Ok(Bytes::new()) } else { Err(broken("the data ends inside a block")) }
    }
}

fn broken(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("compressed block: {reason}"))
}

fn length(bytes: &[u8], at: usize) -> Option<usize> {
    let number: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(number)).ok()
}

/// The length of the first block, checksum included; none while it is not whole.
fn next_block(bytes: &[u8]) -> io::Result<Option<usize>> {
    let Some(packed) = length(bytes, CHECKSUM_BYTES + 1) else { return Ok(None) };
    if !(HEAD_BYTES..=BLOCK_BYTES_MAX).contains(&packed) {
        return Err(broken("its length cannot be right"));
    }
    let end = CHECKSUM_BYTES + packed;
    Ok((end <= bytes.len()).then_some(end))
}

/// One whole block.
fn unpack(bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let (Some((sum, block)), Some(size)) = (bytes.split_at_checked(CHECKSUM_BYTES), length(bytes, CHECKSUM_BYTES + 5))
    else {
        return Err(broken("it has no head"));
    };
    if checksum(block) != *sum {
        return Err(broken("the checksum does not match"));
    }
    if BLOCK_BYTES_MAX < size {
        return Err(broken("it is too large"));
    }
    let data = block.get(HEAD_BYTES..).unwrap_or_default();
    let unpacked = match block.first() {
        Some(&LZ4) => lz4_flex::block::decompress(data, size).map_err(|error| broken(&error.to_string()))?,
        Some(&ZSTD) => zstd::bulk::decompress(data, size)?,
        Some(&NONE) => data.to_vec(),
        _ => return Err(broken("LZ4, zstd and none are the methods that are known")),
    };
    if unpacked.len() != size {
        return Err(broken("it has another size than it says"));
    }
    out.extend_from_slice(&unpacked);
    Ok(())
}
