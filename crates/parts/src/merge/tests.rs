//! Laws of merging: how rows are split into parts, and in which order neighbours are merged, never shows in FINAL.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int8Array, UInt8Array};
use futures::TryStreamExt;
use proptest::prelude::*;
use types::{Column, DataType, Header};

use super::*;
use crate::rule::{apply_rule, sort_and_apply_rule};
use crate::schema::{MergeMode, SortColumn};
use crate::sort::sort_block;

/// key, value, nullable value
type Row = (u8, u8, Option<i8>);

fn schema(mode: usize) -> PartSchema {
    let sum = |ty: &str| DataType::parse(&format!("SimpleAggregateFunction({ty})")).unwrap();
    let columns = match mode {
        4 => vec![
            Column::new("k", DataType::UInt8),
            Column::new("v", sum("max, UInt8")),
            Column::new("n", sum("anyLast, Nullable(Int8)")),
        ],
        _ => vec![
            Column::new("k", DataType::UInt8),
            Column::new("v", DataType::UInt8),
            Column::new("n", DataType::nullable(DataType::Int8)),
        ],
    };
    let header = Header::new(columns);
    let merge_mode = match mode {
        0 => MergeMode::Plain,
        1 => MergeMode::Replacing { version: None, is_deleted: None },
        2 => MergeMode::Replacing { version: Some(1), is_deleted: None },
        3 => MergeMode::summing(&header, &[0], None),
        4 => MergeMode::Aggregating,
        _ => MergeMode::coalescing(&header, &[0], None),
    };
    let sort_key = vec![SortColumn { position: 0, descending: mode % 2 == 1 }];
    let schema = PartSchema {
        header,
        sort_key,
        primary_key_len: 1,
        partition_key: vec![],
        merge_mode,
        index_granularity: 4,
        min_max: vec![],
    };
    schema.checked().unwrap()
}

fn block(schema: &PartSchema, rows: &[Row]) -> Block {
    sort_block(schema, &unsorted(schema, rows)).unwrap()
}

fn unsorted(schema: &PartSchema, rows: &[Row]) -> Block {
    let k: ArrayRef = Arc::new(UInt8Array::from(rows.iter().map(|row| row.0).collect::<Vec<_>>()));
    let v: ArrayRef = Arc::new(UInt8Array::from(rows.iter().map(|row| row.1).collect::<Vec<_>>()));
    let n: ArrayRef = Arc::new(Int8Array::from(rows.iter().map(|row| row.2).collect::<Vec<_>>()));
    Block::new(schema.header.clone(), vec![k, v, n]).unwrap()
}

/// A run in blocks of `rows` rows.
fn run_of(block: &Block, rows: usize) -> Run {
    let pieces: Vec<Block> =
        (0..block.rows()).step_by(rows).map(|start| block.slice(start, rows.min(block.rows() - start))).collect();
    stream::iter(pieces.into_iter().map(Ok)).boxed()
}

fn collect(schema: &PartSchema, run: Run) -> Block {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let blocks: Vec<Block> = runtime.block_on(run.try_collect()).unwrap();
    assert!(blocks.iter().all(|block| 0 < block.rows()));
    Block::concat(&schema.header, &blocks).unwrap()
}

