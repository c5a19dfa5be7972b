//! OPTIMIZE: merges that are asked for, by the engine's rule, one commit a partition.

use std::sync::Arc;
use std::time::Duration;

use parts::{MergeMode, PartitionId, Purpose};
use query::QueryContext;
use query::definition::Definition;
use sql::Expr;
use sql::ast::{ExprKind, Optimize};
use store::{MergePlan, MergePolicy, MergeWork, Merged, TableDef, TableKind, Target};
use types::{ErrorCode, Header, Setting};

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::{alter, ddl, upkeep};

/// How long a merge waits before it looks again whether its parts have left other merges.
const PAUSE: Duration = Duration::from_millis(5);

/// What is asked of one table.
struct Asked<'a> {
    engine: &'a Engine,
    table: Arc<TableDef>,
    is_final: bool,
    partition: Option<PartitionId>,
    /// A partition whose one part was merged is left alone.
    skips_merged: bool,
    work: MergeWork,
}

/// Runs OPTIMIZE.
pub(crate) async fn run(engine: &Engine, what: &Optimize, ctx: &Arc<QueryContext>) -> Result<()> {
    ddl::refuse_cluster(&what.on_cluster)?;
    let table = ddl::table(ctx, &what.table)?;
    if table.kind == TableKind::Buffer {
        return engine.inner.buffers.flush(&table).await;
    }
    let table = stored(ctx, &table)?;
    if engine.inner.mutations.queue.settle(table.id, ctx).await?.is_some() {
        // parts before and after a mutation that cannot be done are not merged; as in ClickHouse that is no error
        return Ok(());
    }
    let mut work = upkeep::merge_work(&table, engine.inner.store.merges(), ctx)?;
    if what.cleanup {
        check_cleanup(&table)?;
        work.purpose = Purpose::MergeCleanup;
    }
    if let Some(columns) = &what.deduplicate {
        work.deduplicate = Some(compared(&table, columns, ctx)?);
    }
    let partition = match (&what.partition, &table.schema) {
        (Some(partition), Some(schema)) => Some(alter::partition_id(schema, partition, ctx)?),
        _ => None,
    };
    let is_final = what.is_final || what.deduplicate.is_some();
    let skips_merged = ctx.settings.flag(Setting::OptimizeSkipMergedPartitions) && what.deduplicate.is_none();
    let asked = Asked { engine, table, is_final, partition, skips_merged, work };
    let plans = asked.plans();
    if plans.is_empty() && ctx.settings.flag(Setting::OptimizeThrowIfNoop) {
        let message = "cannot OPTIMIZE table: there is nothing to merge";
        return Err(Error::refused(ErrorCode::CANNOT_ASSIGN_OPTIMIZE, message));
    }
    for plan in plans {
        asked.merge(plan, ctx).await?;
    }
    Ok(())
}

/// Merges all rows of a table into one part a partition.
pub(crate) async fn join_whole(engine: &Engine, table: &Arc<TableDef>, ctx: &Arc<QueryContext>) -> Result<()> {
    let work = upkeep::merge_work(table, engine.inner.store.merges(), ctx)?;
    let table = Arc::clone(table);
    let asked = Asked { engine, table, is_final: true, partition: None, skips_merged: false, work };
    for plan in asked.plans() {
        asked.merge(plan, ctx).await?;
    }
    Ok(())
}

/// The table that holds the rows of a table or materialized view.
fn stored(ctx: &QueryContext, table: &Arc<TableDef>) -> Result<Arc<TableDef>> {
    let found = match table.view.as_ref().and_then(store::ViewDef::target) {
        Some(Target::Named(target)) => {
            let message =
                format!("MATERIALIZED VIEW targets existing table {target}. Execute the statement directly on it");
            return Err(Error::refused(ErrorCode::INCORRECT_QUERY, message));
        }
        Some(target) => ctx.snapshot.catalog.target(target).cloned(),
        None => Some(table.clone()),
    };
    found.filter(|table| matches!(table.kind, TableKind::MergeTree | TableKind::Join)).ok_or_else(|| {
        let message =
            format!("OPTIMIZE is not supported by table {} of engine {}", table.qualified_name(), table.engine);
        Error::refused(ErrorCode::NOT_IMPLEMENTED, message)
    })
}

/// CLEANUP is for ReplacingMergeTree, and tables that allow it.
fn check_cleanup(table: &TableDef) -> Result<()> {
    let is_replacing =
        table.schema.as_ref().is_some_and(|schema| matches!(schema.merge_mode, MergeMode::Replacing { .. }));
    if !is_replacing {
        let message = "cannot OPTIMIZE with CLEANUP table: only ReplacingMergeTree can be CLEANUP";
        return Err(Error::refused(ErrorCode::CANNOT_ASSIGN_OPTIMIZE, message));
    }
    let setting = "allow_experimental_replacing_merge_with_cleanup";
    if views::tables::setting(&Definition::parse(table)?, setting).is_none_or(|value| value != "1") {
        let message = format!("merges with CLEANUP are allowed by the table setting {setting} = 1");
        return Err(Error::refused(ErrorCode::SUPPORT_IS_DISABLED, message));
    }
    Ok(())
}

