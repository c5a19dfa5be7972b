//! What is asked of a session, and what it answers.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use format::{Format, Statistics};
use futures::stream::{BoxStream, Stream};
use futures::{StreamExt, TryStreamExt};
use query::{BlockStream, QueryContext};
use tokio_util::sync::CancellationToken;
use types::{Block, Header, Settings};

use crate::error::{Error, Result};
use crate::extremes::Extremes;
use crate::processes::Running;

/// Bytes of an INSERT's data as they arrive; an error is what kept them from arriving.
pub type Data = BoxStream<'static, std::io::Result<Bytes>>;

/// One statement and all that comes with it.
#[derive(Default)]
pub struct Request {
    /// The statement. Inline data of an INSERT may follow in it, in any bytes.
    pub text: Bytes,
    /// More data of an INSERT, behind what is inline.
    pub data: Option<Data>,
    /// The query's id; made up where absent.
    pub query_id: Option<String>,
    /// Settings of this statement alone.
    pub settings: Vec<(String, String)>,
    /// Values of `{name:Type}` parameters, as text.
    pub params: BTreeMap<String, String>,
    /// The format of the answer where the statement names none.
    pub format: Option<String>,
    /// The database of this statement alone.
    pub database: Option<String>,
    /// The revision of ClickHouse's protocol that the client speaks; 0: of none.
    pub protocol_revision: u64,
    /// Ends the statement when cancelled.
    pub cancel: CancellationToken,
}

impl Request {
    /// A statement alone.
    pub fn new(text: impl Into<Bytes>) -> Request {
        Request { text: text.into(), ..Request::default() }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("query_id", &self.query_id).field("text", &self.text).finish_non_exhaustive()
    }
}

/// What a statement did.
#[derive(Clone, PartialEq, Debug, Default)]
#[allow(missing_docs)] // the names are those of X-ClickHouse-Summary
pub struct Summary {
    pub query_id: Arc<str>,
    pub read_rows: u64,
    pub read_bytes: u64,
    pub written_rows: u64,
    pub written_bytes: u64,
    pub total_rows_to_read: u64,
    pub result_rows: u64,
    pub result_bytes: u64,
    pub elapsed_ns: u64,
}

/// The answer to a statement.
#[derive(Debug)]
pub enum Answer {
    /// Rows, as they are made.
    Rows(Box<Rows>),
    /// It is done.
    Done(Summary),
}

/// Rows of an answer. Dropping them ends the query.
pub struct Rows {
    /// Names and types.
    pub header: Header,
    /// How they are to be written.
    pub format: Format,
    /// The settings they are to be written with.
    pub settings: Settings,
    /// The same as `header` with states of aggregates as their own types.
    pub(crate) states: Header,
    pub(crate) protocol_revision: u64,
    pub(crate) extremes: Option<Extremes>,
    pub(crate) source: Source,
    pub(crate) ctx: Arc<QueryContext>,
    pub(crate) started_ns: u64,
    /// In the list of running queries as long as this lives.
    pub(crate) running: Arc<Running>,
}

/// Where rows come from.
pub(crate) enum Source {
    Stream(BlockStream),
    Blocks(std::vec::IntoIter<Block>),
}

impl Rows {
    /// The next rows.
    pub async fn next_block(&mut self) -> Option<Result<Block>> {
        let block = match &mut self.source {
            Source::Stream(stream) => stream.next().await.map(|block| block.map_err(Error::from)),
            Source::Blocks(blocks) => blocks.next().map(Ok),
        };
        let Some(block) = block else {
            self.running.ended();
            return None;
        };
        let block = block.and_then(|block| crate::dispatch::presentable(&block));
        Some(block.inspect_err(|error| self.running.failed(error)))
    }

    /// The row of WITH TOTALS; ask after the last block.
    pub async fn totals(&mut self) -> Result<Option<Block>> {
        match &mut self.source {
            Source::Stream(stream) => Ok(stream.totals().await?),
            Source::Blocks(_) => Ok(None),
        }
    }

    /// What the query did so far.
    pub fn summary(&self) -> Summary {
        summary(&self.ctx, self.started_ns)
    }

