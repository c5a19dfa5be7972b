//! A projection: a small part inside of a part file, of the rows' groups and their aggregate states.
//!
//! Whoever writes rows says what computes the groups of a block; they are gathered here, merged by the rule of
//! AggregatingMergeTree and written behind the rows, sorted by the keys, with metadata of their own:
//!
//! ```text
//! block ─▶ groups of it ─▶ gathered ─▶ (past a limit: merged) ─▶ merged ─▶ head: metadata, lengths │ columns of each chunk
//! ```
//! Never here: which query may read one. A part that has none is none the worse: its rows say the same.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use types::{Block, BlockTransform, Column, DataType, Header};

use crate::derived::Derived;
use crate::error::{Error, Result};
use crate::inline::encode_inline;
use crate::meta::{MinMax, PartMeta};
use crate::rule::{Purpose, apply_rule_to_key, sort_and_apply_rule};
use crate::schema::{MergeMode, PartSchema, SortColumn};
use crate::sort::SortedRows;

/// Groups of a chunk: what is read and decoded at once.
pub const CHUNK_ROWS: usize = 8192;
/// Gathered groups are first merged when they are as many bytes; then when they are twice what a merge left.
const GATHERED_BYTES_MIN: usize = 16 << 20;
/// A part whose groups are more bytes gets no projection: they are in memory until the part is written, and a projection
/// that is not much smaller than its part helps nobody.
const BYTES_MAX: usize = 256 << 20;
/// Prefix of the names under which parts in memory say which projections they were written with.
const MARKER: &str = "\u{1}projection ";

/// A projection of a table, as its parts know it.
#[derive(Clone, PartialEq, Debug)]
pub struct Projection {
    /// Its name.
    pub name: Arc<str>,
    /// All that decides what is in it: a part's projection is this one when their texts are equal.
    pub text: Arc<str>,
    /// Keys, then states; sorted by the keys.
    pub schema: Arc<PartSchema>,
}

impl Projection {
    /// A projection of these columns, of which the first `keys` are keys.
    pub fn new(name: &str, text: &str, header: Header, keys: usize) -> Result<Projection> {
        let schema = PartSchema {
            header,
            sort_key: (0..keys).map(SortColumn::ascending).collect(),
            primary_key_len: keys,
            partition_key: Vec::new(),
            merge_mode: MergeMode::Aggregating,
            index_granularity: CHUNK_ROWS,
            min_max: Vec::new(),
        };
        Ok(Projection { name: name.into(), text: text.into(), schema: Arc::new(schema.checked()?) })
    }

    /// Blocks of this projection as one, each group once.
    fn merged(&self, blocks: &[Block]) -> Result<Block> {
        let all = Block::concat(&self.schema.header, blocks)?;
        match self.schema.sort_key.is_empty() {
            // without a key the rule leaves rows alone
            true => apply_rule_to_key(&self.schema, &all, Purpose::Merge),
            false => sort_and_apply_rule(&self.schema, &all, Purpose::Merge),
        }
    }

    /// What a part in memory keeps to say that it was written with this projection.
    pub(crate) fn marker(&self) -> MinMax {
        let column = Column::new(format!("{MARKER}{}", self.text), DataType::UInt8);
        MinMax { values: arrow::array::new_empty_array(&column.ty.arrow_type()), column, has_null: false }
    }
}

impl PartMeta {
    /// True when the part was in memory as it was written, with this projection: then its groups are those of its rows.
    pub fn is_marked(&self, projection: &Projection) -> bool {
        self.bounds_of(&format!("{MARKER}{}", projection.text)).is_some()
    }
}

/// The group of each row of some rows, by their keys.
pub struct Grouping {
    /// For each row the number of its group; groups are numbered in the order of the keys.
    pub groups: Vec<usize>,
    /// A row of each group.
    pub firsts: Vec<u32>,
}

impl Grouping {
    /// Groups rows by all columns of `keys`.
    pub fn of(keys: &Block) -> Result<Grouping> {
        let columns = keys.header().len();
        let schema = PartSchema {
            header: keys.header().clone(),
            sort_key: (0..columns).map(SortColumn::ascending).collect(),
            primary_key_len: 0,
            partition_key: Vec::new(),
            merge_mode: MergeMode::Plain,
            index_granularity: CHUNK_ROWS,
            min_max: Vec::new(),
        };
        let sorted = SortedRows::of(&schema, keys)?;
        let mut grouping = Grouping { groups: vec![0; keys.rows()], firsts: Vec::new() };
        for run in sorted.starts.windows(2) {
            let rows = sorted.order.get(run[0] as usize..run[1] as usize).unwrap_or_default();
            let Some(first) = rows.first() else { continue };
            let group = grouping.firsts.len();
            grouping.firsts.push(*first);
            rows.iter().for_each(|row| grouping.groups[*row as usize] = group);
        }
        Ok(grouping)
    }
}

