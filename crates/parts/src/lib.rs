//! The immutable part: rows of one table and partition, sorted by the table's key, that never change once staged.
//!
//! In reading order: what a part is ([`schema`], [`name`], [`partition`], [`meta`], [`derived`],
//! [`part`]); how rows come in order
//! ([`order`], [`sort`]); what an engine does with rows of one key ([`rule`]) and with sorted runs ([`merge`]); its bytes
//! inside the commit log ([`inline`]) and as a Parquet file ([`file`]) behind [`part_store`]; how reads get around most of
//! it ([`prune`], [`skip_index`], [`projection`], [`cache`], [`key_index`], [`lookup`]); and how a mutation makes the next part ([`rewrite`]).
//!
//! Knows no table names, no SQL and no time of day, and evaluates no expression: keys are columns that somebody computed
//! before, and what a merge or mutation must compute arrives as a [`types::BlockTransform`].

#![allow(clippy::single_range_in_vec_init, reason = "granules are lists of ranges")]

pub mod cache;
pub mod dedup;
pub mod derived;
pub mod error;
pub mod file;
pub mod inline;
pub mod key_index;
mod key_slices;
mod key_spans;
pub mod lookup;
pub mod merge;
pub mod meta;
pub mod name;
pub mod order;
pub mod part;
pub mod part_store;
pub mod partition;
pub mod projection;
pub mod prune;
pub mod rewrite;
pub mod rule;
pub mod schema;
mod siphash;
pub mod skip_index;
pub mod sort;
#[cfg(test)]
mod testing;

pub use cache::GranuleCache;
pub use dedup::deduplicated;
pub use derived::Derived;
pub use error::{Error, Result};
pub use file::{Caching, FilePart, FileRef, FileWriter, Maturity, write_part};
pub use inline::{decode_inline, encode_inline};
pub use key_index::{KeyHasher, KeyIndex};
pub use key_slices::{KeySlice, KeySlices};
pub use key_spans::KeySpans;
pub use lookup::KeyProbe;
pub use merge::{MERGE_ROWS, Run, final_runs, merge_blocks, merge_runs};
pub use meta::{MinMax, PartMeta};
pub use name::{PartName, PartitionId};
pub use part::{Part, PartData, StagedPart};
pub use part_store::{DiskPartStore, MemoryPartStore, PartSink, PartStore};
pub use partition::{partition_id, partition_text, split_by_partition};
pub use projection::{Grouping, Projection};
pub use prune::{Bound, KeyRange, KeyRanges, may_contain, partition_may_contain, prune};
pub use rewrite::{Mutation, Rewritten, RowMask, RowSet, rewrite, rewrite_block};
pub use rule::{Purpose, apply_rule, apply_rule_to_key, sort_and_apply_rule};
pub use schema::{MergeMode, PartSchema, SortColumn, SumMap};
pub use skip_index::{SkipIndex, SkipKind};
pub use sort::sort_block;
