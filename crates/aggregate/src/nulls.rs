//! NULL arguments: their rows are skipped, and where nothing else came the result is NULL.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray, NullArray, UInt64Array};
use types::DataType;

use crate::aggregate::{GroupedStates, Made, Rows, forget_first};
use crate::call::Call;
use crate::error::Result;
use crate::rows::{and_valid, flag_column, flags, null_unless, state_columns, state_struct, with_field};

/// `made`, which sees no NULL, over arguments of which some can be NULL. With `traced`, a group of only NULLs is NULL.
pub(crate) fn skip(made: Made, args: &[DataType], traced: bool) -> Made {
    let nullable: Vec<usize> = (0..args.len()).filter(|i| args[*i].is_nullable()).collect();
    let result = if traced { made.result.to_nullable() } else { made.result.clone() };
    let as_null = traced && result.is_nullable();
    Made { result, ..made }.wrap(move |inner| SkipNulls {
        inner,
        nullable: nullable.clone(),
        seen: Vec::new(),
        traced,
        as_null,
    })
}

struct SkipNulls {
    inner: Box<dyn GroupedStates>,
    /// Positions of the arguments that can be NULL.
    nullable: Vec<usize>,
    /// Which groups had a row without NULLs; kept only when `traced`.
    seen: Vec<bool>,
    traced: bool,
    as_null: bool,
}

impl GroupedStates for SkipNulls {
    fn update(&mut self, args: &[ArrayRef], rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let mut filter = None;
        for position in &self.nullable {
            if let Some(nulls) = args[*position].logical_nulls().filter(|nulls| nulls.null_count() > 0) {
                filter = and_valid(filter.as_ref().or(rows.filter), Some(&nulls));
            }
        }
        let rows = Rows { filter: filter.as_ref().or(rows.filter), ..rows };
        if self.traced {
            let seen = &mut self.seen;
            rows.for_each(|_, group| seen[group] = true);
        }
        self.inner.update(args, rows)
    }

    fn merge(&mut self, states: &ArrayRef, rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        if self.traced {
            let columns = state_columns(states, 2)?;
            let not_null = flag_column(columns, columns.len() - 1)?;
            let seen = &mut self.seen;
            rows.for_each(|row, group| seen[group] |= not_null.value(row));
        }
        self.inner.merge(states, rows)
    }

    fn state_column(&mut self, n: usize) -> Result<ArrayRef> {
        let states = self.inner.state_column(n)?;
        if self.traced { with_field(&states, "not_null", flags(self.seen[..n].to_vec())) } else { Ok(states) }
    }

    fn result_column(&mut self, n: usize) -> Result<ArrayRef> {
        let results = self.inner.result_column(n)?;
        if self.as_null { null_unless(&results, &self.seen[..n]) } else { Ok(results) }
    }

    fn forget(&mut self, n: usize) {
        forget_first(&mut self.seen, n);
        self.inner.forget(n);
    }

    fn groups(&self) -> usize {
        self.inner.groups()
    }

    fn grow(&mut self, total: usize) {
        if self.traced && self.seen.len() < total {
            self.seen.resize(total, false);
        }
        self.inner.grow(total);
    }

    fn size_bytes(&self) -> usize {
        self.seen.capacity() + self.inner.size_bytes()
    }
}

/// Functions of the literal NULL: 0 where the function counts, else NULL of type Nullable(Nothing).
pub(crate) fn resolve_nothing(call: &Call<'_>) -> Result<Made> {
    let counts = call.function.starts_with("uniq");
    if call.function.starts_with("quantiles") || call.function.ends_with("Map") || call.function == "deltaSum" {
        return Err(call.argument_type(&DataType::nullable(DataType::Nothing), "a type that has values"));
    }
    let result = if counts { DataType::UInt64 } else { DataType::nullable(DataType::Nothing) };
    Ok(Made::new(result, move || Nothing { groups: 0, counts }))
}

/// The states of NULLs: nothing but how many groups there are.
struct Nothing {
    groups: usize,
    counts: bool,
}

impl GroupedStates for Nothing {
    fn update(&mut self, _args: &[ArrayRef], rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        Ok(())
    }

    fn merge(&mut self, _states: &ArrayRef, rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        Ok(())
    }

    fn state_column(&mut self, n: usize) -> Result<ArrayRef> {
        let empty = BinaryArray::from_iter_values((0..n).map(|_| []));
        state_struct(vec![("bytes", Arc::new(empty))])
    }

    fn result_column(&mut self, n: usize) -> Result<ArrayRef> {
        Ok(if self.counts { Arc::new(UInt64Array::from(vec![0; n])) } else { Arc::new(NullArray::new(n)) })
    }

    fn forget(&mut self, n: usize) {
        self.groups -= n.min(self.groups);
    }

    fn groups(&self) -> usize {
        self.groups
    }

    fn grow(&mut self, total: usize) {
        self.groups = self.groups.max(total);
    }

    fn size_bytes(&self) -> usize {
        0
    }
}
