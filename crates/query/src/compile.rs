//! From a bound plan to one that runs: optimised once, planned once, run many times.
//!
//! A compiled plan holds no rows, no snapshot and no time. What DataFusion would fold into it, it must not: what a plan
//! makes of `now()` is a parameter of each run ([`crate::timed`]), and one that calls `rand()` is kept as it was bound and
//! planned again for each run.

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::execution::TaskContext;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::{ExecutionPlan, displayable};
use futures::FutureExt;
use parking_lot::Mutex;
use types::{Block, Header};

use crate::bind::Bound;
use crate::brief;
use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::nodes::attentive;
use crate::parameters::Values;
use crate::projections;
use crate::run::{BlockStream, Started};
use crate::scan::ScanExec;
use crate::session;
use crate::sizes;
use crate::spare::{Spares, Taken, is_for_one};
use crate::timed::Timed;

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
    /// The same for a query that joins: another plan takes its place when the tables have other sizes.
    Joining(Arc<Mutex<Arc<dyn ExecutionPlan>>>, Arc<LogicalPlan>),
    /// The same for a query that reads little; where that is no longer so, it is planned for the run.
    Brief(Arc<dyn ExecutionPlan>, Arc<LogicalPlan>),
    /// Depends on nothing but the snapshot, and a physical plan serves one run at a time.
    Spare(Spares, Arc<LogicalPlan>),
    /// Depends on the snapshot and the query's time.
    Timed(Arc<Timed>),
    /// Depends on the query's randomness as well.
    Logical(Arc<LogicalPlan>, Arc<Mutex<Option<First>>>),
}

/// A physical plan of one run.
struct OfRun {
    plan: Arc<dyn ExecutionPlan>,
    /// Where it goes when the run came to its end.
    taken: Option<Taken>,
    /// What its parameters are in this run.
    values: Option<Values>,
}

impl OfRun {
    fn alone(plan: Arc<dyn ExecutionPlan>) -> OfRun {
        OfRun { plan, taken: None, values: None }
    }

    /// The task of the run, and what it gives back.
    fn begin(self, ctx: &Arc<QueryContext>) -> (Arc<dyn ExecutionPlan>, Arc<TaskContext>, Option<Taken>) {
        let task = match self.values {
            Some(values) => session::task_with(ctx, values),
            None => session::task(ctx),
        };
        (self.plan, task, self.taken)
    }
}

impl From<Taken> for OfRun {
    fn from(taken: Taken) -> OfRun {
        OfRun { plan: Arc::clone(&taken.plan), taken: Some(taken), values: None }
    }
}

/// The plan that compiling made, for one run of the query that compiled it.
struct First {
    query_id: Arc<str>,
    now_ns: i64,
    plan: Arc<dyn ExecutionPlan>,
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
        let (physical, task, taken) = self.rows.physical(ctx).await?.begin(ctx);
        let hashes = ctx.runtime.config.spill_dir.is_some() && joins_by_hash(&physical);
        let started = Started::new(physical, task, ctx)?;
        let mut stream = BlockStream::new(self.header.clone(), started, ctx.clone()).giving_back(taken);
        if hashes {
            // a hash join holds one side in memory; a merge join sorts both, and sorting spills
            let (plan, ctx) = (self.rows.clone(), ctx.clone());
            let frugal = async move {
                let physical = plan_physical(plan.bound(), session::frugal_state(&ctx), &ctx).await?;
                Started::new(physical, session::task(&ctx), &ctx)
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
        let OfRun { plan: physical, taken, .. } = match &self.rows {
            // with its parameters' values in it
            Plan::Timed(timed) => OfRun::alone(plan_for_run(timed.bound(), ctx).await?),
            plan => plan.physical(ctx).await?,
        };
        let mut lines = Vec::new();
        for (mut line, operator) in operators(&physical, 0) {
            if let Some(scan) = operator.downcast_ref::<ScanExec>() {
                line.push_str(&scan.forecast(ctx).await?);
            }
            lines.push(line);
        }
        if let Some(taken) = taken {
            taken.give_back();
        }
        Ok(lines)
    }

    /// True when nothing of the query's time or randomness is in the plan, so that it can be kept for other queries.
    pub fn is_reusable(&self) -> bool {
        let physical = |plan: &Plan| !matches!(plan, Plan::Logical(..) | Plan::Timed(_));
        physical(&self.rows) && self.totals.as_ref().is_none_or(physical)
    }
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compiled").field("header", &self.header).finish_non_exhaustive()
    }
}

async fn totals(plan: Plan, header: Header, ctx: Arc<QueryContext>) -> Result<Option<Block>> {
    let (plan, task, taken) = plan.physical(&ctx).await?.begin(&ctx);
    let started = Started::new(plan, task, &ctx)?;
    let block = BlockStream::new(header, started, ctx).giving_back(taken).collect_one().await?;
    Ok((block.rows() != 0).then_some(block))
}

