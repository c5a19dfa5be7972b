//! The SELECT of an incremental view, compiled once: over each inserted block it runs in the place of its source.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use query::definition::Definition;
use query::{Compiled, Prepared, QueryContext};
use sql::ast::{ExprKind, QueryBody};
use store::{Snapshot, TableDef, ViewDef};
use types::{Block, TableId};

use crate::error::Result;
use crate::hidden;

/// Plans that are kept; beyond it, all are forgotten and made again.
const KEPT_MAX: usize = 1024;

/// Plans of views by id and version. A plan also knows the versions of everything it reads.
#[derive(Default)]
pub(crate) struct ViewPlans {
    known: Mutex<HashMap<(TableId, u64), Prepared>>,
}

impl ViewPlans {
    /// The rows that the view makes of `block`, which is read in the place of table `source`.
    pub(crate) async fn run(
        &self,
        view: &Arc<TableDef>,
        source: TableId,
        block: &Block,
        ctx: &QueryContext,
    ) -> Result<Vec<Block>> {
        let ctx = Arc::new(ctx.with_database(&view.database).with_override(source, block.clone()));
        let compiled = self.plan(view, &ctx).await?;
        Ok(compiled.collect(&ctx).await?)
    }

    /// The compiled SELECT, made again when anything that it reads was redefined.
    pub(crate) async fn plan(&self, view: &Arc<TableDef>, ctx: &Arc<QueryContext>) -> Result<Compiled> {
        let key = (view.id, view.version);
        let known = self.known.lock().get(&key).cloned();
        if let Some(known) = known.filter(|known| known.is_current(&ctx.snapshot)) {
            return Ok(known.compiled);
        }
        let query = insert_query(view, &ctx.snapshot)?;
        let prepared = query::prepare(&query, ctx).await?;
        if !prepared.is_lasting() {
            return Ok(prepared.compiled);
        }
        let mut plans = self.known.lock();
        if plans.len() >= KEPT_MAX {
            plans.clear();
        }
        plans.insert(key, prepared.clone());
        Ok(prepared.compiled)
    }
}

/// What runs over an inserted block: the view's SELECT; of a UNION ALL at the top only its first query, as in ClickHouse.
/// Columns that the target carries along, hidden, are selected as well.
pub fn insert_query(view: &TableDef, snapshot: &Snapshot) -> Result<sql::Query> {
    let definition = Definition::parse(view)?;
    let mut query = match definition.query() {
        Some(query) => query.clone(),
        None => return Err(query::Error::Plan(format!("\"{}\" has no SELECT", view.qualified_name())).into()),
    };
    while let QueryBody::Set(set) = query.body {
        query.body = set.operands.into_iter().next().expect("a set operation has at least two operands");
    }
    let target = view.view.as_ref().and_then(ViewDef::target).and_then(|target| snapshot.catalog.target(target));
    let schema = target.and_then(|target| target.schema.as_ref());
    let columns = schema.iter().flat_map(|schema| schema.header.columns());
    carry(&mut query, columns.filter_map(|column| hidden::carried_of(&column.name)));
    Ok(query)
}

/// Adds columns of the source to a SELECT under the names of hidden columns.
fn carry<'a>(query: &mut sql::Query, columns: impl Iterator<Item = &'a str>) {
    let QueryBody::Select(select) = &mut query.body else { return };
    for column in columns {
        let alias = sql::ast::Ident::new(hidden::carried_column(column));
        select.items.push(sql::Expr::new(ExprKind::Alias(Box::new(sql::Expr::column(column)), alias)));
    }
}
