//! `DELETE FROM` and `UPDATE … SET`: changes that ClickHouse calls lightweight, because no part is written for rows that go.
//!
//! Never here: how parts are written again ([`super::mutate`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::UInt64Type;
use futures::{StreamExt, TryStreamExt};
use parts::{MergeMode, PartName};
use query::QueryContext;
use query::definition::Definition;
use query::expressions::Expressions;
use sql::Expr;
use sql::ast::{AlterAction, Mutation};
use store::{ActivePart, Edit, RowRanges, TableDef, TableKind};
use types::{ErrorCode, Setting, TableId};

use super::copy::rows_as;
use super::mutate::{What, changes, check_flag, prepared, reserve, rewrite_parts, rows_where, unfinished};
use super::{Work, located};
use crate::error::{Error, Result};

/// `UPDATE … SET … WHERE`. ClickHouse writes it as patches, which are no mutations.
pub(super) async fn update(work: &mut Work<'_>, table: TableId, mutation: &Mutation) -> Result<()> {
    let action = AlterAction::Update(mutation.clone());
    changes(work, table, &[&action]).await?;
    located::refuse_rows(work.table(table)?.as_ref(), mutation)?;
    let names = reserve(work, table, |_| true).await?;
    let changes = changes(work, table, &[&action]).await?;
    let def = work.table(table)?;
    let _running = work.engine.inner.mutations.start(&def, &[], &work.ctx);
    rewrite_parts(work, table, names, changes, Vec::new()).await
}

/// `DELETE FROM … WHERE`: which rows are deleted is said beside the parts, which stay as they are.
pub(super) async fn delete(work: &mut Work<'_>, table: TableId, mutation: &Mutation) -> Result<()> {
    let action = AlterAction::Delete(mutation.clone());
    changes(work, table, &[&action]).await?;
    let def = work.table(table)?;
    crate::ddl::projections::check_delete(&def, &work.ctx)?;
    let condition = prepared(&def, &mutation.filter, &work.ctx).await?;
    check_flag(&def, &located::sampled(&condition, &def), &work.ctx)?;
    let names = reserve(work, table, |_| true).await?;
    let changes = changes(work, table, &[&action]).await?;
    let partition = mutation.partition.as_ref().map(|p| format!("IN PARTITION {p} ")).unwrap_or_default();
    let commands: Vec<Arc<str>> = vec![format!("UPDATE _row_exists = 0 {partition}WHERE {}", mutation.filter).into()];
    let def = work.table(table)?;
    let _running = work.engine.inner.mutations.start(&def, &commands, &work.ctx);
    let mut deleted: Vec<(PartName, RowRanges)> = Vec::new();
    for change in &changes {
        let What::Rows { condition, .. } = &change.what else { continue };
        let within = |name: &&PartName| change.partition.as_ref().is_none_or(|id| name.partition_id == *id);
        let names: Vec<&PartName> = names.iter().filter(within).collect();
        let rows = matching(work, &def, &names, condition).await.map_err(|error| unfinished(error, &commands))?;
        deleted.extend(rows);
    }
    work.rely_on(table);
    let mut edits = vec![Edit::RecordMutation { table, commands }];
    if !deleted.is_empty() {
        edits.push(Edit::DeleteRows { table, rows: deleted });
    }
    work.add(edits)
}

/// The rows of these parts for which a condition holds, by part.
async fn matching(
    work: &Work<'_>,
    def: &TableDef,
    names: &[&PartName],
    condition: &Expr,
) -> Result<Vec<(PartName, RowRanges)>> {
    let is_shadowed = ["_part", "_part_offset"].iter().any(|name| def.stored_columns().position(name).is_some());
    if is_shadowed {
        // columns of its own have the names that say where a row is
        return matching_one_by_one(work, def, names, condition).await;
    }
    let mut runs: BTreeMap<Vec<u8>, Vec<(u32, u32)>> = BTreeMap::new();
    let mut found = rows_where(work, def, "_part, _part_offset", condition.clone()).await?;
    while let Some(block) = found.try_next().await? {
        let (parts, rows) = (block.array(0).as_binary::<i32>(), block.array(1).as_primitive::<UInt64Type>());
        let mut start = 0;
        while start < block.rows() {
            let part = parts.value(start);
            let end = (start..block.rows()).find(|at| parts.value(*at) != part).unwrap_or(block.rows());
            let runs = runs.entry(part.to_vec()).or_default();
            for row in &rows.values()[start..end] {
                let row = u32::try_from(*row).unwrap_or(u32::MAX);
                match runs.last_mut() {
                    Some((_, end)) if *end == row => *end = row.saturating_add(1),
                    _ => runs.push((row, row.saturating_add(1))),
                }
            }
            start = end;
        }
    }
    let mut matched = Vec::with_capacity(runs.len());
    for name in names {
        if let Some(runs) = runs.remove(name.to_string().as_bytes()) {
            matched.push(((*name).clone(), RowRanges::from_runs(runs)));
        }
    }
    Ok(matched)
}

