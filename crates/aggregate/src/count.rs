//! `count`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt64Array};
use arrow::datatypes::UInt64Type;
use types::DataType;

use crate::aggregate::{GroupedStates, Made, Rows, forget_first};
use crate::call::Call;
use crate::error::Result;
use crate::numeric::primitive;
use crate::rows::{and_valid, state_columns, state_struct, true_bits};

pub(crate) fn resolve(call: &Call<'_>) -> Result<Made> {
    call.no_params()?;
    if call.args.len() > 1 {
        return Err(call.argument_count("no or one argument"));
    }
    Ok(Made::new(DataType::UInt64, Counts::default))
}

/// Rows counted: those whose argument, where there is one, is not NULL.
#[derive(Default)]
struct Counts {
    counts: Vec<u64>,
}

impl GroupedStates for Counts {
    fn update(&mut self, args: &[ArrayRef], rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let nulls = args.first().and_then(|array| array.logical_nulls()).filter(|nulls| nulls.null_count() > 0);
        let filter = and_valid(rows.filter, nulls.as_ref());
        if let (1, Some(only)) = (rows.total, self.counts.first_mut()) {
            let counted = filter.as_ref().map_or(rows.groups.len(), |f| true_bits(f).count_set_bits());
            *only += counted as u64;
            return Ok(());
        }
        let counts = &mut self.counts;
        Rows { filter: filter.as_ref(), ..rows }.for_each(|_, group| counts[group] += 1);
        Ok(())
    }

    fn merge(&mut self, states: &ArrayRef, rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let columns = state_columns(states, 1)?;
        let values = primitive::<UInt64Type>(&columns[0])?.values();
        let counts = &mut self.counts;
        rows.for_each(|row, group| counts[group] = counts[group].wrapping_add(values[row]));
        Ok(())
    }

    fn state_column(&mut self, n: usize) -> Result<ArrayRef> {
        state_struct(vec![("count", self.result_column(n)?)])
    }

    fn result_column(&mut self, n: usize) -> Result<ArrayRef> {
        Ok(Arc::new(UInt64Array::from(self.counts[..n].to_vec())))
    }

    fn forget(&mut self, n: usize) {
        forget_first(&mut self.counts, n);
    }

    fn groups(&self) -> usize {
        self.counts.len()
    }

    fn grow(&mut self, total: usize) {
        if self.counts.len() < total {
            self.counts.resize(total, 0);
        }
    }

    fn size_bytes(&self) -> usize {
        self.counts.capacity() * 8
    }
}
