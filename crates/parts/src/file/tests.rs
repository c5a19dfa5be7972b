//! Files give back what was written, whatever is asked of them; damaged ones are errors.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use proptest::prelude::*;
use types::{Block, DataType, Header};

use super::*;
use crate::cache::GranuleCache;
use crate::derived::Derived;
use crate::error::Error;
use crate::meta::PartMeta;
use crate::part::{Part, StagedPart};
use crate::part_store::{MemoryPartStore, PartStore};
use crate::schema::{MergeMode, PartSchema, SortColumn};
use crate::sort::sort_block;
use crate::testing::{Dice, random_block, random_header};

fn schema(header: Header, keyed: bool, index_granularity: usize) -> PartSchema {
    let merge_mode = if keyed { MergeMode::Replacing { version: None, is_deleted: None } } else { MergeMode::Plain };
    // states and maps cannot be keys
    let is_key = |ty: &DataType| !matches!(ty, DataType::AggregateFunction(_) | DataType::Map(_));
    let sort_key = (0..header.len()).filter(|&i| is_key(&header.columns()[i].ty)).take(2).map(SortColumn::ascending);
    let sort_key: Vec<SortColumn> = sort_key.collect();
    let primary_key_len = sort_key.len();
    let min_max = sort_key.iter().map(|column| column.position).collect();
    let schema =
        PartSchema { header, sort_key, primary_key_len, partition_key: vec![], merge_mode, index_granularity, min_max };
    schema.checked().unwrap()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

async fn written(store: &MemoryPartStore, schema: &PartSchema, blocks: Vec<Block>, maturity: Maturity) -> FileRef {
    let rows = stream::iter(blocks.into_iter().map(Ok)).boxed();
    write_part(schema, &Derived::default(), rows, maturity, store, "part").await.unwrap().1
}

async fn opened(store: &MemoryPartStore, file: FileRef, cache_bytes: usize) -> Result<FilePart, Error> {
    let store: Arc<dyn PartStore> = Arc::new(store.clone());
    FilePart::open(store, file, Arc::new(GranuleCache::new(cache_bytes))).await
}

fn part(schema: &PartSchema, file: FilePart) -> Part {
    let staged = StagedPart::in_file(schema, file).unwrap();
    let id = staged.partition_id.clone();
    staged.named(crate::PartName::inserted(id, 1))
}

async fn read(part: &Part, columns: &[usize], granules: Vec<Range<usize>>) -> Block {
    let blocks: Vec<Block> = part.read(columns, granules, Caching::Use).try_collect().await.unwrap();
    Block::concat(&part.meta.header.project(columns), &blocks).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_granules_and_columns_are_those_of_the_whole(
        seed in any::<u64>(),
        rows in 1usize..400,
        granularity in 1usize..60,
        (keyed, merged, cut) in any::<(bool, bool, prop::sample::Index)>(),
    ) {
        let mut dice = Dice(seed);
        let schema = schema(random_header(&mut dice), keyed, granularity);
        let block = sort_block(&schema, &random_block(&schema.header, rows, &mut dice)).unwrap();
        let maturity = if merged { Maturity::Merged } else { Maturity::Young };
        let middle = cut.index(rows);
        let pieces = vec![block.slice(0, middle), block.slice(middle, rows - middle)];
        run(async {
            let store = MemoryPartStore::default();
            let file = written(&store, &schema, pieces, maturity).await;
            prop_assert_eq!(&FileRef::decode(&file.encode()).unwrap(), &file);
            let part = part(&schema, opened(&store, file, 1 << 20).await.unwrap());
            let in_memory = StagedPart::in_memory(&schema, &Derived::default(), block.clone()).unwrap();
            prop_assert_eq!(&part.meta.marks, &in_memory.meta.marks);
            prop_assert_eq!(&part.meta.min_max, &in_memory.meta.min_max);
            let all: Vec<usize> = (0..schema.header.len()).collect();
            prop_assert_eq!(&read(&part, &all, vec![0..part.granules()]).await, &block);
            for _ in 0..4 {
                let start = dice.below(part.granules() as u64) as usize;
                let end = start + 1 + dice.below((part.granules() - start) as u64) as usize;
                let columns: Vec<usize> = all.iter().rev().filter(|_| dice.below(2) == 0).copied().collect();
                let expected = part.rows_of(&(start..end)).unwrap();
                let expected = block.project(&columns).slice(expected.start, expected.len());
                let found = read(&part, &columns, vec![start..end]).await;
                prop_assert_eq!(found.arrays(), expected.arrays());
                let first = dice.below(rows as u64) as usize;
                let count = 1 + dice.below((rows - first) as u64) as usize;
                let found = part.read_rows(&columns, first..first + count).await.unwrap();
                let expected = block.project(&columns).slice(first, count);
                prop_assert_eq!(found.arrays(), expected.arrays());
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_changed_byte_is_an_error(seed in any::<u64>(), at in any::<prop::sample::Index>(), flip in 1u8..) {
        let mut dice = Dice(seed);
        let schema = schema(random_header(&mut dice), false, 16);
        let block = sort_block(&schema, &random_block(&schema.header, 100, &mut dice)).unwrap();
        run(async {
            let store = MemoryPartStore::default();
            let file = written(&store, &schema, vec![block.clone()], Maturity::Merged).await;
            let mut bytes = store.bytes("part").unwrap().to_vec();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            store.replace("part", Bytes::from(bytes));
            let all: Vec<usize> = (0..schema.header.len()).collect();
            let outcome = match opened(&store, file, 0).await {
                Ok(file) => file.read(&all, 0..file.meta().granules(), Caching::Use).await.map(|blocks| {
                    Block::concat(&schema.header, &blocks).unwrap()
                }),
                Err(error) => Err(error),
            };
            match outcome {
                Err(Error::Checksum { .. }) => {}
                // the first bytes are Parquet's magic, which no read touches but by its block
                Ok(read) => prop_assert_eq!(read, block),
                Err(other) => prop_assert!(false, "{other}"),
            }
            Ok(())
        })?;
    }

    #[test]
    fn damaged_metadata_never_panics(seed in any::<u64>(), damage in any::<[prop::sample::Index; 3]>()) {
        let mut dice = Dice(seed);
        let schema = schema(random_header(&mut dice), false, 16);
        let block = sort_block(&schema, &random_block(&schema.header, 40, &mut dice)).unwrap();
        let meta = PartMeta::of_block(&schema, &Derived::default(), &block).unwrap();
        let mut bytes = meta.encode();
        prop_assert_eq!(&PartMeta::decode(&bytes).unwrap(), &meta);
        for at in damage {
            let at = at.index(bytes.len());
            bytes[at] = dice.roll() as u8;
            let _ = PartMeta::decode(&bytes);
            let _ = FileRef::decode(&bytes);
            let _ = super::layout::Section::decode(&bytes, "7,9");
        }
        bytes.truncate(damage[0].index(bytes.len()));
        prop_assert!(PartMeta::decode(&bytes).is_err());
    }
}

#[test]
fn a_second_read_comes_from_the_cache() {
    run(async {
        let mut dice = Dice(7);
        let header =
            Header::new(vec![types::Column::new("k", DataType::UInt64), types::Column::new("v", DataType::String)]);
        let schema = schema(header, true, 8192);
        let block = sort_block(&schema, &random_block(&schema.header, 20_000, &mut dice)).unwrap();
        let store = MemoryPartStore::default();
        let file = written(&store, &schema, vec![block.clone()], Maturity::Merged).await;
        let file = opened(&store, file, 64 << 20).await.unwrap();
        assert_eq!(file.read(&[1], 1..2, Caching::Use).await.unwrap()[0].array(0), &block.array(1).slice(8192, 8192));
        store.delete("part").await.unwrap();
        assert_eq!(file.read(&[1], 1..2, Caching::Use).await.unwrap()[0].array(0), &block.array(1).slice(8192, 8192));
        assert!(matches!(file.read(&[0, 1], 1..2, Caching::Use).await, Err(Error::Gone(_))));
    });
}

#[test]
fn pages_end_where_granules_do() {
    let columns = ["UInt64", "String", "Array(UInt32)", "Nullable(String)"];
    let column = |(i, ty): (usize, &&str)| types::Column::new(format!("c{i}"), DataType::parse(ty).unwrap());
    let header = Header::new(columns.iter().enumerate().map(column).collect::<Vec<_>>());
    for (keyed, rows_of_page) in [(true, 1000), (false, 3000)] {
        let schema = schema(header.clone(), keyed, 3000);
        let block = sort_block(&schema, &random_block(&schema.header, 10_000, &mut Dice(3))).unwrap();
        let mut writer = FileWriter::new(&schema, &Derived::default(), Maturity::Merged).unwrap();
        writer.write(&block.slice(0, 777)).unwrap();
        writer.write(&block.slice(777, 10_000 - 777)).unwrap();
        let finished = writer.finish("part").unwrap();
        let metadata = parquet::file::metadata::ParquetMetaDataReader::new()
            .with_page_index_policy(parquet::file::metadata::PageIndexPolicy::Optional)
            .parse_and_finish(&bytes::Bytes::from(finished.bytes.concat()))
            .unwrap();
        for column in &metadata.offset_index().unwrap()[0] {
            let starts: Vec<i64> = column.page_locations().iter().map(|page| page.first_row_index).collect();
            let expected: Vec<i64> = (0..10_000).step_by(rows_of_page).collect();
            assert_eq!(starts, expected, "keyed: {keyed}");
        }
    }
}
