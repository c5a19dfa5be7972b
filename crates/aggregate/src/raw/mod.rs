//! States as ClickHouse serializes them: what a state column shows in an output format, and what `hex(sumState(x))` is.
//!
//! An output form only; nothing here is read back. Layouts are ClickHouse 26's, measured. Functions whose states cannot
//! be the same bytes (sketches over other hash functions) show our own bytes.

mod plain;
mod value;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BinaryBuilder, ListArray};
use types::state::{Combinator, Split, ignores_nulls, split, takes_nulls};
use types::{AggregateSignature, DataType};

use crate::bytes::write_varint;
use crate::error::{Error, Result};
use crate::rows::flag_column;
use crate::runs::empty_states;

/// The bytes of each state of a column; a NULL state is that of no rows.
pub fn encode_clickhouse(signature: &AggregateSignature, states: &ArrayRef) -> Result<BinaryArray> {
    let empty = empty_states(signature, 1)?;
    let mut builder = BinaryBuilder::new();
    let mut out = Vec::new();
    for row in 0..states.len() {
        out.clear();
        let (states, row) = if states.is_null(row) { (&empty, 0) } else { (states, row) };
        write_state(&State::new(&signature.name, &signature.args, states)?, row, &mut out)?;
        builder.append_value(&out);
    }
    Ok(builder.finish())
}

/// The columns of a state of one function.
struct State<'a> {
    name: &'a str,
    args: &'a [DataType],
    columns: &'a [ArrayRef],
}

impl<'a> State<'a> {
    fn new(name: &'a str, args: &'a [DataType], states: &'a ArrayRef) -> Result<State<'a>> {
        let columns = states.as_struct_opt().ok_or_else(|| Error::ArrowType {
            expected: "a state".to_owned(),
            found: states.data_type().to_string(),
        })?;
        Ok(State { name, args, columns: columns.columns() })
    }

    fn column(&self, position: usize) -> Result<&'a ArrayRef> {
        self.columns.get(position).ok_or(Error::DamagedState("state column"))
    }
}

fn write_state(state: &State<'_>, row: usize, out: &mut Vec<u8>) -> Result<()> {
    match split(state.name) {
        Some(Split::Function(function)) => write_nullable(function, state, row, out),
        Some(Split::Combined(inner, combinator)) => write_combined(inner, combinator, state, row, out),
        None => Err(Error::UnknownFunction { name: state.name.to_owned(), hint: String::new() }),
    }
}

/// Over nullable arguments: whether there was a row without NULLs, and only then the state.
fn write_nullable(function: &str, state: &State<'_>, row: usize, out: &mut Vec<u8>) -> Result<()> {
    if takes_nulls(function) || !state.args.iter().any(DataType::is_nullable) {
        return plain::write(function, state, row, out);
    }
    let args: Vec<DataType> = state.args.iter().map(DataType::remove_nullable).collect();
    let inner = State { args: &args, ..*state };
    let mut bytes = Vec::new();
    plain::write(function, &inner, row, &mut bytes)?;
    let present = if ignores_nulls(function) {
        // no flag is kept: a state of no rows is all zeros
        bytes.iter().any(|byte| *byte != 0)
    } else {
        flag_column(state.columns, state.columns.len() - 1)?.value(row)
    };
    out.push(u8::from(present));
    if present {
        out.extend_from_slice(&bytes);
    }
    Ok(())
}

fn write_combined(inner: &str, combinator: Combinator, state: &State<'_>, row: usize, out: &mut Vec<u8>) -> Result<()> {
    let last_less = || state.args.split_last().map_or(state.args, |(_, rest)| rest);
    match combinator {
        Combinator::If => write_state(&State { name: inner, args: last_less(), ..*state }, row, out),
        Combinator::Array => write_state(&State { name: inner, args: &items(state.args), ..*state }, row, out),
        Combinator::State | Combinator::SimpleState => write_state(&State { name: inner, ..*state }, row, out),
        Combinator::OrNull | Combinator::OrDefault => {
            write_state(&State { name: inner, ..*state }, row, out)?;
            out.push(u8::from(flag_column(state.columns, state.columns.len() - 1)?.value(row)));
            Ok(())
        }
        Combinator::ForEach => {
            let (list, items) = (list(state.column(0)?)?, items(state.args));
            out.extend_from_slice(&(list.value_length(row) as u64).to_le_bytes());
            write_listed(inner, &items, list, row, out)
        }
        Combinator::Resample => write_listed(inner, last_less(), list(state.column(0)?)?, row, out),
        Combinator::Map => write_map(inner, state, row, out),
        Combinator::Merge | Combinator::Distinct | Combinator::ArgMin | Combinator::ArgMax => {
            own_bytes(state, row, out)
        }
    }
}

/// The element types of arrays; other types as they are.
fn items(args: &[DataType]) -> Vec<DataType> {
    args.iter()
        .map(|arg| match arg.base() {
            DataType::Array(item) => (**item).clone(),
            _ => arg.clone(),
        })
        .collect()
}

fn list(column: &ArrayRef) -> Result<&ListArray> {
    column
        .as_list_opt::<i32>()
        .ok_or_else(|| Error::ArrowType { expected: "List".to_owned(), found: column.data_type().to_string() })
}

fn range(list: &ListArray, row: usize) -> std::ops::Range<usize> {
    let offsets = list.value_offsets();
    offsets[row] as usize..offsets[row + 1] as usize
}

fn write_listed(name: &str, args: &[DataType], list: &ListArray, row: usize, out: &mut Vec<u8>) -> Result<()> {
    let states = list.values();
    range(list, row).try_for_each(|item| write_state(&State::new(name, args, states)?, item, out))
}

fn write_map(inner: &str, state: &State<'_>, row: usize, out: &mut Vec<u8>) -> Result<()> {
    let DataType::Map(entry) = state.args.first().map_or(&DataType::Nothing, DataType::base) else {
        return own_bytes(state, row, out);
    };
    let list = list(state.column(0)?)?;
    let entries = State::new(inner, &[], list.values())?;
    let (keys, states) = (entries.column(0)?, entries.column(1)?);
    let range = range(list, row);
    write_varint(range.len() as u64, out);
    for item in range {
        value::write_value(&entry.0, keys, item, out)?;
        write_state(&State::new(inner, std::slice::from_ref(&entry.1), states)?, item, out)?;
    }
    Ok(())
}

/// Our own bytes, where ClickHouse's cannot be made of our state.
fn own_bytes(state: &State<'_>, row: usize, out: &mut Vec<u8>) -> Result<()> {
    match state.column(0)?.as_binary_opt::<i32>() {
        Some(bytes) if bytes.is_valid(row) => out.extend_from_slice(bytes.value(row)),
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests;