impl Plan {
    async fn new(bound: &LogicalPlan, ctx: &QueryContext) -> Result<Plan> {
        if !is_timeless(bound)? {
            if let Some(timed) = Timed::new(bound, ctx).await {
                return Ok(Plan::Timed(Arc::new(timed)));
            }
            let plan = plan_for_run(bound, ctx).await?;
            let first = First { query_id: ctx.caller.query_id.clone(), now_ns: ctx.now_ns, plan };
            return Ok(Plan::Logical(Arc::new(bound.clone()), Arc::new(Mutex::new(Some(first)))));
        }
        let kept = Arc::new(projections::rewritten(bound.clone(), ctx)?);
        if let Some(plan) = brief::plan(bound, ctx).await? {
            return Ok(Plan::Brief(plan, kept));
        }
        let plan = plan_physical(&kept, session::state(ctx), ctx).await?;
        if !is_for_one(&plan) {
            return Ok(match sizes::matter(&plan) {
                true => Plan::Joining(Arc::new(Mutex::new(plan)), kept),
                false => Plan::Physical(plan, kept),
            });
        }
        let spares = Spares::default();
        spares.taken(plan).give_back();
        Ok(Plan::Spare(spares, kept))
    }

    /// A plan with fresh operators, which one run may use up.
    async fn physical(&self, ctx: &QueryContext) -> Result<OfRun> {
        let plan = match self {
            Plan::Physical(plan, _) => reset_plan_states(plan.clone())?,
            Plan::Joining(kept, bound) => {
                let known = kept.lock().clone();
                let plan = match sizes::still_hold(&known, ctx)? {
                    true => known,
                    false => {
                        let plan = plan_physical(bound, session::state(ctx), ctx).await?;
                        kept.lock().clone_from(&plan);
                        plan
                    }
                };
                reset_plan_states(plan)?
            }
            Plan::Brief(plan, _) if brief::reads_little(plan, ctx, None)? => reset_plan_states(plan.clone())?,
            Plan::Brief(_, bound) => plan_physical(bound, session::state(ctx), ctx).await?,
            Plan::Spare(spares, bound) => {
                return Ok(match spares.take_for(ctx)? {
                    Some(taken) => taken.into(),
                    None => spares.taken(plan_physical(bound, session::state(ctx), ctx).await?).into(),
                });
            }
            Plan::Timed(timed) => match timed.for_run(ctx).await {
                Some((taken, values)) => return Ok(OfRun { values: Some(values), ..taken.into() }),
                None => plan_for_run(timed.bound(), ctx).await?,
            },
            Plan::Logical(bound, first) => {
                let is_of = |first: &First| *first.query_id == *ctx.caller.query_id && first.now_ns == ctx.now_ns;
                let first = first.lock().take().filter(is_of);
                match first {
                    Some(first) => first.plan,
                    None => plan_for_run(bound, ctx).await?,
                }
            }
        };
        Ok(OfRun::alone(plan))
    }

    fn bound(&self) -> &LogicalPlan {
        match self {
            Plan::Physical(_, bound)
            | Plan::Joining(_, bound)
            | Plan::Brief(_, bound)
            | Plan::Spare(_, bound)
            | Plan::Logical(bound, _) => bound,
            Plan::Timed(timed) => timed.bound(),
        }
    }
}

/// True when a hash join is anywhere in the plan.
pub(crate) fn joins_by_hash(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.name() == "HashJoinExec" || plan.children().into_iter().any(joins_by_hash)
}

/// A plan for one run over this snapshot.
async fn plan_for_run(bound: &LogicalPlan, ctx: &QueryContext) -> Result<Arc<dyn ExecutionPlan>> {
    match brief::plan(bound, ctx).await? {
        Some(plan) => Ok(plan),
        None => plan_physical(&projections::rewritten(bound.clone(), ctx)?, session::state(ctx), ctx).await,
    }
}

pub(crate) async fn plan_physical(
    bound: &LogicalPlan,
    state: SessionState,
    ctx: &QueryContext,
) -> Result<Arc<dyn ExecutionPlan>> {
    ctx.runtime.plans.count_planning();
    let optimized = state.optimize(bound)?;
    let state = sizes::informed(state, &optimized, ctx)?;
    Ok(state.query_planner().create_physical_plan(&optimized, &state).await?)
}

/// True when every function of the plan, in subqueries too, depends on its arguments only.
pub(crate) fn is_timeless(plan: &LogicalPlan) -> Result<bool> {
    let mut timeless = true;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::ScalarFunction(call) = expr
                    && call.func.signature().volatility != Volatility::Immutable
                {
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

/// The operators of a plan, each with its line.
fn operators(plan: &Arc<dyn ExecutionPlan>, depth: usize) -> Vec<(String, Arc<dyn ExecutionPlan>)> {
    let mut found = Vec::new();
    // Only say that what is below them yields to others now and then.
    let is_plumbing = ["CooperativeExec", attentive::NAME].contains(&plan.name());
    if !is_plumbing {
        let line = format!("{}{}", "  ".repeat(depth), displayable(plan.as_ref()).one_line().to_string().trim_end());
        found.push((line, Arc::clone(plan)));
    }
    for child in plan.children() {
        found.extend(operators(child, depth + usize::from(!is_plumbing)));
    }
    found
}
