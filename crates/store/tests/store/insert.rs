//! Rows come, are joined, merged, rewritten and dropped; tokens are seen once.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use parts::MergeMode;
use store::{Commit, CommitError, Conflict, Edit, FsyncMode, MergePolicy, MergeWork, Replacement, RowRanges, Store};
use types::TableId;

use crate::world::*;

#[tokio::test(start_paused = true)]
async fn an_insert_is_visible_after_its_receipt_and_in_older_snapshots_never() {
    let store = open(&machine(1)).await;
    let table = create(&store, "t", MergeMode::Plain).await;
    let before = store.snapshot();
    let mut published = store.subscribe();
    let receipt = insert(&store, table, &[(2, 20), (1, 10)]).await.unwrap();
    assert_eq!(published.changed().await, receipt.seq);
    assert_eq!(rows(&store.snapshot(), table), [(1, 10), (2, 20)]);
    assert_eq!(part_names(&store.snapshot(), table), ["all_1_1_0"]);
    assert!(rows(&before, table).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_token_seen_before_gives_the_first_receipt_and_no_rows() {
    let machine = machine(2);
    let store = open(&machine).await;
    let table = create(&store, "t", MergeMode::Plain).await;
    let commit = |store: &store::Store| {
        let edit = insert_edit(&store.snapshot(), table, &[(1, 10)]);
        Commit::of(vec![edit, Edit::Token { table, token: "once".into(), window: None }])
    };
    let first = store.commit(commit(&store)).await.unwrap();
    for _ in 0..2 {
        let again = store.commit(commit(&store)).await;
        assert_eq!(again, Err(CommitError::Conflict(Conflict::Duplicate(first))));
    }
    store.close().await.unwrap();
    drop(store);
    let store = open(&machine).await;
    assert_eq!(store.commit(commit(&store)).await, Err(CommitError::Conflict(Conflict::Duplicate(first))));
    assert_eq!(rows(&store.snapshot(), table), [(1, 10)]);
}

#[tokio::test(start_paused = true)]
async fn inserts_that_wait_together_share_a_sync_and_become_one_part() {
    let machine = machine(3);
    let store = open(&machine).await;
    let table = create(&store, "t", MergeMode::Plain).await;
    let before = machine.disk.operations();
    let batches: Vec<[Row; 1]> = (0..32).map(|key| [(key, 1)]).collect();
    let results = join_all(batches.iter().map(|batch| insert(&store, table, batch))).await;
    assert!(results.iter().all(Result::is_ok));
    assert!(machine.disk.operations() - before < 12, "32 inserts did not share their syncs");
    assert_eq!(rows(&store.snapshot(), table).len(), 32);
    assert!(part_names(&store.snapshot(), table).len() <= 2);
}

#[tokio::test(start_paused = true)]
async fn many_small_inserts_leave_few_parts_and_stopped_merges_leave_all() {
    let store = open(&machine(4)).await;
    let table = create(&store, "t", MergeMode::Plain).await;
    let kept = create(&store, "kept", MergeMode::Plain).await;
    store.merges().stop(Some(kept));
    for key in 0..200 {
        insert(&store, table, &[(key, 1)]).await.unwrap();
        insert(&store, kept, &[(key, 1)]).await.unwrap();
    }
    assert!(part_names(&store.snapshot(), table).len() < 24, "{:?}", part_names(&store.snapshot(), table));
    assert_eq!(part_names(&store.snapshot(), kept).len(), 200);
    assert_eq!(rows(&store.snapshot(), table), rows(&store.snapshot(), kept));
}

#[tokio::test(start_paused = true)]
async fn a_merge_whose_input_is_gone_is_refused_and_reserved_parts_are_left_alone() {
    let store = open(&machine(5)).await;
    let table = create(&store, "t", replacing()).await;
    for value in 0..4 {
        insert(&store, table, &[(1, value), (2, value)]).await.unwrap();
    }
    let snapshot = store.snapshot();
    let parts = snapshot.table_parts(table).unwrap();
    let partition = parts.partitions().next().unwrap().clone();
    let plan = MergePolicy.plan_whole(table, parts, &partition).remove(0);
    let reserved = store.reservations().reserve(table, &plan.inputs).unwrap();
    for value in 4..20 {
        insert(&store, table, &[(1, value)]).await.unwrap();
    }
    assert_eq!(part_names(&store.snapshot(), table)[..4], ["all_1_1_0", "all_2_2_0", "all_3_3_0", "all_4_4_0"]);

    let schema = schema(replacing());
    let merge = || Edit::Merge { table, inputs: plan.inputs.clone(), output: Some(part(&schema, &[(1, 3), (2, 3)])) };
    store.commit(Commit::of(vec![merge()])).await.unwrap();
    drop(reserved);
    assert_eq!(part_names(&store.snapshot(), table)[0], "all_1_4_1");
    let again = store.commit(Commit::of(vec![merge()])).await;
    assert!(matches!(again, Err(CommitError::Conflict(Conflict::PartGone { .. }))), "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn a_mutation_replaces_parts_and_rows_inserted_meanwhile_stay() {
    let store = open(&machine(6)).await;
    let table = create(&store, "t", MergeMode::Plain).await;
    insert(&store, table, &[(1, 1), (2, 2)]).await.unwrap();
    insert(&store, table, &[(3, 3)]).await.unwrap();
    let snapshot = store.snapshot();
    let names: Vec<_> = snapshot.table_parts(table).unwrap().parts().map(|part| part.name().clone()).collect();
    insert(&store, table, &[(9, 9)]).await.unwrap();
    let schema = schema(MergeMode::Plain);
    let replacements = vec![
        Replacement {
            input: names[0].clone(),
            output: Some(part(&schema, &[(2, 2)])),
            changed: RowRanges::from_rows([0]),
        },
        Replacement { input: names[1].clone(), output: None, changed: RowRanges::all(1) },
    ];
    store.commit(Commit::of(vec![Edit::Rewrite { table, replacements }])).await.unwrap();
    assert_eq!(rows(&store.snapshot(), table), [(2, 2), (9, 9)]);
    assert_eq!(part_names(&store.snapshot(), table), ["all_1_1_0_4", "all_3_3_0"]);
    store.commit(Commit::of(vec![Edit::Truncate { table, partition: None }])).await.unwrap();
    assert!(rows(&store.snapshot(), table).is_empty());
    insert(&store, table, &[(5, 5)]).await.unwrap();
    assert_eq!(part_names(&store.snapshot(), table), ["all_5_5_0"], "block numbers are never used again");
}

#[tokio::test(start_paused = true)]
async fn a_table_and_its_rows_come_in_one_commit_or_not_at_all() {
    let store = open(&machine(7)).await;
    let id = store.new_table_id();
    let def = table_def(id, "t", MergeMode::Plain);
    let schema = schema(MergeMode::Plain);
    let insert = Edit::Insert { table: id, version: 0, parts: vec![part(&schema, &[(1, 1)])] };
    let broken = Edit::DropParts { table: id, parts: vec![parts::PartName::parse("all_7_7_0").unwrap()] };
    let create = Edit::CreateTable(Arc::new(def));
    assert!(store.commit(Commit::of(vec![create.clone(), insert.clone(), broken])).await.is_err());
    assert!(store.snapshot().catalog.table_by_id(id).is_none());
    store.commit(Commit::of(vec![create, insert])).await.unwrap();
    assert_eq!(rows(&store.snapshot(), id), [(1, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_partition_with_too_many_parts_takes_no_more() {
    let config = store::StoreConfig { partition_parts_max: 3, ..Default::default() };
    let store = open_with(&machine(8), config).await;
    let table = create(&store, "t", MergeMode::Plain).await;
    for key in 0..3 {
        insert(&store, table, &[(key, 1)]).await.unwrap();
    }
    let full = insert(&store, table, &[(4, 1)]).await.unwrap_err();
    assert_eq!(full.code(), types::ErrorCode::TOO_MANY_PARTS);
    assert!(0 < store.stats().delayed_by_parts && 59_000_000_000 < store.stats().delayed_ns);
    // With a merge on the way the insert only waits for it.
    let merge = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let snapshot = store.snapshot();
        let parts = snapshot.table_parts(table).unwrap();
        let plan = MergePolicy.plan_whole(table, parts, parts.partitions().next().unwrap()).remove(0);
        store.merge(&plan, &store::MergeWork::default()).await.unwrap();
    };
    let (inserted, ()) = tokio::join!(insert(&store, table, &[(4, 1)]), merge);
    inserted.expect("it waits until merges made room");
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_need_not_wait_is_durable_soon_or_with_the_next_that_must() {
    let later = FsyncMode::Interval(Duration::from_millis(1));
    for (wait_ms, next_must) in [(0, false), (0, true), (500, false)] {
        let mut lost = false;
        for seed in 0..20 {
            let mut machine = machine(seed);
            let store = open(&machine).await;
            let table = create(&store, "t", MergeMode::Plain).await;
            let edit = insert_edit(&store.snapshot(), table, &[(1, 1)]);
            store.commit_with(Commit::of(vec![edit]), later).await.unwrap();
            assert_eq!(rows(&store.snapshot(), table), [(1, 1)], "it is visible when it is answered");
            if next_must {
                insert(&store, table, &[(2, 2)]).await.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            machine.cut_power();
            lost |= !rows(&open(&machine).await.snapshot(), table).contains(&(1, 1));
        }
        assert_eq!(lost, wait_ms == 0 && !next_must, "after {wait_ms} ms, next {next_must}");
    }
}

/// A reader has read two of four inserts: whatever is merged, those after its mark can be told from those before.
#[tokio::test(start_paused = true)]
async fn no_merge_reaches_over_the_mark_of_a_reader() {
    let store = open(&machine(11)).await;
    let table = create(&store, "t", MergeMode::Plain).await;
    let reader = create(&store, "r", MergeMode::Plain).await;
    for key in 0..2 {
        insert(&store, table, &[(key, 1)]).await.unwrap();
    }
    let mark = |from, to| Commit::of(vec![Edit::MoveMark { table, reader, from, to }]);
    store.commit(mark(None, 2)).await.unwrap();
    for key in 2..40 {
        insert(&store, table, &[(key, 1)]).await.unwrap();
    }
    let snapshot = store.snapshot();
    let parts = snapshot.table_parts(table).unwrap();
    let partition = parts.partitions().next().unwrap().clone();
    let plans = MergePolicy.plan_whole(table, parts, &partition);
    assert_eq!(plans.len(), 2, "one part before the mark, one after it");
    for plan in &plans {
        store.merge(plan, &MergeWork::default()).await.unwrap();
    }
    let names = part_names(&store.snapshot(), table);
    assert_eq!((names.len(), names[0].as_str()), (2, "all_1_2_1"), "{names:?}");
    store.checkpoint().await.unwrap();
    assert_eq!(part_names(&store.snapshot(), table).len(), 2);
    let crossed = store.commit(mark(Some(2), 20)).await;
    assert!(matches!(crossed, Err(CommitError::Conflict(Conflict::Mark { .. }))), "inside a part: {crossed:?}");
    let stale = store.commit(mark(None, 40)).await;
    assert!(matches!(stale, Err(CommitError::Conflict(Conflict::Mark { .. }))), "begun elsewhere: {stale:?}");
    store.commit(mark(Some(2), 40)).await.unwrap();
    let snapshot = store.snapshot();
    let whole = MergePolicy.plan_whole(table, snapshot.table_parts(table).unwrap(), &partition);
    assert_eq!(whole.len(), 1, "the mark went on: both parts are before it");
}

/// Generations: what leaves a table is found in the next one, the oldest goes, and a ring brings one back.
#[tokio::test(start_paused = true)]
async fn shifted_rows_are_those_of_the_next_table() {
    let store = open(&machine(12)).await;
    let mut tables = Vec::new();
    for name in ["now", "before", "long_before"] {
        tables.push(create(&store, name, MergeMode::Plain).await);
    }
    let shift = |tables: &[TableId], is_ring| Edit::ShiftParts { tables: tables.to_vec(), is_ring };
    for value in 0..4 {
        let rows = insert_edit(&store.snapshot(), tables[0], &[(value, 1)]);
        store.commit(Commit::of(vec![shift(&tables, false), rows])).await.unwrap();
    }
    let keys = |store: &Store| {
        let of = |table: &TableId| rows(&store.snapshot(), *table).into_iter().map(|row| row.0).collect::<Vec<_>>();
        tables.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(keys(&store), [vec![3], vec![2], vec![1]], "the first is gone");
    store.commit(Commit::of(vec![shift(&tables, true)])).await.unwrap();
    assert_eq!(keys(&store), [vec![1], vec![3], vec![2]], "the oldest is the present one");
    let twice = store.commit(Commit::of(vec![shift(&[tables[0], tables[0]], true)])).await;
    assert!(matches!(twice, Err(CommitError::Conflict(Conflict::Malformed(_)))), "{twice:?}");
}
