//! The order by words is the order of whole keys.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, Float64Array, Int64Array, TimestampSecondArray, UInt32Array};
use proptest::prelude::*;
use types::{Column, DataType, Header};

use super::*;
use crate::schema::SortColumn;

/// The order that comparing whole keys gives.
fn by_whole_keys(header: &Header, key: &[SortColumn], block: &Block) -> Vec<u32> {
    let keys = KeyEncoder::new(header, key).unwrap().encode(block).unwrap();
    let mut order: Vec<u32> = (0..block.rows() as u32).collect();
    order.sort_by(|&a, &b| keys.row(a as usize).cmp(&keys.row(b as usize)));
    order
}

fn by_words(key: &[SortColumn], block: &Block) -> SortedRows {
    let column = |key: &SortColumn| {
        KeyColumn::new(&block.header().columns()[key.position].ty, block.array(key.position), key.descending).unwrap()
    };
    sorted(&key.iter().map(column).collect::<Vec<_>>(), block.rows())
}

/// Strings with long common beginnings, ends at zero bytes, and repetitions.
fn string() -> impl Strategy<Value = Vec<u8>> {
    let tail = proptest::collection::vec(prop_oneof![Just(0u8), Just(b'a'), any::<u8>()], 0..10);
    (0..4usize, tail).prop_map(|(prefix, tail)| [&b"product-of-the-shop-"[..prefix * 6], &tail].concat())
}

proptest! {
    #[test]
    fn words_give_the_order_of_whole_keys(
        rows in proptest::collection::vec(
            (string(), prop_oneof![Just(0i64), Just(-1), any::<i64>()], proptest::option::of(0..3i64),
             prop_oneof![Just(f64::NAN), Just(-0.0), Just(0.0), any::<f64>()]),
            0..60,
        ),
        key in Just(vec![0usize, 1, 2, 3]).prop_shuffle(),
        descending in any::<[bool; 4]>(),
    ) {
        let header = Header::new(vec![
            Column::new("s", DataType::String),
            Column::new("i", DataType::Int64),
            Column::new("n", DataType::nullable(DataType::Int64)),
            Column::new("f", DataType::Float64),
        ]);
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(BinaryArray::from_iter_values(rows.iter().map(|row| &row.0))),
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1))),
            Arc::new(Int64Array::from_iter(rows.iter().map(|row| row.2))),
            Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.3))),
        ];
        let block = Block::new(header.clone(), arrays).unwrap();
        let key: Vec<SortColumn> =
            key.iter().zip(descending).map(|(&position, descending)| SortColumn { position, descending }).collect();
        let rows = by_words(&key, &block);
        prop_assert_eq!(&rows.order, &by_whole_keys(&header, &key, &block));
        let keys = KeyEncoder::new(&header, &key).unwrap().encode(&rows.take(&block).unwrap()).unwrap();
        prop_assert_eq!(by_words(&key, &block).starts, crate::order::group_starts(&keys));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]
    #[test]
    fn many_words_are_sorted_as_few_are(
        words in proptest::collection::vec(any::<u16>(), RADIX_ROWS_MIN..2 * RADIX_ROWS_MIN),
        shift in 0..48,
        shared in any::<u64>(),
    ) {
        let numbered = words.iter().zip(0..).map(|(word, row)| (u64::from(*word) << shift ^ shared, row));
        let mut sorted: Vec<(u64, u32)> = numbered.collect();
        let mut expected = sorted.clone();
        expected.sort_by_key(|word| word.0);
        sort_words(&mut sorted, &mut Vec::new());
        prop_assert_eq!(sorted, expected);
    }
}

#[test]
fn rows_of_equal_key_keep_their_order() {
    let header = Header::new(vec![Column::new("k", DataType::UInt32)]);
    let block = Block::new(header, vec![Arc::new(UInt32Array::from(vec![2, 1, 2, 1, 2]))]).unwrap();
    assert_eq!(by_words(&[SortColumn::ascending(0)], &block).order, [1, 3, 0, 2, 4]);
}

#[test]
fn times_before_1970_come_first() {
    let header = Header::new(vec![Column::new("t", DataType::Int64)]);
    let block = Block::new(header, vec![Arc::new(Int64Array::from(vec![1, -5, 0]))]).unwrap();
    assert_eq!(by_words(&[SortColumn::ascending(0)], &block).order, [1, 2, 0]);
    let times: ArrayRef = Arc::new(TimestampSecondArray::from(vec![1, -5, 0]));
    let KeyColumn::Words(words) = KeyColumn::new(&DataType::DateTime(None), &times, false).unwrap() else {
        panic!("times are words");
    };
    assert!(words[1] < words[2] && words[2] < words[0]);
}
