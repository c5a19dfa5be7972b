//! `groupArrayInsertAt(default, size)(value, position)`: an array with each value at its position; of several for one
//! position the first met stays.

use std::collections::BTreeMap;

use arrow::array::ArrayRef;
use types::{DataType, ErrorCode, Value};

use crate::aggregate::Made;
use crate::bytes::{Reader, write_sized, write_varint};
use crate::call::Call;
use crate::cell::{CellReader, CellWriter, Nulls, Shape};
use crate::combinator::list_column;
use crate::error::{Error, Result};
use crate::literal::literal_array;
use crate::numeric::to_i128;
use crate::object::{Family, made};

/// Positions at most, as in ClickHouse.
const POSITIONS_MAX: u64 = 0xFF_FFFF;

pub(crate) fn resolve(call: &Call<'_>) -> Result<Made> {
    let (value, position) = call.two_arguments()?;
    if !position.base().is_unsigned() || position.base().integer_width() > Some(8) {
        return Err(call.argument_type(position, "an unsigned whole number as its second argument"));
    }
    let (default, size) = match call.params {
        [] => (None, None),
        [default] => (Some(default), None),
        [default, size] => {
            let size = size.as_u64().filter(|size| 0 < *size && *size <= POSITIONS_MAX);
            (Some(default), Some(size.ok_or_else(|| call.bad_param("a positive size as the second parameter"))?))
        }
        _ => return Err(call.param_count("at most a default and a size")),
    };
    let shape = Shape::of(value);
    let default = match default.filter(|default| **default != Value::Null) {
        None => value.default_array(1),
        Some(default) => literal_array(value, default).ok_or_else(|| {
            call.bad_param_code("a default of the first argument's type", ErrorCode::CANNOT_CONVERT_TYPE)
        })?,
    };
    let mut blank = Vec::new();
    CellReader::new(&shape, &default, Nulls::Last)?.write(0, &mut blank);
    let family = InsertAt { shape, position: position.clone(), blank, size };
    Ok(made(DataType::array(value.clone()), family))
}

struct InsertAt {
    shape: Shape,
    position: DataType,
    blank: Vec<u8>,
    size: Option<u64>,
}

impl Family for InsertAt {
    type State = BTreeMap<u64, Box<[u8]>>;
    type Columns = (CellReader, Vec<i128>);
    const NAME: &'static str = "groupArrayInsertAt";

    fn columns(&self, args: &[ArrayRef]) -> Result<Self::Columns> {
        Ok((CellReader::new(&self.shape, &args[0], Nulls::Last)?, to_i128(&self.position, &args[1])?))
    }

    fn add(&self, state: &mut Self::State, (values, positions): &Self::Columns, row: usize) -> Result<()> {
        let position = positions[row] as u64;
        if self.size.is_some_and(|size| position >= size) {
            return Ok(());
        }
        if position >= POSITIONS_MAX {
            return Err(Error::Rows {
                function: Self::NAME,
                reason: "position is greater than 16777214",
                code: ErrorCode::TOO_LARGE_ARRAY_SIZE,
            });
        }
        let mut scratch = Vec::new();
        state.entry(position).or_insert_with(|| values.cell(row, &mut scratch).into());
        Ok(())
    }

    fn merge(&self, into: &mut Self::State, from: Self::State) -> Result<()> {
        from.into_iter().for_each(|(position, cell)| {
            into.entry(position).or_insert(cell);
        });
        Ok(())
    }

    fn encode(&self, state: &Self::State, out: &mut Vec<u8>) {
        write_varint(state.len() as u64, out);
        for (position, cell) in state {
            write_varint(*position, out);
            write_sized(cell, out);
        }
    }

    fn decode(&self, bytes: &mut Reader<'_>) -> Result<Self::State> {
        let count = bytes.count(2)?;
        (0..count)
            .map(|_| match bytes.varint()? {
                position if position < POSITIONS_MAX => Ok((position, bytes.sized()?.into())),
                _ => Err(bytes.damaged()),
            })
            .collect()
    }

    fn finish(&self, states: &mut [Self::State]) -> Result<ArrayRef> {
        let mut writer = CellWriter::new(&self.shape);
        let mut lengths = Vec::with_capacity(states.len());
        for state in states.iter() {
            let filled = state.last_key_value().map_or(0, |(position, _)| position + 1);
            let length = match self.size {
                Some(size) => size,
                None => filled,
            };
            for position in 0..length {
                let cell = state.get(&position).map_or(self.blank.as_slice(), |cell| cell);
                writer.push(&mut &*cell)?;
            }
            lengths.push(length as usize);
        }
        list_column(writer.finish()?, lengths)
    }

    fn heap_bytes(&self, state: &Self::State) -> usize {
        state.values().map(|cell| cell.len() + 32).sum()
    }
}
