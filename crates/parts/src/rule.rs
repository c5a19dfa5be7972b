//! What an engine does with rows of one key: at insert, in merges and for FINAL. The rules are ClickHouse's, ties included.
//!
//! First the runs of equal keys are found once; then rules that choose rows (Replacing, Collapsing, VersionedCollapsing)
//! give row numbers, and rules that compute (Summing, Aggregating, Coalescing) work column by column over all runs.
//!
//! "Later" means later in insertion order: a later part, then a later row of it. Callers bring rows of equal key in that
//! order.

use arrow::array::{ArrayRef, AsArray, UInt32Array};
use arrow::datatypes::{DataType as ArrowType, Int8Type, UInt8Type};
use types::{Block, DataType};

use crate::error::{Error, Result};
use crate::order::{KeyEncoder, group_starts};
use crate::schema::{MergeMode, PartSchema};
use crate::sort::words::KeyColumn;
use crate::sort::{SortedRows, sort_block};

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
    let starts = if keeps_keys_together(schema) { group_starts(&keys) } else { each_row(block.rows()) };
    apply_to_groups(schema, block, &starts, purpose)
}

/// The rows of `block`, all of one and the same whole sorting key, after the engine's rule.
pub fn apply_rule_to_key(schema: &PartSchema, block: &Block, purpose: Purpose) -> Result<Block> {
    match block.rows() {
        0 => Ok(block.clone()),
        rows => apply_to_groups(schema, block, &[0, rows as u32], purpose),
    }
}

/// Rows in any order sorted, then after the engine's rule. Rows that the rule does not choose are not even moved.
pub fn sort_and_apply_rule(schema: &PartSchema, block: &Block, purpose: Purpose) -> Result<Block> {
    if schema.merge_mode == MergeMode::Plain || block.rows() == 0 {
        return sort_block(schema, block);
    }
    let mut sorted = SortedRows::of(schema, block)?;
    let order = UInt32Array::from(sorted.order.clone());
    let column = |position: usize| Ok(arrow::compute::take(block.array(position), &order, None)?);
    if let Some(chosen) = chosen(schema, column, &sorted.starts, purpose)? {
        let chosen: Vec<u32> = chosen.into_iter().map(|at| sorted.order[at as usize]).collect();
        return Ok(block.take(&UInt32Array::from(chosen))?);
    }
    let starts = match keeps_keys_together(schema) {
        true => std::mem::take(&mut sorted.starts),
        false => each_row(block.rows()),
    };
    apply_to_groups(schema, &sorted.take(block)?, &starts, purpose)
}

/// Where groups start when each row is one.
fn each_row(rows: usize) -> Vec<u32> {
    (0..=rows as u32).collect()
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
    if let Some(chosen) = chosen(schema, |position| Ok(block.array(position).clone()), starts, purpose)? {
        return take_rows(block, chosen);
    }
    match &schema.merge_mode {
        MergeMode::Summing { columns, maps, drops_zero_rows, kept } => {
            let summed = columns::summed(block, starts, (columns, kept), maps)?;
            if *drops_zero_rows { columns::without_zero_rows(summed, columns) } else { Ok(summed.block) }
        }
        MergeMode::Aggregating => columns::aggregated(block, starts),
        MergeMode::Coalescing { columns, kept } => columns::coalesced(block, starts, (columns, kept)),
        _ => Ok(block.clone()),
    }
}

/// The numbers of the rows that stay, where the rule is one that chooses rows; else `None`. `column` gives a column of the
/// sorted rows.
pub(crate) fn chosen(
    schema: &PartSchema,
    column: impl Fn(usize) -> Result<ArrayRef>,
    starts: &[u32],
    purpose: Purpose,
) -> Result<Option<Vec<u32>>> {
    let name = |position: usize| &*schema.header.columns()[position].name;
    match &schema.merge_mode {
        MergeMode::Replacing { version, is_deleted } => {
            let rows = starts.last().map_or(0, |rows| *rows as usize);
            let versions = version
                .filter(|_| starts.len() <= rows)
                .map(|position| KeyColumn::new(&schema.header.columns()[position].ty, &column(position)?, false));
            let mut winners = choose::latest_versions(versions.transpose()?.as_ref(), starts);
            if let Some(position) = *is_deleted {
                let marks = column(position)?;
                let marks = match schema.header.columns()[position].ty {
                    DataType::Bool => arrow::compute::cast(&marks, &ArrowType::UInt8)?,
                    _ => marks,
                };
                let marks = check_is_deleted(&marks, name(position))?;
                if matches!(purpose, Purpose::MergeCleanup | Purpose::Final) {
                    winners.retain(|&row| marks[row as usize] == 0);
                }
            }
            Ok(Some(winners))
        }
        MergeMode::Collapsing { sign } => {
            let signs = column(*sign)?;
            Ok(Some(choose::collapsed(check_signs(&signs, name(*sign))?, starts, purpose)))
        }
        MergeMode::VersionedCollapsing { sign, .. } => {
            let signs = column(*sign)?;
            Ok(Some(choose::cancelled(check_signs(&signs, name(*sign))?, starts)))
        }
        _ => Ok(None),
    }
}

/// The rows with these ascending numbers; the block itself when that is all of them.
fn take_rows(block: &Block, rows: Vec<u32>) -> Result<Block> {
    if rows.len() == block.rows() {
        return Ok(block.clone());
    }
    Ok(block.take(&UInt32Array::from(rows))?)
}

fn check_signs<'a>(signs: &'a ArrayRef, column: &str) -> Result<&'a [i8]> {
    let signs: &[i8] = signs.as_primitive::<Int8Type>().values();
    match signs.iter().find(|sign| !matches!(sign, 1 | -1)) {
        None => Ok(signs),
        Some(&value) => Err(Error::Sign { column: column.to_owned(), value }),
    }
}

fn check_is_deleted<'a>(marks: &'a ArrayRef, column: &str) -> Result<&'a [u8]> {
    let marks: &[u8] = marks.as_primitive::<UInt8Type>().values();
    match marks.iter().find(|mark| 1 < **mark) {
        None => Ok(marks),
        Some(&value) => Err(Error::IsDeleted { column: column.to_owned(), value }),
    }
}

#[cfg(test)]
mod tests;
