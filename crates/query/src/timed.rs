//! Plans with the query's time in them, planned once: what a plan makes of `now()` alone is a parameter, whose value each
//! run computes before it starts.
//!
//! ```text
//! ts > now() - INTERVAL 1 HOUR  ─▶  ts > $0      $0 = now() - INTERVAL 1 HOUR, at the time of the run
//! ```
//! A run gives what a fresh plan would. Where that is not sure (a value is NULL or cannot be computed, randomness is in the
//! plan) nothing here says a word, and the run is planned by itself.

use std::sync::Arc;

use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, Volatility};
use parking_lot::Mutex;

use crate::brief;
use crate::compile::is_timeless;
use crate::context::QueryContext;
use crate::error::Result;
use crate::parameters::{Cell, Values, placeholder, to_calls, to_open_filters};
use crate::projections;
use crate::session;
use crate::sizes;
use crate::spare::{Spares, Taken};
use crate::template::value;

/// A query whose time is its only parameter.
pub(crate) struct Timed {
    bound: Arc<LogicalPlan>,
    /// The same with parameters.
    open: LogicalPlan,
    /// What they are, in the order of their numbers.
    moments: Vec<Expr>,
    /// For runs that read little; absent where the query is not simple.
    brief: Option<Spares>,
    /// For the others.
    full: Spares,
    /// What compiling made, for the run of the query that compiled: nothing is computed twice in it.
    first: Mutex<Option<First>>,
}

struct First {
    query_id: Arc<str>,
    now_ns: i64,
    taken: Taken,
    values: Values,
}

impl Timed {
    /// The query with its first plan; `None` when it cannot be kept.
    pub(crate) async fn new(bound: &LogicalPlan, ctx: &QueryContext) -> Option<Timed> {
        let (open, moments) = taken_out(bound).ok()?;
        if moments.is_empty() || !is_timeless(&open).ok()? {
            return None;
        }
        let brief = (brief::is_simple(&open) && !projections::insists(ctx)).then(Spares::default);
        let (bound, full, first) = (Arc::new(bound.clone()), Spares::default(), Mutex::default());
        let timed = Timed { bound, open, moments, brief, full, first };
        let (taken, values) = timed.for_run(ctx).await?;
        let (query_id, now_ns) = (Arc::clone(&ctx.caller.query_id), ctx.now_ns);
        *timed.first.lock() = Some(First { query_id, now_ns, taken, values });
        Some(timed)
    }

    /// As it was bound.
    pub(crate) fn bound(&self) -> &LogicalPlan {
        &self.bound
    }

    /// A plan for one run, and what its parameters are in it. `None`: the run must be planned by itself.
    pub(crate) async fn for_run(&self, ctx: &QueryContext) -> Option<(Taken, Values)> {
        let first = self.first.lock().take();
        match first {
            Some(first) if first.query_id == ctx.caller.query_id && first.now_ns == ctx.now_ns => {
                return Some((first.taken, first.values));
            }
            other => other.into_iter().for_each(|first| first.taken.give_back()),
        }
        let values: Values =
            self.moments.iter().map(|moment| value(moment.clone(), ctx)).collect::<Option<Vec<_>>>()?.into();
        let taken = self.plan(ctx, &values).await.ok()?;
        taken.cell.fill(&values);
        Some((taken, values))
    }

    async fn plan(&self, ctx: &QueryContext, values: &Values) -> Result<Taken> {
        if let Some(brief) = &self.brief {
            let taken = match brief.take() {
                Some(taken) => taken,
                None => self.fresh(brief, &self.open, session::brief_state(ctx), ctx).await?,
            };
            if brief::reads_little(&taken.plan, ctx, Some(values))? {
                return Ok(taken);
            }
            taken.give_back();
        }
        match self.full.take_for(ctx)? {
            Some(taken) => Ok(taken),
            None => {
                let open = projections::rewritten(self.open.clone(), ctx)?;
                self.fresh(&self.full, &open, session::state(ctx), ctx).await
            }
        }
    }

    async fn fresh(
        &self,
        spares: &Spares,
        open: &LogicalPlan,
        state: SessionState,
        ctx: &QueryContext,
    ) -> Result<Taken> {
        let cell = Cell::default();
        let state = session::with_cell(state, &cell);
        ctx.runtime.plans.count_planning();
        let (logical, _) = to_calls(state.optimize(open)?)?;
        let state = sizes::informed(state, &logical, ctx)?;
        let physical = state.query_planner().create_physical_plan(&logical, &state).await?;
        let (physical, _) = to_open_filters(physical)?;
        Ok(spares.with_cell(physical, cell))
    }
}

/// The plan with placeholders for what depends on the time and on nothing else, and what they stand for.
fn taken_out(plan: &LogicalPlan) -> Result<(LogicalPlan, Vec<Expr>)> {
    let mut moments: Vec<Expr> = Vec::new();
    let plan = plan.clone().transform_up_with_subqueries(|node| {
        // its numbers are read while it is planned
        if matches!(node, LogicalPlan::Limit(_)) {
            return Ok(Transformed::no(node));
        }
        let names = NamePreserver::new(&node);
        node.map_expressions(|expr| {
            let name = names.save(&expr);
            let expr = expr.transform_down(|expr| {
                if !is_moment(&expr) {
                    return Ok(Transformed::no(expr));
                }
                let ty = expr.get_type(&DFSchema::empty())?;
                let number = moments.iter().position(|known| *known == expr).unwrap_or_else(|| {
                    moments.push(expr);
                    moments.len() - 1
                });
                Ok(Transformed::new(placeholder(number, &ty), true, TreeNodeRecursion::Jump))
            })?;
            Ok(expr.update_data(|expr| name.restore(expr)))
        })
    })?;
    Ok((plan.data, moments))
}

/// True for what has one value in a run and another in the next: calls of the time, constants and what is computed of them.
fn is_moment(expr: &Expr) -> bool {
    let mut has_time = false;
    let mut is_known = true;
    let walked = expr.apply(|part| {
        match part {
            Expr::ScalarFunction(call) => match call.func.signature().volatility {
                Volatility::Immutable => {}
                Volatility::Stable => has_time = true,
                Volatility::Volatile => is_known = false,
            },
            Expr::Literal(..) | Expr::Cast(_) | Expr::BinaryExpr(_) | Expr::Not(_) | Expr::Case(_) => {}
            Expr::IsNull(_) | Expr::IsNotNull(_) => {}
            _ => is_known = false,
        }
        Ok(if is_known { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    walked.is_ok() && is_known && has_time
}
