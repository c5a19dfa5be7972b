//! The bytes of a segment: a header, then frames. Pure; no I/O.
//!
//! ```text
//! segment   "EVERLOG\n" · version u32 · 0 u32 · first seq u64 · 0 u32 · crc32c of the 28 bytes before u32      32 bytes
//! frame     "EVRC" · payload length u32 · seq u64 · durable seq u64 · crc32c of payload u32
//!           · crc32c of the 28 bytes before u32                                          32 bytes, then the payload
//! ```
//! `durable` is the last commit that was known durable when the frame was written. It tells a torn tail from damage: a
//! bad frame that a later frame calls durable was acknowledged, and must not be cut off silently.

use bytes::Bytes;
use types::CommitSeq;

use super::Record;

/// The version of segments that this program writes.
pub const SEGMENT_VERSION: u32 = 1;
/// Bytes before the first frame.
pub const SEGMENT_HEADER_BYTES: usize = 32;
/// Bytes of a frame before its payload.
pub const FRAME_HEADER_BYTES: usize = 32;
/// The largest payload; a length beyond it is damage.
pub const PAYLOAD_BYTES_MAX: usize = 256 << 20;

const SEGMENT_MAGIC: &[u8; 8] = b"EVERLOG\n";
const FRAME_MAGIC: &[u8; 4] = b"EVRC";
const CHECKED_BYTES: usize = 28;

/// A frame as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// The record in it.
    pub record: Record,
    /// The last durable commit when it was written.
    pub durable: CommitSeq,
}

/// What a segment begins with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SegmentHeader {
    /// The number of its first frame.
    First(CommitSeq),
    /// Written by a later program.
    Newer(u32),
    /// No header that anybody wrote whole.
    Bad,
}

/// The header of a segment that begins with commit `first`.
pub fn encode_segment_header(first: CommitSeq) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(SEGMENT_HEADER_BYTES);
    bytes.extend_from_slice(SEGMENT_MAGIC);
    bytes.extend_from_slice(&SEGMENT_VERSION.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&first.0.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    bytes
}

/// Reads the header of a segment.
pub fn decode_segment_header(bytes: &[u8]) -> SegmentHeader {
    let Some(header) = bytes.get(..SEGMENT_HEADER_BYTES) else { return SegmentHeader::Bad };
    let (checked, checksum) = header.split_at(CHECKED_BYTES);
    if !checked.starts_with(SEGMENT_MAGIC) || read_u32(checksum, 0) != Some(crc32c::crc32c(checked)) {
        return SegmentHeader::Bad;
    }
    match (read_u32(header, 8), read_u64(header, 16)) {
        (Some(SEGMENT_VERSION), Some(first)) => SegmentHeader::First(CommitSeq(first)),
        (Some(version), _) => SegmentHeader::Newer(version),
        (None, _) => SegmentHeader::Bad,
    }
}

/// Appends one frame to `to`.
pub fn encode_frame(record: &Record, durable: CommitSeq, to: &mut Vec<u8>) {
    let start = to.len();
    to.reserve(FRAME_HEADER_BYTES + record.payload.len());
    to.extend_from_slice(FRAME_MAGIC);
    to.extend_from_slice(&(record.payload.len() as u32).to_le_bytes());
    to.extend_from_slice(&record.seq.0.to_le_bytes());
    to.extend_from_slice(&durable.0.to_le_bytes());
    to.extend_from_slice(&crc32c::crc32c(&record.payload).to_le_bytes());
    let checksum = crc32c::crc32c(to.get(start..).unwrap_or_default());
    to.extend_from_slice(&checksum.to_le_bytes());
    to.extend_from_slice(&record.payload);
}

/// The frame at `at`, if a whole and undamaged one is there, and where it ends.
pub fn decode_frame(bytes: &Bytes, at: usize) -> Option<(Frame, usize)> {
    let header = bytes.get(at..at.checked_add(FRAME_HEADER_BYTES)?)?;
    let (checked, checksum) = header.split_at(CHECKED_BYTES);
    if !checked.starts_with(FRAME_MAGIC) || read_u32(checksum, 0)? != crc32c::crc32c(checked) {
        return None;
    }
    let len = usize::try_from(read_u32(header, 4)?).ok()?;
    let (start, end) = (at + FRAME_HEADER_BYTES, at.checked_add(FRAME_HEADER_BYTES)?.checked_add(len)?);
    if PAYLOAD_BYTES_MAX < len || read_u32(header, 24)? != crc32c::crc32c(bytes.get(start..end)?) {
        return None;
    }
    let record = Record { seq: CommitSeq(read_u64(header, 8)?), payload: bytes.slice(start..end) };
    Some((Frame { record, durable: CommitSeq(read_u64(header, 16)?) }, end))
}

