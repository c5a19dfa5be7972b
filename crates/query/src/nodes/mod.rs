//! Plan nodes for what DataFusion has none: LIMIT BY, WITH TIES, WITH FILL, ARRAY JOIN, ASOF JOIN, EXCEPT ALL, the only
//! row of a scalar subquery, an order that must be kept, filters with constants of the run; and window functions with
//! ClickHouse's frames and defaults.
//!
//! Reading order: `operator` (the logical node), `planner` (logical → physical), `exec` (how an operator runs),
//! `attentive` (how operators that multiply rows come to an end), then one file for each operator. No operator keeps state between runs, so that a compiled plan runs any number of times.

mod asof;
pub(crate) mod attentive;
mod counted_set;
mod exec;
mod fill;
pub(crate) mod lambda;
mod limit_by;
mod operator;
mod parameter_filter;
mod planner;
mod single_row;
mod stretch;
mod unnest;
pub(crate) mod window;

use std::sync::Arc;

use datafusion::common::Column;
use datafusion::logical_expr::{Expr, Extension, LogicalPlan};
use types::DataType;

pub(crate) use asof::AsofDirection;
pub(crate) use counted_set::CountedSet;
pub(crate) use fill::{FillBounds, FillStep, FillValue};
pub(crate) use parameter_filter::ParameterFilterExec;
pub use planner::extension_planners;

use crate::error::Result;
use operator::{Operator, OperatorNode};
pub(crate) use stretch::Reach;

fn node(operator: Operator, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<LogicalPlan> {
    let node = OperatorNode::new(operator, exprs, inputs)?;
    Ok(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
}

/// At most `count` rows of each key after the first `offset`, in the order in which they come.
pub(crate) fn limit_by(plan: LogicalPlan, keys: Vec<Expr>, offset: u64, count: u64) -> Result<LogicalPlan> {
    node(Operator::LimitBy { offset, count }, keys, vec![plan])
}

/// `count` rows after `offset`, and those equal to the last one in `keys`, by which the rows are sorted.
pub(crate) fn ties(plan: LogicalPlan, keys: Vec<Expr>, offset: u64, count: u64) -> Result<LogicalPlan> {
    node(Operator::Ties { offset, count }, keys, vec![plan])
}

/// The rows between an offset and a limit that are known when all rows are. With `ties`, by which the rows are sorted, those
/// that equal the row at the open end as well.
pub(crate) fn stretch(
    plan: LogicalPlan,
    ties: Option<Vec<Expr>>,
    offset: Option<Reach>,
    count: Option<Reach>,
) -> Result<LogicalPlan> {
    node(Operator::Stretch { offset, count, ties: ties.is_some() }, ties.unwrap_or_default(), vec![plan])
}

/// One row for each element of lists that lie side by side, in new columns after those of `plan`. With `left`, rows
/// with empty lists stay, with default values.
pub(crate) fn unnest(plan: LogicalPlan, arrays: Vec<(Expr, Column)>, left: bool) -> Result<LogicalPlan> {
    let (exprs, columns) = arrays.into_iter().map(|(array, column)| (array, column.name)).unzip();
    node(Operator::Unnest { columns, left }, exprs, vec![plan])
}

/// Exactly one row: the only one, or one of NULL where there is none and `nullable`; an error otherwise.
pub(crate) fn single_row(plan: LogicalPlan, nullable: bool, ty: &DataType) -> Result<LogicalPlan> {
    node(Operator::SingleRow { nullable, ty: ty.to_string() }, Vec::new(), vec![plan])
}

/// The same rows; the order of `plan` is kept although nothing above asks for it.
pub(crate) fn keep_order(plan: LogicalPlan) -> Result<LogicalPlan> {
    node(Operator::KeepOrder, Vec::new(), vec![plan])
}

/// Rows for the gaps of `column`, by which `plan` is sorted after `prefix`. `defaults` has one value a column of `plan`.
pub(crate) fn fill(
    plan: LogicalPlan,
    column: Expr,
    bounds: FillBounds,
    prefix: Vec<Expr>,
    interpolated: Vec<(Column, Expr)>,
    defaults: Vec<Expr>,
) -> Result<LogicalPlan> {
    let (targets, values): (Vec<String>, Vec<Expr>) =
        interpolated.into_iter().map(|(column, value)| (column.name, value)).unzip();
    let prefix_len = prefix.len();
    let mut exprs = vec![column];
    exprs.extend(prefix);
    exprs.extend(values);
    exprs.extend(defaults);
    node(Operator::Fill { bounds, prefix: prefix_len, targets }, exprs, vec![plan])
}

/// Each left row with the closest right row of the same keys.
pub(crate) fn asof(
    left: LogicalPlan,
    right: LogicalPlan,
    keys: Vec<(Expr, Expr)>,
    values: (Expr, Expr),
    direction: AsofDirection,
    outer: bool,
) -> Result<LogicalPlan> {
    let count = keys.len();
    let (mut exprs, right_keys): (Vec<Expr>, Vec<Expr>) = keys.into_iter().unzip();
    exprs.push(values.0);
    exprs.extend(right_keys);
    exprs.push(values.1);
    node(Operator::Asof { keys: count, direction, outer }, exprs, vec![left, right])
}

/// EXCEPT ALL and INTERSECT ALL: each right row takes away, or keeps, one equal left row.
pub(crate) fn counted_set(left: LogicalPlan, right: LogicalPlan, kind: CountedSet) -> Result<LogicalPlan> {
    node(Operator::CountedSet(kind), Vec::new(), vec![left, right])
}
