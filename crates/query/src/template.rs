//! One plan for all statements of a shape: planned once, run with the constants of each statement.
//!
//! ```text
//! statement ─▶ shape + constants ─▶ template (planned when the shape is first seen)
//!                          └──────▶ bound beside the columns they are compared with ─▶ values ─▶ run
//! ```
//!
//! What a run gives is what a fresh plan of the statement gives. Whatever does not surely fit, a constant of another
//! kind, a value that cannot be computed, a shape with constants in odd places, is planned as a statement of its own:
//! then nothing here says a word, errors included.

use std::sync::Arc;

use datafusion::common::DFSchema;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::physical_expr::create_physical_expr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use futures::FutureExt;
use parking_lot::Mutex;
use types::{Header, TableId};

use crate::bind::{Bound, Slot, bind_constants, bind_marked};
use crate::brief;
use crate::cache::{Kept, PlanKey};
use crate::compile::{is_timeless, joins_by_hash, plan_physical};
use crate::context::QueryContext;
use crate::error::Result;
use crate::expressions::{bind_context, function_context, one_row, props};
use crate::parameters::{Place, Values, to_calls, to_open_filters, with_constants};
use crate::projections;
use crate::relations::SnapshotRelations;
use crate::run::{BlockStream, Started};
use crate::session;
use crate::shape::Shape;
use crate::sizes;
use crate::spare::is_for_one;

/// The plans of a shape.
#[derive(Debug)]
pub struct Template {
    header: Header,
    uses: Arc<[(TableId, u64)]>,
    slots: Vec<Slot>,
    /// For runs that read little; absent where the shape is not simple.
    brief: Option<Arc<dyn ExecutionPlan>>,
    /// For the others; made when the first one comes, since how many threads are worth it depends on the tables.
    full: Mutex<Option<Full>>,
}

/// A plan for runs that read much.
#[derive(Clone, Debug)]
struct Full {
    /// Absent where the optimizer moved a constant to where no run could put in its value.
    plan: Option<Arc<dyn ExecutionPlan>>,
    bound: Arc<LogicalPlan>,
}

impl Full {
    /// True when the tables have about the sizes for which it was planned.
    fn still_fits(&self, ctx: &QueryContext) -> Result<bool> {
        self.plan.as_ref().map_or(Ok(true), |plan| sizes::still_hold(plan, ctx))
    }
}

/// A statement that is ready to run: its shape's plans and its own constants.
pub(crate) struct Filled {
    template: Arc<Template>,
    values: Values,
    shape: Shape,
}

/// What a shape turned out to be.
enum Made {
    Template(Template),
    /// Only these marks can stay open.
    Narrowed(Arc<[bool]>, Arc<[(TableId, u64)]>),
}

/// The plans of the statement's shape, from the plan cache or made now, and the statement's constants; `None` where it
/// must be planned by itself.
pub(crate) async fn of_statement(query: &sql::Query, ctx: &QueryContext) -> Option<Filled> {
    let plans = &ctx.runtime.plans;
    if !plans.keeps() {
        return None;
    }
    let mut shape = Shape::of(query)?;
    // one narrowing at most: what is left open then was found to be so
    for _ in 0..2 {
        let key = PlanKey::of_shape(&shape.text()?, shape.constants.len(), ctx);
        let kept = match plans.lookup(&key, &ctx.snapshot) {
            Some(kept) => kept,
            None => match make(&shape, ctx).await.ok()? {
                Made::Template(template) => {
                    let template = Arc::new(template);
                    plans.keep(key, Kept::Template(template.clone()), template.uses.clone());
                    let values = values(&template, &shape, ctx)?;
                    plans.count(false);
                    return Some(Filled { template, values, shape });
                }
                Made::Narrowed(open, uses) => {
                    plans.keep(key, Kept::Narrowed(open.clone()), uses);
                    Kept::Narrowed(open)
                }
            },
        };
        match kept {
            Kept::Template(template) => {
                let values = values(&template, &shape, ctx)?;
                plans.count(true);
                return Some(Filled { template, values, shape });
            }
            Kept::Narrowed(open) => shape = shape.narrowed(&open)?,
            Kept::Plan(_) => return None,
        }
    }
    None
}

