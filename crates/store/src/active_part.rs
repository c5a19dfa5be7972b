//! A part that a snapshot names.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::compute::filter;
use futures::StreamExt;
use futures::stream::BoxStream;
use parts::file::Caching;
use parts::merge::Run;
use parts::{Part, PartData, PartName};
use types::{Block, CommitSeq};

use crate::garbage::PartFile;
use crate::row_ranges::RowRanges;

/// Blocks of a part with the numbers of their rows in it.
pub type Numbered = BoxStream<'static, parts::Result<(Block, Vec<u32>)>>;

/// A part with its place in the history. Never changes; shared by all snapshots that name it.
#[derive(Clone, Debug)]
pub struct ActivePart {
    /// The part: its name, what is known of it, its rows or where they are.
    pub part: Part,
    /// The commit that made it active.
    pub seq: CommitSeq,
    /// When that was, nanoseconds since 1970.
    pub created_ns: i64,
    /// Its file, unless its rows are in memory (and in the log or a checkpoint). The file lives as long as this.
    pub file: Option<Arc<PartFile>>,
    /// Rows that were deleted without rewriting the part; the next merge leaves them out.
    pub deleted: Option<Arc<RowRanges>>,
}

impl ActivePart {
    /// What it covers.
    pub fn name(&self) -> &PartName {
        &self.part.name
    }

    /// How many rows.
    pub fn rows(&self) -> u64 {
        self.part.meta.rows
    }

    /// Bytes of its file, or about the bytes of memory.
    pub fn size_bytes(&self) -> u64 {
        self.part.meta.bytes
    }

    /// The rows of `granules` that are not deleted, as [`Part::read`] gives them.
    pub fn read(&self, columns: &[usize], granules: Vec<Range<usize>>, caching: Caching) -> Run {
        let Some(deleted) = self.deleted.clone() else { return self.part.read(columns, granules, caching) };
        let blocks = self.read_placed(columns, granules, caching);
        blocks.map(move |placed| placed.and_then(|(start, block)| without(&block, start, &deleted))).boxed()
    }

    /// The same with the number of each row in the part; with `all`, deleted rows too.
    pub fn read_numbered(
        &self,
        columns: &[usize],
        granules: Vec<Range<usize>>,
        caching: Caching,
        all: bool,
    ) -> Numbered {
        let deleted = self.deleted.clone().filter(|_| !all);
        let blocks = self.read_placed(columns, granules, caching);
        let numbered = move |(start, block): (usize, Block)| {
            let numbers = start as u32..(start + block.rows()) as u32;
            match &deleted {
                None => Ok((block, numbers.collect())),
                Some(deleted) => {
                    let left = numbers.filter(|row| !deleted.contains(*row)).collect();
                    Ok((without(&block, start, deleted)?, left))
                }
            }
        };
        blocks.map(move |placed| placed.and_then(&numbered)).boxed()
    }

    /// All rows of `granules`, each block with the number of its first row.
    fn read_placed(
        &self,
        columns: &[usize],
        granules: Vec<Range<usize>>,
        caching: Caching,
    ) -> BoxStream<'static, parts::Result<(usize, Block)>> {
        let rows: Vec<Range<usize>> =
            granules.iter().map(|granules| self.part.rows_of(granules).unwrap_or_default()).collect();
        let mut places = rows.into_iter().filter(|rows| rows.start < rows.end).collect::<VecDeque<_>>();
        let placed = move |block: parts::Result<Block>| {
            // blocks come in the order of granules, none reaches over two ranges
            let block = block?;
            let start = places.front().map_or(0, |rows| rows.start);
            if let Some(rows) = places.front_mut() {
                rows.start += block.rows();
                if rows.end <= rows.start {
                    places.pop_front();
                }
            }
            Ok((start, block))
        };
        self.part.read(columns, granules, caching).map(placed).boxed()
    }

    /// All rows that are not deleted.
    pub fn read_all(&self, columns: &[usize], caching: Caching) -> Run {
        self.read(columns, std::iter::once(0..self.part.granules()).collect(), caching)
    }

    /// The numbers in the part of rows that are numbered among those that are not deleted, ascending.
    pub fn numbers_of(&self, visible: &[u32]) -> RowRanges {
        let Some(deleted) = &self.deleted else { return RowRanges::from_rows(visible.iter().copied()) };
        let (mut skipped, mut runs) = (0, deleted.runs().iter().peekable());
        RowRanges::from_rows(visible.iter().map(|row| {
            while let Some((start, end)) = runs.next_if(|(start, _)| *start <= row + skipped) {
                skipped += end - start;
            }
            row + skipped
        }))
    }

    /// True when its file was damaged or gone when the store was opened: it has no rows, and nobody may ask for them.
    pub fn is_broken(&self) -> bool {
        self.file.is_some() && matches!(self.part.data, PartData::Memory(_)) && 0 < self.part.meta.rows
    }

    /// True when its rows are in memory.
    pub fn is_in_memory(&self) -> bool {
        self.file.is_none()
    }
}

/// A block whose first row is row `start` of its part, without the deleted rows.
fn without(block: &Block, start: usize, deleted: &RowRanges) -> parts::Result<Block> {
    let end = start + block.rows();
    let mut keep = vec![true; block.rows()];
    let mut any = false;
    let first = deleted.runs().partition_point(|(_, to)| *to as usize <= start);
    for (from, to) in deleted.runs().iter().skip(first) {
        let (from, to) = ((*from as usize).max(start), (*to as usize).min(end));
        if to <= from {
            break;
        }
        any = true;
        keep.iter_mut().take(to - start).skip(from - start).for_each(|keep| *keep = false);
    }
    if !any {
        return Ok(block.clone());
    }
    let keep = BooleanArray::from(keep);
    let arrays = block.arrays().iter().map(|array| filter(array, &keep)).collect::<Result<_, _>>()?;
    Ok(Block::with_rows(block.header().clone(), arrays, keep.true_count())?)
}