proptest! {
    #[test]
    fn merged_blocks_are_the_rule_over_all_rows(
        parts in proptest::collection::vec(proptest::collection::vec(any::<Row>(), 0..20), 0..5),
        mode in 0usize..6,
        block_rows in 1usize..7,
        rows_max in 1usize..12,
        keys in 1u8..12,
    ) {
        let schema = schema(mode);
        let rows = |part: &Vec<Row>| part.iter().map(|row| (row.0 % keys, row.1, row.2)).collect::<Vec<Row>>();
        let parts: Vec<Vec<Row>> = parts.iter().map(rows).collect();
        let expected = apply_rule(&schema, &block(&schema, &parts.concat()), Purpose::Merge).unwrap();
        let runs = parts.iter().map(|rows| run_of(&block(&schema, rows), block_rows)).collect();
        let merged = collect(&schema, merge_runs(&schema, runs, Purpose::Merge, rows_max).unwrap());
        prop_assert_eq!(&merged, &expected);
        let blocks = parts.iter().map(|rows| block(&schema, rows)).collect();
        prop_assert_eq!(&merge_blocks(&schema, blocks, Purpose::Merge).unwrap(), &expected);
    }

    #[test]
    fn sorting_and_the_rule_in_one_are_both_in_turn(
        rows in proptest::collection::vec(any::<Row>(), 0..60),
        mode in 0usize..6,
        keys in 1u8..12,
    ) {
        let schema = schema(mode);
        let rows: Vec<Row> = rows.iter().map(|row| (row.0 % keys, row.1 % 8, row.2)).collect();
        for purpose in [Purpose::Insert, Purpose::Merge, Purpose::Final] {
            let expected = apply_rule(&schema, &block(&schema, &rows), purpose).unwrap();
            prop_assert_eq!(&sort_and_apply_rule(&schema, &unsorted(&schema, &rows), purpose).unwrap(), &expected);
        }
    }

    #[test]
    fn merging_neighbours_first_does_not_change_final(
        parts in proptest::collection::vec(proptest::collection::vec(any::<Row>(), 1..12), 1..6),
        mode in 1usize..6,
        merges in proptest::collection::vec(any::<[prop::sample::Index; 2]>(), 0..4),
    ) {
        let schema = schema(mode);
        let rows = |part: &Vec<Row>| part.iter().map(|row| (row.0 % 6, row.1 % 8, row.2.map(|n| n % 3))).collect::<Vec<Row>>();
        let all: Vec<Row> = parts.iter().flat_map(rows).collect();
        let expected = apply_rule(&schema, &block(&schema, &all), Purpose::Final).unwrap();
        // parts come as an insert leaves them
        let insert = |part: &Vec<Row>| apply_rule(&schema, &block(&schema, &rows(part)), Purpose::Insert).unwrap();
        let mut blocks: Vec<Block> = parts.iter().map(insert).collect();
        for [start, len] in merges {
            let start = start.index(blocks.len());
            let len = 1 + len.index(blocks.len() - start);
            let merged = merge_blocks(&schema, blocks[start..start + len].to_vec(), Purpose::Merge).unwrap();
            blocks.splice(start..start + len, [merged]);
        }
        prop_assert_eq!(&merge_blocks(&schema, blocks, Purpose::Final).unwrap(), &expected);
    }

    #[test]
    fn merging_neighbours_first_does_not_change_final_of_states_that_alternate(
        lengths in proptest::collection::vec(0usize..9, 1..5),
        cuts in proptest::collection::vec(0usize..40, 0..4),
        order in any::<u64>(),
    ) {
        // per key +1 -1 +1 …, as CollapsingMergeTree wants it; keys interleaved
        let header = Header::new(vec![
            Column::new("k", DataType::UInt8),
            Column::new("sign", DataType::Int8),
            Column::new("row", DataType::UInt8),
        ]);
        let mut schema = schema(0);
        (schema.header, schema.merge_mode) = (header, MergeMode::Collapsing { sign: 1 });
        let mut dice = crate::testing::Dice(order);
        let mut left: Vec<(u8, usize, usize)> = lengths.iter().enumerate().map(|(k, len)| (k as u8, 0, *len)).collect();
        let mut rows: Vec<(u8, i8, u8)> = Vec::new();
        while let Some(open) = Some(left.iter().filter(|key| key.1 < key.2).count()).filter(|open| 0 < *open) {
            let pick = dice.below(open as u64) as usize;
            let key = left.iter_mut().filter(|key| key.1 < key.2).nth(pick).unwrap();
            rows.push((key.0, if key.1 % 2 == 0 { 1 } else { -1 }, rows.len() as u8));
            key.1 += 1;
        }
        let make = |rows: &[(u8, i8, u8)]| {
            let k: ArrayRef = Arc::new(UInt8Array::from(rows.iter().map(|row| row.0).collect::<Vec<_>>()));
            let sign: ArrayRef = Arc::new(Int8Array::from(rows.iter().map(|row| row.1).collect::<Vec<_>>()));
            let row: ArrayRef = Arc::new(UInt8Array::from(rows.iter().map(|row| row.2).collect::<Vec<_>>()));
            sort_block(&schema, &Block::new(schema.header.clone(), vec![k, sign, row]).unwrap()).unwrap()
        };
        let expected = apply_rule(&schema, &make(&rows), Purpose::Final).unwrap();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(rows.len())).chain([0, rows.len()]).collect();
        cuts.sort_unstable();
        let parts: Vec<Block> = cuts.windows(2).map(|cut| apply_rule(&schema, &make(&rows[cut[0]..cut[1]]), Purpose::Insert).unwrap()).collect();
        let finals = merge_blocks(&schema, parts.clone(), Purpose::Final).unwrap();
        prop_assert_eq!(&finals, &expected);
        let (left, right) = parts.split_at(parts.len() / 2);
        let halves = [left, right].map(|parts| merge_blocks(&schema, parts.to_vec(), Purpose::Merge).unwrap());
        prop_assert_eq!(&merge_blocks(&schema, halves.to_vec(), Purpose::Final).unwrap(), &expected);
    }
}

