//! Native: columns of blocks as bytes, as ClickHouse's own clients read them.
//!
//! ```text
//! block   [info, when a revision was asked for] columns:varint rows:varint column…
//! column  name:string type:string [0x00, from revision 54454 on] [prefixes] data      (no data without rows)
//! ```
//!
//! Prefixes (the version of each LowCardinality dictionary inside) come before all data of their column.

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StructArray, UInt32Array};
use types::{Block, DataType, Header};

use super::row_binary::{write_bytes, write_value, write_varint};
use super::{Encode, Statistics};
use crate::native::{
    ADDITIONAL_KEYS, BLOCK_INFO, CUSTOM_SERIALIZATION, DICTIONARY_VERSION, LOW_CARDINALITY, NEEDS_UPDATE,
};

pub(super) struct Native {
    header: Header,
    /// Of the protocol that the client speaks; 0: of none.
    revision: u64,
}

impl Native {
    pub(super) fn new(header: &Header, revision: u64) -> Native {
        let keeps_dictionaries = revision == 0 || LOW_CARDINALITY <= revision;
        let plain =
            |column: &types::Column| types::Column::new(column.name.clone(), column.ty.without_low_cardinality());
        let header = match keeps_dictionaries {
            true => header.clone(),
            false => Header::new(header.columns().iter().map(plain).collect::<Vec<_>>()),
        };
        Native { header, revision }
    }
}

impl Encode for Native {
    fn begin(&mut self, _: &mut Vec<u8>) {}

    fn block(&mut self, block: &Block, out: &mut Vec<u8>) {
        if self.revision > 0 {
            out.extend_from_slice(&BLOCK_INFO);
        }
        write_varint(out, self.header.len() as u64);
        write_varint(out, block.rows() as u64);
        for (column, array) in self.header.columns().iter().zip(block.arrays()) {
            write_bytes(out, column.name.as_bytes());
            write_bytes(out, column.ty.to_string().as_bytes());
            if CUSTOM_SERIALIZATION <= self.revision {
                out.push(0);
            }
            if block.rows() > 0 {
                write_prefix(out, &column.ty);
                write_column(out, &column.ty, array);
            }
        }
    }

    fn totals(&mut self, _: &Block, _: &mut Vec<u8>) {}

    fn end(&mut self, _: &Statistics, _: &mut Vec<u8>) {}
}

/// What stands before the data of a column.
fn write_prefix(out: &mut Vec<u8>, ty: &DataType) {
    match ty {
        DataType::LowCardinality(_) => out.extend_from_slice(&DICTIONARY_VERSION.to_le_bytes()),
        DataType::Nullable(inner) | DataType::Array(inner) => write_prefix(out, inner),
        DataType::SimpleAggregateFunction(signature) => {
            signature.args.iter().take(1).for_each(|ty| write_prefix(out, ty))
        }
        DataType::Map(entry) => {
            write_prefix(out, &entry.0);
            write_prefix(out, &entry.1);
        }
        DataType::Tuple(fields) => fields.iter().for_each(|field| write_prefix(out, &field.ty)),
        _ => {}
    }
}

fn write_column(out: &mut Vec<u8>, ty: &DataType, array: &ArrayRef) {
    let rows = array.len();
    match ty {
        DataType::Nullable(inner) => {
            let nulls = array.logical_nulls();
            out.extend((0..rows).map(|row| u8::from(nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)))));
            write_column(out, inner, &without_nulls(array, inner));
        }
        DataType::LowCardinality(inner) => write_dictionary(out, inner, array),
        DataType::SimpleAggregateFunction(signature) => {
            if let Some(inner) = signature.args.first() {
                write_column(out, inner, array);
            }
        }
        DataType::Nothing => out.extend(std::iter::repeat_n(b'0', rows)),
        DataType::Array(inner) => {
            let values = write_offsets(out, array.as_list());
            write_column(out, inner, &values);
        }
        DataType::Map(entry) => {
            let values = write_offsets(out, array.as_list());
            let pairs: &StructArray = values.as_struct();
            write_column(out, &entry.0, pairs.column(0));
            write_column(out, &entry.1, pairs.column(1));
        }
        DataType::Tuple(fields) if fields.is_empty() => out.extend(std::iter::repeat_n(b'0', rows)),
        DataType::Tuple(fields) => {
            let tuple: &StructArray = array.as_struct();
            fields.iter().zip(tuple.columns()).for_each(|(field, column)| write_column(out, &field.ty, column));
        }
        plain => (0..rows).for_each(|row| write_value(out, plain, array, row)),
    }
}

/// NULLs as the default of `ty`: readers of this format see a value there.
fn without_nulls(array: &ArrayRef, ty: &DataType) -> ArrayRef {
    if *ty == DataType::Nothing || array.null_count() == 0 {
        return array.clone();
    }
    let default = ty.default_array(1);
    let rows: Vec<(usize, usize)> =
        (0..array.len()).map(|row| if array.is_null(row) { (1, 0) } else { (0, row) }).collect();
    arrow::compute::interleave(&[array.as_ref(), default.as_ref()], &rows).unwrap_or_else(|_| array.clone())
}

/// Writes where each row's elements end; gives the elements.
fn write_offsets(out: &mut Vec<u8>, list: &ListArray) -> ArrayRef {
    let offsets = list.value_offsets();
    let first = offsets.first().copied().unwrap_or(0);
    for end in offsets.iter().skip(1) {
        out.extend_from_slice(&((end - first) as u64).to_le_bytes());
    }
    let last = offsets.last().copied().unwrap_or(first);
    list.values().slice(first as usize, (last - first) as usize)
}

/// The different values, the default (or NULL) first, then for each row which one it is.
fn write_dictionary(out: &mut Vec<u8>, ty: &DataType, array: &ArrayRef) {
    if array.is_empty() {
        return;
    }
    let plain = ty.remove_nullable();
    let mut keys = Vec::new();
    let mut known = hashbrown::HashMap::new();
    let mut key = Vec::new();
    write_column(&mut key, &plain, &plain.default_array(1));
    keys.extend_from_slice(&key);
    let mut count = 1u32;
    if !ty.is_nullable() {
        known.insert(key.clone(), 0u32);
    }
    let mut positions = Vec::with_capacity(array.len());
    for row in 0..array.len() {
        if array.is_null(row) {
            positions.push(0);
            continue;
        }
        key.clear();
        write_value(&mut key, &plain, array, row);
        let position = *known.entry_ref(key.as_slice()).or_insert_with(|| {
            keys.extend_from_slice(&key);
            count += 1;
            count - 1
        });
        positions.push(position);
    }
    let positions = UInt32Array::from(positions);
    let width: u64 = match count {
        0..=0x100 => 0,
        0x101..=0x1_0000 => 1,
        _ => 2,
    };
    out.extend_from_slice(&(ADDITIONAL_KEYS | NEEDS_UPDATE | width).to_le_bytes());
    out.extend_from_slice(&u64::from(count).to_le_bytes());
    out.extend_from_slice(&keys);
    out.extend_from_slice(&(array.len() as u64).to_le_bytes());
    for position in positions.values() {
        out.extend(position.to_le_bytes().into_iter().take(1 << width));
    }
}
