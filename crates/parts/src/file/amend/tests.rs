//! An amended file is what writing all rows again would have made.

use arrow::array::{AsArray, BooleanArray, UInt32Array, UInt64Array};
use arrow::datatypes::DataType as ArrowType;
use arrow::datatypes::UInt64Type;
use futures::{StreamExt, TryStreamExt, stream};
use proptest::prelude::*;
use types::transform::TransformError;
use types::{BlockTransform, Column, DataType, Header};

use super::*;
use crate::cache::GranuleCache;
use crate::derived::Derived;
use crate::file::write_part;
use crate::part_store::MemoryPartStore;
use crate::schema::{MergeMode, SortColumn};
use crate::sort::sort_block;
use crate::testing::{Dice, random_block, random_header};

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// The first column that can be a key is it; all others may change and have bounds where they can.
fn schema(header: Header, index_granularity: usize) -> PartSchema {
    let is_key = |ty: &DataType| !matches!(ty, DataType::AggregateFunction(_) | DataType::Map(_));
    let keys: Vec<usize> = (0..header.len()).filter(|&i| is_key(&header.columns()[i].ty)).collect();
    let sort_key: Vec<SortColumn> = keys.iter().take(1).map(|at| SortColumn::ascending(*at)).collect();
    let schema = PartSchema {
        header,
        primary_key_len: sort_key.len(),
        sort_key,
        partition_key: vec![],
        merge_mode: MergeMode::Plain,
        index_granularity,
        min_max: keys,
    };
    schema.checked().unwrap()
}

/// Turns the order of the values of some columns round, block by block.
struct Reversed(Vec<usize>);

impl BlockTransform for Reversed {
    fn apply(&self, block: &Block) -> std::result::Result<Block, TransformError> {
        let order = UInt32Array::from_iter_values((0..block.rows() as u32).rev());
        let turned = block.take(&order).unwrap();
        let arrays =
            (0..block.header().len()).map(|at| if self.0.contains(&at) { &turned } else { block }.array(at).clone());
        Ok(Block::new(block.header().clone(), arrays.collect()).unwrap())
    }
}

/// Every `step`-th row of a block.
fn reversal(columns: Vec<usize>, step: usize) -> Mutation {
    let matches = move |block: &Block| Ok(BooleanArray::from_iter((0..block.rows()).map(|row| Some(row % step == 0))));
    Mutation::Update { matches: Arc::new(matches), transform: Arc::new(Reversed(columns)) }
}

async fn opened(store: &MemoryPartStore, file: FileRef) -> FilePart {
    FilePart::open(Arc::new(store.clone()), file, Arc::new(GranuleCache::new(1 << 20))).await.unwrap()
}

async fn written(store: &MemoryPartStore, schema: &PartSchema, block: &Block, object: &str) -> FilePart {
    let rows = stream::iter([Ok(block.clone())]).boxed();
    let file = write_part(schema, &Derived::default(), rows, Maturity::Merged, store, object).await.unwrap().1;
    opened(store, file).await
}

async fn all_rows(file: &FilePart) -> Block {
    let columns: Vec<usize> = (0..file.meta().header.len()).collect();
    let blocks = file.read(&columns, 0..file.meta().granules(), Caching::Bypass).await.unwrap();
    Block::concat(&file.meta().header, &blocks).unwrap()
}

