//! Which stretches may hold a row that is asked for.

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::UInt8Type;
use types::{Block, DataType};

use super::text::{self, Piece};
use super::{Filter, SkipIndex, SkipKind, bloom};
use crate::error::{Error, Result};
use crate::key_index::hash_values;
use crate::prune::{KeyRange, ValueRanges};

/// What is asked of rows, as far as it is about the columns of one index.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Nothing that the index knows of.
    Anything,
    /// All of them.
    All(Vec<Ask>),
    /// One of them.
    Any(Vec<Ask>),
    /// The column's value is in one of the ranges.
    Within {
        /// The index's column.
        column: usize,
        /// Any of these.
        ranges: Vec<KeyRange>,
        /// The values that the ranges are, where each is one value.
        points: Option<ArrayRef>,
    },
    /// The column is a list that has the value (one row).
    Has {
        /// The index's column.
        column: usize,
        /// One value of the items' type.
        value: ArrayRef,
    },
    /// The column is a text that has all the pieces.
    Text {
        /// The index's column.
        column: usize,
        /// What it has.
        pieces: Vec<Piece>,
    },
}

impl Ask {
    /// True when an index could say no to it.
    pub fn is_useful(&self, index: &SkipIndex) -> bool {
        match self {
            Ask::Anything => false,
            Ask::All(asks) => asks.iter().any(|ask| ask.is_useful(index)),
            Ask::Any(asks) => !asks.is_empty() && asks.iter().all(|ask| ask.is_useful(index)),
            Ask::Within { points, .. } => match index.kind {
                SkipKind::MinMax | SkipKind::Set { .. } => true,
                SkipKind::Bloom { .. } | SkipKind::Tokens(_) | SkipKind::Ngrams { .. } => points.is_some(),
            },
            Ask::Has { .. } => matches!(index.kind, SkipKind::Bloom { .. }),
            Ask::Text { pieces, .. } => match index.kind {
                SkipKind::Tokens(_) => pieces.iter().any(|piece| piece.words().next().is_some()),
                SkipKind::Ngrams { n, .. } => {
                    pieces.iter().any(|piece| text::wanted_ngrams(&piece.bytes, n).next().is_some())
                }
                SkipKind::MinMax | SkipKind::Set { .. } | SkipKind::Bloom { .. } => false,
            },
        }
    }
}

/// For each entry whether a row of its stretch may be asked for.
pub fn judge(index: &SkipIndex, entries: &Block, ask: &Ask) -> Result<Vec<bool>> {
    let all = || vec![true; entries.rows()];
    let each = |asks: &[Ask]| asks.iter().map(|ask| judge(index, entries, ask)).collect::<Result<Vec<_>>>();
    let join = |mut a: Vec<bool>, b: Vec<bool>, with: fn(bool, bool) -> bool| {
        a.iter_mut().zip(b).for_each(|(a, b)| *a = with(*a, b));
        a
    };
    Ok(match ask {
        Ask::Anything => all(),
        Ask::All(asks) => each(asks)?.into_iter().fold(all(), |a, b| join(a, b, |a, b| a & b)),
        Ask::Any(asks) => each(asks)?.into_iter().fold(vec![false; entries.rows()], |a, b| join(a, b, |a, b| a | b)),
        Ask::Within { column, ranges, points } => within(index, entries, (*column, ranges, points.as_ref()))?,
        Ask::Has { column, value } => match (index.kind, &column_of(index, *column)?.ty) {
            (SkipKind::Bloom { .. }, DataType::Array(item)) => filters(entries, *column, &hash_values(item, value)?)?,
            _ => all(),
        },
        Ask::Text { column, pieces } => texts(index, entries, *column, pieces)?,
    })
}

fn column_of(index: &SkipIndex, column: usize) -> Result<&types::Column> {
    index.columns.columns().get(column).ok_or(Error::Damaged("column of a skip index is not there"))
}

