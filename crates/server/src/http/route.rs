//! One request to one answer: which path, whose session, which statement.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use engine::{Answer, CancellationToken, Data, Request, Setting, Settings};
use futures::{StreamExt, TryStreamExt};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Method, Response, StatusCode};
use tokio_util::sync::DropGuard;
use types::ErrorCode;

use super::Shared;
use super::answer::{self, AnswerBody, Head};
use super::ask::Ask;
use super::exception::Exception;
use super::form;
use super::sessions::Lease;
use format::codec;

/// Answers a request. Errors are answers, too.
pub(super) async fn request(
    shared: Arc<Shared>,
    request: hyper::Request<Incoming>,
) -> Result<Response<AnswerBody>, Infallible> {
    let method = request.method().clone();
    let is_read = method == Method::GET || method == Method::HEAD;
    let has_query = request.uri().query().is_some_and(|query| !query.is_empty());
    let response = match request.uri().path() {
        "/" | "/query" if method == Method::POST || (is_read && has_query) => statement(&shared, request).await,
        "/" | "/ping" | "/replicas_status" if is_read => answer::text(StatusCode::OK, "Ok.\n"),
        _ if !is_read && method != Method::POST => answer::text(
            StatusCode::METHOD_NOT_ALLOWED,
            "The method is not supported: GET and HEAD to read, POST to change\n",
        ),
        path => answer::text(
            StatusCode::NOT_FOUND,
            format!(
                "There is no handle {path}\n\nUse / or /ping for health checks.\nSend queries from your program with POST method or GET /?query=...\n"
            ),
        ),
    };
    Ok(response)
}

/// A statement, from its bytes to its answer or the error that kept it from one.
async fn statement(shared: &Arc<Shared>, request: hyper::Request<Incoming>) -> Response<AnswerBody> {
    let (parts, body) = request.into_parts();
    let mut head = Head::new(shared);
    let ask = match Ask::new(&parts.method, &parts.uri, &parts.headers) {
        Ok(ask) => ask,
        Err(exception) => return answer::exception(&head, &exception),
    };
    head.query_id = ask.query_id.clone().unwrap_or_else(|| new_query_id(shared));
    head.has_body = parts.method != Method::HEAD;
    match run(shared, ask, body, &mut head).await {
        Ok(response) => response,
        Err(exception) => answer::exception(&head, &exception),
    }
}

fn new_query_id(shared: &Shared) -> String {
    let uuid = format!("{:032x}", shared.engine.env().rng.uuid());
    let piece = |from: usize, to: usize| uuid.get(from..to).unwrap_or_default().to_owned();
    [piece(0, 8), piece(8, 12), piece(12, 16), piece(16, 20), piece(20, 32)].join("-")
}

/// What ends when the client goes away: the query, and the hold on its session.
pub(super) struct Held {
    pub(super) _cancel: DropGuard,
    pub(super) _lease: Lease,
}

async fn run(
    shared: &Shared,
    mut ask: Ask,
    body: Incoming,
    head: &mut Head,
) -> Result<Response<AnswerBody>, Exception> {
    let mut lease = shared.sessions.lease(&shared.engine, &ask.credentials, ask.session.as_ref())?;
    let settings = settings_of(lease.session().settings(), &ask)?;
    if !settings.flag(Setting::CancelHttpReadonlyQueriesOnClientClose) {
        let message = "a statement ends when its client goes away: \
                       cancel_http_readonly_queries_on_client_close = 0 is not supported";
        return Err(Exception::new(ErrorCode::NOT_IMPLEMENTED, message));
    }
    head.learn(&settings, ask.answer_coding);
    if ask.answer_blocks {
        head.pack_blocks();
    }
    let cancel = CancellationToken::new();
    let guard = cancel.clone().drop_guard();
    let mut own = ask.settings;
    if ask.is_get && settings.uint(Setting::Readonly) == 0 {
        // as in ClickHouse: settings may still change, data may not
        own.push(("readonly".to_owned(), "2".to_owned()));
    }
    let query_bytes_max = usize::try_from(settings.uint(Setting::MaxQuerySize)).unwrap_or(usize::MAX);
    let mut bytes = bytes_of(body, ask.body_coding, ask.body_blocks)?;
    if let Some(boundary) = &ask.form {
        let form = form::parse(&whole(bytes, query_bytes_max).await?, boundary)?;
        ask.query.extend_from_slice(&form.query);
        ask.params.extend(form.params);
        bytes = futures::stream::empty().boxed();
    }
    let (text, data) = text_and_data(ask.query, bytes, query_bytes_max).await?;
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(Exception::new(
            ErrorCode::SYNTAX_ERROR,
            "Syntax error: failed at position 1 (end of query): Empty query",
        ));
    }
    let request = Request {
        text,
        data,
        query_id: Some(head.query_id.clone()),
        settings: own,
        params: ask.params,
        format: ask.format,
        database: ask.database,
        protocol_revision: ask.protocol_revision,
        cancel,
    };
    let answer = lease.session().execute(request).await?;
    let held = Held { _cancel: guard, _lease: lease };
    match answer {
        Answer::Done(summary) => Ok(answer::done(head, &summary)),
        Answer::Rows(rows) => answer::rows(head, *rows, held).await,
    }
}

