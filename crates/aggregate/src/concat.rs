//! `groupConcat(delimiter, limit)`: values as text, one after another.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryBuilder};
use types::DataType;
use types::text::{Quoting, Zone, write_cell};

use crate::aggregate::Made;
use crate::bytes::{Reader, write_sized, write_varint};
use crate::call::Call;
use crate::error::Result;
use crate::object::{Family, made};

pub(crate) fn resolve(call: &Call<'_>) -> Result<Made> {
    // string_agg(x, ', ') hands its delimiter over as a parameter, as groupConcat does
    let ty = call.one_argument()?.clone();
    let text = |i: usize| call.params.get(i).map(|value| value.as_bytes());
    let delimiter = match (text(0), call.params.len()) {
        (None, _) => Vec::new(),
        (Some(Some(delimiter)), 1 | 2) => delimiter.to_vec(),
        _ => return Err(call.bad_param("a string as delimiter and perhaps a limit")),
    };
    let limit = match call.params.get(1) {
        None => u64::MAX,
        Some(limit) => match limit.as_u64() {
            Some(limit) if limit > 0 => limit,
            _ => return Err(call.bad_param("a positive limit")),
        },
    };
    Ok(made(DataType::String, Concat { ty, delimiter, limit }))
}

struct Concat {
    ty: DataType,
    delimiter: Vec<u8>,
    limit: u64,
}

/// Texts with their lengths before them.
#[derive(Clone, Default)]
pub(crate) struct Texts {
    count: u64,
    bytes: Vec<u8>,
}

impl Concat {
    fn push(&self, state: &mut Texts, text: &[u8]) {
        if state.count < self.limit {
            state.count += 1;
            write_sized(text, &mut state.bytes);
        }
    }
}

impl Family for Concat {
    type State = Texts;
    type Columns = ArrayRef;
    const NAME: &'static str = "groupConcat";

    fn columns(&self, args: &[ArrayRef]) -> Result<ArrayRef> {
        Ok(Arc::clone(&args[0]))
    }

    fn add(&self, state: &mut Texts, columns: &ArrayRef, row: usize) -> Result<()> {
        let mut text = Vec::new();
        write_cell(&mut text, &self.ty, columns.as_ref(), row, Quoting::Raw, Zone::default());
        self.push(state, &text);
        Ok(())
    }

    fn merge(&self, into: &mut Texts, from: Texts) -> Result<()> {
        let mut texts = Reader::new(&from.bytes, Self::NAME);
        while !texts.is_empty() {
            self.push(into, texts.sized()?);
        }
        Ok(())
    }

    fn encode(&self, state: &Texts, out: &mut Vec<u8>) {
        write_varint(state.count, out);
        out.extend_from_slice(&state.bytes);
    }

    fn decode(&self, bytes: &mut Reader<'_>) -> Result<Texts> {
        let count = bytes.varint()?;
        let all = bytes.rest();
        let mut texts = Reader::new(all, Self::NAME);
        for _ in 0..count {
            texts.sized()?;
        }
        if texts.is_empty() { Ok(Texts { count, bytes: all.to_vec() }) } else { Err(texts.damaged()) }
    }

    fn finish(&self, states: &mut [Texts]) -> Result<ArrayRef> {
        let mut builder = BinaryBuilder::new();
        let mut joined = Vec::new();
        for state in states.iter() {
            joined.clear();
            let mut texts = Reader::new(&state.bytes, Self::NAME);
            let mut first = true;
            while !texts.is_empty() {
                if !std::mem::take(&mut first) {
                    joined.extend_from_slice(&self.delimiter);
                }
                joined.extend_from_slice(texts.sized()?);
            }
            builder.append_value(&joined);
        }
        Ok(Arc::new(builder.finish()))
    }

    fn heap_bytes(&self, state: &Texts) -> usize {
        state.bytes.capacity()
    }
}
