//! A view computed again from its source: what VERIFY VIEW compares the target with.
//!
//! Reads the context's snapshot only, in which view and source are at the same commit. Never writes. What the answer of a
//! view owes to how its rows came in blocks cannot be computed again, and is refused by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::compute::filter;
use arrow::row::{RowConverter, SortField};
use parts::{Purpose, apply_rule, sort_block};
use query::QueryContext;
use query::definition::Definition;
use sql::ast::{ExprKind, QueryBody, Select};
use store::{TableDef, TableKind, ViewDef};
use types::{Block, Column};

use crate::Views;
use crate::error::{Error, Result};
use crate::insert::insert_query;
use crate::window;

/// What a refreshable view that does not replace everything is refused with.
const APPENDS: &str = "its refreshes do not replace the whole content";

/// The query whose rows are the whole content of a refreshable view; no error of its own when there is no such.
fn refresh_query(view: &TableDef) -> std::result::Result<sql::Query, Option<Error>> {
    let definition = Definition::parse(view).map_err(|error| Some(error.into()))?;
    let Definition::MaterializedView(create) = &definition else { return Err(None) };
    let replaces = create.refresh.as_ref().is_some_and(|refresh| refresh.mode == sql::ast::RefreshMode::Replace);
    if replaces { Ok(create.query.clone()) } else { Err(None) }
}

impl Views {
    /// The rows that the target of a view should hold, past the engine's rule, in the target's stored columns (hidden ones
    /// too).
    pub async fn recompute(&self, view: &Arc<TableDef>, ctx: &Arc<QueryContext>) -> Result<Block> {
        let refuse =
            |reason: &str| Error::Unverifiable { view: view.qualified_name().to_string(), reason: reason.into() };
        let Some(def) = view.view.as_ref() else { return Err(refuse("it is a table")) };
        let source = match (def, def.insert_source()) {
            (ViewDef::Refreshable { .. }, _) => None,
            (_, None) => return Err(refuse("it is not fed by inserts")),
            (_, Some(source)) => {
                let source = ctx.snapshot.catalog.named(source).cloned().ok_or_else(|| refuse("its source is gone"))?;
                if !matches!(source.kind, TableKind::MergeTree | TableKind::Memory) {
                    return Err(refuse("its source keeps no rows"));
                }
                Some(source)
            }
        };
        let target = def.target().and_then(|target| ctx.snapshot.catalog.target(target)).cloned();
        let target = target.ok_or_else(|| Error::TargetGone(view.qualified_name().to_string()))?;
        let schema = target.schema.clone().ok_or_else(|| refuse("its target keeps no rows"))?;
        let ctx = &match (&source, def.errors().and_then(|errors| ctx.snapshot.catalog.table_by_id(errors))) {
            (Some(source), Some(errors)) => Views::without_quarantined(source, errors, ctx).await?,
            _ => Arc::clone(ctx),
        };
        let blocks = match def {
            ViewDef::Refreshable { .. } => {
                let query = refresh_query(view).map_err(|error| error.unwrap_or_else(|| refuse(APPENDS)))?;
                let ctx = Arc::new(ctx.with_database(&view.database));
                query::prepare(&query, &ctx).await?.compiled.collect(&ctx).await?
            }
            ViewDef::Window { .. } => {
                let source = source.ok_or_else(|| refuse("its source is gone"))?;
                window::recompute(view, &source, ctx).await?
            }
            _ => {
                let query = insert_query(view, &ctx.snapshot)?;
                let merges =
                    matches!(schema.merge_mode, parts::MergeMode::Summing { .. } | parts::MergeMode::Aggregating);
                if let Some(clause) = clause_of_blocks(&query, merges) {
                    return Err(refuse(&format!("its rows depend on the blocks of inserts ({clause})")));
                }
                let ctx = Arc::new(ctx.with_database(&view.database));
                query::prepare(&query, &ctx).await?.compiled.collect(&ctx).await?
            }
        };
        let shape = self.tables.shape(&target)?;
        let mut held = ctx.memory.hold("rows of a view that is verified");
        let mut stored = Vec::with_capacity(blocks.len());
        let mut bytes = 0;
        for block in blocks.iter().filter(|block| block.rows() != 0) {
            let shaper = self.tables.shaper(&shape, block.header(), ctx)?;
            let shaped = shaper.finish(&shaper.complete(block, &[])?)?;
            bytes += shaped.stored.size_bytes();
            held.resize(bytes.saturating_mul(3))?;
            stored.push(shaped.stored);
        }
        let block = Block::concat(&schema.header, &stored)?;
        Ok(apply_rule(&schema, &sort_block(&schema, &block)?, Purpose::Final)?)
    }

