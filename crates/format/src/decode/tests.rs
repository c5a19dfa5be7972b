//! Bytes of every input format become the right blocks, and wrong bytes an error with their line.

use arrow::array::AsArray;
use arrow::datatypes::{Int64Type, UInt64Type};
use types::{Column, DataType, Header, Settings};

use super::*;
use crate::encode::{Statistics, encoder};

fn header(columns: &[(&str, &str)]) -> Header {
    Header::new(columns.iter().map(|(name, ty)| Column::new(*name, DataType::parse(ty).unwrap())).collect::<Vec<_>>())
}

fn read(format: Format, header: &Header, text: &str, chunk: usize) -> Result<Vec<Decoded>> {
    let mut decoder = decoder(format, DecodeOptions::new(header.clone(), Settings::default(), usize::MAX), None)?;
    let mut blocks = Vec::new();
    for piece in text.as_bytes().chunks(chunk) {
        decoder.push(piece);
        blocks.extend(decoder.next(false)?);
    }
    while let Some(block) = decoder.next(true)? {
        blocks.push(block);
    }
    Ok(blocks)
}

fn round_trip(format: Format, output: Format, columns: &[(&str, &str)], text: &str) -> String {
    let header = header(columns);
    let mut out = Vec::new();
    let mut encoder = encoder(output, &header, &Settings::default()).unwrap();
    encoder.begin(&mut out);
    for decoded in read(format, &header, text, 3).unwrap() {
        encoder.block(&decoded.block, &mut out);
    }
    encoder.end(&Statistics::default(), &mut out);
    String::from_utf8(out).unwrap()
}

const COLUMNS: &[(&str, &str)] = &[
    ("id", "UInt64"),
    ("s", "String"),
    ("n", "Nullable(Int32)"),
    ("a", "Array(String)"),
    ("m", "Map(String, UInt8)"),
    ("t", "Tuple(Int8, String)"),
    ("d", "Date"),
    ("ts", "DateTime64(3, 'UTC')"),
    ("p", "Decimal(10, 2)"),
    ("f", "Float64"),
    ("b", "Bool"),
    ("e", "Enum8('x' = 1, 'y' = 2)"),
];

const TSV: &str =
    "1\ta\\tb\\'\t\\N\t['q','it\\'s']\t{'k':1}\t(-1,'z')\t2025-01-02\t2025-01-02 03:04:05.678\t1.5\tnan\ttrue\ty\n";

#[test]
fn tab_separated_reads_what_it_writes() {
    assert_eq!(round_trip(Format::TabSeparated, Format::TabSeparated, COLUMNS, TSV), TSV);
}

#[test]
fn values_read_literals_and_write_them() {
    let values =
        "(1,'a\\tb\\'',NULL,['q','it\\'s'],{'k':1},(-1,'z'),'2025-01-02','2025-01-02 03:04:05.678',1.5,nan,true,'y')";
    assert_eq!(round_trip(Format::Values, Format::TabSeparated, COLUMNS, values), TSV);
    assert_eq!(round_trip(Format::TabSeparated, Format::Values, COLUMNS, TSV), values);
}

#[test]
fn json_lines_read_objects_in_any_order_and_shape() {
    let json = "{\"s\":\"a\\tb'\",\"id\":1,\"n\":null,\"a\":[\"q\",\"it's\"],\"m\":{\"k\":1},\"t\":[-1,\"z\"],\"d\":\"2025-01-02\",\
                \"ts\":\"2025-01-02 03:04:05.678\",\"p\":1.5,\"f\":\"nan\",\"b\":true,\"e\":\"y\",\"unknown\":{\"x\":[1]}}\n";
    assert_eq!(round_trip(Format::JsonEachRow, Format::TabSeparated, COLUMNS, json), TSV);
    let spread = json.replace(',', ",\n");
    assert_eq!(round_trip(Format::JsonEachRow, Format::TabSeparated, COLUMNS, &spread), TSV);
    assert_eq!(
        round_trip(Format::JsonEachRow, Format::TabSeparated, COLUMNS, &format!("[{json},{json}]")),
        TSV.repeat(2)
    );
}

#[test]
fn csv_spreads_tuples_and_doubles_quotes() {
    let csv = "1,\"a\"\"b\",\\N,\"['q']\",\"{'k':1}\",-1,\"z\",\"2025-01-02\",\"2025-01-02 03:04:05.678\",1.5,nan,true,\"y\"\n";
    assert_eq!(round_trip(Format::Csv, Format::Csv, COLUMNS, csv), csv);
    let lines = "\"a\nb\",2\r\n'c,d',3\n";
    assert_eq!(
        round_trip(Format::Csv, Format::TabSeparated, &[("s", "String"), ("i", "Int8")], lines),
        "a\\nb\t2\nc,d\t3\n"
    );
}

#[test]
fn headers_choose_columns_by_name() {
    let columns = &[("a", "UInt8"), ("b", "String")];
    let text = "b\tother\ta\nx\t9\t1\n";
    assert_eq!(round_trip(Format::TabSeparatedWithNames, Format::TabSeparated, columns, text), "1\tx\n");
    let text = "b,a\nString,UInt8\nx,1\n";
    assert_eq!(round_trip(Format::CsvWithNamesAndTypes, Format::TabSeparated, columns, text), "1\tx\n");
}

