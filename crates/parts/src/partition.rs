//! Partitions: which one a row belongs to, and how ClickHouse names and shows it.
//!
//! The id (`202511`, `202501-7`, `all`, or a hash) is part of every part's name and must equal ClickHouse's; the text
//! (`(202501,'eu')`) is what `system.parts.partition` shows.

use arrow::array::{ArrayRef, Scalar, UInt32Array};
use arrow::compute::kernels::cmp::distinct;
use arrow::datatypes::i256;
use arrow_row::Rows;
use std::collections::HashMap;
use types::text::time::civil_of;
use types::wide::u256_from_text;
use types::{Block, DataType, Value};

use crate::error::Result;
use crate::name::PartitionId;
use crate::order::KeyEncoder;
use crate::schema::{PartSchema, SortColumn};
use crate::siphash::siphash128;

mod text;
mod value;

pub use text::partition_text;
pub use value::value_at;

/// The rows of each partition, in their old order; partitions in the order in which they first come.
pub fn split_by_partition(schema: &PartSchema, block: &Block) -> Result<Vec<(PartitionId, Block)>> {
    if block.rows() == 0 {
        return Ok(Vec::new());
    }
    if schema.partition_key.is_empty() {
        return Ok(vec![(PartitionId::all(), block.clone())]);
    }
    let id_of = |row: usize| -> Result<PartitionId> {
        Ok(partition_id(&partition_types(schema), &partition_values(schema, block, row)?))
    };
    if schema.partition_key.iter().all(|&position| is_one_value(block.array(position))) {
        return Ok(vec![(id_of(0)?, block.clone())]);
    }
    let columns: Vec<SortColumn> = schema.partition_key.iter().map(|&p| SortColumn::ascending(p)).collect();
    let keys = KeyEncoder::new(&schema.header, &columns)?.encode(block)?;
    let mut split = Vec::new();
    for rows in rows_by_key(&keys) {
        let id = id_of(rows.first().map_or(0, |&row| row as usize))?;
        let piece = if rows.len() == block.rows() { block.clone() } else { block.take(&UInt32Array::from(rows))? };
        split.push((id, piece));
    }
    Ok(split)
}

/// True when all values are bit for bit the first: most inserts are of one day or month, and need no keys. False also for
/// what Arrow cannot compare.
fn is_one_value(array: &ArrayRef) -> bool {
    let first = Scalar::new(array.slice(0, 1));
    distinct(array, &first).is_ok_and(|distinct| distinct.true_count() == 0)
}

/// Row numbers of each distinct key, in the order of first rows.
fn rows_by_key(keys: &Rows) -> Vec<Vec<u32>> {
    let mut positions: HashMap<&[u8], usize> = HashMap::new();
    let mut groups: Vec<Vec<u32>> = Vec::new();
    let mut previous: Option<(&[u8], usize)> = None;
    for row in 0..keys.num_rows() {
        let key = keys.row(row).data();
        let group = match previous {
            Some((last, group)) if last == key => group,
            _ => *positions.entry(key).or_insert_with(|| {
                groups.push(Vec::new());
                groups.len() - 1
            }),
        };
        previous = Some((key, group));
        groups[group].push(row as u32);
    }
    groups
}

/// The types of the partition key's columns.
pub fn partition_types(schema: &PartSchema) -> Vec<DataType> {
    schema.partition_key.iter().map(|&position| schema.header.columns()[position].ty.clone()).collect()
}

/// The partition key of one row.
pub fn partition_values(schema: &PartSchema, block: &Block, row: usize) -> Result<Vec<Value>> {
    let value = |&position: &usize| value_at(&schema.header.columns()[position].ty, block.array(position), row);
    schema.partition_key.iter().map(value).collect()
}

/// The id of the partition whose key has these values.
///
/// Whole numbers, times and enums are joined by `-` (dates as 20250101); where anything else is among them, the id is the
/// hash of all of them.
pub fn partition_id(types: &[DataType], values: &[Value]) -> PartitionId {
    if values.is_empty() {
        return PartitionId::all();
    }
    let readable: Option<Vec<String>> = types.iter().zip(values).map(|(ty, value)| readable_id(ty, value)).collect();
    let id = match readable {
        Some(pieces) => pieces.join("-"),
        None => {
            let mut bytes = Vec::new();
            types.iter().zip(values).for_each(|(ty, value)| hash_value(ty, value, &mut bytes));
            siphash128(&bytes).to_le_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
        }
    };
    PartitionId::parse(&id).expect("digits, minus signs and hex digits make an id")
}

