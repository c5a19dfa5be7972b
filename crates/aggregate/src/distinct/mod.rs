//! How many different values: `uniqExact`, `uniq`, `uniqCombined`, `uniqHLL12`, `uniqUpTo`.
//!
//! All work on hashes of the arguments' cells. Which values a state stands for never depends on the order in which they
//! came, so merging is exactly associative and commutative, for the approximate ones too.

mod exact;
mod registers;
mod sample;
mod up_to;

use std::hash::{BuildHasher, Hasher};

use arrow::array::ArrayRef;
use types::{DataType, ErrorCode};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::aggregate::Made;
use crate::call::Call;
use crate::cell::{CellReader, Shape};
use crate::error::Result;
use crate::object::made;

pub(crate) fn resolve(call: &Call<'_>) -> Result<Made> {
    if call.args.is_empty() {
        return Err(call.argument_count("at least one argument"));
    }
    let shapes: Vec<Shape> = call.args.iter().map(Shape::of).collect();
    match call.function {
        "uniqExact" => {
            call.no_params()?;
            Ok(exact::resolve(shapes))
        }
        "uniq" => {
            call.no_params()?;
            Ok(made(DataType::UInt64, sample::Uniq::new(shapes)))
        }
        "uniqHLL12" => {
            call.no_params()?;
            Ok(made(DataType::UInt64, registers::UniqHll::new(shapes, 12)))
        }
        "uniqUpTo" => {
            let limit = call.required_size().unwrap_or(10);
            if limit > up_to::LIMIT_MAX {
                return Err(call.bad_param_code("a number of at most 100", ErrorCode::ARGUMENT_OUT_OF_BOUND));
            }
            Ok(made(DataType::UInt64, up_to::UniqUpTo::new(shapes, limit as usize)))
        }
        _ => {
            let precision = call.optional_size()?.unwrap_or(17);
            if !(12..=20).contains(&precision) {
                return Err(call.bad_param_code("a number in 12 … 20", ErrorCode::ARGUMENT_OUT_OF_BOUND));
            }
            Ok(made(DataType::UInt64, registers::UniqHll::new(shapes, precision as u8)))
        }
    }
}

/// The argument columns of one batch as one byte string a row.
pub(crate) struct Keys {
    columns: Vec<CellReader>,
}

impl Keys {
    pub fn new(shapes: &[Shape], args: &[ArrayRef]) -> Result<Keys> {
        let read = if shapes.len() == 1 {
            |shape: &Shape, array: &ArrayRef| CellReader::new(shape, array, crate::cell::Nulls::Last)
        } else {
            CellReader::delimited
        };
        let columns = shapes.iter().zip(args).map(|(shape, array)| read(shape, array));
        Ok(Keys { columns: columns.collect::<Result<_>>()? })
    }

    /// Appends the key of `row`.
    pub fn write(&self, row: usize, out: &mut Vec<u8>) {
        self.columns.iter().for_each(|column| column.write(row, out));
    }

    /// Calls `with` with the key of `row`.
    fn with<T>(&self, row: usize, with: impl FnOnce(&[u8]) -> T) -> T {
        let mut scratch = Vec::new();
        if let [only] = self.columns.as_slice() {
            return with(only.cell(row, &mut scratch));
        }
        self.write(row, &mut scratch);
        with(&scratch)
    }

    /// True when the only argument is NaN.
    pub fn is_nan(&self, row: usize) -> bool {
        matches!(self.columns.as_slice(), [only] if only.is_nan(row))
    }

    pub fn hash64(&self, row: usize) -> u64 {
        self.with(row, xxh3_64)
    }

    pub fn hash128(&self, row: usize) -> u128 {
        self.with(row, xxh3_128)
    }
}

/// Hash tables keyed by numbers: one multiplication, no random seed.
#[derive(Clone, Copy, Default)]
pub(crate) struct Mixed;

/// See [`Mixed`].
#[derive(Default)]
pub(crate) struct MixedHasher(u64);

impl BuildHasher for Mixed {
    type Hasher = MixedHasher;

    fn build_hasher(&self) -> MixedHasher {
        MixedHasher(0)
    }
}

impl Hasher for MixedHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 ^= xxh3_64(bytes);
    }

    fn write_u64(&mut self, value: u64) {
        let product = u128::from(value ^ self.0) * 0x9E37_79B9_7F4A_7C15;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }

    fn write_u128(&mut self, value: u128) {
        self.write_u64(value as u64);
    }
}
