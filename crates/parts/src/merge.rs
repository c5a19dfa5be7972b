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

use std::cmp::Ordering;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use types::Block;

use crate::error::{Error, Result};
use crate::rule::{Purpose, keeps_keys_together};
use crate::schema::PartSchema;
use keys::KeyMaker;
use taken::{Source, Stretch, rows_of_last_key, ruled};

mod keys;
mod taken;

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
    /// Taken rows at which a block is given out: `rows_max`, or more while they are all of one key.
    rows_enough: usize,
    keys: KeyMaker,
    /// Where each run that has rows is.
    heads: Vec<Option<Head>>,
    /// Runs whose next block is needed.
    waiting: Vec<usize>,
    /// Runs with rows, smallest key last; of equal keys the earlier run last.
    queue: Vec<Candidate>,
    /// The blocks of heads and of what is taken.
    sources: Vec<Source>,
    /// Rows taken and not yet given out.
    taken: Vec<Stretch>,
    taken_rows: usize,
    ended: bool,
}

/// A run's next row.
#[derive(Clone, Copy, Debug)]
struct Head {
    source: usize,
    row: usize,
}

/// A run by its next row's word.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    word: u64,
    run: usize,
}

impl Merger {
    /// A merge of `runs` runs, none of whose rows are known yet.
    pub fn new(schema: &PartSchema, runs: usize, purpose: Purpose, rows_max: usize) -> Result<Merger> {
        Ok(Merger {
            schema: schema.clone(),
            purpose,
            rows_max: rows_max.max(1),
            rows_enough: rows_max.max(1),
            keys: KeyMaker::of(schema)?,
            heads: vec![None; runs],
            waiting: (0..runs).rev().collect(),
            queue: Vec::with_capacity(runs),
            sources: Vec::new(),
            taken: Vec::new(),
            taken_rows: 0,
            ended: false,
        })
    }

    /// The next rows of a run that was needed.
    pub fn push(&mut self, run: usize, block: Block) -> Result<()> {
        if block.rows() == 0 {
            return Ok(());
        }
        let keys = self.keys.keys(&block)?;
        self.waiting.retain(|waiting| *waiting != run);
        self.sources.push(Source { block, keys });
        self.enqueue(run, Head { source: self.sources.len() - 1, row: 0 });
        Ok(())
    }

    /// A run that was needed has no more rows.
    pub fn end(&mut self, run: usize) {
        self.waiting.retain(|waiting| *waiting != run);
        self.heads[run] = None;
    }

    /// The next thing to do.
    pub fn step(&mut self) -> Result<Step> {
        loop {
            if let Some(run) = self.waiting.last() {
                return Ok(Step::Needs(*run));
            }
            if self.rows_enough <= self.taken_rows
                && let Some(block) = self.give_out()?
            {
                return Ok(Step::Block(block));
            }
            let Some(next) = self.queue.pop() else {
                self.ended = true;
                return Ok(match self.give_out()? {
                    Some(block) => Step::Block(block),
                    None if self.taken.is_empty() => Step::Done,
                    None => continue,
                });
            };
            self.take_stretch(next.run)?;
        }
    }

    /// Puts a run that has rows into the queue.
    fn enqueue(&mut self, run: usize, head: Head) {
        let (sources, heads) = (&self.sources, &self.heads);
        let keys = &sources[head.source].keys;
        let word = keys.word(head.row);
        let is_larger = |other: &Candidate| match other.word.cmp(&word) {
            Ordering::Equal => {
                let rest = heads[other.run].map(|at| sources[at.source].keys.compare_rest(at.row, keys, head.row));
                rest.unwrap_or(Ordering::Equal).then(other.run.cmp(&run)).is_gt()
            }
            order => order.is_gt(),
        };
        let place = self.queue.partition_point(is_larger);
        self.queue.insert(place, Candidate { word, run });
        self.heads[run] = Some(head);
    }

    /// Takes from `run`, which has the smallest key, all rows that come before the next run's.
    fn take_stretch(&mut self, run: usize) -> Result<()> {
        let Some(Head { source, row: start }) = self.heads[run] else {
            return Err(Error::Schema("a run without rows was queued".to_owned()));
        };
        let keys = &self.sources[source].keys;
        let next = self.queue.last().and_then(|next| Some((*next, self.heads[next.run]?)));
        let end = match next {
            None => keys.len(),
            Some((next, at)) => {
                let limit = &self.sources[at.source].keys;
                let comes_first = |row: usize| match keys.word(row).cmp(&next.word) {
                    Ordering::Equal => keys.compare_rest(row, limit, at.row).then(run.cmp(&next.run)).is_lt(),
                    order => order.is_lt(),
                };
                gallop(start, keys.len(), comes_first)
            }
        };
        let is_used_up = end == keys.len();
        self.taken_rows += end - start;
        self.taken.push(Stretch { source, start, end });
        match is_used_up {
            true => {
                self.heads[run] = None;
                self.waiting.push(run);
            }
            false => self.enqueue(run, Head { source, row: end }),
        }
        Ok(())
    }

    /// Merged rows: all that were taken but, where keys stay together and more rows may come, those of the last key.
    fn give_out(&mut self) -> Result<Option<Block>> {
        let keeps_keys = keeps_keys_together(&self.schema);
        let held = if self.ended || !keeps_keys { 0 } else { rows_of_last_key(&self.sources, &self.taken) };
        let give = self.taken_rows - held;
        if give == 0 {
            // looking at the rows of one large key again and again would take the square of its time
            self.rows_enough = self.taken_rows.saturating_mul(2);
            return Ok(None);
        }
        self.rows_enough = self.rows_max;
        // a table without keys to keep together has its blocks cut exactly
        let give = if keeps_keys { give } else { give.min(self.rows_max) };
        let stretches = self.split_off(give);
        let block = ruled(&self.schema, &self.sources, &stretches, self.purpose)?;
        self.forget_sources();
        Ok((0 < block.rows()).then_some(block))
    }

    /// The first `rows` taken rows, which are no longer taken after.
    fn split_off(&mut self, rows: usize) -> Vec<Stretch> {
        let (mut whole, mut left) = (0, rows);
        while let Some(stretch) = self.taken.get(whole).filter(|stretch| stretch.rows() <= left) {
            left -= stretch.rows();
            whole += 1;
        }
        let mut given: Vec<Stretch> = self.taken.drain(..whole).collect();
        if let Some(cut) = self.taken.first_mut().filter(|_| 0 < left) {
            given.push(Stretch { end: cut.start + left, ..*cut });
            cut.start += left;
        }
        self.taken_rows -= rows;
        given
    }

    /// Lets go of blocks of which no row is left.
    fn forget_sources(&mut self) {
        let mut is_used = vec![false; self.sources.len()];
        self.heads.iter().flatten().for_each(|head| is_used[head.source] = true);
        self.taken.iter().for_each(|stretch| is_used[stretch.source] = true);
        let mut numbers = Vec::with_capacity(is_used.len());
        let mut kept = 0;
        for is_used in &is_used {
            numbers.push(kept);
            kept += usize::from(*is_used);
        }
        let mut used = is_used.into_iter();
        self.sources.retain(|_| used.next().unwrap_or(false));
        self.heads.iter_mut().flatten().for_each(|head| head.source = numbers[head.source]);
        self.taken.iter_mut().for_each(|stretch| stretch.source = numbers[stretch.source]);
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

#[cfg(test)]
mod tests;
