//! A file through a pipeline, resumably: decoded in one task, inserted batch by batch in another, the position in each
//! batch's own commit.
//!
//! ```text
//! bytes ─▶ decode (task) ─▶ bounded queue ─▶ insert ─▶ commit { rows, views, windows, position }
//! ```
//! The same input again continues where the last commit stood; after its end it does nothing. An input without identity
//! (standard input) cannot be resumed.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, UInt8Array, UInt64Array};
use arrow::datatypes::{UInt8Type, UInt64Type};
use format::{Decode, DecodeOptions, Decoded, Format};
use futures::StreamExt;
use parts::{MergeMode, PartSchema, SortColumn};
use query::QueryContext;
use store::{Commit, Edit, Readiness, TableDef, TableKind, Visibility};
use tokio::sync::mpsc;
use types::{Block, Column, DataType, ErrorCode, Header};
use views::{InsertOptions, Rows};

use crate::ddl;
use crate::error::{Error, Result};
use crate::insert::rows_of;
use crate::request::Data;
use crate::session::Session;

/// Decoded batches that wait for the insert.
const QUEUE_BATCHES: usize = 2;

/// An input and how it is read.
pub struct RunInput {
    /// Its bytes, decompressed.
    pub data: Data,
    /// The format of its rows.
    pub format: Format,
    /// What it is told by: path, size, hash of its beginning. `None`: it cannot be resumed.
    pub identity: Option<String>,
    /// What dead letters say they came from.
    pub source: String,
    /// The table that its rows go to: `table` or `database.table`.
    pub table: String,
    /// Rows of one commit.
    pub batch_rows: usize,
}

/// What became of an input.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct InputReport {
    /// Rows read, by this run and those that it continued.
    pub rows_read: u64,
    /// Rows that went to the dead letters in this run.
    pub dead_letters: u64,
    /// Rows that runs before this one had committed.
    pub resumed_at: u64,
    /// The input was complete before this run.
    pub was_complete: bool,
}

/// How far an input is, as committed.
#[derive(Clone, Copy, Debug, Default)]
struct Position {
    rows: u64,
    commits: u64,
    done: bool,
}

impl Session {
    /// Takes an input through the table's insert path. `progress` is told rows and bytes read after each commit; when it
    /// says false, the run stops behind that commit.
    pub async fn run_input<F>(&mut self, input: RunInput, mut progress: F) -> Result<InputReport>
    where
        F: FnMut(u64, u64) -> bool,
    {
        let positions = self.positions_table().await?;
        let identity = input.identity.clone().unwrap_or_else(|| format!("-{}", self.engine.new_query_id()));
        let mut position = load(&positions, &identity, &self.input_context()).await?;
        if position.done {
            return Ok(InputReport { rows_read: position.rows, was_complete: true, ..InputReport::default() });
        }
        if input.identity.is_none() && self.has_unfinished(&positions).await? {
            let message = "the data folder holds an unfinished run of another input; standard input cannot be resumed";
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
        }
        let mut report = InputReport { resumed_at: position.rows, ..InputReport::default() };
        let mut batches = self.decode(input, position.rows)?;
        while let Some(batch) = batches.receiver.recv().await {
            let batch = batch?;
            let (rows, bytes) = (batch.rows_read, batch.bytes_read);
            position = Position { rows, commits: position.commits + 1, done: false };
            report.dead_letters += self.commit_batch(&batches, Some(batch), &positions, &identity, position).await?;
            if !progress(rows, bytes) {
                report.rows_read = position.rows;
                return Ok(report);
            }
        }
        position = Position { commits: position.commits + 1, done: true, ..position };
        self.commit_batch(&batches, None, &positions, &identity, position).await?;
        report.rows_read = position.rows;
        Ok(report)
    }

    pub(crate) fn input_context(&self) -> QueryContext {
        self.engine.context(self.engine.new_query_id(), &self.user, &self.database, self.settings.clone())
    }

