//! Step 3 of an insert: rows of a table become parts, out of sight.
//!
//! ```text
//! split by partition ─▶ sort ─▶ the engine's rule (optimize_on_insert) ─▶ small: rides in the record │ large: a file, synced
//! ```
//! Small parts of one insert together stay small as well: past [`INLINE_BYTES_MAX`] they are files.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::{StreamExt, stream};
use parts::Maturity;
use parts::{Derived, PartSchema, PartitionId, Purpose, sort_and_apply_rule, sort_block, split_by_partition};
use query::QueryContext;
use store::{NewPart, Store};
use types::{Block, Setting, TableId};

use super::staged::Rows;
use crate::error::{Error, Result};

/// Inserted rows, ready to become parts.
pub(crate) fn split(
    (table, schema, derived): (TableId, &Arc<PartSchema>, Derived),
    rows: &Block,
    ctx: &QueryContext,
) -> Result<Rows> {
    let partitions = split_by_partition(schema, rows)?;
    let limit = ctx.settings.uint(Setting::MaxPartitionsPerInsertBlock);
    if limit != 0 && partitions.len() as u64 > limit {
        if ctx.settings.flag(Setting::ThrowOnMaxPartitionsPerInsertBlock) {
            return Err(Error::TooManyPartitions { partitions: partitions.len(), limit });
        }
        tracing::warn!(%table, partitions = partitions.len(), limit, "an inserted block falls into many partitions");
    }
    let merge_rule = ctx.settings.flag(Setting::OptimizeOnInsert);
    Ok(Rows { table, schema: Arc::clone(schema), derived, partitions, merge_rule })
}

/// Leaves out the rows of other partitions than these; gives what was left out.
pub(crate) fn retain(rows: &mut Rows, ids: &BTreeSet<PartitionId>) -> Vec<Block> {
    let (kept, left_out): (Vec<_>, Vec<_>) =
        std::mem::take(&mut rows.partitions).into_iter().partition(|(id, _)| ids.contains(id));
    rows.partitions = kept;
    left_out.into_iter().map(|(_, rows)| rows).collect()
}

/// Bytes of an insert's parts that ride in its record; further ones are files. A record has a limit, and an insert of many
/// small blocks has any number of small parts.
pub(super) const INLINE_BYTES_MAX: u64 = 8 << 20;

/// Where parts go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// Small ones into the record.
    BySize,
    /// All into files.
    Files,
}

/// Parts of rows of a hidden table: as those of [`split`], in any number of partitions.
pub(crate) async fn stage_state(store: &Store, schema: &Arc<PartSchema>, rows: &Block) -> Result<Vec<NewPart>> {
    stage_partitions(store, (schema, &Derived::default()), split_by_partition(schema, rows)?, (true, Place::BySize))
        .await
}

/// Parts of rows by partition. Rows that the engine's rule leaves out are gone; no part is made of no row.
pub(super) async fn stage_partitions(
    store: &Store,
    (schema, derived): (&Arc<PartSchema>, &Derived),
    partitions: Vec<(PartitionId, Block)>,
    (merge_rule, place): (bool, Place),
) -> Result<Vec<NewPart>> {
    let mut parts = Vec::with_capacity(partitions.len());
    for (_, rows) in partitions {
        let rows = match merge_rule {
            true => sort_and_apply_rule(schema, &rows, Purpose::Insert)?,
            false => sort_block(schema, &rows)?,
        };
        parts.extend(match place {
            Place::BySize => store.stage(schema, derived, rows).await?,
            Place::Files => {
                store.stage_file(schema, derived, stream::iter([Ok(rows)]).boxed(), Maturity::Young).await?
            }
        });
    }
    Ok(parts)
}
