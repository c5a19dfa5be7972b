//! `topK(k)` and `topKWeighted(k)`: the most frequent values, most frequent first; of equally frequent ones the first met.
//!
//! Exact as long as a group has few different values (see [`CAPACITY_MIN`]); beyond that values with the smallest counts
//! are dropped now and then, and what a later value may have lost so is its error (as in the Space-Saving algorithm).

use arrow::array::{ArrayRef, UInt64Array};
use hashbrown::HashMap;
use std::sync::Arc;
use types::{DataType, ErrorCode, TupleField};

use crate::aggregate::Made;
use crate::bytes::{Reader, write_sized, write_varint};
use crate::call::Call;
use crate::cell::{CellReader, CellWriter, Nulls, Shape};
use crate::combinator::list_column;
use crate::distinct::Mixed;
use crate::error::Result;
use crate::numeric::to_i128;
use crate::object::{Family, made};
use crate::rows::state_struct;

/// Different values that are always counted exactly.
const CAPACITY_MIN: usize = 4096;
/// The largest k, as in ClickHouse.
const K_MAX: u64 = 0xFF_FFFF;
const K_DEFAULT: u64 = 10;
const LOAD_FACTOR_DEFAULT: u64 = 3;

pub(crate) fn resolve(call: &Call<'_>) -> Result<Made> {
    let weighted = call.function == "topKWeighted";
    let (value, weight) = if weighted {
        let (value, weight) = call.two_arguments()?;
        if !weight.base().is_integer() || weight.base().integer_width() > Some(8) {
            return Err(call.argument_type(weight, "a whole number as its second argument"));
        }
        (value, Some(weight.clone()))
    } else {
        (call.one_argument()?, None)
    };
    let whole = |i: usize, default: u64| match call.params.get(i) {
        None => Ok(default),
        Some(value) => value
            .as_u64()
            .filter(|n| 0 < *n && *n < K_MAX)
            .ok_or_else(|| call.bad_param_code("positive numbers", ErrorCode::ARGUMENT_OUT_OF_BOUND)),
    };
    let (k, load_factor) = (whole(0, K_DEFAULT)?, whole(1, LOAD_FACTOR_DEFAULT)?);
    let counts = match call.params.get(2).map(|value| value.as_str()) {
        None => false,
        Some(Some("counts")) if call.params.len() == 3 => true,
        _ => return Err(call.bad_param("\"counts\" as the third parameter")),
    };
    let capacity = (k.saturating_mul(load_factor) as usize).max(CAPACITY_MIN);
    let family = TopK { shape: Shape::of(value), weight, k: k as usize, capacity, counts };
    Ok(made(result_type(value, counts), family))
}

fn result_type(value: &DataType, counts: bool) -> DataType {
    if !counts {
        return DataType::array(value.clone());
    }
    let field = |name: &str, ty: DataType| TupleField { name: Some(name.into()), ty };
    DataType::array(DataType::Tuple(
        [field("item", value.clone()), field("count", DataType::UInt64), field("error", DataType::UInt64)].into(),
    ))
}

struct TopK {
    shape: Shape,
    weight: Option<DataType>,
    k: usize,
    capacity: usize,
    counts: bool,
}

/// What is known of one value.
#[derive(Clone, Copy)]
struct Counter {
    count: u64,
    /// By how much `count` may be too large.
    error: u64,
    /// When the value was first met.
    order: u64,
}

#[derive(Clone, Default)]
pub(crate) struct Counters {
    values: HashMap<Box<[u8]>, Counter, Mixed>,
    /// The largest count that was dropped: what a value not in the table may have had.
    dropped: u64,
    next: u64,
}

impl Counters {
    fn add(&mut self, value: &[u8], count: u64, error: u64) {
        if let Some(counter) = self.values.get_mut(value) {
            counter.count = counter.count.saturating_add(count);
            counter.error += error;
            return;
        }
        let order = self.next;
        self.next += 1;
        let counter = Counter { count: count.saturating_add(self.dropped), error: error + self.dropped, order };
        self.values.insert(value.into(), counter);
    }

    fn sorted(&self) -> Vec<(&[u8], Counter)> {
        let mut all: Vec<(&[u8], Counter)> = self.values.iter().map(|(value, counter)| (&**value, *counter)).collect();
        all.sort_unstable_by(|(_, a), (_, b)| b.count.cmp(&a.count).then(a.order.cmp(&b.order)));
        all
    }

