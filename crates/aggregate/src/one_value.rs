//! Functions that keep one value of any type: `anyHeavy` and `singleValueOrNull`.

use arrow::array::ArrayRef;

use crate::aggregate::Made;
use crate::bytes::{Reader, write_sized, write_varint};
use crate::call::Call;
use crate::cell::{CellReader, CellWriter, Nulls, Shape};
use crate::error::Result;
use crate::object::{Family, made};
use crate::rows::null_unless;

pub(crate) fn resolve_heavy(call: &Call<'_>) -> Result<Made> {
    call.no_params()?;
    let ty = call.one_argument()?;
    Ok(made(ty.clone(), AnyHeavy { shape: Shape::of(ty) }))
}

pub(crate) fn resolve_single(call: &Call<'_>) -> Result<Made> {
    call.no_params()?;
    let ty = call.one_argument()?;
    if !ty.to_nullable().is_nullable() {
        return Err(call.argument_type(ty, "a type that can be Nullable"));
    }
    Ok(made(ty.to_nullable(), SingleValue { shape: Shape::of(ty) }))
}

/// The value that more than half of the rows have, where there is one (Boyer and Moore); else one of the frequent ones.
struct AnyHeavy {
    shape: Shape,
}

/// A value and by how much it leads.
#[derive(Clone, Default)]
pub(crate) struct Leader {
    value: Option<Box<[u8]>>,
    lead: u64,
}

impl Leader {
    fn add(&mut self, value: &[u8], count: u64) {
        if self.value.as_deref() == Some(value) {
            self.lead += count;
        } else if self.lead < count || self.value.is_none() {
            self.lead = count - self.lead;
            self.value = Some(value.into());
        } else {
            self.lead -= count;
        }
    }
}

impl Family for AnyHeavy {
    type State = Leader;
    type Columns = CellReader;
    const NAME: &'static str = "anyHeavy";

    fn columns(&self, args: &[ArrayRef]) -> Result<CellReader> {
        CellReader::new(&self.shape, &args[0], Nulls::Last)
    }

    fn add(&self, state: &mut Leader, columns: &CellReader, row: usize) -> Result<()> {
        let mut scratch = Vec::new();
        state.add(columns.cell(row, &mut scratch), 1);
        Ok(())
    }

    fn merge(&self, into: &mut Leader, from: Leader) -> Result<()> {
        if let Some(value) = &from.value {
            into.add(value, from.lead);
        }
        Ok(())
    }

    fn encode(&self, state: &Leader, out: &mut Vec<u8>) {
        if let Some(value) = &state.value {
            write_varint(state.lead, out);
            write_sized(value, out);
        }
    }

    fn decode(&self, bytes: &mut Reader<'_>) -> Result<Leader> {
        if bytes.is_empty() {
            return Ok(Leader::default());
        }
        Ok(Leader { lead: bytes.varint()?, value: Some(bytes.sized()?.into()) })
    }

    fn finish(&self, states: &mut [Leader]) -> Result<ArrayRef> {
        let mut writer = CellWriter::new(&self.shape);
        for state in states.iter() {
            match &state.value {
                Some(value) => writer.push(&mut &**value)?,
                None => writer.push_default(),
            }
        }
        writer.finish()
    }

    fn heap_bytes(&self, state: &Leader) -> usize {
        state.value.as_ref().map_or(0, |value| value.len())
    }
}

/// The value that all rows have; NULL when there are two, or none.
struct SingleValue {
    shape: Shape,
}

#[derive(Clone, Default)]
pub(crate) enum Single {
    #[default]
    None,
    One(Box<[u8]>),
    Several,
}

impl Single {
    fn add(&mut self, value: &[u8]) {
        *self = match std::mem::take(self) {
            Single::None => Single::One(value.into()),
            Single::One(known) if *known == *value => Single::One(known),
            _ => Single::Several,
        }
    }
}

impl Family for SingleValue {
    type State = Single;
    type Columns = CellReader;
    const NAME: &'static str = "singleValueOrNull";

    fn columns(&self, args: &[ArrayRef]) -> Result<CellReader> {
        CellReader::new(&self.shape, &args[0], Nulls::Last)
    }

    fn add(&self, state: &mut Single, columns: &CellReader, row: usize) -> Result<()> {
        let mut scratch = Vec::new();
        state.add(columns.cell(row, &mut scratch));
        Ok(())
    }

    fn merge(&self, into: &mut Single, from: Single) -> Result<()> {
        match from {
            Single::None => {}
            Single::One(value) => into.add(&value),
            Single::Several => *into = Single::Several,
        }
        Ok(())
    }

    fn encode(&self, state: &Single, out: &mut Vec<u8>) {
        match state {
            Single::None => out.push(0),
            Single::One(value) => {
                out.push(1);
                write_sized(value, out);
            }
            Single::Several => out.push(2),
        }
    }

    fn decode(&self, bytes: &mut Reader<'_>) -> Result<Single> {
        Ok(match bytes.u8()? {
            0 => Single::None,
            1 => Single::One(bytes.sized()?.into()),
            2 => Single::Several,
            _ => return Err(bytes.damaged()),
        })
    }

    fn finish(&self, states: &mut [Single]) -> Result<ArrayRef> {
        let mut writer = CellWriter::new(&self.shape);
        for state in states.iter() {
            match state {
                Single::One(value) => writer.push(&mut &**value)?,
                _ => writer.push_default(),
            }
        }
        let present: Vec<bool> = states.iter().map(|state| matches!(state, Single::One(_))).collect();
        null_unless(&writer.finish()?, &present)
    }

    fn heap_bytes(&self, state: &Single) -> usize {
        if let Single::One(value) = state { value.len() } else { 0 }
    }
}
