//! How many rows the leaves of a join have: what the planner is told, and whether a kept plan was told the same.
//!
//! A join holds its smaller side in memory and reads the other side as it comes, in the order in which it comes. Which side
//! that is was decided when the plan was made; tables grow. Nothing here changes what a plan gives, only how soon.

use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;

use crate::context::QueryContext;
use crate::error::Result;
use crate::scan::ScanExec;

/// A leaf may have so many times the rows that it was planned for, or be so many times smaller.
const FACTOR: u64 = 4;
/// Differences of fewer rows than these are not worth a plan.
const ROWS_SMALL: u64 = 65_536;

/// While a plan is made: the query whose snapshot says how large its leaves are.
pub(crate) struct Sizes(pub QueryContext);

/// The state in which this plan is optimised and planned, knowing sizes if there is a join to arrange.
pub(crate) fn informed(mut state: SessionState, plan: &LogicalPlan, ctx: &QueryContext) -> Result<SessionState> {
    if joins(plan)? {
        state.config_mut().set_extension(Arc::new(Sizes(ctx.clone())));
    }
    Ok(state)
}

/// True when the plan depends on how large its leaves are.
pub(crate) fn matter(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let is_sized = |scan: &ScanExec| scan.rows_planned().is_some();
    plan.downcast_ref::<ScanExec>().is_some_and(is_sized) || plan.children().into_iter().any(matter)
}

/// True when the leaves of the plan have about as many rows as it was planned for. A plan without joins was planned for any.
pub(crate) fn still_hold(plan: &Arc<dyn ExecutionPlan>, ctx: &QueryContext) -> Result<bool> {
    if let Some(scan) = plan.downcast_ref::<ScanExec>() {
        return Ok(match scan.rows_planned() {
            Some(planned) => is_near(planned, scan.rows_at_most(ctx)?),
            None => true,
        });
    }
    for child in plan.children() {
        if !still_hold(child, ctx)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_near(planned: u64, now: u64) -> bool {
    let (small, large) = (planned.min(now), planned.max(now));
    large <= small.saturating_mul(FACTOR).saturating_add(ROWS_SMALL)
}

fn joins(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        found |= matches!(node, LogicalPlan::Join(_));
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_that_grew_much_is_planned_again() {
        assert!(is_near(0, 0));
        assert!(is_near(0, ROWS_SMALL), "small tables may grow");
        assert!(!is_near(0, ROWS_SMALL + 1));
        assert!(is_near(1_000_000, 4_000_000));
        assert!(!is_near(1_000_000, 5_000_000));
        assert!(!is_near(5_000_000, 1_000_000));
        assert!(is_near(u64::MAX, u64::MAX));
    }
}
