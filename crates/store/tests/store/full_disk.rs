//! A full disk: reads go on, writes are refused by name and nothing of them happens, and they go on by themselves when
//! there is room again.

use std::time::Duration;

use env::DiskOp;
use env::simulated::{Fault, Machine};
use parts::MergeMode;
use store::{CommitError, Edit, FsyncMode, Store, StoreConfig};
use types::{ErrorCode, TableId};

use crate::world::*;

async fn with_table(machine: &Machine, config: StoreConfig) -> (Store, TableId) {
    let store = open_with(machine, config).await;
    let table = create(&store, "t", MergeMode::Plain).await;
    (store, table)
}

#[tokio::test(start_paused = true)]
async fn commits_are_refused_before_anything_is_written_and_go_on_when_there_is_room() {
    let machine = machine(6);
    let (store, table) = with_table(&machine, StoreConfig::default()).await;
    machine.disk.set_free_space(1000);
    let full = insert(&store, table, &[(1, 1)]).await.unwrap_err();
    assert!(matches!(full, CommitError::NoSpace { free: 1000, .. }), "{full}");
    assert_eq!(full.code(), ErrorCode::NOT_ENOUGH_SPACE);
    assert_eq!(store.stats().refused_full_disk, 1);
    machine.disk.set_free_space(1 << 40);
    insert(&store, table, &[(1, 1)]).await.expect("goes on when there is room again");
}

/// Others fill the disk too: the check before the write does not save the write.
#[tokio::test(start_paused = true)]
async fn a_log_that_meets_a_full_disk_takes_the_commit_back_and_goes_on() {
    for mode in [FsyncMode::Always, FsyncMode::Never] {
        for room in [0, 1, 40, 100] {
            let mut machine = machine(7 + room);
            let config = || StoreConfig { fsync: mode, free_bytes_min: 0, ..StoreConfig::default() };
            let (store, table) = with_table(&machine, config()).await;
            insert(&store, table, &[(1, 1)]).await.unwrap();
            machine.disk.inject(DiskOp::FreeSpace, "", 0, Fault::Io);
            machine.disk.set_free_space(room);
            let full = insert(&store, table, &[(2, 2)]).await.unwrap_err();
            assert_eq!(full.code(), ErrorCode::NOT_ENOUGH_SPACE, "{full}");
            assert_eq!(rows(&store.snapshot(), table), [(1, 1)], "reads go on");
            machine.disk.set_unlimited_space();
            insert(&store, table, &[(3, 3)]).await.expect("the log goes on");
            machine.kill_process();
            let store = open_with(&machine, config()).await;
            assert_eq!(rows(&store.snapshot(), table), [(1, 1), (3, 3)], "what was refused did not happen");
            drop(store);
            machine.cut_power();
            let store = open_with(&machine, config()).await;
            assert!(!rows(&store.snapshot(), table).contains(&(2, 2)), "what was refused did not happen");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_cannot_begin_a_segment_goes_on_in_the_old_one() {
    let mut machine = machine(11);
    let config = || StoreConfig { segment_bytes_max: 300, ..StoreConfig::default() };
    let (store, table) = with_table(&machine, config()).await;
    let mut expected = Vec::new();
    for key in 0..20 {
        if key % 3 == 0 {
            let fault = if key % 2 == 0 { DiskOp::Create } else { DiskOp::Append };
            machine.disk.inject(fault, "/log/", 0, Fault::NoSpace);
        }
        match insert(&store, table, &[(key, 1)]).await {
            Ok(_) => expected.push((key, 1)),
            Err(error) => assert_eq!(error.code(), ErrorCode::NOT_ENOUGH_SPACE, "{error}"),
        }
    }
    assert!(10 < expected.len() && expected.len() < 20);
    machine.cut_power();
    let store = open_with(&machine, config()).await;
    assert_eq!(rows(&store.snapshot(), table), expected);
}

#[tokio::test(start_paused = true)]
async fn a_part_that_finds_no_room_is_refused_by_name_and_leaves_nothing() {
    let machine = machine(8);
    let config = StoreConfig { inline_bytes_max: 100, free_bytes_min: 0, ..StoreConfig::default() };
    let (store, table) = with_table(&machine, config).await;
    let large: Vec<Row> = (0..5000).map(|key| (key, 1)).collect();
    let schema = schema(MergeMode::Plain);
    for room in [0, 500, 20_000] {
        machine.disk.set_free_space(room);
        // Whether the check or the write finds out.
        machine.disk.inject(DiskOp::FreeSpace, "", 0, Fault::Io);
        let error = store.stage(&schema, &parts::Derived::default(), block(&large)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::NOT_ENOUGH_SPACE, "{error}");
        assert_eq!(
            store.stage(&schema, &parts::Derived::default(), block(&large)).await.unwrap_err().code(),
            ErrorCode::NOT_ENOUGH_SPACE
        );
    }
    machine.disk.set_unlimited_space();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(store.part_store().list().await.unwrap().is_empty(), "no half files stay");
    let part = store.stage(&schema, &parts::Derived::default(), block(&large)).await.unwrap().unwrap();
    let version = store.snapshot().catalog.table_by_id(table).unwrap().version;
    store.commit(store::Commit::of(vec![Edit::Insert { table, version, parts: vec![part] }])).await.unwrap();
    assert_eq!(rows_final(&store.snapshot(), table).await, large);
}

#[tokio::test(start_paused = true)]
async fn checkpoints_that_find_no_room_are_written_later_by_themselves() {
    let machine = machine(9);
    let config = StoreConfig { log_bytes_max: 2000, free_bytes_min: 0, ..StoreConfig::default() };
    let (store, table) = with_table(&machine, config).await;
    machine.disk.inject(DiskOp::Create, "/checkpoint/", 0, Fault::NoSpace);
    machine.disk.inject(DiskOp::Append, "/checkpoint/", 0, Fault::NoSpace);
    machine.disk.inject(DiskOp::Append, "/log/", 40, Fault::NoSpace);
    let mut kept = 0;
    for key in 0..60 {
        kept += usize::from(insert(&store, table, &[(key, 1)]).await.is_ok());
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(store.log_bytes() < 2000, "{} bytes of log are left", store.log_bytes());
    assert!(55 < kept, "{kept}");
    assert_eq!(rows_final(&store.snapshot(), table).await.len(), kept);
    insert(&store, table, &[(100, 1)]).await.unwrap();
}

/// The log takes records for as long as checkpoints may come; then the refusal says what is in their way.
#[tokio::test(start_paused = true)]
async fn an_insert_that_waits_for_checkpoints_in_vain_is_told_of_the_full_disk() {
    let machine = machine(10);
    let config = StoreConfig { log_bytes_max: 1000, free_bytes_min: 0, ..StoreConfig::default() };
    let (store, table) = with_table(&machine, config).await;
    for _ in 0..20 {
        machine.disk.inject(DiskOp::Create, "/checkpoint/", 0, Fault::NoSpace);
    }
    let mut key = 0;
    let full = loop {
        match insert(&store, table, &[(key, 1)]).await {
            Ok(_) => key += 1,
            Err(error) => break error,
        }
        assert!(key < 1000, "nothing is ever refused");
    };
    assert!(matches!(full, CommitError::NoRoom { .. }), "{full}");
    assert_eq!(full.code(), ErrorCode::NOT_ENOUGH_SPACE);
    assert!(full.to_string().contains("no space left on the disk"), "{full}");
    tokio::time::sleep(Duration::from_secs(60)).await;
    insert(&store, table, &[(key, 1)]).await.expect("goes on by itself");
}
