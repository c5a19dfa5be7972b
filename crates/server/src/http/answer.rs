//! Answers: headers, then pieces of the body as they are made.
//!
//! The first bytes of a result are held back (`buffer_size`, or all of it with `wait_end_of_query`), so that an error that
//! comes early has its status. An error that comes later ends the body with a block that says it, and the stream is broken
//! off: clients must not take half a result for a whole one.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use engine::{Rows, Setting, Settings, Summary};
use env::Env;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use types::ErrorCode;

use super::Shared;
use super::exception::Exception;
use super::route::Held;
use format::codec::{Coding, Encoder};

/// The body of an answer.
pub(super) type AnswerBody = UnsyncBoxBody<Bytes, io::Error>;

/// Bytes of a result that are held for `wait_end_of_query`.
const WHOLE_BYTES_MAX: usize = 256 << 20;
/// How long the last block of a failed answer is given to leave before the connection is cut.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// What all answers to a statement say in their headers.
pub(super) struct Head {
    pub(super) query_id: String,
    /// False for HEAD: headers only.
    pub(super) has_body: bool,
    display_name: String,
    timezone: String,
    coding: Option<Coding>,
    in_blocks: bool,
    /// How often the headers tell of progress while the first rows are made; none where they do not.
    progress: Option<Duration>,
    coding_level: i64,
    /// Bytes that are held back before the answer begins.
    buffer_bytes: usize,
    is_whole: bool,
    /// Marks the block of an error in the body.
    tag: String,
    env: Env,
}

impl Head {
    pub(super) fn new(shared: &Shared) -> Head {
        let env = shared.engine.env().clone();
        let tag = (0..16).map(|_| char::from(b'a' + (env.rng.below(26) as u8))).collect();
        Head {
            query_id: String::new(),
            has_body: true,
            display_name: shared.display_name.clone(),
            timezone: "UTC".to_owned(),
            coding: None,
            in_blocks: false,
            progress: None,
            coding_level: 3,
            buffer_bytes: 1 << 20,
            is_whole: false,
            tag,
            env,
        }
    }

    /// What settings say about the answer.
    pub(super) fn learn(&mut self, settings: &Settings, accepted: Option<Coding>) {
        let zone = settings.text(Setting::SessionTimezone);
        if !zone.is_empty() {
            self.timezone = zone.to_owned();
        }
        self.coding = accepted.filter(|_| settings.flag(Setting::EnableHttpCompression));
        self.coding_level = settings.text(Setting::HttpZlibCompressionLevel).parse().unwrap_or(3);
        self.is_whole = settings.flag(Setting::WaitEndOfQuery);
        let interval = Duration::from_millis(settings.uint(Setting::HttpHeadersProgressIntervalMs).max(1));
        self.progress = settings.flag(Setting::SendProgressInHttpHeaders).then_some(interval);
        self.buffer_bytes =
            usize::try_from(settings.uint(Setting::BufferSize)).unwrap_or(usize::MAX).min(WHOLE_BYTES_MAX);
    }

    /// The answer is asked for in ClickHouse's own compressed blocks, which HTTP knows nothing of.
    pub(super) fn pack_blocks(&mut self) {
        self.in_blocks = true;
        self.coding = None;
    }

    fn response(&self, status: StatusCode, body: AnswerBody) -> Response<AnswerBody> {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        put(&mut response, "x-clickhouse-server-display-name", &self.display_name);
        put(&mut response, "x-clickhouse-query-id", &self.query_id);
        put(&mut response, "x-clickhouse-timezone", &self.timezone);
        put(&mut response, "x-clickhouse-exception-tag", &self.tag);
        response
    }

    /// Another's body where the method asked for none.
    fn body(&self, body: AnswerBody) -> AnswerBody {
        if self.has_body { body } else { full(Bytes::new()) }
    }
}

/// A header; a value that no header can hold is left out.
fn put(response: &mut Response<AnswerBody>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
}

