//! The parts of an insert, in the order in which their rows came. Large ones are made by tasks of their own, so that the
//! views over a block run while the block itself is sorted and written.
//!
//! Never more tasks than [`TASKS_MAX`]: each holds a whole block. Dropped unfinished, tasks end and leave no file.

use std::collections::VecDeque;
use std::sync::Arc;

use env::AbortOnDrop;
use parts::{Derived, PartSchema, PartitionId};
use query::QueryContext;
use query::memory::{Held, QueryMemory};
use store::{NewPart, Store};
use tokio::sync::oneshot;
use types::{Block, TableId};

use super::stage::{self, Place};
use crate::error::Result;

/// Blocks that are made into parts beside the insert: with the one that is under way, as many as a small machine's cores.
const TASKS_MAX: usize = 2;
/// Blocks smaller than this are not worth a task.
const TASK_BYTES_MIN: usize = 1 << 20;
/// How often rows are in memory at once while they become parts: as they came, sorted, encoded, and as bytes of a file.
const BLOCK_COPIES: usize = 4;

/// Parts made and being made.
#[derive(Default)]
pub(crate) struct Staged {
    pieces: VecDeque<Piece>,
}

/// Parts of rows of one table.
enum Piece {
    Made(TableId, Vec<NewPart>),
    Running(TableId, Running),
}

struct Running {
    _task: AbortOnDrop,
    parts: oneshot::Receiver<Result<Vec<NewPart>>>,
}

impl Running {
    async fn join(self) -> Result<Vec<NewPart>> {
        // a sender that is gone: its task was ended, which only the end of the process does
        self.parts
            .await
            .unwrap_or_else(|_gone| Err(store::CommitError::Stopped("the process is stopping".to_owned()).into()))
    }
}

/// Rows whose parts are to be made.
pub(crate) struct Rows {
    /// The table that they are of.
    pub(crate) table: TableId,
    /// Its schema.
    pub(crate) schema: Arc<PartSchema>,
    /// What is computed of them as they are written.
    pub(crate) derived: Derived,
    /// The rows by partition, as they came.
    pub(crate) partitions: Vec<(PartitionId, Block)>,
    /// The engine's rule is applied to them (`optimize_on_insert`).
    pub(crate) merge_rule: bool,
}

impl Staged {
    /// Makes the parts, or has them made beside the insert while the query's memory allows that.
    pub(crate) async fn stage(&mut self, store: &Store, ctx: &QueryContext, rows: Rows) -> Result<()> {
        let Rows { table, schema, derived, partitions, merge_rule } = rows;
        let bytes = partitions.iter().map(|(_, block)| block.size_bytes()).sum::<usize>();
        let held = self.take_memory(&ctx.memory, bytes.saturating_mul(BLOCK_COPIES)).await?;
        let how = (merge_rule, self.place());
        if bytes < TASK_BYTES_MIN {
            let parts = stage::stage_partitions(store, (&schema, &derived), partitions, how).await?;
            self.made(table, parts);
            return Ok(());
        }
        while TASKS_MAX <= self.running() {
            self.join_oldest().await?;
        }
        let (tell, parts) = oneshot::channel();
        let store = store.clone();
        let work = async move {
            let parts = stage::stage_partitions(&store, (&schema, &derived), partitions, how).await;
            drop(held);
            // whoever asked may be gone
            let _unheard = tell.send(parts);
        };
        let _task = ctx.runtime.env.spawner.spawn("stage", Box::pin(work)).abort_on_drop();
        self.pieces.push_back(Piece::Running(table, Running { _task, parts }));
        Ok(())
    }

    /// Memory for rows that are made into parts. While others are, only as much as leaves half of what the query may take
    /// for its views: those are waited for first.
    async fn take_memory(&mut self, memory: &Arc<QueryMemory>, bytes: usize) -> Result<Held> {
        while 0 < self.running() && memory.limit_bytes() / 2 < memory.used_bytes().saturating_add(bytes) {
            self.join_oldest().await?;
        }
        let mut held = memory.hold("parts of an INSERT");
        loop {
            match held.resize(bytes) {
                Ok(()) => return Ok(held),
                // what all queries together may take is taken: some of it by this one
                Err(_) if 0 < self.running() => self.join_oldest().await?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Where the next parts go.
    fn place(&self) -> Place {
        let made = self.pieces.iter().flat_map(|piece| match piece {
            Piece::Made(_, parts) => parts.as_slice(),
            Piece::Running(..) => &[],
        });
        let inline = made.filter(|part| part.file().is_none()).map(|part| part.staged().meta.bytes);
        if inline.sum::<u64>() < stage::INLINE_BYTES_MAX { Place::BySize } else { Place::Files }
    }

    /// Parts that are being made.
    fn running(&self) -> usize {
        self.pieces.iter().filter(|piece| matches!(piece, Piece::Running(..))).count()
    }

    /// Takes parts that are made.
    pub(crate) fn made(&mut self, table: TableId, parts: Vec<NewPart>) {
        self.pieces.push_back(Piece::Made(table, parts));
    }

    /// How many pieces there are; for [`Staged::truncate`].
    pub(crate) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Forgets all but the first `len` pieces.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.pieces.truncate(len);
    }

    /// Waits for every part of the pieces behind the first `len`: their errors come now and not later.
    pub(crate) async fn join_behind(&mut self, len: usize) -> Result<()> {
        while self.pieces.iter().skip(len).any(|piece| matches!(piece, Piece::Running(..))) {
            self.join_oldest().await?;
        }
        Ok(())
    }

    /// The parts of a table that are made.
    pub(crate) fn made_of(&self, table: TableId) -> impl Iterator<Item = &NewPart> {
        self.pieces.iter().flat_map(move |piece| match piece {
            Piece::Made(of, parts) if *of == table => parts.as_slice(),
            Piece::Made(..) | Piece::Running(..) => &[],
        })
    }

    /// Every part with its table, in the order in which the rows came.
    pub(crate) async fn finish(&mut self) -> Result<Vec<(TableId, NewPart)>> {
        self.join_behind(0).await?;
        let made = std::mem::take(&mut self.pieces).into_iter().filter_map(|piece| match piece {
            Piece::Made(table, parts) => Some((table, parts)),
            Piece::Running(..) => None,
        });
        Ok(made.flat_map(|(table, parts)| parts.into_iter().map(move |part| (table, part))).collect())
    }

    async fn join_oldest(&mut self) -> Result<()> {
        let Some(piece) = self.pieces.iter_mut().find(|piece| matches!(piece, Piece::Running(..))) else {
            return Ok(());
        };
        let table = match piece {
            Piece::Made(table, _) | Piece::Running(table, _) => *table,
        };
        if let Piece::Running(_, running) = std::mem::replace(piece, Piece::Made(table, Vec::new())) {
            *piece = Piece::Made(table, running.join().await?);
        }
        Ok(())
    }
}
