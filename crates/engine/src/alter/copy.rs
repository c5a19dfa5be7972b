//! Rows of one table's parts as parts of another of the same structure: ATTACH, REPLACE and MOVE PARTITION, CLONE AS.
//!
//! Rows are written again rather than files shared: a file belongs to one table.

use std::sync::Arc;

use futures::StreamExt;
use parts::PartName;
use parts::file::{Caching, Maturity};
use parts::merge::Run;
use query::QueryContext;
use query::definition::Definition;
use query::layout::Upgrade;
use sql::ast::Storage;
use store::{ActivePart, NewPart, TableDef, TableKind};
use types::transform::TransformError;
use types::{Block, ErrorCode, Header};

use crate::engine::Engine;
use crate::error::{Error, Result};

/// From where to where.
pub(crate) struct CopyFrom {
    pub(crate) from: Arc<TableDef>,
    pub(crate) to: Arc<TableDef>,
}

impl CopyFrom {
    /// Refuses tables of another structure, order or partition key.
    pub(crate) fn check(&self) -> Result<()> {
        for table in [&self.from, &self.to] {
            if table.kind != TableKind::MergeTree {
                let message = format!(
                    "cannot bring partitions from table {} of engine {} to table {} of engine {}",
                    self.from.qualified_name(),
                    self.from.engine,
                    self.to.qualified_name(),
                    self.to.engine
                );
                return Err(Error::refused(ErrorCode::NOT_IMPLEMENTED, message));
            }
        }
        let (from, to) = (Definition::parse(&self.from)?, Definition::parse(&self.to)?);
        let columns = |def: &TableDef| {
            let mut columns = def.columns.columns().to_vec();
            columns.sort_by(|a, b| a.name.cmp(&b.name));
            columns
        };
        if columns(&self.from) != columns(&self.to) {
            return Err(Error::refused(ErrorCode::INCOMPATIBLE_COLUMNS, "tables have different structure"));
        }
        let differs = |what: &str| {
            let message = format!("tables have different {what}");
            Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message))
        };
        // as in ClickHouse, the target may have more of both
        if !from.indexes().iter().all(|index| to.indexes().contains(index)) {
            return differs("secondary indices");
        }
        if !from.projections().iter().all(|projection| to.projections().contains(projection)) {
            return differs("projections");
        }
        let empty = Storage::default();
        let (from, to) = (from.storage().unwrap_or(&empty), to.storage().unwrap_or(&empty));
        let text = |expr: &Option<sql::Expr>| expr.as_ref().map(ToString::to_string);
        let order = |storage: &Storage| storage.order_by.as_ref().map(ToString::to_string);
        if order(from) != order(to) {
            return differs("ordering");
        }
        if text(&from.partition_by) != text(&to.partition_by) {
            return differs("partition key");
        }
        if text(&from.primary_key) != text(&to.primary_key) {
            return differs("primary key");
        }
        Ok(())
    }
}

/// New parts of `pair.to` with the rows of these parts of `pair.from`, which are in the context's snapshot.
pub(crate) async fn copy_parts(
    engine: &Engine,
    pair: &CopyFrom,
    names: &[PartName],
    ctx: &Arc<QueryContext>,
) -> Result<Vec<NewPart>> {
    let Some(schema) = &pair.to.schema else { return Ok(Vec::new()) };
    let derived = query::derive::derived(&pair.to, None, ctx)?;
    let mut copies = Vec::with_capacity(names.len());
    for part in names.iter().filter_map(|name| ctx.snapshot.parts.part(pair.from.id, name)) {
        ctx.check()?;
        let rows = rows_as(part, &pair.from, &schema.header, ctx)?;
        copies.extend(stage(engine, (schema, &derived), part, rows).await?);
    }
    Ok(copies)
}

/// The rows of a part of `def` with the columns `wanted`.
pub(crate) fn rows_as(part: &ActivePart, def: &TableDef, wanted: &Header, ctx: &QueryContext) -> Result<Run> {
    let upgrade = Upgrade::new(&ctx.snapshot.header_of(def.id, part), wanted, def, ctx)?.of_commit(part.seq);
    let rows = part.read_all(upgrade.reads(), Caching::Bypass);
    Ok(rows
        .map(move |block| {
            let failed = |error: query::Error| TransformError { code: error.code(), message: error.to_string() };
            Ok(upgrade.apply(&block?).map_err(failed)?)
        })
        .boxed())
}

/// Rows that take the place of a part, or stand beside it: in memory when the part is, else in a file.
pub(super) async fn stage(
    engine: &Engine,
    (schema, derived): (&parts::PartSchema, &parts::Derived),
    like: &ActivePart,
    mut rows: Run,
) -> Result<Option<NewPart>> {
    let store = &engine.inner.store;
    if !like.is_in_memory() {
        return Ok(store.stage_file(schema, derived, rows, Maturity::Merged).await?);
    }
    let mut blocks = Vec::new();
    while let Some(block) = rows.next().await {
        blocks.push(block?);
    }
    Ok(store.stage(schema, derived, Block::concat(&schema.header, &blocks)?).await?)
}
