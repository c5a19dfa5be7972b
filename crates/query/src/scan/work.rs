//! What is read of a table: granules of parts, after pruning, and who reads which.

use std::ops::Range;
use std::sync::Arc;

use parts::prune::{KeyRange, KeyRanges, may_contain, prune};
use parts::{KeySlice, KeySlices, PartSchema};
use store::{ActivePart, Snapshot};
use types::{Header, TableId};

use super::Predicate;
use super::ranges::ranges_of;
use crate::error::{Error, Result};

/// Granules of parts, in the order of partitions and blocks.
#[derive(Clone, Debug, Default)]
pub(super) struct Work {
    pub pieces: Vec<Piece>,
    /// Parts that the table has, pruned ones too.
    pub parts_total: usize,
    /// Granules that those have.
    pub granules_total: usize,
    /// Only the rows of this slice of the key are meant.
    pub slice: Option<KeySlice>,
}

/// Granules of one part.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub part: Arc<ActivePart>,
    /// Ascending and disjoint; never empty.
    pub granules: Vec<Range<usize>>,
    /// How many parts are read before it, and how many rows these have.
    pub before: (u64, u64),
}

impl Piece {
    fn granule_count(&self) -> usize {
        self.granules.iter().map(ExactSizeIterator::len).sum()
    }

    fn rows(&self) -> u64 {
        let rows = |range: &Range<usize>| self.part.part.rows_of(range).map_or(0, |rows| rows.len() as u64);
        self.granules.iter().map(rows).sum()
    }
}

impl Work {
    /// The granules that can hold rows for which `predicate` is true.
    pub(super) fn plan(
        snapshot: &Snapshot,
        table: TableId,
        schema: &PartSchema,
        predicate: &Predicate,
    ) -> Result<Work> {
        let mut work = Work::default();
        let Some(parts) = snapshot.table_parts(table) else { return Ok(work) };
        let asked = Asked::new(schema, predicate)?;
        let mut before = (0, 0);
        for part in parts.parts() {
            work.parts_total += 1;
            work.granules_total += part.part.granules();
            let today = snapshot.header_of(table, part);
            let granules = asked.granules(schema, part, &today).map_err(Error::from)?;
            if !granules.is_empty() {
                work.pieces.push(Piece { part: part.clone(), granules, before });
                before = (before.0 + 1, before.1 + part.rows());
            }
        }
        Ok(work)
    }

    /// Rows in all pieces.
    pub(super) fn rows(&self) -> u64 {
        self.pieces.iter().map(Piece::rows).sum()
    }

    /// Partitions that have pieces.
    pub(super) fn partitions(&self) -> usize {
        let mut ids: Vec<_> = self.pieces.iter().map(|piece| &piece.part.name().partition_id).collect();
        ids.dedup();
        ids.len()
    }

    /// Granules in all pieces.
    pub(super) fn granules(&self) -> usize {
        self.pieces.iter().map(Piece::granule_count).sum()
    }

    /// Share `share` of `shares`: about as many granules as each other one, consecutive ones.
    #[must_use]
    pub(super) fn share(self, share: usize, shares: usize) -> Work {
        if shares <= 1 {
            return self;
        }
        let total = self.granules();
        let mine = (total * share / shares)..(total * (share + 1) / shares);
        let mut at = 0;
        let mut pieces = Vec::new();
        for piece in self.pieces {
            let mut granules = Vec::new();
            for range in &piece.granules {
                let start = mine.start.clamp(at, at + range.len()) - at;
                let end = mine.end.clamp(at, at + range.len()) - at;
                if start < end {
                    granules.push(range.start + start..range.start + end);
                }
                at += range.len();
            }
            if !granules.is_empty() {
                pieces.push(Piece { granules, ..piece });
            }
        }
        Work { pieces, ..self }
    }

    /// Slice `share` of `shares` of the table's key: granules with such keys, and which of their rows are meant. Rows of one
    /// key are all in the same slice. Where the parts do not tell, all of it is in the first share.
    pub(super) fn slice(self, schema: &PartSchema, share: usize, shares: usize) -> Result<Work> {
        let pieces: Vec<_> =
            self.pieces.iter().map(|piece| (&*piece.part.part.meta, piece.granules.as_slice())).collect();
        let Some(slices) = KeySlices::of(schema, &pieces, shares).map_err(Error::from)? else {
            return Ok(if share == 0 { self } else { Work { pieces: Vec::new(), ..self } });
        };
        let Some(slice) = slices.slice(share) else { return Ok(Work { pieces: Vec::new(), ..self }) };
        let mut inside = Vec::with_capacity(self.pieces.len());
        for piece in self.pieces {
            let granules = slices.granules(&slice, &piece.part.part.meta, &piece.granules).map_err(Error::from)?;
            if !granules.is_empty() {
                inside.push(Piece { granules, ..piece });
            }
        }
        Ok(Work { pieces: inside, slice: Some(slice), ..self })
    }

    /// Pieces that are merged with one another: all of them, or (`apart`) those of one partition.
    pub(super) fn merge_groups(self, apart: bool) -> Vec<Vec<Piece>> {
        let mut groups: Vec<Vec<Piece>> = Vec::new();
        for piece in self.pieces {
            match groups.last_mut() {
                Some(group) if !apart || group[0].part.name().partition_id == piece.part.name().partition_id => {
                    group.push(piece);
                }
                _ => groups.push(vec![piece]),
            }
        }
        if !apart {
            // Of equal keys the row inserted last wins, whichever partition it is in.
            groups.iter_mut().for_each(|group| group.sort_by_key(|piece| piece.part.name().min_block));
        }
        groups
    }
}

/// A predicate as parts are asked about it.
struct Asked {
    /// By column of the schema that has conditions.
    columns: Vec<(usize, Vec<KeyRange>)>,
    /// Of the primary key's columns, in order.
    key: KeyRanges,
}

impl Asked {
    fn new(schema: &PartSchema, predicate: &Predicate) -> Result<Asked> {
        let mut columns = Vec::new();
        for position in 0..schema.header.len() {
            if let Some(ranges) = ranges_of(predicate, position)? {
                columns.push((position, ranges));
            }
        }
        let of = |position: usize| columns.iter().find(|(at, _)| *at == position).map(|(_, ranges)| ranges.clone());
        let key = schema.sort_key.iter().take(schema.primary_key_len).map(|column| of(column.position)).collect();
        Ok(Asked { columns, key })
    }

    /// `today` are the part's columns under the names that they have now.
    fn granules(&self, schema: &PartSchema, part: &ActivePart, today: &Header) -> parts::Result<Vec<Range<usize>>> {
        let meta = &part.part.meta;
        for (position, ranges) in &self.columns {
            let Some(column) = schema.header.columns().get(*position) else { continue };
            // what the part calls this column, in the type that it has there
            let written = today.position(&column.name).and_then(|at| meta.header.columns().get(at));
            let written = written.filter(|written| written.ty == column.ty);
            let known = written.and_then(|written| meta.min_max.iter().find(|known| known.column == *written));
            if let Some(known) = known
                && !may_contain(known, ranges)?
            {
                return Ok(Vec::new());
            }
        }
        // Marks are in the types that the part was written with.
        let same = schema.sort_key.iter().take(schema.primary_key_len).zip(meta.marks.header().columns());
        let fits = same.clone().count() == meta.marks.header().len()
            && same.into_iter().all(|(key, mark)| schema.header.columns()[key.position].ty == mark.ty);
        match fits {
            true => prune(meta, &schema.sort_key, &self.key),
            false => prune(meta, &schema.sort_key, &KeyRanges::new()),
        }
    }
}
