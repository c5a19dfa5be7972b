//! Step 3 of an insert: rows of a table become parts, out of sight.
//!
//! ```text
//! split by partition ─▶ sort ─▶ the engine's rule (optimize_on_insert) ─▶ small: rides in the record │ large: a file, synced
//! ```

use std::sync::Arc;

use parts::{PartSchema, Purpose, StagedPart, apply_rule, sort_block, split_by_partition};
use query::QueryContext;
use store::{NewPart, Store};
use types::{Block, Setting};

use crate::error::{Error, Result};

/// Parts of these rows. Rows that the engine's rule leaves out are gone; no part is made of no row.
pub(crate) async fn stage(store: &Store, schema: &Arc<PartSchema>, rows: &Block, ctx: &QueryContext) -> Result<Vec<NewPart>> {
    let partitions = split_by_partition(schema, rows)?;
    let limit = ctx.settings.uint(Setting::MaxPartitionsPerInsertBlock);
    if limit != 0 && partitions.len() as u64 > limit {
        return Err(Error::TooManyPartitions { partitions: partitions.len(), limit });
    }
    let mut parts = Vec::with_capacity(partitions.len());
    for (partition_id, rows) in partitions {
        let mut rows = sort_block(schema, &rows)?;
        if ctx.settings.flag(Setting::OptimizeOnInsert) {
            rows = apply_rule(schema, &rows, Purpose::Insert)?;
        }
        if rows.rows() == 0 {
            continue;
        }
        let staged = StagedPart::in_memory(schema, rows)?;
        debug_assert_eq!(staged.partition_id, partition_id);
        parts.push(store.stage(schema, staged).await?);
    }
    Ok(parts)
}
