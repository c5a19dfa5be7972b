//! Cells sort as values do, and give the values back.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray, Float64Array, Int64Array};
use proptest::prelude::*;
use types::DataType;

use super::{CellReader, CellWriter, Nulls, Shape};

fn cells(ty: &DataType, array: &ArrayRef) -> Vec<Vec<u8>> {
    let reader = CellReader::delimited(&Shape::of(ty), array).unwrap();
    (0..array.len())
        .map(|row| {
            let mut cell = Vec::new();
            reader.write(row, &mut cell);
            cell
        })
        .collect()
}

fn again(ty: &DataType, cells: &[Vec<u8>]) -> ArrayRef {
    let mut writer = CellWriter::delimited(&Shape::of(ty));
    let joined = cells.concat();
    let mut rest = joined.as_slice();
    while !rest.is_empty() {
        writer.push(&mut rest).unwrap();
    }
    writer.finish().unwrap()
}

proptest! {
    #[test]
    fn integers_sort_and_come_back(a in any::<i64>(), b in any::<i64>()) {
        let array: ArrayRef = Arc::new(Int64Array::from(vec![a, b]));
        let cells = cells(&DataType::Int64, &array);
        prop_assert_eq!(cells[0].cmp(&cells[1]), a.cmp(&b));
        prop_assert_eq!(&again(&DataType::Int64, &cells), &array);
    }

    #[test]
    fn floats_sort_with_nan_last(a in any::<f64>(), b in any::<f64>()) {
        let array: ArrayRef = Arc::new(Float64Array::from(vec![a, b, f64::NAN]));
        let cells = cells(&DataType::Float64, &array);
        if !a.is_nan() && !b.is_nan() && a != b {
            prop_assert_eq!(Some(cells[0].cmp(&cells[1])), a.partial_cmp(&b));
        }
        prop_assert!(a.is_nan() || cells[0] < cells[2]);
    }

    #[test]
    fn strings_sort_inside_others(
        a in proptest::collection::vec(0u8..4, 0..6),
        b in proptest::collection::vec(0u8..4, 0..6),
    ) {
        let array: ArrayRef = Arc::new(BinaryArray::from_vec(vec![&a, &b]));
        let cells = cells(&DataType::String, &array);
        prop_assert_eq!(cells[0].cmp(&cells[1]), a.cmp(&b));
        prop_assert_eq!(&again(&DataType::String, &cells), &array);
    }

    #[test]
    fn no_bytes_can_panic_a_writer(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        for ty in ["Array(Nullable(String))", "Tuple(UInt8, Map(String, Float32))", "Nullable(UUID)", "Decimal(60, 2)"] {
            let mut writer = CellWriter::new(&Shape::of(&DataType::parse(ty).unwrap()));
            let mut rest = bytes.as_slice();
            while !rest.is_empty() && writer.push(&mut rest).is_ok() {}
        }
    }
}

#[test]
fn null_stands_where_the_rule_does_not_choose_it() {
    let ty = DataType::parse("Nullable(Int64)").unwrap();
    let array: ArrayRef = Arc::new(Int64Array::from(vec![None, Some(1)]));
    for (nulls, first) in [(Nulls::First, true), (Nulls::Last, false)] {
        let reader = CellReader::new(&Shape::of(&ty), &array, nulls).unwrap();
        let (mut null, mut one) = (Vec::new(), Vec::new());
        reader.write(0, &mut null);
        reader.write(1, &mut one);
        assert_eq!(null < one, first);
    }
}
