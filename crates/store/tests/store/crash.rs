//! The power goes at every operation: what was acknowledged is there, what was not is whole or absent.

use env::simulated::Machine;
use parts::MergeMode;
use store::{FsyncMode, Store, StoreConfig};

use crate::world::*;

/// Opens, makes a table, inserts three rows at a time, takes a checkpoint in between; gives back how many inserts were
/// acknowledged, also when the power goes in the middle.
async fn work(machine: &Machine, acknowledged: &mut u64) {
    let Ok(store) = Store::open(machine.env(), &folder(), StoreConfig::default()).await else { return };
    let table = match store.snapshot().catalog.table("default", "t") {
        Some(def) => def.id,
        None => create(&store, "t", MergeMode::Plain).await,
    };
    for _ in 0..6 {
        let batch = *acknowledged;
        insert(&store, table, &[(batch, 0), (batch, 1), (batch, 2)]).await.expect("the insert is made");
        *acknowledged += 1;
        if batch % 4 == 2 {
            store.checkpoint().await.expect("the checkpoint is written");
        }
    }
    store.close().await.expect("the store closes");
}

/// Every acknowledged batch is whole; at most the one in flight is there beside them, whole.
async fn check(machine: &Machine, acknowledged: &mut u64, what: &str) {
    let store = open(machine).await;
    let snapshot = store.snapshot();
    let found = snapshot.catalog.table("default", "t").map(|def| rows(&snapshot, def.id)).unwrap_or_default();
    let batches = found.len() as u64 / 3;
    let expected: Vec<Row> = (0..batches).flat_map(|batch| [(batch, 0), (batch, 1), (batch, 2)]).collect();
    assert_eq!(found, expected, "{what}: a batch is not whole");
    assert!(
        *acknowledged <= batches && batches <= *acknowledged + 1,
        "{what}: {batches} of {acknowledged} acknowledged"
    );
    *acknowledged = batches;
}

#[tokio::test(start_paused = true)]
async fn nothing_acknowledged_is_lost_whenever_the_power_goes() {
    let (mut cuts, mut dropped) = (0u64, 0u64);
    for cut_at in 0..70 {
        let mut machine = machine(1000 + cut_at);
        let mut acknowledged = 0;
        for round in 0..3 {
            machine.disk.lose_power_after(cut_at);
            tokio::select! {
                biased;
                () = machine.disk.power_lost() => cuts += 1,
                () = work(&machine, &mut acknowledged) => {}
            }
            dropped += u64::from(machine.cut_power().dropped_something());
            check(&machine, &mut acknowledged, &format!("cut at {cut_at}, round {round}")).await;
            machine.kill_process();
        }
    }
    // Most operations of this one writer find nothing unsynced; the simulator has many writers and asks for more.
    assert!(150 < cuts && cuts * 2 / 10 <= dropped, "{dropped} of {cuts} cuts dropped something");
}

#[tokio::test(start_paused = true)]
async fn without_fsync_a_kill_loses_nothing_and_a_power_cut_leaves_a_prefix() {
    for seed in 0..60 {
        let config = || StoreConfig { fsync: FsyncMode::Never, ..StoreConfig::default() };
        let mut machine = machine(seed);
        let store = open_with(&machine, config()).await;
        let table = create(&store, "t", MergeMode::Plain).await;
        for key in 0..5 {
            insert(&store, table, &[(key, 1)]).await.unwrap();
        }
        machine.kill_process();
        let store = open_with(&machine, config()).await;
        assert_eq!(rows(&store.snapshot(), table).len(), 5, "a kill loses nothing");
        for key in 5..20 {
            insert(&store, table, &[(key, 1)]).await.unwrap();
        }
        machine.cut_power();
        let store = open_with(&machine, config()).await;
        let found = rows(&store.snapshot(), table);
        let keys: Vec<u64> = found.iter().map(|row| row.0).collect();
        assert_eq!(keys, (0..found.len() as u64).collect::<Vec<_>>(), "seed {seed}: what is left is no prefix");
        assert!(5 <= found.len(), "what a start has shown is durable");
    }
}
