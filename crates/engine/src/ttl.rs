//! A table's times to live: which rows, columns and groups of rows they concern, for merges and mutations.

use std::sync::Arc;

use futures::StreamExt;
use query::QueryContext;
use query::definition::Definition;
use query::transform::{self, ColumnTtl, RowTtl};
use sql::ast::{ColumnDefault, TtlAction};
use store::{Finish, TableDef, Visibility};

use crate::error::Result;
use crate::ttl_groups::{self, GroupTtl};

/// What a table's definition says.
pub(crate) struct Ttl {
    pub(crate) rows: Vec<RowTtl>,
    pub(crate) columns: Vec<ColumnTtl>,
    pub(crate) groups: Vec<GroupTtl>,
}

/// The time of a query in seconds since 1970.
pub(crate) fn now_s(ctx: &QueryContext) -> u32 {
    u32::try_from(ctx.now_ns / 1_000_000_000).unwrap_or(u32::MAX)
}

impl Ttl {
    /// The times to live of a table; `None` where it has none.
    pub(crate) fn of(table: &TableDef) -> Result<Option<Ttl>> {
        if table.visibility == Visibility::Hidden {
            return Ok(None);
        }
        let definition = Definition::parse(table)?;
        let mut ttl = Ttl { rows: Vec::new(), columns: Vec::new(), groups: Vec::new() };
        for item in definition.storage().map(|storage| storage.ttl.clone()).unwrap_or_default() {
            match item.action {
                TtlAction::Delete => ttl.rows.push(RowTtl { expires: item.expr, filter: item.filter }),
                TtlAction::GroupBy { keys, assignments } => {
                    ttl.groups.push(GroupTtl { expires: item.expr, keys, assignments });
                }
                TtlAction::Recompress(_) | TtlAction::ToDisk(_) | TtlAction::ToVolume(_) => {}
            }
        }
        for column in definition.columns() {
            let Some(expires) = &column.ttl else { continue };
            let default = match &column.default {
                Some(ColumnDefault::Default(expr) | ColumnDefault::Materialized(expr)) => Some(expr.clone()),
                _ => None,
            };
            ttl.columns.push(ColumnTtl { column: column.name.name.clone(), expires: expires.clone(), default });
        }
        let is_empty = ttl.rows.is_empty() && ttl.columns.is_empty() && ttl.groups.is_empty();
        Ok((!is_empty).then_some(ttl))
    }

    /// What merges do to rows: expired ones go, expired groups become one row, expired columns their defaults.
    pub(crate) fn finish(&self, table: &TableDef, ctx: &Arc<QueryContext>) -> Result<Finish> {
        let Some(schema) = &table.schema else { return Ok(Arc::new(|rows| rows)) };
        let at = (&schema.header, &**ctx);
        let rows = transform::ttl(&self.rows, &[], now_s(ctx), at)?;
        let columns = transform::ttl(&[], &self.columns, now_s(ctx), at)?;
        let groups = self.groups.iter().map(|group| ttl_groups::compile(group, table, ctx));
        let groups = groups.collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(move |run| {
            let (rows, columns) = (Arc::clone(&rows), Arc::clone(&columns));
            let mut run = run.map(move |block| Ok(rows.apply(&block?)?)).boxed();
            for group in &groups {
                run = ttl_groups::grouped(run, Arc::clone(group));
            }
            run.map(move |block| Ok(columns.apply(&block?)?)).boxed()
        }))
    }
}
