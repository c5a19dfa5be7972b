//! `retention(c1, c2, …)`: whether the first condition was ever met, and beside it each of the others.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, UInt8Array};
use types::DataType;

use super::{check_conditions, conditions, met};
use crate::aggregate::Made;
use crate::bytes::{Reader, write_varint};
use crate::call::Call;
use crate::combinator::list_column;
use crate::error::Result;
use crate::object::{Family, made};

pub(crate) fn resolve(call: &Call<'_>) -> Result<Made> {
    call.no_params()?;
    check_conditions(call, call.args, 2)?;
    Ok(made(DataType::array(DataType::UInt8), Retention { count: call.args.len() }))
}

struct Retention {
    count: usize,
}

impl Family for Retention {
    type State = u32;
    type Columns = Vec<BooleanArray>;
    const NAME: &'static str = "retention";

    fn columns(&self, args: &[ArrayRef]) -> Result<Vec<BooleanArray>> {
        conditions(args)
    }

    fn add(&self, state: &mut u32, columns: &Vec<BooleanArray>, row: usize) -> Result<()> {
        *state |= met(columns, row);
        Ok(())
    }

    fn merge(&self, into: &mut u32, from: u32) -> Result<()> {
        *into |= from;
        Ok(())
    }

    fn encode(&self, state: &u32, out: &mut Vec<u8>) {
        write_varint(u64::from(*state), out);
    }

    fn decode(&self, bytes: &mut Reader<'_>) -> Result<u32> {
        u32::try_from(bytes.varint()?).map_err(|_| bytes.damaged())
    }

    fn finish(&self, states: &mut [u32]) -> Result<ArrayRef> {
        let flags = states.iter().flat_map(|state| (0..self.count).map(move |i| (state >> i & state & 1) as u8));
        let items: ArrayRef = Arc::new(UInt8Array::from_iter_values(flags));
        list_column(items, std::iter::repeat_n(self.count, states.len()))
    }

    fn heap_bytes(&self, _state: &u32) -> usize {
        0
    }
}
