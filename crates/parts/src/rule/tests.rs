//! Every rule against answers of the real engine, over random rows in one to three parts (`oracle/*.tsv`).
//!
//! A case is `engine`, `order` and `columns`, the rows of each `part` as they were inserted, and what the engine gave for
//! `SELECT … FINAL` (`final`) and after `OPTIMIZE … FINAL` (`merged`). The order of keys is not compared for FINAL, which
//! ClickHouse gives in stretches.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Decimal128Array, FixedSizeBinaryArray, Float64Array, Int8Array, Int64Array,
    ListArray, UInt8Array, UInt64Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType as ArrowType, Field};
use types::text::{Quoting, Zone, write_cell};
use types::{Column, DataType, Header, wide};

use super::*;
use crate::merge::merge_blocks;
use crate::schema::SortColumn;
use crate::sort::sort_block;

struct Case {
    schema: PartSchema,
    engine: String,
    parts: Vec<Vec<String>>,
    finals: Vec<String>,
    merged: Vec<String>,
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut lines = text.lines();
    while let Some(engine) = lines.next() {
        let engine = engine.strip_prefix("engine\t").unwrap().to_owned();
        let order = lines.next().unwrap().strip_prefix("order\t").unwrap();
        let columns = lines.next().unwrap().strip_prefix("columns\t").unwrap();
        let column = |text: &str| {
            let (name, ty) = text.split_once(' ').unwrap();
            Column::new(name, DataType::parse(ty).unwrap())
        };
        let header = Header::new(columns.split('\t').map(column).collect::<Vec<_>>());
        let schema = schema(&header, &engine, order);
        let mut case = Case { schema, engine, parts: vec![], finals: vec![], merged: vec![] };
        let mut section = "";
        for line in lines.by_ref().take_while(|line| *line != "end") {
            match (line, section) {
                ("part", _) => {
                    section = "part";
                    case.parts.push(vec![]);
                }
                ("final" | "merged", _) => section = line,
                (row, "part") => case.parts.last_mut().unwrap().push(row.to_owned()),
                (row, "final") => case.finals.push(row.to_owned()),
                (row, _) => case.merged.push(row.to_owned()),
            }
        }
        cases.push(case);
    }
    cases
}

fn schema(header: &Header, engine: &str, order: &str) -> PartSchema {
    let (name, arguments) = engine.split_once('(').unwrap_or((engine, ""));
    let names = |text: &str| -> Vec<usize> {
        let trimmed = text.trim_matches(['(', ')']);
        trimmed
            .split(", ")
            .filter(|name| !name.is_empty() && *name != "tuple")
            .map(|n| header.position(n).unwrap())
            .collect()
    };
    let key = if order == "tuple()" { vec![] } else { names(order) };
    let arguments = names(arguments);
    let listed = (!arguments.is_empty()).then_some(arguments.as_slice());
    let merge_mode = match name {
        "ReplacingMergeTree" => {
            MergeMode::Replacing { version: arguments.first().copied(), is_deleted: arguments.get(1).copied() }
        }
        "SummingMergeTree" => MergeMode::summing(header, &key, listed),
        "CoalescingMergeTree" => MergeMode::coalescing(header, &key, listed),
        "AggregatingMergeTree" => MergeMode::Aggregating,
        "CollapsingMergeTree" => MergeMode::Collapsing { sign: arguments[0] },
        "VersionedCollapsingMergeTree" => MergeMode::VersionedCollapsing { sign: arguments[0], version: arguments[1] },
        other => panic!("{other}"),
    };
    let sort_key: Vec<SortColumn> = key.into_iter().map(SortColumn::ascending).collect();
    let primary_key_len = sort_key.len();
    let header = header.clone();
    let schema = PartSchema {
        header,
        sort_key,
        primary_key_len,
        partition_key: vec![],
        merge_mode,
        index_granularity: 3,
        min_max: vec![],
    };
    schema.checked().unwrap()
}

