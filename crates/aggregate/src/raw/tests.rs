//! Bytes as the real engine gave them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray, UInt8Array, UInt32Array, UInt64Array, new_empty_array};
use types::DataType;

use super::encode_clickhouse;
use crate::{Emit, Rows, resolve};

fn hex(call: &str, types: &str, args: &[ArrayRef]) -> String {
    let types: Vec<DataType> =
        types.split("; ").filter(|ty| !ty.is_empty()).map(|ty| DataType::parse(ty).unwrap()).collect();
    let aggregate = resolve(call, &[], &types).unwrap();
    let mut states = aggregate.grouped();
    let rows = args.first().map_or(1, |array| array.len());
    states.grow(1);
    states.update(args, Rows::all(&vec![0; rows], 1)).unwrap();
    let states = states.states(Emit::All).unwrap();
    let bytes = encode_clickhouse(aggregate.state_signature(), &states).unwrap();
    bytes.value(0).iter().map(|byte| format!("{byte:02X}")).collect()
}

fn numbers() -> ArrayRef {
    Arc::new(UInt64Array::from(vec![0, 1]))
}

fn one(value: u64) -> ArrayRef {
    Arc::new(UInt64Array::from(vec![value]))
}

fn text(value: &[u8]) -> ArrayRef {
    Arc::new(BinaryArray::from_vec(vec![value]))
}

#[test]
fn sums_counts_and_means() {
    assert_eq!(hex("sum", "UInt64", &[one(258)]), "0201000000000000");
    assert_eq!(hex("count", "", &[]), "01");
    assert_eq!(hex("avg", "UInt32", &[Arc::new(UInt32Array::from(vec![7]))]), "070000000000000001");
    assert_eq!(hex("sum", "Nullable(UInt64)", &[numbers()]), "010100000000000000");
    assert_eq!(hex("avg", "Nullable(UInt64)", &[numbers()]), "01010000000000000002");
    assert_eq!(hex("count", "Nullable(UInt64)", &[numbers()]), "02");
    assert_eq!(hex("sumOrNull", "UInt64", &[numbers()]), "010000000000000001");
    assert_eq!(
        hex("corr", "UInt64; UInt64", &[numbers(), numbers()]),
        "0000000000000040000000000000F03F000000000000F03F000000000000F03F000000000000F03F000000000000F03F"
    );
}

#[test]
fn single_values() {
    assert_eq!(hex("min", "UInt32", &[Arc::new(UInt32Array::from(vec![7]))]), "0107000000");
    assert_eq!(hex("max", "String", &[text(b"abc")]), "0400000061626300");
    assert_eq!(hex("max", "String", &[text(b"")]), "0100000000");
    assert_eq!(hex("argMax", "String; UInt64", &[text(b"abc"), one(7)]), "0400000061626300010700000000000000");
    assert_eq!(hex("min", "Nullable(UInt64)", &[numbers()]), "01010000000000000000");
    assert_eq!(hex("any_respect_nulls", "UInt8", &[Arc::new(UInt8Array::from(vec![5]))]), "0305");
    let nothing = new_empty_array(&DataType::String.arrow_type());
    assert_eq!(hex("max", "String", std::slice::from_ref(&nothing)), "FFFFFFFF");
    assert_eq!(hex("argMax", "String; String", &[nothing.clone(), nothing]), "FFFFFFFFFFFFFFFF");
}

#[test]
fn arrays_and_sets() {
    assert_eq!(hex("groupArray", "UInt64", &[numbers()]), "0200000000000000000100000000000000");
    assert_eq!(hex("groupArray", "String", &[text(b"0")]), "010130");
    assert_eq!(hex("uniqExact", "UInt64", &[numbers()]), "0200000000000000000100000000000000");
    assert_eq!(hex("groupUniqArray", "UInt64", &[numbers()]), "0200000000000000000100000000000000");
    assert_eq!(hex("quantileExact", "UInt64", &[numbers()]), "0200000000000000000100000000000000");
    let three: ArrayRef = Arc::new(UInt32Array::from(vec![0, 1, 2]));
    assert_eq!(hex("groupBitmap", "UInt32", &[three]), "0003000000000100000002000000");
}
