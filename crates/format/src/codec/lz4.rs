//! The LZ4 frame format, read piece by piece: frames of blocks, which may refer to the 64 KiB before them.
//!
//! ```text
//! magic:4 flags:1 sizes:1 [content size:8] [dictionary:4] check:1   (length:4 bytes… [checksum:4])*   0:4 [checksum:4]
//! ```
//! Checksums are passed over: HTTP has its own, and a wrong length or offset is an error of the block.

use std::io;

use bytes::Bytes;

const MAGIC: u32 = 0x184D_2204;
/// A block is no larger, whatever its frame says.
const BLOCK_BYTES_MAX: usize = 4 << 20;
/// How far back a block may refer.
const WINDOW_BYTES: usize = 64 << 10;

#[derive(Default)]
pub(super) struct Frames {
    waiting: Vec<u8>,
    /// The end of what was unpacked of this frame.
    window: Vec<u8>,
    frame: Option<Frame>,
}

#[derive(Clone, Copy)]
struct Frame {
    has_block_checksums: bool,
    has_checksum: bool,
    is_linked: bool,
}

fn broken(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("LZ4 frame: {reason}"))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

impl Frames {
    pub(super) fn push(&mut self, bytes: &[u8]) -> io::Result<Bytes> {
        self.waiting.extend_from_slice(bytes);
        let mut out = Vec::new();
        let mut at = 0;
        loop {
            let rest = self.waiting.get(at..).unwrap_or_default();
            let taken = match self.frame {
                None => head(rest)?.map(|(frame, taken)| {
                    self.frame = Some(frame);
                    self.window.clear();
                    taken
                }),
                Some(frame) => {
                    let step = block(frame, rest, &mut self.window, &mut out)?;
                    if matches!(step, Some(Step { ends_frame: true, .. })) {
                        self.frame = None;
                    }
                    step.map(|step| step.taken)
                }
            };
            match taken {
                Some(taken) => at += taken,
                None => break,
            }
        }
        self.waiting.drain(..at);
        Ok(out.into())
    }

    pub(super) fn finish(&self) -> io::Result<Bytes> {
        if self.frame.is_some() || !self.waiting.is_empty() {
            return Err(broken("it is cut off"));
        }
        Ok(Bytes::new())
    }
}

/// The head of a frame and its length; none while it is not whole.
fn head(bytes: &[u8]) -> io::Result<Option<(Frame, usize)>> {
    let Some(magic) = number(bytes, 0) else { return Ok(None) };
    if magic != MAGIC {
        return Err(broken("this is none"));
    }
    let Some(&flags) = bytes.get(4) else { return Ok(None) };
    if flags >> 6 != 1 || flags & 1 != 0 {
        return Err(broken("its version is not known, or it needs a dictionary"));
    }
    let taken = 7 + if flags & 0x08 != 0 { 8 } else { 0 };
    let frame =
        Frame { has_block_checksums: flags & 0x10 != 0, has_checksum: flags & 0x04 != 0, is_linked: flags & 0x20 == 0 };
    Ok((taken <= bytes.len()).then_some((frame, taken)))
}

struct Step {
    taken: usize,
    ends_frame: bool,
}

/// Unpacks the next block, or reads the end mark; none while it is not whole.
fn block(frame: Frame, bytes: &[u8], window: &mut Vec<u8>, out: &mut Vec<u8>) -> io::Result<Option<Step>> {
    let Some(mark) = number(bytes, 0) else { return Ok(None) };
    if mark == 0 {
        let taken = 4 + if frame.has_checksum { 4 } else { 0 };
        return Ok((taken <= bytes.len()).then_some(Step { taken, ends_frame: true }));
    }
    let length = (mark & 0x7fff_ffff) as usize;
    if BLOCK_BYTES_MAX < length {
        return Err(broken("a block is too large"));
    }
    let taken = 4 + length + if frame.has_block_checksums { 4 } else { 0 };
    if bytes.len() < taken {
        return Ok(None);
    }
    let data = bytes.get(4..4 + length).unwrap_or_default();
    let start = out.len();
    if mark >> 31 == 1 {
        out.extend_from_slice(data);
    } else {
        let mut unpacked = vec![0; BLOCK_BYTES_MAX];
        let dictionary = if frame.is_linked { window.as_slice() } else { &[] };
        let size = lz4_flex::block::decompress_into_with_dict(data, &mut unpacked, dictionary)
            .map_err(|error| broken(&error.to_string()))?;
        out.extend_from_slice(unpacked.get(..size).unwrap_or_default());
    }
    if frame.is_linked {
        window.extend_from_slice(out.get(start..).unwrap_or_default());
        let excess = window.len().saturating_sub(WINDOW_BYTES);
        window.drain(..excess);
    }
    Ok(Some(Step { taken, ends_frame: false }))
}