/// A column of cells as TabSeparated writes them; only the types that the cases use.
fn column(ty: &DataType, cells: &[Option<&str>]) -> ArrayRef {
    macro_rules! parsed {
        ($array:ident) => {
            Arc::new(cells.iter().map(|cell| cell.map(|text| text.parse().unwrap())).collect::<$array>())
        };
    }
    match (ty.base(), ty.arrow_type()) {
        (DataType::Bool, _) => {
            Arc::new(cells.iter().map(|cell| cell.map(|text| text == "true")).collect::<BooleanArray>())
        }
        (_, ArrowType::UInt8) => parsed!(UInt8Array),
        (_, ArrowType::Int8) => parsed!(Int8Array),
        (_, ArrowType::Int64) => parsed!(Int64Array),
        (_, ArrowType::UInt64) => parsed!(UInt64Array),
        (_, ArrowType::Float64) => parsed!(Float64Array),
        (_, ArrowType::Binary) => Arc::new(cells.iter().map(|cell| cell.map(str::as_bytes)).collect::<BinaryArray>()),
        (DataType::Int128, _) => {
            let cells = cells.iter().map(|cell| wide::i128_to_cell(cell.unwrap().parse().unwrap()));
            Arc::new(FixedSizeBinaryArray::try_from_iter(cells).unwrap())
        }
        (DataType::UInt256, _) => {
            let cells = cells.iter().map(|cell| wide::u256_to_cell(0, cell.unwrap().parse().unwrap()));
            Arc::new(FixedSizeBinaryArray::try_from_iter(cells).unwrap())
        }
        (DataType::Decimal { .. }, ArrowType::Decimal128(precision, scale)) => {
            let unscaled = cells.iter().map(|cell| (cell.unwrap().parse::<f64>().unwrap() * 100.0).round() as i128);
            let array = Decimal128Array::from_iter_values(unscaled);
            Arc::new(array.with_precision_and_scale(precision, scale).unwrap())
        }
        (DataType::Array(item), _) => {
            let items = |cell: &Option<&str>| -> Vec<String> {
                let inside = cell.unwrap().trim_matches(['[', ']']);
                let items = inside.split(',').filter(|_| !inside.is_empty());
                items.map(|item| item.trim_matches('\'').to_owned()).collect()
            };
            let lists: Vec<Vec<String>> = cells.iter().map(items).collect();
            let flat: Vec<Option<&str>> = lists.iter().flatten().map(|item| Some(item.as_str())).collect();
            let offsets = OffsetBuffer::from_lengths(lists.iter().map(Vec::len));
            let field = Arc::new(Field::new("item", item.arrow_type(), true));
            Arc::new(ListArray::new(field, offsets, column(item, &flat), None))
        }
        other => panic!("{other:?}"),
    }
}

fn block(schema: &PartSchema, rows: &[String]) -> Block {
    let cells: Vec<Vec<&str>> = rows.iter().map(|row| row.split('\t').collect()).collect();
    let arrays = schema.header.columns().iter().enumerate().map(|(i, c)| {
        let cells: Vec<Option<&str>> = cells.iter().map(|row| Some(row[i]).filter(|cell| *cell != "\\N")).collect();
        column(&c.ty, &cells)
    });
    let block = Block::with_rows(schema.header.clone(), arrays.collect(), rows.len()).unwrap();
    sort_block(schema, &block).unwrap()
}

