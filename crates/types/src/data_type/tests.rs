//! Type names are parsed and printed, and each has its Arrow type.

use super::*;

fn round(text: &str) -> String {
    DataType::parse(text).unwrap().to_string()
}

#[test]
fn types_print_as_clickhouse_prints_them() {
    for text in [
        "UInt8",
        "Array(Nullable(String))",
        "Map(String, Array(UInt64))",
        "DateTime('Asia/Seoul')",
        "DateTime64(3, 'UTC')",
        "Decimal(12, 2)",
        "Enum8('a' = -1, 'b' = 2)",
        "Tuple(UInt8, String)",
        "Tuple(id UInt8, `full name` String)",
        "AggregateFunction(quantiles(0.5, 0.9), Float64)",
        "AggregateFunction(1, sumMap, Array(UInt8), Array(UInt8))",
        "AggregateFunction(count)",
        "SimpleAggregateFunction(sum, UInt64)",
        "LowCardinality(Nullable(FixedString(7)))",
        "IntervalDay",
        "UUID",
        "IPv6",
        "Nullable(Nothing)",
    ] {
        assert_eq!(round(text), text);
    }
}

#[test]
fn other_spellings_are_understood() {
    assert_eq!(round("decimal64(4)"), "Decimal(18, 4)");
    assert_eq!(round("Enum('x', 'y' = 1000)"), "Enum16('x' = 1, 'y' = 1000)");
    assert_eq!(round("VARCHAR"), "String");
    assert_eq!(round("Nested(a UInt8, b String)"), "Array(Tuple(a UInt8, b String))");
}

#[test]
fn wrong_types_are_refused_by_name() {
    assert_eq!(
        DataType::parse("UInt46").unwrap_err().to_string(),
        "unknown data type \"UInt46\" (did you mean \"UInt16\"?)"
    );
    for text in ["Array(", "Nullable(Array(UInt8))", "FixedString(0)", "DateTime('Mars/Base')", "Decimal(99, 2)", ""] {
        assert!(DataType::parse(text).is_err(), "{text}");
    }
    assert!(DataType::parse(&"Array(".repeat(10_000)).is_err(), "deep nesting must not overflow the stack");
}

#[test]
fn named_tuples_are_pretty_on_several_lines() {
    let ty = DataType::parse("Array(Tuple(a UInt8, b Tuple(UInt8, String)))").unwrap();
    assert_eq!(ty.pretty(), "Array(Tuple(\n    a UInt8,\n    b Tuple(UInt8, String)))");
}
