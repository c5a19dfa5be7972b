//! States that are one Rust value a group: sketches, sets, lists.
//!
//! A [`Family`] says what one state does; [`Objects`] keeps one for every group. Calls are resolved at compile time.
//! State bytes begin with the version of their layout; no bytes are the state of no rows.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder};

use crate::aggregate::{GroupedStates, Made, Rows, forget_first};
use crate::bytes::Reader;
use crate::error::{Error, Result};
use crate::rows::{state_columns, state_struct};

/// The version that states are written with; every version ever released can be read.
pub(crate) const VERSION: u8 = 1;

/// One aggregate function over values: what happens to the state of one group.
pub(crate) trait Family: Send + Sync + 'static {
    /// The state; its default is that of no rows.
    type State: Default + Clone + Send + Sync;
    /// The argument columns, made ready for reading by row.
    type Columns;
    /// Named by errors about damaged states.
    const NAME: &'static str;

    fn columns(&self, args: &[ArrayRef]) -> Result<Self::Columns>;
    fn add(&self, state: &mut Self::State, columns: &Self::Columns, row: usize) -> Result<()>;
    fn merge(&self, into: &mut Self::State, from: Self::State) -> Result<()>;
    fn encode(&self, state: &Self::State, out: &mut Vec<u8>);
    /// Must take all bytes that `encode` gave.
    fn decode(&self, bytes: &mut Reader<'_>) -> Result<Self::State>;
    /// The results; may bring states into another form that means the same.
    fn finish(&self, states: &mut [Self::State]) -> Result<ArrayRef>;
    /// Memory that a state holds outside of itself.
    fn heap_bytes(&self, state: &Self::State) -> usize;
}

/// How to make the states of `family`.
pub(crate) fn made<F: Family>(result: types::DataType, family: F) -> Made {
    let family = Arc::new(family);
    Made::new(result, move || Objects { family: family.clone(), states: Vec::new() })
}

struct Objects<F: Family> {
    family: Arc<F>,
    states: Vec<F::State>,
}

impl<F: Family> GroupedStates for Objects<F> {
    fn update(&mut self, args: &[ArrayRef], rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let columns = self.family.columns(args)?;
        let (family, states) = (&self.family, &mut self.states);
        rows.try_for_each(|row, group| family.add(&mut states[group], &columns, row))
    }

    fn merge(&mut self, states: &ArrayRef, rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let columns = state_columns(states, 1)?;
        let bytes = columns[0].as_binary_opt::<i32>().ok_or_else(|| Error::ArrowType {
            expected: "Binary".to_owned(),
            found: columns[0].data_type().to_string(),
        })?;
        let (family, into) = (&self.family, &mut self.states);
        rows.try_for_each(|row, group| match bytes.value(row) {
            [] => Ok(()),
            encoded => family.merge(&mut into[group], decode(family.as_ref(), encoded)?),
        })
    }

    fn state_column(&mut self, n: usize) -> Result<ArrayRef> {
        let mut builder = BinaryBuilder::new();
        let mut bytes = Vec::new();
        for state in &self.states[..n] {
            bytes.clear();
            bytes.push(VERSION);
            self.family.encode(state, &mut bytes);
            builder.append_value(&bytes);
        }
        state_struct(vec![("bytes", Arc::new(builder.finish()))])
    }

    fn result_column(&mut self, n: usize) -> Result<ArrayRef> {
        self.family.finish(&mut self.states[..n])
    }

    fn forget(&mut self, n: usize) {
        forget_first(&mut self.states, n);
    }

    fn groups(&self) -> usize {
        self.states.len()
    }

    fn grow(&mut self, total: usize) {
        if self.states.len() < total {
            self.states.resize_with(total, F::State::default);
        }
    }

    fn size_bytes(&self) -> usize {
        let heap: usize = self.states.iter().map(|state| self.family.heap_bytes(state)).sum();
        heap + self.states.capacity() * size_of::<F::State>()
    }
}

fn decode<F: Family>(family: &F, encoded: &[u8]) -> Result<F::State> {
    let mut reader = Reader::new(encoded, F::NAME);
    if reader.u8()? != VERSION {
        return Err(reader.damaged());
    }
    let state = family.decode(&mut reader)?;
    if reader.is_empty() { Ok(state) } else { Err(reader.damaged()) }
}
