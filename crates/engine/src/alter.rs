//! ALTER TABLE and lightweight mutations: definitions changed in one commit, parts rewritten in one commit.
//!
//! What belongs to a later version is refused by name.

use std::sync::Arc;

use arrow::array::BooleanArray;
use parts::rewrite::{Mutation as PartMutation, RowMask, rewrite_whole};
use parts::{MergeMode, PartName};
use query::QueryContext;
use query::definition::Definition;
use query::expressions::Expressions;
use sql::ast::{AlterAction, AlterTable, Mutate, Mutation, StatementKind, TtlItem};
use store::{Commit, Edit, Replacement, RowRanges, TableDef};
use types::transform::TransformError;
use types::{Block, BlockTransform, ErrorCode};

use crate::ddl;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::optimize::stored;

/// Runs ALTER TABLE, action by action.
pub(crate) async fn run(engine: &Engine, alter: &AlterTable, ctx: &Arc<QueryContext>) -> Result<()> {
    ddl::refuse_cluster(&alter.on_cluster)?;
    for action in &alter.actions {
        // each action sees what those before it did
        let ctx = Arc::new(ctx.with_snapshot(engine.inner.store.snapshot()));
        let table = ddl::table(&ctx, &alter.name)?;
        match action {
            AlterAction::Delete(mutation) => delete(engine, &table, mutation, &ctx).await?,
            AlterAction::Update(mutation) => update(engine, &table, mutation, &ctx).await?,
            AlterAction::ModifyTtl(items) => modify_ttl(engine, &table, items.clone(), &ctx).await?,
            AlterAction::RemoveTtl => modify_ttl(engine, &table, Vec::new(), &ctx).await?,
            AlterAction::ModifyComment(comment) => {
                let changed = TableDef { comment: comment.as_str().into(), ..(*table).clone() };
                ddl::commit(engine, vec![Edit::AlterTable(Arc::new(changed))], &ctx).await?;
            }
            other => {
                let name = format!("{other:?}");
                let name = name.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned();
                return Err(Error::NotImplemented(format!("ALTER TABLE … {name}")));
            }
        }
    }
    Ok(())
}

/// `DELETE FROM` and `UPDATE … SET`.
pub(crate) async fn mutate(engine: &Engine, mutate: &Mutate, ctx: &Arc<QueryContext>) -> Result<()> {
    ddl::refuse_cluster(&mutate.on_cluster)?;
    let table = ddl::table(ctx, &mutate.table)?;
    if mutate.mutation.assignments.is_empty() {
        return delete(engine, &table, &mutate.mutation, ctx).await;
    }
    Err(Error::NotImplemented("UPDATE … SET; use ALTER TABLE … UPDATE".to_owned()))
}

/// Changes the TTL and drops what is past its time now.
async fn modify_ttl(engine: &Engine, table: &Arc<TableDef>, ttl: Vec<TtlItem>, ctx: &Arc<QueryContext>) -> Result<()> {
    let mut statement = sql::parse_statement(&table.sql)?;
    let StatementKind::CreateTable(create) = &mut statement.kind else {
        let message = format!("{} is not a table with a TTL", table.qualified_name());
        return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
    };
    create.storage.ttl = ttl;
    ddl::check_ttl(&create.storage, &table.columns, ctx)?;
    let changed = TableDef { sql: statement.to_string().into(), ..(**table).clone() };
    ddl::commit(engine, vec![Edit::AlterTable(Arc::new(changed))], ctx).await?;
    let ctx = Arc::new(ctx.with_snapshot(engine.inner.store.snapshot()));
    let Some(table) = ctx.snapshot.catalog.table_by_id(table.id).cloned() else { return Ok(()) };
    let Some(expiry) = crate::upkeep::expiry(&table, &ctx)? else { return Ok(()) };
    let matches: RowMask = Arc::new(move |block| dropped_rows(block, &*expiry));
    rewrite(engine, &table, PartMutation::Delete { matches }, &ctx).await
}

/// Which rows a transform that only drops rows drops: those whose number does not come out.
fn dropped_rows(block: &Block, expiry: &dyn BlockTransform) -> std::result::Result<BooleanArray, TransformError> {
    let mut dropped = Vec::with_capacity(block.rows());
    for row in 0..block.rows() {
        dropped.push(expiry.apply(&block.slice(row, 1))?.rows() == 0);
    }
    Ok(BooleanArray::from(dropped))
}

async fn delete(engine: &Engine, table: &Arc<TableDef>, mutation: &Mutation, ctx: &Arc<QueryContext>) -> Result<()> {
    refuse_partition(mutation)?;
    let table = stored(ctx, table)?;
    let matches = condition(&table, &mutation.filter, ctx)?;
    rewrite(engine, &table, PartMutation::Delete { matches }, ctx).await
}

