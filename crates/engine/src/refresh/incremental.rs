//! APPEND INCREMENTAL: a refresh reads what was inserted since the last one, each row exactly once.
//!
//! Blocks of a table are numbered; the view's mark on its source says the last one that it has read, and no merge reaches
//! over a mark. The mark moves in the commit that adds the rows. Rows that a mutation changes are not new.

use std::sync::Arc;

use parts::MergeMode;
use query::QueryContext;
use query::definition::Definition;
use sql::ast::{QueryBody, TableSource, WithItem};
use store::{Edit, TableDef, TableKind};
use types::ErrorCode;

use crate::ddl;
use crate::error::{Error, Result};

/// Without these a table of ClickHouse does not know which of its rows are new.
const SETTINGS: [&str; 2] = ["enable_block_number_column", "enable_block_offset_column"];

/// The query over what is new in its source, and the edit that says it was read. A query that makes a row of no rows makes
/// it when nothing is new, as in ClickHouse.
pub(super) fn newer(view: &TableDef, query: &sql::Query, ctx: &QueryContext) -> Result<(QueryContext, Option<Edit>)> {
    let source = source_of(query, ctx)?;
    let Some(parts) = ctx.snapshot.table_parts(source.id) else { return Ok((ctx.clone(), None)) };
    let (from, to) = (parts.mark(view.id), parts.last_block());
    let ctx = match from {
        Some(from) => ctx.with_newer_than(source.id, from),
        None => ctx.clone(),
    };
    Ok((ctx, Some(Edit::MoveMark { table: source.id, reader: view.id, from, to })))
}

/// The one table that such a view reads, checked; names are qualified.
pub(crate) fn source_of(query: &sql::Query, ctx: &QueryContext) -> Result<Arc<TableDef>> {
    let bad = |message: &str| Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
    let QueryBody::Select(select) = &query.body else {
        return bad("Incremental refresh requires a single SELECT query");
    };
    if !select.joins.is_empty() || select.from.is_none() {
        return bad("Incremental refresh requires exactly one source table (no joins)");
    }
    let named = |name: &str| {
        let items = select.with.iter().flat_map(|with| &with.items);
        items.into_iter().any(|item| matches!(item, WithItem::Cte(cte) if cte.name.name == name))
    };
    let source = match select.from.as_ref().map(|from| &from.source) {
        Some(TableSource::Table(name)) if name.database.is_some() || !named(&name.name.name) => ddl::table(ctx, name)?,
        _ => return bad("Incremental refresh source must be a table, not a subquery or table function"),
    };
    if ddl::tables_named(query) != 1 {
        return bad(
            "Incremental refresh requires exactly one source table, but the query references other tables (in a JOIN or a \
             subquery)",
        );
    }
    check(&source)?;
    Ok(source)
}

fn check(source: &TableDef) -> Result<()> {
    let name = source.qualified_name();
    let refused = |code, message: String| Err(Error::refused(code, message));
    if source.kind != TableKind::MergeTree {
        let message = format!(
            "Incremental refresh source table {name} has engine {}, which does not support streaming",
            source.engine
        );
        return refused(ErrorCode::NOT_IMPLEMENTED, message);
    }
    let definition = Definition::parse(source)?;
    let is_set = |setting: &&str| views::tables::setting(&definition, setting).is_some_and(|value| value != "0");
    if !SETTINGS.iter().all(is_set) {
        let message = format!(
            "Incremental refresh source table {name} must set enable_block_number_column = 1 and \
             enable_block_offset_column = 1"
        );
        return refused(ErrorCode::BAD_ARGUMENTS, message);
    }
    match source.schema.as_ref().is_some_and(|schema| matches!(schema.merge_mode, MergeMode::Plain)) {
        true => Ok(()),
        false => refused(
            ErrorCode::NOT_IMPLEMENTED,
            format!(
                "Incremental refresh source table {name} uses a merging engine that rewrites historical rows on merge; \
                 only plain MergeTree is supported"
            ),
        ),
    }
}
