//! Functions that collect some of the values into an array: `groupUniqArray`, `groupArraySorted`, `groupArrayLast`,
//! `groupArraySample`.

use std::collections::BTreeSet;

use arrow::array::ArrayRef;
use types::DataType;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::aggregate::Made;
use crate::bytes::{Reader, write_sized, write_varint};
use crate::call::Call;
use crate::cell::{CellReader, CellWriter, Nulls, Shape};
use crate::combinator::list_column;
use crate::error::Result;
use crate::group_array::LENGTH_MAX;
use crate::object::{Family, made};

pub(crate) fn resolve(call: &Call<'_>) -> Result<Made> {
    let ty = call.one_argument()?;
    Ok(match call.function {
        "groupUniqArray" => collected(ty, Uniq { limit: call.optional_size()?.unwrap_or(LENGTH_MAX) as usize }),
        "groupArraySorted" => collected(ty, Sorted { limit: call.required_size()? as usize }),
        "groupArrayLast" => collected(ty, Last { limit: call.required_size()? }),
        _ => {
            let whole = |i: usize| call.params.get(i).map(|value| value.as_u64().ok_or(()));
            let (size, seed) = match (whole(0), whole(1), call.params.len()) {
                (Some(Ok(size)), None, 1) if size > 0 => (size, 0),
                (Some(Ok(size)), Some(Ok(seed)), 2) if size > 0 => (size, seed),
                _ => return Err(call.bad_param("a positive number and perhaps a seed")),
            };
            collected(ty, Sample { limit: size as usize, seed })
        }
    })
}

fn collected<C: Collection>(ty: &DataType, collection: C) -> Made {
    made(DataType::array(ty.clone()), Collected { collection, shape: Shape::of(ty) })
}

type Cell = Box<[u8]>;

/// Which values are kept, as cells.
trait Collection: Send + Sync + 'static {
    type State: Default + Clone + Send + Sync;
    const NAME: &'static str;
    fn insert(&self, state: &mut Self::State, cell: &[u8]);
    /// The kept values in the order of the result.
    fn cells<'a>(&self, state: &'a Self::State) -> Vec<&'a [u8]>;
    /// Where NULL and NaN stand among the values.
    const NULLS: Nulls = Nulls::Last;
    /// A number that the state has beside its values.
    fn total(_state: &Self::State) -> u64 {
        0
    }
    /// The state of these values, which `cells` gave, and of that number.
    fn restore(&self, cells: Vec<Cell>, _total: u64) -> Self::State {
        let mut state = Self::State::default();
        cells.iter().for_each(|cell| self.insert(&mut state, cell));
        state
    }
    fn merge(&self, into: &mut Self::State, from: Self::State) {
        self.cells(&from).into_iter().for_each(|cell| self.insert(into, cell));
    }
}

/// Different values, sorted. With a limit, the first met stay.
struct Uniq {
    limit: usize,
}

impl Collection for Uniq {
    type State = BTreeSet<Cell>;
    const NAME: &'static str = "groupUniqArray";

    fn insert(&self, state: &mut BTreeSet<Cell>, cell: &[u8]) {
        if state.len() < self.limit && !state.contains(cell) {
            state.insert(cell.into());
        }
    }

    fn cells<'a>(&self, state: &'a BTreeSet<Cell>) -> Vec<&'a [u8]> {
        state.iter().map(|cell| &**cell).collect()
    }
}

/// The smallest values, sorted, equal ones included.
struct Sorted {
    limit: usize,
}

impl Collection for Sorted {
    type State = Vec<Cell>;
    const NAME: &'static str = "groupArraySorted";
    const NULLS: Nulls = Nulls::First;

    fn insert(&self, state: &mut Vec<Cell>, cell: &[u8]) {
        let place = state.partition_point(|kept| &**kept <= cell);
        if place < self.limit {
            state.truncate(self.limit - 1);
            state.insert(place, cell.into());
        }
    }

    fn cells<'a>(&self, state: &'a Vec<Cell>) -> Vec<&'a [u8]> {
        state.iter().map(|cell| &**cell).collect()
    }
}

/// The last values, as a ring: value number n stands at n modulo the size, as in ClickHouse.
struct Last {
    limit: u64,
}

impl Collection for Last {
    type State = (u64, Vec<Cell>);
    const NAME: &'static str = "groupArrayLast";

