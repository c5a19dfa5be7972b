//! Folders that are broken, newer, or half there are refused by name and left as they are.

use std::path::Path;

use env::simulated::{Fault, Machine};
use env::{Disk, DiskOp};
use parts::MergeMode;
use store::{CommitError, Error, Store, StoreConfig};

use crate::world::*;

async fn refused(machine: &Machine) -> Error {
    let before: Vec<_> = machine.disk.paths().into_iter().map(|path| (machine.disk.peek(&path), path)).collect();
    let error = Store::open(machine.env(), &folder(), StoreConfig::default()).await.expect_err("the folder is refused");
    let after: Vec<_> = machine.disk.paths().into_iter().map(|path| (machine.disk.peek(&path), path)).collect();
    assert_eq!(before, after, "a refused folder was changed");
    error
}

async fn filled(seed: u64) -> Machine {
    let mut machine = machine(seed);
    let store = open(&machine).await;
    let table = create(&store, "t", MergeMode::Plain).await;
    for key in 0..20 {
        insert(&store, table, &[(key, 1)]).await.unwrap();
    }
    machine.kill_process();
    machine
}

#[tokio::test(start_paused = true)]
async fn a_newer_folder_and_one_without_format_are_refused() {
    let machine = filled(1).await;
    machine.disk.plant(Path::new("/data/FORMAT"), b"everview data folder\nversion 7\n");
    assert_eq!(
        refused(&machine).await.to_string(),
        "\"/data/FORMAT\" has format version 7, this program reads up to 1"
    );
    machine.disk.plant(Path::new("/data/FORMAT"), b"something else");
    assert!(matches!(refused(&machine).await, Error::Damaged { .. }));
    machine.disk.remove(Path::new("/data/FORMAT")).await.unwrap();
    assert!(matches!(refused(&machine).await, Error::NotWhole { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_flipped_bit_in_an_acknowledged_record_is_damage_not_a_torn_tail() {
    let machine = filled(2).await;
    let log = log_files(&machine).pop().unwrap();
    machine.disk.flip_bit(&log, 200, 3);
    let error = refused(&machine).await;
    assert!(matches!(&error, Error::Damaged { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_missing_log_segment_is_damage() {
    let mut machine = filled(3).await;
    let store = open(&machine).await;
    store.checkpoint().await.unwrap();
    machine.kill_process();
    let checkpoint =
        machine.disk.paths().into_iter().find(|path| path.extension().is_some_and(|e| e == "checkpoint")).unwrap();
    machine.disk.remove(&checkpoint).await.unwrap();
    let error = refused(&machine).await;
    assert!(error.to_string().contains("before it are missing"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_damaged_checkpoint_is_refused_when_the_log_before_it_is_gone() {
    let mut machine = filled(4).await;
    let store = open(&machine).await;
    store.checkpoint().await.unwrap();
    machine.kill_process();
    let checkpoint =
        machine.disk.paths().into_iter().find(|path| path.extension().is_some_and(|e| e == "checkpoint")).unwrap();
    machine.disk.flip_bit(&checkpoint, 100, 1);
    assert!(matches!(refused(&machine).await, Error::Damaged { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_failed_append_or_sync_stops_the_store_and_loses_nothing_acknowledged() {
    for (op, fault) in [(DiskOp::Append, Fault::ShortWrite), (DiskOp::Append, Fault::Io), (DiskOp::SyncFile, Fault::Io)]
    {
        let mut machine = machine(5);
        let store = open(&machine).await;
        let table = create(&store, "t", MergeMode::Plain).await;
        insert(&store, table, &[(1, 1)]).await.unwrap();
        machine.disk.inject(op, "/log/", 0, fault);
        assert!(matches!(insert(&store, table, &[(2, 2)]).await, Err(CommitError::Unknown(_))));
        assert!(matches!(insert(&store, table, &[(3, 3)]).await, Err(CommitError::Stopped(_))));
        assert_eq!(rows(&store.snapshot(), table), [(1, 1)], "what is unknown is not published");
        machine.cut_power();
        let store = open(&machine).await;
        let found = rows(&store.snapshot(), table);
        assert!(found == [(1, 1)] || found == [(1, 1), (2, 2)], "{found:?}");
    }
}
