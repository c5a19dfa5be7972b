//! `-Resample(begin, end, step)`: the last argument chooses which of the intervals of `[begin, end)` a row is in.

use arrow::array::ArrayRef;
use types::{DataType, ErrorCode, Value};

use super::Combined;
use super::for_each::merge_lists;
use super::slots::{Slots, list_column};
use crate::aggregate::{GroupedStates, Made, Rows, forget_first};
use crate::error::{Error, Result};
use crate::numeric::to_i128;
use crate::rows::{state_columns, state_struct};

/// Intervals at most, as in ClickHouse.
const INTERVALS_MAX: i128 = 1_048_576;

pub(super) fn resolve(call: &Combined<'_>) -> Result<Made> {
    let bad = |expected| Error::Parameter {
        function: call.name.to_owned(),
        expected,
        code: ErrorCode::ARGUMENT_OUT_OF_BOUND,
    };
    let Some((params, [begin, end, step])) = call.params.split_last_chunk::<3>() else {
        return Err(bad("begin, end and step as the last parameters"));
    };
    let whole = |value: &Value| value.as_i64().map(i128::from).ok_or_else(|| bad("whole numbers"));
    let (begin, end, step) = (whole(begin)?, whole(end)?, whole(step)?);
    if step <= 0 || end < begin {
        return Err(bad("a positive step and an end that is not before the begin"));
    }
    let count = (end - begin + step - 1) / step;
    if count > INTERVALS_MAX {
        return Err(bad("at most 1048576 intervals"));
    }
    let Some((key, args)) = call.args.split_last() else {
        return Err(call.argument_count("at least a key"));
    };
    if !(key.base().is_integer() || matches!(key.base(), DataType::Date | DataType::DateTime(_))) {
        return Err(call.argument_type(key, "a whole number as its last argument"));
    }
    let made = call.below(params, args)?;
    let (result, factory, key) = (DataType::array(made.result), made.factory, key.clone());
    Ok(Made::new(result, move || Resample {
        slots: Slots::new(factory.clone()),
        groups: Vec::new(),
        key: key.clone(),
        begin,
        end,
        step,
        count: count as usize,
    }))
}

/// Every group has `count` slots in a row.
struct Resample {
    slots: Slots,
    groups: Vec<Vec<usize>>,
    key: DataType,
    begin: i128,
    end: i128,
    step: i128,
    count: usize,
}

impl Resample {
    fn flat(&self, n: usize) -> Vec<usize> {
        self.groups[..n].iter().flatten().copied().collect()
    }
}

impl GroupedStates for Resample {
    fn update(&mut self, args: &[ArrayRef], rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let Some((keys, args)) = args.split_last() else { return Ok(()) };
        let keys = to_i128(&self.key, keys)?;
        let mut slots = Vec::new();
        let mut kept = Vec::new();
        rows.for_each(|row, group| {
            if self.begin <= keys[row] && keys[row] < self.end {
                kept.push(row as u64);
                slots.push(self.groups[group][((keys[row] - self.begin) / self.step) as usize]);
            }
        });
        let kept = arrow::array::UInt64Array::from(kept);
        let args = args.iter().map(|array| arrow::compute::take(array, &kept, None));
        self.slots.update(&args.collect::<std::result::Result<Vec<_>, _>>()?, &slots)
    }

    fn merge(&mut self, states: &ArrayRef, rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let columns = state_columns(states, 1)?;
        let groups = &self.groups;
        let (states, slots) = merge_lists(&columns[0], rows, |group, length, slots| {
            slots.extend(groups[group].iter().take(length));
        })?;
        self.slots.merge(&states, &slots)
    }

    fn state_column(&mut self, n: usize) -> Result<ArrayRef> {
        let states = self.slots.state_column(&self.flat(n))?;
        state_struct(vec![("states", list_column(states, std::iter::repeat_n(self.count, n))?)])
    }

    fn result_column(&mut self, n: usize) -> Result<ArrayRef> {
        let results = self.slots.result_column(&self.flat(n))?;
        list_column(results, std::iter::repeat_n(self.count, n))
    }

    fn forget(&mut self, n: usize) {
        forget_first(&mut self.groups, n);
        self.slots.keep(self.groups.iter_mut().flatten()).expect("states that were just written can be read");
    }

    fn groups(&self) -> usize {
        self.groups.len()
    }

    fn grow(&mut self, total: usize) {
        while self.groups.len() < total {
            self.groups.push((0..self.count).map(|_| self.slots.add()).collect());
        }
    }

    fn size_bytes(&self) -> usize {
        self.slots.len() * 8 + self.slots.size_bytes()
    }
}
