//! The rules that compute: each column of all groups at once, by what the column is.

use arrow::array::{Array, ArrayRef, BooleanArray, UInt32Array};
use arrow::compute::{filter, take};
use types::Block;

use super::{maps, states, sums};
use crate::error::Result;
use crate::schema::{SumMap, is_aggregate};

/// Groups that became rows.
pub struct Summed {
    /// One row a group.
    pub block: Block,
    /// Groups that a map with a composite key saves from being dropped.
    pub saved: Vec<bool>,
}

/// SummingMergeTree: sums, merged maps, merged states but for those `kept`; the first row's value of all else.
pub fn summed(
    block: &Block,
    starts: &[u32],
    (columns, kept): (&[usize], &[usize]),
    sum_maps: &[SumMap],
) -> Result<Summed> {
    let mut arrays = reduced(block, starts, |position| match columns.contains(&position) {
        true => Some(Reduce::Sum),
        false => kept.contains(&position).then_some(Reduce::First),
    })?;
    let mut saved = vec![false; starts.len() - 1];
    for map in sum_maps {
        let merged = maps::merged(block, starts, map)?;
        for (position, array) in merged.columns {
            arrays[position] = array;
        }
        saved.iter_mut().zip(merged.saves_row).for_each(|(saved, saves)| *saved |= saves);
    }
    Ok(Summed { block: Block::with_rows(block.header().clone(), arrays, starts.len() - 1)?, saved })
}

/// Drops rows of which each of `columns` is its type's default: zero, or NULL where that is possible.
pub fn without_zero_rows(summed: Summed, columns: &[usize]) -> Result<Block> {
    let block = summed.block;
    let mut keep = summed.saved;
    for &position in columns {
        let ty = &block.header().columns()[position].ty;
        sums::mark_not_default(ty, block.array(position), &mut keep);
    }
    if keep.iter().all(|keep| *keep) {
        return Ok(block);
    }
    let keep = BooleanArray::from(keep);
    let arrays = block.arrays().iter().map(|array| filter(array, &keep)).collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(Block::with_rows(block.header().clone(), arrays, keep.true_count())?)
}

/// AggregatingMergeTree: merged states; the first row's value of all else.
pub fn aggregated(block: &Block, starts: &[u32]) -> Result<Block> {
    let arrays = reduced(block, starts, |_| None)?;
    Ok(Block::with_rows(block.header().clone(), arrays, starts.len() - 1)?)
}

/// CoalescingMergeTree: the last value of `columns` that is not NULL; merged states but for those `kept`; the first row's
/// value of all else.
pub fn coalesced(block: &Block, starts: &[u32], (columns, kept): (&[usize], &[usize])) -> Result<Block> {
    let arrays = reduced(block, starts, |position| match columns.contains(&position) {
        true => Some(Reduce::LastNotNull),
        false => kept.contains(&position).then_some(Reduce::First),
    })?;
    Ok(Block::with_rows(block.header().clone(), arrays, starts.len() - 1)?)
}

/// What is done with a column that is neither a key nor a state.
#[derive(Clone, Copy)]
enum Reduce {
    Sum,
    LastNotNull,
    /// Also of a state.
    First,
}

fn reduced(block: &Block, starts: &[u32], reduce: impl Fn(usize) -> Option<Reduce>) -> Result<Vec<ArrayRef>> {
    let is_untouched = starts.len() - 1 == block.rows();
    let firsts = UInt32Array::from(starts[..starts.len() - 1].to_vec());
    let mut arrays = Vec::with_capacity(block.header().len());
    for (position, (column, array)) in block.header().columns().iter().zip(block.arrays()).enumerate() {
        arrays.push(match reduce(position) {
            // groups of one row stay as they are, but a sum of -0.0 alone is 0.0
            Some(Reduce::Sum) if column.ty.base().is_float() => sums::summed(column, array, starts)?,
            _ if is_untouched => array.clone(),
            Some(Reduce::First) => take(array, &firsts, None)?,
            _ if is_aggregate(&column.ty) => states::merged(column, array, starts)?,
            Some(Reduce::Sum) => sums::summed(column, array, starts)?,
            Some(Reduce::LastNotNull) => take(array, &last_not_null(array, starts), None)?,
            None => take(array, &firsts, None)?,
        });
    }
    Ok(arrays)
}

/// Of each group the last row whose value is not NULL, or the last row when all are.
fn last_not_null(array: &ArrayRef, starts: &[u32]) -> UInt32Array {
    let last = |group: &[u32]| {
        let valid = (group[0]..group[1]).rev().find(|row| array.is_valid(*row as usize));
        valid.unwrap_or(group[1] - 1)
    };
    UInt32Array::from(starts.windows(2).map(last).collect::<Vec<_>>())
}
