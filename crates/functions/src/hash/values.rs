//! Hashes of values of any type, and of several together.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeBinaryArray, UInt32Array, UInt64Array};
use arrow::datatypes::{
    DataType as ArrowType, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int64Type, UInt64Type,
};
use types::DataType;

use super::{Width, int_hash32, int_hash64};
use crate::arrays::steps::fields;
use crate::columns::{Bytes, Lists, saturated, unexpected};
use crate::error::{Error, Result};
use crate::frame::{Call, Operand, Resolved};
use crate::request::Request;

/// The hash of no arguments.
const NOTHING: u128 = 0xe28d_bde7_fe22_e41c;

/// A hash function. Hashes are carried in the low bits of 128.
pub(super) struct Algorithm {
    /// Of bytes.
    pub(super) hash: fn(&[u8]) -> u128,
    /// Of two hashes, in order.
    pub(super) combine: fn(u128, u128) -> u128,
    /// Numbers of up to 64 bits are hashed by `intHash64`, not by their bytes.
    pub(super) numbers_by_int_hash: bool,
    /// The longest text, in bytes, for which it gives ClickHouse's value.
    pub(super) longest: usize,
}

/// The function `algorithm(a, b, …)`.
pub(super) fn any_hash(request: &Request<'_>, width: Width, algorithm: &'static Algorithm) -> Result<Resolved> {
    let types: Vec<DataType> = request.args.iter().map(|arg| arg.ty.clone()).collect();
    types.iter().try_for_each(|ty| check(request.name, ty))?;
    let result = match width {
        Width::Short => DataType::UInt32,
        Width::Long => DataType::UInt64,
        Width::Wide => DataType::FixedString(16),
    };
    Ok(Resolved::new(result, move |args: &[Operand], call: &Call| {
        let mut hashes: Option<Vec<u128>> = None;
        for (arg, ty) in args.iter().zip(&types) {
            let walk = Walk { algorithm, width };
            walk.add(&mut hashes, &arg.expand(call.rows)?, ty)?;
        }
        let hashes = hashes.unwrap_or_else(|| vec![NOTHING; call.rows]);
        Ok(match width {
            Width::Short => Arc::new(UInt32Array::from_iter_values(hashes.into_iter().map(|hash| hash as u32))),
            Width::Long => Arc::new(UInt64Array::from_iter_values(hashes.into_iter().map(|hash| hash as u64))),
            Width::Wide => {
                let cells = hashes.into_iter().map(|hash| Some(hash.to_le_bytes()));
                Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(cells, 16)?) as ArrayRef
            }
        })
    }))
}

fn check(name: &str, ty: &DataType) -> Result<()> {
    match ty {
        DataType::Array(inner) => check(name, inner),
        DataType::Map(entry) => check(name, &entry.0).and_then(|()| check(name, &entry.1)),
        DataType::Tuple(fields) => fields.iter().try_for_each(|field| check(name, &field.ty)),
        DataType::LowCardinality(inner) => check(name, inner),
        DataType::Nullable(_) | DataType::AggregateFunction(_) => {
            Err(Error::NotImplemented(format!("function \"{name}\" of {ty} inside a container")))
        }
        _ => Ok(()),
    }
}

struct Walk {
    algorithm: &'static Algorithm,
    width: Width,
}

impl Walk {
    /// Combines the hashes of a column into those so far.
    fn add(&self, hashes: &mut Option<Vec<u128>>, array: &ArrayRef, ty: &DataType) -> Result<()> {
        match ty {
            DataType::Tuple(types) => {
                let columns = fields(array)?;
                types.iter().zip(&columns).try_for_each(|(field, column)| self.add(hashes, column, &field.ty))
            }
            DataType::Array(inner) => {
                let lists = Lists::of_array(array)?;
                self.add_lists(hashes, &lists, &[(lists.elements.clone(), (**inner).clone())])
            }
            DataType::Map(entry) => {
                let lists = Lists::of_array(array)?;
                let (keys, values) = crate::maps::entries(&lists)?;
                self.add_lists(hashes, &lists, &[(keys, entry.0.clone()), (values, entry.1.clone())])
            }
            plain => {
                let own = self.plain(array, plain)?;
                self.combine(hashes, own);
                Ok(())
            }
        }
    }

    /// A list's hash is that of its length and then those of its elements.
    fn add_lists(&self, hashes: &mut Option<Vec<u128>>, lists: &Lists, columns: &[(ArrayRef, DataType)]) -> Result<()> {
        let mut elements: Option<Vec<u128>> = None;
        for (column, ty) in columns {
            self.add(&mut elements, column, ty)?;
        }
        let elements = elements.unwrap_or_default();
        let length = |length: usize| match self.width {
            Width::Short => int_hash32(length as u64).into(),
            Width::Long => int_hash64(length as u64).into(),
            Width::Wide => (self.algorithm.hash)(&(length as u64).to_le_bytes()),
        };
        self.combine(hashes, lists.ranges().map(|range| length(range.len())).collect());
        for (hash, range) in hashes.iter_mut().flatten().zip(lists.ranges()) {
            for i in range {
                *hash = self.narrowed((self.algorithm.combine)(*hash, elements.get(i).copied().unwrap_or(NOTHING)));
            }
        }
        Ok(())
    }

