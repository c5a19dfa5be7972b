//! What an engine does with rows of one key: at insert, in merges and for FINAL. The rules are ClickHouse's, ties included.
//!
//! First the runs of equal keys are found once; then rules that choose rows (Replacing, Collapsing, VersionedCollapsing)
//! give row numbers, and rules that compute (Summing, Aggregating, Coalescing) work column by column over all runs.
//!
//! "Later" means later in insertion order: a later part, then a later row of it. Callers bring rows of equal key in that
//! order.

use arrow::array::{AsArray, UInt32Array};
use arrow::datatypes::{Int8Type, UInt8Type};
use arrow_row::Rows;
use types::Block;

use crate::error::{Error, Result};
use crate::order::{KeyEncoder, group_starts};
use crate::schema::{MergeMode, PartSchema};

mod choose;
mod columns;
mod maps;
mod states;
mod sums;

/// Why a rule is applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// To a block about to be written (`optimize_on_insert`).
    Insert,
    /// To the rows of parts that become one.
    Merge,
    /// As `Merge`, and rows marked as deleted go (`OPTIMIZE … FINAL CLEANUP`).
    MergeCleanup,
    /// To what a `SELECT … FINAL` reads: rows marked as deleted and leftover negative rows are hidden.
    Final,
}

/// The rows of `block`, which is sorted by the schema's key, after the engine's rule.
pub fn apply_rule(schema: &PartSchema, block: &Block, purpose: Purpose) -> Result<Block> {
    if schema.merge_mode == MergeMode::Plain || block.rows() == 0 {
        return Ok(block.clone());
    }
    let keys = KeyEncoder::of_sort_key(schema)?.encode(block)?;
    apply_to_groups(schema, block, &groups(schema, &keys), purpose)
}

/// The rows of `block`, all of one and the same whole sorting key, after the engine's rule.
pub fn apply_rule_to_key(schema: &PartSchema, block: &Block, purpose: Purpose) -> Result<Block> {
    match block.rows() {
        0 => Ok(block.clone()),
        rows => apply_to_groups(schema, block, &[0, rows as u32], purpose),
    }
}

/// Where the groups of rows that the rule treats as one start, with the number of rows last.
fn groups(schema: &PartSchema, keys: &Rows) -> Vec<u32> {
    if !keeps_keys_together(schema) {
        return (0..=keys.num_rows() as u32).collect();
    }
    group_starts(keys)
}

/// True when the rule must see all rows of a key at once. With an empty key, the rules that compute leave every row alone;
/// ClickHouse does so too.
pub(crate) fn keeps_keys_together(schema: &PartSchema) -> bool {
    match &schema.merge_mode {
        MergeMode::Replacing { .. } | MergeMode::Collapsing { .. } | MergeMode::VersionedCollapsing { .. } => true,
        MergeMode::Summing { .. } | MergeMode::Aggregating | MergeMode::Coalescing { .. } => {
            !schema.sort_key.is_empty()
        }
        MergeMode::Plain => false,
    }
}

/// The rule, given where groups start (and the number of rows as last element).
pub(crate) fn apply_to_groups(schema: &PartSchema, block: &Block, starts: &[u32], purpose: Purpose) -> Result<Block> {
    match &schema.merge_mode {
        MergeMode::Plain => Ok(block.clone()),
        MergeMode::Replacing { version, is_deleted } => {
            check_is_deleted(block, *is_deleted)?;
            let mut winners = choose::latest_versions(schema, block, starts, *version)?;
            if let Some(position) = is_deleted
                && matches!(purpose, Purpose::MergeCleanup | Purpose::Final)
            {
                let deleted = block.array(*position).as_primitive::<UInt8Type>();
                winners.retain(|&row| deleted.value(row as usize) == 0);
            }
            take_rows(block, winners)
        }
        MergeMode::Collapsing { sign } => {
            let signs = check_signs(block, *sign)?;
            take_rows(block, choose::collapsed(signs, starts, purpose))
        }
        MergeMode::VersionedCollapsing { sign, .. } => {
            let signs = check_signs(block, *sign)?;
            take_rows(block, choose::cancelled(signs, starts))
        }
        MergeMode::Summing { columns, maps, drops_zero_rows } => {
            let summed = columns::summed(block, starts, columns, maps)?;
            if *drops_zero_rows { columns::without_zero_rows(summed, columns) } else { Ok(summed.block) }
        }
        MergeMode::Aggregating => columns::aggregated(block, starts),
        MergeMode::Coalescing { columns } => columns::coalesced(block, starts, columns),
    }
}

/// The rows with these ascending numbers; the block itself when that is all of them.
fn take_rows(block: &Block, rows: Vec<u32>) -> Result<Block> {
    if rows.len() == block.rows() {
        return Ok(block.clone());
    }
    Ok(block.take(&UInt32Array::from(rows))?)
}

fn check_signs(block: &Block, position: usize) -> Result<&[i8]> {
    let signs = block.array(position).as_primitive::<Int8Type>().values();
    match signs.iter().find(|sign| !matches!(sign, 1 | -1)) {
        None => Ok(signs),
        Some(&value) => Err(Error::Sign { column: block.header().columns()[position].name.to_string(), value }),
    }
}

fn check_is_deleted(block: &Block, position: Option<usize>) -> Result<()> {
    let Some(position) = position else { return Ok(()) };
    let marks = block.array(position).as_primitive::<UInt8Type>().values();
    match marks.iter().find(|mark| 1 < **mark) {
        None => Ok(()),
        Some(&value) => Err(Error::IsDeleted { column: block.header().columns()[position].name.to_string(), value }),
    }
}

#[cfg(test)]
mod tests;