impl Filled {
    /// Starts a run over the snapshot and limits of `ctx`.
    pub(crate) async fn run(self, ctx: &Arc<QueryContext>) -> Result<BlockStream> {
        ctx.check()?;
        let Filled { template, values, shape } = self;
        if let Some(plan) = &template.brief
            && brief::reads_little(plan, ctx, Some(&values))?
        {
            let started = Started::new(reset_plan_states(plan.clone())?, session::task_with(ctx, values), ctx)?;
            return Ok(BlockStream::new(template.header.clone(), started, ctx.clone()));
        }
        let known = template.full.lock().clone();
        let full = match known {
            Some(full) if full.still_fits(ctx)? => full,
            _ => {
                let (bound, _) = bind_shape(&shape, ctx)?;
                let full = plan_full(bound.plan, ctx).await?;
                template.full.lock().insert(full).clone()
            }
        };
        let plan = match &full.plan {
            Some(plan) => reset_plan_states(plan.clone())?,
            None => plan_physical(&with_constants(&full.bound, &values)?, session::state(ctx), ctx).await?,
        };
        let hashes = ctx.runtime.config.spill_dir.is_some() && joins_by_hash(&plan);
        let started = Started::new(plan, session::task_with(ctx, values.clone()), ctx)?;
        let stream = BlockStream::new(template.header.clone(), started, ctx.clone());
        if !hashes {
            return Ok(stream);
        }
        let ctx = ctx.clone();
        let frugal = async move {
            let bound = with_constants(&full.bound, &values)?;
            let physical = plan_physical(&bound, session::frugal_state(&ctx), &ctx).await?;
            Started::new(physical, session::task(&ctx), &ctx)
        };
        Ok(stream.or_frugally(frugal.boxed()))
    }
}

fn bind_shape(shape: &Shape, ctx: &QueryContext) -> Result<(Bound, Vec<Option<Slot>>)> {
    let functions = function_context(ctx)?;
    let relations = SnapshotRelations::new(ctx);
    let mut context = bind_context(&relations, &functions, ctx);
    context.constants = &shape.constants;
    let (mut bound, slots) = bind_marked(&shape.query, &context)?;
    bound.lists_tables |= relations.named_collections();
    bound.uses.extend(relations.passed());
    Ok((bound, slots))
}

async fn make(shape: &Shape, ctx: &QueryContext) -> Result<Made> {
    let (bound, slots) = bind_shape(shape, ctx)?;
    let uses: Arc<[(TableId, u64)]> = bound.uses.as_slice().into();
    let none = |uses| Made::Narrowed(vec![false; shape.constants.len()].into(), uses);
    let kept = bound.deterministic && !bound.lists_tables && is_timeless(&bound.plan)?;
    if bound.totals.is_some() || !kept {
        return Ok(none(uses));
    }
    if slots.iter().any(Option::is_none) {
        return Ok(Made::Narrowed(slots.iter().map(Option::is_some).collect(), uses));
    }
    let mut template = Template {
        header: bound.header,
        uses,
        slots: slots.into_iter().flatten().collect(),
        brief: None,
        full: Mutex::default(),
    };
    if brief::is_simple(&bound.plan) && !projections::insists(ctx) {
        template.brief = open(brief::optimize(&bound.plan, ctx)?, ctx, session::brief_state(ctx)).await?;
    } else {
        let full = plan_full(bound.plan, ctx).await?;
        template.full = Mutex::new(full.plan.is_some().then_some(full));
    }
    let is_planned = template.brief.is_some() || template.full.lock().is_some();
    Ok(if is_planned { Made::Template(template) } else { none(template.uses) })
}

async fn plan_full(bound: LogicalPlan, ctx: &QueryContext) -> Result<Full> {
    let bound = projections::rewritten(bound, ctx)?;
    let state = session::state(ctx);
    let plan = open(state.optimize(&bound)?, ctx, state).await?;
    Ok(Full { plan, bound: Arc::new(bound) })
}

/// The physical plan of an optimised one; `None` when a parameter stands where no run could put in its value, or runs of it
/// could not be under way at once.
async fn open(
    optimized: LogicalPlan,
    ctx: &QueryContext,
    state: datafusion::execution::session_state::SessionState,
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let (logical, place) = to_calls(optimized)?;
    if place == Place::Anywhere {
        return Ok(None);
    }
    ctx.runtime.plans.count_planning();
    let state = sizes::informed(state, &logical, ctx)?;
    let physical = state.query_planner().create_physical_plan(&logical, &state).await?;
    if is_for_one(&physical) {
        return Ok(None);
    }
    let (physical, place) = to_open_filters(physical)?;
    Ok((place == Place::Filters).then_some(physical))
}

/// The constants of a statement as values; `None` when one does not fit, or has no value.
fn values(template: &Template, shape: &Shape, ctx: &QueryContext) -> Option<Values> {
    let functions = function_context(ctx).ok()?;
    let relations = SnapshotRelations::new(ctx);
    let context = bind_context(&relations, &functions, ctx);
    let bound = bind_constants(shape.select()?, &template.slots, &shape.constants, &context).ok()??;
    let values = bound.into_iter().map(|expr| value(expr, ctx)).collect::<Option<Vec<ScalarValue>>>()?;
    Some(values.into())
}

/// The one value of an expression without columns, at the query's time; `None` when it is NULL or cannot be computed.
pub(crate) fn value(expr: Expr, ctx: &QueryContext) -> Option<ScalarValue> {
    let value = match expr {
        Expr::Literal(value, _) => value,
        expr => {
            let planning = PhysicalPlanningContext::default();
            let physical = create_physical_expr(&expr, &DFSchema::empty(), &props(ctx), &planning).ok()?;
            let array = physical.evaluate(&one_row()).ok()?.into_array(1).ok()?;
            ScalarValue::try_from_array(&array, 0).ok()?
        }
    };
    (!value.is_null()).then_some(value)
}
