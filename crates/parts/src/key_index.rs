//! Hash index of a part: from the hash of a whole sorting key to the rows that may have it.
//!
//! ```text
//! filter   one bit pattern a key in a 64-byte block: says "not here" for all but about 1 of 100 keys that are not
//! starts   where the hashes of each prefix begin in the two columns below
//! hashes   the hashes' upper halves, ascending          rows   the first row of the run of equal keys
//! ```
//!
//! An answer is a guess: the caller compares the keys of the rows it gets. Never leaves out a row that has the key.
//! 9 to 10 bytes a key. The hashes are stored, so the bytes hashed ([`KeyHasher`]) may never change.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::Buffer;
use arrow::datatypes::DataType as ArrowType;
use types::{Block, DataType};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};
use crate::order::comparable;
use crate::schema::PartSchema;

/// The version in the first byte of an encoded index.
const VERSION: u8 = 1;
/// Bits of the filter for a key.
const FILTER_BITS: usize = 10;
/// Words of a filter's block: one cache line.
const BLOCK_WORDS: usize = 8;
/// Keys of one prefix, about.
const KEYS_PER_PREFIX: usize = 16;

/// Hashes sorting keys: equal keys (in the order's sense: -0.0 and 0.0, all NaNs) have equal hashes.
#[derive(Clone, Debug)]
pub struct KeyHasher {
    columns: Vec<(usize, DataType)>,
}

impl KeyHasher {
    /// The hasher of a schema's whole sorting key.
    pub fn new(schema: &PartSchema) -> KeyHasher {
        let column = |position: usize| (position, schema.header.columns()[position].ty.clone());
        KeyHasher { columns: schema.sort_positions().into_iter().map(column).collect() }
    }

    /// The hash of each row of a block with the schema's header.
    pub fn hash_block(&self, block: &Block) -> Result<Vec<u64>> {
        let arrays: Vec<ArrayRef> = self.columns.iter().map(|(position, _)| block.array(*position).clone()).collect();
        self.hash_keys(&arrays, block.rows())
    }

    /// The hash of each key, given the key's columns in the key's order.
    pub fn hash_keys(&self, keys: &[ArrayRef], rows: usize) -> Result<Vec<u64>> {
        let columns: Vec<Cells> =
            self.columns.iter().zip(keys).map(|((_, ty), array)| Cells::of(comparable(ty, array))).collect();
        let mut bytes = Vec::new();
        let mut hashes = Vec::with_capacity(rows);
        for row in 0..rows {
            bytes.clear();
            columns.iter().try_for_each(|cells| cells.write(&mut bytes, row))?;
            hashes.push(xxh3_64(&bytes));
        }
        Ok(hashes)
    }
}

/// The hash of each value of a column, as keys are hashed; none for NULL.
pub(crate) fn hash_values(ty: &DataType, array: &ArrayRef) -> Result<Vec<Option<u64>>> {
    let cells = Cells::of(comparable(ty, array));
    let mut bytes = Vec::new();
    let hash = |row: usize| {
        if cells.array.is_null(row) {
            return Ok(None);
        }
        bytes.clear();
        cells.write(&mut bytes, row)?;
        Ok(Some(xxh3_64(&bytes)))
    };
    (0..array.len()).map(hash).collect()
}

/// The values of a column, each as bytes, so that different values give different bytes.
struct Cells {
    array: ArrayRef,
    /// All values of a type of fixed width, one behind the other, and that width.
    fixed: Option<(Buffer, usize)>,
    /// The columns of a tuple.
    fields: Vec<Cells>,
}

impl Cells {
    fn of(array: ArrayRef) -> Cells {
        let fixed = array.data_type().primitive_width().map(|width| {
            let data = array.to_data();
            (data.buffers()[0].slice_with_length(data.offset() * width, data.len() * width), width)
        });
        let fields = match array.data_type() {
            ArrowType::Struct(_) => array.as_struct().columns().iter().cloned().map(Cells::of).collect(),
            _ => Vec::new(),
        };
        Cells { array, fixed, fields }
    }

    fn write(&self, bytes: &mut Vec<u8>, row: usize) -> Result<()> {
        let array = &self.array;
        if array.is_null(row) {
            bytes.push(0);
            return Ok(());
        }
        bytes.push(1);
        if let Some((values, width)) = &self.fixed {
            bytes.extend_from_slice(&values.as_slice()[row * width..(row + 1) * width]);
            return Ok(());
        }
        let mut write_sized = |value: &[u8]| {
            bytes.extend_from_slice(&(value.len() as u64).to_le_bytes());
            bytes.extend_from_slice(value);
        };
        match array.data_type() {
            ArrowType::Null => {}
            ArrowType::Boolean => bytes.push(array.as_boolean().value(row).into()),
            ArrowType::Binary => write_sized(array.as_binary::<i32>().value(row)),
            ArrowType::FixedSizeBinary(_) => write_sized(array.as_fixed_size_binary().value(row)),
            ArrowType::List(_) => {
                let items = Cells::of(array.as_list::<i32>().value(row));
                bytes.extend_from_slice(&(items.array.len() as u64).to_le_bytes());
                (0..items.array.len()).try_for_each(|item| items.write(bytes, item))?;
            }
            ArrowType::Struct(_) => self.fields.iter().try_for_each(|field| field.write(bytes, row))?,
            other => return Err(Error::Schema(format!("key of type {other}"))),
        }
        Ok(())
    }
}