/// The columns that rows are compared by: all stored ones, or those of DEDUPLICATE BY, which must hold the keys.
fn compared(table: &TableDef, columns: &[Expr], ctx: &Arc<QueryContext>) -> Result<Vec<usize>> {
    let header = table.schema.as_ref().map_or_else(Header::default, |schema| schema.header.clone());
    if columns.is_empty() {
        return Ok((0..header.len()).collect());
    }
    let mut named: Vec<String> = Vec::new();
    for item in columns {
        match &item.kind {
            ExprKind::Identifier(parts) => {
                named.push(parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join("."));
            }
            // `*`, `COLUMNS(…)` and what they leave out mean what they mean in a SELECT
            _ => named.extend(columns_of(table, item, ctx)?),
        }
    }
    for name in &named {
        if header.position(name).is_none() {
            let message = format!("there is no column with name \"{name}\" in table {}", table.qualified_name());
            return Err(Error::refused(ErrorCode::NO_SUCH_COLUMN_IN_TABLE, message));
        }
    }
    let definition = Definition::parse(table)?;
    let keys = definition.storage().map(alter::key_columns).unwrap_or_default();
    if let Some(missing) = keys.iter().find(|key| !named.contains(key)) {
        let message = format!(
            "DEDUPLICATE BY expression must include all columns used in table's ORDER BY, PRIMARY KEY, or PARTITION BY \
             but '{missing}' is missing"
        );
        return Err(Error::refused(ErrorCode::THERE_IS_NO_COLUMN, message));
    }
    let hidden = header.columns().iter().enumerate().filter(|(_, column)| views::hidden::is_hidden(&column.name));
    let hidden: Vec<usize> = hidden.map(|(position, _)| position).collect();
    Ok(named.iter().filter_map(|name| header.position(name)).chain(hidden).collect())
}

fn columns_of(table: &TableDef, item: &Expr, ctx: &Arc<QueryContext>) -> Result<Vec<String>> {
    let name = sql::ast::ObjectName::qualified(&*table.database, &*table.name);
    let statement = sql::parse_statement(&format!("SELECT {item} FROM {name}"))?;
    let sql::ast::StatementKind::Query(query) = statement.kind else { return Ok(Vec::new()) };
    let bound = query::bind(&query, ctx)?;
    Ok(bound.header.columns().iter().map(|column| column.name.to_string()).collect())
}

impl Asked<'_> {
    /// FINAL: every partition to one part, also a single part. Else what the policy would do next.
    fn plans(&self) -> Vec<MergePlan> {
        let snapshot = self.engine.inner.store.snapshot();
        let Some(parts) = snapshot.table_parts(self.table.id) else { return Vec::new() };
        let partitions: Vec<_> = parts.partitions().cloned().collect();
        let meant = partitions.iter().filter(|id| self.partition.as_ref().is_none_or(|only| only == *id));
        let whole = meant.flat_map(|partition| MergePolicy.plan_whole(self.table.id, parts, partition));
        let is_merged = |plan: &MergePlan| matches!(plan.inputs.as_slice(), [only] if 0 < only.level);
        let whole = whole.filter(|plan| !(self.skips_merged && is_merged(plan)));
        whole.filter(|plan| self.is_final || plan.inputs.len() > 1).collect()
    }

    /// Merges that run over the same parts are waited for, as the real engine does.
    async fn merge(&self, mut plan: MergePlan, ctx: &QueryContext) -> Result<()> {
        let clock = &self.engine.env().clock;
        let patience_ns = u64::try_from(views::insert::patience(ctx).as_nanos()).unwrap_or(u64::MAX);
        let started_ns = clock.monotonic_ns();
        while clock.monotonic_ns().saturating_sub(started_ns) <= patience_ns {
            match self.engine.inner.store.merge(&plan, &self.work).await {
                Ok(Merged::Done(_)) => return Ok(()),
                Ok(Merged::GivenUp) => {}
                Err(error) => return Err(Error::refused(error.code(), error.to_string())),
            }
            ctx.check()?;
            clock.sleep(PAUSE).await;
            let end = |plan: &MergePlan| plan.inputs.last().map_or(0, |last| last.max_block);
            let is_same = |new: &MergePlan| new.partition_id == plan.partition_id && end(&plan) <= end(new);
            match self.plans().into_iter().find(is_same) {
                Some(new) => plan = new,
                None => return Ok(()),
            }
        }
        let message = format!(
            "parts of {} were in other merges for longer than lock_acquire_timeout; try again",
            self.table.qualified_name()
        );
        Err(Error::refused(ErrorCode::CANNOT_ASSIGN_OPTIMIZE, message))
    }
}
