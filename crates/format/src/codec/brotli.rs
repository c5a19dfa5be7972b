//! Brotli, unpacked so that what comes out at once is bounded, however little went in.

use std::io;

use ::brotli::enc::StandardAlloc;
use ::brotli::{BrotliDecompressStream, BrotliResult, BrotliState};
use bytes::Bytes;

/// Bytes that come out at once.
const OUT_BYTES: usize = 256 << 10;

type State = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

/// A stream that is being unpacked.
pub(super) struct Unpacker {
    state: Box<State>,
    /// What was pushed and is not unpacked yet.
    input: Bytes,
    is_waiting_for_room: bool,
    is_at_end: bool,
}

impl Default for Unpacker {
    fn default() -> Unpacker {
        let alloc = StandardAlloc::default;
        let state = Box::new(State::new(alloc(), alloc(), alloc()));
        Unpacker { state, input: Bytes::new(), is_waiting_for_room: false, is_at_end: false }
    }
}

impl Unpacker {
    /// Takes bytes; all that were pushed before have come out.
    pub(super) fn push(&mut self, bytes: &[u8]) -> io::Result<Bytes> {
        self.input = Bytes::copy_from_slice(bytes);
        self.more()
    }

    /// True when more comes out without more being pushed.
    pub(super) fn has_more(&self) -> bool {
        self.is_waiting_for_room
    }

    /// The next bytes of what was pushed.
    pub(super) fn more(&mut self) -> io::Result<Bytes> {
        self.is_waiting_for_room = false;
        if self.is_at_end {
            return match self.input.is_empty() {
                true => Ok(Bytes::new()),
                false => Err(wrong("there are bytes behind the brotli stream")),
            };
        }
        let mut out = vec![0; OUT_BYTES];
        let (mut left, mut read, mut room, mut written, mut total) = (self.input.len(), 0, out.len(), 0, 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut read,
            &self.input,
            &mut room,
            &mut written,
            &mut out,
            &mut total,
            &mut self.state,
        );
        self.input = self.input.split_off(read.min(self.input.len()));
        match result {
            BrotliResult::ResultSuccess => {
                self.is_at_end = true;
                if !self.input.is_empty() {
                    return Err(wrong("there are bytes behind the brotli stream"));
                }
            }
            BrotliResult::NeedsMoreOutput => self.is_waiting_for_room = true,
            BrotliResult::NeedsMoreInput => {}
            BrotliResult::ResultFailure => return Err(wrong("these bytes are no brotli stream")),
        }
        out.truncate(written);
        Ok(out.into())
    }

    /// An error when the stream was cut off.
    pub(super) fn finish(&self) -> io::Result<Bytes> {
        match self.is_at_end {
            true => Ok(Bytes::new()),
            false => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the brotli stream is cut off")),
        }
    }
}

fn wrong(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