/// The index of one part.
#[derive(Clone, PartialEq, Debug)]
pub struct KeyIndex {
    filter: Vec<u64>,
    /// How far a hash is shifted to get its prefix; 64 when there is only one prefix.
    shift: u32,
    starts: Vec<u32>,
    hashes: Vec<u32>,
    rows: Vec<u32>,
}

impl KeyIndex {
    /// The index of rows whose hashes, in the order of the part, are these. Of equal neighbours only the first is kept.
    pub fn build(hashes: &[u64]) -> KeyIndex {
        let is_first = |row: &usize| *row == 0 || hashes[row - 1] != hashes[*row];
        let mut keys: Vec<(u64, u32)> =
            (0..hashes.len()).filter(is_first).map(|row| (hashes[row], row as u32)).collect();
        keys.sort_unstable();
        let prefixes = (keys.len() / KEYS_PER_PREFIX).next_power_of_two();
        let shift = 64 - prefixes.trailing_zeros();
        let mut index = KeyIndex {
            filter: vec![0; (keys.len() * FILTER_BITS).div_ceil(64 * BLOCK_WORDS).max(1) * BLOCK_WORDS],
            shift,
            starts: Vec::with_capacity(prefixes + 1),
            hashes: keys.iter().map(|(hash, _)| (hash >> 32) as u32).collect(),
            rows: keys.iter().map(|(_, row)| *row).collect(),
        };
        for prefix in 0..=prefixes as u64 {
            index.starts.push(keys.partition_point(|(hash, _)| prefix_of(*hash, shift) < prefix) as u32);
        }
        for (hash, _) in &keys {
            let (block, bits) = index.filter_bits(*hash);
            bits.into_iter().for_each(|bit| index.filter[block + bit / 64] |= 1 << (bit % 64));
        }
        index
    }

    /// The index of a block that is a whole part.
    pub fn of_block(schema: &PartSchema, block: &Block) -> Result<KeyIndex> {
        Ok(KeyIndex::build(&KeyHasher::new(schema).hash_block(block)?))
    }

    /// False when no row has a key of this hash.
    pub fn may_contain(&self, hash: u64) -> bool {
        let (block, bits) = self.filter_bits(hash);
        bits.into_iter().all(|bit| self.filter.get(block + bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1))
    }

    /// The first rows of runs of rows that may have a key of this hash, ascending. The caller compares keys, and reads on
    /// from there while they are equal.
    pub fn lookup(&self, hash: u64) -> Vec<u32> {
        if !self.may_contain(hash) {
            return Vec::new();
        }
        let prefix = prefix_of(hash, self.shift) as usize;
        let bound = |i: usize| self.starts.get(i).map_or(0, |start| *start as usize).min(self.hashes.len());
        let (start, end) = (bound(prefix), bound(prefix + 1).max(bound(prefix)));
        let hashes = &self.hashes[start..end];
        let wanted = (hash >> 32) as u32;
        let first = start + hashes.partition_point(|hash| *hash < wanted);
        let equal = self.hashes[first..end].iter().take_while(|hash| **hash == wanted).count();
        let mut rows = self.rows.get(first..first + equal).unwrap_or_default().to_vec();
        rows.sort_unstable();
        rows
    }

    /// About how many bytes it holds.
    pub fn size_bytes(&self) -> usize {
        self.filter.len() * 8 + (self.starts.len() + self.hashes.len() + self.rows.len()) * 4
    }

    /// Where a hash's bits are: the first word of its block, and bits of that block.
    fn filter_bits(&self, hash: u64) -> (usize, [usize; 6]) {
        let blocks = (self.filter.len() / BLOCK_WORDS).max(1) as u64;
        let block = ((u128::from(hash) * u128::from(blocks)) >> 64) as usize * BLOCK_WORDS;
        let mut bits = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut next = || {
            bits = bits.rotate_left(9).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            (bits >> 55) as usize
        };
        (block, std::array::from_fn(|_| next()))
    }

