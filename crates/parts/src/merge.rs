//! Sorted runs to one: a stable k-way merge that applies the engine's rule and gives bounded blocks.
//!
//! [`Merger`] does no I/O: it says which run it needs rows of, and is given them; [`merge_runs`] drives it over streams. A
//! run is one part (or one block); of equal keys, rows of an earlier run come first, so that later parts win ties.
//!
//! ```text
//! run 0  1 3 5 │ 7 9        head of each run: its current block and a position in it
//! run 1  2 3 8 │ …          the run with the smallest key gives a stretch of rows up to the next run's key
//!                           ▼
//!        1 2 3 3 5 7 8 …    gathered as (block, row range); cut at `rows_max`, at a change of key where a rule applies
//! ```
//!
//! Memory: the current block of each run, one output block, and the rows of one key (Collapsing and tables written with
//! `optimize_on_insert = 0` can have many; for all other engines it is at most one a run).

use std::collections::VecDeque;

use arrow::array::Array;
use arrow_row::Rows;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use types::Block;

use crate::error::{Error, Result};
use crate::order::KeyEncoder;
use crate::rule::{Purpose, apply_to_groups, keeps_keys_together};
use crate::schema::{MergeMode, PartSchema};

/// Rows of a merged block, where callers have no wish of their own.
pub const MERGE_ROWS: usize = 65_536;

/// A sorted run as it is read.
pub type Run = BoxStream<'static, Result<Block>>;

/// The merge of `runs` (in insertion order) with the engine's rule, in blocks of about `rows_max` rows (one key's rows
/// are never split between blocks, unless the table is a plain one).
pub fn merge_runs(schema: &PartSchema, runs: Vec<Run>, purpose: Purpose, rows_max: usize) -> Result<Run> {
    let merger = Merger::new(schema, runs.len(), purpose, rows_max)?;
    Ok(stream::try_unfold((merger, runs), |(mut merger, mut runs)| async move {
        loop {
            match merger.step()? {
                Step::Needs(run) => match runs[run].next().await {
                    Some(block) => merger.push(run, block?)?,
                    None => merger.end(run),
                },
                Step::Block(block) => return Ok(Some((block, (merger, runs)))),
                Step::Done => return Ok(None),
            }
        }
    })
    .boxed())
}

/// The merge of blocks that are all in memory, each a sorted run, as one block.
pub fn merge_blocks(schema: &PartSchema, runs: Vec<Block>, purpose: Purpose) -> Result<Block> {
    let mut merger = Merger::new(schema, runs.len(), purpose, usize::MAX)?;
    let mut runs: Vec<Option<Block>> = runs.into_iter().map(Some).collect();
    let mut merged = Vec::new();
    loop {
        match merger.step()? {
            Step::Needs(run) => match runs[run].take() {
                Some(block) => merger.push(run, block)?,
                None => merger.end(run),
            },
            Step::Block(block) => merged.push(block),
            Step::Done => return Ok(Block::concat(&schema.header, &merged)?),
        }
    }
}

/// FINAL over runs that hold only some columns: `positions` are what [`PartSchema::final_columns`] asks for, and the
/// header of every block is `schema.header.project(positions)`. The result has the same columns.
pub fn final_runs(schema: &PartSchema, positions: &[usize], runs: Vec<Run>, rows_max: usize) -> Result<Run> {
    merge_runs(&schema.project(positions)?, runs, Purpose::Final, rows_max)
}

/// What a [`Merger`] wants or has.
#[derive(Debug)]
pub enum Step {
    /// The next block of this run, by [`Merger::push`], or [`Merger::end`] when there is none.
    Needs(usize),
    /// A merged block, never empty.
    Block(Block),
    /// All runs have ended and everything was given out.
    Done,
}

/// The merge itself, without I/O.
#[derive(Debug)]
pub struct Merger {
    schema: PartSchema,
    purpose: Purpose,
    rows_max: usize,
    encoder: KeyEncoder,
    heads: Vec<Head>,
    /// Runs with rows, by current key, smallest last; equal keys with the earlier run last.
    queue: Vec<usize>,
    /// Stretches taken and not yet given out.
    taken: VecDeque<Stretch>,
    taken_rows: usize,
    ended: bool,
}

