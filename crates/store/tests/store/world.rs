//! A machine with a store on it, and tables of two columns.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, UInt64Array};
use arrow::datatypes::{Int64Type, UInt64Type};
use env::simulated::Machine;
use futures::TryStreamExt;
use parts::file::Caching;
use parts::{MergeMode, PartData, PartSchema, Purpose, SortColumn, StagedPart};
use store::{
    Commit, CommitError, Edit, NewPart, QualifiedName, Readiness, Receipt, Snapshot, Store, StoreConfig, TableDef,
    TableKind, Target, ViewDef, Visibility,
};
use types::{Block, Column, DataType, Header, TableId};

/// 2025-11-22.
pub const START_NS: i64 = 1_763_769_600_000_000_000;

pub type Row = (u64, i64);

pub fn folder() -> PathBuf {
    PathBuf::from("/data")
}

pub fn machine(seed: u64) -> Machine {
    Machine::new(seed, START_NS)
}

pub async fn open(machine: &Machine) -> Store {
    open_with(machine, StoreConfig::default()).await
}

pub async fn open_with(machine: &Machine, config: StoreConfig) -> Store {
    Store::open(machine.env(), &folder(), config).await.expect("the store opens")
}

pub fn schema(merge_mode: MergeMode) -> PartSchema {
    let columns = vec![Column::new("k", DataType::UInt64), Column::new("v", DataType::Int64)];
    let schema = PartSchema {
        header: Header::new(columns),
        sort_key: vec![SortColumn::ascending(0)],
        primary_key_len: 1,
        partition_key: vec![],
        merge_mode,
        index_granularity: 8192,
        min_max: vec![],
    };
    schema.checked().unwrap()
}

pub fn replacing() -> MergeMode {
    MergeMode::Replacing { version: None, is_deleted: None }
}

pub fn table_def(id: TableId, name: &str, merge_mode: MergeMode) -> TableDef {
    let schema = schema(merge_mode);
    TableDef {
        id,
        database: "default".into(),
        name: name.into(),
        uuid: u128::from(id.0),
        version: 0,
        sql: format!("CREATE TABLE default.{name} (k UInt64, v Int64) ENGINE = MergeTree ORDER BY k").into(),
        engine: "MergeTree".into(),
        kind: TableKind::MergeTree,
        columns: schema.header.clone(),
        schema: Some(Arc::new(schema)),
        view: None,
        visibility: Visibility::Listed,
        readiness: Readiness::Ready,
        comment: "".into(),
        created_ns: START_NS,
    }
}

pub fn view_def(id: TableId, name: &str, source: &str, target: &str) -> TableDef {
    TableDef {
        kind: TableKind::View,
        engine: "MaterializedView".into(),
        schema: None,
        view: Some(ViewDef::Incremental {
            source: QualifiedName::new("default", source),
            target: Target::Named(QualifiedName::new("default", target)),
            errors: None,
        }),
        ..table_def(id, name, MergeMode::Plain)
    }
}

pub async fn create(store: &Store, name: &str, merge_mode: MergeMode) -> TableId {
    let id = store.new_table_id();
    let def = table_def(id, name, merge_mode);
    store.commit(Commit::of(vec![Edit::CreateTable(Arc::new(def))])).await.expect("the table is made");
    id
}

pub fn block(rows: &[Row]) -> Block {
    let keys = UInt64Array::from_iter_values(rows.iter().map(|(key, _)| *key));
    let values = Int64Array::from_iter_values(rows.iter().map(|(_, value)| *value));
    Block::new(schema(MergeMode::Plain).header, vec![Arc::new(keys), Arc::new(values)]).unwrap()
}

pub fn part(schema: &PartSchema, rows: &[Row]) -> NewPart {
    let sorted = parts::sort_block(schema, &block(rows)).unwrap();
    let ruled = parts::apply_rule(schema, &sorted, Purpose::Insert).unwrap();
    NewPart::inline(StagedPart::in_memory(schema, &parts::Derived::default(), ruled).unwrap())
        .expect("a part in memory rides in the record")
}

pub fn insert_edit(snapshot: &Snapshot, table: TableId, rows: &[Row]) -> Edit {
    let def = snapshot.catalog.table_by_id(table).expect("the table is there");
    let schema = def.schema.as_ref().expect("the table has parts");
    Edit::Insert { table, version: def.version, parts: vec![part(schema, rows)] }
}

pub async fn insert(store: &Store, table: TableId, rows: &[Row]) -> Result<Receipt, CommitError> {
    let edit = insert_edit(&store.snapshot(), table, rows);
    store.commit(Commit::of(vec![edit])).await
}

pub fn rows_of_block(block: &Block) -> Vec<Row> {
    let keys = block.array(0).as_primitive::<UInt64Type>().values().iter().copied();
    keys.zip(block.array(1).as_primitive::<Int64Type>().values().iter().copied()).collect()
}

/// All rows of a table whose parts are in memory, sorted.
pub fn rows(snapshot: &Snapshot, table: TableId) -> Vec<Row> {
    let mut rows = Vec::new();
    for part in snapshot.table_parts(table).into_iter().flat_map(|parts| parts.parts()) {
        if let PartData::Memory(block) = &part.part.data {
            rows.extend(rows_of_block(block));
        }
    }
    rows.sort_unstable();
    rows
}

pub fn part_names(snapshot: &Snapshot, table: TableId) -> Vec<String> {
    let parts = snapshot.table_parts(table).into_iter().flat_map(|parts| parts.parts());
    parts.map(|part| part.name().to_string()).collect()
}

pub fn log_files(machine: &Machine) -> Vec<PathBuf> {
    machine
        .disk
        .paths()
        .into_iter()
        .filter(|path| path.starts_with("/data/log") && path != Path::new("/data/log"))
        .collect()
}

/// What a reader sees of a table, wherever its parts are: the engine's rule applied over all of them; sorted.
pub async fn rows_final(snapshot: &Snapshot, table: TableId) -> Vec<Row> {
    let Some(parts) = snapshot.table_parts(table) else { return Vec::new() };
    let schema = snapshot.catalog.table_by_id(table).unwrap().schema.as_ref().unwrap();
    let runs = parts.parts().map(|part| part.part.read_all(&[0, 1], Caching::Use)).collect();
    let merged = parts::merge_runs(schema, runs, Purpose::Final, 1000).unwrap();
    let blocks: Vec<Block> = merged.try_collect().await.unwrap();
    let mut rows: Vec<Row> = blocks.iter().flat_map(rows_of_block).collect();
    rows.sort_unstable();
    rows
}
