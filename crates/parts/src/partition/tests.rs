//! Ids and texts as the real engine gave them.

use std::sync::Arc;

use arrow::array::{BinaryArray, Int64Array, UInt8Array, UInt32Array};
use types::{Column, Header};

use super::*;
use crate::schema::MergeMode;

fn ty(text: &str) -> DataType {
    DataType::parse(text).unwrap()
}

fn uuid() -> Value {
    let bytes: Vec<u8> = (0..16u8).map(|i| i * 0x11).collect();
    Value::String(bytes.into())
}

fn number(text: &str) -> Value {
    Value::Number(text.into())
}

#[test]
fn single_values_have_clickhouses_ids() {
    let ipv6 = Value::String([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1u8].as_slice().into());
    let array = Value::Array([Value::UInt(1), Value::UInt(2)].as_slice().into());
    let tuple = Value::Tuple([Value::UInt(1), Value::text("x")].as_slice().into());
    let cases = [
        ("UInt32", Value::UInt(1), "1"),
        ("Int32", Value::Int(-5), "-5"),
        ("String", Value::text("eu"), "6723087e83ca1d71525b3a74c779f913"),
        ("Date", Value::UInt(20089), "20250101"),
        ("Date32", Value::Int(20089), "20089"),
        ("DateTime", Value::UInt(1735689600), "1735689600"),
        ("DateTime64(3)", Value::Int(1735689600500), "314a2f3e67b00c2a3dc35858dbeefd44"),
        ("UUID", uuid(), "2462615b0a052003f1dfc9e6cda040a3"),
        ("IPv4", Value::UInt(16909060), "16909060"),
        ("IPv6", ipv6, "1ebc31932a947b7ca9e898a271e7f028"),
        ("Bool", Value::Bool(true), "1"),
        ("Enum8('a'=1,'b'=-2)", Value::Int(-2), "-2"),
        ("Int128", number("5"), "6a7e34f09c319df0b795e317979d66b3"),
        ("UInt256", number("5"), "e1a93702bcea104d9fca12231c6fcfa7"),
        ("Int256", number("-1"), "c7f7061da96695bfd8abc0c8de5b1de7"),
        ("Decimal(9,2)", number("1.50"), "5a693d6b11ee645c737d2fa6e60e123c"),
        ("Decimal(18,2)", number("1.50"), "007e2937f2c1dc02133e19db4b226f3b"),
        ("Decimal(38,2)", number("1.50"), "86ecbfa0fddcdfc79868d3cc5e953ac0"),
        ("Decimal(76,2)", number("1.50"), "28fbcce3e6012354ce983f28061492ee"),
        ("Nullable(UInt8)", Value::UInt(5), "5"),
        ("Nullable(UInt8)", Value::Null, "2b16b490a87466b6a6d34fd9027f3c3d"),
        ("FixedString(4)", Value::text("ab\0\0"), "b1856e3697389b559bfc0e9b80aabac2"),
        ("LowCardinality(String)", Value::text("eu"), "6723087e83ca1d71525b3a74c779f913"),
        ("Array(UInt8)", array, "3f00cdd1684ab009c87e93c9e33ec12e"),
        ("Tuple(UInt8,String)", tuple, "67996053195b4d35e751aede5eabacc8"),
        ("String", Value::text("it's \\ \n"), "7ce9a0cae3867f16064069010181ca6a"),
        ("String", Value::text(""), "f64abffc6c96f8ef72c783f1b9426e19"),
        ("Int64", Value::Int(-9000000000), "-9000000000"),
    ];
    for (name, value, id) in cases {
        assert_eq!(partition_id(&[ty(name)], &[value]).as_str(), id, "{name}");
    }
}

#[test]
fn several_values_are_joined_or_hashed() {
    let month = Value::UInt(202501);
    let cases = [
        (["UInt32", "String"], [month.clone(), Value::text("eu")], "1eef2ebed3d303a2870156ebddb2a42e"),
        (["UInt32", "UInt8"], [month.clone(), Value::UInt(7)], "202501-7"),
        (["UInt32", "Date"], [month, Value::UInt(20089)], "202501-20250101"),
        (["IPv4", "String"], [Value::UInt(0x01020304), Value::text("x")], "13b9b27666644b36a5417bfbbca76991"),
        (["String", "String"], [Value::text("a"), Value::text("b")], "166f3e4dc8820b5909d2a87ffa12da7d"),
    ];
    for (names, values, id) in cases {
        assert_eq!(partition_id(&names.map(ty), &values).as_str(), id);
    }
    assert_eq!(partition_id(&[], &[]).as_str(), "all");
}

