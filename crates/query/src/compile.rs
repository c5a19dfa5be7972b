//! From a bound plan to one that runs: optimised once, planned once, run many times.
//!
//! A compiled plan holds no rows, no snapshot and no time. What DataFusion would fold into it, it must not: a plan that
//! calls `now()` or `rand()` is kept as it was bound and planned again for each run.

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::{ExecutionPlan, displayable, execute_stream};
use futures::FutureExt;
use types::{Block, Header};

use crate::bind::Bound;
use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::run::BlockStream;
use crate::scan::ScanExec;
use crate::session;

/// A plan that can run, any number of times, also at once.
#[derive(Clone)]
pub struct Compiled {
    header: Header,
    rows: Plan,
    totals: Option<Plan>,
}

/// How a plan is kept between runs.
#[derive(Clone)]
enum Plan {
    /// Depends on nothing but the snapshot. As it was bound it is kept for a run that must do with less memory.
    Physical(Arc<dyn ExecutionPlan>, Arc<LogicalPlan>),
    /// Depends on the query's time or randomness as well, or cannot run twice at once.
    Logical(Arc<LogicalPlan>),
}

/// Optimises and plans what the binder made.
pub async fn compile(bound: &Bound, ctx: &QueryContext) -> Result<Compiled> {
    let totals = match &bound.totals {
        Some(totals) => Some(Plan::new(totals, ctx).await?),
        None => None,
    };
    Ok(Compiled { header: bound.header.clone(), rows: Plan::new(&bound.plan, ctx).await?, totals })
}

impl Compiled {
    /// Names and types of the result.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Starts a run over the snapshot, overrides and limits of `ctx`.
    pub async fn run(&self, ctx: &Arc<QueryContext>) -> Result<BlockStream> {
        ctx.check()?;
        let physical = self.rows.physical(ctx).await?;
        let hashes = ctx.runtime.config.spill_dir.is_some() && joins_by_hash(&physical);
        let task = session::task(ctx);
        let batches = execute_stream(physical, task)?;
        let mut stream = BlockStream::new(self.header.clone(), batches, ctx.clone());
        if hashes {
            // a hash join holds one side in memory; a merge join sorts both, and sorting spills
            let (plan, ctx) = (self.rows.clone(), ctx.clone());
            let frugal = async move {
                let physical = plan_physical(plan.bound(), session::frugal_state(&ctx)).await?;
                Ok(execute_stream(physical, session::task(&ctx))?)
            };
            stream = stream.or_frugally(frugal.boxed());
        }
        Ok(match self.totals.clone() {
            Some(plan) => stream.with_totals(totals(plan, self.header.clone(), ctx.clone()).boxed()),
            None => stream,
        })
    }

    /// A whole run: every row as blocks.
    pub async fn collect(&self, ctx: &Arc<QueryContext>) -> Result<Vec<Block>> {
        self.run(ctx).await?.collect().await
    }

    /// The physical plan, with what each leaf would read of the snapshot of `ctx`: one operator a line.
    pub async fn explain(&self, ctx: &Arc<QueryContext>) -> Result<Vec<String>> {
        let physical = self.rows.physical(ctx).await?;
        let mut lines = Vec::new();
        describe(physical.as_ref(), 0, ctx, &mut lines)?;
        Ok(lines)
    }

    /// True when nothing of the query's time or randomness is in the plan, so that it can be kept for other queries.
    pub fn is_reusable(&self) -> bool {
        let physical = |plan: &Plan| matches!(plan, Plan::Physical(..));
        physical(&self.rows) && self.totals.as_ref().is_none_or(physical)
    }
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compiled").field("header", &self.header).finish_non_exhaustive()
    }
}

async fn totals(plan: Plan, header: Header, ctx: Arc<QueryContext>) -> Result<Option<Block>> {
    let batches = execute_stream(plan.physical(&ctx).await?, session::task(&ctx))?;
    let block = BlockStream::new(header, batches, ctx).collect_one().await?;
    Ok((block.rows() != 0).then_some(block))
}

impl Plan {
    async fn new(bound: &LogicalPlan, ctx: &QueryContext) -> Result<Plan> {
        if is_timeless(bound)? {
            return Ok(Plan::Physical(plan_physical(bound, session::state(ctx)).await?, Arc::new(bound.clone())));
        }
        // Planned once here too, so that what cannot be planned is an error of the compilation.
        plan_physical(bound, session::state(ctx)).await?;
        Ok(Plan::Logical(Arc::new(bound.clone())))
    }

    /// A plan with fresh operators, which one run may use up.
    async fn physical(&self, ctx: &QueryContext) -> Result<Arc<dyn ExecutionPlan>> {
        match self {
            Plan::Physical(plan, _) => Ok(reset_plan_states(plan.clone())?),
            Plan::Logical(plan) => plan_physical(plan, session::state(ctx)).await,
        }
    }

    fn bound(&self) -> &LogicalPlan {
        match self {
            Plan::Physical(_, bound) | Plan::Logical(bound) => bound,
        }
    }
}

/// True when a hash join is anywhere in the plan.
fn joins_by_hash(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.name() == "HashJoinExec" || plan.children().into_iter().any(joins_by_hash)
}

async fn plan_physical(bound: &LogicalPlan, state: SessionState) -> Result<Arc<dyn ExecutionPlan>> {
    let optimized = state.optimize(bound)?;
    Ok(state.query_planner().create_physical_plan(&optimized, &state).await?)
}

/// True when every function of the plan, in subqueries too, depends on its arguments only, and no operator of it has
/// state that runs share: DataFusion keeps the values of scalar subqueries in one container for all copies of a plan,
/// and resetting one copy clears them under a run that is under way.
fn is_timeless(plan: &LogicalPlan) -> Result<bool> {
    let mut timeless = true;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                let varies = match expr {
                    Expr::ScalarFunction(call) => call.func.signature().volatility != Volatility::Immutable,
                    Expr::ScalarSubquery(_) => true,
                    _ => false,
                };
                if varies {
                    timeless = false;
                    return Ok(TreeNodeRecursion::Stop);
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })
    .map_err(Error::from)?;
    Ok(timeless)
}

fn describe(plan: &dyn ExecutionPlan, depth: usize, ctx: &Arc<QueryContext>, lines: &mut Vec<String>) -> Result<()> {
    let mut line = format!("{}{}", "  ".repeat(depth), displayable(plan).one_line().to_string().trim_end());
    if let Some(scan) = plan.downcast_ref::<ScanExec>() {
        line.push_str(&scan.forecast(ctx)?);
    }
    // Only says that the leaf below it yields to others now and then.
    let is_plumbing = plan.name() == "CooperativeExec";
    if !is_plumbing {
        lines.push(line);
    }
    for child in plan.children() {
        describe(child.as_ref(), depth + usize::from(!is_plumbing), ctx, lines)?;
    }
    Ok(())
}