/// Gathers the groups of rows that are written.
pub(crate) struct Builder {
    projection: Projection,
    compute: Arc<dyn BlockTransform>,
    gathered: Vec<Block>,
    bytes: usize,
    merge_at: usize,
    given_up: bool,
}

/// An encoded projection.
pub(crate) struct Encoded {
    pub(crate) rows: u64,
    /// Metadata and the lengths of the columns of each chunk.
    pub(crate) head: Vec<u8>,
    pub(crate) chunks: Vec<u8>,
}

impl Builder {
    pub(crate) fn new(projection: &Projection, compute: &Arc<dyn BlockTransform>) -> Builder {
        Builder {
            projection: projection.clone(),
            compute: Arc::clone(compute),
            gathered: Vec::new(),
            bytes: 0,
            merge_at: GATHERED_BYTES_MIN,
            given_up: false,
        }
    }

    pub(crate) fn projection(&self) -> &Projection {
        &self.projection
    }

    /// The next rows of the part, in any order.
    pub(crate) fn push(&mut self, rows: &Block) -> Result<()> {
        if self.given_up || rows.rows() == 0 {
            return Ok(());
        }
        let groups = self.compute.apply(rows)?;
        if groups.header() != &self.projection.schema.header {
            return Err(Error::Schema("groups have other columns than their projection".to_owned()));
        }
        self.bytes += groups.size_bytes();
        self.gathered.push(groups);
        if self.merge_at <= self.bytes {
            let merged = self.projection.merged(&std::mem::take(&mut self.gathered))?;
            self.bytes = merged.size_bytes();
            self.merge_at = GATHERED_BYTES_MIN.max(self.bytes.saturating_mul(2));
            self.gathered.push(merged);
            if BYTES_MAX < self.bytes {
                (self.given_up, self.gathered) = (true, Vec::new());
            }
        }
        Ok(())
    }

    /// The projection of all rows; none when it was given up.
    pub(crate) fn finish(self) -> Result<Option<Encoded>> {
        if self.given_up {
            return Ok(None);
        }
        let block = self.projection.merged(&self.gathered)?;
        let mut meta = PartMeta::of_block(&self.projection.schema, &Derived::default(), &block)?;
        let (mut lengths, mut chunks) = (Vec::new(), Vec::new());
        for start in (0..block.rows()).step_by(CHUNK_ROWS) {
            let rows = block.slice(start, CHUNK_ROWS.min(block.rows() - start));
            for column in 0..block.header().len() {
                let bytes = encode_inline(&rows.project(&[column]));
                let length = u32::try_from(bytes.len()).map_err(|_| Error::Damaged("a chunk of over 4 GiB"))?;
                lengths.extend(length.to_le_bytes());
                chunks.extend(bytes);
            }
        }
        meta.bytes = chunks.len() as u64;
        let meta = meta.encode();
        let mut head =
            u32::try_from(meta.len()).map_err(|_| Error::Damaged("metadata of over 4 GiB"))?.to_le_bytes().to_vec();
        head.extend(meta);
        head.extend(lengths);
        Ok(Some(Encoded { rows: block.rows() as u64, head, chunks }))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Builder({}, {} bytes)", self.projection.name, self.bytes)
    }
}

/// What a projection's head says: its metadata and where the columns of each chunk are, from the head's end.
pub(crate) struct Head {
    pub(crate) meta: PartMeta,
    pub(crate) places: Vec<Range<u64>>,
}

impl Head {
    /// Reads a head; `chunk_bytes` are behind it.
    pub(crate) fn decode(bytes: &[u8], projection: &Projection, chunk_bytes: u64) -> Result<Head> {
        let wrong = || Error::Damaged("head of a projection is not whole");
        let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(wrong)?;
        let (meta, lengths) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(wrong)?;
        let meta = PartMeta::decode(meta)?;
        if meta.header != projection.schema.header || meta.index_granularity != CHUNK_ROWS {
            return Err(Error::Damaged("projection has other columns than its text says"));
        }
        let (lengths, []) = lengths.as_chunks::<4>() else { return Err(wrong()) };
        let mut places = Vec::with_capacity(lengths.len());
        let mut at = 0u64;
        for length in lengths {
            let end = at + u64::from(u32::from_le_bytes(*length));
            places.push(at..end);
            at = end;
        }
        if at != chunk_bytes || places.len() != meta.granules() * meta.header.len() {
            return Err(wrong());
        }
        Ok(Head { meta, places })
    }
}

#[cfg(test)]
mod tests;
