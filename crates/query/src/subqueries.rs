//! Subqueries of an expression run beforehand, their values put in their place: what a mutation's WHERE and SET need, whose
//! expressions are evaluated block by block without a plan.
//!
//! Only subqueries that stand for themselves: one that names columns of the table fails to bind, by that name.

use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use sql::Expr;
use sql::ast::{Cast, ExprKind, In, Literal, Query};
use types::text::{Quoting, Zone, write_cell};
use types::{Block, DataType, ErrorCode};

use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::expressions::function_context;
use crate::prepare::select;

/// Values that a subquery of a mutation may give: they become part of the expression.
const VALUES_MAX: usize = 1_000_000;

/// The expression with every subquery replaced by what it gives on the context's snapshot.
pub fn run_subqueries<'a>(expr: &'a Expr, ctx: &'a Arc<QueryContext>) -> BoxFuture<'a, Result<Expr>> {
    async move {
        let mut replaced = expr.clone();
        match &mut replaced.kind {
            ExprKind::Subquery(query) => return scalar(query, ctx).await,
            ExprKind::Exists(query) => return exists(query, ctx).await,
            ExprKind::In(is_in) => run_in(is_in, ctx).await?,
            ExprKind::Function(call) => run_all(&mut call.arguments, ctx).await?,
            ExprKind::Unary(_, operand) | ExprKind::IsNull { operand, .. } | ExprKind::Alias(operand, _) => {
                **operand = run_subqueries(operand, ctx).await?;
            }
            ExprKind::TupleElement(operand, _) => **operand = run_subqueries(operand, ctx).await?,
            ExprKind::Binary(binary) => {
                binary.left = run_subqueries(&binary.left, ctx).await?;
                binary.right = run_subqueries(&binary.right, ctx).await?;
            }
            ExprKind::Chain(_, items) | ExprKind::Array(items) | ExprKind::Tuple(items) => run_all(items, ctx).await?,
            ExprKind::Cast(cast) => cast.operand = run_subqueries(&cast.operand, ctx).await?,
            ExprKind::ArrayElement(array, index) => {
                **array = run_subqueries(array, ctx).await?;
                **index = run_subqueries(index, ctx).await?;
            }
            ExprKind::Lambda(lambda) => lambda.body = run_subqueries(&lambda.body, ctx).await?,
            ExprKind::Literal(_)
            | ExprKind::Identifier(_)
            | ExprKind::Asterisk(_)
            | ExprKind::Columns(_)
            | ExprKind::Parameter(..) => {}
        }
        Ok(replaced)
    }
    .boxed()
}

async fn run_all(exprs: &mut [Expr], ctx: &Arc<QueryContext>) -> Result<()> {
    for expr in exprs {
        *expr = run_subqueries(expr, ctx).await?;
    }
    Ok(())
}

async fn run_in(is_in: &mut In, ctx: &Arc<QueryContext>) -> Result<()> {
    is_in.left = run_subqueries(&is_in.left, ctx).await?;
    let ExprKind::Subquery(query) = &is_in.right.kind else {
        is_in.right = run_subqueries(&is_in.right, ctx).await?;
        return Ok(());
    };
    let blocks = select(query, ctx).await?.collect().await?;
    let mut rows = Vec::new();
    for block in &blocks {
        for row in 0..block.rows() {
            if rows.len() == VALUES_MAX {
                let message = format!("a subquery of a mutation gives more than {VALUES_MAX} values");
                return Err(Error::refused(ErrorCode::SET_SIZE_LIMIT_EXCEEDED, message));
            }
            rows.push(row_of(block, row, ctx)?);
        }
    }
    is_in.right = Expr::new(ExprKind::Tuple(rows));
    Ok(())
}

/// The one value; NULL when there is no row.
async fn scalar(query: &Query, ctx: &Arc<QueryContext>) -> Result<Expr> {
    let block = select(query, ctx).await?.collect_one().await?;
    match block.rows() {
        0 => Ok(Expr::literal(Literal::Null)),
        1 => row_of(&block, 0, ctx),
        _ => Err(Error::refused(
            ErrorCode::INCORRECT_RESULT_OF_SCALAR_SUBQUERY,
            "scalar subquery returned more than one row",
        )),
    }
}

async fn exists(query: &Query, ctx: &Arc<QueryContext>) -> Result<Expr> {
    let found = match select(query, ctx).await?.next().await {
        Some(block) => block?.rows() != 0,
        None => false,
    };
    Ok(Expr::literal(Literal::UInt(found.into())))
}

/// One row: its value, or a tuple of its values.
fn row_of(block: &Block, row: usize, ctx: &QueryContext) -> Result<Expr> {
    let zone = function_context(ctx)?.zone;
    let mut cells = Vec::with_capacity(block.header().len());
    for (column, array) in block.header().columns().iter().zip(block.arrays()) {
        cells.push(cell(&column.ty, array.as_ref(), row, zone)?);
    }
    match cells.len() {
        1 => Ok(cells.remove(0)),
        _ => Ok(Expr::new(ExprKind::Tuple(cells))),
    }
}

/// A literal; for types without one, text that is cast to the type.
fn cell(ty: &DataType, array: &dyn arrow::array::Array, row: usize, zone: Zone) -> Result<Expr> {
    if array.is_null(row) && ty.is_nullable() {
        return Ok(Expr::literal(Literal::Null));
    }
    let mut text = Vec::new();
    write_cell(&mut text, ty, array, row, Quoting::Raw, zone);
    let text = Expr::literal(Literal::String(text));
    if *ty.base() == DataType::String {
        return Ok(text);
    }
    let data_type = sql::parse_data_type(&ty.remove_low_cardinality().to_string())?;
    Ok(Expr::new(ExprKind::Cast(Box::new(Cast { operand: text, data_type }))))
}
