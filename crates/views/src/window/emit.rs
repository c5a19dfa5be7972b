//! The two queries of a window view, compiled once: rows to panes, panes to result rows.

use std::sync::Arc;

use parts::{Purpose, sort_and_apply_rule};
use query::{Compiled, QueryContext};
use types::Block;

use super::define;
use super::spec::Spec;
use super::state::StateTables;
use crate::error::Result;

/// Compiled queries of one window view.
pub(super) struct Plans {
    panes: Compiled,
    emit: Compiled,
    schema: Arc<parts::PartSchema>,
}

impl Plans {
    pub(super) async fn compile(spec: &Spec, tables: StateTables, ctx: &QueryContext) -> Result<Plans> {
        let time_type = define::time_type(spec, tables.input, ctx)?;
        let panes = spec.panes_query(&define::reference(tables.input));
        let emit = spec.emit_query(&define::reference(tables.panes), &time_type);
        let schema = ctx.snapshot.catalog.table_by_id(tables.panes).and_then(|def| def.schema.clone());
        Ok(Plans {
            panes: compile(&panes, ctx).await?,
            emit: compile(&emit, ctx).await?,
            schema: schema.ok_or(query::Error::DefinitionChanged(tables.panes))?,
        })
    }

    /// Panes of rows that have their window's start as first column.
    pub(super) async fn panes(&self, tables: StateTables, input: &Block, ctx: &QueryContext) -> Result<Vec<Block>> {
        let ctx = Arc::new(ctx.with_override(tables.input, input.clone()));
        Ok(self.panes.collect(&ctx).await?)
    }

    /// Result rows of panes.
    pub(super) async fn emit(&self, tables: StateTables, panes: &[Block], ctx: &QueryContext) -> Result<Vec<Block>> {
        let Some(first) = panes.first() else { return Ok(Vec::new()) };
        let panes = Block::concat(first.header(), panes)?;
        let ctx = Arc::new(ctx.with_override(tables.panes, panes));
        Ok(self.emit.collect(&ctx).await?)
    }

    /// Several blocks of panes as one with one row a key.
    pub(super) fn merge(&self, panes: &[Block]) -> Result<Block> {
        let all = Block::concat(&self.schema.header, panes)?;
        Ok(sort_and_apply_rule(&self.schema, &all, Purpose::Merge)?)
    }
}

async fn compile(text: &str, ctx: &QueryContext) -> Result<Compiled> {
    let query = define::parse_query(text)?;
    Ok(query::prepare(&query, &Arc::new(ctx.clone())).await?.compiled)
}