fn full(bytes: impl Into<Bytes>) -> AnswerBody {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A short text.
pub(super) fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<AnswerBody> {
    let mut response = Response::new(full(text));
    *response.status_mut() = status;
    put(&mut response, "content-type", "text/html; charset=UTF-8");
    response
}

/// An error instead of an answer.
pub(super) fn exception(head: &Head, exception: &Exception) -> Response<AnswerBody> {
    let mut response = head.response(exception.status(), head.body(full(exception.text())));
    put(&mut response, "content-type", "text/plain; charset=UTF-8");
    put(&mut response, "x-clickhouse-exception-code", &exception.code.0.to_string());
    if exception.code == ErrorCode::REQUIRED_PASSWORD {
        put(&mut response, "www-authenticate", "Basic realm=\"ClickHouse server HTTP API\"");
    }
    response
}

/// A statement without rows is done.
pub(super) fn done(head: &Head, summary: &Summary) -> Response<AnswerBody> {
    let mut response = head.response(StatusCode::OK, full(Bytes::new()));
    put(&mut response, "content-type", "text/plain; charset=UTF-8");
    put(&mut response, "x-clickhouse-summary", &summary_text(summary));
    response
}

/// Rows, in pieces. Answers once enough of them are made to begin.
pub(super) async fn rows(head: &Head, rows: Rows, held: Held) -> Result<Response<AnswerBody>, Exception> {
    let format = rows.format;
    let summary = rows.watch();
    let encoder = Encoder::new(if head.in_blocks { Some(Coding::Blocks) } else { head.coding }, head.coding_level)
        .map_err(|error| not_packed(&error))?;
    let mut pieces = Pieces { rows: Box::pin(rows.encode()?), encoder: Some(encoder), _held: held };
    let mut first = BytesMut::new();
    let limit = if head.is_whole { WHOLE_BYTES_MAX } else { head.buffer_bytes };
    let mut is_done = false;
    let mut progress = Progress::new(head);
    while !is_done && first.len() <= limit {
        match progress.during(pieces.next(), &summary).await? {
            Some(piece) => first.extend_from_slice(&piece),
            None => is_done = true,
        }
    }
    progress.note(&summary());
    if head.is_whole && !is_done {
        let message = format!("the result is larger than wait_end_of_query can hold ({WHOLE_BYTES_MAX} bytes)");
        return Err(Exception::new(ErrorCode::MEMORY_LIMIT_EXCEEDED, message));
    }
    let body = if is_done { full(first) } else { streamed(head, first.freeze(), pieces) };
    let mut response = head.response(StatusCode::OK, head.body(body));
    put(&mut response, "content-type", engine::content_type(format));
    put(&mut response, "x-clickhouse-format", format.name());
    put(&mut response, "x-clickhouse-summary", &summary_text(&summary()));
    if let Some(coding) = head.coding {
        put(&mut response, "content-encoding", coding.name());
    }
    progress.put(&mut response);
    Ok(response)
}

/// `X-ClickHouse-Progress` headers. They leave together with the others, when the first rows are there.
struct Progress {
    interval: Option<Duration>,
    env: Env,
    noted: Vec<String>,
}

/// Headers of progress that one answer may have.
const PROGRESS_MAX: usize = 100;

impl Progress {
    fn new(head: &Head) -> Progress {
        Progress { interval: head.progress, env: head.env.clone(), noted: Vec::new() }
    }

    /// Waits for `work`, and notes now and then how far the query is.
    async fn during<T>(&mut self, work: impl Future<Output = T>, summary: &impl Fn() -> Summary) -> T {
        let Some(interval) = self.interval else { return work.await };
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = self.env.clock.sleep(interval) => {}
            }
            self.note(&summary());
        }
    }

    fn note(&mut self, summary: &Summary) {
        if self.interval.is_some() && self.noted.len() < PROGRESS_MAX {
            self.noted.push(summary_text(summary));
        }
    }

    fn put(self, response: &mut Response<AnswerBody>) {
        for text in self.noted {
            if let Ok(value) = HeaderValue::from_str(&text) {
                response.headers_mut().append(HeaderName::from_static("x-clickhouse-progress"), value);
            }
        }
    }
}

