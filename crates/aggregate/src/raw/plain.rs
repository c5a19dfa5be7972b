//! States of single functions.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::UInt64Type;
use types::DataType;
use types::state::{average_type, sum_type};

use super::value::{is_fixed, write_arena, write_value};
use super::{State, list, own_bytes, range};
use crate::bitmap::Bitmap;
use crate::bytes::{Reader, write_sized, write_varint};
use crate::cell::{CellWriter, Shape};
use crate::error::Result;
use crate::numeric::{from_i128, primitive};
use crate::rows::flag_column;

/// Numbers in a bitmap that are kept as an array.
const SMALL_BITMAP_MAX: u64 = 32;

/// `args` are those of the function without Nullable.
pub(super) fn write(function: &str, state: &State<'_>, row: usize, out: &mut Vec<u8>) -> Result<()> {
    match function {
        "count" => {
            write_varint(primitive::<UInt64Type>(state.column(0)?)?.value(row), out);
            Ok(())
        }
        "sum" => write_value(&sum_type(first(state)).unwrap_or(DataType::Float64), state.column(0)?, row, out),
        "sumWithOverflow" => write_value(first(state), state.column(0)?, row, out),
        "avg" | "sumCount" => {
            write_value(&average_type(first(state)).unwrap_or(DataType::Float64), state.column(0)?, row, out)?;
            write_varint(primitive::<UInt64Type>(state.column(1)?)?.value(row), out);
            Ok(())
        }
        "min" | "max" | "any" | "anyLast" => {
            write_single(first(state), flag_column(state.columns, 0)?.value(row), state.column(1)?, row, out)
        }
        "any_respect_nulls" | "anyLast_respect_nulls" => {
            if !flag_column(state.columns, 0)?.value(row) {
                out.push(0);
                return Ok(());
            }
            out.push(3);
            write_value(state.args.first().unwrap_or(&DataType::Nothing), state.column(1)?, row, out)
        }
        "argMin" | "argMax" => {
            let seen = flag_column(state.columns, 0)?.value(row);
            let key = state.args.get(1).map_or(&DataType::Nothing, DataType::base);
            write_single(first(state), seen, state.column(1)?, row, out)?;
            write_single(key, seen, state.column(2)?, row, out)
        }
        "groupBitAnd" | "groupBitOr" | "groupBitXor" => write_value(first(state), state.column(1)?, row, out),
        "groupArray" => write_array(first(state), state.column(0)?, row, out),
        "groupBitmap" => write_bitmap(first(state), state, row, out),
        "uniqExact" | "groupUniqArray" | "quantileExact" | "quantilesExact" => write_values(function, state, row, out),
        "sumMap" | "minMap" | "maxMap" if matches!(first(state), DataType::Map(_)) => {
            let inner = function.strip_suffix("Map").unwrap_or(function);
            super::write_map(inner, state, row, out)
        }
        // moments and other sums of floats are their numbers; all others are opaque
        _ if state.column(0)?.as_binary_opt::<i32>().is_none() => state
            .columns
            .iter()
            .filter(|column| column.as_boolean_opt().is_none())
            .try_for_each(|column| write_value(&DataType::Float64, column, row, out)),
        _ => own_bytes(state, row, out),
    }
}

fn first<'a>(state: &State<'a>) -> &'a DataType {
    state.args.first().map_or(&DataType::Nothing, DataType::base)
}

/// One value: strings by their length (-1 for none) and with a 0 at the end, others behind a flag.
fn write_single(ty: &DataType, seen: bool, array: &ArrayRef, row: usize, out: &mut Vec<u8>) -> Result<()> {
    match (ty, array.as_binary_opt::<i32>()) {
        (DataType::String, Some(_)) if !seen => out.extend_from_slice(&(-1i32).to_le_bytes()),
        (DataType::String, Some(texts)) => {
            let text = texts.value(row);
            out.extend_from_slice(&(text.len() as i32 + 1).to_le_bytes());
            out.extend_from_slice(text);
            out.push(0);
        }
        _ if !seen => out.push(0),
        _ => {
            out.push(1);
            write_value(ty, array, row, out)?;
        }
    }
    Ok(())
}

/// Elements: numbers and strings as in RowBinary, others as their form in an arena with its size.
fn write_array(ty: &DataType, array: &ArrayRef, row: usize, out: &mut Vec<u8>) -> Result<()> {
    let list = list(array)?;
    let items = range(list, row);
    write_varint(items.len() as u64, out);
    for item in items {
        if is_fixed(ty) || *ty == DataType::String {
            write_value(ty, list.values(), item, out)?;
        } else {
            let mut bytes = Vec::new();
            write_arena(ty, list.values(), item, &mut bytes)?;
            write_sized(&bytes, out);
        }
    }
    Ok(())
}

fn write_bitmap(ty: &DataType, state: &State<'_>, row: usize, out: &mut Vec<u8>) -> Result<()> {
    let set = match state.column(0)?.as_binary_opt::<i32>() {
        Some(bytes) if bytes.is_valid(row) => Bitmap::from_bytes(bytes.value(row))?,
        _ => Bitmap::default(),
    };
    if set.count() > SMALL_BITMAP_MAX {
        return own_bytes(state, row, out);
    }
    out.push(0);
    write_varint(set.count(), out);
    let numbers: Vec<i128> = set.arrival().map(i128::from).collect();
    let column = from_i128(ty, &numbers)?;
    (0..column.len()).try_for_each(|i| write_value(ty, &column, i, out))
}

/// Sets and bags of values of fixed width, and sets of strings.
fn write_values(function: &str, state: &State<'_>, row: usize, out: &mut Vec<u8>) -> Result<()> {
    let ty = first(state);
    let fits = is_fixed(ty) && ty.arrow_type().primitive_width().is_some_and(|width| width <= 8);
    let bytes = match state.column(0)?.as_binary_opt::<i32>() {
        Some(bytes) if bytes.is_valid(row) && !bytes.value(row).is_empty() => bytes.value(row),
        _ => &[1, 0, 0],
    };
    let is_set_of_texts = function == "groupUniqArray" && *ty == DataType::String;
    if state.args.len() != 1 || !(fits || is_set_of_texts) {
        return own_bytes(state, row, out);
    }
    let shape = Shape::of(ty);
    let mut writer = CellWriter::new(&shape);
    let mut reader = Reader::new(bytes, "uniqExact");
    reader.u8()?;
    let mut count = 0u64;
    match function {
        "uniqExact" => {
            let width = ty.arrow_type().primitive_width().unwrap_or(8);
            count = reader.varint()?;
            for _ in 0..count {
                let key = reader.u64()?.to_be_bytes();
                writer.push(&mut &key[8 - width..])?;
            }
        }
        "groupUniqArray" => {
            reader.varint()?;
            count = reader.varint()?;
            for _ in 0..count {
                writer.push(&mut reader.sized()?)?;
            }
        }
        _ => {
            let mut cells = reader.sized()?;
            while !cells.is_empty() {
                writer.push(&mut cells)?;
                count += 1;
            }
        }
    }
    let column = writer.finish()?;
    write_varint(count, out);
    (0..column.len()).try_for_each(|i| write_value(ty, &column, i, out))
}