    /// Tells what the query did so far, also after the rows are gone.
    pub fn watch(&self) -> impl Fn() -> Summary + Send + 'static {
        let (ctx, started_ns) = (Arc::clone(&self.ctx), self.started_ns);
        move || summary(&ctx, started_ns)
    }

    /// All rows that are left. Only for answers that are known to be small.
    pub async fn collect(mut self) -> Result<Vec<Block>> {
        let mut blocks = Vec::new();
        while let Some(block) = self.next_block().await {
            blocks.push(block?);
        }
        Ok(blocks)
    }

    /// The bytes of the answer in its format, piece by piece. An error ends them.
    pub fn encode(mut self) -> Result<impl Stream<Item = Result<Bytes>> + Send> {
        let header = if self.format.writes_states() { &self.states } else { &self.header };
        let mut encoder = format::encoder_for(self.format, header, &self.settings, self.protocol_revision)?;
        let mut extremes = self.extremes.take();
        let mut first = Vec::new();
        encoder.begin(&mut first);
        let pieces = async_stream(move |give| async move {
            give.piece(first).await;
            while let Some(block) = self.next_block().await {
                let (block, mut out) = (block?, Vec::new());
                if let Some(extremes) = &mut extremes {
                    extremes.add(&block)?;
                }
                encoder.block(&block, &mut out);
                give.piece(out).await;
            }
            let mut out = Vec::new();
            if let Some(totals) = self.totals().await? {
                encoder.totals(&crate::dispatch::presentable(&totals)?, &mut out);
            }
            if let Some(extremes) = extremes.take().map(Extremes::finish).transpose()?.flatten() {
                encoder.extremes(&extremes, &mut out);
            }
            let summary = self.summary();
            let statistics = Statistics {
                elapsed_seconds: summary.elapsed_ns as f64 / 1e9,
                rows_read: summary.read_rows,
                bytes_read: summary.read_bytes,
                rows_before_limit: None,
            };
            encoder.end(&statistics, &mut out);
            give.piece(out).await;
            Ok(())
        });
        Ok(pieces)
    }

    /// The whole answer in its format. Only for answers that are known to be small.
    pub async fn encode_all(self) -> Result<Bytes> {
        let pieces: Vec<Bytes> = self.encode()?.try_collect().await?;
        Ok(pieces.concat().into())
    }
}

/// Takes pieces of an answer.
pub(crate) struct Give(tokio::sync::mpsc::Sender<Bytes>);

impl Give {
    async fn piece(&self, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            // a reader that is gone drops the whole stream, this future with it
            let _ = self.0.send(bytes.into()).await;
        }
    }
}

/// A stream of what `make` gives, made only as fast as it is read.
fn async_stream<F, Fut>(make: F) -> impl Stream<Item = Result<Bytes>> + Send
where
    F: FnOnce(Give) -> Fut,
    Fut: Future<Output = Result<()>> + Send + 'static,
{
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let work = make(Give(sender));
    futures::stream::unfold((Box::pin(work), receiver, false), |(mut work, mut receiver, mut ended)| async move {
        loop {
            if ended {
                return receiver.recv().await.map(|piece| (Ok(piece), (work, receiver, ended)));
            }
            tokio::select! {
                biased;
                piece = receiver.recv() => return piece.map(|piece| (Ok(piece), (work, receiver, ended))),
                done = &mut work => {
                    ended = true;
                    if let Err(error) = done {
                        return Some((Err(error), (work, receiver, ended)));
                    }
                    receiver.close();
                }
            }
        }
    })
}

pub(crate) fn summary(ctx: &QueryContext, started_ns: u64) -> Summary {
    let progress = ctx.counters.progress();
    Summary {
        query_id: ctx.caller.query_id.clone(),
        read_rows: progress.read_rows,
        read_bytes: progress.read_bytes,
        total_rows_to_read: progress.total_rows,
        result_rows: progress.result_rows,
        result_bytes: progress.result_bytes,
        elapsed_ns: ctx.runtime.env.clock.monotonic_ns().saturating_sub(started_ns),
        ..Summary::default()
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("header", &self.header).field("format", &self.format).finish_non_exhaustive()
    }
}
