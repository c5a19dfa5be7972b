//! A file gives back the groups of its rows; a head of any bytes is an error and no panic.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, UInt64Array};
use arrow::datatypes::UInt64Type;
use futures::{StreamExt, stream};
use proptest::prelude::*;
use types::transform::TransformError;
use types::{Block, BlockTransform, Column, DataType, Header};

use super::*;
use crate::cache::GranuleCache;
use crate::file::{Caching, FilePart, FileRef, Maturity, write_part};
use crate::part_store::MemoryPartStore;

/// `SELECT k % groups, sum(k) GROUP BY k % groups` over a table of `k`.
struct Sums {
    header: Header,
    groups: u64,
}

impl BlockTransform for Sums {
    fn apply(&self, block: &Block) -> std::result::Result<Block, TransformError> {
        let values = block.array(0).as_primitive::<UInt64Type>();
        let keys: ArrayRef = Arc::new(values.unary::<_, UInt64Type>(|k| k % self.groups));
        let key = Block::new(self.header.project(&[0]), vec![keys.clone()]).expect("one column");
        let grouping = Grouping::of(&key).expect("numbers have an order");
        let mut sums = vec![0u64; grouping.firsts.len()];
        grouping.groups.iter().zip(values.values()).for_each(|(group, value)| sums[*group] += value);
        let keys = arrow::compute::take(&keys, &arrow::array::UInt32Array::from(grouping.firsts), None).expect("rows");
        Ok(Block::new(self.header.clone(), vec![keys, Arc::new(UInt64Array::from(sums))]).expect("two columns"))
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

async fn opened(pieces: Vec<Vec<u64>>, groups: u64) -> (Projection, FilePart) {
    let (projection, store, file) = written(pieces, groups).await;
    (projection, open(store, file).await)
}

async fn open(store: MemoryPartStore, file: FileRef) -> FilePart {
    FilePart::open(Arc::new(store), file, Arc::new(GranuleCache::new(1 << 20))).await.unwrap()
}

async fn written(pieces: Vec<Vec<u64>>, groups: u64) -> (Projection, MemoryPartStore, FileRef) {
    let sum = DataType::parse("SimpleAggregateFunction(sum, UInt64)").unwrap();
    let header = Header::new(vec![Column::new("k1", DataType::UInt64), Column::new("s1", sum)]);
    let projection = Projection::new("p", "k % n, sum(k)", header.clone(), 1).unwrap();
    let table = Header::new(vec![Column::new("k", DataType::UInt64)]);
    let schema = PartSchema {
        header: table.clone(),
        sort_key: Vec::new(),
        primary_key_len: 0,
        partition_key: Vec::new(),
        merge_mode: MergeMode::Plain,
        index_granularity: 64,
        min_max: Vec::new(),
    };
    let blocks: Vec<Block> = pieces
        .into_iter()
        .map(|keys| Block::new(table.clone(), vec![Arc::new(UInt64Array::from(keys)) as ArrayRef]).unwrap())
        .collect();
    let compute: Arc<dyn BlockTransform> = Arc::new(Sums { header, groups });
    let derived = Derived::default().with_projections(vec![(projection.clone(), compute)]);
    let store = MemoryPartStore::default();
    let rows = stream::iter(blocks.into_iter().map(Ok)).boxed();
    let (_, file) = write_part(&schema, &derived, rows, Maturity::Young, &store, "part").await.unwrap();
    (projection, store, file)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_file_gives_back_the_groups_of_its_rows(
        pieces in prop::collection::vec(prop::collection::vec(0u64..1_000_000, 0..300), 0..5),
        groups in prop::sample::select(vec![1u64, 7, 100_000]),
    ) {
        let mut expected = std::collections::BTreeMap::<u64, u64>::new();
        pieces.iter().flatten().for_each(|k| *expected.entry(k % groups).or_default() += k);
        run(async {
            let (projection, file) = opened(pieces, groups).await;
            prop_assert_eq!(file.projection_rows(&projection.text), Some(expected.len() as u64));
            prop_assert_eq!(file.projection_rows("another"), None);
            file.check_projections().await.unwrap();
            let opened = file.projection(&projection).await.unwrap().unwrap();
            let mut found = Vec::new();
            for chunk in 0..opened.meta().granules() {
                let block = opened.read(&[1, 0], chunk, Caching::Use).await.unwrap();
                let sums = block.array(0).as_primitive::<UInt64Type>().values().to_vec();
                let keys = block.array(1).as_primitive::<UInt64Type>().values().to_vec();
                found.extend(keys.into_iter().zip(sums));
            }
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
            Ok(())
        })?;
    }

    #[test]
    fn any_bytes_are_a_head_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200), chunks in 0u64..100) {
        let header = Header::new(vec![Column::new("k1", DataType::UInt64)]);
        let projection = Projection::new("p", "p", header, 1).unwrap();
        let _head = Head::decode(&bytes, &projection, chunks).is_ok();
    }
}

#[test]
fn many_groups_are_several_chunks() {
    run(async {
        let (projection, file) = opened(vec![(0..20_000).collect(), (0..20_000).rev().collect()], 20_000).await;
        let opened = file.projection(&projection).await.unwrap().unwrap();
        assert_eq!((opened.meta().rows, opened.meta().granules()), (20_000, 3));
        let last = opened.read(&[0, 1], 2, Caching::Bypass).await.unwrap();
        assert_eq!(last.rows(), 20_000 - 2 * CHUNK_ROWS);
        assert_eq!(last.array(1).as_primitive::<UInt64Type>().value(0), 4 * CHUNK_ROWS as u64);
        assert!(opened.read(&[0], 3, Caching::Bypass).await.is_err());
    });
}

#[test]
fn a_changed_byte_is_an_error_where_it_is_read_and_where_all_is_checked() {
    run(async {
        let (projection, store, reference) = written(vec![(0..20_000).collect()], 20_000).await;
        let whole = store.bytes("part").unwrap();
        // the last byte before the tail is one of the last chunk
        let at = reference.body_bytes as usize - 1;
        let mut bytes = whole.to_vec();
        bytes[at] ^= 0x10;
        store.replace("part", bytes.into());
        let file = open(store, reference).await;
        assert!(matches!(file.check_projections().await, Err(Error::Checksum { .. })));
        let opened = file.projection(&projection).await.unwrap().unwrap();
        assert!(opened.read(&[0, 1], 0, Caching::Use).await.is_ok());
        assert!(matches!(opened.read(&[1], 2, Caching::Use).await, Err(Error::Checksum { .. })));
    });
}
