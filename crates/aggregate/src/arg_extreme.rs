//! `argMin` and `argMax`: the value of the row whose key is smallest or greatest; of equal keys the first met.

use arrow::array::ArrayRef;

use crate::aggregate::{GroupedStates, Made, Rows, forget_first};
use crate::call::Call;
use crate::cell::{CellReader, CellWriter, Nulls, Shape};
use crate::error::Result;
use crate::extreme::Rule;
use crate::rows::{flag_column, flags, state_columns, state_struct};

pub(crate) fn resolve(call: &Call<'_>, rule: Rule) -> Result<Made> {
    call.no_params()?;
    let (value, key) = call.two_arguments()?;
    let result = match value {
        types::DataType::SimpleAggregateFunction(signature) => signature.args[0].clone(),
        other => other.clone(),
    };
    let (value, key) = (Shape::of(value), Shape::of(key));
    Ok(Made::new(result, move || ArgExtremes {
        value: value.clone(),
        key: key.clone(),
        rule,
        groups: Vec::new(),
        bytes: 0,
        scratch: Vec::new(),
    }))
}

#[derive(Clone, Default)]
struct Winner {
    key: Vec<u8>,
    value: Vec<u8>,
    /// The row of the running batch whose value is not copied yet.
    row: usize,
    seen: bool,
    fresh: bool,
}

struct ArgExtremes {
    value: Shape,
    key: Shape,
    rule: Rule,
    groups: Vec<Winner>,
    bytes: usize,
    scratch: Vec<u8>,
}

impl ArgExtremes {
    /// Keys decide row by row; values are copied once a batch, of the winners only.
    fn join_all(&mut self, values: &ArrayRef, keys: &ArrayRef, rows: Rows<'_>) -> Result<()> {
        let keys = CellReader::new(&self.key, keys, self.rule.nulls())?;
        let values = CellReader::new(&self.value, values, Nulls::Last)?;
        let (rule, groups, scratch) = (self.rule, &mut self.groups, &mut self.scratch);
        let mut touched = Vec::new();
        rows.for_each(|row, group| {
            let winner = &mut groups[group];
            let key = keys.cell(row, scratch);
            if !winner.seen || rule.replaces(key, &winner.key) {
                winner.key.clear();
                winner.key.extend_from_slice(key);
                winner.row = row;
                winner.seen = true;
                if !winner.fresh {
                    winner.fresh = true;
                    touched.push(group);
                }
            }
        });
        for group in touched {
            let winner = &mut groups[group];
            winner.fresh = false;
            let before = winner.value.capacity();
            winner.value.clear();
            values.write(winner.row, &mut winner.value);
            self.bytes += winner.value.capacity() - before.min(winner.value.capacity());
        }
        Ok(())
    }
}

/// The column of the cells that `cell` takes from each winner.
fn column(shape: &Shape, winners: &[Winner], cell: impl Fn(&Winner) -> &Vec<u8>) -> Result<ArrayRef> {
    let mut writer = CellWriter::new(shape);
    for winner in winners {
        if winner.seen {
            writer.push(&mut cell(winner).as_slice())?;
        } else {
            writer.push_default();
        }
    }
    writer.finish()
}

impl GroupedStates for ArgExtremes {
    fn update(&mut self, args: &[ArrayRef], rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        self.join_all(&args[0], &args[1], rows)
    }

    fn merge(&mut self, states: &ArrayRef, rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let columns = state_columns(states, 3)?;
        let filter = crate::rows::and(rows.filter, flag_column(columns, 0)?);
        self.join_all(&columns[1], &columns[2], Rows { filter: Some(&filter), ..rows })
    }

    fn state_column(&mut self, n: usize) -> Result<ArrayRef> {
        let winners = &self.groups[..n];
        state_struct(vec![
            ("seen", flags(winners.iter().map(|winner| winner.seen).collect())),
            ("value", column(&self.value, winners, |winner| &winner.value)?),
            ("key", column(&self.key, winners, |winner| &winner.key)?),
        ])
    }

    fn result_column(&mut self, n: usize) -> Result<ArrayRef> {
        column(&self.value, &self.groups[..n], |winner| &winner.value)
    }

    fn forget(&mut self, n: usize) {
        forget_first(&mut self.groups, n);
    }

    fn groups(&self) -> usize {
        self.groups.len()
    }

    fn grow(&mut self, total: usize) {
        if self.groups.len() < total {
            self.groups.resize(total, Winner::default());
        }
    }

    fn size_bytes(&self) -> usize {
        // keys are as long as their type; values are counted as they come
        self.groups.capacity() * (size_of::<Winner>() + 16) + self.bytes
    }
}
