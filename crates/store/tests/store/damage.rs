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
async fn a_part_file_that_a_kill_left_unfinished_goes_with_the_first_start_that_succeeds() {
    let machine = filled(9).await;
    let unfinished = Path::new("/data/parts/1.parquet.tmp");
    machine.disk.plant(unfinished, b"half a file");
    let log = log_files(&machine).pop().unwrap();
    machine.disk.flip_bit(&log, 200, 3);
    refused(&machine).await;
    machine.disk.flip_bit(&log, 200, 3);
    open(&machine).await;
    assert!(!machine.disk.paths().contains(&unfinished.to_path_buf()));
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
async fn a_log_that_is_gone_is_damage_whatever_else_is_there() {
    for (seed, with_checkpoint, expected) in
        [(30, true, "what came after commit"), (31, false, "what the 2 files of parts belong to")]
    {
        let (mut machine, _) = with_files(seed).await;
        if with_checkpoint {
            let store = open(&machine).await;
            store.checkpoint().await.unwrap();
            drop(store);
            machine.kill_process();
        }
        for segment in log_files(&machine) {
            machine.disk.remove(&segment).await.unwrap();
        }
        let error = refused(&machine).await.to_string();
        assert!(error.contains("its segments are gone") && error.contains(expected), "{error}");
        let report = store::check(&machine.env(), &folder()).await.unwrap();
        assert!(report.problems.iter().any(|problem| problem.contains(expected)), "{report:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_ends_before_its_checkpoint_is_damage_unless_it_was_only_torn() {
    let mut machine = filled(32).await;
    let whole = log_files(&machine).pop().unwrap();
    let before = machine.disk.peek(&whole).unwrap();
    let store = open(&machine).await;
    let table = store.snapshot().catalog.tables().next().unwrap().id;
    insert(&store, table, &[(20, 1)]).await.unwrap();
    store.checkpoint().await.unwrap();
    drop(store);
    machine.kill_process();
    for segment in log_files(&machine) {
        machine.disk.remove(&segment).await.unwrap();
    }
    machine.disk.plant(&whole, &before);
    let error = refused(&machine).await.to_string();
    assert!(error.contains("and a checkpoint has commit"), "{error}");
    let report = store::check(&machine.env(), &folder()).await.unwrap();
    assert!(report.problems.iter().any(|problem| problem.contains("and a checkpoint has commit")), "{report:?}");

    machine.disk.plant(&whole, &before[..before.len() - 1]);
    for _ in 0..2 {
        let store = open(&machine).await;
        assert_eq!(rows(&store.snapshot(), table).len(), 21, "the checkpoint has all of it");
        drop(store);
        machine.kill_process();
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_that_finds_a_torn_log_may_end_anywhere() {
    for torn in ["record", "segment"] {
        for calls in 0..12 {
            let mut machine = filled(33).await;
            let before = log_files(&machine).pop().unwrap();
            let bytes = machine.disk.peek(&before).unwrap();
            let store = open(&machine).await;
            store.checkpoint().await.unwrap();
            drop(store);
            machine.kill_process();
            let last = log_files(&machine).pop().unwrap();
            if torn == "record" {
                machine.disk.remove(&last).await.unwrap();
                machine.disk.plant(&before, &bytes[..bytes.len() - 1]);
            } else {
                machine.disk.flip_bit(&last, 2, 1);
            }
            for op in
                [DiskOp::Remove, DiskOp::Truncate, DiskOp::Create, DiskOp::Rename, DiskOp::SyncDir, DiskOp::SyncFile]
            {
                machine.disk.inject(op, "/log", calls, Fault::Io);
            }
            let _cut_short = Store::open(machine.env(), &folder(), StoreConfig::default()).await.map(drop);
            machine.cut_power();
            let store = open(&machine).await;
            let table = store.snapshot().catalog.tables().next().unwrap().id;
            assert_eq!(rows(&store.snapshot(), table).len(), 20, "{torn}, after {calls} calls");
        }
    }
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

/// A folder with two parts in files, of the keys 0 to 9 and 10 to 19.
async fn with_files(seed: u64) -> (Machine, types::TableId) {
    let mut machine = machine(seed);
    let config = StoreConfig { inline_bytes_max: 1, ..StoreConfig::default() };
    let store = open_with(&machine, config).await;
    let table = create(&store, "t", MergeMode::Plain).await;
    for keys in [0..10, 10..20] {
        let rows: Vec<Row> = keys.map(|key| (key, 1)).collect();
        let part =
            store.stage(&schema(MergeMode::Plain), &parts::Derived::default(), block(&rows)).await.unwrap().unwrap();
        let version = store.snapshot().catalog.table_by_id(table).unwrap().version;
        let insert = store::Edit::Insert { table, version, parts: vec![part] };
        store.commit(store::Commit::of(vec![insert])).await.unwrap();
    }
    drop(store);
    machine.kill_process();
    (machine, table)
}

#[tokio::test(start_paused = true)]
async fn a_damaged_part_is_put_aside_by_name_and_the_rest_is_there() {
    for (seed, how) in [(20, "gone"), (21, "flipped"), (22, "cut")] {
        let (mut machine, table) = with_files(seed).await;
        let first = {
            let store = open(&machine).await;
            let snapshot = store.snapshot();
            let part = snapshot.table_parts(table).unwrap().parts().next().unwrap().clone();
            part.file.as_ref().unwrap().object().to_owned()
        };
        machine.kill_process();
        let path = Path::new("/data/parts").join(first);
        let len = machine.disk.peek(&path).unwrap().len() as u64;
        match how {
            "gone" => machine.disk.remove(&path).await.unwrap(),
            "flipped" => machine.disk.flip_bit(&path, len - 20, 3),
            _ => machine.disk.open(&path).await.unwrap().truncate(len / 2).await.unwrap(),
        }
        for start in 0..3 {
            let store = open(&machine).await;
            let snapshot = store.snapshot();
            let left: Vec<Row> = (10..20).map(|key| (key, 1)).collect();
            assert_eq!(rows_final(&snapshot, table).await, left, "{how}, start {start}");
            let aside: Vec<_> = snapshot.history.detached().map(|(_, part)| part).collect();
            assert_eq!(aside.len(), 1, "{how}, start {start}");
            assert!(aside[0].is_broken() && aside[0].name().to_string() == "all_1_1_0" && aside[0].rows() == 10);
            insert(&store, table, &[(100 + start, 1)]).await.unwrap();
            let version = snapshot.catalog.table_by_id(table).unwrap().version;
            assert!(version > 0);
            store.commit(store::Commit::of(vec![store::Edit::Truncate { table, partition: None }])).await.unwrap();
            let again: Vec<Row> = (10..20).map(|key| (key, 1)).collect();
            insert(&store, table, &again).await.unwrap();
            store.checkpoint().await.unwrap();
            drop(store);
            machine.kill_process();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn bits_that_flip_on_their_way_cost_no_part() {
    let (machine, table) = with_files(30).await;
    // a file is read several times before it is called damaged: simulator, seeds 5370 and 10280
    for read in 0..4 {
        machine.disk.inject(DiskOp::Read, "/parts/", read, Fault::BitFlip);
    }
    machine.disk.inject(DiskOp::Read, "/log/", 1, Fault::BitFlip);
    let opened = Store::open(machine.env(), &folder(), StoreConfig::default()).await;
    let store = match opened {
        Ok(store) => store,
        Err(_) => open(&machine).await,
    };
    assert_eq!(rows_final(&store.snapshot(), table).await.len(), 20);
    assert_eq!(store.snapshot().history.detached().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_check_changes_nothing_and_names_what_is_wrong() {
    let (machine, table) = with_files(40).await;
    let before: Vec<_> = machine.disk.paths().into_iter().map(|path| (machine.disk.peek(&path), path)).collect();
    let report = store::check(&machine.env(), &folder()).await.unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    assert_eq!((report.parts, report.rows), (2, 20));
    let after: Vec<_> = machine.disk.paths().into_iter().map(|path| (machine.disk.peek(&path), path)).collect();
    assert_eq!(before, after, "a check changed the folder");
    let object = {
        let store = open(&machine).await;
        let snapshot = store.snapshot();
        snapshot.table_parts(table).unwrap().parts().next().unwrap().file.as_ref().unwrap().object().to_owned()
    };
    // Rows, which a start does not read.
    machine.disk.flip_bit(&Path::new("/data/parts").join(&object), 10, 3);
    let mut machine = machine;
    machine.kill_process();
    let report = store::check(&machine.env(), &folder()).await.unwrap();
    assert_eq!(report.problems.len(), 1);
    assert!(
        report.problems[0].contains("default.t") && report.problems[0].contains("all_1_1_0"),
        "{:?}",
        report.problems
    );
}

/// A start refuses such a folder: a check must not call it whole.
#[tokio::test(start_paused = true)]
async fn a_check_names_a_log_whose_header_is_damaged() {
    let machine = filled(41).await;
    let log = log_files(&machine).pop().unwrap();
    machine.disk.flip_bit(&log, 2, 3);
    let report = store::check(&machine.env(), &folder()).await.unwrap();
    assert_eq!(report.problems.len(), 1, "{report:?}");
    assert!(matches!(refused(&machine).await, Error::Damaged { .. }));
}
