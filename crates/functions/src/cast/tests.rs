//! Laws of casts: what is printed reads back, and failed rows become what the mode says.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray, Int32Array, Int64Array, UInt16Array};
use proptest::prelude::*;
use types::DataType;

use super::{CastMode, Rules, cast};
use crate::frame::FunctionContext;

fn rules(mode: CastMode) -> Rules {
    Rules::new(mode, &FunctionContext::default())
}

fn ty(text: &str) -> DataType {
    DataType::parse(text).unwrap()
}

/// Casts to String and back.
fn there_and_back(array: &ArrayRef, ty: &DataType) -> ArrayRef {
    let text = cast(array, ty, &DataType::String, &rules(CastMode::Cast)).unwrap();
    cast(&text, &DataType::String, ty, &rules(CastMode::Accurate)).unwrap()
}

#[test]
fn failed_rows_become_what_the_mode_says() {
    let text: ArrayRef = Arc::new(BinaryArray::from(vec![Some(b"1".as_slice()), Some(b"x"), None]));
    let from = DataType::nullable(DataType::String);
    let run = |to: &str, mode| cast(&text, &from, &ty(to), &rules(mode));
    let ints = |values: Vec<Option<i32>>| Arc::new(Int32Array::from(values)) as ArrayRef;
    assert_eq!(&run("Nullable(Int32)", CastMode::OrNull).unwrap(), &ints(vec![Some(1), None, None]));
    assert_eq!(&run("Int32", CastMode::OrDefault).unwrap(), &ints(vec![Some(1), Some(0), Some(0)]));
    let error = run("Int32", CastMode::Cast).unwrap_err();
    assert_eq!(error.to_string(), "cannot parse \"x\" as Int32: syntax error at begin of string (row 2)");
    assert_eq!(error.code().0, 6);
}

#[test]
fn null_into_a_type_without_it_is_refused_except_on_insert() {
    let numbers: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None]));
    let from = ty("Nullable(Int32)");
    assert_eq!(cast(&numbers, &from, &DataType::Int64, &rules(CastMode::Cast)).unwrap_err().code().0, 349);
    let inserted = cast(&numbers, &from, &DataType::Int64, &rules(CastMode::Insert)).unwrap();
    assert_eq!(inserted.as_ref(), &Int64Array::from(vec![1, 0]) as &dyn Array);
}

#[test]
fn slices_of_arrays_cast_only_their_own_elements() {
    let lists = cast(
        &(Arc::new(BinaryArray::from_vec(vec![b"['x']", b"['7']", b"['8','9']"])) as ArrayRef),
        &DataType::String,
        &ty("Array(String)"),
        &rules(CastMode::Cast),
    )
    .unwrap();
    let numbers = cast(&lists.slice(1, 2), &ty("Array(String)"), &ty("Array(UInt16)"), &rules(CastMode::Cast)).unwrap();
    let values = arrow::array::AsArray::as_list::<i32>(&numbers).values().clone();
    assert_eq!(values.as_ref(), &UInt16Array::from(vec![7, 8, 9]) as &dyn Array);
}

#[test]
fn states_become_no_other_type() {
    let (a, b) = (ty("AggregateFunction(sum, UInt64)"), ty("AggregateFunction(sum, UInt8)"));
    let states = a.default_array(1);
    assert_eq!(cast(&states, &a, &b, &rules(CastMode::Insert)).unwrap_err().code().0, 70);
    assert!(cast(&states, &a, &a, &rules(CastMode::Insert)).is_ok());
}

proptest! {
    #[test]
    fn printed_integers_read_back(value: i64) {
        let array: ArrayRef = Arc::new(Int64Array::from(vec![value]));
        prop_assert_eq!(&there_and_back(&array, &DataType::Int64), &array);
    }

    #[test]
    fn printed_wide_integers_read_back(high: i128, low: u128) {
        let value = arrow::datatypes::i256::from_parts(low, high);
        for name in ["Int256", "UInt256", "Int128", "UInt128"] {
            let wide = ty(name);
            let array = crate::wide::column(&wide, [Some(value)]).unwrap();
            prop_assert_eq!(&there_and_back(&array, &wide), &array);
        }
    }

    #[test]
    fn printed_floats_read_back(bits: u64) {
        let value = f64::from_bits(bits);
        prop_assume!(!value.is_nan());
        let array: ArrayRef = Arc::new(arrow::array::Float64Array::from(vec![value]));
        let back = there_and_back(&array, &DataType::Float64);
        let back = arrow::array::AsArray::as_primitive::<arrow::datatypes::Float64Type>(&back).value(0);
        prop_assert_eq!(back.to_bits(), value.to_bits());
    }

    #[test]
    fn printed_decimals_read_back(raw in -999_999_999_999_999_999i64..=999_999_999_999_999_999, scale in 0u8..18) {
        let decimal = DataType::Decimal { precision: 18, scale };
        let array = arrow::array::Decimal128Array::from(vec![i128::from(raw)]).with_data_type(decimal.arrow_type());
        let array: ArrayRef = Arc::new(array);
        prop_assert_eq!(&there_and_back(&array, &decimal), &array);
    }

    #[test]
    fn printed_times_read_back(seconds: u32, ticks in -60_000_000_000_000i64..250_000_000_000_000) {
        let time: ArrayRef = Arc::new(arrow::array::UInt32Array::from(vec![seconds]));
        let time64: ArrayRef = Arc::new(Int64Array::from(vec![ticks]));
        prop_assert_eq!(&there_and_back(&time, &ty("DateTime('UTC')")), &time);
        prop_assert_eq!(&there_and_back(&time64, &ty("DateTime64(3, 'UTC')")), &time64);
    }

    #[test]
    fn no_text_panics(text in proptest::collection::vec(any::<u8>(), 0..24)) {
        let array: ArrayRef = Arc::new(BinaryArray::from_vec(vec![&text]));
        for name in [
            "UInt8", "Int64", "Int256", "Float32", "Bool", "Date", "Date32", "DateTime", "DateTime64(9)", "UUID", "IPv4",
            "IPv6", "Decimal(9, 4)", "Decimal(76, 10)", "FixedString(3)", "Array(Array(String))",
            "Tuple(UInt8, Nullable(String))", "Enum8('a' = 1)", "IntervalDay",
        ] {
            let _ = cast(&array, &DataType::String, &ty(name), &rules(CastMode::Cast));
            let _ = cast(&array, &DataType::String, &ty(name).to_nullable(), &rules(CastMode::OrNull));
        }
    }
}
