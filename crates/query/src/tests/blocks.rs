//! Expressions, conversions and transforms over one block.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray, UInt64Array};
use arrow::datatypes::{UInt16Type, UInt64Type};
use types::{Block, Column, DataType, Header};

use super::{context, numbers};
use crate::expressions::{Constant, Converter, Expressions, constant};
use crate::transform::{ColumnTtl, RowTtl, Update, delete, ttl, update};

fn header() -> Header {
    Header::new(vec![Column::new("id", DataType::UInt64), Column::new("name", DataType::String)])
}

fn block() -> Block {
    let arrays: Vec<ArrayRef> =
        vec![Arc::new(UInt64Array::from(vec![1, 2, 3])), Arc::new(BinaryArray::from_vec(vec![b"a", b"b", b"c"]))];
    Block::new(header(), arrays).unwrap()
}

fn expr(text: &str) -> sql::Expr {
    sql::parse_expression(text).unwrap()
}

fn texts(array: &ArrayRef) -> Vec<String> {
    array.as_binary::<i32>().iter().map(|v| String::from_utf8_lossy(v.unwrap()).into_owned()).collect()
}

#[test]
fn expressions_keep_their_own_types_or_take_those_of_the_table() {
    let ctx = context(&[]);
    let exprs = [expr("id > 1"), expr("toString(id)")];
    let compiled = Expressions::compile(&exprs, &header(), &ctx).unwrap();
    let results = compiled.eval(&block()).unwrap();
    assert_eq!(results[0].1, DataType::UInt8);
    assert_eq!(texts(&results[1].0), ["1", "2", "3"]);
    assert_eq!(compiled.reads(), [0]);
    assert!(compiled.is_timeless());
    let cast = Expressions::compile_as(
        &[(expr("name"), DataType::LowCardinality(Arc::new(DataType::String)))],
        &header(),
        &ctx,
    );
    assert_eq!(texts(&cast.unwrap().eval(&block()).unwrap()[0].0), ["a", "b", "c"]);
}

#[test]
fn aggregates_and_unknown_names_are_refused() {
    let ctx = context(&[]);
    for (text, code) in [("sum(id)", 184), ("nothing", 47), ("(SELECT 1)", 48)] {
        let error = Expressions::compile(&[expr(text)], &header(), &ctx).unwrap_err();
        assert_eq!(error.code().0, code, "{text}: {error}");
    }
}

#[test]
fn constants_are_evaluated_without_columns() {
    let ctx = context(&[]);
    let seven: Constant = constant(&expr("toUInt8(7)"), &ctx).unwrap();
    assert_eq!((seven.as_u64(), seven.ty.clone()), (Some(7), DataType::UInt8));
    assert_eq!(constant(&expr("'text'"), &ctx).unwrap().as_bytes().unwrap(), b"text");
    assert_eq!(constant(&expr("-1"), &ctx).unwrap().as_u64(), None);
    assert_eq!(constant(&expr("id"), &ctx).unwrap_err().code().0, 47);
}

#[test]
fn a_converter_matches_by_name_and_turns_null_into_the_default() {
    let ctx = context(&[]);
    let given = Header::new(vec![
        Column::new("extra", DataType::String),
        Column::new("n", DataType::nullable(DataType::UInt64)),
    ]);
    let arrays: Vec<ArrayRef> =
        vec![Arc::new(BinaryArray::from_vec(vec![b"x", b"y"])), Arc::new(UInt64Array::from(vec![Some(5), None]))];
    let target = Header::new(vec![Column::new("n", DataType::UInt16), Column::new("missing", DataType::String)]);
    let converter = Converter::new(&given, &target, &ctx).unwrap();
    let converted = converter.convert(&Block::new(given, arrays).unwrap()).unwrap();
    assert_eq!(converted.array(0).as_primitive::<UInt16Type>().values(), &[5, 0]);
    assert_eq!(texts(converted.array(1)), ["", ""]);
    assert_eq!(converter.missing().map(|column| column.name.to_string()).collect::<Vec<_>>(), ["missing"]);
}

#[test]
fn deletes_and_updates_follow_their_condition_over_the_old_row() {
    let ctx = context(&[]);
    let left = delete(&expr("id = 2"), &header(), &ctx).unwrap().apply(&block()).unwrap();
    assert_eq!(numbers(&[left]), [1, 3]);
    // WHERE NULL matches nothing.
    let left = delete(&expr("NULL"), &header(), &ctx).unwrap().apply(&block()).unwrap();
    assert_eq!(left.rows(), 3);
    let change = Update {
        condition: Some(expr("id > 1")),
        assignments: vec![("name".to_owned(), expr("toString(id)")), ("id".to_owned(), expr("7"))],
        recomputed: Vec::new(),
    };
    let changed = update(&change, &header(), &ctx).unwrap().apply(&block()).unwrap();
    assert_eq!(changed.array(0).as_primitive::<UInt64Type>().values(), &[1, 7, 7]);
    assert_eq!(texts(changed.array(1)), ["a", "2", "3"]);
    let unknown = Update { assignments: vec![("nothing".to_owned(), expr("1"))], ..Update::default() };
    assert_eq!(update(&unknown, &header(), &ctx).err().unwrap().code().0, 16);
}

#[test]
fn a_condition_that_is_no_number_is_refused_when_it_is_compiled() {
    assert_eq!(delete(&expr("name"), &header(), &context(&[])).err().unwrap().code().0, 59);
}

#[test]
fn rows_and_columns_past_their_time_go() {
    let ctx = context(&[]);
    let rows = [RowTtl { expires: expr("toDateTime(id)"), filter: None }];
    let left = ttl(&rows, &[], 2, (&header(), &ctx)).unwrap().apply(&block()).unwrap();
    assert_eq!(numbers(&[left]), [3]);
    let columns =
        [ColumnTtl { column: "name".to_owned(), expires: expr("toDateTime(id)"), default: Some(expr("'gone'")) }];
    let changed = ttl(&[], &columns, 2, (&header(), &ctx)).unwrap().apply(&block()).unwrap();
    assert_eq!(texts(changed.array(1)), ["gone", "gone", "c"]);
    let columns = [ColumnTtl { column: "name".to_owned(), expires: expr("toDateTime(id)"), default: None }];
    let changed = ttl(&[], &columns, 1, (&header(), &ctx)).unwrap().apply(&block()).unwrap();
    assert_eq!(texts(changed.array(1)), ["", "b", "c"]);
}

#[tokio::test]
async fn subqueries_of_a_mutation_run_first() {
    let ctx = Arc::new(context(&[]));
    let condition = expr("id IN (SELECT number FROM numbers(2, 5)) OR id = (SELECT min(number) FROM numbers(1, 3))");
    let condition = match crate::subqueries::run_subqueries(&condition, &ctx).await {
        Ok(condition) => condition,
        Err(error) => panic!("{error}"),
    };
    let left = delete(&condition, &header(), &ctx).unwrap().apply(&block()).unwrap();
    assert_eq!(left.rows(), 0);
    let many = expr("id = (SELECT number FROM numbers(2))");
    assert_eq!(crate::subqueries::run_subqueries(&many, &ctx).await.unwrap_err().code().0, 125);
    let none = expr("EXISTS (SELECT number FROM numbers(0))");
    assert_eq!(crate::subqueries::run_subqueries(&none, &ctx).await.unwrap(), expr("0"));
}
