//! A connection to MySQL or MariaDB.
//!
//! Dropping it in the middle of an answer closes the socket and does not read the rest.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{ClientIdentity, Column, Conn, DriverError, OptsBuilder, QueryResult, Row, SslOpts, TextProtocol};

use crate::database::{Database, Patience};
use crate::error::{Error, Kind, Result};
use crate::hosts::Hosts;
use crate::tls::{self, Tls, TlsMode};

/// Bytes of one packet, at most: what a server can be told to send.
const PACKET_BYTES_MAX: usize = 1 << 30;
/// Seconds after which the client thinks that the server closes an idle connection: none here is idle.
const IDLE_SECONDS: usize = 28_800;

/// A session that is logged in.
pub(super) struct Session {
    /// Taken only by `drop`.
    conn: Option<Conn>,
    place: String,
    user: String,
    read: Duration,
}

impl Session {
    /// Connects to the first address that answers. `first` are statements that say how to begin.
    pub(super) async fn begin(
        hosts: &Hosts,
        database: &Database,
        patience: Patience,
        first: &[&str],
    ) -> Result<Session> {
        let mut failed = None;
        for (host, port) in &database.addresses {
            match connect(hosts, database, patience, host, *port, first).await {
                Ok(session) => return Ok(session),
                Err(error) => failed = Some(error),
            }
        }
        Err(failed.unwrap_or(Error::Unreachable {
            kind: Kind::MySql,
            place: String::new(),
            reason: "no host is given".to_owned(),
        }))
    }

    /// Runs a statement whose answer does not matter.
    pub(super) async fn run(&mut self, statement: String) -> Result<()> {
        self.with(async |conn| conn.query_drop(statement).await).await
    }

    /// Prepares a statement; what columns it has. One statement, or it is an error.
    pub(super) async fn prepare(&mut self, statement: String) -> Result<Arc<[Column]>> {
        let prepared = self.with(async |conn| {
            let prepared = conn.prep(statement).await?;
            let columns = prepared.columns();
            conn.close(prepared).await?;
            Ok(columns)
        });
        prepared.await.map_err(|error| match error {
            // not the table that was named
            Error::Missing { kind, place } => Error::Refused { kind, place: self.place.clone(), reason: place },
            other => other,
        })
    }

    /// Begins a query; [`Session::row`] gives its rows.
    pub(super) async fn ask(&mut self, query: String) -> Result<()> {
        // the result stays pending in the connection
        self.with(async |conn| conn.query_iter(query).await.map(|_| ())).await
    }

    /// The next row of what was asked.
    pub(super) async fn row(&mut self) -> Result<Option<Row>> {
        self.with(async |conn| QueryResult::<'_, 'static, TextProtocol>::new(conn).next().await).await
    }

    /// All rows of a query.
    pub(super) async fn rows(&mut self, query: String) -> Result<Vec<Row>> {
        self.with(async |conn| conn.query(query).await).await
    }

    /// `host:port`, for errors.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Ends the session when nothing of an answer is left to read.
    pub(super) async fn end(mut self) {
        if let Some(conn) = self.conn.take() {
            // the other side closes as well: what it says to that is of no use
            let _ = tokio::time::timeout(self.read, conn.disconnect()).await;
        }
    }

    async fn with<T>(
        &mut self,
        what: impl AsyncFnOnce(&mut Conn) -> std::result::Result<T, mysql_async::Error>,
    ) -> Result<T> {
        let Some(conn) = self.conn.as_mut() else {
            return Err(Error::Unreachable {
                kind: Kind::MySql,
                place: self.place.clone(),
                reason: "the connection is closed".to_owned(),
            });
        };
        let timed_out =
            |_| Error::TimedOut { kind: Kind::MySql, place: self.place.clone(), seconds: self.read.as_secs() };
        let done = tokio::time::timeout(self.read, what(conn)).await.map_err(timed_out)?;
        done.map_err(|error| error_of(error, &self.place, &self.user))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(conn) = self.conn.take() else { return };
        // inside a runtime the client would go on and read what is left of the answer, however much: outside of one it
        // only closes the socket
        let _ = std::thread::Builder::new().name("mysql-close".to_owned()).spawn(move || drop(conn));
    }
}

