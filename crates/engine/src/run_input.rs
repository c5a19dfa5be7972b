//! An input through a pipeline: decoded in one task, inserted batch by batch in another, the position in each batch's own
//! commit.
//!
//! ```text
//! bytes ─▶ decode (task) ─▶ bounded queue ─▶ insert ─▶ commit { rows, views, windows, position and counts }
//! ```
//! The same file again continues where the last commit stood; after its end it does nothing. Standard input cannot be
//! resumed; events that are made up as they go leave no position. The end of an input closes the windows that it left
//! open, whatever kind it is; a run that is stopped leaves them open.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::Array;
use bytes::Bytes;
use format::{Decode, DecodeOptions, Decoded, Format};
use futures::StreamExt;
use query::QueryContext;
use store::TableDef;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use types::ErrorCode;
use views::{InsertOptions, Rows};

use crate::ddl;
use crate::error::{Error, Result};
use crate::insert::rows_of;
use crate::positions::{self, InputCounts, Position};
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
    /// Whether it can be continued.
    pub kind: InputKind,
    /// What dead letters say they came from.
    pub source: String,
    /// The table that its rows go to: `table` or `database.table`.
    pub table: String,
    /// Rows of one commit.
    pub batch_rows: usize,
    /// How many bytes `data` took where it comes from, packed ones where it unpacks: whoever makes `data` counts them.
    pub taken_bytes: Arc<AtomicU64>,
    /// Ends the run behind the commit under way.
    pub stop: CancellationToken,
}

/// Whether an input can be continued.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum InputKind {
    /// It can be read again, and is told by this: path, size, hash of its beginning.
    File(String),
    /// It is read once: standard input.
    Once,
    /// It is made as it goes. Each piece of its bytes is whole rows, which become one batch; no position is kept.
    Live,
}

/// What became of an input.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct InputReport {
    /// Its rows by fate: of this run and of those that it continued.
    pub counts: InputCounts,
    /// Rows that runs before this one had committed.
    pub resumed_at: u64,
    /// The input was complete before this run.
    pub was_complete: bool,
    /// The run was stopped before the input's end.
    pub was_stopped: bool,
}

impl Session {
    /// Takes an input through the table's insert path. `progress` is told the counts so far after each commit, and
    /// the bytes that it took.
    pub async fn run_input(
        &mut self,
        input: RunInput,
        mut progress: impl FnMut(&InputCounts, u64),
    ) -> Result<InputReport> {
        let mut track = self.track(&input.kind).await?;
        let resumed_at = track.position.counts.read;
        if track.position.is_done {
            let counts = track.position.counts;
            return Ok(InputReport { counts, resumed_at, was_complete: true, was_stopped: false });
        }
        progress(&track.position.counts, 0);
        let stop = input.stop.clone();
        let mut batches = self.decode(input, resumed_at)?;
        let mut taken_bytes = 0;
        loop {
            let batch = tokio::select! {
                biased;
                () = stop.cancelled() => {
                    let counts = track.position.counts;
                    return Ok(InputReport { counts, resumed_at, was_complete: false, was_stopped: true });
                }
                batch = batches.receiver.recv() => batch.transpose()?,
            };
            let is_last = batch.is_none();
            taken_bytes = batch.as_ref().map_or(taken_bytes, |batch| batch.taken_bytes);
            self.commit_batch(&batches, batch, &mut track).await?;
            progress(&track.position.counts, taken_bytes);
            if is_last {
                let counts = track.position.counts;
                return Ok(InputReport { counts, resumed_at, was_complete: false, was_stopped: false });
            }
        }
    }

    pub(crate) fn input_context(&self) -> QueryContext {
        self.engine.context(self.engine.new_query_id(), &self.user, &self.database, self.settings.clone())
    }

    /// Where the input stands.
    async fn track(&self, kind: &InputKind) -> Result<Track> {
        let table = match kind {
            InputKind::Live => return Ok(Track { noted: None, position: Position::default() }),
            InputKind::File(_) | InputKind::Once => self.positions_table().await?,
        };
        let ctx = self.input_context();
        if let InputKind::File(identity) = kind {
            let position = positions::load(&table, identity, &ctx).await?;
            return Ok(Track { noted: Some((table, identity.clone())), position });
        }
        if positions::has_unfinished(&table, &ctx).await? {
            let message = "the data folder holds an unfinished run, and standard input cannot be resumed: finish that run \
                           with its file, or take another folder";
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
        }
        let identity = format!("-{}", self.engine.new_query_id());
        Ok(Track { noted: Some((table, identity)), position: Position::default() })
    }