    /// The context in which the source does not have the rows that are put aside: they come when the view is repaired.
    async fn without_quarantined(
        source: &Arc<TableDef>,
        errors: &Arc<TableDef>,
        ctx: &Arc<QueryContext>,
    ) -> Result<Arc<QueryContext>> {
        let aside = Views::rows_of(errors, ctx).await?;
        if aside.iter().all(|block| block.rows() == 0) {
            return Ok(Arc::clone(ctx));
        }
        let blocks = Views::rows_of(source, ctx).await?;
        let mut held = ctx.memory.hold("rows of the source of a view that is verified");
        held.resize(blocks.iter().chain(&aside).map(Block::size_bytes).sum::<usize>().saturating_mul(2))?;
        let Some(first) = blocks.first() else { return Ok(Arc::clone(ctx)) };
        let rows = Block::concat(first.header(), &blocks)?;
        Ok(Arc::new(ctx.with_override(source.id, less(&rows, &aside)?)))
    }

    /// The rows that a source holds, as views see them.
    pub(crate) async fn rows_of(source: &TableDef, ctx: &Arc<QueryContext>) -> Result<Vec<Block>> {
        let definition = Definition::parse(source)?;
        let stored = source.columns.columns().iter().filter(|column| {
            let default = definition.column(&column.name).and_then(|column| column.default.as_ref());
            !matches!(default, Some(sql::ast::ColumnDefault::Alias(_) | sql::ast::ColumnDefault::Ephemeral(_)))
        });
        let names: Vec<String> = stored.map(|column| sql::back_quote(&column.name)).collect();
        let name = [&source.database, &source.name].map(|name| sql::back_quote(name)).join(".");
        let query = sql::parse_statement(&format!("SELECT {} FROM {name}", names.join(", ")));
        let statement = query.map_err(query::Error::from)?;
        let sql::ast::StatementKind::Query(query) = statement.kind else { return Ok(Vec::new()) };
        Ok(query::prepare(&query, ctx).await?.compiled.collect(ctx).await?)
    }
}

/// `rows` without those of `aside`, each as often as it is there; rows are equal when the columns are that both have.
fn less(rows: &Block, aside: &[Block]) -> Result<Block> {
    let Some(header) = aside.first().map(Block::header) else { return Ok(rows.clone()) };
    let shared = |column: &&Column| header.columns().contains(column);
    let shared: Vec<&Column> = rows.header().columns().iter().filter(shared).collect();
    let converter = RowConverter::new(shared.iter().map(|column| SortField::new(column.ty.arrow_type())).collect())
        .map_err(query::Error::from)?;
    let texts = |block: &Block| {
        let arrays = shared.iter().filter_map(|column| block.column(&column.name)).cloned().collect::<Vec<_>>();
        converter.convert_columns(&arrays).map_err(query::Error::from)
    };
    let mut left: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    for block in aside {
        texts(block)?.iter().for_each(|row| *left.entry(row.as_ref().to_vec()).or_default() += 1);
    }
    let stays = |row: arrow::row::Row<'_>| match left.get_mut(row.as_ref()) {
        Some(count) if *count != 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    let stays: BooleanArray = texts(rows)?.iter().map(stays).map(Some).collect();
    let arrays = rows
        .arrays()
        .iter()
        .map(|array| filter(array, &stays).map_err(query::Error::from))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(Block::with_rows(rows.header().clone(), arrays, stays.true_count())?)
}

/// The clause that makes rows depend on how inserts came in blocks; `merges`: the target puts groups together again.
fn clause_of_blocks(query: &sql::Query, merges: bool) -> Option<&'static str> {
    let QueryBody::Select(select) = &query.body else { return Some("UNION") };
    let Select { distinct, limit, limit_by, group_by, having, .. } = &**select;
    match () {
        () if *distinct => Some("DISTINCT"),
        () if limit.is_some() => Some("LIMIT"),
        () if limit_by.is_some() => Some("LIMIT BY"),
        () if having.is_some() => Some("HAVING"),
        () if merges => None,
        () if group_by.is_some() => Some("GROUP BY into an engine that does not add up"),
        () if select.items.iter().any(has_aggregate) => Some("an aggregate into an engine that does not add up"),
        () => None,
    }
}

fn has_aggregate(expr: &sql::Expr) -> bool {
    match &expr.kind {
        ExprKind::Function(call) => {
            call.over.is_some()
                || query::is_aggregate_function(&call.name.name)
                || call.arguments.iter().any(has_aggregate)
        }
        ExprKind::Alias(inner, _) | ExprKind::Unary(_, inner) | ExprKind::TupleElement(inner, _) => {
            has_aggregate(inner)
        }
        ExprKind::Binary(binary) => has_aggregate(&binary.left) || has_aggregate(&binary.right),
        ExprKind::Chain(_, items) | ExprKind::Array(items) | ExprKind::Tuple(items) => items.iter().any(has_aggregate),
        ExprKind::Cast(cast) => has_aggregate(&cast.operand),
        _ => false,
    }
}
