//! Small parts in memory become larger ones: which (decided by the committer), and how (a pure function, run by `apply`
//! on the live store and again on replay).
//!
//! The record of a compaction holds the names of its inputs only. The decision is recorded rather than repeated because it
//! leaves out parts that a running merge or mutation has reserved, which replay cannot know.

use std::sync::Arc;

use parts::{Derived, PartData, PartName, PartSchema, PartitionId, Purpose, StagedPart};

use crate::active_part::ActivePart;
use crate::error::Conflict;
use crate::part_set::TableParts;

/// Neighbours of one tier that make one of the next.
pub const FAN_IN: usize = 8;
/// A compaction has at most this many rows: it runs in the writer. What is larger waits for a flush to a file.
pub const ROWS_MAX: u64 = 65_536;

/// The merge of parts in memory by the engine's rule; none when no row is left.
pub(crate) fn compact(schema: &PartSchema, parts: &[Arc<ActivePart>]) -> Result<Option<StagedPart>, Conflict> {
    let mut blocks = Vec::with_capacity(parts.len());
    for part in parts {
        if !part.is_in_memory() {
            return Err(Conflict::Malformed("a part in a file is compacted"));
        }
        match &part.part.data {
            PartData::Memory(block) if block.header() == &schema.header => blocks.push(block.clone()),
            PartData::Memory(_) => return Err(Conflict::Malformed("parts of another layout are compacted")),
            PartData::File(_) => return Err(Conflict::Malformed("a part in a file is compacted")),
        }
    }
    let failed = |error: parts::Error| Conflict::CannotMerge(error.to_string());
    let block = parts::merge::merge_blocks(schema, blocks, Purpose::Merge).map_err(failed)?;
    if block.rows() == 0 {
        return Ok(None);
    }
    // what was computed of the rows is not computed again here: expressions are evaluated above the store
    let derived = Derived::of_inputs(parts.iter().map(|part| &*part.part.meta)).map_err(failed)?;
    StagedPart::in_memory(schema, &derived, block).map(Some).map_err(failed)
}

/// The newest parts of a partition that should become one now, if any: [`FAN_IN`] or more of the lowest tiers, or, when
/// several commits of one sync group brought parts (`joined`, the first block of the group), those.
pub(crate) fn plan(
    parts: &TableParts,
    partition: &PartitionId,
    joined_from: u64,
    may_join: &dyn Fn(&ActivePart) -> bool,
) -> Option<Vec<PartName>> {
    let mut newest: Vec<&ActivePart> = Vec::new();
    let mut rows = 0;
    for part in parts.partition_from_newest(partition) {
        rows += part.rows();
        let is_cut = |later: &&ActivePart| parts.has_mark_between(part.name().max_block, later.name().min_block);
        let fits = part.is_in_memory() && may_join(part) && !newest.last().is_some_and(is_cut);
        if !fits || ROWS_MAX < rows {
            break;
        }
        newest.push(part);
    }
    let joined = newest.iter().take_while(|part| joined_from <= part.name().min_block).count();
    let tier = full_tier(&newest);
    let count = if 2 <= joined { joined.max(tier) } else { tier };
    let mut names: Vec<PartName> = newest.get(..count)?.iter().map(|part| part.name().clone()).collect();
    names.reverse();
    (2 <= names.len()).then_some(names)
}

/// How many of the newest parts make a full tier: the longest run of at least [`FAN_IN`] parts whose levels are all no
/// higher than some level.
fn full_tier(newest: &[&ActivePart]) -> usize {
    let top = newest.iter().map(|part| part.name().level).max().unwrap_or(0);
    let run = |level: u32| newest.iter().take_while(|part| part.name().level <= level).count();
    (0..=top).map(run).find(|count| FAN_IN <= *count).unwrap_or(0)
}
