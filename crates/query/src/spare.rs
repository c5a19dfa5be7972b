//! Plans that serve one run at a time: what a run came to the end of with is kept for the next.
//!
//! DataFusion keeps the values of a plan's scalar subqueries in one container that all copies of the plan share, so two runs
//! at once need two plans. A plan is given back only by a run that came to its end: then every subquery of it was
//! evaluated, and nothing of that run writes into the container any more. A run that was cut off takes its plan with it.

use std::sync::Arc;

use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use parking_lot::Mutex;

use crate::context::QueryContext;
use crate::error::Result;
use crate::parameters::Cell;
use crate::sizes;

/// Plans that are kept of one query; more runs than these at once plan for themselves.
const SPARES_MAX: usize = 4;

/// Plans of one query that no run has.
#[derive(Clone, Default)]
pub(crate) struct Spares(Arc<Mutex<Vec<Spare>>>);

struct Spare {
    plan: Arc<dyn ExecutionPlan>,
    cell: Cell,
}

/// A plan that a run has.
pub(crate) struct Taken {
    /// The plan, with fresh operators.
    pub plan: Arc<dyn ExecutionPlan>,
    /// Where its parameters find the values of the run.
    pub cell: Cell,
    spares: Spares,
}

impl Spares {
    /// One that nobody has.
    pub(crate) fn take(&self) -> Option<Taken> {
        let Spare { plan, cell } = self.0.lock().pop()?;
        Some(self.with_cell(plan, cell))
    }

    /// One that nobody has, for about as many rows as there are now; those for other sizes are forgotten.
    pub(crate) fn take_for(&self, ctx: &QueryContext) -> Result<Option<Taken>> {
        while let Some(taken) = self.take() {
            if sizes::still_hold(&taken.plan, ctx)? {
                return Ok(Some(taken));
            }
        }
        Ok(None)
    }

    /// A new plan of this query.
    pub(crate) fn taken(&self, plan: Arc<dyn ExecutionPlan>) -> Taken {
        self.with_cell(plan, Cell::default())
    }

    /// A new plan of this query that has parameters.
    pub(crate) fn with_cell(&self, plan: Arc<dyn ExecutionPlan>, cell: Cell) -> Taken {
        Taken { plan, cell, spares: self.clone() }
    }
}

impl Taken {
    /// Gives the plan back, without the values of its subqueries. Only after its run came to its end, or without one.
    pub(crate) fn give_back(self) {
        // a plan that cannot be reset is left out, and the next run plans
        let Ok(plan) = reset_plan_states(self.plan) else { return };
        let mut spares = self.spares.0.lock();
        if spares.len() < SPARES_MAX {
            spares.push(Spare { plan, cell: self.cell });
        }
    }
}

/// True when runs of the plan cannot be under way at once.
pub(crate) fn is_for_one(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.name() == "ScalarSubqueryExec" || plan.children().into_iter().any(is_for_one)
}