    fn insert(&self, (total, ring): &mut (u64, Vec<Cell>), cell: &[u8]) {
        match ring.get_mut((*total % self.limit) as usize) {
            Some(oldest) => *oldest = cell.into(),
            None => ring.push(cell.into()),
        }
        *total += 1;
    }

    fn cells<'a>(&self, (_, ring): &'a (u64, Vec<Cell>)) -> Vec<&'a [u8]> {
        ring.iter().map(|cell| &**cell).collect()
    }

    fn total((total, _): &(u64, Vec<Cell>)) -> u64 {
        *total
    }

    fn restore(&self, cells: Vec<Cell>, total: u64) -> (u64, Vec<Cell>) {
        (total.max(cells.len() as u64), cells)
    }

    /// As if all values that the other has seen followed: those that it has lost would have been overwritten.
    fn merge(&self, into: &mut (u64, Vec<Cell>), (total, ring): (u64, Vec<Cell>)) {
        let lost = total - ring.len() as u64;
        let oldest = if ring.is_empty() { 0 } else { (total % ring.len() as u64) as usize };
        let (newer, older) = ring.split_at(oldest);
        if lost > 0 {
            // the ring is full, and its values take every place of the new one
            into.0 += lost;
            into.1.resize(ring.len(), Cell::default());
        }
        older.iter().chain(newer).for_each(|cell| self.insert(into, cell));
    }
}

/// A sample chosen by hash, so that it does not depend on the order of rows.
struct Sample {
    limit: usize,
    seed: u64,
}

impl Collection for Sample {
    /// Hash, value, and which of several equal values.
    type State = BTreeSet<(u64, Cell, u32)>;
    const NAME: &'static str = "groupArraySample";

    fn insert(&self, state: &mut Self::State, cell: &[u8]) {
        let copies = state.iter().filter(|(_, kept, _)| &**kept == cell).count() as u32;
        let hash = xxh3_64_with_seed(cell, self.seed ^ u64::from(copies) << 32);
        state.insert((hash, cell.into(), copies));
        if state.len() > self.limit {
            state.pop_last();
        }
    }

    fn cells<'a>(&self, state: &'a Self::State) -> Vec<&'a [u8]> {
        state.iter().map(|(_, cell, _)| &**cell).collect()
    }
}

struct Collected<C> {
    collection: C,
    shape: Shape,
}

impl<C: Collection> Family for Collected<C> {
    type State = C::State;
    type Columns = CellReader;
    const NAME: &'static str = C::NAME;

    fn columns(&self, args: &[ArrayRef]) -> Result<CellReader> {
        CellReader::new(&self.shape, &args[0], C::NULLS)
    }

    fn add(&self, state: &mut C::State, columns: &CellReader, row: usize) -> Result<()> {
        let mut scratch = Vec::new();
        self.collection.insert(state, columns.cell(row, &mut scratch));
        Ok(())
    }

    fn merge(&self, into: &mut C::State, from: C::State) -> Result<()> {
        self.collection.merge(into, from);
        Ok(())
    }

    fn encode(&self, state: &C::State, out: &mut Vec<u8>) {
        let cells = self.collection.cells(state);
        write_varint(C::total(state), out);
        write_varint(cells.len() as u64, out);
        cells.into_iter().for_each(|cell| write_sized(cell, out));
    }

    fn decode(&self, bytes: &mut Reader<'_>) -> Result<C::State> {
        let total = bytes.varint()?;
        let count = bytes.count(1)?;
        let cells = (0..count).map(|_| Ok(bytes.sized()?.into())).collect::<Result<Vec<Cell>>>()?;
        Ok(self.collection.restore(cells, total))
    }

    fn finish(&self, states: &mut [C::State]) -> Result<ArrayRef> {
        let mut writer = CellWriter::new(&self.shape);
        let mut lengths = Vec::with_capacity(states.len());
        for state in states.iter() {
            let cells = self.collection.cells(state);
            lengths.push(cells.len());
            cells.into_iter().try_for_each(|mut cell| writer.push(&mut cell))?;
        }
        list_column(writer.finish()?, lengths)
    }

    fn heap_bytes(&self, state: &C::State) -> usize {
        self.collection.cells(state).into_iter().map(|cell| cell.len() + 32).sum()
    }
}
