//! Pruning leaves out granules, and never one that holds a row asked for.

use std::sync::Arc;

use arrow::array::{Int64Array, UInt32Array};
use proptest::prelude::*;
use types::{Block, Column, DataType, Header};

use super::*;
use crate::derived::Derived;
use crate::schema::{MergeMode, PartSchema};
use crate::sort::sort_block;

fn schema(descending: [bool; 2]) -> PartSchema {
    let nullable = DataType::nullable(DataType::Int64);
    PartSchema {
        header: Header::new(vec![Column::new("a", DataType::UInt32), Column::new("b", nullable)]),
        sort_key: vec![
            SortColumn { position: 0, descending: descending[0] },
            SortColumn { position: 1, descending: descending[1] },
        ],
        primary_key_len: 2,
        partition_key: vec![],
        merge_mode: MergeMode::Plain,
        index_granularity: 3,
        min_max: vec![0, 1],
    }
}

fn part(schema: &PartSchema, rows: &[(u32, Option<i64>)]) -> (Block, PartMeta) {
    let a: ArrayRef = Arc::new(UInt32Array::from(rows.iter().map(|row| row.0).collect::<Vec<_>>()));
    let b: ArrayRef = Arc::new(Int64Array::from(rows.iter().map(|row| row.1).collect::<Vec<_>>()));
    let block = sort_block(schema, &Block::new(schema.header.clone(), vec![a, b]).unwrap()).unwrap();
    let meta = PartMeta::of_block(schema, &Derived::default(), &block).unwrap();
    (block, meta)
}

fn a_is(value: u32) -> Option<Vec<KeyRange>> {
    Some(vec![KeyRange::point(Arc::new(UInt32Array::from(vec![value])))])
}

#[test]
fn a_point_reads_the_granules_that_can_hold_it() {
    let schema = schema([false, false]);
    let rows: Vec<_> = (0..12).map(|i| (i, Some(0))).collect();
    let (_, meta) = part(&schema, &rows);
    assert_eq!(prune(&meta, &schema.sort_key, &vec![a_is(4)]).unwrap(), [1..2]);
    // row 3 starts granule 1 and might also end granule 0
    assert_eq!(prune(&meta, &schema.sort_key, &vec![a_is(3)]).unwrap(), [0..2]);
    assert_eq!(prune(&meta, &schema.sort_key, &vec![a_is(40)]).unwrap(), Vec::<Range<usize>>::new());
    assert_eq!(prune(&meta, &schema.sort_key, &vec![None, None]).unwrap(), [0..4]);
    assert_eq!(prune(&meta, &schema.sort_key, &vec![Some(vec![])]).unwrap(), Vec::<Range<usize>>::new());
}

#[test]
fn the_second_column_prunes_where_the_first_is_constant() {
    let schema = schema([false, false]);
    let rows: Vec<_> = (0..12).map(|i| (7, Some(i))).collect();
    let (_, meta) = part(&schema, &rows);
    let b = Some(vec![KeyRange::point(Arc::new(Int64Array::from(vec![10])))]);
    assert_eq!(prune(&meta, &schema.sort_key, &vec![None, b]).unwrap(), [3..4]);
}

#[test]
fn a_part_is_left_out_by_its_partition() {
    let mut schema = schema([false, false]);
    schema.partition_key = vec![0, 1];
    let (_, meta) = part(&schema, &[(7, None), (7, None)]);
    let of_a = |value: u32| partition_may_contain(&meta, 0, &a_is(value).unwrap()).unwrap();
    assert!(of_a(7) && !of_a(8));
    let of_b = |value: Option<i64>| KeyRange::point(Arc::new(Int64Array::from(vec![value])));
    assert!(partition_may_contain(&meta, 1, &[of_b(None)]).unwrap());
    assert!(!partition_may_contain(&meta, 1, &[of_b(Some(1))]).unwrap());
}

fn bound(value: Option<i64>, inclusive: bool, of_a: bool) -> Bound {
    let value: ArrayRef = match (of_a, value) {
        (true, value) => Arc::new(UInt32Array::from(vec![value.unwrap_or(0) as u32])),
        (false, value) => Arc::new(Int64Array::from(vec![value])),
    };
    Bound { value, inclusive }
}

type Plain = (Option<(i64, bool)>, Option<(i64, bool)>);

fn inside(value: i64, range: &Plain) -> bool {
    range.0.is_none_or(|(lower, inclusive)| lower < value || (inclusive && lower == value))
        && range.1.is_none_or(|(upper, inclusive)| value < upper || (inclusive && value == upper))
}

fn key_range(range: &Plain, of_a: bool) -> KeyRange {
    let end = |end: Option<(i64, bool)>| end.map(|(value, inclusive)| bound(Some(value), inclusive, of_a));
    KeyRange { lower: end(range.0), upper: end(range.1) }
}

fn ranges() -> impl Strategy<Value = Option<Vec<Plain>>> {
    let end = || proptest::option::of((0i64..6, any::<bool>()));
    proptest::option::of(proptest::collection::vec((end(), end()), 0..3))
}

proptest! {
    #[test]
    fn no_row_inside_the_ranges_is_left_out(
        rows in proptest::collection::vec((0u32..6, proptest::option::of(0i64..6)), 1..40),
        a in ranges(),
        b in ranges(),
        descending in any::<[bool; 2]>(),
    ) {
        let schema = schema(descending);
        let (block, meta) = part(&schema, &rows);
        let asked = |plain: &Option<Vec<Plain>>, of_a: bool| {
            plain.as_ref().map(|plain| plain.iter().map(|range| key_range(range, of_a)).collect::<Vec<_>>())
        };
        let key_ranges = vec![asked(&a, true), asked(&b, false)];
        let found = prune(&meta, &schema.sort_key, &key_ranges).unwrap();
        let column_a = block.array(0).as_any().downcast_ref::<UInt32Array>().unwrap();
        let column_b = block.array(1).as_any().downcast_ref::<Int64Array>().unwrap();
        let fits = |value: Option<i64>, plain: &Option<Vec<Plain>>| match (value, plain) {
            (_, None) => true,
            (Some(value), Some(plain)) => plain.iter().any(|range| inside(value, range)),
            (None, Some(_)) => false,
        };
        let fits_a = |row: usize| fits(Some(i64::from(column_a.value(row))), &a);
        let fits_b = |row: usize| fits(column_b.is_valid(row).then(|| column_b.value(row)), &b);
        for row in 0..block.rows() {
            if fits_a(row) && fits_b(row) {
                prop_assert!(found.iter().any(|range| range.contains(&(row / 3))), "row {row} of {rows:?}");
            }
        }
        for (column, plain) in [(0, &a), (1, &b)] {
            let Some(asked) = &key_ranges[column] else { continue };
            let any = (0..block.rows()).any(|row| if column == 0 { fits_a(row) } else { fits_b(row) });
            prop_assert!(!any || may_contain(&meta.min_max[column], asked).unwrap(), "{plain:?}");
        }
    }
}
