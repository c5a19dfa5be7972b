//! Laws of what is written and read.

use format::ColumnBuilder;
use proptest::prelude::*;
use types::text::{Quoting, Zone, write_cell};
use types::{Block, Column, DataType, Header};

use super::columns::Class;
use super::decode::Decoder;
use super::encode::copy_rows;

/// A text without zero bytes, which PostgreSQL has in none.
fn text() -> impl Strategy<Value = Option<String>> {
    let pieces = prop_oneof!["[a-z ]{0,5}", "[\\\\\"'{},\t\n\rN]{0,6}", Just("NULL".to_owned()), "[^\0]{0,4}"];
    proptest::option::of(pieces)
}

fn shown(block: &Block) -> Vec<String> {
    let cell = |row: usize, at: usize| {
        let mut out = Vec::new();
        let ty = &block.header().columns()[at].ty;
        write_cell(&mut out, ty, block.array(at), row, Quoting::Quoted, Zone::Utc);
        String::from_utf8(out).unwrap()
    };
    (0..block.rows()).flat_map(|row| (0..block.header().len()).map(move |at| cell(row, at))).collect()
}

fn header() -> Header {
    let ty = |text: &str| DataType::parse(text).unwrap();
    Header::new(vec![
        Column::new("t", ty("Nullable(String)")),
        Column::new("l", ty("Array(Array(Nullable(String)))")),
        Column::new("i", ty("Int64")),
    ])
}

proptest! {
    #[test]
    fn rows_that_are_written_are_read_back(
        rows in proptest::collection::vec(
            (text(), proptest::collection::vec(proptest::collection::vec(text(), 1..4), 0..3), any::<i64>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let header = header();
        let mut columns: Vec<ColumnBuilder> =
            header.columns().iter().map(|column| ColumnBuilder::new(&column.ty, Zone::Utc)).collect();
        let add = |column: &mut ColumnBuilder, text: &Option<String>| match text {
            Some(text) => column.append_text(text.as_bytes()).unwrap(),
            None => column.append_default(),
        };
        for (text, lists, number) in &rows {
            add(&mut columns[0], text);
            for list in lists {
                let inner = columns[1].list_child().unwrap();
                for text in list {
                    add(inner.list_child().unwrap(), text);
                }
                inner.end_list();
            }
            columns[1].end_list();
            columns[2].append_text(number.to_string().as_bytes()).unwrap();
        }
        let block = Block::new(header.clone(), columns.iter_mut().map(ColumnBuilder::finish).collect()).unwrap();
        let bytes = copy_rows(&block, Zone::Utc).concat();
        let last = header.columns().last().unwrap().name.clone();
        let class = |name: &str| if *name == *last { Class::Integer } else { Class::Text };
        let mut decoder = Decoder::new(header, class, 1_000, Zone::Utc);
        let (first, second) = bytes.split_at(cut.index(bytes.len() + 1));
        decoder.push(first).unwrap();
        decoder.push(second).unwrap();
        prop_assert_eq!(shown(&decoder.finish().unwrap().unwrap()), shown(&block));
    }

    #[test]
    fn bytes_that_are_no_rows_are_errors_and_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for class in [Class::Bool, Class::TimestampTz(6), Class::Box, Class::Other] {
            for ty in ["Array(Array(Int32))", "DateTime64(6)", "Decimal(76, 10)", "Nullable(Date32)", "UUID"] {
                let header = Header::new(vec![Column::new("c", DataType::parse(ty).unwrap())]);
                let mut decoder = Decoder::new(header, |_| class, 10, Zone::Utc);
                if decoder.push(&bytes).is_ok() {
                    let _ = decoder.finish();
                }
            }
        }
    }

    #[test]
    fn a_literal_is_one_literal(text in "[^\0]{0,12}") {
        let literal = super::statement::literal(&text);
        let inside = &literal[1..literal.len() - 1];
        prop_assert!(literal.starts_with('\'') && literal.ends_with('\''));
        // quotes come in pairs only, and undone they give the text
        prop_assert!(!inside.replace("''", "").contains('\''));
        prop_assert_eq!(inside.replace("''", "'"), text);
    }
}
