//! `-ForEach`: the elements at each position of the argument arrays are a group of their own.

use arrow::array::{Array, ArrayRef, AsArray};
use types::DataType;

use super::Combined;
use super::array::{Lists, item_types};
use super::slots::{Slots, list_column};
use crate::aggregate::{GroupedStates, Made, Rows};
use crate::error::{Error, Result};
use crate::rows::{state_columns, state_struct};

pub(super) fn resolve(call: &Combined<'_>) -> Result<Made> {
    let items = item_types(call)?;
    let made = call.below(call.params, &items)?;
    let (result, factory) = (DataType::array(made.result), made.factory);
    Ok(Made::new(result, move || ForEach { slots: Slots::new(factory.clone()), groups: Vec::new() }))
}

/// For each group the slot of each position.
struct ForEach {
    slots: Slots,
    groups: Vec<Vec<usize>>,
}

impl ForEach {
    /// Appends the slots of a row's `length` elements.
    fn place(&mut self, group: usize, length: usize, out: &mut Vec<usize>) {
        let positions = &mut self.groups[group];
        while positions.len() < length {
            positions.push(self.slots.add());
        }
        out.extend_from_slice(&positions[..length]);
    }

    fn flat(&self, n: usize) -> Vec<usize> {
        self.groups[..n].iter().flatten().copied().collect()
    }
}

impl GroupedStates for ForEach {
    fn update(&mut self, args: &[ArrayRef], rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let lists = Lists::new(args)?;
        let (mut kept, mut slots) = (Vec::new(), Vec::new());
        rows.try_for_each(|row, group| {
            self.place(group, lists.length(row)?, &mut slots);
            kept.push(row);
            Ok(())
        })?;
        self.slots.update(&lists.flatten(&kept)?, &slots)
    }

    fn merge(&mut self, states: &ArrayRef, rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let columns = state_columns(states, 1)?;
        merge_lists(&columns[0], rows, |group, length, slots| self.place(group, length, slots))
            .and_then(|(states, slots)| self.slots.merge(&states, &slots))
    }

    fn state_column(&mut self, n: usize) -> Result<ArrayRef> {
        let states = self.slots.state_column(&self.flat(n))?;
        state_struct(vec![("states", list_column(states, self.groups[..n].iter().map(Vec::len))?)])
    }

    fn result_column(&mut self, n: usize) -> Result<ArrayRef> {
        let results = self.slots.result_column(&self.flat(n))?;
        list_column(results, self.groups[..n].iter().map(Vec::len))
    }

    fn forget(&mut self, n: usize) {
        crate::aggregate::forget_first(&mut self.groups, n);
        self.slots.keep(self.groups.iter_mut().flatten()).expect("states that were just written can be read");
    }

    fn groups(&self) -> usize {
        self.groups.len()
    }

    fn grow(&mut self, total: usize) {
        if self.groups.len() < total {
            self.groups.resize(total, Vec::new());
        }
    }

    fn size_bytes(&self) -> usize {
        self.groups.capacity() * size_of::<Vec<usize>>() + self.slots.len() * 8 + self.slots.size_bytes()
    }
}

/// The states inside the list column `lists` at the rows that count, and the slot of each, which `place` appends.
pub(super) fn merge_lists(
    lists: &ArrayRef,
    rows: Rows<'_>,
    mut place: impl FnMut(usize, usize, &mut Vec<usize>),
) -> Result<(ArrayRef, Vec<usize>)> {
    if lists.as_list_opt::<i32>().is_none() {
        return Err(Error::ArrowType { expected: "List".to_owned(), found: lists.data_type().to_string() });
    }
    let lists = Lists::new(std::slice::from_ref(lists))?;
    let (mut kept, mut slots) = (Vec::new(), Vec::new());
    rows.try_for_each(|row, group| {
        place(group, lists.length(row)?, &mut slots);
        kept.push(row);
        Ok(())
    })?;
    let states = lists.flatten(&kept)?.swap_remove(0);
    Ok((states, slots))
}
