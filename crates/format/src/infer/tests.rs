//! Structures that ClickHouse 26.9 gave for the same bytes.

use super::*;

fn structure(format: Format, bytes: &str) -> String {
    let header = infer(format, bytes.as_bytes(), &Settings::default()).unwrap();
    header.columns().iter().map(|column| format!("{} {}", column.name, column.ty)).collect::<Vec<_>>().join(", ")
}

#[test]
fn json_values_have_json_kinds_and_times_are_seen_in_strings() {
    let row = r#"{"a":1,"b":"x","c":[1,2],"e":null,"f":1.5,"g":true,"h":"2020-01-01","i":"2020-01-01 00:00:00","j":[],
        "k":[1,2.5],"m":"123","n":-5,"o":18446744073709551615,"p":"2020-01-01 00:00:00.123"}"#;
    assert_eq!(
        structure(Format::JsonEachRow, row),
        "a Nullable(Int64), b Nullable(String), c Array(Nullable(Int64)), e Nullable(String), f Nullable(Float64), \
         g Nullable(Bool), h Nullable(Date), i Nullable(DateTime), j Array(Nullable(String)), \
         k Array(Nullable(Float64)), m Nullable(String), n Nullable(Int64), o Nullable(UInt64), \
         p Nullable(DateTime64(9))"
    );
    let rows = "{\"a\":1}\n{\"a\":1.5,\"b\":2}\n{\"b\":\"x\"}";
    assert_eq!(structure(Format::JsonEachRow, rows), "a Nullable(Float64), b Nullable(String)");
    assert_eq!(structure(Format::JsonCompactEachRow, "[1,\"a\"]"), "c1 Nullable(Int64), c2 Nullable(String)");
}

#[test]
fn texts_are_what_they_look_like() {
    assert_eq!(
        structure(Format::Csv, "1,\"x\",2020-01-01,1.5,,[1;2]\n2,\"y\",2020-01-02,2,3,\"[1,2]\""),
        "c1 Nullable(Int64), c2 Nullable(String), c3 Nullable(Date), c4 Nullable(Float64), c5 Nullable(Int64), \
         c6 Nullable(String)"
    );
    assert_eq!(
        structure(Format::Csv, "true,2020-01-01 10:00:00,1e5,\"2020-01-01 10:00:00\",\"12\""),
        "c1 Nullable(Bool), c2 Nullable(DateTime), c3 Nullable(String), c4 Nullable(DateTime), c5 Nullable(String)"
    );
    assert_eq!(
        structure(Format::TabSeparated, "1\tx\t[1,2]\t\\N\n2\ty\t[]\t1"),
        "c1 Nullable(Int64), c2 Nullable(String), c3 Array(Nullable(Int64)), c4 Nullable(Int64)"
    );
    assert_eq!(structure(Format::CsvWithNames, "a,b\n1,x\n"), "a Nullable(Int64), b Nullable(String)");
    assert_eq!(structure(Format::TabSeparatedWithNamesAndTypes, "a\tb\nUInt8\tString\n1\tx"), "a UInt8, b String");
}

#[test]
fn what_has_no_structure_is_refused() {
    for (format, bytes) in [
        (Format::JsonEachRow, ""),
        (Format::JsonEachRow, "[1]"),
        (Format::JsonEachRow, "{\"a\":[1,{}]}"),
        (Format::RowBinary, "x"),
    ] {
        let error = infer(format, bytes.as_bytes(), &Settings::default()).unwrap_err();
        assert_eq!(error.code().0, 636, "{bytes}");
    }
}
