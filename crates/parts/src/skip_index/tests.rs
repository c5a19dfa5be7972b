//! Entries leave out only stretches that hold no row that is asked for.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray, Int64Array};
use arrow::datatypes::Int64Type;
use proptest::prelude::*;
use types::{Block, Column, DataType, Header};

use super::*;
use crate::prune::{Bound, KeyRange};

fn index(kind: SkipKind, ty: &str) -> SkipIndex {
    let columns = Header::new(vec![Column::new("c", DataType::parse(ty).unwrap())]);
    SkipIndex { name: "i".into(), text: "i".into(), kind, granularity: 2, columns }
}

/// Stretches of 2 granules of 4 rows.
fn entries(index: &SkipIndex, values: ArrayRef, cut: usize) -> Block {
    let block = Block::new(index.columns.clone(), vec![values]).unwrap();
    let mut builder = Builder::new(index, 4);
    builder.push(&block.slice(0, cut)).unwrap();
    builder.push(&block.slice(cut, block.rows() - cut)).unwrap();
    let entries = builder.finish().unwrap();
    let bytes = crate::inline::encode_inline(&entries);
    assert_eq!(crate::inline::decode_inline(&index.entry_header(), &bytes).unwrap(), entries);
    entries
}

fn one(value: i64) -> ArrayRef {
    Arc::new(Int64Array::from(vec![value]))
}

fn within(low: i64, high: i64) -> Ask {
    let bound = |value| Some(Bound { value: one(value), inclusive: true });
    let points = (low == high).then(|| one(low));
    Ask::Within { column: 0, ranges: vec![KeyRange { lower: bound(low), upper: bound(high) }], points }
}

const KINDS: [SkipKind; 4] = [
    SkipKind::MinMax,
    SkipKind::Set { values_max: 3 },
    SkipKind::Set { values_max: 0 },
    SkipKind::Bloom { false_positives: 0.025 },
];

proptest! {
    #[test]
    fn no_stretch_that_holds_a_row_is_left_out(
        values in prop::collection::vec(prop::option::weighted(0.9, -20i64..20), 1..80),
        (low, span, cut) in (-22i64..22, 0i64..4, 0usize..80),
    ) {
        let array: ArrayRef = Arc::new(values.iter().copied().collect::<Int64Array>());
        let holds: Vec<bool> = values
            .chunks(8)
            .map(|rows| rows.iter().flatten().any(|value| (low..=low + span).contains(value)))
            .collect();
        for kind in KINDS {
            let index = index(kind, "Nullable(Int64)");
            let entries = entries(&index, array.clone(), cut.min(values.len()));
            let may = judge(&index, &entries, &within(low, low + span)).unwrap();
            prop_assert_eq!(may.len(), holds.len());
            prop_assert!(may.iter().zip(&holds).all(|(may, holds)| *may || !holds), "{:?}: {:?}", kind, may);
            let both = Ask::All(vec![within(low, low + span), Ask::Anything]);
            prop_assert_eq!(&judge(&index, &entries, &both).unwrap(), &may);
            let either = Ask::Any(vec![within(low, low + span), within(-20, 20)]);
            let either = judge(&index, &entries, &either).unwrap();
            prop_assert!(either.iter().zip(&may).all(|(either, may)| *either || !may));
        }
    }

    #[test]
    fn no_text_that_has_the_pieces_is_left_out(
        texts in prop::collection::vec("[a-c ]{0,12}", 1..40),
        piece in "[a-c ]{1,5}",
        open in (any::<bool>(), any::<bool>()),
    ) {
        let array: ArrayRef = Arc::new(BinaryArray::from_iter_values(&texts));
        let matches = |text: &String| match open {
            (true, true) => text.contains(&piece),
            (true, false) => text.ends_with(&piece),
            (false, true) => text.starts_with(&piece),
            (false, false) => *text == piece,
        };
        let holds: Vec<bool> = texts.chunks(8).map(|rows| rows.iter().any(matches)).collect();
        let filter = Filter { bytes: 64, hashes: 2, seed: 7 };
        for kind in [SkipKind::Tokens(filter), SkipKind::Ngrams { n: 2, filter }] {
            let index = index(kind, "String");
            let pieces = vec![Piece { bytes: piece.clone().into_bytes(), open_start: open.0, open_end: open.1 }];
            let may = judge(&index, &entries(&index, array.clone(), 0), &Ask::Text { column: 0, pieces }).unwrap();
            prop_assert!(may.iter().zip(&holds).all(|(may, holds)| *may || !holds), "{:?}: {:?}", kind, may);
        }
    }
}

#[test]
fn stretches_without_the_value_are_left_out() {
    let array: ArrayRef = Arc::new((0..64).collect::<Int64Array>());
    for kind in KINDS {
        let index = index(kind, "Int64");
        let entries = entries(&index, array.clone(), 20);
        let may = judge(&index, &entries, &within(17, 17)).unwrap();
        let left = may.iter().filter(|may| **may).count();
        match kind {
            // eight values are more than it takes
            SkipKind::Set { values_max: 3 } => assert_eq!(left, 8),
            SkipKind::Bloom { .. } => assert!(may[2] && left < 5, "{may:?}"),
            _ => assert_eq!(may, [false, false, true, false, false, false, false, false]),
        }
    }
    assert_eq!(array.as_primitive::<Int64Type>().len(), 64);
}

#[test]
fn words_are_whole_only_where_nothing_may_stand_beside_them() {
    let words = |text: &str, open_start, open_end| {
        let piece = Piece { bytes: text.as_bytes().to_vec(), open_start, open_end };
        piece.words().map(|word| String::from_utf8_lossy(word).into_owned()).collect::<Vec<_>>()
    };
    assert_eq!(words("one two three", false, false), ["one", "two", "three"]);
    assert_eq!(words("one two three", true, true), ["two"]);
    assert_eq!(words(" one two ", true, true), ["one", "two"]);
    assert_eq!(words("one", true, false), Vec::<String>::new());
}
