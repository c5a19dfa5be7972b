//! Parts in files: staged, merged, flushed, and gone when nobody needs them.

use std::time::Duration;

use env::simulated::Machine;
use futures::StreamExt;
use parts::MergeMode;
use parts::file::Maturity;
use store::{Commit, Edit, MergePolicy, MergeWork, Merged, NewPart, Snapshot, Store, StoreConfig};
use types::TableId;

use crate::world::*;

fn small() -> StoreConfig {
    StoreConfig { inline_bytes_max: 500, ..StoreConfig::default() }
}

/// Names of the part files on the disk.
fn files(machine: &Machine) -> Vec<String> {
    let paths = machine.disk.paths().into_iter().filter(|path| path.parent() == Some("/data/parts".as_ref()));
    paths.map(|path| path.display().to_string()).collect()
}

async fn stage(store: &Store, rows: &[Row]) -> NewPart {
    let schema = schema(MergeMode::Plain);
    let block = parts::sort_block(&schema, &block(rows)).unwrap();
    let run = futures::stream::iter([Ok(block)]).boxed();
    store.stage_file(&schema, &parts::Derived::default(), run, Maturity::Young).await.unwrap().expect("there are rows")
}

async fn insert_file(store: &Store, table: TableId, rows: &[Row]) {
    let part = stage(store, rows).await;
    let version = store.snapshot().catalog.table_by_id(table).unwrap().version;
    store.commit(Commit::of(vec![Edit::Insert { table, version, parts: vec![part] }])).await.unwrap();
}

async fn merge_all(store: &Store, table: TableId) -> Merged {
    let snapshot = store.snapshot();
    let parts = snapshot.table_parts(table).unwrap();
    let plan = MergePolicy.plan_whole(table, parts, parts.partitions().next().unwrap()).remove(0);
    store.merge(&plan, &MergeWork::default()).await.unwrap()
}

