//! A key's rows are those that a scan would find, whatever the part is and whoever helps.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BinaryArray, UInt64Array};
use arrow::datatypes::UInt64Type;
use futures::{StreamExt, stream};
use proptest::prelude::*;
use types::{Header, Value};

use super::*;
use crate::cache::GranuleCache;
use crate::derived::Derived;
use crate::part::StagedPart;
use crate::part_store::{MemoryPartStore, PartStore};
use crate::schema::{MergeMode, SortColumn};
use crate::{FileRef, Maturity, PartName, sort_block, write_part};

/// `ORDER BY (k DESC, s)` with NULLs in `k`, marks of `k` alone, granules of 4 rows.
fn schema(marked: usize) -> PartSchema {
    PartSchema {
        header: Header::new(vec![
            Column::new("v", DataType::UInt64),
            Column::new("k", DataType::nullable(DataType::UInt64)),
            Column::new("s", DataType::String),
        ]),
        sort_key: vec![SortColumn { position: 1, descending: true }, SortColumn::ascending(2)],
        primary_key_len: marked,
        partition_key: vec![],
        merge_mode: MergeMode::Plain,
        index_granularity: 4,
        min_max: vec![],
    }
}

fn block(schema: &PartSchema, keys: &[(Option<u64>, u8)]) -> Block {
    let v = UInt64Array::from_iter_values(0..keys.len() as u64);
    let k = UInt64Array::from_iter(keys.iter().map(|(k, _)| *k));
    let s = BinaryArray::from_iter_values(keys.iter().map(|(_, s)| vec![b'x'; usize::from(*s)]));
    let block = Block::new(schema.header.clone(), vec![Arc::new(v), Arc::new(k), Arc::new(s)]).unwrap();
    sort_block(schema, &block).unwrap()
}

fn values(k: u64, s: u8) -> Vec<ArrayRef> {
    let text = vec![b'x'; usize::from(s)];
    vec![Arc::new(UInt64Array::from(vec![k])), Arc::new(BinaryArray::from(vec![text.as_slice()]))]
}

/// The `v` of the rows of a key, by looking at every row.
fn scanned(block: &Block, k: u64, s: u8) -> Vec<u64> {
    let (keys, texts) = (block.array(1).as_primitive::<UInt64Type>(), block.array(2).as_binary::<i32>());
    let is_key =
        |row: &usize| keys.is_valid(*row) && keys.value(*row) == k && texts.value(*row) == vec![b'x'; usize::from(s)];
    let v = block.array(0).as_primitive::<UInt64Type>();
    (0..block.rows()).filter(is_key).map(|row| v.value(row)).collect()
}

async fn in_file(schema: &PartSchema, block: &Block, cache_bytes: usize) -> Part {
    let store = MemoryPartStore::default();
    let rows = stream::iter([Ok(block.clone())]).boxed();
    let (_, file): (_, FileRef) =
        write_part(schema, &Derived::default(), rows, Maturity::Young, &store, "p").await.unwrap();
    let store: Arc<dyn PartStore> = Arc::new(store);
    let file = FilePart::open(store, file, Arc::new(GranuleCache::new(cache_bytes))).await.unwrap();
    let staged = StagedPart::in_file(schema, file).unwrap();
    let id = staged.partition_id.clone();
    staged.named(PartName::inserted(id, 1))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn the_rows_of_a_key_are_those_of_a_scan(
        keys in proptest::collection::vec((proptest::option::weighted(0.9, 0u64..6), 0u8..3), 1..60),
        marked in 0usize..3,
        cached in any::<bool>(),
    ) {
        let schema = schema(marked);
        let block = block(&schema, &keys);
        let index = KeyIndex::of_block(&schema, &block).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let staged = StagedPart::in_memory(&schema, &Derived::default(), block.clone()).unwrap();
            let id = staged.partition_id.clone();
            let memory = staged.named(PartName::inserted(id, 1));
            let file = in_file(&schema, &block, if cached { 1 << 24 } else { 0 }).await;
            for (k, s) in (0..7).flat_map(|k| (0..3).map(move |s| (k, s))) {
                let probe = KeyProbe::new(&schema, values(k, s)).unwrap().unwrap();
                for part in [&memory, &file] {
                    for index in [None, Some(&index)] {
                        let found = part.read_key(&probe, &[2, 0], index).await.unwrap().unwrap();
                        let v = found.array(1).as_primitive::<UInt64Type>().values().to_vec();
                        assert_eq!(v, scanned(&block, k, s), "key {k} {s} of {keys:?}");
                    }
                }
            }
        });
    }
}

#[test]
fn keys_without_a_direct_order_and_parts_with_other_keys_are_left_to_others() {
    let mut floats = schema(1);
    floats.header = Header::new(vec![
        Column::new("v", DataType::UInt64),
        Column::new("k", DataType::Float64),
        Column::new("s", DataType::String),
    ]);
    let key: Vec<ArrayRef> = vec![Arc::new(arrow::array::Float64Array::from(vec![1.0])), values(1, 1)[1].clone()];
    assert!(KeyProbe::new(&floats, key).unwrap().is_none());

    let older = PartSchema { sort_key: vec![SortColumn::ascending(2)], primary_key_len: 1, ..schema(1) };
    let part = StagedPart::in_memory(&older, &Derived::default(), block(&older, &[(Some(1), 1)])).unwrap();
    let id = part.partition_id.clone();
    let part = part.named(PartName::inserted(id, 1));
    let probe = KeyProbe::new(&schema(1), values(1, 1)).unwrap().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(runtime.block_on(part.read_key(&probe, &[0], None)).unwrap().is_none());
    assert_eq!(part.meta.partition_values().unwrap(), Vec::<Value>::new());
}