    /// One batch, or the end of the input, with the position in the same commit.
    async fn commit_batch(
        &self,
        batches: &Batches,
        batch: Option<Batch>,
        positions: &Arc<TableDef>,
        identity: &str,
        position: Position,
    ) -> Result<u64> {
        let name = batches.table.qualified_name();
        let (passage, ctx) = self.engine.inner.views.enter(&name, &self.input_context()).await;
        let table = ctx.snapshot.catalog.table_by_id(batches.table.id).cloned().ok_or_else(|| {
            Error::refused(ErrorCode::UNKNOWN_TABLE, format!("table {} is gone", batches.table.qualified_name()))
        })?;
        let mut insert = self.engine.inner.views.insert(&table, &ctx, InsertOptions::default())?;
        insert.keep(passage);
        match batch {
            Some(batch) => insert.push(batch.rows).await?,
            None => insert.end_of_input().await?,
        }
        insert.attach_rows(positions, &position_block(identity, position)?).await?;
        let dead_letters = insert.written().dead_letters;
        insert.commit().await?;
        Ok(dead_letters)
    }

    /// Starts decoding; rows up to `skip` were committed before.
    fn decode(&self, input: RunInput, skip: u64) -> Result<Batches> {
        let ctx = self.input_context();
        let name = match input.table.split_once('.') {
            Some((database, name)) => sql::ast::ObjectName::qualified(database, name),
            None => sql::ast::ObjectName::bare(input.table.as_str()),
        };
        let table = ddl::table(&ctx, &name)?;
        let probe = self.engine.inner.views.insert(&table, &ctx, InsertOptions::default())?;
        let shape = probe.table();
        let mut options = DecodeOptions::new(shape.columns_of(None)?, ctx.settings.clone());
        options.keep_bad_rows = shape.dead_letters.is_some();
        options.strict_types = shape.strict_types;
        options.rows_max = input.batch_rows.max(1);
        let keep_letters = options.keep_bad_rows;
        let decoder = format::decoder(input.format, options, None)?;
        let (sender, receiver) = mpsc::channel(QUEUE_BATCHES);
        let work = decode(input.data, decoder, Decoding { source: input.source, keep_letters, skip, sender });
        let task = self.engine.env().spawner.spawn("decode", Box::pin(work));
        Ok(Batches { receiver, table, _task: task })
    }

    /// The hidden table of positions; made by the first run.
    async fn positions_table(&self) -> Result<Arc<TableDef>> {
        let store = &self.engine.inner.store;
        if let Some(table) = store.snapshot().catalog.tables().find(|table| &*table.name == POSITIONS) {
            return Ok(table.clone());
        }
        let table = Arc::new(positions_def(self));
        store.commit(Commit::of(vec![Edit::CreateTable(table.clone())])).await?;
        let made = store.snapshot().catalog.table_by_id(table.id).cloned();
        Ok(made.unwrap_or(table))
    }

    async fn has_unfinished(&self, positions: &TableDef) -> Result<bool> {
        let mut newest = std::collections::BTreeMap::new();
        for (identity, position) in all(positions, &self.input_context()).await? {
            let known: &mut Position = newest.entry(identity).or_insert(position);
            if known.commits < position.commits {
                *known = position;
            }
        }
        Ok(newest.values().any(|position| !position.done))
    }
}

/// Decoded batches as they come.
struct Batches {
    receiver: mpsc::Receiver<Result<Batch>>,
    table: Arc<TableDef>,
    _task: env::Task,
}

/// Rows of one commit.
struct Batch {
    rows: Rows,
    rows_read: u64,
    bytes_read: u64,
}

struct Decoding {
    source: String,
    keep_letters: bool,
    skip: u64,
    sender: mpsc::Sender<Result<Batch>>,
}

