//! `-Map`: the values of each key of the argument map are a group of their own; results come sorted by key.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray};
use types::DataType;

use super::Combined;
use super::array::Lists;
use super::slots::{Slots, list_column};
use crate::aggregate::{GroupedStates, Made, Rows, forget_first};
use crate::cell::{CellReader, CellWriter, Nulls, Shape};
use crate::error::{Error, Result};
use crate::rows::{state_columns, state_struct};

pub(crate) fn resolve(call: &Combined<'_>) -> Result<Made> {
    let [arg] = call.args else { return Err(call.argument_count("one map")) };
    let DataType::Map(entry) = arg.base() else { return Err(call.argument_type(arg, "a map")) };
    let made = call.below(call.params, std::slice::from_ref(&entry.1))?;
    let (key, factory) = (Shape::of(&entry.0), made.factory);
    let result = DataType::map(entry.0.clone(), made.result);
    Ok(Made::new(result, move || MapStates {
        slots: Slots::new(factory.clone()),
        groups: Vec::new(),
        key: key.clone(),
        bytes: 0,
    }))
}

/// For each group the slot of each key's cell.
struct MapStates {
    slots: Slots,
    groups: Vec<BTreeMap<Box<[u8]>, usize>>,
    key: Shape,
    bytes: usize,
}

impl MapStates {
    /// Keys and the column beside them of all rows that count, and the slot of each.
    fn place(&mut self, entries: &ArrayRef, rows: Rows<'_>) -> Result<(ArrayRef, Vec<usize>)> {
        let lists = Lists::new(std::slice::from_ref(entries))?;
        let (mut kept, mut owners) = (Vec::new(), Vec::new());
        rows.try_for_each(|row, group| {
            owners.extend(std::iter::repeat_n(group, lists.length(row)?));
            kept.push(row);
            Ok(())
        })?;
        let flat = lists.flatten(&kept)?.swap_remove(0);
        let columns = match flat.as_struct_opt() {
            Some(columns) if columns.num_columns() == 2 => columns,
            _ => {
                return Err(Error::ArrowType { expected: "entries".to_owned(), found: flat.data_type().to_string() });
            }
        };
        let keys = CellReader::new(&self.key, columns.column(0), Nulls::Last)?;
        let mut scratch = Vec::new();
        let mut slots = Vec::with_capacity(owners.len());
        for (row, group) in owners.into_iter().enumerate() {
            let key = keys.cell(row, &mut scratch);
            let slot = match self.groups[group].get(key) {
                Some(slot) => *slot,
                None => {
                    self.bytes += key.len() + 32;
                    let slot = self.slots.add();
                    self.groups[group].insert(key.into(), slot);
                    slot
                }
            };
            slots.push(slot);
        }
        Ok((columns.column(1).clone(), slots))
    }

    fn flat(&self, n: usize) -> Vec<usize> {
        self.groups[..n].iter().flat_map(BTreeMap::values).copied().collect()
    }

    /// The keys of the first `n` groups beside `values`.
    fn entries(&self, n: usize, name: &str, values: ArrayRef) -> Result<ArrayRef> {
        let mut keys = CellWriter::new(&self.key);
        for key in self.groups[..n].iter().flat_map(BTreeMap::keys) {
            keys.push(&mut &**key)?;
        }
        let entries = state_struct(vec![("key", keys.finish()?), (name, values)])?;
        list_column(entries, self.groups[..n].iter().map(BTreeMap::len))
    }
}

impl GroupedStates for MapStates {
    fn update(&mut self, args: &[ArrayRef], rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let (values, slots) = self.place(&args[0], rows)?;
        self.slots.update(&[values], &slots)
    }

    fn merge(&mut self, states: &ArrayRef, rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let columns = state_columns(states, 1)?;
        let (states, slots) = self.place(&columns[0], rows)?;
        self.slots.merge(&states, &slots)
    }

    fn state_column(&mut self, n: usize) -> Result<ArrayRef> {
        let states = self.slots.state_column(&self.flat(n))?;
        state_struct(vec![("entries", self.entries(n, "state", states)?)])
    }

    fn result_column(&mut self, n: usize) -> Result<ArrayRef> {
        let results = self.slots.result_column(&self.flat(n))?;
        self.entries(n, "value", results)
    }

    fn forget(&mut self, n: usize) {
        forget_first(&mut self.groups, n);
        let kept = self.groups.iter_mut().flat_map(BTreeMap::values_mut);
        self.slots.keep(kept).expect("states that were just written can be read");
    }

    fn groups(&self) -> usize {
        self.groups.len()
    }

    fn grow(&mut self, total: usize) {
        if self.groups.len() < total {
            self.groups.resize(total, BTreeMap::new());
        }
    }

    fn size_bytes(&self) -> usize {
        self.groups.capacity() * size_of::<BTreeMap<Box<[u8]>, usize>>() + self.bytes + self.slots.size_bytes()
    }
}
