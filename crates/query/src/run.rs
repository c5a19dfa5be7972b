//! Running a compiled plan: blocks come out as they are made, and stop when the query must end.
//!
//! The stream is pulled: nothing runs ahead of whoever reads it by more than a block per operator.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::future::BoxFuture;
use futures::{FutureExt, Stream, StreamExt};
use types::{Block, ErrorCode, Header, Setting};

use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::spare::Taken;
use crate::spilling::{SpilledFiles, feeding};

/// A plan that runs.
pub(crate) struct Started {
    plan: Arc<dyn ExecutionPlan>,
    batches: SendableRecordBatchStream,
}

impl Started {
    /// Starts one run of a plan that no other run uses.
    pub(crate) fn new(plan: Arc<dyn ExecutionPlan>, task: Arc<TaskContext>, ctx: &QueryContext) -> Result<Started> {
        let plan = match ctx.memory.spilling() {
            Some(_) => feeding(plan)?,
            None => plan,
        };
        Ok(Started { batches: execute_stream(plan.clone(), task)?, plan })
    }
}

/// The rows of a running query. Dropping it ends the query.
pub struct BlockStream {
    header: Header,
    /// None: its files are counted.
    plan: Option<Arc<dyn ExecutionPlan>>,
    batches: SendableRecordBatchStream,
    ctx: Arc<QueryContext>,
    /// Ready when the query must end although no block came; made on the first wait.
    ended: Option<BoxFuture<'static, Error>>,
    rows: u64,
    bytes: u64,
    done: bool,
    totals: Option<BoxFuture<'static, Result<Option<Block>>>>,
    /// Another way to the same rows that needs less memory, as long as no row was given.
    frugal: Option<BoxFuture<'static, Result<Started>>>,
    /// That way was taken and is being planned.
    replans: bool,
    /// The plan that this run uses up, when it is to be given back at the end.
    taken: Option<Taken>,
    /// A block that is held up: a function asked for a pause.
    held: Option<(Block, BoxFuture<'static, ()>)>,
}

impl BlockStream {
    pub(crate) fn new(header: Header, started: Started, ctx: Arc<QueryContext>) -> BlockStream {
        let Started { plan, batches } = started;
        let (ended, totals, frugal) = (None, None, None);
        BlockStream {
            header,
            plan: Some(plan),
            batches,
            ctx,
            ended,
            rows: 0,
            bytes: 0,
            done: false,
            totals,
            frugal,
            replans: false,
            taken: None,
            held: None,
        }
    }

    /// When memory runs out before the first row, goes on with these batches instead.
    pub(crate) fn or_frugally(mut self, frugal: BoxFuture<'static, Result<Started>>) -> BlockStream {
        self.frugal = Some(frugal);
        self
    }

    /// Gives the plan back after the last block.
    pub(crate) fn giving_back(mut self, taken: Option<Taken>) -> BlockStream {
        self.taken = taken;
        self
    }

    pub(crate) fn with_totals(mut self, totals: BoxFuture<'static, Result<Option<Block>>>) -> BlockStream {
        self.totals = Some(totals);
        self
    }

    /// Names and types of every block.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The row of WITH TOTALS, once; ask after the last block. None without WITH TOTALS.
    pub async fn totals(&mut self) -> Result<Option<Block>> {
        match self.totals.take() {
            Some(totals) => totals.await,
            None => Ok(None),
        }
    }

    /// All blocks that are left. Only for results that are known to be small.
    pub async fn collect(mut self) -> Result<Vec<Block>> {
        let mut blocks = Vec::new();
        while let Some(block) = self.next().await {
            blocks.push(block?);
        }
        Ok(blocks)
    }

    /// All rows that are left as one block. Only for results that are known to be small.
    pub async fn collect_one(self) -> Result<Block> {
        let header = self.header.clone();
        Ok(Block::concat(&header, &self.collect().await?)?)
    }

    fn admit(&mut self, block: Block) -> Result<Block> {
        self.rows += block.rows() as u64;
        self.bytes += block.size_bytes() as u64;
        let settings = &self.ctx.settings;
        let breaks = settings.text(Setting::ResultOverflowMode) == "break";
        for (setting, reached) in [(Setting::MaxResultRows, self.rows), (Setting::MaxResultBytes, self.bytes)] {
            let limit = settings.uint(setting);
            if limit != 0 && limit < reached && !breaks {
                let (what, code) = (setting.def().name, ErrorCode::TOO_MANY_ROWS_OR_BYTES);
                return Err(Error::TooMuch { what, code, limit, reached });
            }
            // As ClickHouse: the block that reaches the limit is still given whole.
            self.done |= limit != 0 && limit <= reached && breaks;
        }
        self.frugal = None;
        self.ctx.counters.add_result(block.rows(), block.size_bytes());
        Ok(block)
    }