    /// The bytes that [`KeyIndex::decode`] reads: an object of its own beside the part's file.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        out.extend_from_slice(&self.shift.to_le_bytes());
        for len in [self.filter.len(), self.starts.len(), self.hashes.len()] {
            out.extend_from_slice(&(len as u64).to_le_bytes());
        }
        out.extend(self.filter.iter().flat_map(|word| word.to_le_bytes()));
        for column in [&self.starts, &self.hashes, &self.rows] {
            out.extend(column.iter().flat_map(|number| number.to_le_bytes()));
        }
        out.extend_from_slice(&crc32c::crc32c(&out).to_le_bytes());
        out
    }

    /// The index that `bytes` were made from. Arbitrary bytes are an error.
    pub fn decode(bytes: &[u8]) -> Result<KeyIndex> {
        let wrong = || Error::Damaged("key index is not what was written");
        let (body, sum) = bytes.split_last_chunk::<4>().ok_or_else(wrong)?;
        if crc32c::crc32c(body) != u32::from_le_bytes(*sum) {
            return Err(wrong());
        }
        let (version, rest) = body.split_first().ok_or_else(wrong)?;
        if *version != VERSION {
            return Err(Error::FormatVersion { found: (*version).into(), known: VERSION.into() });
        }
        let (shift, mut rest) = rest.split_first_chunk::<4>().ok_or_else(wrong)?;
        let mut lengths = [0usize; 3];
        for length in &mut lengths {
            let (number, after) = rest.split_first_chunk::<8>().ok_or_else(wrong)?;
            *length = usize::try_from(u64::from_le_bytes(*number)).map_err(|_| wrong())?;
            rest = after;
        }
        let mut take = |count: usize, width: usize| {
            let (taken, after) = rest.split_at_checked(count.checked_mul(width)?)?;
            rest = after;
            Some(taken)
        };
        let [filter, starts, hashes] = lengths;
        let words =
            |bytes: &[u8]| bytes.chunks_exact(8).filter_map(|b| Some(u64::from_le_bytes(b.try_into().ok()?))).collect();
        let numbers =
            |bytes: &[u8]| bytes.chunks_exact(4).filter_map(|b| Some(u32::from_le_bytes(b.try_into().ok()?))).collect();
        let index = KeyIndex {
            filter: words(take(filter, 8).ok_or_else(wrong)?),
            shift: u32::from_le_bytes(*shift),
            starts: numbers(take(starts, 4).ok_or_else(wrong)?),
            hashes: numbers(take(hashes, 4).ok_or_else(wrong)?),
            rows: numbers(take(hashes, 4).ok_or_else(wrong)?),
        };
        if rest.is_empty() { Ok(index) } else { Err(wrong()) }
    }
}

/// The upper bits of a hash; 0 when there is only one prefix.
fn prefix_of(hash: u64, shift: u32) -> u64 {
    hash.checked_shr(shift).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{BinaryArray, Float64Array};
    use proptest::prelude::*;
    use types::{Column, Header};

    use super::*;
    use crate::schema::{MergeMode, SortColumn};

    proptest! {
        #[test]
        fn every_key_is_found_where_its_run_begins(keys in proptest::collection::vec(0u64..500, 0..400)) {
            let mut keys = keys;
            keys.sort_unstable();
            let hashes: Vec<u64> = keys.iter().map(|key| xxh3_64(&key.to_le_bytes())).collect();
            let index = KeyIndex::build(&hashes);
            prop_assert_eq!(&KeyIndex::decode(&index.encode()).unwrap(), &index);
            for key in 0u64..500 {
                let first = keys.iter().position(|other| *other == key);
                let found = index.lookup(xxh3_64(&key.to_le_bytes()));
                prop_assert_eq!(found, first.map(|row| row as u32).into_iter().collect::<Vec<_>>());
            }
        }

        #[test]
        fn damaged_bytes_never_panic(at in any::<prop::sample::Index>(), bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let mut encoded = KeyIndex::build(&[1, 2, 3]).encode();
            let at = at.index(encoded.len());
            encoded[at] ^= 1;
            prop_assert!(KeyIndex::decode(&encoded).is_err());
            let _ = KeyIndex::decode(&bytes);
        }
    }

    #[test]
    fn few_of_the_keys_that_are_not_there_pass_the_filter() {
        let hashes: Vec<u64> = (0..10_000u64).map(|key| xxh3_64(&key.to_le_bytes())).collect();
        let index = KeyIndex::build(&hashes);
        let passed = (10_000..110_000u64).filter(|key| index.may_contain(xxh3_64(&key.to_le_bytes()))).count();
        assert!(passed < 3_000, "{passed} of 100000");
        assert!(index.size_bytes() < 100_000, "{}", index.size_bytes());
    }

    #[test]
    fn keys_that_are_equal_in_order_have_equal_hashes() {
        let header = Header::new(vec![Column::new("k", DataType::Float64), Column::new("s", DataType::String)]);
        let schema = PartSchema {
            header: header.clone(),
            sort_key: vec![SortColumn::ascending(0), SortColumn::ascending(1)],
            primary_key_len: 2,
            partition_key: vec![],
            merge_mode: MergeMode::Plain,
            index_granularity: 8,
            min_max: vec![],
        };
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![0.0, -0.0, f64::NAN, -f64::NAN, 0.0]));
        let texts: ArrayRef = Arc::new(BinaryArray::from(vec![b"a" as &[u8], b"a", b"", b"", b"b"]));
        let hashes = KeyHasher::new(&schema).hash_block(&Block::new(header, vec![floats, texts]).unwrap()).unwrap();
        assert_eq!(hashes[0], hashes[1]);
        assert_eq!(hashes[2], hashes[3]);
        assert_ne!(hashes[0], hashes[4]);
    }
}