#[test]
fn nested_values_are_hashed_as_clickhouse_does() {
    let rest = ["Nullable(Date)", "Bool", "UUID", "Enum8('x'=1)", "DateTime"];
    let rest_values = [Value::Null, Value::Bool(true), uuid(), Value::Int(1), Value::UInt(5)];
    let tuple = Value::Tuple([Value::UInt(1), Value::UInt(20089)].as_slice().into());
    let array = Value::Array([Value::text("a")].as_slice().into());
    let map = Value::Map([(Value::text("a"), Value::UInt(1))].as_slice().into());
    let cases = [
        ("Tuple(UInt8,Date)", tuple, "bb7bd2fb6022dc14485dfb6cd747d925"),
        ("Array(String)", array, "d86ae48d6ee73104f4a1b3bebbe0ed44"),
        ("Map(String,UInt8)", map, "37e5247903aa525bdba694b94e9421cc"),
    ];
    for (name, value, id) in cases {
        let types: Vec<DataType> = [name].into_iter().chain(rest).map(ty).collect();
        let values: Vec<Value> = [value].into_iter().chain(rest_values.clone()).collect();
        assert_eq!(partition_id(&types, &values).as_str(), id, "{name}");
    }
}

#[test]
fn a_partitions_text_is_plain_for_one_column_and_a_tuple_for_several() {
    let columns = vec![Column::new("month", DataType::UInt32), Column::new("region", DataType::String)];
    let arrays: Vec<arrow::array::ArrayRef> =
        vec![Arc::new(UInt32Array::from(vec![202501])), Arc::new(BinaryArray::from(vec![b"it's" as &[u8]]))];
    let key = Block::new(Header::new(columns), arrays).unwrap();
    assert_eq!(partition_text(&key), "(202501,'it\\'s')");
    assert_eq!(partition_text(&key.project(&[1])), "it's");
    assert_eq!(partition_text(&key.project(&[])), "tuple()");
}

#[test]
fn rows_are_split_by_partition_in_their_old_order() {
    let header = Header::new(vec![Column::new("month", DataType::UInt32), Column::new("v", DataType::Int64)]);
    let arrays: Vec<arrow::array::ArrayRef> =
        vec![Arc::new(UInt32Array::from(vec![202502, 202501, 202502])), Arc::new(Int64Array::from(vec![1, 2, 3]))];
    let block = Block::new(header.clone(), arrays).unwrap();
    let schema = PartSchema {
        header,
        sort_key: vec![],
        primary_key_len: 0,
        partition_key: vec![0],
        merge_mode: MergeMode::Plain,
        index_granularity: 8192,
        min_max: vec![],
    };
    let split = split_by_partition(&schema, &block).unwrap();
    let shape: Vec<(&str, usize)> = split.iter().map(|(id, block)| (id.as_str(), block.rows())).collect();
    assert_eq!(shape, [("202502", 2), ("202501", 1)]);
    assert_eq!(split[0].1.array(1).as_ref(), &Int64Array::from(vec![1, 3]) as &dyn arrow::array::Array);
}

#[test]
fn wide_integers_become_decimal_text() {
    let mut cell = [0xffu8; 32];
    let all = arrow::array::FixedSizeBinaryArray::try_from_iter([cell].iter()).unwrap();
    let array: arrow::array::ArrayRef = Arc::new(all);
    let max = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
    assert_eq!(value_at(&DataType::UInt256, &array, 0).unwrap(), number(max));
    cell[0] = 0x7f;
    let array: arrow::array::ArrayRef =
        Arc::new(arrow::array::FixedSizeBinaryArray::try_from_iter([cell].iter()).unwrap());
    assert_eq!(value_at(&DataType::Int256, &array, 0).unwrap(), number("-1"));
    let narrow: arrow::array::ArrayRef = Arc::new(UInt8Array::from(vec![7]));
    assert_eq!(value_at(&DataType::UInt8, &narrow, 0).unwrap(), Value::UInt(7));
}