#[derive(Debug)]
enum Head {
    /// Waits for its next block.
    Waiting,
    /// Has rows from `position` on.
    Rows { block: Block, keys: std::sync::Arc<Rows>, position: usize },
    /// Has no more.
    Ended,
}

/// Consecutive rows of one run's block.
#[derive(Clone, Debug)]
struct Stretch {
    block: Block,
    keys: std::sync::Arc<Rows>,
    start: usize,
    end: usize,
}

impl Merger {
    /// A merge of `runs` runs, none of whose rows are known yet.
    pub fn new(schema: &PartSchema, runs: usize, purpose: Purpose, rows_max: usize) -> Result<Merger> {
        Ok(Merger {
            schema: schema.clone(),
            purpose,
            rows_max: rows_max.max(1),
            encoder: KeyEncoder::of_sort_key(schema)?,
            heads: (0..runs).map(|_| Head::Waiting).collect(),
            queue: Vec::with_capacity(runs),
            taken: VecDeque::new(),
            taken_rows: 0,
            ended: false,
        })
    }

    /// The next rows of a run that was needed.
    pub fn push(&mut self, run: usize, block: Block) -> Result<()> {
        if block.rows() == 0 {
            return Ok(());
        }
        let keys = std::sync::Arc::new(self.encoder.encode(&block)?);
        self.heads[run] = Head::Rows { block, keys, position: 0 };
        self.enqueue(run);
        Ok(())
    }

    /// A run that was needed has no more rows.
    pub fn end(&mut self, run: usize) {
        self.heads[run] = Head::Ended;
    }

    /// The next thing to do.
    pub fn step(&mut self) -> Result<Step> {
        loop {
            if let Some(run) = self.heads.iter().position(|head| matches!(head, Head::Waiting)) {
                return Ok(Step::Needs(run));
            }
            if self.rows_max <= self.taken_rows
                && let Some(block) = self.give_out()?
            {
                return Ok(Step::Block(block));
            }
            let Some(run) = self.queue.pop() else {
                self.ended = true;
                return Ok(match self.give_out()? {
                    Some(block) => Step::Block(block),
                    None if self.taken.is_empty() => Step::Done,
                    None => continue,
                });
            };
            self.take_stretch(run)?;
        }
    }

    fn key(&self, run: usize) -> &[u8] {
        match &self.heads[run] {
            Head::Rows { keys, position, .. } => keys.row(*position).data(),
            Head::Waiting | Head::Ended => &[],
        }
    }

    /// Puts a run that has rows into the queue, which stays sorted: largest key first, later run first.
    fn enqueue(&mut self, run: usize) {
        let key = self.key(run);
        let place = self.queue.partition_point(|&other| (key, run) < (self.key(other), other));
        self.queue.insert(place, run);
    }

    /// Takes from `run`, which has the smallest key, all rows that come before the next run's.
    fn take_stretch(&mut self, run: usize) -> Result<()> {
        let Head::Rows { block, keys, position } = &self.heads[run] else {
            return Err(Error::Schema("a run without rows was queued".to_owned()));
        };
        let end = match self.queue.last() {
            None => keys.num_rows(),
            Some(&next) => {
                let limit = (self.key(next), next);
                gallop(*position, keys.num_rows(), |row| (keys.row(row).data(), run) < limit)
            }
        };
        let is_used_up = end == keys.num_rows();
        self.taken_rows += end - position;
        self.taken.push_back(Stretch { block: block.clone(), keys: keys.clone(), start: *position, end });
        if is_used_up {
            self.heads[run] = Head::Waiting;
            return Ok(());
        }
        if let Head::Rows { position, .. } = &mut self.heads[run] {
            *position = end;
        }
        self.enqueue(run);
        Ok(())
    }

    /// Merged rows: all that were taken but, where keys stay together and more rows may come, those of the last key.
    fn give_out(&mut self) -> Result<Option<Block>> {
        let held = if self.ended { 0 } else { self.rows_of_last_key() };
        let give = self.taken_rows - held;
        if give == 0 {
            return Ok(None);
        }
        // a table without keys to keep together has its blocks cut exactly
        let give = if keeps_keys_together(&self.schema) { give } else { give.min(self.rows_max) };
        let stretches = self.split_off(give);
        let block = gather(&self.schema, &stretches)?;
        let block = match self.schema.merge_mode {
            MergeMode::Plain => block,
            _ => apply_to_groups(&self.schema, &block, &group_starts(&self.schema, &stretches), self.purpose)?,
        };
        Ok((0 < block.rows()).then_some(block))
    }