async fn connect(
    hosts: &Hosts,
    database: &Database,
    patience: Patience,
    host: &str,
    port: u16,
    first: &[&str],
) -> Result<Session> {
    let place = format!("{host}:{port}");
    let addresses = hosts.resolve(host, port).await?;
    let encrypted = match database.tls.mode {
        TlsMode::Disable => None,
        _ => Some(encrypted(&database.tls).map_err(|reason| Error::Unreachable {
            kind: Kind::MySql,
            place: place.clone(),
            reason,
        })?),
    };
    let options = OptsBuilder::default()
        .ip_or_hostname(host)
        .tcp_port(port)
        .resolved_ips(Some(addresses.iter().map(|address| address.ip()).collect::<Vec<_>>()))
        .user(Some(database.user.as_str()))
        .pass(Some(database.password.reveal()))
        .db_name(Some(database.database.as_str()))
        // a socket that the server names was never held against the allow list
        .prefer_socket(false)
        .max_allowed_packet(Some(PACKET_BYTES_MAX))
        .wait_timeout(Some(IDLE_SECONDS))
        .stmt_cache_size(0)
        .init(first.iter().map(|statement| (*statement).to_owned()).collect::<Vec<_>>());
    let within = |connecting: std::result::Result<_, _>| {
        connecting.map_err(|_| Error::TimedOut {
            kind: Kind::MySql,
            place: place.clone(),
            seconds: patience.connect.as_secs(),
        })
    };
    let connecting = async {
        match connect_with(options.clone().ssl_opts(encrypted)).await {
            // it said so before anything else was said
            Err(mysql_async::Error::Driver(DriverError::NoClientSslFlagFromServer))
                if database.tls.mode == TlsMode::Prefer =>
            {
                connect_with(options).await
            }
            other => other,
        }
    };
    let connected = within(tokio::time::timeout(patience.connect, connecting).await)?;
    let conn = connected.map_err(|error| error_of(error, &place, &database.user))?;
    Ok(Session { conn: Some(conn), place, user: database.user.clone(), read: patience.read })
}

async fn connect_with(options: OptsBuilder) -> std::result::Result<Conn, mysql_async::Error> {
    let connecting: std::pin::Pin<Box<dyn Future<Output = _> + Send>> = Conn::new(options);
    connecting.await
}

/// TLS as the client is told it.
fn encrypted(tls: &Tls) -> std::result::Result<SslOpts, String> {
    // says what is wrong with certificates; the client would not
    tls::config(tls)?;
    let bytes = |pem: &crate::secret::Secret| pem.reveal().as_bytes().to_vec().into();
    let options = SslOpts::default();
    let options = match tls.authority.is_empty() {
        true => options.with_danger_accept_invalid_certs(true),
        false => options.with_disable_built_in_roots(true).with_root_certs(vec![bytes(&tls.authority)]),
    };
    let options = options.with_danger_skip_domain_validation(tls.mode != TlsMode::VerifyFull);
    Ok(match tls.certificate.is_empty() {
        true => options,
        false => options.with_client_identity(Some(ClientIdentity::new(bytes(&tls.certificate), bytes(&tls.key)))),
    })
}

/// What an error of the client means.
fn error_of(error: mysql_async::Error, place: &str, user: &str) -> Error {
    let (kind, place) = (Kind::MySql, place.to_owned());
    let server = match error {
        mysql_async::Error::Server(server) => server,
        mysql_async::Error::Io(error) => return Error::Unreachable { kind, place, reason: error.to_string() },
        mysql_async::Error::Driver(error) => return Error::Unreachable { kind, place, reason: error.to_string() },
        // neither says anything without the password in it for sure
        mysql_async::Error::Url(_) | mysql_async::Error::Other(_) => {
            return Error::Unreachable { kind, place, reason: "the client failed".to_owned() };
        }
    };
    let reason = format!("{} (error {})", server.message, server.code);
    match server.code {
        // access denied to user or database, by a plugin, no password
        1044 | 1045 | 1698 | 1862 => Error::LoginRefused { kind, place, user: user.to_owned(), reason },
        // unknown database, too many connections, host blocked or not allowed, shutting down, connection killed
        1040 | 1049 | 1053 | 1077 | 1129 | 1130 | 1203 | 1927 | 3169 => Error::Unreachable { kind, place, reason },
        1146 => Error::Missing { kind, place: reason },
        _ => Error::Refused { kind, place, reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_server_are_told_apart() {
        let of = |code: u16| {
            let state = "HY000".to_owned();
            let server = mysql_async::ServerError { code, message: "because".to_owned(), state };
            error_of(mysql_async::Error::Server(server), "db:3306", "me").code().0
        };
        assert_eq!([of(1045), of(1049), of(1146), of(1064)], [279, 279, 60, 1000]);
    }
}
