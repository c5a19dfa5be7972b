//! ClickHouse's HTTP interface.
//!
//! ```text
//! socket ─▶ hyper ─▶ route ─▶ ask (URL, headers, body) ─▶ engine::Session::execute ─▶ answer (headers, pieces) ─▶ socket
//! ```
//! A client that goes away drops its request's future, and with it the query. On shutdown the listener closes first,
//! requests that run are waited for up to [`DRAIN`], then dropped.
//!
//! Never here: what a statement means, rows held whole.

mod answer;
mod ask;
mod exception;
mod form;
mod route;
mod sessions;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use engine::{CancellationToken, Engine};
use env::Task;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use crate::error::{Error, Result};
use sessions::Sessions;

/// Connections that are served at once; more wait in the system's queue.
const CONNECTIONS_MAX: usize = 4096;
/// Bytes of a request's first line and headers. (A URL may have 65,534 bytes, which is the HTTP library's limit.)
const HEAD_BYTES_MAX: usize = 1 << 20;
/// A connection without a request for so long is closed.
const IDLE: Duration = Duration::from_secs(60);
/// How long a shutdown waits for requests that run.
pub const DRAIN: Duration = Duration::from_secs(5);

/// Choices about the HTTP interface.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// Where it listens; port 0: any free one.
    pub address: SocketAddr,
    /// What `X-ClickHouse-Server-Display-Name` says.
    pub display_name: String,
    /// Passwords are asked for: only then may the address be another than loopback.
    pub is_closed: bool,
}

/// A server that listens.
#[derive(Debug)]
pub struct HttpServer {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) display_name: String,
    pub(crate) sessions: Sessions,
}

impl HttpServer {
    /// Begins to listen. Clients may connect from here on; they are answered once [`HttpServer::serve`] runs.
    pub async fn bind(engine: Engine, config: HttpConfig) -> Result<HttpServer> {
        let address = config.address;
        if !address.ip().is_loopback() && !config.is_closed {
            return Err(Error::OpenToAll(address));
        }
        let refused = |reason: std::io::Error| match reason.kind() {
            std::io::ErrorKind::AddrInUse => Error::PortInUse(address),
            _ => Error::Listen { address, reason },
        };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let shared = Shared { engine, display_name: config.display_name, sessions: Sessions::default() };
        Ok(HttpServer { listener, address, shared: Arc::new(shared) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`, then finishes what runs.
    pub async fn serve(self, stop: CancellationToken) {
        let mut connections = FuturesUnordered::new();
        loop {
            let is_full = connections.len() >= CONNECTIONS_MAX;
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(()) = connections.next(), if !connections.is_empty() => {}
                accepted = self.listener.accept(), if !is_full => match accepted {
                    Ok((stream, _)) => connections.push(self.spawn(stream, &stop).join()),
                    // out of file descriptors, or the client is gone already: others go on
                    Err(error) => {
                        tracing::warn!(%error, "a connection was not accepted");
                        self.shared.engine.env().clock.sleep(Duration::from_millis(50)).await;
                    }
                },
            }
        }
        let shared = Arc::clone(&self.shared);
        drop(self.listener);
        let drained = async { while connections.next().await.is_some() {} };
        tokio::select! {
            biased;
            () = drained => {}
            () = shared.engine.env().clock.sleep(DRAIN) => tracing::warn!("requests did not end in time and are dropped"),
        }
    }

    fn spawn(&self, stream: TcpStream, stop: &CancellationToken) -> Task {
        let connection = connection(Arc::clone(&self.shared), stream, stop.clone());
        self.shared.engine.env().spawner.spawn("http", Box::pin(connection))
    }
}

/// One connection, request after request.
async fn connection(shared: Arc<Shared>, stream: TcpStream, stop: CancellationToken) {
    // answers are written in whole pieces: waiting to fill packets only delays them
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let service = service_fn(move |request| route::request(Arc::clone(&shared), request));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(IDLE).max_buf_size(HEAD_BYTES_MAX).half_close(false);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
