//! Which parts should be merged next: a pure function of the active parts, their sizes and their ages.
//!
//! Size-tiered, after ClickHouse's simple merge selector: a run of neighbours is merged when together they are several
//! times the largest of them, so that every row is rewritten O(log n) times; the demand falls as parts get older or more.
//! What the writer joins in the log anyway is left to it. Decides only. Reserving the inputs, running and committing are the caller's.

use parts::{PartName, PartitionId};
use types::TableId;

use crate::active_part::ActivePart;
use crate::compact;
use crate::part_set::{PartSet, TableParts};

/// Parts in one merge: bounds its open files and cursors.
pub const INPUTS_MAX: usize = 64;
/// Bytes in one merge, as ClickHouse's `max_bytes_to_merge_at_max_space_in_pool`.
pub const INPUT_BYTES_MAX: u64 = 150 << 30;
/// What a part costs beside its bytes.
const PART_BYTES: u64 = 1 << 20;
/// A run must be this many times its largest part while it is young and small…
const RATIO_YOUNG: f64 = 5.0;
/// …and only this many times when it is old or the partition crowded.
const RATIO_OLD: f64 = 2.0;
/// A partition with this many parts is crowded.
const PARTS_CROWDED: usize = 64;
/// A run whose youngest part is this old is old.
const AGE_OLD_NS: i64 = 3_600_000_000_000;

/// A merge that should happen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MergePlan {
    /// The table.
    pub table: TableId,
    /// The partition that all inputs are of.
    pub partition_id: PartitionId,
    /// Neighbours in order of blocks, at least one.
    pub inputs: Vec<PartName>,
    /// Rows in the inputs.
    pub rows: u64,
    /// Bytes in the inputs.
    pub size_bytes: u64,
}

impl MergePlan {
    /// The merge of these neighbours of one partition, in order of blocks; none of no part.
    pub fn of(table: TableId, parts: &[&ActivePart]) -> Option<MergePlan> {
        Some(MergePlan {
            table,
            partition_id: parts.first()?.name().partition_id.clone(),
            inputs: parts.iter().map(|part| part.name().clone()).collect(),
            rows: parts.iter().map(|part| part.rows()).sum(),
            size_bytes: parts.iter().map(|part| part.size_bytes()).sum(),
        })
    }
}

/// The background policy.
#[derive(Clone, Copy, Debug, Default)]
pub struct MergePolicy;

impl MergePolicy {
    /// The best merge of every partition that has a good one, cheapest first. `is_free` says that a part is in no other
    /// work; `now_ns` is the wall clock.
    pub fn plan(&self, parts: &PartSet, now_ns: i64, is_free: &dyn Fn(TableId, &PartName) -> bool) -> Vec<MergePlan> {
        let mut plans: Vec<(f64, MergePlan)> = Vec::new();
        for (table, table_parts) in parts.tables() {
            for partition in table_parts.partitions() {
                let from = left_to_compaction(table_parts, partition);
                let runs = free_runs(table_parts, partition, |name| name.min_block < from && is_free(*table, name));
                let crowd = runs.iter().map(Vec::len).sum();
                let best = runs.iter().filter_map(|run| best_of(run, crowd, now_ns)).min_by(|a, b| a.0.total_cmp(&b.0));
                plans.extend(best.and_then(|(score, run)| Some((score, MergePlan::of(*table, run)?))));
            }
        }
        plans.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.inputs.cmp(&b.1.inputs)));
        plans.into_iter().map(|(_, plan)| plan).collect()
    }

    /// OPTIMIZE FINAL: everything in the partition to one part, or one between any two marks of readers.
    pub fn plan_whole(&self, table: TableId, parts: &TableParts, partition: &PartitionId) -> Vec<MergePlan> {
        let runs = free_runs(parts, partition, |_| true);
        runs.iter().filter_map(|run| MergePlan::of(table, run)).collect()
    }
}

/// The block from which on a partition's parts are few rows in memory: the writer joins them in the log, and a flush
/// writes them together when they are old. A merge would make a file of every few inserts.
fn left_to_compaction(parts: &TableParts, partition: &PartitionId) -> u64 {
    let (mut rows, mut from) = (0u64, u64::MAX);
    for (count, part) in (1..).zip(parts.partition_from_newest(partition)) {
        rows += part.rows();
        if PARTS_CROWDED <= count {
            // something keeps them from being joined
            return u64::MAX;
        }
        if !part.is_in_memory() || compact::ROWS_MAX < rows {
            break;
        }
        from = part.name().min_block;
    }
    from
}

/// The parts of a partition, cut where one is not free or a reader's mark stands: a merge may not reach over either.
fn free_runs<'a>(
    parts: &'a TableParts,
    partition: &PartitionId,
    is_free: impl Fn(&PartName) -> bool,
) -> Vec<Vec<&'a ActivePart>> {
    let mut runs: Vec<Vec<&ActivePart>> = vec![Vec::new()];
    for part in parts.partition(partition) {
        let is_cut = |last: &&ActivePart| parts.has_mark_between(last.name().max_block, part.name().min_block);
        if runs.last().and_then(|run| run.last()).is_some_and(is_cut) {
            runs.push(Vec::new());
        }
        match runs.last_mut() {
            Some(run) if is_free(part.name()) => run.push(&**part),
            _ => runs.push(Vec::new()),
        }
    }
    runs
}

/// The cheapest good run of neighbours, with its score.
fn best_of<'a, 'b>(parts: &'b [&'a ActivePart], crowd: usize, now_ns: i64) -> Option<(f64, &'b [&'a ActivePart])> {
    let mut best: Option<(f64, &[&ActivePart])> = None;
    for start in 0..parts.len() {
        let (mut sum, mut largest, mut youngest) = (0u64, 0u64, i64::MAX);
        for (count, part) in (1..=INPUTS_MAX).zip(parts.get(start..)?) {
            let size = part.size_bytes() + PART_BYTES;
            sum += size;
            largest = largest.max(size);
            youngest = youngest.min(now_ns.saturating_sub(part.created_ns));
            if INPUT_BYTES_MAX < sum {
                break;
            }
            let is_good = 2 <= count && ratio(youngest, crowd) * largest as f64 <= sum as f64;
            let score = sum as f64 / (count as f64 - 1.9);
            if is_good && best.is_none_or(|(other, _)| score < other) {
                best = Some((score, parts.get(start..start + count)?));
            }
        }
    }
    best
}

/// How many times its largest part a run must be.
fn ratio(youngest_age_ns: i64, crowd: usize) -> f64 {
    let age = (youngest_age_ns.max(0) as f64 / AGE_OLD_NS as f64).min(1.0);
    let crowd = (crowd as f64 / PARTS_CROWDED as f64).min(1.0);
    RATIO_YOUNG - (RATIO_YOUNG - RATIO_OLD) * (age + crowd).min(1.0)
}
