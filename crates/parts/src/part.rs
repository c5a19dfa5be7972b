//! A part: a name, what is known of it, and its rows in memory or in a file.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use futures::stream;
use futures::{StreamExt, TryStreamExt};
use types::Block;

use crate::derived::Derived;
use crate::error::{Error, Result};
use crate::file::{Caching, FilePart};
use crate::merge::Run;
use crate::meta::PartMeta;
use crate::name::{PartName, PartitionId};
use crate::partition::{partition_id, partition_types};
use crate::schema::PartSchema;

/// Granules that a read gives as one block at most: 65,536 rows of the usual granularity.
pub const READ_GRANULES: usize = 8;

/// Rows that a part holds, in the order of its table's key. Cheap to clone.
#[derive(Clone, Debug)]
pub enum PartData {
    /// All columns, decoded.
    Memory(Block),
    /// A Parquet file in a part store.
    File(FilePart),
}

/// A part that is not in any table yet: sorted, past the engine's rule, durable where it is a file.
#[derive(Clone, Debug)]
pub struct StagedPart {
    /// The partition of all its rows.
    pub partition_id: PartitionId,
    /// What is known of it.
    pub meta: Arc<PartMeta>,
    /// Its rows.
    pub data: PartData,
}

/// An immutable part of a table. Cheap to clone.
///
/// Invariant: rows are sorted by the table's key and all in partition `name.partition_id`.
#[derive(Clone)]
pub struct Part {
    /// What it covers.
    pub name: PartName,
    /// What is known of it.
    pub meta: Arc<PartMeta>,
    /// Its rows.
    pub data: PartData,
}

impl StagedPart {
    /// A part in memory of the rows of `block`: one partition's, sorted, past the engine's rule.
    pub fn in_memory(schema: &PartSchema, derived: &Derived, block: Block) -> Result<StagedPart> {
        debug_assert!(crate::sort::is_sorted(schema, &block)?, "rows of a part are sorted by its key");
        let meta = PartMeta::of_block(schema, derived, &block)?;
        let partition_id = partition_id(&partition_types(schema), &meta.partition_values()?);
        Ok(StagedPart { partition_id, meta: Arc::new(meta), data: PartData::Memory(block) })
    }

    /// A part whose file is open.
    pub fn in_file(schema: &PartSchema, file: FilePart) -> Result<StagedPart> {
        let partition_id = partition_id(&partition_types(schema), &file.meta().partition_values()?);
        Ok(StagedPart { partition_id, meta: file.meta().clone(), data: PartData::File(file) })
    }

    /// The part under its final name.
    pub fn named(self, name: PartName) -> Part {
        debug_assert_eq!(name.partition_id, self.partition_id, "a part's name says its partition");
        Part { name, meta: self.meta, data: self.data }
    }
}

impl Part {
    /// How many rows.
    pub fn rows(&self) -> u64 {
        self.meta.rows
    }

    /// How many granules.
    pub fn granules(&self) -> usize {
        self.meta.granules()
    }

    /// The rows of `granules` (ascending, disjoint) and of the columns at `columns`, in blocks of at most
    /// [`READ_GRANULES`] granules from memory and of one granule from files. Positions are those of `meta.header`.
    pub fn read(&self, columns: &[usize], granules: Vec<Range<usize>>, caching: Caching) -> Run {
        let part = self.clone();
        let columns: Arc<[usize]> = columns.into();
        let pieces = granules.into_iter().flat_map(|range| {
            range.clone().step_by(READ_GRANULES).map(move |start| start..range.end.min(start + READ_GRANULES))
        });
        let read = move |piece| {
            let (part, columns) = (part.clone(), columns.clone());
            async move {
                let blocks = part.read_granules(&columns, piece, caching).await?;
                Ok::<_, Error>(stream::iter(blocks.into_iter().map(Ok)))
            }
        };
        stream::iter(pieces.collect::<Vec<_>>()).then(read).try_flatten().boxed()
    }

    /// All rows of the columns at `columns`, as [`Part::read`] gives them.
    pub fn read_all(&self, columns: &[usize], caching: Caching) -> Run {
        self.read(columns, Vec::from([0..self.granules()]), caching)
    }

    /// The rows of consecutive granules, as [`Part::read`] gives them.
    pub async fn read_granules(
        &self,
        columns: &[usize],
        granules: Range<usize>,
        caching: Caching,
    ) -> Result<Vec<Block>> {
        let rows = self.rows_of(&granules)?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        match &self.data {
            PartData::Memory(block) => Ok(vec![block.project(columns).slice(rows.start, rows.len())]),
            PartData::File(file) => file.read(columns, granules, caching).await,
        }
    }

    /// The rows with these numbers, past the cache: for single keys found by the key index.
    pub async fn read_rows(&self, columns: &[usize], rows: Range<usize>) -> Result<Block> {
        if rows.end < rows.start || (self.meta.rows as usize) < rows.end {
            return Err(Error::Schema(format!("rows {rows:?} of {}", self.meta.rows)));
        }
        match &self.data {
            PartData::Memory(block) => Ok(block.project(columns).slice(rows.start, rows.len())),
            PartData::File(file) => file.read_rows(columns, rows).await,
        }
    }

    /// The rows that these granules are.
    pub fn rows_of(&self, granules: &Range<usize>) -> Result<Range<usize>> {
        if granules.end < granules.start || self.granules() < granules.end {
            return Err(Error::Schema(format!("granules {granules:?} of {}", self.granules())));
        }
        let granularity = self.meta.index_granularity;
        let rows = self.meta.rows as usize;
        Ok((granules.start * granularity).min(rows)..(granules.end * granularity).min(rows))
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Part({}, {} rows)", self.name, self.meta.rows)
    }
}
