//! WITH TOTALS: one more row, over all rows of the groups that HAVING keeps; keys have their types' default values.
//!
//! A plan of its own over the same input, because formats print the row apart. With HAVING it groups twice: the groups'
//! states that pass HAVING are merged (`totals_mode = 'after_having_exclusive'`, ClickHouse's default).

use datafusion::common::Column;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, LogicalPlanBuilder};
use std::sync::Arc;
use types::ErrorCode;

use super::attach::collect_columns;
use super::binder::{Binder, not_supported};
use super::expr::resolve_aggregate;
use super::group::{Grouped, Rewriter};
use super::items::Item;
use super::scope::Scope;
use super::select::OutColumn;
use super::typed::Typed;
use crate::error::{Error, Result};

/// Whether there is a totals row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TotalsKind {
    None,
    /// Over the groups that HAVING keeps.
    AfterHaving,
}

impl Binder<'_> {
    /// The totals of `input`, under the column names of the grouped plan.
    pub(crate) fn totals(
        &self,
        input: LogicalPlan,
        grouped: &Grouped,
        aggregates: &[Expr],
        rewriter: &Rewriter,
        having: Option<&Typed>,
        scope: &Scope<'_>,
    ) -> Result<LogicalPlan> {
        let (input, totals) = match having {
            None => (input, aggregates.to_vec()),
            Some(having) => self.kept_states(input, grouped, aggregates, rewriter, having, scope)?,
        };
        let mut named = Vec::with_capacity(totals.len());
        let mut out = Vec::with_capacity(totals.len() + grouped.keys.len());
        for (aggregate, total) in aggregates.iter().zip(totals) {
            let Some(column) = rewriter.aggregates.get(aggregate) else { continue };
            named.push(total.alias(column.name.clone()));
            out.push(Expr::Column(column.clone()));
        }
        let plan = LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(input), Vec::new(), named)?);
        for (key, column) in grouped.keys.iter().zip(key_columns(rewriter)) {
            out.push(Typed::default_of(&key.ty)?.expr.alias(column.name));
        }
        Ok(LogicalPlanBuilder::from(plan).project(out)?.build()?)
    }

    /// The states of the groups that HAVING keeps, and the aggregates that merge them.
    fn kept_states(
        &self,
        input: LogicalPlan,
        grouped: &Grouped,
        aggregates: &[Expr],
        rewriter: &Rewriter,
        having: &Typed,
        scope: &Scope<'_>,
    ) -> Result<(LogicalPlan, Vec<Expr>)> {
        if !scope.attachments.borrow().is_empty() {
            return not_supported("WITH TOTALS and HAVING together with subqueries or arrayJoin");
        }
        let mut below: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
        let columns = key_columns(rewriter);
        for (key, column) in grouped.keys.iter().zip(&columns) {
            below.push(key.clone().value().alias(column.name.clone()));
        }
        let plan = LogicalPlanBuilder::from(input).project(below)?.build()?;
        let mut named = Vec::new();
        let mut merges = Vec::with_capacity(aggregates.len());
        for aggregate in aggregates {
            let Some(column) = rewriter.aggregates.get(aggregate) else { continue };
            named.push(aggregate.clone().alias(column.name.clone()));
            let (state, merge) = self.state_and_merge(aggregate)?;
            named.push(state);
            merges.push(merge);
        }
        let keys = columns.into_iter().map(Expr::Column).collect();
        let plan = LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(plan), keys, named)?);
        let plan = LogicalPlanBuilder::from(plan).filter(having.clone().predicate()?)?.build()?;
        Ok((plan, merges))
    }

    /// The aggregate as `-State`, under a fresh name, and the `-Merge` of that.
    fn state_and_merge(&self, aggregate: &Expr) -> Result<(Expr, Expr)> {
        let (Expr::AggregateFunction(function), Some(description)) = (aggregate, self.description_of(aggregate)) else {
            return Err(Error::refused(ErrorCode::LOGICAL_ERROR, "an aggregate that was not bound"));
        };
        let name = &description.name;
        let (state_udf, state_type) =
            resolve_aggregate(&format!("{name}State"), &description.params, &description.types)?;
        let args = function.params.args.clone();
        let state = AggregateFunction::new_udf(state_udf, args, false, None, Vec::new(), None);
        let column = self.fresh("state", &state_type);
        let (merge_udf, _) = resolve_aggregate(&format!("{name}Merge"), &description.params, &[state_type])?;
        let args = vec![Expr::Column(column.clone())];
        let merge = AggregateFunction::new_udf(merge_udf, args, false, None, Vec::new(), None);
        Ok((Expr::AggregateFunction(state).alias(column.name), Expr::AggregateFunction(merge)))
    }

    /// The totals row with the columns of the result.
    pub(crate) fn project_totals(&self, plan: LogicalPlan, items: &[Item], out: &[OutColumn]) -> Result<LogicalPlan> {
        let mut exprs = Vec::with_capacity(items.len());
        for (item, column) in items.iter().zip(out) {
            let mut names = std::collections::HashSet::new();
            let value = item.typed.clone().value();
            collect_columns(&value, &mut names);
            if names.iter().any(|name| !plan.schema().has_column(name)) {
                return not_supported("WITH TOTALS together with window functions, IN (SELECT …) or arrayJoin");
            }
            exprs.push(value.alias(column.column.name.clone()));
        }
        Ok(LogicalPlanBuilder::from(plan).project(exprs)?.build()?)
    }
}

/// The columns of the keys in the grouped plan.
fn key_columns(rewriter: &Rewriter) -> Vec<Column> {
    let column = |expr: &Expr| {
        let mut names = std::collections::HashSet::new();
        collect_columns(expr, &mut names);
        names.into_iter().next()
    };
    rewriter.keys.iter().filter_map(|(_, now)| column(now)).collect()
}