fn within(
    index: &SkipIndex,
    entries: &Block,
    (column, ranges, points): (usize, &[KeyRange], Option<&ArrayRef>),
) -> Result<Vec<bool>> {
    let known = column_of(index, column)?;
    match (index.kind, points) {
        (SkipKind::MinMax, _) => {
            let ranges = ValueRanges::new(known, ranges)?;
            let nulls = array(entries, 3 * column + 2)?.as_primitive::<UInt8Type>().values();
            let reached = ranges.between(array(entries, 3 * column)?, array(entries, 3 * column + 1)?)?;
            let holds_null = ranges.holds_null();
            let may = |(nulls, reached): (&u8, bool)| (*nulls != 2 && reached) || (*nulls != 0 && holds_null);
            Ok(nulls.iter().zip(reached).map(may).collect())
        }
        (SkipKind::Set { .. }, _) => {
            let full = array(entries, 0)?.as_primitive::<UInt8Type>().values();
            let lists = array(entries, 1 + column)?.as_list::<i32>();
            let inside = ValueRanges::new(known, ranges)?.inside(lists.values())?;
            let stretches = lists.value_offsets().windows(2);
            let any = stretches.map(|ends| match ends {
                [start, end] => inside.get(*start as usize..*end as usize).is_none_or(|some| some.contains(&true)),
                _ => true,
            });
            Ok(full.iter().zip(any).map(|(full, any)| *full != 0 || any).collect())
        }
        (SkipKind::Bloom { .. }, Some(points)) if !matches!(known.ty, DataType::Array(_)) => {
            filters(entries, column, &hash_values(&known.ty, points)?)
        }
        (SkipKind::Tokens(_) | SkipKind::Ngrams { .. }, Some(points)) => {
            let Some(values) = points.as_binary_opt::<i32>() else { return Ok(vec![true; entries.rows()]) };
            let mut any = vec![false; entries.rows()];
            for value in values.iter().flatten() {
                let may = texts(index, entries, column, &[Piece::whole(value)])?;
                any.iter_mut().zip(may).for_each(|(any, may)| *any |= may);
            }
            Ok(any)
        }
        _ => Ok(vec![true; entries.rows()]),
    }
}

/// The filters that may have one of the hashes.
fn filters(entries: &Block, column: usize, hashes: &[Option<u64>]) -> Result<Vec<bool>> {
    let bits = array(entries, column)?.as_binary::<i32>();
    let any = |filter: Option<&[u8]>| {
        filter.is_none_or(|filter| hashes.iter().flatten().any(|hash| bloom::may_contain(filter, *hash)))
    };
    Ok(bits.iter().map(any).collect())
}

/// The filters that may have every word, or every run of bytes, of all pieces.
fn texts(index: &SkipIndex, entries: &Block, column: usize, pieces: &[Piece]) -> Result<Vec<bool>> {
    let hash = |word: &[u8], filter: Filter| text::hash(word, filter.seed);
    let hashes: Vec<u64> = match index.kind {
        SkipKind::Tokens(filter) => pieces.iter().flat_map(Piece::words).map(|word| hash(word, filter)).collect(),
        SkipKind::Ngrams { n, filter } => {
            pieces.iter().flat_map(|piece| text::wanted_ngrams(&piece.bytes, n)).map(|run| hash(run, filter)).collect()
        }
        SkipKind::MinMax | SkipKind::Set { .. } | SkipKind::Bloom { .. } => Vec::new(),
    };
    if hashes.is_empty() {
        return Ok(vec![true; entries.rows()]);
    }
    let bits = array(entries, column)?.as_binary::<i32>();
    let all =
        |filter: Option<&[u8]>| filter.is_none_or(|filter| hashes.iter().all(|hash| bloom::may_contain(filter, *hash)));
    Ok(bits.iter().map(all).collect())
}

fn array(entries: &Block, position: usize) -> Result<&ArrayRef> {
    entries.arrays().get(position).ok_or(Error::Damaged("column of a skip index is not there"))
}