#[test]
fn binary_formats_read_what_they_write() {
    let header = header(COLUMNS);
    let block = read(Format::TabSeparated, &header, &TSV.repeat(3), 1000).unwrap().remove(0).block;
    for format in [Format::RowBinary, Format::RowBinaryWithNames, Format::RowBinaryWithNamesAndTypes, Format::Native] {
        let mut bytes = Vec::new();
        let mut encoder = encoder(format, &header, &Settings::default()).unwrap();
        encoder.begin(&mut bytes);
        encoder.block(&block, &mut bytes);
        let mut decoder =
            decoder(format, DecodeOptions::new(header.clone(), Settings::default(), usize::MAX), None).unwrap();
        bytes.chunks(7).for_each(|piece| decoder.push(piece));
        let mut out = Vec::new();
        let decoded = decoder.next(true).unwrap().unwrap();
        crate::encode::encoder(Format::TabSeparated, &header, &Settings::default())
            .unwrap()
            .block(&decoded.block, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), TSV.repeat(3));
    }
}

#[test]
fn json_arrays_are_rows_with_or_without_names() {
    let columns = &[("a", "UInt8"), ("b", "Nullable(String)")];
    let text = "[1, \"x\"]\n[2,\n null] [3,\"z\"]\n";
    assert_eq!(round_trip(Format::JsonCompactEachRow, Format::TabSeparated, columns, text), "1\tx\n2\t\\N\n3\tz\n");
    let text = "[\"b\", \"a\"]\n[\"String\", \"UInt8\"]\n[\"x\", 1]\n";
    let format = Format::JsonCompactEachRowWithNamesAndTypes;
    assert_eq!(round_trip(format, Format::TabSeparated, columns, text), "1\tx\n");
    for bad in ["[1]\n", "[1,\"x\",2]\n", "{}\n", "[-1,\"x\"]\n", "[1,"] {
        assert!(read(Format::JsonCompactEachRow, &header(columns), bad, 2).is_err(), "{bad}");
    }
}

#[test]
fn numbers_lose_their_upper_bits_unless_bad_rows_are_kept() {
    let columns = &[("a", "UInt8"), ("b", "Int8"), ("c", "Int256")];
    let text = "300\t-129\t57896044618658097711785492504343953926634992332820282019728792003956564819968\n";
    let wrapped = "44\t127\t-57896044618658097711785492504343953926634992332820282019728792003956564819968\n";
    assert_eq!(round_trip(Format::TabSeparated, Format::TabSeparated, columns, text), wrapped);
    let mut options = DecodeOptions::new(header(columns), Settings::default(), usize::MAX);
    options.keep_bad_rows = true;
    let mut decoder = decoder(Format::TabSeparated, options, None).unwrap();
    decoder.push(b"300\t1\t1\n1\t1\t1\n");
    assert_eq!(decoder.next(true).unwrap().unwrap().misfits, [(0, 0)]);
}

#[test]
fn raw_text_has_no_escapes() {
    let columns = &[("a", "UInt8"), ("b", "Nullable(String)")];
    let text = "1\tx\\ty\n2\t\\N\n";
    assert_eq!(round_trip(Format::TabSeparatedRaw, Format::TabSeparatedRaw, columns, text), text);
    assert_eq!(round_trip(Format::LineAsString, Format::TabSeparated, &[("s", "String")], "a\tb\n\nc"), "a\\tb\n\nc\n");
}

/// Bytes that ClickHouse 26.9 gave for `SELECT [toLowCardinality('x')] AS l, toNullable(1) AS n`.
const NATIVE: &[u8] = &[
    2, 1, 1, b'l', 0x1d, b'A', b'r', b'r', b'a', b'y', b'(', b'L', b'o', b'w', b'C', b'a', b'r', b'd', b'i', b'n',
    b'a', b'l', b'i', b't', b'y', b'(', b'S', b't', b'r', b'i', b'n', b'g', b')', b')', 1, 0, 0, 0, 0, 0, 0, 0, 1, 0,
    0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1, b'x', 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, b'n',
    0x0f, b'N', b'u', b'l', b'l', b'a', b'b', b'l', b'e', b'(', b'U', b'I', b'n', b't', b'8', b')', 0, 1,
];

#[test]
fn native_is_the_real_engines() {
    let header = header(&[("l", "Array(LowCardinality(String))"), ("n", "Nullable(UInt8)")]);
    let mut decoder =
        decoder(Format::Native, DecodeOptions::new(header.clone(), Settings::default(), usize::MAX), None).unwrap();
    decoder.push(&NATIVE[..50]);
    assert!(decoder.next(false).unwrap().is_none());
    decoder.push(&NATIVE[50..]);
    let block = decoder.next(true).unwrap().unwrap().block;
    let mut out = Vec::new();
    encoder(Format::Native, &header, &Settings::default()).unwrap().block(&block, &mut out);
    assert_eq!(out, NATIVE);
    let mut revised = Vec::new();
    crate::encoder_for(Format::Native, &header, &Settings::default(), 54_405).unwrap().block(&block, &mut revised);
    assert_eq!((&revised[..8], &revised[8..]), (&[1, 0, 2, 255, 255, 255, 255, 0][..], NATIVE));
}