#[test]
fn final_reads_only_the_columns_that_its_rule_looks_at() {
    let schema = schema(2);
    let positions = schema.final_columns(&[2]);
    assert_eq!(positions, [2, 0, 1]);
    let rows: [Row; 3] = [(1, 5, Some(1)), (1, 4, Some(2)), (2, 0, None)];
    let runs = rows.iter().map(|row| run_of(&block(&schema, &[*row]).project(&positions), 1)).collect();
    let projected = schema.project(&positions).unwrap();
    let merged = collect(&projected, final_runs(&schema, &positions, runs, 10).unwrap());
    assert_eq!(merged.array(0).as_ref(), &Int8Array::from(vec![Some(1), None]) as &dyn Array);
    assert!(schema.project(&[2]).is_err(), "the key is missing");
}

#[test]
fn blocks_are_bounded_but_keys_stay_whole() {
    let schema = schema(1);
    let rows: Vec<Row> = (0..100).map(|i| ((i / 10) as u8, i as u8, None)).collect();
    let run = run_of(&block(&schema, &rows), 100);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let merged = merge_runs(&schema, vec![run], Purpose::Merge, 7).unwrap();
    let blocks: Vec<Block> = runtime.block_on(merged.try_collect()).unwrap();
    assert_eq!(blocks.iter().map(Block::rows).sum::<usize>(), 10);
    let plain = super::tests::schema(0);
    let merged = merge_runs(&plain, vec![run_of(&block(&plain, &rows), 100)], Purpose::Merge, 7).unwrap();
    let blocks: Vec<Block> = runtime.block_on(merged.try_collect()).unwrap();
    assert!(blocks.iter().all(|block| block.rows() <= 7), "a plain table's blocks are cut exactly");
}

/// Runs of which each holds another kind of block: without NULL, with NULL, with one row.
fn runs_of_two_columns(schema: &PartSchema, parts: &[Vec<(Option<i8>, u8)>]) -> Vec<Block> {
    let block = |rows: &Vec<(Option<i8>, u8)>| {
        let n: ArrayRef = Arc::new(Int8Array::from(rows.iter().map(|row| row.0).collect::<Vec<_>>()));
        let text = rows.iter().map(|row| vec![b'x'; row.1 as usize % 12]).collect::<Vec<_>>();
        let text: ArrayRef = Arc::new(arrow::array::BinaryArray::from_iter_values(text));
        sort_block(schema, &Block::new(schema.header.clone(), vec![n, text]).unwrap()).unwrap()
    };
    parts.iter().map(block).collect()
}

proptest! {
    #[test]
    fn keys_of_several_columns_of_any_kind_merge_in_their_order(
        parts in proptest::collection::vec(proptest::collection::vec(any::<(Option<i8>, u8)>(), 1..20), 1..5),
        first in 0usize..2,
        len in 1usize..3,
        descending in any::<[bool; 2]>(),
        rows_max in 1usize..50,
    ) {
        let mut schema = schema(0);
        schema.header = Header::new(vec![
            Column::new("n", DataType::nullable(DataType::Int8)),
            Column::new("s", DataType::String),
        ]);
        let key = [first, 1 - first].map(|position| SortColumn { position, descending: descending[position] });
        schema.sort_key = key[..len].to_vec();
        let blocks = runs_of_two_columns(&schema, &parts);
        let expected = sort_block(&schema, &Block::concat(&schema.header, &blocks).unwrap()).unwrap();
        let runs = blocks.iter().map(|block| run_of(block, 3)).collect();
        let merged = collect(&schema, merge_runs(&schema, runs, Purpose::Merge, rows_max).unwrap());
        prop_assert_eq!(merged, expected);
    }
}