/// A number as it stands in an id; `None` for what is not one.
fn readable_id(ty: &DataType, value: &Value) -> Option<String> {
    let ty = ty.base();
    if matches!(ty, DataType::DateTime64 { .. } | DataType::Decimal { .. }) {
        return None;
    }
    match value {
        Value::UInt(days) if *ty == DataType::Date => {
            let date = civil_of(i64::try_from(*days).ok()?);
            Some(format!("{:04}{:02}{:02}", date.year, date.month, date.day))
        }
        Value::UInt(number) => Some(number.to_string()),
        Value::Int(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(u8::from(*truth).to_string()),
        Value::Null | Value::Number(_) | Value::Float(_) | Value::String(_) => None,
        Value::Array(_) | Value::Tuple(_) | Value::Map(_) => None,
    }
}

/// Tags of ClickHouse's `Field`, which it hashes before each value.
mod tag {
    pub const NULL: u8 = 0;
    pub const UINT64: u8 = 1;
    pub const INT64: u8 = 2;
    pub const FLOAT64: u8 = 3;
    pub const UINT128: u8 = 4;
    pub const INT128: u8 = 5;
    pub const STRING: u8 = 16;
    pub const ARRAY: u8 = 17;
    pub const TUPLE: u8 = 18;
    pub const DECIMAL32: u8 = 19;
    pub const DECIMAL64: u8 = 20;
    pub const DECIMAL128: u8 = 21;
    pub const DECIMAL256: u8 = 23;
    pub const UINT256: u8 = 24;
    pub const INT256: u8 = 25;
    pub const MAP: u8 = 26;
    pub const IPV4: u8 = 30;
}

/// The bytes that ClickHouse's `FieldVisitorHash` feeds its hash for one value.
fn hash_value(ty: &DataType, value: &Value, bytes: &mut Vec<u8>) {
    let ty = ty.base();
    match value {
        Value::Null => bytes.push(tag::NULL),
        Value::Bool(truth) => hash_word(tag::UINT64, u64::from(*truth), bytes),
        Value::UInt(number) if *ty == DataType::Ipv4 => {
            bytes.push(tag::IPV4);
            bytes.extend_from_slice(&(*number as u32).to_le_bytes());
        }
        Value::UInt(number) => hash_word(tag::UINT64, *number, bytes),
        Value::Int(ticks) => match ty {
            DataType::DateTime64 { .. } => hash_word(tag::DECIMAL64, *ticks as u64, bytes),
            _ => hash_word(tag::INT64, *ticks as u64, bytes),
        },
        Value::Float(float) => hash_word(tag::FLOAT64, float.0.to_bits(), bytes),
        Value::Number(text) => hash_number(ty, text, bytes),
        Value::String(string) => hash_string(ty, string, bytes),
        Value::Array(items) => {
            hash_word(tag::ARRAY, items.len() as u64, bytes);
            let DataType::Array(inner) = ty else { return };
            items.iter().for_each(|item| hash_value(inner, item, bytes));
        }
        Value::Tuple(items) => {
            hash_word(tag::TUPLE, items.len() as u64, bytes);
            let DataType::Tuple(fields) = ty else { return };
            fields.iter().zip(items.iter()).for_each(|(field, item)| hash_value(&field.ty, item, bytes));
        }
        Value::Map(entries) => {
            hash_word(tag::MAP, entries.len() as u64, bytes);
            let DataType::Map(entry) = ty else { return };
            for (key, item) in entries.iter() {
                hash_word(tag::TUPLE, 2, bytes);
                hash_value(&entry.0, key, bytes);
                hash_value(&entry.1, item, bytes);
            }
        }
    }
}

fn hash_word(tag: u8, word: u64, bytes: &mut Vec<u8>) {
    bytes.push(tag);
    bytes.extend_from_slice(&word.to_le_bytes());
}

fn hash_string(ty: &DataType, string: &[u8], bytes: &mut Vec<u8>) {
    match ty {
        DataType::Uuid => {
            // hashed as a number: two native words, the first half of the text first
            bytes.push(tag::UINT128);
            string.chunks(8).for_each(|half| bytes.extend(half.iter().rev()));
        }
        _ => {
            hash_word(tag::STRING, string.len() as u64, bytes);
            bytes.extend_from_slice(string);
        }
    }
}

/// Wide integers and decimals (unscaled): their little-endian bytes.
fn hash_number(ty: &DataType, text: &str, bytes: &mut Vec<u8>) {
    let unscaled: String = text.chars().filter(|c| *c != '.').collect();
    let number = match i256::from_string(&unscaled) {
        Some(number) => number,
        None => u256_from_text(text.as_bytes()).map_or(i256::ZERO, |(high, low)| i256::from_parts(low, high as i128)),
    };
    let number = number.to_le_bytes();
    let (tag, width) = match ty {
        DataType::UInt128 => (tag::UINT128, 16),
        DataType::Int128 => (tag::INT128, 16),
        DataType::UInt256 => (tag::UINT256, 32),
        DataType::Int256 => (tag::INT256, 32),
        DataType::Decimal { precision, .. } => match precision {
            0..=9 => (tag::DECIMAL32, 4),
            10..=18 => (tag::DECIMAL64, 8),
            19..=38 => (tag::DECIMAL128, 16),
            _ => (tag::DECIMAL256, 32),
        },
        _ => return,
    };
    bytes.push(tag);
    bytes.extend_from_slice(&number[..width]);
}

#[cfg(test)]
mod tests;
