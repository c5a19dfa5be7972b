//! Every edit comes back from its bytes; no bytes panic.

use arrow::array::{ArrayRef, UInt64Array};
use parts::cache::GranuleCache;
use parts::{MemoryPartStore, MergeMode, PartSchema, SortColumn, StagedPart, SumMap};
use proptest::prelude::*;
use types::{Block, Column, DataType, DatabaseId, Header};

use super::*;
use crate::definition::{Readiness, TableKind, Target, ViewDef, Visibility};

fn source() -> PartSource {
    PartSource {
        part_store: Arc::new(MemoryPartStore::default()),
        cache: Arc::new(GranuleCache::new(0)),
        garbage: Arc::default(),
    }
}

fn schema(merge_mode: MergeMode) -> PartSchema {
    let types = ["UInt64", "Int8", "UInt8", "Array(UInt64)", "AggregateFunction(sum, UInt64)"];
    let column = |(number, ty): (usize, &&str)| Column::new(format!("c{number}"), DataType::parse(ty).unwrap());
    PartSchema {
        header: Header::new(types.iter().enumerate().map(column).collect::<Vec<_>>()),
        sort_key: vec![SortColumn { position: 0, descending: true }],
        primary_key_len: 1,
        partition_key: vec![1],
        merge_mode,
        index_granularity: 1024,
        min_max: vec![0],
    }
}

fn part(keys: Vec<u64>) -> NewPart {
    let header = Header::new(vec![Column::new("k", DataType::UInt64)]);
    let mut keys = keys;
    keys.sort_unstable();
    let block = Block::new(header.clone(), vec![Arc::new(UInt64Array::from(keys)) as ArrayRef]).unwrap();
    let schema = PartSchema {
        header,
        sort_key: vec![SortColumn::ascending(0)],
        primary_key_len: 1,
        partition_key: vec![],
        merge_mode: MergeMode::Plain,
        index_granularity: 8,
        min_max: vec![0],
    };
    NewPart::inline(StagedPart::in_memory(&schema, &parts::Derived::default(), block).unwrap()).unwrap()
}

fn table_defs() -> Vec<TableDef> {
    let name = |name: &str| QualifiedName::new("d", name);
    let modes = [
        MergeMode::Plain,
        MergeMode::Replacing { version: Some(0), is_deleted: Some(2) },
        MergeMode::Summing {
            columns: vec![0],
            maps: vec![SumMap { keys: vec![3], values: vec![3] }],
            drops_zero_rows: true,
            kept: Vec::new(),
        },
        MergeMode::Summing { columns: vec![0], maps: Vec::new(), drops_zero_rows: false, kept: vec![2] },
        MergeMode::Aggregating,
        MergeMode::Collapsing { sign: 1 },
        MergeMode::VersionedCollapsing { sign: 1, version: 0 },
        MergeMode::Coalescing { columns: vec![2], kept: Vec::new() },
        MergeMode::Coalescing { columns: vec![2], kept: vec![1] },
    ];
    let views = [
        None,
        Some(ViewDef::Plain),
        Some(ViewDef::Incremental { source: name("s"), target: Target::Inner(TableId(9)), errors: None }),
        Some(ViewDef::Incremental { source: name("s"), target: Target::Inner(TableId(9)), errors: Some(TableId(10)) }),
        Some(ViewDef::Window {
            source: name("s"),
            target: Target::Named(name("t")),
            late: Some(name("l")),
            state: vec![TableId(3), TableId(4)],
            errors: None,
        }),
        Some(ViewDef::Refreshable {
            target: Target::Inner(TableId(1)),
            depends_on: vec![name("a"), name("b")],
            state: vec![TableId(7)],
        }),
        Some(ViewDef::Live { sources: vec![name("a")], target: Target::Named(name("t")) }),
        Some(ViewDef::Window {
            source: name("s"),
            target: Target::Inner(TableId(5)),
            late: None,
            state: vec![TableId(3)],
            errors: Some(TableId(11)),
        }),
    ];
    let defs = modes.into_iter().zip(views).enumerate().map(|(number, (mode, view))| TableDef {
        id: TableId(number as u64),
        database: "d".into(),
        name: "имя".into(),
        uuid: u128::MAX,
        version: 3,
        sql: "CREATE TABLE …".into(),
        engine: "MergeTree".into(),
        kind: [TableKind::MergeTree, TableKind::Memory, TableKind::Null, TableKind::View, TableKind::WindowView]
            [number % 5],
        columns: Header::new(vec![Column::new("k", DataType::UInt64)]),
        schema: (number != 3).then(|| Arc::new(schema(mode).checked().unwrap())),
        view,
        visibility: if number == 4 { Visibility::Hidden } else { Visibility::Listed },
        readiness: if number == 5 { Readiness::Building } else { Readiness::Ready },
        comment: "".into(),
        created_ns: -5,
    });
    defs.collect()
}