/// The session's settings with those of the URL.
fn settings_of(session: &Settings, ask: &Ask) -> Result<Settings, Exception> {
    let mut settings = session.clone();
    for (name, value) in &ask.settings {
        settings.set(name, value)?;
    }
    Ok(settings)
}

/// The body's bytes as they arrive, unpacked.
fn bytes_of(body: Incoming, coding: Option<codec::Coding>, in_blocks: bool) -> Result<Data, Exception> {
    let mut data = body.into_data_stream().map_err(std::io::Error::other).boxed();
    for coding in coding.into_iter().chain(in_blocks.then_some(codec::Coding::Blocks)) {
        data = codec::unpack(data, coding)
            .map_err(|error| Exception::new(ErrorCode::CANNOT_DECOMPRESS, error.to_string()))?;
    }
    Ok(data)
}

/// A body of at most `max` bytes.
async fn whole(mut body: Data, max: usize) -> Result<Bytes, Exception> {
    let mut whole = BytesMut::new();
    while let Some(piece) = body.next().await {
        whole.extend_from_slice(&piece.map_err(|error| not_whole(&error))?);
        if max < whole.len() {
            return Err(too_large(max));
        }
    }
    Ok(whole.freeze())
}

fn not_whole(error: &std::io::Error) -> Exception {
    Exception::new(ErrorCode::CANNOT_READ_ALL_DATA, format!("the request did not arrive whole: {error}"))
}

/// The statement, and the data of an INSERT behind it. A statement is read up to `max` bytes; data is not held.
async fn text_and_data(query: Vec<u8>, mut body: Data, max: usize) -> Result<(Bytes, Option<Data>), Exception> {
    let mut text = BytesMut::from(query.as_slice());
    if max < text.len() {
        return Err(too_large(max));
    }
    if !text.is_empty() {
        text.extend_from_slice(b"\n");
        if is_insert(&text) {
            return Ok((text.freeze(), Some(body)));
        }
    }
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| not_whole(&error))?;
        text.extend_from_slice(&piece);
        if max < text.len() {
            return if is_insert(&text) { Ok((text.freeze(), Some(body))) } else { Err(too_large(max)) };
        }
    }
    Ok((text.freeze(), None))
}

fn too_large(max: usize) -> Exception {
    Exception::new(ErrorCode::SYNTAX_ERROR, format!("Syntax error: Max query size exceeded (max_query_size = {max})"))
}

/// True when the first word is INSERT; comments before it are skipped.
fn is_insert(text: &[u8]) -> bool {
    let mut rest = text.trim_ascii_start();
    loop {
        let end: &[u8] = match rest {
            [b'-', b'-', ..] | [b'#', ..] => b"\n",
            [b'/', b'*', ..] => b"*/",
            _ => break,
        };
        let Some(at) = rest.windows(end.len()).position(|window| window == end) else { return false };
        rest = rest.get(at + end.len()..).unwrap_or_default().trim_ascii_start();
    }
    rest.get(..6).is_some_and(|word| word.eq_ignore_ascii_case(b"insert"))
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    fn split(query: &str, pieces: &[&'static str], max: usize) -> Result<(Bytes, Option<Data>), Exception> {
        let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes()))).collect();
        futures::executor::block_on(text_and_data(query.into(), stream::iter(pieces).boxed(), max))
    }

    #[test]
    fn url_and_body_are_joined_by_a_newline() {
        assert_eq!(split("SELECT 1", &[], 99).unwrap().0, "SELECT 1\n");
        assert_eq!(split("SELECT", &["1", "2"], 99).unwrap().0, "SELECT\n12");
        assert_eq!(split("", &["SELECT 1"], 99).unwrap().0, "SELECT 1");
    }

    #[test]
    fn data_of_an_insert_is_not_held() {
        let (text, data) = split("INSERT INTO t FORMAT CSV", &["1"], 99).unwrap();
        assert!(text == "INSERT INTO t FORMAT CSV\n" && data.is_some());
        let (text, data) = split("", &["insert into t format CSV\n", "1\n", "2\n"], 26).unwrap();
        assert!(text == "insert into t format CSV\n1\n" && data.is_some());
        assert_eq!(split("", &["SELECT 1234567"], 9).err().unwrap().code, ErrorCode::SYNTAX_ERROR);
    }

    #[test]
    fn an_insert_is_told_by_its_first_word() {
        assert!(is_insert(b" -- why\n/* who */ Insert INTO t"));
        assert!(
            !is_insert(b"-- insert") && !is_insert(b"/* insert") && !is_insert(b"select insert") && !is_insert(b"ins")
        );
    }
}