    fn combine(&self, hashes: &mut Option<Vec<u128>>, own: Vec<u128>) {
        match hashes {
            None => *hashes = Some(own),
            Some(so_far) => {
                for (hash, own) in so_far.iter_mut().zip(own) {
                    *hash = self.narrowed((self.algorithm.combine)(*hash, own));
                }
            }
        }
    }

    fn narrowed(&self, hash: u128) -> u128 {
        match self.width {
            Width::Short => u128::from(hash as u32),
            Width::Long => u128::from(hash as u64),
            Width::Wide => hash,
        }
    }

    /// The hashes of a column of plain values.
    fn plain(&self, array: &ArrayRef, ty: &DataType) -> Result<Vec<u128>> {
        if let Some(width) = number_width(ty) {
            let number = |bits: u64| match self.algorithm.numbers_by_int_hash {
                true => int_hash64(bits).into(),
                false => (self.algorithm.hash)(&bits.to_le_bytes()[..width]),
            };
            let mask = if width == 8 { u64::MAX } else { (1 << (width * 8)) - 1 };
            return Ok(bits(array)?.into_iter().map(|bits| number(bits & mask)).collect());
        }
        let mut cell = Vec::new();
        (0..array.len())
            .map(|row| {
                cell.clear();
                memory_of(ty, array, row, &mut cell)?;
                if cell.len() > self.algorithm.longest {
                    let limit = self.algorithm.longest;
                    return Err(Error::NotImplemented(format!("this hash of more than {limit} bytes")));
                }
                Ok((self.algorithm.hash)(&cell))
            })
            .collect()
    }
}

/// How many bytes a number (or what is one in memory) of up to 64 bits has.
fn number_width(ty: &DataType) -> Option<usize> {
    Some(match ty.base() {
        DataType::Bool => 1,
        DataType::Date => 2,
        DataType::Enum(values) => 1 + usize::from(values.wide),
        DataType::Date32 | DataType::DateTime(_) | DataType::Ipv4 | DataType::Float32 => 4,
        DataType::Interval(_) | DataType::Float64 => 8,
        other => return other.integer_width().filter(|width| *width <= 8),
    })
}

/// The bits of numbers, signed ones extended to 64.
pub(super) fn bits(array: &ArrayRef) -> Result<Vec<u64>> {
    Ok(match array.data_type() {
        ArrowType::UInt64 => array.as_primitive::<UInt64Type>().values().to_vec(),
        ArrowType::Float32 => array.as_primitive::<Float32Type>().values().iter().map(|v| v.to_bits().into()).collect(),
        ArrowType::Float64 => array.as_primitive::<Float64Type>().values().iter().map(|v| v.to_bits()).collect(),
        _ => saturated(array)?.values().iter().map(|value| *value as u64).collect(),
    })
}

/// The bytes that a value has in ClickHouse's memory.
fn memory_of(ty: &DataType, array: &ArrayRef, row: usize, out: &mut Vec<u8>) -> Result<()> {
    match ty.base() {
        DataType::Decimal { precision, .. } if *precision <= 38 => {
            let width = match precision {
                0..=9 => 4,
                10..=18 => 8,
                _ => 16,
            };
            out.extend_from_slice(&array.as_primitive::<Decimal128Type>().value(row).to_le_bytes()[..width]);
        }
        DataType::DateTime64 { .. } => out.extend(array.as_primitive::<Int64Type>().value(row).to_le_bytes()),
        DataType::Decimal { .. } => out.extend(array.as_primitive::<Decimal256Type>().value(row).to_le_bytes()),
        wide if wide.is_integer() => {
            out.extend_from_slice(Bytes::of_array(array, false)?.get(row));
            if let (true, Some(first)) = (wide.is_signed(), out.first_mut()) {
                *first ^= 0x80; // cells of signed numbers have their sign turned, to sort as bytes
            }
            out.reverse();
        }
        DataType::Uuid => {
            out.extend_from_slice(Bytes::of_array(array, false)?.get(row));
            out.chunks_mut(8).for_each(<[u8]>::reverse);
        }
        DataType::String | DataType::FixedString(_) | DataType::Ipv6 => {
            out.extend_from_slice(Bytes::of_array(array, false)?.get(row));
        }
        _ if array.is_empty() || array.data_type().is_null() => {}
        _ => return Err(unexpected(array.data_type())),
    }
    Ok(())
}