fn every_edit() -> Vec<Edit> {
    let name = |text: &str| PartName::parse(text).unwrap();
    let table = TableId(300);
    let database = DatabaseDef {
        id: DatabaseId(1),
        name: "d".into(),
        engine: "Atomic".into(),
        uuid: 7,
        comment: "c".into(),
        created_ns: 1,
    };
    let mut edits = vec![
        Edit::CreateDatabase(Arc::new(database)),
        Edit::DropDatabase { name: "d".into() },
        Edit::RenameDatabase { from: "d".into(), to: "e".into() },
        Edit::DropTable { table },
        Edit::RenameTable { table, to: QualifiedName::new("d", "x") },
        Edit::ExchangeTables { a: table, b: TableId(1) },
        Edit::FinishView { table },
        Edit::Insert { table, version: 8, parts: vec![part(vec![3, 1]), part(vec![2])] },
        Edit::Rewrite {
            table,
            replacements: vec![
                Replacement { input: name("all_1_1_0"), output: None, changed: RowRanges::all(9) },
                Replacement {
                    input: name("all_2_4_1"),
                    output: Some(part(vec![5])),
                    changed: RowRanges::from_rows([0, 2, 3]),
                },
            ],
        },
        Edit::Merge { table, inputs: vec![name("all_1_1_0")], output: Some(part(vec![1])) },
        Edit::Merge { table, inputs: vec![name("all_1_1_0"), name("all_2_2_0_5")], output: None },
        Edit::Compact { table, inputs: vec![name("202511_1_1_0"), name("202511_2_2_0")] },
        Edit::DropParts { table, parts: vec![name("all_1_1_0")] },
        Edit::Truncate { table, partition: None },
        Edit::Truncate { table, partition: Some(PartitionId::parse("202511").unwrap()) },
        Edit::Token { table, token: "token".into(), window: None },
        Edit::Token { table, token: "hash".into(), window: Some(100) },
        Edit::ShiftParts { tables: vec![table, TableId(2)], is_ring: false },
        Edit::ShiftParts { tables: vec![table], is_ring: true },
        Edit::MoveMark { table, reader: TableId(4), from: None, to: 5 },
        Edit::MoveMark { table, reader: TableId(4), from: Some(5), to: 300 },
        Edit::SetGroup { name: "g".into(), from: None, to: Some(2) },
        Edit::SetGroup { name: "g".into(), from: Some(2), to: None },
        Edit::SetCollection { name: "c".into(), from: None, to: Some("CREATE NAMED COLLECTION c AS a = 1".into()) },
        Edit::SetCollection { name: "c".into(), from: Some("CREATE NAMED COLLECTION c AS a = 1".into()), to: None },
    ];
    edits.extend(table_defs().into_iter().map(|def| Edit::CreateTable(Arc::new(def))));
    edits.extend(table_defs().into_iter().map(|def| Edit::AlterTable(Arc::new(def))));
    edits
}

fn every_commit() -> Commit {
    let reads = vec![
        Read::Definition { table: TableId(1), version: 2 },
        Read::Views { source: QualifiedName::new("d", "t"), changed: CommitSeq(4) },
    ];
    Commit { reads, edits: every_edit(), at_ns: 1234 }
}

#[test]
fn every_edit_comes_back_from_its_bytes() {
    let commit = every_commit();
    let mut bytes = commit.encode();
    let decoded = Commit::decode(&bytes, &source()).unwrap();
    assert_eq!(format!("{decoded:?}"), format!("{commit:?}"));
    assert_eq!(decoded.encode(), bytes);
    Commit::stamp(&mut bytes, 99);
    assert_eq!(Commit::decode(&bytes, &source()).unwrap().at_ns, 99);
}

#[test]
fn bytes_cut_anywhere_are_refused() {
    let bytes = every_commit().encode();
    for len in 0..bytes.len() {
        assert!(Commit::decode(&bytes[..len], &source()).is_err(), "cut at {len}");
    }
}

proptest! {
    #[test]
    fn changed_bytes_never_panic(at: prop::sample::Index, value: u8, more in prop::collection::vec(any::<u8>(), 0..50)) {
        let mut bytes = every_commit().encode();
        let at = at.index(bytes.len());
        bytes[at] = value;
        let _maybe = Commit::decode(&bytes, &source());
        let _surely_not = Commit::decode(&more, &source());
    }
}
