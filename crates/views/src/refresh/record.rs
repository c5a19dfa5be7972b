//! What is durable of a refreshable view: a hidden table of its own, with a row for what commands said, one for what
//! runs left, and one for each of the last runs. Each row is JSON of which unknown fields are passed over and absent ones have their default; of rows of the
//! same entry the one with the greatest version counts.
//!
//! The row of an outcome is written in the commit of the run's rows: both are seen, or neither.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray, UInt64Array};
use arrow::datatypes::UInt64Type;
use parts::{MergeMode, PartSchema, SortColumn};
use query::QueryContext;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::{Commit, Edit, Readiness, TableDef, TableKind, ViewDef, Visibility};
use types::{Block, Column, DataType, ErrorCode, Header, TableId};

use super::decide::{Amounts, Control, Outcome};
use super::span::refuse;
use crate::Views;
use crate::error::Result;

/// Entries of the table.
const CONTROL: u64 = 0;
const OUTCOME: u64 = 1;
/// The first of [`HISTORY_MAX`] entries of runs: a ring.
const HISTORY: u64 = 2;

/// How many of a view's hidden tables come before those of its earlier contents: this one.
pub(super) const TABLES: usize = 1;

/// Runs of a view that are remembered.
pub const HISTORY_MAX: u64 = 100;

/// One run, as `system.view_refresh_history` shows it. Times are seconds since 1970 on the view's clock.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Entry {
    /// Its number, from 1.
    pub run: u64,
    pub asked_for: bool,
    pub started: i64,
    pub ended: i64,
    pub duration_ms: u64,
    /// The slot that it served; none when it failed.
    pub slot: Option<i64>,
    /// Slots between that one and the one served before: the run before took too long, or the program was down.
    pub missed_slots: u64,
    /// Slots that came while it ran, and are served by the next run.
    pub overrun_slots: u64,
    /// How long after it was due it began, in milliseconds.
    pub delay_ms: u64,
    /// Nothing was run: the query could not answer differently.
    pub is_unchanged: bool,
    /// The partitions that were asked for; empty: everything.
    pub partitions: Vec<String>,
    /// The content of the target that it made; 0 when it made none.
    pub generation: u64,
    pub amounts: Amounts,
    pub peak_memory_bytes: u64,
    /// Empty when it succeeded.
    pub error: String,
}

/// What was read of a view's table.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Recorded {
    /// What runs left.
    pub outcome: Outcome,
    /// What commands said.
    pub control: Control,
    /// The last runs, in order.
    pub history: Vec<Entry>,
    /// The greatest version of a row.
    pub version: u64,
}

fn header() -> Header {
    Header::new(vec![
        Column::new("entry", DataType::UInt64),
        Column::new("version", DataType::UInt64),
        Column::new("json", DataType::String),
    ])
}

/// The hidden table of a view that is being made.
pub fn table(views: &Views, database: &str, view: &str, created_ns: i64) -> TableDef {
    let header = header();
    let schema = PartSchema {
        header: header.clone(),
        sort_key: vec![SortColumn::ascending(0)],
        primary_key_len: 1,
        partition_key: Vec::new(),
        merge_mode: MergeMode::Replacing { version: Some(1), is_deleted: None },
        index_granularity: parts::schema::INDEX_GRANULARITY,
        min_max: Vec::new(),
    };
    let id = views.store.new_table_id();
    let name = query::state_table_name(id);
    let columns = "(`entry` UInt64, `version` UInt64, `json` String)";
    let sql = format!(
        "CREATE TABLE {} {columns} ENGINE = ReplacingMergeTree(version) ORDER BY entry",
        sql::back_quote(&name)
    );
    TableDef {
        id,
        database: database.into(),
        name: name.into(),
        uuid: views.store.env().rng.uuid(),
        version: 0,
        sql: sql.into(),
        engine: "ReplacingMergeTree".into(),
        kind: TableKind::MergeTree,
        columns: header,
        schema: Some(Arc::new(schema)),
        view: None,
        visibility: Visibility::Hidden,
        readiness: Readiness::Ready,
        comment: format!("state of refreshable view {view}").into(),
        created_ns,
    }
}

/// The hidden table of a refreshable view.
pub fn table_of(view: &TableDef) -> Option<TableId> {
    match &view.view {
        Some(ViewDef::Refreshable { state, .. }) => state.first().copied(),
        _ => None,
    }
}

/// The row of an outcome.
pub fn outcome_row(version: u64, outcome: &Outcome) -> Result<Block> {
    rows(version, &[(OUTCOME, json(outcome)?)])
}