/// Lets the garbage collector run.
async fn settle(store: &Store) {
    store.env().clock.sleep(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_large_block_becomes_a_file_and_a_small_one_rides_in_the_record() {
    let machine = machine(1);
    let store = open_with(&machine, small()).await;
    let schema = schema(MergeMode::Plain);
    let large: Vec<Row> = (0..500).map(|key| (key, 1)).collect();
    let file = store.stage(&schema, &parts::Derived::default(), block(&large)).await.unwrap().unwrap();
    let inline = store.stage(&schema, &parts::Derived::default(), block(&[(1, 1)])).await.unwrap().unwrap();
    assert!(file.file().is_some() && inline.file().is_none());
    assert!(store.stage(&schema, &parts::Derived::default(), block(&[])).await.unwrap().is_none());
    assert_eq!(files(&machine).len(), 1);
    drop(file);
    settle(&store).await;
    assert!(files(&machine).is_empty(), "what is not committed goes");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_given_up_in_the_middle_goes() {
    let machine = machine(8);
    let store = open(&machine).await;
    let schema = schema(MergeMode::Plain);
    let endless = futures::stream::iter([Ok(block(&[(1, 1)]))]).chain(futures::stream::pending()).boxed();
    let derived = parts::Derived::default();
    tokio::select! {
        biased;
        _ = store.stage_file(&schema, &derived, endless, Maturity::Young) => panic!("it has no end"),
        () = settle(&store) => assert_eq!(files(&machine).len(), 1),
    }
    settle(&store).await;
    assert!(files(&machine).is_empty());
}

#[tokio::test(start_paused = true)]
async fn files_go_when_the_last_reader_of_a_dropped_part_goes() {
    let machine = machine(2);
    let store = open(&machine).await;
    let table = create(&store, "t", MergeMode::Plain).await;
    insert_file(&store, table, &[(1, 1), (2, 2)]).await;
    insert_file(&store, table, &[(3, 3)]).await;
    let reader = store.snapshot();
    assert!(matches!(merge_all(&store, table).await, Merged::Done(_)));
    settle(&store).await;
    assert_eq!(files(&machine).len(), 3, "a reader holds the inputs");
    assert_eq!(rows_final(&reader, table).await, [(1, 1), (2, 2), (3, 3)]);
    drop(reader);
    settle(&store).await;
    assert_eq!(files(&machine).len(), 1);
    assert_eq!(rows_final(&store.snapshot(), table).await, [(1, 1), (2, 2), (3, 3)]);
    store.commit(Commit::of(vec![Edit::DropTable { table }])).await.unwrap();
    settle(&store).await;
    assert!(files(&machine).is_empty());
}

#[tokio::test(start_paused = true)]
async fn replay_needs_no_file_that_a_later_commit_dropped() {
    let mut machine = machine(3);
    let store = open(&machine).await;
    let table = create(&store, "t", MergeMode::Plain).await;
    for key in 0..3 {
        insert_file(&store, table, &[(key, 1)]).await;
    }
    merge_all(&store, table).await;
    settle(&store).await;
    let live = store.snapshot().encode();
    machine.cut_power();
    let store = open(&machine).await;
    assert!(store.snapshot().encode() == live);
    assert_eq!(rows_final(&store.snapshot(), table).await.len(), 3);
    assert_eq!(files(&machine).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_writes_old_rows_to_files_and_changes_no_answer() {
    let machine = machine(5);
    let store = open(&machine).await;
    let table = create(&store, "t", replacing()).await;
    for value in 0..5 {
        insert(&store, table, &[(1, value), (value as u64 + 10, 0)]).await.unwrap();
    }
    let before = rows_final(&store.snapshot(), table).await;
    store.checkpoint().await.unwrap();
    assert!(files(&machine).is_empty(), "young rows stay in memory");
    store.env().clock.sleep(Duration::from_secs(3600)).await;
    store.checkpoint().await.unwrap();
    assert_eq!(files(&machine).len(), 1);
    assert_eq!(part_names(&store.snapshot(), table), ["all_1_5_1"]);
    assert_eq!(rows_final(&store.snapshot(), table).await, before);
    assert!(log_files(&machine).len() == 1 && store.log_bytes() < 100, "the log is free");
}

#[tokio::test(start_paused = true)]
async fn stopped_merges_stop_joining_but_not_flushing() {
    let machine = machine(6);
    let config = StoreConfig { memory_bytes_max: 1, ..StoreConfig::default() };
    let store = open_with(&machine, config).await;
    let table = create(&store, "t", MergeMode::Plain).await;
    store.merges().stop(None);
    for key in 0..5 {
        insert(&store, table, &[(key, 1)]).await.unwrap();
    }
    store.checkpoint().await.unwrap();
    assert_eq!(part_names(&store.snapshot(), table).len(), 5);
}

#[tokio::test(start_paused = true)]
async fn the_policy_merges_neighbours_of_like_size_and_leaves_the_rest() {
    let store = open(&machine(7)).await;
    let table = create(&store, "t", MergeMode::Plain).await;
    let plan = |snapshot: &Snapshot| MergePolicy.plan(&snapshot.parts, START_NS, &|_, _| true);
    for key in 0..4 {
        insert_file(&store, table, &[(key, 1)]).await;
    }
    assert!(plan(&store.snapshot()).is_empty(), "four are too few");
    for key in 4..8 {
        insert_file(&store, table, &[(key, 1)]).await;
    }
    let plans = plan(&store.snapshot());
    assert_eq!(plans.len(), 1);
    assert!(5 <= plans[0].inputs.len(), "{plans:?}");
    assert!(matches!(store.merge(&plans[0], &MergeWork::default()).await, Ok(Merged::Done(_))));
    assert_eq!(store.merge(&plans[0], &MergeWork::default()).await.unwrap(), Merged::GivenUp);
    assert_eq!(rows_final(&store.snapshot(), table).await.len(), 8);
}

#[tokio::test(start_paused = true)]
async fn the_policy_leaves_few_rows_in_memory_to_the_writer() {
    let store = open(&machine(7)).await;
    let table = create(&store, "t", MergeMode::Plain).await;
    let plan = |snapshot: &Snapshot| MergePolicy.plan(&snapshot.parts, START_NS, &|_, _| true);
    for key in 0..5 {
        insert_file(&store, table, &[(key, 1)]).await;
    }
    for key in 5..40 {
        insert(&store, table, &[(key, 1)]).await.unwrap();
        let snapshot = store.snapshot();
        let parts = snapshot.table_parts(table).unwrap();
        assert!(parts.parts().count() < 5 + 3 * 8, "the writer joins them");
        let planned: Vec<_> = plan(&snapshot).into_iter().flat_map(|plan| plan.inputs).collect();
        let in_memory: Vec<_> = parts.parts().filter(|part| part.is_in_memory()).collect();
        assert!(!in_memory.is_empty() && in_memory.iter().all(|part| !planned.contains(part.name())));
        assert_eq!(planned.len(), 5, "those in files are merged");
    }
}

#[tokio::test(start_paused = true)]
async fn a_retired_table_keeps_its_files_over_starts_and_gives_them_back_at_its_end() {
    let mut machine = machine(6);
    let store = open(&machine).await;
    let table = create(&store, "t", MergeMode::Plain).await;
    insert_file(&store, table, &[(1, 1)]).await;
    insert(&store, table, &[(2, 2)]).await.unwrap();
    store.commit(Commit::of(vec![Edit::RetireTable { table }])).await.unwrap();
    assert!(store.snapshot().catalog.table("default", "t").is_none());
    assert!(store.commit(Commit::of(vec![Edit::Truncate { table, partition: None }])).await.is_err(), "nobody sees it");
    machine.cut_power();
    let store = open(&machine).await;
    settle(&store).await;
    assert_eq!(files(&machine).len(), 1);
    // what is in memory still goes to files, so that the log can go
    store.env().clock.sleep(Duration::from_secs(3600)).await;
    store.checkpoint().await.unwrap();
    assert_eq!(files(&machine).len(), 2);
    store.close().await.unwrap();
    drop(store);
    let store = open(&machine).await;
    store.commit(Commit::of(vec![Edit::UndropTable { table }])).await.unwrap();
    assert_eq!(rows_final(&store.snapshot(), table).await, [(1, 1), (2, 2)]);
    store.commit(Commit::of(vec![Edit::RetireTable { table }])).await.unwrap();
    create(&store, "t", MergeMode::Plain).await;
    assert!(store.commit(Commit::of(vec![Edit::UndropTable { table }])).await.is_err(), "the name is taken");
    store.commit(Commit::of(vec![Edit::DropTable { table }])).await.unwrap();
    settle(&store).await;
    assert!(files(&machine).is_empty());
}
