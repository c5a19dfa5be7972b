//! Several states a group: what `-ForEach`, `-Resample`, `-Map`, `-ArgMin` and `-ArgMax` keep of the function below.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ListArray, UInt64Array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::take;
use arrow::datatypes::Field;

use crate::aggregate::{Factory, GroupedStates, Rows};
use crate::combinator::merge_present;
use crate::error::Result;

/// States by slot number; slots are groups of the function below.
pub(super) struct Slots {
    factory: Factory,
    states: Box<dyn GroupedStates>,
    count: usize,
}

impl Slots {
    pub fn new(factory: Factory) -> Slots {
        Slots { states: factory(), factory, count: 0 }
    }

    /// A slot with the state of no rows.
    pub fn add(&mut self) -> usize {
        self.count += 1;
        self.count - 1
    }

    /// How many slots there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Adds one row for each element of `slots`.
    pub fn update(&mut self, args: &[ArrayRef], slots: &[usize]) -> Result<()> {
        self.states.update(args, Rows::all(slots, self.count))
    }

    /// Merges one state for each element of `slots`.
    pub fn merge(&mut self, states: &ArrayRef, slots: &[usize]) -> Result<()> {
        merge_present(self.states.as_mut(), states, Rows::all(slots, self.count))
    }

    /// The states of these slots.
    pub fn state_column(&mut self, slots: &[usize]) -> Result<ArrayRef> {
        self.states.grow(self.count);
        let column = self.states.state_column(self.count)?;
        pick(&column, slots)
    }

    /// The results of these slots.
    pub fn result_column(&mut self, slots: &[usize]) -> Result<ArrayRef> {
        self.states.grow(self.count);
        let column = self.states.result_column(self.count)?;
        pick(&column, slots)
    }

    /// Forgets all slots but those that `kept` names, and gives these their new numbers.
    pub fn keep<'a>(&mut self, kept: impl Iterator<Item = &'a mut usize>) -> Result<()> {
        let mut kept: Vec<&mut usize> = kept.collect();
        let mut states = (self.factory)();
        if !kept.is_empty() {
            let old: Vec<usize> = kept.iter().map(|slot| **slot).collect();
            let new: Vec<usize> = (0..old.len()).collect();
            let column = self.state_column(&old)?;
            states.merge(&column, Rows::all(&new, new.len()))?;
            kept.iter_mut().zip(new).for_each(|(slot, new)| **slot = new);
        }
        self.count = kept.len();
        self.states = states;
        Ok(())
    }

    pub fn size_bytes(&self) -> usize {
        self.states.size_bytes()
    }
}

fn pick(column: &ArrayRef, slots: &[usize]) -> Result<ArrayRef> {
    if slots.len() == column.len() && slots.iter().enumerate().all(|(i, slot)| i == *slot) {
        return Ok(Arc::clone(column));
    }
    let positions = UInt64Array::from_iter_values(slots.iter().map(|slot| *slot as u64));
    Ok(take(column, &positions, None)?)
}

/// A column of lists of these lengths over `items`.
pub(crate) fn list_column(items: ArrayRef, lengths: impl IntoIterator<Item = usize>) -> Result<ArrayRef> {
    let field = Arc::new(Field::new("item", items.data_type().clone(), true));
    Ok(Arc::new(ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), items, None)?))
}
