//! `TTL … GROUP BY keys SET …`: the expired rows of a key become one row.
//!
//! ```text
//! sorted rows ─▶ whole groups (keys are a prefix of the primary key) ─▶ expired rows ─▶ SELECT … GROUP BY ─▶ one row each
//!                                                                      └▶ the others ───────────────────▶ sorted together
//! ```
//! Memory holds the rows of the groups of one block, and of one group that goes on.

use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::compute::{filter, not};
use futures::StreamExt;
use futures::stream;
use parts::merge::Run;
use parts::order::KeyEncoder;
use parts::{PartSchema, sort_block};
use query::expressions::{Converter, Expressions};
use query::layout::Upgrade;
use query::transform::RowTtl;
use query::{Prepared, QueryContext};
use sql::Expr;
use sql::ast::{Assignment, ExprKind, Ident, ObjectName, QueryBody, StatementKind};
use store::TableDef;
use types::transform::TransformError;
use types::{Block, ErrorCode, TableId};

use crate::error::{Error, Result};
use crate::ttl::now_s;

/// One rule.
pub(crate) struct GroupTtl {
    pub(crate) expires: Expr,
    pub(crate) keys: Vec<Expr>,
    pub(crate) assignments: Vec<Assignment>,
}

/// A rule that can be applied.
pub(crate) struct Groups {
    ctx: Arc<QueryContext>,
    table: TableId,
    schema: Arc<PartSchema>,
    /// How many columns of the sorting key the groups have in common.
    keys: usize,
    expired: Expressions,
    query: Arc<tokio::sync::OnceCell<Prepared>>,
    statement: sql::Query,
    /// From the rows of the query to the table's own, hidden columns computed again.
    upgrade: Upgrade,
    visible: types::Header,
}

/// Refuses keys that are no prefix of the primary key, and assignments without an aggregate.
pub(crate) fn check(group: &GroupTtl, storage: &sql::ast::Storage) -> Result<()> {
    let refuse = |message: String| Err(Error::refused(ErrorCode::BAD_TTL_EXPRESSION, message));
    let primary: Vec<Expr> = match &storage.primary_key {
        Some(primary) => crate::ddl::key_items(primary).into_iter().map(bare).collect(),
        None => storage.order_by.iter().flat_map(|key| key.exprs()).map(bare).collect(),
    };
    let keys: Vec<Expr> = group.keys.iter().map(bare).collect();
    if !primary.starts_with(&keys) {
        let primary: Vec<String> = primary.iter().map(ToString::to_string).collect();
        return refuse(format!("TTL Expression GROUP BY key should be a prefix of primary key {}", primary.join(" ")));
    }
    for assignment in &group.assignments {
        let name = &assignment.column.name;
        if keys.iter().any(|key| key.to_string() == *name) {
            return Err(Error::NotImplemented(format!("TTL GROUP BY that assigns its key {name}")));
        }
        if !has_aggregate(&assignment.expr) {
            let message =
                format!("invalid expression for assignment of column {name}. Should contain an aggregate function");
            return refuse(message);
        }
    }
    Ok(())
}

/// Without brackets around it.
fn bare(key: &Expr) -> Expr {
    Expr { parenthesized: false, ..key.clone() }
}

fn has_aggregate(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Function(call) => {
            query::is_aggregate_function(&call.name.name) || call.arguments.iter().any(has_aggregate)
        }
        ExprKind::Binary(binary) => has_aggregate(&binary.left) || has_aggregate(&binary.right),
        ExprKind::Unary(_, operand) => has_aggregate(operand),
        ExprKind::Cast(cast) => has_aggregate(&cast.operand),
        _ => false,
    }
}

/// Makes a rule of a table ready.
pub(crate) fn compile(group: &GroupTtl, table: &TableDef, ctx: &Arc<QueryContext>) -> Result<Arc<Groups>> {
    let schema = table.schema.clone();
    let schema = schema.ok_or_else(|| Error::NotImplemented("TTL of a table without parts".to_owned()))?;
    let condition = RowTtl { expires: group.expires.clone(), filter: None }.condition(now_s(ctx));
    let visible: Vec<types::Column> =
        schema.header.columns().iter().filter(|column| !views::hidden::is_hidden(&column.name)).cloned().collect();
    let name = ObjectName::qualified(&*table.database, &*table.name);
    let statement = sql::parse_statement(&format!("SELECT 1 FROM {name} GROUP BY 1"))?;
    let StatementKind::Query(mut query) = statement.kind else {
        return Err(Error::NotImplemented("TTL GROUP BY".to_owned()));
    };
    if let QueryBody::Select(select) = &mut query.body {
        let mut item = 0;
        let items = visible.iter().map(|column| {
            let assigned = group.assignments.iter().find(|assignment| *assignment.column.name == *column.name);
            let expr = match assigned {
                Some(assignment) => assignment.expr.clone(),
                None => Expr::call("any_respect_nulls", vec![Expr::column(&*column.name)]),
            };
            item += 1;
            Expr::new(ExprKind::Alias(Box::new(expr), Ident::new(format!("c{item}"))))
        });
        select.items = items.collect();
        select.group_by = Some(crate::ddl::group_by(group.keys.clone()));
    }
    let visible = types::Header::new(visible);
    Ok(Arc::new(Groups {
        ctx: Arc::clone(ctx),
        table: table.id,
        keys: group.keys.len(),
        expired: Expressions::compile(std::slice::from_ref(&condition), &schema.header, ctx)?,
        query: Arc::default(),
        statement: *query,
        upgrade: Upgrade::new(&visible, &schema.header, table, ctx)?,
        schema,
        visible,
    }))
}

