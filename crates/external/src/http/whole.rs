//! An answer that is read to its end, over a connection of its own.
//!
//! A client that keeps connections takes what comes behind a body for noise and drops it: a body longer than its
//! `Content-Length` would be cut off without a word. Here the connection ends with its answer, so that what is behind the
//! body is seen, and the read fails. There is no task: the connection moves on while somebody waits for the body.

use std::error::Error as _;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, Stream, stream};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, Parts};
use hyper::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderValue, TRANSFER_ENCODING};
use hyper_util::rt::TokioIo;
use reqwest::Url;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;

use super::client::{reason_of, shown};
use crate::error::{Error, Kind, Result};
use crate::hosts::Hosts;

/// How long the other side's end is waited for behind a body: it was told that the connection ends there.
const END_WAIT: Duration = Duration::from_millis(200);

/// A socket, encrypted or not.
trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Socket for T {}

type Io = TokioIo<Box<dyn Socket>>;

/// A connection while it is read, and what is left of it.
enum Connection {
    Running(BoxFuture<'static, hyper::Result<Parts<Io>>>),
    Ended(hyper::Result<Parts<Io>>),
}

impl Connection {
    /// Waits for `what`, and moves the connection on meanwhile.
    async fn drive<T>(&mut self, what: impl Future<Output = T>) -> T {
        let mut what = std::pin::pin!(what);
        loop {
            let Connection::Running(running) = self else { return what.await };
            tokio::select! {
                biased;
                done = &mut what => return done,
                ended = running => *self = Connection::Ended(ended),
            }
        }
    }

    /// How many bytes came behind the body, as far as they are there by now; zero where nothing is known of them.
    async fn left_over(self) -> usize {
        let ended = match self {
            Connection::Ended(ended) => ended,
            Connection::Running(running) => match tokio::time::timeout(END_WAIT, running).await {
                Ok(ended) => ended,
                // it keeps the connection and says nothing
                Err(_) => return 0,
            },
        };
        match ended {
            Ok(parts) if !parts.read_buf.is_empty() => parts.read_buf.len(),
            Ok(parts) => {
                let mut piece = [0; 1_024];
                let read = tokio::time::timeout(END_WAIT, parts.io.into_inner().read(&mut piece)).await;
                read.ok().and_then(std::result::Result::ok).unwrap_or(0)
            }
            // a message that nobody asked for; a broken socket behind the body is no matter
            Err(error) => usize::from(error.source().is_none()),
        }
    }
}

/// Certificates of the authorities that are known to everybody, and of those that this machine knows.
pub(super) fn verified() -> Arc<ClientConfig> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has the suites of the default versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

/// Who asks, and how.
pub(super) struct Asking<'a> {
    pub(super) hosts: &'a Hosts,
    pub(super) tls: Arc<ClientConfig>,
    pub(super) kind: Kind,
    pub(super) url: &'a Url,
}

impl Asking<'_> {
    /// Sends a request without a body and gives the answer, whose body fails when it is longer than promised.
    pub(super) async fn send<B>(&self, request: hyper::Request<B>) -> Result<hyper::Response<reqwest::Body>> {
        let request = self.in_origin_form(request)?;
        let io = TokioIo::new(self.connect().await?);
        let (mut sender, connection) = http1::handshake(io).await.map_err(|error| self.unreachable(&error))?;
        let mut connection = Connection::Running(connection.without_shutdown().boxed());
        let answer = connection.drive(sender.send_request(request)).await;
        let answer = answer.map_err(|error| self.unreachable(&error))?;
        // no other request follows: the connection ends behind the body
        drop(sender);
        let length =
            |name| answer.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok()?.trim().parse().ok());
        let promised: Option<u64> = match answer.headers().contains_key(TRANSFER_ENCODING) {
            true => None,
            false => length(CONTENT_LENGTH),
        };
        let whole = Whole { connection, promised, place: shown(self.url), kind: self.kind };
        Ok(answer.map(|body| reqwest::Body::wrap_stream(whole.stream(body))))
    }

    fn unreachable(&self, error: &(dyn std::error::Error + 'static)) -> Error {
        Error::Unreachable { kind: self.kind, place: shown(self.url), reason: reason_of(error) }
    }

    async fn connect(&self) -> Result<Box<dyn Socket>> {
        let host = self.url.host_str().unwrap_or_default();
        let addresses = self.hosts.resolve(host, self.url.port_or_known_default().unwrap_or(80)).await?;
        let socket = TcpStream::connect(addresses.as_slice()).await.map_err(|error| self.unreachable(&error))?;
        // only how soon small pieces go
        let _ = socket.set_nodelay(true);
        if self.url.scheme() != "https" {
            return Ok(Box::new(socket));
        }
        let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(name).map_err(|error| self.unreachable(&error))?;
        let encrypted = tokio_rustls::TlsConnector::from(Arc::clone(&self.tls)).connect(name, socket).await;
        Ok(Box::new(encrypted.map_err(|error| self.unreachable(&error))?))
    }

    /// The request as a server is sent it: its path, and its host as a header.
    fn in_origin_form<B>(&self, request: hyper::Request<B>) -> Result<hyper::Request<Empty<Bytes>>> {
        let bad = |error: &dyn std::fmt::Display| Error::BadUrl {
            kind: self.kind,
            url: shown(self.url),
            reason: error.to_string(),
        };
        let (mut parts, _) = request.into_parts();
        let authority = match (self.url.host_str(), self.url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (host, _) => host.unwrap_or_default().to_owned(),
        };
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        parts.uri = path.parse().map_err(|error| bad(&error))?;
        parts.version = hyper::Version::HTTP_11;
        parts.headers.insert(HOST, HeaderValue::from_str(&authority).map_err(|error| bad(&error))?);
        parts.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        Ok(hyper::Request::from_parts(parts, Empty::new()))
    }
}

/// The rest of an answer.
struct Whole {
    connection: Connection,
    promised: Option<u64>,
    place: String,
    kind: Kind,
}

impl Whole {
    fn stream(self, body: Incoming) -> impl Stream<Item = Result<Bytes>> + Send {
        stream::try_unfold(Some((self, body)), |state| async move {
            let Some((mut whole, mut body)) = state else { return Ok(None) };
            loop {
                match whole.connection.drive(body.frame()).await {
                    Some(Ok(frame)) => {
                        if let Ok(piece) = frame.into_data() {
                            return Ok(Some((piece, Some((whole, body)))));
                        }
                    }
                    Some(Err(error)) => {
                        let reason = reason_of(&error);
                        return Err(Error::Unreachable { kind: whole.kind, place: whole.place, reason });
                    }
                    None => return whole.end().await.map(|()| None),
                }
            }
        })
    }

    /// The body has ended: nothing may be behind it.
    async fn end(self) -> Result<()> {
        let (Some(promised), Whole { kind, place, .. }) = (self.promised, &self) else { return Ok(()) };
        let (kind, place) = (*kind, place.clone());
        match self.connection.left_over().await {
            0 => Ok(()),
            more => Err(Error::WrongSize { kind, place, promised, got: promised.saturating_add(more as u64) }),
        }
    }
}
