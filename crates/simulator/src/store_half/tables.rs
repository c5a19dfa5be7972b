//! Tables of two columns, and their rows.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, UInt64Array};
use arrow::datatypes::{Int64Type, UInt64Type};
use futures::TryStreamExt;
use parts::file::Caching;
use parts::{MergeMode, PartSchema, Purpose, SortColumn};
use store::{Readiness, Snapshot, TableDef, TableKind, Visibility};
use types::{Block, Column, DataType, Header, TableId};

/// Key and value.
pub type Row = (u64, i64);

/// Where the store is.
pub fn folder() -> PathBuf {
    PathBuf::from("/data")
}

/// A table that keeps every row, or the last row of each key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Keeps {
    /// MergeTree.
    All,
    /// ReplacingMergeTree.
    Last,
}

/// The layout of such a table.
pub fn schema(keeps: Keeps) -> PartSchema {
    let merge_mode = match keeps {
        Keeps::All => MergeMode::Plain,
        Keeps::Last => MergeMode::Replacing { version: None, is_deleted: None },
    };
    let schema = PartSchema {
        header: Header::new(vec![Column::new("k", DataType::UInt64), Column::new("v", DataType::Int64)]),
        sort_key: vec![SortColumn::ascending(0)],
        primary_key_len: 1,
        partition_key: vec![],
        merge_mode,
        index_granularity: 64,
        min_max: vec![0],
    };
    schema.checked().expect("positions and types fit")
}

/// The definition of such a table.
pub fn table_def(id: TableId, name: &str, keeps: Keeps) -> TableDef {
    let schema = schema(keeps);
    TableDef {
        id,
        database: "default".into(),
        name: name.into(),
        uuid: u128::from(id.0),
        version: 0,
        sql: "CREATE TABLE t (k UInt64, v Int64) ENGINE = MergeTree ORDER BY k".into(),
        engine: "MergeTree".into(),
        kind: TableKind::MergeTree,
        columns: schema.header.clone(),
        schema: Some(Arc::new(schema)),
        view: None,
        visibility: Visibility::Listed,
        readiness: Readiness::Ready,
        comment: "".into(),
        created_ns: 0,
    }
}

/// The rows sorted and past the engine's rule, as an insert stages them.
pub fn shaped(keeps: Keeps, rows: &[Row]) -> Block {
    let schema = schema(keeps);
    let keys = UInt64Array::from_iter_values(rows.iter().map(|row| row.0));
    let values = Int64Array::from_iter_values(rows.iter().map(|row| row.1));
    let block = Block::new(schema.header.clone(), vec![Arc::new(keys), Arc::new(values)]).expect("the columns fit");
    let sorted = parts::sort_block(&schema, &block).expect("the key can be sorted");
    parts::apply_rule(&schema, &sorted, Purpose::Insert).expect("the rule applies")
}

/// What a reader sees: all rows, with the engine's rule applied over all parts (FINAL); sorted.
pub async fn read(snapshot: &Snapshot, table: TableId) -> Vec<Row> {
    let Some(parts) = snapshot.table_parts(table) else { return Vec::new() };
    let def = snapshot.catalog.table_by_id(table).expect("a table with parts has a definition");
    let schema = def.schema.as_ref().expect("a table with parts has a layout");
    // Later parts win: the runs are in order of blocks.
    let runs = parts.parts().map(|part| part.part.read_all(&[0, 1], Caching::Use)).collect();
    let merged = parts::merge_runs(schema, runs, Purpose::Final, 1000).expect("the parts can be merged");
    let blocks: Vec<Block> = merged.try_collect().await.expect("the parts can be read");
    let mut rows = Vec::new();
    for block in &blocks {
        let keys = block.array(0).as_primitive::<UInt64Type>().values().iter().copied();
        rows.extend(keys.zip(block.array(1).as_primitive::<Int64Type>().values().iter().copied()));
    }
    rows.sort_unstable();
    rows
}
