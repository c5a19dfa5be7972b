//! `-ArgMin` and `-ArgMax`: only rows with the smallest or greatest last argument count.

use arrow::array::{ArrayRef, UInt64Array};
use arrow::compute::take;

use super::Combined;
use super::slots::Slots;
use crate::aggregate::{GroupedStates, Made, Rows, forget_first};
use crate::cell::{CellReader, CellWriter, Shape};
use crate::error::Result;
use crate::extreme::Rule;
use crate::rows::{flag_column, flags, state_columns, state_struct};

pub(super) fn resolve(call: &Combined<'_>, rule: Rule) -> Result<Made> {
    let Some((key, args)) = call.args.split_last() else {
        return Err(call.argument_count("at least a key"));
    };
    let made = call.below(call.params, args)?;
    let (key, factory) = (Shape::of(key), made.factory);
    Ok(Made::new(made.result, move || ArgStates {
        slots: Slots::new(factory.clone()),
        groups: Vec::new(),
        key: key.clone(),
        rule,
    }))
}

/// The best key of a group and the slot of its rows.
#[derive(Clone)]
struct Best {
    key: Option<Box<[u8]>>,
    slot: usize,
    /// Whether the key was found in the running batch, so that the slot is still empty of it.
    fresh: bool,
}

struct ArgStates {
    slots: Slots,
    groups: Vec<Best>,
    key: Shape,
    rule: Rule,
}

impl ArgStates {
    /// The rows whose key is the best of their group now, and their slots. Groups whose best key changed get a new slot.
    fn best_rows(&mut self, keys: &ArrayRef, rows: Rows<'_>) -> Result<(UInt64Array, Vec<usize>)> {
        let keys = CellReader::new(&self.key, keys, self.rule.nulls())?;
        let mut scratch = Vec::new();
        let (groups, rule) = (&mut self.groups, self.rule);
        let mut changed = Vec::new();
        rows.for_each(|row, group| {
            let best = &mut groups[group];
            let key = keys.cell(row, &mut scratch);
            if best.key.as_ref().is_none_or(|old| rule.replaces(key, old)) {
                best.key = Some(key.into());
                if !best.fresh {
                    best.fresh = true;
                    changed.push(group);
                }
            }
        });
        for group in changed {
            self.groups[group].fresh = false;
            self.groups[group].slot = self.slots.add();
        }
        let (mut kept, mut slots) = (Vec::new(), Vec::new());
        let groups = &self.groups;
        rows.for_each(|row, group| {
            if groups[group].key.as_deref() == Some(keys.cell(row, &mut scratch)) {
                kept.push(row as u64);
                slots.push(groups[group].slot);
            }
        });
        Ok((kept.into(), slots))
    }

    /// Slots of groups that found better keys are waste; they go when they are the greater part.
    fn sweep(&mut self) -> Result<()> {
        if self.slots.len() > 2 * self.groups.len() + 1024 {
            self.slots.keep(self.groups.iter_mut().map(|best| &mut best.slot))?;
        }
        Ok(())
    }

    fn flat(&self, n: usize) -> Vec<usize> {
        self.groups[..n].iter().map(|best| best.slot).collect()
    }
}

impl GroupedStates for ArgStates {
    fn update(&mut self, args: &[ArrayRef], rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let Some((keys, args)) = args.split_last() else { return Ok(()) };
        let (kept, slots) = self.best_rows(keys, rows)?;
        let args = args.iter().map(|array| take(array, &kept, None));
        let args = args.collect::<std::result::Result<Vec<_>, _>>()?;
        self.slots.update(&args, &slots)?;
        self.sweep()
    }

    fn merge(&mut self, states: &ArrayRef, rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let columns = state_columns(states, 3)?;
        let filter = crate::rows::and(rows.filter, flag_column(columns, 0)?);
        let (kept, slots) = self.best_rows(&columns[1], Rows { filter: Some(&filter), ..rows })?;
        self.slots.merge(&take(&columns[2], &kept, None)?, &slots)?;
        self.sweep()
    }

    fn state_column(&mut self, n: usize) -> Result<ArrayRef> {
        let states = self.slots.state_column(&self.flat(n))?;
        let mut keys = CellWriter::new(&self.key);
        for best in &self.groups[..n] {
            match &best.key {
                Some(key) => keys.push(&mut &**key)?,
                None => keys.push_default(),
            }
        }
        let seen = self.groups[..n].iter().map(|best| best.key.is_some()).collect();
        state_struct(vec![("seen", flags(seen)), ("key", keys.finish()?), ("state", states)])
    }

    fn result_column(&mut self, n: usize) -> Result<ArrayRef> {
        self.slots.result_column(&self.flat(n))
    }

    fn forget(&mut self, n: usize) {
        forget_first(&mut self.groups, n);
        let kept = self.groups.iter_mut().map(|best| &mut best.slot);
        self.slots.keep(kept).expect("states that were just written can be read");
    }

    fn groups(&self) -> usize {
        self.groups.len()
    }

    fn grow(&mut self, total: usize) {
        while self.groups.len() < total {
            let slot = self.slots.add();
            self.groups.push(Best { key: None, slot, fresh: false });
        }
    }

    fn size_bytes(&self) -> usize {
        self.groups.capacity() * (size_of::<Best>() + 16) + self.slots.size_bytes()
    }
}