    /// One batch, or the end of the input, with the position behind it in the same commit.
    async fn commit_batch(&self, batches: &Batches, batch: Option<Batch>, track: &mut Track) -> Result<()> {
        let name = batches.table.qualified_name();
        let (passage, ctx) = self.engine.inner.views.enter(&name, &self.input_context()).await;
        let table = ctx.snapshot.catalog.table_by_id(batches.table.id).cloned().ok_or_else(|| {
            Error::refused(ErrorCode::UNKNOWN_TABLE, format!("table {} is gone", batches.table.qualified_name()))
        })?;
        let mut insert = self.engine.inner.views.insert(&table, &ctx, InsertOptions::default())?;
        insert.keep(passage);
        let mut next = Position { commits: track.position.commits + 1, ..track.position.clone() };
        match batch {
            Some(batch) => {
                next.counts.read = batch.rows_read;
                insert.push(batch.rows).await?;
            }
            None => {
                next.is_done = true;
                insert.end_of_input().await?;
            }
        }
        let taken = insert.taken();
        next.counts.duplicates += taken.duplicates;
        next.counts.late += taken.late;
        next.counts.on_time += taken.on_time;
        next.counts.windows += taken.emitted;
        for (reason, count) in insert.rejected() {
            *next.counts.rejected.entry(reason.clone()).or_default() += count;
        }
        if let Some((positions, identity)) = &track.noted {
            insert.attach_rows(positions, &positions::block(identity, &next)?).await?;
        }
        insert.commit().await?;
        track.position = next;
        Ok(())
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
        let mut options = DecodeOptions::new(shape.columns_of(None)?, ctx.settings.clone(), ctx.memory.limit_bytes());
        options.keep_bad_rows = shape.dead_letters.is_some();
        options.strict_types = shape.strict_types;
        options.rows_max = input.batch_rows.max(1);
        let keep_letters = options.keep_bad_rows;
        let (sender, receiver) = mpsc::channel(QUEUE_BATCHES);
        let decoding = Decoding { source: input.source, keep_letters, skip, taken_bytes: input.taken_bytes, sender };
        let spawner = &self.engine.env().spawner;
        let task = match input.kind {
            InputKind::Live => {
                let work = decode_pieces(input.data, input.format, options, decoding);
                spawner.spawn("decode", Box::pin(work))
            }
            InputKind::File(_) | InputKind::Once => {
                let decoder = format::decoder(input.format, options, None)?;
                spawner.spawn("decode", Box::pin(decode(input.data, decoder, decoding)))
            }
        };
        Ok(Batches { receiver, table, task })
    }
}

/// How far an input is, and where that is noted: in that table, under that identity.
struct Track {
    noted: Option<(Arc<TableDef>, String)>,
    position: Position,
}

/// Decoded batches as they come.
struct Batches {
    receiver: mpsc::Receiver<Result<Batch>>,
    table: Arc<TableDef>,
    task: env::Task,
}

impl Drop for Batches {
    /// A run that ends early wants no more rows, and the input may never say another word.
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Rows of one commit.
struct Batch {
    rows: Rows,
    rows_read: u64,
    taken_bytes: u64,
}

struct Decoding {
    source: String,
    keep_letters: bool,
    skip: u64,
    taken_bytes: Arc<AtomicU64>,
    sender: mpsc::Sender<Result<Batch>>,
}

/// Decodes bytes as they come, cut anywhere.
async fn decode(mut data: Data, mut decoder: Box<dyn Decode>, decoding: Decoding) {
    loop {
        let (piece, last) = match data.next().await {
            Some(Ok(piece)) => (piece, false),
            Some(Err(error)) => {
                let _ = decoding.sender.send(Err(Error::Input(error.to_string()))).await;
                return;
            }
            None => (Bytes::new(), true),
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

/// Decodes pieces that are whole rows each: what has arrived does not wait for more.
async fn decode_pieces(mut data: Data, format: Format, options: DecodeOptions, decoding: Decoding) {
    let mut rows_before = 0;
    while let Some(piece) = data.next().await {
        let batches = piece.map_err(|error| Error::Input(error.to_string())).and_then(|piece| {
            let mut decoder = format::decoder(format, options.clone(), None)?;
            decoder.push(&piece);
            let mut batches = Vec::new();
            while let Some(decoded) = decoder.next(true)? {
                batches.push(decoded);
            }
            Ok(batches)
        });
        let batches = match batches {
            Ok(batches) => batches,
            Err(error) => {
                let _ = decoding.sender.send(Err(error)).await;
                return;
            }
        };
        let rows_read = rows_before + batches.last().map_or(0, |decoded| decoded.rows_read);
        for mut decoded in batches {
            decoded.rows_read += rows_before;
            decoded.positions.iter_mut().for_each(|position| *position += rows_before);
            decoded.bad.iter_mut().for_each(|bad| bad.position += rows_before);
            let Some(batch) = batch_of(decoded, &decoding) else { continue };
            // a receiver that is gone has stopped the run
            if decoding.sender.send(batch).await.is_err() {
                return;
            }
        }
        rows_before = rows_read;
    }
}

/// The rows that were not committed before; `None` when all were.
fn batch_of(mut decoded: Decoded, decoding: &Decoding) -> Option<Result<Batch>> {
    let (rows_read, taken_bytes) = (decoded.rows_read, decoding.taken_bytes.load(Ordering::Relaxed));
    if rows_read <= decoding.skip {
        return None;
    }
    let done = decoded.positions.iter().take_while(|position| **position <= decoding.skip).count();
    if done > 0 {
        let left = decoded.block.rows() - done;
        decoded.block = decoded.block.slice(done, left);
        decoded.positions.drain(..done);
        let done_raw = done.min(decoded.raw.len());
        decoded.raw = decoded.raw.slice(done_raw, decoded.raw.len() - done_raw);
        decoded.misfits.retain_mut(|(row, _)| {
            let kept = *row >= done;
            *row = row.saturating_sub(done);
            kept
        });
        decoded.absent.iter_mut().flatten().for_each(|flags| drop(flags.drain(..done)));
    }
    decoded.bad.retain(|bad| bad.position > decoding.skip);
    Some(Ok(Batch { rows: rows_of(decoded, &decoding.source, decoding.keep_letters), rows_read, taken_bytes }))
}