    /// Keeps the `capacity` greatest counts; the table may grow to twice that in between, so that sorting is rare.
    fn prune(&mut self, capacity: usize) {
        if self.values.len() <= 2 * capacity {
            return;
        }
        let kept: Vec<(Box<[u8]>, Counter)> =
            self.sorted().into_iter().take(capacity + 1).map(|(value, counter)| (value.into(), counter)).collect();
        if let Some((_, first_dropped)) = kept.last() {
            self.dropped = self.dropped.max(first_dropped.count);
        }
        self.values = kept.into_iter().take(capacity).collect();
    }
}

impl Family for TopK {
    type State = Counters;
    type Columns = (CellReader, Option<Vec<i128>>);
    const NAME: &'static str = "topK";

    fn columns(&self, args: &[ArrayRef]) -> Result<Self::Columns> {
        let weights = match (&self.weight, args.get(1)) {
            (Some(ty), Some(array)) => Some(to_i128(ty, array)?),
            _ => None,
        };
        Ok((CellReader::new(&self.shape, &args[0], Nulls::Last)?, weights))
    }

    fn add(&self, state: &mut Counters, (values, weights): &Self::Columns, row: usize) -> Result<()> {
        let mut scratch = Vec::new();
        let weight = weights.as_ref().map_or(1, |weights| weights[row] as u64);
        state.add(values.cell(row, &mut scratch), weight, 0);
        state.prune(self.capacity);
        Ok(())
    }

    fn merge(&self, into: &mut Counters, from: Counters) -> Result<()> {
        // by order of arrival, so that ties stay with the first met
        let mut others: Vec<(&Box<[u8]>, &Counter)> = from.values.iter().collect();
        others.sort_unstable_by_key(|(_, counter)| counter.order);
        if from.dropped > 0 {
            for (value, counter) in &mut into.values {
                if !from.values.contains_key(value) {
                    counter.count = counter.count.saturating_add(from.dropped);
                    counter.error += from.dropped;
                }
            }
        }
        for (value, counter) in others {
            into.add(value, counter.count, counter.error);
        }
        into.dropped = into.dropped.saturating_add(from.dropped);
        into.prune(self.capacity);
        Ok(())
    }

    fn encode(&self, state: &Counters, out: &mut Vec<u8>) {
        let mut values: Vec<(&Box<[u8]>, &Counter)> = state.values.iter().collect();
        values.sort_unstable_by_key(|(_, counter)| counter.order);
        write_varint(state.dropped, out);
        write_varint(values.len() as u64, out);
        for (value, counter) in values {
            write_sized(value, out);
            write_varint(counter.count, out);
            write_varint(counter.error, out);
        }
    }

    fn decode(&self, bytes: &mut Reader<'_>) -> Result<Counters> {
        let dropped = bytes.varint()?;
        let count = bytes.count(3)?;
        let mut state = Counters { dropped, ..Counters::default() };
        for order in 0..count as u64 {
            let value = bytes.sized()?.into();
            state.values.insert(value, Counter { count: bytes.varint()?, error: bytes.varint()?, order });
        }
        state.next = count as u64;
        Ok(state)
    }

    fn finish(&self, states: &mut [Counters]) -> Result<ArrayRef> {
        let mut values = CellWriter::new(&self.shape);
        let (mut counts, mut errors, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
        for state in states.iter() {
            let top = state.sorted();
            lengths.push(top.len().min(self.k));
            for (mut value, counter) in top.into_iter().take(self.k) {
                values.push(&mut value)?;
                counts.push(counter.count);
                errors.push(counter.error);
            }
        }
        let values = values.finish()?;
        if !self.counts {
            return list_column(values, lengths);
        }
        let counts: ArrayRef = Arc::new(UInt64Array::from(counts));
        let errors: ArrayRef = Arc::new(UInt64Array::from(errors));
        list_column(state_struct(vec![("1", values), ("2", counts), ("3", errors)])?, lengths)
    }

    fn heap_bytes(&self, state: &Counters) -> usize {
        state.values.capacity() * 48 + state.values.len() * 16
    }
}