fn lines(block: &Block) -> Vec<String> {
    let line = |row: usize| {
        let mut text = Vec::new();
        for (i, (column, array)) in block.header().columns().iter().zip(block.arrays()).enumerate() {
            if 0 < i {
                text.push(b'\t');
            }
            write_cell(&mut text, &column.ty, array, row, Quoting::Escaped, Zone::Utc);
        }
        String::from_utf8(text).unwrap()
    };
    (0..block.rows()).map(line).collect()
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

fn check(text: &str) {
    let cases = cases(text);
    assert!(!cases.is_empty());
    for (number, case) in cases.iter().enumerate() {
        let parts: Vec<Block> = case.parts.iter().map(|rows| block(&case.schema, rows)).collect();
        let about = || format!("case {number}, {} of {:?}", case.engine, case.parts);
        let merged = merge_blocks(&case.schema, parts.clone(), Purpose::Merge).unwrap();
        assert_eq!(lines(&merged), case.merged, "merge of {}", about());
        let finals = merge_blocks(&case.schema, parts, Purpose::Final).unwrap();
        assert_eq!(sorted(lines(&finals)), sorted(case.finals.clone()), "FINAL of {}", about());
    }
}

#[test]
fn replacing_gives_the_real_engines_answers() {
    check(include_str!("oracle/replacing.tsv"));
}

#[test]
fn summing_gives_the_real_engines_answers() {
    check(include_str!("oracle/summing.tsv"));
}

#[test]
fn collapsing_gives_the_real_engines_answers() {
    check(include_str!("oracle/collapsing.tsv"));
}

#[test]
fn aggregating_and_coalescing_give_the_real_engines_answers() {
    check(include_str!("oracle/aggregating.tsv"));
}

#[test]
fn cleanup_drops_winners_that_are_deleted_and_other_marks_are_refused() {
    let header = Header::new(vec![
        Column::new("k", DataType::UInt8),
        Column::new("v", DataType::UInt8),
        Column::new("d", DataType::UInt8),
    ]);
    let schema = schema(&header, "ReplacingMergeTree(v, d)", "k");
    let rows = ["1\t2\t1", "1\t1\t0", "2\t1\t0"].map(str::to_owned);
    let merged = |purpose| lines(&apply_rule(&schema, &block(&schema, &rows), purpose).unwrap());
    assert_eq!(merged(Purpose::Merge), ["1\t2\t1", "2\t1\t0"]);
    assert_eq!(merged(Purpose::Insert), ["1\t2\t1", "2\t1\t0"]);
    assert_eq!(merged(Purpose::MergeCleanup), ["2\t1\t0"]);
    assert_eq!(merged(Purpose::Final), ["2\t1\t0"]);
    let wrong = block(&schema, &["1\t1\t7".to_owned()]);
    let error = apply_rule(&schema, &wrong, Purpose::Insert).unwrap_err();
    assert_eq!(error.to_string(), "is_deleted column \"d\" holds 7, expected 0 or 1");
    assert_eq!(error.code().0, 117);
}

#[test]
fn states_of_one_key_are_merged() {
    let average = types::state::state_type("avg", &[DataType::UInt64]);
    let header = Header::new(vec![Column::new("k", DataType::UInt8), Column::new("s", average)]);
    let schema = schema(&header, "AggregatingMergeTree", "k");
    let aggregate = aggregate::resolve("avg", &[], &[DataType::UInt64]).unwrap();
    let part = |rows: &[(u8, u64)]| {
        let mut states = aggregate.grouped();
        let values: ArrayRef = Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.1)));
        let groups: Vec<usize> = (0..rows.len()).collect();
        states.update(&[values], aggregate::Rows::all(&groups, rows.len())).unwrap();
        let keys: ArrayRef = Arc::new(UInt8Array::from_iter_values(rows.iter().map(|row| row.0)));
        Block::new(header.clone(), vec![keys, states.states(aggregate::Emit::All).unwrap()]).unwrap()
    };
    let parts = vec![part(&[(1, 10), (2, 5)]), part(&[(1, 20), (1, 30), (3, 7)])];
    let merged = merge_blocks(&schema, parts, Purpose::Merge).unwrap();
    let mut states = aggregate.grouped();
    states.merge(merged.array(1), aggregate::Rows::all(&[0, 1, 2], 3)).unwrap();
    let averages = states.finish(aggregate::Emit::All).unwrap();
    assert_eq!(averages.as_ref(), &Float64Array::from(vec![20.0, 5.0, 7.0]) as &dyn arrow::array::Array);
}

#[test]
fn a_sign_that_is_none_is_refused() {
    let header = Header::new(vec![Column::new("k", DataType::UInt8), Column::new("s", DataType::Int8)]);
    let schema = schema(&header, "CollapsingMergeTree(s)", "k");
    let error = apply_rule(&schema, &block(&schema, &["1\t5".to_owned()]), Purpose::Insert).unwrap_err();
    assert_eq!(error.to_string(), "sign column \"s\" holds 5, expected 1 or -1");
}
