//! Rows that a merge has taken from its runs: stretches of their blocks, put together as late as possible, so that what an
//! engine's rule drops is never copied.

use arrow::array::{Array, ArrayRef};
use arrow::compute::{concat, interleave};
use types::Block;

use super::keys::Keys;
use crate::error::Result;
use crate::rule::{Purpose, apply_to_groups, chosen, keeps_keys_together};
use crate::schema::{MergeMode, PartSchema};

/// Stretches of so many rows on average are copied as such, shorter ones row by row.
const LONG_STRETCH_ROWS: usize = 16;

/// A block of a run with its keys.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) block: Block,
    pub(super) keys: Keys,
}

/// Consecutive rows of one source.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) source: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Stretch {
    pub(super) fn rows(&self) -> usize {
        self.end - self.start
    }
}

/// How many of the rows, from the end, have the last one's key.
pub(super) fn rows_of_last_key(sources: &[Source], stretches: &[Stretch]) -> usize {
    let Some(last) = stretches.last() else { return 0 };
    let (last_keys, last_row) = (&sources[last.source].keys, last.end - 1);
    let mut rows = 0;
    for stretch in stretches.iter().rev() {
        let keys = &sources[stretch.source].keys;
        let is_same = |row: &usize| keys.compare(*row, last_keys, last_row).is_eq();
        let same = (stretch.start..stretch.end).rev().take_while(is_same).count();
        rows += same;
        if same < stretch.rows() {
            break;
        }
    }
    rows
}

/// The rows of the stretches after the engine's rule, as one block.
pub(super) fn ruled(schema: &PartSchema, sources: &[Source], stretches: &[Stretch], purpose: Purpose) -> Result<Block> {
    if schema.merge_mode == MergeMode::Plain {
        return gather(schema, sources, stretches);
    }
    let starts = group_starts(schema, sources, stretches);
    let arrays = |position: usize| Arrays::of(sources, position);
    let mut picks = picks_of(stretches);
    match chosen(schema, |position| arrays(position).pick(&picks), &starts, purpose)? {
        Some(rows) if rows.len() < picks.len() => {
            picks = rows.into_iter().map(|row| picks[row as usize]).collect();
            let picked = (0..schema.header.len()).map(|position| arrays(position).pick(&picks));
            Ok(Block::with_rows(schema.header.clone(), picked.collect::<Result<_>>()?, picks.len())?)
        }
        Some(_) => gather(schema, sources, stretches),
        None => apply_to_groups(schema, &gather(schema, sources, stretches)?, &starts, purpose),
    }
}

/// Where the groups of rows that the rule treats as one start in the stretches' rows, with the number of rows last.
fn group_starts(schema: &PartSchema, sources: &[Source], stretches: &[Stretch]) -> Vec<u32> {
    let rows: usize = stretches.iter().map(Stretch::rows).sum();
    if !keeps_keys_together(schema) {
        return (0..=rows as u32).collect();
    }
    let mut starts = Vec::with_capacity(rows + 1);
    let mut previous: Option<(&Keys, usize)> = None;
    let mut at = 0;
    for stretch in stretches {
        let keys = &sources[stretch.source].keys;
        for row in stretch.start..stretch.end {
            if previous.is_none_or(|(before, last)| keys.compare(row, before, last).is_ne()) {
                starts.push(at);
            }
            previous = Some((keys, row));
            at += 1;
        }
    }
    starts.push(at);
    starts
}

/// One block of the stretches' rows.
fn gather(schema: &PartSchema, sources: &[Source], stretches: &[Stretch]) -> Result<Block> {
    if let [only] = stretches {
        return Ok(sources[only.source].block.slice(only.start, only.rows()));
    }
    let rows: usize = stretches.iter().map(Stretch::rows).sum();
    let is_long = stretches.len() * LONG_STRETCH_ROWS <= rows;
    let picks = if is_long { Vec::new() } else { picks_of(stretches) };
    let mut gathered = Vec::with_capacity(schema.header.len());
    for position in 0..schema.header.len() {
        let arrays = Arrays::of(sources, position);
        gathered.push(if is_long { arrays.join(stretches)? } else { arrays.pick(&picks)? });
    }
    Ok(Block::with_rows(schema.header.clone(), gathered, rows)?)
}

/// Each row as the number of its source and its row there.
fn picks_of(stretches: &[Stretch]) -> Vec<(usize, usize)> {
    let mut picks = Vec::with_capacity(stretches.iter().map(Stretch::rows).sum());
    for stretch in stretches {
        picks.extend((stretch.start..stretch.end).map(|row| (stretch.source, row)));
    }
    picks
}

/// One column of all sources.
struct Arrays<'a>(Vec<&'a dyn Array>);

impl<'a> Arrays<'a> {
    fn of(sources: &'a [Source], position: usize) -> Arrays<'a> {
        Arrays(sources.iter().map(|source| source.block.array(position).as_ref()).collect())
    }

    fn pick(&self, picks: &[(usize, usize)]) -> Result<ArrayRef> {
        Ok(interleave(&self.0, picks)?)
    }

    fn join(&self, stretches: &[Stretch]) -> Result<ArrayRef> {
        let slices: Vec<ArrayRef> =
            stretches.iter().map(|stretch| self.0[stretch.source].slice(stretch.start, stretch.rows())).collect();
        Ok(concat(&slices.iter().map(ArrayRef::as_ref).collect::<Vec<_>>())?)
    }
}
