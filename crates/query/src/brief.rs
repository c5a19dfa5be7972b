//! Short planning for short queries: one table, few rows, no join. What takes DataFusion's whole optimizer two milliseconds
//! takes the few rules that such a plan needs a tenth of that, and one partition is faster than several that are joined
//! again.
//!
//! A brief plan gives the same rows as a full one. It is only slow where much is read: then [`plan`] declines.

use std::sync::Arc;

use datafusion::common::tree_node::TreeNode;
use datafusion::execution::config::SessionConfig;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::optimize_projections::OptimizeProjections;
use datafusion::optimizer::push_down_filter::PushDownFilter;
use datafusion::optimizer::push_down_limit::PushDownLimit;
use datafusion::optimizer::simplify_expressions::SimplifyExpressions;
use datafusion::physical_optimizer::combine_partial_final_agg::CombinePartialFinalAggregate;
use datafusion::physical_optimizer::ensure_coop::EnsureCooperative;
use datafusion::physical_plan::ExecutionPlan;

use crate::bind::guard::GuardFilters;
use crate::context::QueryContext;
use crate::error::Result;
use crate::parameters::Values;
use crate::projections;
use crate::scan::ScanExec;
use crate::session;

/// More rows than these are worth several threads and a full plan.
const ROWS_MAX: u64 = 262_144;

/// The session that every brief planning starts from.
pub(crate) fn template() -> SessionState {
    SessionStateBuilder::new()
        .with_session_id(String::new())
        .with_analyzer_rules(Vec::new())
        .with_query_planner(session::planner())
        .with_optimizer_rules(vec![
            Arc::new(SimplifyExpressions::new()),
            Arc::new(PushDownLimit::new()),
            Arc::new(PushDownFilter::new()),
            Arc::new(OptimizeProjections::new()),
            Arc::new(GuardFilters),
        ])
        .with_physical_optimizer_rules(vec![
            Arc::new(CombinePartialFinalAggregate::new()),
            Arc::new(EnsureCooperative::new()),
        ])
        .with_config(SessionConfig::from(session::options()))
        .build()
}

/// The plan of a query that is simple and reads few rows of the context's snapshot; else `None`.
pub(crate) async fn plan(bound: &LogicalPlan, ctx: &QueryContext) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if !is_simple(bound) || projections::insists(ctx) {
        return Ok(None);
    }
    let state = session::brief_state(ctx);
    let optimized = optimize(bound, ctx)?;
    ctx.runtime.plans.count_planning();
    let physical = state.query_planner().create_physical_plan(&optimized, &state).await?;
    Ok(reads_little(&physical, ctx, None)?.then_some(physical))
}

/// A simple plan after the few rules.
pub(crate) fn optimize(bound: &LogicalPlan, ctx: &QueryContext) -> Result<LogicalPlan> {
    Ok(session::brief_state(ctx).optimize(bound)?)
}

/// True when the plan's leaf reads few rows of this snapshot, with these values where it needs some.
pub(crate) fn reads_little(plan: &Arc<dyn ExecutionPlan>, ctx: &QueryContext, values: Option<&Values>) -> Result<bool> {
    if let Some(scan) = plan.downcast_ref::<ScanExec>() {
        return Ok(scan.rows_expected(ctx, values)? <= ROWS_MAX);
    }
    match plan.children().as_slice() {
        [only] => reads_little(only, ctx, values),
        _ => Ok(false),
    }
}

/// A chain of the operators that need no rule but ours, over one table.
pub(crate) fn is_simple(plan: &LogicalPlan) -> bool {
    let is_known = match plan {
        LogicalPlan::TableScan(_) => return plan.expressions().iter().all(is_plain),
        LogicalPlan::Aggregate(aggregate) => {
            !matches!(aggregate.group_expr.as_slice(), [Expr::GroupingSet(_)]) && !has_distinct(&aggregate.aggr_expr)
        }
        LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::SubqueryAlias(_) => true,
        _ => false,
    };
    is_known && plan.expressions().iter().all(is_plain) && plan.inputs().into_iter().all(is_simple)
}

fn has_distinct(aggregates: &[Expr]) -> bool {
    aggregates.iter().any(|aggregate| {
        aggregate
            .exists(|expr| Ok(matches!(expr, Expr::AggregateFunction(call) if call.params.distinct)))
            .unwrap_or(true)
    })
}

/// No query inside, nothing over windows of rows.
pub(crate) fn is_plain(expr: &Expr) -> bool {
    let is_other = |expr: &Expr| {
        matches!(
            expr,
            Expr::ScalarSubquery(_)
                | Expr::InSubquery(_)
                | Expr::Exists(_)
                | Expr::SetComparison(_)
                | Expr::WindowFunction(_)
                | Expr::Unnest(_)
                | Expr::OuterReferenceColumn(..)
        )
    };
    !expr.exists(|expr| Ok(is_other(expr))).unwrap_or(true)
}
