//! `-OrNull` and `-OrDefault`: what a group without rows gives.

use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::compute::kernels::zip::zip;
use types::DataType;
use types::state::{Combinator, Split, split};

use super::{Combined, filter};
use crate::aggregate::{GroupedStates, Made, Rows, forget_first};
use crate::error::Result;
use crate::rows::{and_valid, flag_column, flags, null_unless, state_columns, with_field};

/// What a group without rows gives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fill {
    Null,
    Default,
}

pub(super) fn resolve(call: &Combined<'_>, fill: Fill) -> Result<Made> {
    // rows that a condition leaves out are no rows: -IfOrNull works as -OrNullIf
    if let (Some(Split::Combined(below, Combinator::If)), Some((_, args))) = (split(call.inner), call.args.split_last())
    {
        call.below(call.params, call.args)?;
        return Ok(filter::filtered(resolve(&Combined { inner: below, args, ..*call }, fill)?));
    }
    let made = call.below(call.params, call.args)?;
    let result = match fill {
        Fill::Null => made.result.to_nullable(),
        Fill::Default => made.result.clone(),
    };
    let ty = result.clone();
    let nullable: Vec<usize> = (0..call.args.len()).filter(|i| call.args[*i].is_nullable()).collect();
    Ok(Made { result, state: None, version: None, ..made }.wrap(move |inner| OrFill {
        inner,
        any_row: Vec::new(),
        nullable: nullable.clone(),
        ty: ty.clone(),
        fill,
    }))
}

struct OrFill {
    inner: Box<dyn GroupedStates>,
    any_row: Vec<bool>,
    /// Positions of the arguments that can be NULL.
    nullable: Vec<usize>,
    ty: DataType,
    fill: Fill,
}

impl GroupedStates for OrFill {
    fn update(&mut self, args: &[ArrayRef], rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        // a row with a NULL argument is no row
        let mut filter = None;
        for array in self.nullable.iter().filter_map(|position| args.get(*position)) {
            if let Some(nulls) = array.logical_nulls().filter(|nulls| nulls.null_count() > 0) {
                filter = and_valid(filter.as_ref().or(rows.filter), Some(&nulls));
            }
        }
        let counted = Rows { filter: filter.as_ref().or(rows.filter), ..rows };
        let any_row = &mut self.any_row;
        counted.for_each(|_, group| any_row[group] = true);
        self.inner.update(args, rows)
    }

    fn merge(&mut self, states: &ArrayRef, rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let columns = state_columns(states, 2)?;
        let flags = flag_column(columns, columns.len() - 1)?;
        let any_row = &mut self.any_row;
        rows.for_each(|row, group| any_row[group] |= flags.value(row));
        self.inner.merge(states, rows)
    }

    fn state_column(&mut self, n: usize) -> Result<ArrayRef> {
        let states = self.inner.state_column(n)?;
        with_field(&states, "any_row", flags(self.any_row[..n].to_vec()))
    }

    fn result_column(&mut self, n: usize) -> Result<ArrayRef> {
        let results = self.inner.result_column(n)?;
        let any_row = self.any_row[..n].to_vec();
        if any_row.iter().all(|any| *any) {
            return Ok(results);
        }
        if self.fill == Fill::Null && self.ty.is_nullable() {
            return null_unless(&results, &any_row);
        }
        let defaults = self.ty.default_array(n);
        Ok(zip(&BooleanArray::from(any_row), &results, &defaults)?)
    }

    fn forget(&mut self, n: usize) {
        forget_first(&mut self.any_row, n);
        self.inner.forget(n);
    }

    fn groups(&self) -> usize {
        self.inner.groups()
    }

    fn grow(&mut self, total: usize) {
        if self.any_row.len() < total {
            self.any_row.resize(total, false);
        }
        self.inner.grow(total);
    }

    fn size_bytes(&self) -> usize {
        self.any_row.capacity() + self.inner.size_bytes()
    }
}
