//! Random types, headers and blocks for property tests. The same seed gives the same block.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Decimal128Array, Decimal256Array, FixedSizeBinaryArray, Float32Array,
    Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, ListArray, NullArray, StructArray, UInt8Array,
    UInt16Array, UInt32Array, UInt64Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType as ArrowType, i256};
use types::{Block, Column, DataType, Header};

/// A small generator of numbers (splitmix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }
}

/// Types that tables have, simple ones first.
const TYPES: &[&str] = &[
    "UInt8",
    "UInt16",
    "UInt32",
    "UInt64",
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "Float32",
    "Float64",
    "String",
    "Bool",
    "Date",
    "DateTime",
    "DateTime64(3)",
    "UUID",
    "IPv4",
    "IPv6",
    "Int128",
    "UInt256",
    "Decimal(9,2)",
    "Decimal(50,3)",
    "FixedString(5)",
    "Enum8('a'=1,'b'=2)",
    "Enum16('a'=1000)",
    "LowCardinality(String)",
    "LowCardinality(Nullable(String))",
    "Nullable(Int64)",
    "Nullable(String)",
    "Nullable(UUID)",
    "Nullable(Nothing)",
    "Array(UInt32)",
    "Array(Nullable(String))",
    "Array(Array(Int8))",
    "Map(String,UInt64)",
    "Tuple(UInt8,Nullable(String))",
    "Array(Tuple(String,Array(Bool)))",
    "AggregateFunction(avg,UInt64)",
    "AggregateFunction(uniq,String)",
    "SimpleAggregateFunction(sum,UInt64)",
];

/// One to five columns of random types.
pub fn random_header(dice: &mut Dice) -> Header {
    let columns = 1 + dice.below(5);
    let column =
        |i| Column::new(format!("c{i}"), DataType::parse(TYPES[dice.below(TYPES.len() as u64) as usize]).unwrap());
    Header::new((0..columns).map(column).collect::<Vec<_>>())
}

/// Rows of random values.
pub fn random_block(header: &Header, rows: usize, dice: &mut Dice) -> Block {
    let arrays =
        header.columns().iter().map(|c| random_array(&c.ty.arrow_type(), c.ty.is_nullable(), rows, dice)).collect();
    Block::with_rows(header.clone(), arrays, rows).unwrap()
}

fn random_array(ty: &ArrowType, nullable: bool, rows: usize, dice: &mut Dice) -> ArrayRef {
    // small numbers now and then, so that compression finds something
    let small = dice.below(2) == 0;
    let mut number = |i: usize| if small { dice.below(4) } else { dice.roll().wrapping_add(i as u64) };
    let numbers: Vec<u64> = (0..rows).map(&mut number).collect();
    let nulls = (nullable && dice.below(3) != 0).then(|| NullBuffer::from_iter((0..rows).map(|_| dice.below(4) != 0)));
    macro_rules! primitive {
        ($array:ident, $native:ty) => {
            Arc::new($array::new(numbers.iter().map(|n| *n as $native).collect::<Vec<_>>().into(), nulls)) as ArrayRef
        };
    }
    match ty {
        ArrowType::Null => Arc::new(NullArray::new(rows)),
        ArrowType::Boolean => Arc::new(BooleanArray::new(numbers.iter().map(|n| n % 2 == 0).collect(), nulls)),
        ArrowType::UInt8 => primitive!(UInt8Array, u8),
        ArrowType::UInt16 => primitive!(UInt16Array, u16),
        ArrowType::UInt32 => primitive!(UInt32Array, u32),
        ArrowType::UInt64 => primitive!(UInt64Array, u64),
        ArrowType::Int8 => primitive!(Int8Array, i8),
        ArrowType::Int16 => primitive!(Int16Array, i16),
        ArrowType::Int32 => primitive!(Int32Array, i32),
        ArrowType::Int64 => primitive!(Int64Array, i64),
        ArrowType::Float32 => primitive!(Float32Array, f32),
        ArrowType::Float64 => primitive!(Float64Array, f64),
        ArrowType::Decimal128(precision, scale) => {
            let array = Decimal128Array::new(numbers.iter().map(|n| i128::from(*n)).collect(), nulls);
            Arc::new(array.with_precision_and_scale(*precision, *scale).unwrap())
        }
        ArrowType::Decimal256(precision, scale) => {
            let array = Decimal256Array::new(numbers.iter().map(|n| i256::from_i128((*n).into())).collect(), nulls);
            Arc::new(array.with_precision_and_scale(*precision, *scale).unwrap())
        }
        ArrowType::FixedSizeBinary(width) => {
            let bytes: Vec<u8> =
                numbers.iter().flat_map(|n| n.to_le_bytes().into_iter().cycle().take(*width as usize)).collect();
            Arc::new(FixedSizeBinaryArray::new(*width, bytes.into(), nulls))
        }
        ArrowType::Binary => {
            let texts: Vec<String> = numbers.iter().map(|n| n.to_string()).collect();
            let offsets = OffsetBuffer::from_lengths(texts.iter().map(String::len));
            Arc::new(BinaryArray::new(offsets, texts.concat().into_bytes().into(), nulls))
        }
        ArrowType::List(item) => {
            let offsets = OffsetBuffer::from_lengths(numbers.iter().map(|n| (n % 4) as usize));
            let elements = *offsets.last().unwrap() as usize;
            // entries of maps and tuples hold values that may be NULL only inside
            let nullable = !matches!(item.data_type(), ArrowType::Struct(_) | ArrowType::List(_));
            Arc::new(ListArray::new(
                item.clone(),
                offsets,
                random_array(item.data_type(), nullable, elements, dice),
                nulls,
            ))
        }
        ArrowType::Struct(fields) => {
            let columns = fields.iter().map(|f| random_array(f.data_type(), false, rows, dice)).collect();
            Arc::new(StructArray::new(fields.clone(), columns, nulls))
        }
        other => panic!("no random values of {other}"),
    }
}
