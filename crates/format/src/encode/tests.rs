//! Blocks become the bytes of every output format.

use types::{Column, DataType};

use super::*;
use crate::decode::{DecodeOptions, decoder};

fn encode(output: Format, columns: &[(&str, &str)], tsv: &str, totals: Option<&str>) -> String {
    let columns = columns.iter().map(|(name, ty)| Column::new(*name, DataType::parse(ty).unwrap())).collect::<Vec<_>>();
    let header = Header::new(columns);
    let mut settings = Settings::default();
    settings.set("output_format_write_statistics", "0").unwrap();
    let block = |tsv: &str| {
        let mut decoder =
            decoder(Format::TabSeparated, DecodeOptions::new(header.clone(), Settings::default(), usize::MAX), None)
                .unwrap();
        decoder.push(tsv.as_bytes());
        decoder.next(true).unwrap().unwrap().block
    };
    let mut out = Vec::new();
    let mut encoder = encoder(output, &header, &settings).unwrap();
    encoder.begin(&mut out);
    if !tsv.is_empty() {
        encoder.block(&block(tsv), &mut out);
    }
    if let Some(totals) = totals {
        encoder.totals(&block(totals), &mut out);
    }
    encoder.end(&Statistics::default(), &mut out);
    String::from_utf8(out).unwrap()
}

// the expectations of these tests are what ClickHouse 26.9 printed for the same rows

#[test]
fn pretty_compact_aligns_numbers_right_and_wide_text_by_its_width() {
    let columns = &[("a", "String"), ("b", "Int8"), ("c", "String"), ("d", "Float64")];
    assert_eq!(
        encode(Format::PrettyCompact, columns, "日本\t-5\tmulti\\nline\t123456789.5\n", None),
        "   ┌─a────┬──b─┬─c─────┬───────────d─┐
1. │ 日本 │ -5 │ multi↴│ 123456789.5 │ -- 123.46 million
   │      │    │↳line  │             │ -- 123.46 million
   └──────┴────┴───────┴─────────────┘
"
    );
    assert_eq!(encode(Format::PrettyCompact, columns, "", None), "");
}

#[test]
fn vertical_gives_a_line_a_value() {
    assert_eq!(
        encode(Format::Vertical, &[("number", "UInt64"), ("n", "Nullable(Int8)")], "0\t\\N\n1\t5\n", Some("0\t2\n")),
        "Row 1:\n──────\nnumber: 0\nn:      ᴺᵁᴸᴸ\n\nRow 2:\n──────\nnumber: 1\nn:      5\n\n\nTotals:\n───────\nnumber: 0\nn:      2\n"
    );
}

#[test]
fn json_breaks_tuples_into_lines() {
    assert_eq!(
        encode(
            Format::Json,
            &[("a", "Array(UInt8)"), ("t", "Tuple(UInt8, String)")],
            "[1,2]\t(1,'x/')\n",
            Some("[]\t(0,'')\n")
        ),
        "{\n\t\"meta\":\n\t[\n\t\t{\n\t\t\t\"name\": \"a\",\n\t\t\t\"type\": \"Array(UInt8)\"\n\t\t},\n\t\t{\n\t\t\t\"name\": \"t\",\n\
         \t\t\t\"type\": \"Tuple(UInt8, String)\"\n\t\t}\n\t],\n\n\t\"data\":\n\t[\n\t\t{\n\t\t\t\"a\": [1,2],\n\t\t\t\"t\": [\n\
         \t\t\t\t1,\n\t\t\t\t\"x\\/\"\n\t\t\t]\n\t\t}\n\t],\n\n\t\"totals\":\n\t{\n\t\t\"a\": [],\n\t\t\"t\": [\n\t\t\t0,\n\t\t\t\"\"\n\t\t]\n\
         \t},\n\n\t\"rows\": 1\n}\n"
    );
}

#[test]
fn json_rows_are_objects_or_arrays() {
    let columns = &[("s", "String"), ("f", "Float64"), ("l", "Tuple(a Int8, b String)"), ("m", "Map(UInt8, Date)")];
    let tsv = "x\\n\\'\"\\0/é\tnan\t(1,'z')\t{5:'2020-01-01'}\n";
    assert_eq!(
        encode(Format::JsonEachRow, columns, tsv, None),
        "{\"s\":\"x\\n'\\\"\\u0000\\/é\",\"f\":null,\"l\":{\"a\":1,\"b\":\"z\"},\"m\":{\"5\":\"2020-01-01\"}}\n"
    );
    assert_eq!(
        encode(Format::JsonCompactEachRow, columns, tsv, None),
        "[\"x\\n'\\\"\\u0000\\/é\", null, {\"a\":1,\"b\":\"z\"}, {\"5\":\"2020-01-01\"}]\n"
    );
}

#[test]
fn csv_names_the_elements_of_tuples() {
    assert_eq!(
        encode(Format::CsvWithNamesAndTypes, &[("n", "UInt64"), ("t", "Tuple(UInt8, String)")], "0\t(1,'a\"')\n", None),
        "\"n\",\"t.1\",\"t.2\"\n\"UInt64\",\"UInt8\",\"String\"\n0,1,\"a\"\"\"\n"
    );
}
