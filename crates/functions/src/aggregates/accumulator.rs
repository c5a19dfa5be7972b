//! One group: aggregation without GROUP BY, and window functions.

use std::collections::VecDeque;
use std::fmt;

use aggregate::{Aggregate, GroupedStates, Rows};
use arrow::array::{Array, ArrayRef};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::Accumulator;

use super::{Phase, arguments, in_datafusion};

/// The state of one group. Results can be asked for at any time and do not end it: growing window frames do that.
pub(super) struct OneGroup {
    aggregate: Aggregate,
    phase: Phase,
    states: Box<dyn GroupedStates>,
    /// As many zeros as the longest batch had rows: the group of each row.
    zeros: Vec<usize>,
}

impl OneGroup {
    pub fn new(aggregate: Aggregate, phase: Phase) -> OneGroup {
        let mut states = aggregate.grouped();
        states.grow(1);
        OneGroup { states, aggregate, phase, zeros: Vec::new() }
    }
}

fn all_in_one(zeros: &mut Vec<usize>, length: usize) -> Rows<'_> {
    if zeros.len() < length {
        zeros.resize(length, 0);
    }
    Rows::all(&zeros[..length], 1)
}

/// How many rows the columns have. There is always one: functions without arguments get a row marker.
fn length(values: &[ArrayRef]) -> Result<usize> {
    match values.first() {
        Some(first) => Ok(first.len()),
        None => internal_err!("an aggregate function without arguments needs a row marker"),
    }
}

impl Accumulator for OneGroup {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = all_in_one(&mut self.zeros, length(values)?);
        self.phase.update(&mut *self.states, arguments(&self.aggregate, self.phase, values), rows)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let results = match self.phase {
            Phase::Whole | Phase::OfStates => self.states.result_column(1),
            Phase::ToStates => self.states.state_column(1),
        };
        let results = results.map_err(in_datafusion)?;
        ScalarValue::try_from_array(&results, 0)
    }

    fn size(&self) -> usize {
        self.states.size_bytes() + self.zeros.capacity() * size_of::<usize>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let states = self.states.state_column(1).map_err(in_datafusion)?;
        Ok(vec![ScalarValue::try_from_array(&states, 0)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let rows = all_in_one(&mut self.zeros, length(states)?);
        self.states.merge(&states[0], rows).map_err(in_datafusion)
    }
}

impl fmt::Debug for OneGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OneGroup({:?})", self.aggregate)
    }
}

/// A frame that rows leave again. Few states can take a row back exactly (sums of floats cannot), so the frame's rows are
/// kept and the state is computed anew from them: results are those of the frame, whatever was in it before.
pub(super) struct SlidingFrame {
    aggregate: Aggregate,
    batches: VecDeque<Vec<ArrayRef>>,
}

impl SlidingFrame {
    pub fn new(aggregate: Aggregate) -> SlidingFrame {
        SlidingFrame { aggregate, batches: VecDeque::new() }
    }

    fn whole(&self) -> Result<OneGroup> {
        let mut group = OneGroup::new(self.aggregate.clone(), Phase::Whole);
        self.batches.iter().try_for_each(|batch| group.update_batch(batch))?;
        Ok(group)
    }
}

impl Accumulator for SlidingFrame {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        if length(values)? > 0 {
            self.batches.push_back(values.to_vec());
        }
        Ok(())
    }

    /// Rows leave in the order in which they came.
    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let mut leaving = length(values)?;
        while let Some(first) = self.batches.front_mut().filter(|_| leaving > 0) {
            let rows = length(first)?;
            if rows > leaving {
                first.iter_mut().for_each(|array| *array = array.slice(leaving, rows - leaving));
                return Ok(());
            }
            leaving -= rows;
            self.batches.pop_front();
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.whole()?.evaluate()
    }

    fn size(&self) -> usize {
        self.batches.iter().flatten().map(|array| array.get_array_memory_size()).sum()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.whole()?.state()
    }

    fn merge_batch(&mut self, _states: &[ArrayRef]) -> Result<()> {
        internal_err!("window frames have no partial phase")
    }
}

impl fmt::Debug for SlidingFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlidingFrame({:?}, {} batches)", self.aggregate, self.batches.len())
    }
}