/// How many arrays with NULLs a column is made of, its own and those inside of it.
fn arrays_of(ty: &ArrowType) -> usize {
    match ty {
        ArrowType::List(item) => 1 + arrays_of(item.data_type()),
        ArrowType::Struct(fields) => 1 + fields.iter().map(|field| arrays_of(field.data_type())).sum::<usize>(),
        _ => 1,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_has_the_rows_and_the_metadata_of_a_file_that_is_written_whole(
        seed in any::<u64>(),
        rows in 1usize..400,
        granularity in 2usize..60,
        step in 1usize..9,
    ) {
        let mut dice = Dice(seed);
        let schema = schema(random_header(&mut dice), granularity);
        let block = sort_block(&schema, &random_block(&schema.header, rows, &mut dice)).unwrap();
        let is_free = |at: &usize| !schema.sort_positions().contains(at);
        let free: Vec<usize> = (0..schema.header.len()).filter(is_free).filter(|_| dice.below(2) == 0).collect();
        let read: Vec<usize> = (0..schema.header.len()).filter(|at| free.contains(at) || dice.below(2) == 0).collect();
        let place = |at: &usize| read.iter().position(|read| read == at).unwrap();
        let amendment =
            Amendment { read: read.clone(), written: free.clone(), mutation: reversal(free.iter().map(place).collect(), step) };
        prop_assume!(!free.is_empty());
        run(async {
            let store = MemoryPartStore::default();
            // as files give it back: without what a block may have behind its NULLs, which is counted as well
            let block = all_rows(&written(&store, &schema, &block, "block").await).await;
            let old = written(&store, &schema, &block, "old").await;
            prop_assert!(old.can_amend(&schema, &amendment));
            let amended = old.amend(&schema, &amendment, &store, "new").await.unwrap().unwrap();
            let new = opened(&store, amended.file.clone()).await;
            prop_assert_eq!(&**new.meta(), &*amended.meta);
            let pieces = (0..rows).step_by(granularity).map(|at| Ok(block.slice(at, granularity.min(rows - at))));
            let whole = crate::rewrite::rewrite(stream::iter(pieces.collect::<Vec<_>>()).boxed(), vec![reversal(free, step)], |_| {});
            let whole: Vec<Block> = whole.try_collect().await.unwrap();
            let whole = Block::concat(&schema.header, &whole).unwrap();
            prop_assert_eq!(&all_rows(&new).await, &whole);
            let expected = written(&store, &schema, &whole, "whole").await;
            // bits of NULL fill whole bytes in each block that is counted
            let uncompressed_bytes = new.meta().uncompressed_bytes;
            let arrays: usize = schema.header.columns().iter().map(|column| arrays_of(&column.ty.arrow_type())).sum();
            let rounding = 8 * (1 + rows / granularity) * arrays;
            prop_assert!(uncompressed_bytes.abs_diff(expected.meta().uncompressed_bytes) <= rounding as u64);
            let known = PartMeta { bytes: new.meta().bytes, uncompressed_bytes, ..PartMeta::clone(expected.meta()) };
            prop_assert_eq!(&**new.meta(), &known);
            let all: Vec<usize> = (0..schema.header.len()).collect();
            let first = dice.below(rows as u64) as usize;
            let found = new.read_rows(&all, first..rows).await.unwrap();
            let expected = whole.slice(first, rows - first);
            prop_assert_eq!(found.arrays(), expected.arrays());
            Ok(())
        })?;
    }
}

#[test]
fn a_row_group_without_a_changed_row_is_copied_and_no_change_is_no_file() {
    let header = Header::new(vec![Column::new("k", DataType::UInt64), Column::new("v", DataType::UInt64)]);
    let schema = PartSchema { min_max: vec![0, 1], ..schema(header, 8192) };
    let rows = (1u64 << 20) + 10_000;
    let array = || Arc::new(UInt64Array::from_iter_values(0..rows)) as arrow::array::ArrayRef;
    let block = Block::new(schema.header.clone(), vec![array(), array()]).unwrap();
    let update = |key: u64| Amendment {
        read: vec![0, 1],
        written: vec![1],
        mutation: Mutation::Update {
            matches: Arc::new(move |block: &Block| {
                Ok(block.array(0).as_primitive::<UInt64Type>().iter().map(|k| k.map(|k| k == key)).collect())
            }),
            transform: Arc::new(Reversed(vec![1])),
        },
    };
    run(async {
        let store = MemoryPartStore::default();
        let old = written(&store, &schema, &block, "old").await;
        assert_eq!(old.row_groups().len(), 2);
        assert!(old.amend(&schema, &update(rows), &store, "none").await.unwrap().is_none());
        let amended = old.amend(&schema, &update(5), &store, "new").await.unwrap().unwrap();
        assert_eq!(amended.changed.rows(), [5]);
        let new = opened(&store, amended.file).await;
        let bytes =
            |file: &FilePart, group: usize, leaf: usize| file.parquet().row_group(group).column(leaf).compressed_size();
        assert_eq!([0, 1].map(|leaf| bytes(&new, 1, leaf)), [0, 1].map(|leaf| bytes(&old, 1, leaf)));
        let values = all_rows(&new).await.array(1).as_primitive::<UInt64Type>().values().to_vec();
        let changed: Vec<(u64, u64)> = (0..rows).zip(values).filter(|(before, after)| before != after).collect();
        assert_eq!(changed, [(5, 8192 - 1 - 5)]);
    });
}