async fn update(engine: &Engine, table: &Arc<TableDef>, mutation: &Mutation, ctx: &Arc<QueryContext>) -> Result<()> {
    refuse_partition(mutation)?;
    let table = stored(ctx, table)?;
    let (Some(schema), definition) = (&table.schema, Definition::parse(&table)?) else { return Ok(()) };
    check_assignments(&table, mutation)?;
    let recomputed = definition.columns().iter().filter_map(|column| match &column.default {
        Some(sql::ast::ColumnDefault::Materialized(expr)) => Some((column.name.name.clone(), expr.clone())),
        _ => None,
    });
    let change = query::transform::Update {
        condition: None,
        assignments: mutation.assignments.iter().map(|a| (a.column.name.clone(), a.expr.clone())).collect(),
        recomputed: recomputed.collect(),
    };
    let transform = query::transform::update(&change, &schema.header, ctx)?;
    let matches = condition(&table, &mutation.filter, ctx)?;
    rewrite(engine, &table, PartMutation::Update { matches, transform }, ctx).await
}

fn refuse_partition(mutation: &Mutation) -> Result<()> {
    match &mutation.partition {
        Some(_) => Err(Error::NotImplemented("IN PARTITION of a mutation".to_owned())),
        None => Ok(()),
    }
}

/// Columns of keys cannot change.
fn check_assignments(table: &TableDef, mutation: &Mutation) -> Result<()> {
    let Some(schema) = &table.schema else { return Ok(()) };
    let fixed: Vec<usize> = schema
        .sort_positions()
        .into_iter()
        .chain(schema.partition_key.iter().copied())
        .chain(ruled(&schema.merge_mode))
        .chain(schema.min_max.iter().copied())
        .collect();
    for assignment in &mutation.assignments {
        let name = &assignment.column.name;
        let Some(position) = schema.header.position(name) else {
            let message = format!("there is no column \"{name}\" in table {}", table.qualified_name());
            return Err(Error::refused(ErrorCode::NO_SUCH_COLUMN_IN_TABLE, message));
        };
        if fixed.contains(&position) {
            let message = format!("cannot UPDATE key column \"{name}\"");
            return Err(Error::refused(ErrorCode::CANNOT_UPDATE_COLUMN, message));
        }
    }
    Ok(())
}

/// Columns that decide which row stays: versions, signs, deletion marks.
fn ruled(mode: &MergeMode) -> Vec<usize> {
    match mode {
        MergeMode::Replacing { version, is_deleted } => version.iter().chain(is_deleted).copied().collect(),
        MergeMode::Collapsing { sign } => vec![*sign],
        MergeMode::VersionedCollapsing { sign, version } => vec![*sign, *version],
        MergeMode::Plain | MergeMode::Summing { .. } | MergeMode::Aggregating | MergeMode::Coalescing { .. } => {
            Vec::new()
        }
    }
}

/// Which rows a WHERE takes.
fn condition(table: &TableDef, filter: &sql::Expr, ctx: &QueryContext) -> Result<RowMask> {
    let header = table.schema.as_ref().map_or_else(|| table.columns.clone(), |schema| schema.header.clone());
    let compiled = Expressions::compile(std::slice::from_ref(filter), &header, ctx)?;
    compiled.eval_conditions(&Block::empty(header))?;
    Ok(Arc::new(move |block: &Block| {
        let fail = |error: query::Error| TransformError { code: error.code(), message: error.to_string() };
        let mut holds = compiled.eval_conditions(block).map_err(fail)?;
        Ok(holds.remove(0))
    }))
}

/// Rewrites every part that has matching rows, all in one commit. Rows inserted meanwhile are not touched.
async fn rewrite(
    engine: &Engine,
    table: &Arc<TableDef>,
    mutation: PartMutation,
    ctx: &Arc<QueryContext>,
) -> Result<()> {
    let Some(schema) = &table.schema else { return Ok(()) };
    // the parts are taken first and looked at after that: nobody takes them away between the two
    let names = part_names(engine, table);
    let Some(_reservation) = engine.inner.store.reservations().reserve(table.id, &names) else {
        let message = format!("parts of {} are being merged; try again", table.qualified_name());
        return Err(Error::refused(ErrorCode::CANNOT_ASSIGN_ALTER, message));
    };
    let snapshot = engine.inner.store.snapshot();
    let Some(parts) = snapshot.table_parts(table.id) else { return Ok(()) };
    let mut replacements = Vec::new();
    for part in names.iter().filter_map(|name| parts.part(name)) {
        ctx.check()?;
        let rewritten = rewrite_whole(&part.part, &mutation).await?;
        if rewritten.changed.is_empty() {
            continue;
        }
        let changed = RowRanges::from_rows(rewritten.changed.rows().iter().copied());
        let output = engine.inner.store.stage(schema, rewritten.block).await?;
        replacements.push(Replacement { input: part.name().clone(), output, changed });
    }
    if replacements.is_empty() {
        return Ok(());
    }
    let reads = snapshot.read_definition(table.id).into_iter().collect();
    let edits = vec![Edit::Rewrite { table: table.id, replacements }];
    engine.inner.store.commit(Commit { reads, edits, at_ns: 0 }).await?;
    Ok(())
}

fn part_names(engine: &Engine, table: &TableDef) -> Vec<PartName> {
    let snapshot = engine.inner.store.snapshot();
    snapshot.table_parts(table.id).into_iter().flat_map(|parts| parts.parts()).map(|part| part.name().clone()).collect()
}