    /// Plans the frugal way; true when its batches are in place of the others.
    fn poll_replan(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let Some(frugal) = &mut self.frugal else { return Poll::Ready(Ok(())) };
        let planned = std::task::ready!(frugal.as_mut().poll(cx));
        (self.frugal, self.replans, self.taken) = (None, false, None);
        let Started { plan, batches } = planned?;
        self.count_spilled();
        (self.plan, self.batches) = (Some(plan), batches);
        Poll::Ready(Ok(()))
    }

    /// The block, or none when it is held up first.
    fn hold_up(&mut self, block: Block) -> Option<Block> {
        let pause_ns = self.ctx.counters.pauses_ns().swap(0, Ordering::Relaxed);
        if pause_ns == 0 {
            return Some(block);
        }
        let clock = self.ctx.runtime.env.clock.clone();
        let pause = async move { clock.sleep(Duration::from_nanos(pause_ns)).await };
        self.held = Some((block, pause.boxed()));
        None
    }

    /// Adds the files that the plan wrote to those of the query, once.
    fn count_spilled(&mut self) {
        let plan = self.plan.take();
        // asking every operator costs more than a small query, and nothing spills that was refused nothing
        if self.ctx.memory.has_refused() {
            plan.iter().for_each(|plan| self.ctx.counters.add_spilled(SpilledFiles::of(plan)));
        }
    }

    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let ctx = &self.ctx;
        self.ended.get_or_insert_with(|| must_end(ctx.clone())).as_mut().poll(cx)
    }
}

impl Stream for BlockStream {
    type Item = Result<Block>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Block>>> {
        if self.done {
            return Poll::Ready(None);
        }
        let result = loop {
            if let Err(error) = self.ctx.check() {
                break Err(error);
            }
            if self.replans {
                match self.poll_replan(cx) {
                    Poll::Ready(Ok(())) => continue,
                    Poll::Ready(Err(error)) => break Err(error),
                    Poll::Pending => return Poll::Pending,
                }
            }
            if let Some((_, pause)) = &mut self.held {
                if pause.as_mut().poll(cx).is_pending() {
                    match self.poll_ended(cx) {
                        Poll::Ready(error) => break Err(error),
                        Poll::Pending => return Poll::Pending,
                    }
                }
                if let Some((block, _)) = self.held.take() {
                    break self.admit(block);
                }
            }
            match self.batches.poll_next_unpin(cx) {
                Poll::Ready(None) => {
                    self.done = true;
                    self.count_spilled();
                    self.taken.take().into_iter().for_each(Taken::give_back);
                    return Poll::Ready(None);
                }
                Poll::Ready(Some(Ok(batch))) if batch.num_rows() == 0 => {}
                Poll::Ready(Some(Ok(batch))) => {
                    let block = Block::from_record_batch(self.header.clone(), &batch).map_err(Error::Types);
                    match block.map(|block| self.hold_up(block)) {
                        Ok(Some(block)) => break self.admit(block),
                        Ok(None) => {}
                        Err(error) => break Err(error),
                    }
                }
                Poll::Ready(Some(Err(error))) => match Error::from(error) {
                    Error::OutOfMemory(_) if self.frugal.is_some() => self.replans = true,
                    error => break Err(error),
                },
                Poll::Pending => match self.poll_ended(cx) {
                    Poll::Ready(error) => break Err(error),
                    Poll::Pending => return Poll::Pending,
                },
            }
        };
        self.done |= result.is_err();
        Poll::Ready(Some(result))
    }
}

impl Drop for BlockStream {
    fn drop(&mut self) {
        self.count_spilled();
    }
}

impl fmt::Debug for BlockStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockStream").field("header", &self.header).field("rows", &self.rows).finish_non_exhaustive()
    }
}

/// Waits for the cancel token or the deadline, whichever comes first.
fn must_end(ctx: Arc<QueryContext>) -> BoxFuture<'static, Error> {
    async move {
        let clock = ctx.runtime.env.clock.clone();
        let Some(deadline) = ctx.deadline.filter(|deadline| !deadline.breaks) else {
            ctx.cancel.cancelled().await;
            return Error::Cancelled;
        };
        let left_ns = deadline.at_ns.saturating_sub(clock.monotonic_ns());
        tokio::select! {
            biased;
            () = ctx.cancel.cancelled() => Error::Cancelled,
            () = clock.sleep(Duration::from_nanos(left_ns)) => Error::TimedOut { limit_ms: deadline.limit_ms },
        }
    }
    .boxed()
}
