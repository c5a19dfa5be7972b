//! Laws over random histories: replay is the live snapshot, and a checkpoint says the same as the log.

use env::Disk;
use parts::MergeMode;
use proptest::prelude::*;
use store::{Commit, Edit, QualifiedName, Store};
use types::TableId;

use crate::world::*;

#[derive(Clone, Debug)]
enum Act {
    Create(bool),
    Drop(prop::sample::Index),
    Retire(prop::sample::Index),
    Undrop(prop::sample::Index),
    End(prop::sample::Index),
    Insert(prop::sample::Index, Vec<(u8, i64)>),
    Truncate(prop::sample::Index),
    Rename(prop::sample::Index, u8),
    Token(prop::sample::Index, u8),
    Shift(prop::sample::Index, prop::sample::Index, bool),
    Mark(prop::sample::Index, prop::sample::Index),
    Group(u8, u8),
    Checkpoint,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        1 => any::<bool>().prop_map(Act::Create),
        1 => any::<prop::sample::Index>().prop_map(Act::Drop),
        1 => any::<prop::sample::Index>().prop_map(Act::Retire),
        1 => any::<prop::sample::Index>().prop_map(Act::Undrop),
        1 => any::<prop::sample::Index>().prop_map(Act::End),
        8 => (any::<prop::sample::Index>(), prop::collection::vec(any::<(u8, i64)>(), 1..5)).prop_map(|(t, r)| Act::Insert(t, r)),
        1 => any::<prop::sample::Index>().prop_map(Act::Truncate),
        1 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(t, n)| Act::Rename(t, n)),
        1 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(t, n)| Act::Token(t, n)),
        1 => (any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<bool>()).prop_map(|(a, b, r)| Act::Shift(a, b, r)),
        1 => (any::<prop::sample::Index>(), any::<prop::sample::Index>()).prop_map(|(a, b)| Act::Mark(a, b)),
        1 => (0u8..3, 0u8..4).prop_map(|(name, limit)| Act::Group(name, limit)),
        1 => Just(Act::Checkpoint),
    ]
}

/// Conflicts are part of history: what does not apply changes nothing.
async fn run(store: &Store, act: &Act, number: usize) {
    let snapshot = store.snapshot();
    let tables: Vec<TableId> = snapshot.catalog.tables().map(|table| table.id).collect();
    let pick = |index: &prop::sample::Index| (!tables.is_empty()).then(|| *index.get(&tables));
    let retired: Vec<TableId> = snapshot.catalog.retired().iter().map(|retired| retired.table.id).collect();
    let pick_retired = |index: &prop::sample::Index| (!retired.is_empty()).then(|| *index.get(&retired));
    let edit = match act {
        Act::Create(keyed) => {
            let mode = if *keyed { replacing() } else { MergeMode::Plain };
            Some(Edit::CreateTable(std::sync::Arc::new(table_def(store.new_table_id(), &format!("t{number}"), mode))))
        }
        Act::Drop(table) => pick(table).map(|table| Edit::DropTable { table }),
        Act::Retire(table) => pick(table).map(|table| Edit::RetireTable { table }),
        Act::Undrop(table) => pick_retired(table).map(|table| Edit::UndropTable { table }),
        Act::End(table) => pick_retired(table).map(|table| Edit::DropTable { table }),
        Act::Insert(table, rows) => {
            let rows: Vec<Row> = rows.iter().map(|(key, value)| (u64::from(*key), *value)).collect();
            pick(table).map(|table| insert_edit(&snapshot, table, &rows))
        }
        Act::Truncate(table) => pick(table).map(|table| Edit::Truncate { table, partition: None }),
        Act::Rename(table, name) => {
            pick(table).map(|table| Edit::RenameTable { table, to: QualifiedName::new("default", format!("r{name}")) })
        }
        Act::Token(table, token) => pick(table).map(|table| Edit::Token {
            table,
            token: token.to_string().into(),
            window: (token % 3 == 0).then_some(2),
        }),
        Act::Shift(a, b, is_ring) => {
            pick(a).zip(pick(b)).map(|(a, b)| Edit::ShiftParts { tables: vec![a, b], is_ring: *is_ring })
        }
        Act::Mark(table, reader) => pick(table).zip(pick(reader)).map(|(table, reader)| {
            let parts = snapshot.table_parts(table);
            let (from, to) = parts.map_or((None, 0), |parts| (parts.mark(reader), parts.last_block()));
            Edit::MoveMark { table, reader, from, to }
        }),
        Act::Group(name, limit) => {
            let name = format!("g{name}");
            match limit % 2 {
                1 => {
                    let from = snapshot.catalog.collection(&name).cloned();
                    let to = from.is_none().then(|| format!("CREATE NAMED COLLECTION {name} AS n = {limit}").into());
                    Some(Edit::SetCollection { name: name.into(), from, to })
                }
                _ => {
                    let from = snapshot.catalog.group(&name);
                    Some(Edit::SetGroup { name: name.into(), from, to: (*limit != 0).then_some(u64::from(*limit)) })
                }
            }
        }
        Act::Checkpoint => {
            store.checkpoint().await.expect("the checkpoint is written");
            None
        }
    };
    if let Some(edit) = edit {
        let _conflict = store.commit(Commit::of(vec![edit])).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replay_is_the_live_snapshot(acts in prop::collection::vec(act(), 0..80), seed: u64) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut machine = machine(seed);
            let store = open(&machine).await;
            for (number, act) in acts.iter().enumerate() {
                run(&store, act, number).await;
            }
            let live = store.snapshot().encode();
            machine.cut_power();
            let store = open(&machine).await;
            assert!(store.snapshot().encode() == live, "replay differs");
            store.close().await.unwrap();
            drop(store);
            let store = open(&machine).await;
            assert!(store.snapshot().encode() == live, "the checkpoint differs");
        });
    }
}

/// Power cuts tear; this cuts the last segment at every byte, which no cut of sectors reaches.
#[tokio::test(start_paused = true)]
async fn a_log_cut_at_any_byte_gives_back_a_prefix() {
    let mut machine = machine(9);
    let store = open(&machine).await;
    let table = create(&store, "t", MergeMode::Plain).await;
    for key in 0..6 {
        insert(&store, table, &[(key, 1)]).await.unwrap();
    }
    machine.kill_process();
    let log = log_files(&machine).pop().unwrap();
    let bytes = machine.disk.peek(&log).unwrap();
    let mut last = 0;
    for len in 0..=bytes.len() {
        machine.disk.plant(&log, &bytes[..len]);
        let snapshot = open(&machine).await.snapshot();
        let keys: Vec<u64> = rows(&snapshot, table).iter().map(|row| row.0).collect();
        assert_eq!(keys, (0..keys.len() as u64).collect::<Vec<_>>(), "cut at byte {len}");
        assert!(last <= keys.len(), "a longer log gives back less");
        last = keys.len();
        machine.kill_process();
        machine.disk.remove_dir("/data/log".as_ref()).await.unwrap();
        machine.disk.create_dir("/data/log".as_ref()).await.unwrap();
    }
    assert_eq!(last, 6);
}
