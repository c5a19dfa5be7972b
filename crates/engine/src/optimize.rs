//! OPTIMIZE: merges that are asked for, by the engine's rule, one commit a partition.

use std::sync::Arc;

use query::QueryContext;
use sql::ast::Optimize;
use store::{MergePlan, MergePolicy, MergeWork, Merged, TableDef};
use types::ErrorCode;

use crate::ddl;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::upkeep;

/// Tries of a merge whose inputs are in other work.
const TRIES_MAX: usize = 200;

/// Runs OPTIMIZE.
pub(crate) async fn run(engine: &Engine, what: &Optimize, ctx: &Arc<QueryContext>) -> Result<()> {
    ddl::refuse_cluster(&what.on_cluster)?;
    if what.deduplicate.is_some() {
        return Err(Error::NotImplemented("OPTIMIZE … DEDUPLICATE".to_owned()));
    }
    if what.cleanup {
        return Err(Error::NotImplemented("OPTIMIZE … CLEANUP".to_owned()));
    }
    if what.partition.is_some() {
        return Err(Error::NotImplemented("OPTIMIZE … PARTITION".to_owned()));
    }
    let table = stored(ctx, &ddl::table(ctx, &what.table)?)?;
    for plan in plans(engine, &table, what.is_final) {
        merge(engine, &table, plan, what.is_final, ctx).await?;
    }
    Ok(())
}

/// The table that holds the rows of a table or materialized view.
pub(crate) fn stored(ctx: &QueryContext, table: &Arc<TableDef>) -> Result<Arc<TableDef>> {
    let found = match table.view.as_ref().and_then(store::ViewDef::target) {
        Some(target) => ctx.snapshot.catalog.target(target).cloned(),
        None => Some(table.clone()),
    };
    found.filter(|table| table.schema.is_some()).ok_or_else(|| {
        let message = format!("table {} of engine {} holds no parts", table.qualified_name(), table.engine);
        Error::refused(ErrorCode::NOT_IMPLEMENTED, message)
    })
}

/// FINAL: every partition to one part, also a single part. Else what the policy would do next.
fn plans(engine: &Engine, table: &TableDef, is_final: bool) -> Vec<MergePlan> {
    let snapshot = engine.inner.store.snapshot();
    let Some(parts) = snapshot.table_parts(table.id) else { return Vec::new() };
    let partitions: Vec<_> = parts.partitions().cloned().collect();
    let whole = partitions.iter().filter_map(|partition| MergePolicy.plan_whole(table.id, parts, partition));
    whole.filter(|plan| is_final || plan.inputs.len() > 1).collect()
}

async fn merge(
    engine: &Engine,
    table: &Arc<TableDef>,
    mut plan: MergePlan,
    is_final: bool,
    ctx: &Arc<QueryContext>,
) -> Result<()> {
    for _ in 0..TRIES_MAX {
        let work = MergeWork { output: upkeep::expiry(table, ctx)?, ..MergeWork::default() };
        match engine.inner.store.merge(&plan, &work).await {
            Ok(Merged::Done(_)) => return Ok(()),
            Ok(Merged::GivenUp) => {}
            Err(error) => return Err(Error::refused(error.code(), error.to_string())),
        }
        ctx.check()?;
        engine.env().clock.sleep(std::time::Duration::from_millis(5)).await;
        let replanned = plans(engine, table, is_final).into_iter().find(|new| new.partition_id == plan.partition_id);
        match replanned {
            Some(new) => plan = new,
            None => return Ok(()),
        }
    }
    let message = format!("parts of {} are in other merges; try again", table.qualified_name());
    Err(Error::refused(ErrorCode::CANNOT_ASSIGN_OPTIMIZE, message))
}