/// The rows that runs leave: the outcome of the last, and one for each.
pub fn run_rows(version: u64, outcome: &Outcome, entries: &[Entry]) -> Result<Block> {
    let mut left = vec![(OUTCOME, json(outcome)?)];
    for entry in entries {
        left.push((HISTORY + entry.run % HISTORY_MAX, json(entry)?));
    }
    rows(version, &left)
}

/// The row of what commands said.
pub fn control_row(version: u64, control: &Control) -> Result<Block> {
    rows(version, &[(CONTROL, json(control)?)])
}

fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    let json = serde_json::to_vec(value);
    json.map_err(|error| refuse(ErrorCode::LOGICAL_ERROR, format!("state of a view: {error}")))
}

/// Rows of such a table: entries with their JSON.
pub fn rows(version: u64, rows: &[(u64, Vec<u8>)]) -> Result<Block> {
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(|(entry, _)| *entry))),
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(|_| version))),
        Arc::new(BinaryArray::from_iter_values(rows.iter().map(|(_, json)| json))),
    ];
    Ok(Block::new(header(), arrays)?)
}

/// Everything that is recorded of a view.
pub async fn load(view: &TableDef, ctx: &QueryContext) -> Result<Recorded> {
    let Some(table) = table_of(view) else { return Ok(Recorded::default()) };
    let mut newest = newest(table, ctx).await?;
    let version = newest.values().map(|(version, _)| *version).max().unwrap_or(0);
    let (control, outcome) = (read(newest.remove(&CONTROL))?, read(newest.remove(&OUTCOME))?);
    let mut history = newest.into_values().map(|found| read::<Entry>(Some(found))).collect::<Result<Vec<_>>>()?;
    history.sort_by_key(|entry| entry.run);
    Ok(Recorded { outcome, control, history, version })
}

/// The newest row of every entry of such a table: its version and its JSON.
pub async fn newest(table: TableId, ctx: &QueryContext) -> Result<BTreeMap<u64, (u64, Vec<u8>)>> {
    let mut newest: BTreeMap<u64, (u64, Vec<u8>)> = BTreeMap::new();
    for block in crate::window::rows_of(table, ctx).await? {
        let numbers = |column: usize| block.array(column).as_primitive::<UInt64Type>();
        let (entries, versions, texts) = (numbers(0), numbers(1), block.array(2).as_binary::<i32>());
        for at in 0..block.rows() {
            let known = newest.entry(entries.value(at)).or_default();
            if known.0 <= versions.value(at) {
                *known = (versions.value(at), texts.value(at).to_vec());
            }
        }
    }
    Ok(newest)
}

fn read<T: DeserializeOwned + Default>(found: Option<(u64, Vec<u8>)>) -> Result<T> {
    let Some((_, json)) = found else { return Ok(T::default()) };
    let read = serde_json::from_slice(&json);
    read.map_err(|error| refuse(ErrorCode::CORRUPTED_DATA, format!("state of a refreshable view: {error}")))
}

/// Writes a row by itself, in a commit of its own.
pub async fn write(views: &Views, view: &TableDef, row: &Block) -> Result<()> {
    let snapshot = views.store.snapshot();
    let def = table_of(view).and_then(|table| snapshot.catalog.table_by_id(table));
    // a view that is gone has nothing to remember
    let Some((def, schema)) = def.and_then(|def| Some((def, def.schema.as_ref()?))) else { return Ok(()) };
    let edit = edit(views, def, schema, row).await?;
    views.store.commit(Commit::of(vec![edit])).await?;
    Ok(())
}

/// Writes rows of several views, in one commit. Of a view that is gone nothing is written.
pub async fn write_all(views: &Views, rows: &[(Arc<TableDef>, Block)]) -> Result<()> {
    let snapshot = views.store.snapshot();
    let mut edits = Vec::with_capacity(rows.len());
    for (view, rows) in rows {
        let def = table_of(view).and_then(|table| snapshot.catalog.table_by_id(table));
        if let Some((def, schema)) = def.and_then(|def| Some((def, def.schema.as_ref()?))) {
            edits.push(edit(views, def, schema, rows).await?);
        }
    }
    if !edits.is_empty() {
        views.store.commit(Commit::of(edits)).await?;
    }
    Ok(())
}

/// The edit that writes a row into the table of a view; the table may be made by the same commit.
pub async fn edit(views: &Views, table: &TableDef, schema: &Arc<PartSchema>, row: &Block) -> Result<Edit> {
    let parts = crate::insert::stage::stage_state(&views.store, schema, row).await?;
    Ok(Edit::Insert { table: table.id, version: table.version, parts })
}
