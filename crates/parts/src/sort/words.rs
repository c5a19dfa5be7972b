//! A key's column as words whose order as numbers is ClickHouse's order of the column's values.

use std::cmp::{Ordering, Reverse};

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BinaryArray, FixedSizeBinaryArray};
use arrow::datatypes::{
    DataType as ArrowType, Date32Type, Decimal32Type, Decimal64Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_row::Rows;
use types::{Column, DataType, Header};

use crate::error::Result;
use crate::order::{KeyEncoder, comparable};
use crate::schema::SortColumn;

/// Bytes of a value that one word holds; its last byte counts them, or says that there are more.
pub(crate) const BYTES_OF_WORD: usize = 7;
/// The last byte of a word behind which the value goes on.
const GOES_ON: u64 = BYTES_OF_WORD as u64 + 1;

/// One column of a key.
pub(crate) enum KeyColumn {
    /// A value is one word.
    Words(Vec<u64>),
    /// A value is a string of bytes; descending when the flag is true.
    Strings(BinaryArray, bool),
    /// The same, all of one length.
    Cells(FixedSizeBinaryArray, bool),
    /// Any other value, as bytes that compare as it does.
    Encoded(Rows),
}

impl KeyColumn {
    /// The column of these values.
    pub(crate) fn new(ty: &DataType, array: &ArrayRef, descending: bool) -> Result<KeyColumn> {
        if array.null_count() == 0 {
            let array = comparable(ty, array);
            if let Some(mut words) = words(&array) {
                if descending {
                    words.iter_mut().for_each(|word| *word = !*word);
                }
                return Ok(KeyColumn::Words(words));
            }
            match array.data_type() {
                ArrowType::Binary => return Ok(KeyColumn::Strings(array.as_binary().clone(), descending)),
                ArrowType::FixedSizeBinary(_) => {
                    return Ok(KeyColumn::Cells(array.as_fixed_size_binary().clone(), descending));
                }
                _ => {}
            }
        }
        let header = Header::new(vec![Column::new("key", ty.clone())]);
        let encoder = KeyEncoder::new(&header, &[SortColumn { position: 0, descending }])?;
        Ok(KeyColumn::Encoded(encoder.encode_arrays(std::slice::from_ref(array), array.len())?))
    }

    fn bytes(&self, row: u32) -> &[u8] {
        match self {
            KeyColumn::Words(_) => &[],
            KeyColumn::Strings(values, _) => values.value(row as usize),
            KeyColumn::Cells(values, _) => values.value(row as usize),
            KeyColumn::Encoded(rows) => rows.row(row as usize).data(),
        }
    }

    /// How many bytes behind the first `depth` all these rows have in common.
    pub(crate) fn common(&self, rows: &[u32], depth: usize) -> usize {
        let (first, others) = match (self, rows) {
            (KeyColumn::Words(_), _) | (_, []) => return 0,
            (_, [first, others @ ..]) => (self.bytes(*first).get(depth..).unwrap_or_default(), others),
        };
        let mut common = first.len();
        for row in others {
            if common == 0 {
                break;
            }
            let other = self.bytes(*row).get(depth..).unwrap_or_default();
            let pairs = first[..common].iter().zip(other);
            common = pairs.take_while(|(a, b)| a == b).count();
        }
        common
    }

    /// The word of a row behind its first `depth` bytes.
    pub(crate) fn word(&self, row: u32, depth: usize) -> u64 {
        let descending = match self {
            KeyColumn::Words(words) => return words[row as usize],
            KeyColumn::Strings(_, descending) | KeyColumn::Cells(_, descending) => *descending,
            KeyColumn::Encoded(_) => false,
        };
        let left = self.bytes(row).get(depth..).unwrap_or_default();
        let mut word = [0; 8];
        let taken = left.len().min(BYTES_OF_WORD);
        word[..taken].copy_from_slice(&left[..taken]);
        word[BYTES_OF_WORD] = left.len().min(BYTES_OF_WORD + 1) as u8;
        let word = u64::from_be_bytes(word);
        if descending { !word } else { word }
    }

    /// How two rows compare.
    pub(crate) fn compare(&self, a: u32, b: u32) -> Ordering {
        match self {
            KeyColumn::Words(words) => words[a as usize].cmp(&words[b as usize]),
            KeyColumn::Strings(_, true) | KeyColumn::Cells(_, true) => self.bytes(b).cmp(self.bytes(a)),
            _ => self.bytes(a).cmp(self.bytes(b)),
        }
    }

    /// The first row with the smallest value and the first with the largest, of these rows.
    pub(crate) fn extremes(&self, rows: impl Iterator<Item = u32>) -> Option<(u32, u32)> {
        /// As a loop over one kind of value, which the compiler can keep in registers.
        fn of<V: Ord + Copy>(mut rows: impl Iterator<Item = u32>, value: impl Fn(u32) -> V) -> Option<(u32, u32)> {
            let first = rows.next()?;
            let (mut min, mut max) = ((value(first), first), (value(first), first));
            for row in rows {
                let value = value(row);
                if value < min.0 {
                    min = (value, row);
                } else if max.0 < value {
                    max = (value, row);
                }
            }
            Some((min.1, max.1))
        }
        match self {
            KeyColumn::Words(words) => of(rows, |row| words[row as usize]),
            KeyColumn::Strings(_, true) | KeyColumn::Cells(_, true) => of(rows, |row| Reverse(self.bytes(row))),
            KeyColumn::Strings(values, false) => of(rows, |row| values.value(row as usize)),
            _ => of(rows, |row| self.bytes(row)),
        }
    }

    /// True when rows of this same word may still differ in the column.
    pub(crate) fn goes_on(&self, word: u64) -> bool {
        match self {
            KeyColumn::Words(_) => false,
            KeyColumn::Strings(_, true) | KeyColumn::Cells(_, true) => !word & 0xff == GOES_ON,
            _ => word & 0xff == GOES_ON,
        }
    }
}

/// Values of 8 bytes at most as words; `None` for other types.
fn words(array: &ArrayRef) -> Option<Vec<u64>> {
    const SIGN: u64 = 1 << 63;
    fn of<T: ArrowPrimitiveType>(array: &ArrayRef, word: impl Fn(T::Native) -> u64) -> Option<Vec<u64>> {
        Some(array.as_primitive::<T>().values().iter().map(|value| word(*value)).collect())
    }
    let signed = |value: i64| value as u64 ^ SIGN;
    // IEEE 754's bits order positive numbers; those of negative ones are turned round. NaN was made the positive one.
    let float = |bits: u64| if bits & SIGN == 0 { bits | SIGN } else { !bits };
    match array.data_type() {
        ArrowType::Boolean => Some(array.as_boolean().values().iter().map(u64::from).collect()),
        ArrowType::UInt8 => of::<UInt8Type>(array, u64::from),
        ArrowType::UInt16 => of::<UInt16Type>(array, u64::from),
        ArrowType::UInt32 => of::<UInt32Type>(array, u64::from),
        ArrowType::UInt64 => of::<UInt64Type>(array, |value| value),
        ArrowType::Int8 => of::<Int8Type>(array, |value| signed(value.into())),
        ArrowType::Int16 => of::<Int16Type>(array, |value| signed(value.into())),
        ArrowType::Int32 => of::<Int32Type>(array, |value| signed(value.into())),
        ArrowType::Int64 => of::<Int64Type>(array, signed),
        ArrowType::Date32 => of::<Date32Type>(array, |value| signed(value.into())),
        ArrowType::Decimal32(..) => of::<Decimal32Type>(array, |value| signed(value.into())),
        ArrowType::Decimal64(..) => of::<Decimal64Type>(array, signed),
        ArrowType::Timestamp(TimeUnit::Second, _) => of::<TimestampSecondType>(array, signed),
        ArrowType::Timestamp(TimeUnit::Millisecond, _) => of::<TimestampMillisecondType>(array, signed),
        ArrowType::Timestamp(TimeUnit::Microsecond, _) => of::<TimestampMicrosecondType>(array, signed),
        ArrowType::Timestamp(TimeUnit::Nanosecond, _) => of::<TimestampNanosecondType>(array, signed),
        ArrowType::Float32 => of::<Float32Type>(array, |value| float(f64::from(value).to_bits())),
        ArrowType::Float64 => of::<Float64Type>(array, |value| float(value.to_bits())),
        _ => None,
    }
}