async fn matching_one_by_one(
    work: &Work<'_>,
    def: &TableDef,
    names: &[&PartName],
    condition: &Expr,
) -> Result<Vec<(PartName, RowRanges)>> {
    let mut matched = Vec::new();
    for name in names {
        let Some(part) = work.ctx.snapshot.parts.part(def.id, name).cloned() else { continue };
        let rows = matching_in(def, &part, condition, &work.ctx).await?;
        if !rows.is_empty() {
            matched.push(((*name).clone(), rows));
        }
    }
    Ok(matched)
}

/// The rows of a part for which a condition holds; only the columns that it reads are read.
async fn matching_in(
    def: &TableDef,
    part: &ActivePart,
    condition: &Expr,
    ctx: &Arc<QueryContext>,
) -> Result<RowRanges> {
    let header = def.stored_columns();
    let whole = Expressions::compile(std::slice::from_ref(condition), header, ctx)?;
    // a condition without columns still needs rows to be counted
    let read = if whole.reads().is_empty() { &[0][..] } else { whole.reads() };
    let narrow = header.project(read);
    let compiled = Expressions::compile(std::slice::from_ref(condition), &narrow, ctx)?;
    let mut rows = rows_as(part, def, &narrow, ctx)?;
    let (mut first, mut matched) = (0u32, Vec::new());
    while let Some(block) = rows.next().await {
        ctx.check()?;
        let block = block?;
        let holds = compiled.eval_conditions(&block)?.remove(0);
        matched.extend((first..).zip(holds.values()).filter(|(_, holds)| *holds).map(|(row, _)| row));
        first += block.rows() as u32;
    }
    Ok(part.numbers_of(&matched))
}

/// DELETE FROM is for the MergeTree family.
pub(super) fn check_delete(table: &TableDef, ctx: &QueryContext) -> Result<()> {
    if !ctx.settings.flag(Setting::EnableLightweightDelete) {
        let message = "DELETE FROM is disabled; set enable_lightweight_delete = 1 to allow it";
        return Err(Error::refused(ErrorCode::SUPPORT_IS_DISABLED, message));
    }
    if table.kind == TableKind::MergeTree {
        return Ok(());
    }
    let message = format!("DELETE query is not supported for table {}", table.qualified_name());
    Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message))
}

/// UPDATE … SET is for some engines, and tables that ask for it.
pub(super) fn check_update(table: &TableDef, ctx: &QueryContext) -> Result<()> {
    if !ctx.settings.flag(Setting::EnableLightweightUpdate) {
        let message = "UPDATE … SET is disabled; set enable_lightweight_update = 1 to allow it";
        return Err(Error::refused(ErrorCode::SUPPORT_IS_DISABLED, message));
    }
    let refuse = |message: String| {
        Err(Error::refused(ErrorCode::NOT_IMPLEMENTED, format!("lightweight updates are not supported: {message}")))
    };
    let (TableKind::MergeTree, Some(schema)) = (table.kind, &table.schema) else {
        return refuse(format!("table engine {} has none", table.engine));
    };
    if matches!(schema.merge_mode, MergeMode::Summing { .. } | MergeMode::Aggregating) {
        return refuse(format!("table engine {} has none", table.engine));
    }
    let definition = Definition::parse(table)?;
    for setting in ["enable_block_number_column", "enable_block_offset_column"] {
        if views::tables::setting(&definition, setting).is_none_or(|value| value != "1") {
            return refuse(format!("the table must have the setting {setting} = 1"));
        }
    }
    Ok(())
}