async fn decode(mut data: Data, mut decoder: Box<dyn Decode>, decoding: Decoding) {
    loop {
        let (piece, last) = match data.next().await {
            Some(Ok(piece)) => (piece, false),
            Some(Err(error)) => {
                let _ = decoding.sender.send(Err(Error::Input(error.to_string()))).await;
                return;
            }
            None => (bytes::Bytes::new(), true),
        };
        decoder.push(&piece);
        loop {
            let batch = match decoder.next(last) {
                Ok(Some(decoded)) => batch_of(decoded, &decoding),
                Ok(None) => break,
                Err(error) => Some(Err(error.into())),
            };
            let Some(batch) = batch else { continue };
            let failed = batch.is_err();
            // a receiver that is gone has stopped the run
            if decoding.sender.send(batch).await.is_err() || failed {
                return;
            }
        }
        if last {
            return;
        }
    }
}

/// The rows that were not committed before; `None` when all were.
fn batch_of(mut decoded: Decoded, decoding: &Decoding) -> Option<Result<Batch>> {
    let (rows_read, bytes_read) = (decoded.rows_read, decoded.bytes_read);
    if rows_read <= decoding.skip {
        return None;
    }
    let done = decoded.positions.iter().take_while(|position| **position <= decoding.skip).count();
    if done > 0 {
        let left = decoded.block.rows() - done;
        decoded.block = decoded.block.slice(done, left);
        decoded.positions.drain(..done);
        decoded.raw.drain(..done.min(decoded.raw.len()));
        decoded.misfits.retain_mut(|(row, _)| {
            let kept = *row >= done;
            *row = row.saturating_sub(done);
            kept
        });
        decoded.absent.iter_mut().flatten().for_each(|flags| drop(flags.drain(..done)));
    }
    decoded.bad.retain(|bad| bad.position > decoding.skip);
    Some(Ok(Batch { rows: rows_of(decoded, &decoding.source, decoding.keep_letters), rows_read, bytes_read }))
}

/// Name of the hidden table of positions.
const POSITIONS: &str = ".state.inputs";

fn positions_header() -> Header {
    Header::new(vec![
        Column::new("identity", DataType::String),
        Column::new("rows", DataType::UInt64),
        Column::new("done", DataType::UInt8),
        Column::new("commits", DataType::UInt64),
    ])
}

fn positions_def(session: &Session) -> TableDef {
    let header = positions_header();
    let schema = PartSchema {
        header: header.clone(),
        sort_key: vec![SortColumn::ascending(0)],
        primary_key_len: 1,
        partition_key: Vec::new(),
        merge_mode: MergeMode::Replacing { version: Some(3), is_deleted: None },
        index_granularity: parts::schema::INDEX_GRANULARITY,
        min_max: Vec::new(),
    };
    let sql = format!(
        "CREATE TABLE {} (identity String, rows UInt64, done UInt8, commits UInt64) ENGINE = \
         ReplacingMergeTree(commits) ORDER BY identity",
        sql::back_quote(POSITIONS)
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

fn position_block(identity: &str, position: Position) -> Result<Block> {
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(BinaryArray::from_vec(vec![identity.as_bytes()])),
        Arc::new(UInt64Array::from(vec![position.rows])),
        Arc::new(UInt8Array::from(vec![u8::from(position.done)])),
        Arc::new(UInt64Array::from(vec![position.commits])),
    ];
    Ok(Block::new(positions_header(), arrays)?)
}

async fn load(table: &TableDef, identity: &str, ctx: &QueryContext) -> Result<Position> {
    let positions = all(table, ctx).await?.into_iter().filter(|(known, _)| known == identity.as_bytes());
    Ok(positions.map(|(_, position)| position).max_by_key(|position| position.commits).unwrap_or_default())
}

async fn all(table: &TableDef, ctx: &QueryContext) -> Result<Vec<(Vec<u8>, Position)>> {
    let mut positions = Vec::new();
    for block in views::window::rows_of(table.id, ctx).await? {
        let identities = block.array(0).as_binary::<i32>();
        let number = |column: usize, row: usize| block.array(column).as_primitive::<UInt64Type>().value(row);
        for row in 0..identities.len() {
            let done = block.array(2).as_primitive::<UInt8Type>().value(row) != 0;
            let position = Position { rows: number(1, row), commits: number(3, row), done };
            positions.push((identities.value(row).to_vec(), position));
        }
    }
    Ok(positions)
}