/// A sorted run with the expired rows of each group as one row.
pub(crate) fn grouped(rows: Run, groups: Arc<Groups>) -> Run {
    let state = State { rows, groups, held: Vec::new(), ended: false };
    let blocks = stream::unfold(state, |mut state| async move {
        match state.next().await {
            Ok(Some(block)) => Some((Ok(block), state)),
            Ok(None) => None,
            Err(error) => {
                state.ended = true;
                let failed = TransformError { code: error.code(), message: error.to_string() };
                Some((Err(parts::Error::Transform(failed)), state))
            }
        }
    });
    blocks.boxed()
}

struct State {
    rows: Run,
    groups: Arc<Groups>,
    /// Rows of groups that may go on.
    held: Vec<Block>,
    ended: bool,
}

impl State {
    /// Whole groups; none at the end.
    async fn next(&mut self) -> Result<Option<Block>> {
        while !self.ended {
            let Some(block) = self.rows.next().await else {
                self.ended = true;
                break;
            };
            let block = block?;
            if block.rows() == 0 {
                continue;
            }
            let last = self.groups.start_of_last(&block)?;
            self.held.push(block.slice(0, last));
            let whole = std::mem::take(&mut self.held);
            let rest = block.slice(last, block.rows() - last);
            if last == 0 && whole.iter().all(|held| held.rows() == 0 || self.groups.is_same(held, &rest)) {
                // the group goes on through the whole block
                self.held = whole;
                self.held.push(rest);
                continue;
            }
            self.held.push(rest);
            let header = &self.groups.schema.header;
            let whole = Block::concat(header, &whole)?;
            if 0 < whole.rows() {
                return self.groups.apply(&whole).await.map(Some);
            }
        }
        let rest = std::mem::take(&mut self.held);
        let rest = Block::concat(&self.groups.schema.header, &rest)?;
        match rest.rows() {
            0 => Ok(None),
            _ => self.groups.apply(&rest).await.map(Some),
        }
    }
}

impl Groups {
    fn encoder(&self) -> Result<KeyEncoder> {
        let keys = self.schema.sort_key.get(..self.keys).unwrap_or_default();
        Ok(KeyEncoder::new(&self.schema.header, keys)?)
    }

    fn start_of_last(&self, block: &Block) -> Result<usize> {
        let keys = self.encoder()?.encode(block)?;
        let last = keys.row(block.rows() - 1);
        Ok((0..block.rows()).rev().take_while(|row| keys.row(*row) == last).last().unwrap_or(0))
    }

    /// True when the last row of one block and the first of the next are of one group.
    fn is_same(&self, before: &Block, next: &Block) -> bool {
        let key = |block: &Block, row: usize| {
            let keys = self.encoder().ok()?.encode(&block.slice(row, 1)).ok()?;
            Some(keys.row(0).data().to_vec())
        };
        key(before, before.rows().saturating_sub(1)) == key(next, 0)
    }

    async fn apply(&self, block: &Block) -> Result<Block> {
        let expired = self.expired.eval_conditions(block)?.remove(0);
        if expired.true_count() == 0 {
            return Ok(block.clone());
        }
        let (over, live) = (kept(block, &expired)?, kept(block, &not(&expired).map_err(parts::Error::from)?)?);
        let ctx = Arc::new(self.ctx.with_override(self.table, over));
        let query = self.query.get_or_try_init(|| query::prepare(&self.statement, &ctx)).await?;
        let blocks = query.compiled.run(&ctx).await?.collect().await?;
        let converter = Converter::by_position(query.compiled.header(), &self.visible, &self.ctx)?;
        let mut all = vec![live];
        for block in blocks {
            let visible = converter.convert(&block)?;
            all.push(self.upgrade.apply(&visible.project(self.upgrade.reads()))?);
        }
        let all = Block::concat(&self.schema.header, &all)?;
        Ok(sort_block(&self.schema, &all)?)
    }
}

fn kept(block: &Block, keep: &BooleanArray) -> Result<Block> {
    let arrays = block.arrays().iter().map(|array| filter(array, keep)).collect::<std::result::Result<Vec<_>, _>>();
    let arrays = arrays.map_err(parts::Error::from)?;
    Ok(Block::with_rows(block.header().clone(), arrays, keep.true_count())?)
}
