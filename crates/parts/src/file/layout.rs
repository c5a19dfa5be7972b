//! Where things are in a part file, and what must be kept elsewhere (in the commit log) to open it again.

use std::sync::Arc;

use crate::error::{Error, Result};

/// Key of the footer's entry that says where our section begins and how long its two halves are.
pub const SECTION_KEY: &str = "everview.section";
/// Key of the footer's entry with the format's version, for people.
pub const VERSION_KEY: &str = "everview.format_version";
/// Key of the footer's entry with the ClickHouse types, for people.
pub const TYPES_KEY: &str = "everview.types";

/// Beginning of the keys of the footer's entries that say where skip indexes are; a number follows.
pub const INDEX_KEY: &str = "everview.index.";

/// Where a skip index is in the body, behind the rows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IndexPlace {
    /// The first byte.
    pub at: u64,
    /// How many.
    pub bytes: u64,
    /// [`crate::SkipIndex::text`].
    pub text: Arc<str>,
}

/// Beginning of the keys of the footer's entries that say where projections are; a number follows.
pub const PROJECTION_KEY: &str = "everview.projection.";

/// Where a projection is in the body, behind the rows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProjectionPlace {
    /// The first byte of its head.
    pub at: u64,
    /// Bytes of its head.
    pub head_bytes: u64,
    /// Bytes of its chunks, which follow.
    pub chunk_bytes: u64,
    /// How many groups.
    pub rows: u64,
    /// [`crate::Projection::text`].
    pub text: Arc<str>,
}

impl ProjectionPlace {
    /// The entry's value.
    pub fn encode(&self) -> String {
        format!("{},{},{},{},{}", self.at, self.head_bytes, self.chunk_bytes, self.rows, self.text)
    }

    /// The place that an entry names.
    pub fn decode(entry: &str) -> Option<ProjectionPlace> {
        let mut fields = entry.splitn(5, ',');
        let mut number = || fields.next()?.parse().ok();
        let (at, head_bytes, chunk_bytes, rows) = (number()?, number()?, number()?, number()?);
        Some(ProjectionPlace { at, head_bytes, chunk_bytes, rows, text: fields.next()?.into() })
    }

    /// Where it ends, where that is a place at all.
    pub fn end(&self) -> Option<u64> {
        self.at.checked_add(self.head_bytes)?.checked_add(self.chunk_bytes)
    }
}

impl IndexPlace {
    /// The entry's value.
    pub fn encode(&self) -> String {
        format!("{},{},{}", self.at, self.bytes, self.text)
    }

    /// The place that an entry names.
    pub fn decode(entry: &str) -> Option<IndexPlace> {
        let (at, rest) = entry.split_once(',')?;
        let (bytes, text) = rest.split_once(',')?;
        Some(IndexPlace { at: at.parse().ok()?, bytes: bytes.parse().ok()?, text: text.into() })
    }
}

/// All that is needed to open a part file: kept in the commit log with the part.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct FileRef {
    /// The object in the part store.
    pub object: Arc<str>,
    /// Its length.
    pub bytes: u64,
    /// Where the rows' pages end: from here on to the end are our section and Parquet's footer.
    pub body_bytes: u64,
    /// CRC32C of the bytes from `body_bytes` to the end.
    pub tail_checksum: u32,
}

impl FileRef {
    /// The bytes that [`FileRef::decode`] reads.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(20 + self.object.len());
        out.extend_from_slice(&self.bytes.to_le_bytes());
        out.extend_from_slice(&self.body_bytes.to_le_bytes());
        out.extend_from_slice(&self.tail_checksum.to_le_bytes());
        out.extend_from_slice(self.object.as_bytes());
        out
    }

    /// The reference that `bytes` were made from.
    pub fn decode(bytes: &[u8]) -> Result<FileRef> {
        let short = || Error::Damaged("reference to a part file ends too early");
        let (length, rest) = bytes.split_first_chunk::<8>().ok_or_else(short)?;
        let (body, rest) = rest.split_first_chunk::<8>().ok_or_else(short)?;
        let (checksum, object) = rest.split_first_chunk::<4>().ok_or_else(short)?;
        let object = std::str::from_utf8(object).map_err(|_| Error::Damaged("name of a part file is not text"))?;
        let file = FileRef {
            object: object.into(),
            bytes: u64::from_le_bytes(*length),
            body_bytes: u64::from_le_bytes(*body),
            tail_checksum: u32::from_le_bytes(*checksum),
        };
        if file.body_bytes <= file.bytes { Ok(file) } else { Err(Error::Damaged("part file is shorter than its body")) }
    }
}

/// Our section: the part's metadata, then the checksums of the body.
pub struct Section {
    /// [`crate::PartMeta`] as bytes.
    pub meta: Vec<u8>,
    /// One for each block of the body.
    pub sums: Vec<u32>,
}

impl Section {
    /// The section's bytes, and what the footer's entry says of it.
    pub fn encode(&self) -> (Vec<u8>, String) {
        let mut bytes = self.meta.clone();
        bytes.extend(self.sums.iter().flat_map(|sum| sum.to_le_bytes()));
        (bytes, format!("{},{}", self.meta.len(), self.sums.len()))
    }

    /// Reads the section at the start of `tail`, given the footer's entry.
    pub fn decode(tail: &[u8], entry: &str) -> Result<Section> {
        let wrong = Error::Damaged("section of a part file is not where its footer says");
        let lengths = entry.split_once(',').and_then(|(meta, sums)| Some((meta.parse().ok()?, sums.parse().ok()?)));
        let Some((meta, sums)): Option<(usize, usize)> = lengths else { return Err(wrong) };
        let Some((meta, rest)) = tail.split_at_checked(meta) else { return Err(wrong) };
        let Some(sums) = sums.checked_mul(4).and_then(|bytes| rest.get(..bytes)) else { return Err(wrong) };
        let sums = sums.chunks_exact(4).filter_map(|sum| Some(u32::from_le_bytes(sum.try_into().ok()?))).collect();
        Ok(Section { meta: meta.to_vec(), sums })
    }
}