fn not_packed(error: &io::Error) -> Exception {
    Exception::new(ErrorCode::CANNOT_WRITE_TO_FILE_DESCRIPTOR, format!("the answer cannot be compressed: {error}"))
}

/// The pieces of an answer, packed.
struct Pieces {
    rows: BoxStream<'static, engine::Result<Bytes>>,
    /// `None` once the end mark is written.
    encoder: Option<Encoder>,
    _held: Held,
}

impl Pieces {
    async fn next(&mut self) -> Result<Option<Bytes>, Exception> {
        let Some(encoder) = self.encoder.as_mut() else { return Ok(None) };
        match self.rows.next().await {
            Some(piece) => Ok(Some(encoder.push(piece?).map_err(|error| not_packed(&error))?)),
            None => self.finish(),
        }
    }

    fn finish(&mut self) -> Result<Option<Bytes>, Exception> {
        let end = self.encoder.take().map(Encoder::finish).transpose();
        end.map_err(|error| not_packed(&error))
    }

    /// The bytes that end an answer that failed.
    fn last_words(&mut self, block: String) -> Bytes {
        let mut out = BytesMut::new();
        if let Some(Ok(bytes)) = self.encoder.as_mut().map(|encoder| encoder.push(block.into())) {
            out.extend_from_slice(&bytes);
        }
        if let Ok(Some(end)) = self.finish() {
            out.extend_from_slice(&end);
        }
        out.freeze()
    }
}

/// Where a streamed answer stands.
enum Stage {
    First(Bytes, Pieces),
    Rest(Pieces),
    /// The error was said: cut the connection.
    Failed,
    Over,
}

fn streamed(head: &Head, first: Bytes, pieces: Pieces) -> AnswerBody {
    let (tag, env) = (head.tag.clone(), head.env.clone());
    let frames = stream::unfold(Stage::First(first, pieces), move |stage| {
        let (tag, env) = (tag.clone(), env.clone());
        async move {
            match stage {
                Stage::First(first, pieces) => Some((Ok(Frame::data(first)), Stage::Rest(pieces))),
                Stage::Rest(mut pieces) => match next_piece(&mut pieces).await {
                    Ok(Some(piece)) => Some((Ok(Frame::data(piece)), Stage::Rest(pieces))),
                    Ok(None) => None,
                    Err(exception) => {
                        let block = pieces.last_words(exception.block(&tag));
                        Some((Ok(Frame::data(block)), Stage::Failed))
                    }
                },
                Stage::Failed => {
                    env.clock.sleep(LAST_WORDS).await;
                    Some((Err(io::Error::other("the query failed after its first rows")), Stage::Over))
                }
                Stage::Over => None,
            }
        }
    });
    BodyExt::boxed_unsync(StreamBody::new(frames))
}

/// The next piece that is not empty (an empty chunk would end a chunked body).
async fn next_piece(pieces: &mut Pieces) -> Result<Option<Bytes>, Exception> {
    loop {
        match pieces.next().await? {
            Some(piece) if piece.is_empty() => {}
            piece => return Ok(piece),
        }
    }
}

/// The JSON of `X-ClickHouse-Summary`; numbers are strings there.
fn summary_text(summary: &Summary) -> String {
    format!(
        "{{\"read_rows\":\"{}\",\"read_bytes\":\"{}\",\"written_rows\":\"{}\",\"written_bytes\":\"{}\",\
         \"total_rows_to_read\":\"{}\",\"result_rows\":\"{}\",\"result_bytes\":\"{}\",\"elapsed_ns\":\"{}\"}}",
        summary.read_rows,
        summary.read_bytes,
        summary.written_rows,
        summary.written_bytes,
        summary.total_rows_to_read,
        summary.result_rows,
        summary.result_bytes,
        summary.elapsed_ns
    )
}