    /// How many of the taken rows, from the end, have the last one's key. 0 where keys need not stay together.
    fn rows_of_last_key(&self) -> usize {
        if !keeps_keys_together(&self.schema) {
            return 0;
        }
        let Some(last) = self.taken.back() else { return 0 };
        let key = last.keys.row(last.end - 1).data();
        let mut rows = 0;
        for stretch in self.taken.iter().rev() {
            let same =
                (stretch.start..stretch.end).rev().take_while(|&row| stretch.keys.row(row).data() == key).count();
            rows += same;
            if same < stretch.end - stretch.start {
                break;
            }
        }
        rows
    }

    /// The first `rows` taken rows, which are no longer taken after.
    fn split_off(&mut self, rows: usize) -> Vec<Stretch> {
        let mut left = rows;
        let mut given = Vec::new();
        while 0 < left {
            let Some(front) = self.taken.front_mut() else { break };
            let count = left.min(front.end - front.start);
            let end = front.start + count;
            given.push(Stretch { end, ..front.clone() });
            front.start = end;
            if front.start == front.end {
                self.taken.pop_front();
            }
            left -= count;
        }
        self.taken_rows -= rows;
        given
    }
}

/// The first row from `start` on (at least one further) that is not first any more, in steps that double.
fn gallop(start: usize, rows: usize, comes_first: impl Fn(usize) -> bool) -> usize {
    let mut low = start + 1;
    let mut step = 1;
    while low + step <= rows && comes_first(low + step - 1) {
        low += step;
        step *= 2;
    }
    let mut high = (low + step - 1).min(rows);
    while low < high {
        let middle = low + (high - low) / 2;
        if comes_first(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// Where the groups of rows that the rule treats as one start in the stretches' rows, with the number of rows last.
fn group_starts(schema: &PartSchema, stretches: &[Stretch]) -> Vec<u32> {
    let rows: usize = stretches.iter().map(|stretch| stretch.end - stretch.start).sum();
    if !keeps_keys_together(schema) {
        return (0..=rows as u32).collect();
    }
    let mut starts = Vec::with_capacity(rows + 1);
    let mut previous: Option<&[u8]> = None;
    let keys =
        stretches.iter().flat_map(|stretch| (stretch.start..stretch.end).map(|row| stretch.keys.row(row).data()));
    for (row, key) in keys.enumerate() {
        if previous != Some(key) {
            starts.push(row as u32);
        }
        previous = Some(key);
    }
    starts.push(rows as u32);
    starts
}

/// One block of the stretches' rows.
fn gather(schema: &PartSchema, stretches: &[Stretch]) -> Result<Block> {
    if let [only] = stretches {
        return Ok(only.block.slice(only.start, only.end - only.start));
    }
    // the same block often gives many stretches: each once in `blocks`
    let mut blocks: Vec<&Block> = Vec::new();
    let mut picks: Vec<(usize, usize)> = Vec::with_capacity(stretches.iter().map(|s| s.end - s.start).sum());
    let mut numbers: std::collections::HashMap<usize, usize> = std::collections::HashMap::new();
    for stretch in stretches {
        let address = std::sync::Arc::as_ptr(&stretch.keys) as usize;
        let number = *numbers.entry(address).or_insert_with(|| {
            blocks.push(&stretch.block);
            blocks.len() - 1
        });
        picks.extend((stretch.start..stretch.end).map(|row| (number, row)));
    }
    let mut arrays = Vec::with_capacity(schema.header.len());
    for position in 0..schema.header.len() {
        let sources: Vec<&dyn Array> = blocks.iter().map(|block| block.array(position).as_ref()).collect();
        arrays.push(arrow::compute::interleave(&sources, &picks)?);
    }
    Ok(Block::with_rows(schema.header.clone(), arrays, picks.len())?)
}

#[cfg(test)]
mod tests;
