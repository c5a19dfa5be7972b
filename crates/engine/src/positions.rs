//! How far inputs are, and what became of their rows: a hidden table whose rows are written in the commits of the rows
//! themselves, so that a run that was killed continues exactly where it stood.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BinaryBuilder, ListBuilder, UInt8Array, UInt64Array, UInt64Builder,
};
use arrow::datatypes::{Field, UInt8Type, UInt64Type};
use parts::{MergeMode, PartSchema, SortColumn};
use query::QueryContext;
use store::{Commit, Edit, Readiness, TableDef, TableKind, Visibility};
use types::{Block, Column, DataType, Header};

use crate::error::Result;
use crate::session::Session;

/// What became of the rows of one input, over all runs that it took.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct InputCounts {
    /// Rows read, bad ones too.
    pub read: u64,
    /// Rows that went to the dead letters, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Rows with an id that was seen before.
    pub duplicates: u64,
    /// Rows behind the watermark.
    pub late: u64,
    /// Rows that were aggregated in windows.
    pub on_time: u64,
    /// Rows of windows that this input closed.
    pub windows: u64,
}

/// How far an input is, as committed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Position {
    pub(crate) counts: InputCounts,
    /// Commits so far; of several rows of one input the one with the most counts.
    pub(crate) commits: u64,
    pub(crate) is_done: bool,
}

/// Name of the hidden table.
const POSITIONS: &str = ".state.inputs";

fn header() -> Header {
    Header::new(vec![
        Column::new("identity", DataType::String),
        Column::new("read", DataType::UInt64),
        Column::new("duplicates", DataType::UInt64),
        Column::new("late", DataType::UInt64),
        Column::new("on_time", DataType::UInt64),
        Column::new("windows", DataType::UInt64),
        Column::new("reasons", DataType::array(DataType::String)),
        Column::new("rejected", DataType::array(DataType::UInt64)),
        Column::new("done", DataType::UInt8),
        Column::new("commits", DataType::UInt64),
    ])
}

impl Session {
    /// The hidden table of positions; made by the first run.
    pub(crate) async fn positions_table(&self) -> Result<Arc<TableDef>> {
        let store = &self.engine.inner.store;
        if let Some(table) = store.snapshot().catalog.tables().find(|table| &*table.name == POSITIONS) {
            return Ok(table.clone());
        }
        let table = Arc::new(table_def(self));
        store.commit(Commit::of(vec![Edit::CreateTable(table.clone())])).await?;
        let made = store.snapshot().catalog.table_by_id(table.id).cloned();
        Ok(made.unwrap_or(table))
    }
}

fn table_def(session: &Session) -> TableDef {
    let header = header();
    let commits = header.len() - 1;
    let schema = PartSchema {
        header: header.clone(),
        sort_key: vec![SortColumn::ascending(0)],
        primary_key_len: 1,
        partition_key: Vec::new(),
        merge_mode: MergeMode::Replacing { version: Some(commits), is_deleted: None },
        index_granularity: parts::schema::INDEX_GRANULARITY,
        min_max: Vec::new(),
    };
    let columns = header.columns().iter().map(|column| format!("{} {}", sql::back_quote(&column.name), column.ty));
    let sql = format!(
        "CREATE TABLE {} ({}) ENGINE = ReplacingMergeTree(commits) ORDER BY identity",
        sql::back_quote(POSITIONS),
        columns.collect::<Vec<_>>().join(", ")
    );
    TableDef {
        id: session.engine.inner.store.new_table_id(),
        database: crate::engine::DEFAULT_DATABASE.into(),
        name: POSITIONS.into(),
        uuid: session.engine.env().rng.uuid(),
        version: 0,
        sql: sql.into(),
        engine: "ReplacingMergeTree".into(),
        kind: TableKind::MergeTree,
        columns: header,
        schema: Some(Arc::new(schema)),
        view: None,
        visibility: Visibility::Hidden,
        readiness: Readiness::Ready,
        comment: "how far inputs are".into(),
        created_ns: session.engine.env().clock.now_ns(),
    }
}

/// The row of an input.
pub(crate) fn block(identity: &str, position: &Position) -> Result<Block> {
    let counts = &position.counts;
    let number = |value: u64| -> ArrayRef { Arc::new(UInt64Array::from(vec![value])) };
    let item = |ty: &DataType| Arc::new(Field::new("item", ty.arrow_type(), true));
    let mut reasons = ListBuilder::new(BinaryBuilder::new()).with_field(item(&DataType::String));
    reasons.append_value(counts.rejected.keys().map(|reason| Some(reason.as_bytes())));
    let mut rejected = ListBuilder::new(UInt64Builder::new()).with_field(item(&DataType::UInt64));
    rejected.append_value(counts.rejected.values().copied().map(Some));
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(BinaryArray::from_vec(vec![identity.as_bytes()])),
        number(counts.read),
        number(counts.duplicates),
        number(counts.late),
        number(counts.on_time),
        number(counts.windows),
        Arc::new(reasons.finish()),
        Arc::new(rejected.finish()),
        Arc::new(UInt8Array::from(vec![u8::from(position.is_done)])),
        number(position.commits),
    ];
    Ok(Block::new(header(), arrays)?)
}

/// Where an input stands; at its beginning when it is not known.
pub(crate) async fn load(table: &TableDef, identity: &str, ctx: &QueryContext) -> Result<Position> {
    Ok(newest(table, ctx).await?.remove(identity.as_bytes()).unwrap_or_default())
}

/// True when an input was begun and did not come to its end.
pub(crate) async fn has_unfinished(table: &TableDef, ctx: &QueryContext) -> Result<bool> {
    Ok(newest(table, ctx).await?.values().any(|position| !position.is_done))
}

/// The newest row of each input.
async fn newest(table: &TableDef, ctx: &QueryContext) -> Result<BTreeMap<Vec<u8>, Position>> {
    let mut newest: BTreeMap<Vec<u8>, Position> = BTreeMap::new();
    for block in views::window::rows_of(table.id, ctx).await? {
        let identities = block.array(0).as_binary::<i32>();
        for row in 0..identities.len() {
            let position = position_of(&block, row);
            match newest.get_mut(identities.value(row)) {
                Some(known) if position.commits <= known.commits => {}
                Some(known) => *known = position,
                None => {
                    newest.insert(identities.value(row).to_vec(), position);
                }
            }
        }
    }
    Ok(newest)
}

fn position_of(block: &Block, row: usize) -> Position {
    let number = |column: usize| block.array(column).as_primitive::<UInt64Type>().value(row);
    let list = |column: usize| block.array(column).as_list::<i32>().value(row);
    let (reasons, rejected) = (list(6), list(7));
    let reasons = reasons.as_binary::<i32>().iter().flatten();
    let rejected = rejected.as_primitive::<UInt64Type>().values().iter().copied();
    let counts = InputCounts {
        read: number(1),
        duplicates: number(2),
        late: number(3),
        on_time: number(4),
        windows: number(5),
        rejected: reasons.map(|reason| String::from_utf8_lossy(reason).into_owned()).zip(rejected).collect(),
    };
    Position { counts, is_done: block.array(8).as_primitive::<UInt8Type>().value(row) != 0, commits: number(9) }
}