#[test]
fn native_that_is_cut_off_or_changed_is_an_error_and_never_a_panic() {
    let header = header(&[("l", "Array(LowCardinality(String))"), ("n", "Nullable(UInt8)")]);
    let read = |bytes: &[u8]| {
        let options = DecodeOptions::new(header.clone(), Settings::default(), usize::MAX);
        let mut decoder = decoder(Format::Native, options, None).unwrap();
        decoder.push(bytes);
        decoder.next(true)
    };
    for end in 1..NATIVE.len() {
        assert!(read(&NATIVE[..end]).is_err(), "{end}");
    }
    // a block without columns that claims more rows than there is memory for
    assert!(read(&[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]).is_err());
    for at in 0..NATIVE.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bytes = NATIVE.to_vec();
            bytes[at] = value;
            let _ = read(&bytes);
        }
    }
}

#[test]
fn absent_and_null_values_are_marked_for_their_defaults() {
    let header = header(&[("id", "UInt64"), ("v", "Int64")]);
    let decoded =
        read(Format::JsonEachRow, &header, "{\"id\":1}\n{\"id\":2,\"v\":5}\n{\"id\":3,\"v\":null}\n", 4).unwrap();
    assert_eq!(decoded[0].absent, vec![None, Some(vec![true, false, true])]);
    assert_eq!(decoded[0].block.array(0).as_primitive::<UInt64Type>().values(), &[1, 2, 3]);
    assert_eq!(decoded[0].block.array(1).as_primitive::<Int64Type>().values(), &[0, 5, 0]);
}

#[test]
fn a_bad_value_names_its_column_and_row() {
    let header = header(&[("id", "UInt64"), ("d", "Date")]);
    let error = read(Format::TabSeparated, &header, "1\t2025-01-01\n2\tyesterday\n", 100).unwrap_err();
    assert_eq!(error.to_string(), "cannot parse Date from \"yesterday\" in column \"d\" at row 2");
    assert_eq!(error.code(), types::ErrorCode::CANNOT_PARSE_DATE);
    assert!(read(Format::TabSeparated, &header, "300\n", 100).is_err());
}

#[test]
fn dead_letters_keep_position_reason_and_bytes() {
    let header = header(&[("id", "String"), ("at", "Int64")]);
    let mut options = DecodeOptions::new(header, Settings::default(), usize::MAX);
    options.keep_bad_rows = true;
    options.strict_types = true;
    let mut decoder = decoder(Format::JsonEachRow, options, None).unwrap();
    decoder.push(b"{\"id\":\"a\",\"at\":1}\n\nnot json\n{\"id\":5,\"at\":1}\n{\"id\":\"b\",\"at\":\"7\"}\n[1]\n{\"id\":\"c\",\"at\":1.5}\n{\"id\":\"d\",\"at\":9");
    let decoded = decoder.next(true).unwrap().unwrap();
    // rows with a value that does not fit stay in the block: other rules may be broken as well, and come first
    assert_eq!(decoded.positions, [1, 3, 4, 6]);
    assert_eq!(decoded.misfits, [(1, 0), (2, 1), (3, 1)]);
    let reasons: Vec<(u64, &str)> = decoded.bad.iter().map(|row| (row.position, row.reason.as_str())).collect();
    assert_eq!(reasons, [(2, "not_json"), (5, "not_json"), (7, "not_json")]);
    assert_eq!(decoded.bad[0].raw, b"not json");
}

#[test]
fn expressions_in_values_are_asked_for() {
    let header = header(&[("x", "UInt64")]);
    let options = DecodeOptions::new(header, Settings::default(), usize::MAX);
    let evaluate: Box<Evaluate> = Box::new(|text, _| {
        assert_eq!(text, b"1 + (2)");
        Ok(std::sync::Arc::new(arrow::array::UInt64Array::from(vec![3])))
    });
    let mut decoder = decoder(Format::Values, options, Some(evaluate)).unwrap();
    decoder.push(b"(1 + (2)), (7);");
    let block = decoder.next(true).unwrap().unwrap().block;
    assert_eq!(block.array(0).as_primitive::<UInt64Type>().values(), &[3, 7]);
}

proptest::proptest! {
    #[test]
    fn any_bytes_in_any_format_are_rows_or_an_error(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300), chunk in 1usize..40) {
        for (format, _, reads, _) in crate::names::FORMATS {
            if !reads { continue; }
            let options = DecodeOptions::new(header(COLUMNS), Settings::default(), usize::MAX);
            let mut decoder = decoder(*format, options, None).unwrap();
            for piece in bytes.chunks(chunk) {
                decoder.push(piece);
                if decoder.next(false).is_err() { break; }
            }
            for _ in 0..1000 {
                match decoder.next(true) { Ok(Some(_)) => {}, _ => break }
            }
        }
    }
}
