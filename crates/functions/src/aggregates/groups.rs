//! GROUP BY: states of all groups at once.

use aggregate::{Aggregate, Emit, GroupedStates, Rows};
use arrow::array::{Array, ArrayRef, BooleanArray};
use datafusion::common::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::{Phase, arguments, in_datafusion};

/// The states of a grouped aggregation.
pub(super) struct Groups {
    aggregate: Aggregate,
    phase: Phase,
    states: Box<dyn GroupedStates>,
}

impl Groups {
    pub fn new(aggregate: Aggregate, phase: Phase) -> Groups {
        Groups { states: aggregate.grouped(), aggregate, phase }
    }
}

fn emit(emit_to: EmitTo) -> Emit {
    match emit_to {
        EmitTo::All => Emit::All,
        EmitTo::First(n) => Emit::First(n),
    }
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        let rows = Rows { groups: group_indices, filter: opt_filter, total: total_num_groups };
        self.phase.update(&mut *self.states, arguments(&self.aggregate, self.phase, values), rows)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        match self.phase {
            Phase::Whole | Phase::OfStates => self.states.finish(emit(emit_to)).map_err(in_datafusion),
            Phase::ToStates => self.states.states(emit(emit_to)).map_err(in_datafusion),
        }
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.states.states(emit(emit_to)).map_err(in_datafusion)?])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        let rows = Rows::all(group_indices, total_num_groups);
        self.states.merge(&values[0], rows).map_err(in_datafusion)
    }

    /// Every row is a group of its own.
    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let length = values.first().map(|array| array.len()).or(opt_filter.map(|filter| filter.len())).unwrap_or(0);
        let groups: Vec<usize> = (0..length).collect();
        let mut states = self.aggregate.grouped();
        states.grow(length);
        let rows = Rows { groups: &groups, filter: opt_filter, total: length };
        self.phase.update(&mut *states, arguments(&self.aggregate, self.phase, values), rows)?;
        Ok(vec![states.states(Emit::All).map_err(in_datafusion)?])
    }

    fn size(&self) -> usize {
        self.states.size_bytes()
    }
}