/// The records from the front of a segment's frames, up to the first that is not whole or not the next in number.
#[derive(Debug)]
pub struct Scan {
    /// The records, numbered without gaps.
    pub records: Vec<Record>,
    /// Where the last of them ends.
    pub end: usize,
    /// The number that the next frame would have.
    pub next: CommitSeq,
}

/// Reads frames from the end of the header on.
pub fn scan(bytes: &Bytes, first: CommitSeq) -> Scan {
    let mut scan = Scan { records: Vec::new(), end: SEGMENT_HEADER_BYTES.min(bytes.len()), next: first };
    while let Some((frame, end)) = decode_frame(bytes, scan.end) {
        if frame.record.seq != scan.next {
            break;
        }
        scan.next = scan.next.next();
        scan.end = end;
        scan.records.push(frame.record);
    }
    scan
}

/// True when some frame after `from` says that commit `seq` was durable: then what is wrong there is damage, no torn tail.
pub fn was_durable(bytes: &Bytes, from: usize, seq: CommitSeq) -> bool {
    let mut at = from;
    while let Some(found) = find_magic(bytes, at) {
        if let Some((frame, _)) = decode_frame(bytes, found)
            && seq <= frame.durable
        {
            return true;
        }
        at = found + 1;
    }
    false
}

fn find_magic(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.windows(FRAME_MAGIC.len()).position(|window| window == FRAME_MAGIC).map(|position| from + position)
}

fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn read_u64(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn segment(payloads: &[Vec<u8>]) -> (Vec<u8>, Vec<usize>) {
        let mut bytes = encode_segment_header(CommitSeq(5));
        let mut ends = vec![bytes.len()];
        for (number, payload) in payloads.iter().enumerate() {
            let seq = CommitSeq(5 + number as u64);
            let record = Record { seq, payload: payload.clone().into() };
            encode_frame(&record, CommitSeq(seq.0 - 1), &mut bytes);
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    proptest! {
        #[test]
        fn every_truncation_keeps_exactly_the_whole_frames(payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..4)) {
            let (bytes, ends) = segment(&payloads);
            for len in SEGMENT_HEADER_BYTES..=bytes.len() {
                let cut = Bytes::copy_from_slice(&bytes[..len]);
                let whole = ends.iter().filter(|end| **end <= len).count() - 1;
                let scan = scan(&cut, CommitSeq(5));
                prop_assert_eq!(scan.records.len(), whole);
                prop_assert_eq!(scan.end, ends[whole]);
            }
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _header = decode_segment_header(&bytes);
            let bytes = Bytes::from(bytes);
            let _scan = scan(&bytes, CommitSeq(1));
            let _durable = was_durable(&bytes, 0, CommitSeq(1));
        }

        #[test]
        fn a_flipped_bit_never_changes_a_record(payloads in prop::collection::vec(any::<Vec<u8>>(), 1..5), at: prop::sample::Index, bit in 0u8..8) {
            let (mut bytes, _) = segment(&payloads);
            let at = SEGMENT_HEADER_BYTES + at.index(bytes.len() - SEGMENT_HEADER_BYTES);
            bytes[at] ^= 1 << bit;
            for (number, record) in scan(&bytes.into(), CommitSeq(5)).records.into_iter().enumerate() {
                prop_assert_eq!(&record.payload[..], &payloads[number][..]);
            }
        }
    }

    #[test]
    fn a_bad_frame_that_a_later_one_calls_durable_is_damage() {
        let (mut bytes, ends) = segment(&[vec![1; 10], vec![2; 10], vec![3; 10]]);
        bytes[ends[0] + FRAME_HEADER_BYTES] ^= 1;
        let bytes = Bytes::from(bytes);
        assert_eq!(scan(&bytes, CommitSeq(5)).records.len(), 0);
        assert!(was_durable(&bytes, ends[0], CommitSeq(5)));
        assert!(!was_durable(&bytes, ends[0], CommitSeq(7)));
    }

    #[test]
    fn a_newer_segment_says_so() {
        let mut bytes = encode_segment_header(CommitSeq(1));
        bytes[8] = 9;
        let checksum = crc32c::crc32c(&bytes[..28]).to_le_bytes();
        bytes[28..].copy_from_slice(&checksum);
        assert_eq!(decode_segment_header(&bytes), SegmentHeader::Newer(9));
    }
}
