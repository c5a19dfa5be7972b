//! A connection to PostgreSQL that is driven by whoever waits for it: no task of its own, and dropping it closes it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_postgres::config::SslMode as Asked;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::statement::Habits;
use crate::database::{Database, Patience};
use crate::error::{Error, Kind, Result};
use crate::hosts::Hosts;
use crate::tls::{self, TlsMode};

type Driver = Pin<Box<dyn Future<Output = std::result::Result<(), tokio_postgres::Error>> + Send>>;

/// A session that is logged in.
pub(super) struct Session {
    client: Arc<Client>,
    driver: Driver,
    place: String,
    user: String,
    read: Duration,
    pub(super) habits: Habits,
}

impl Session {
    /// Connects to the first address that answers and tells it how to begin.
    pub(super) async fn begin(hosts: &Hosts, database: &Database, patience: Patience, first: &str) -> Result<Session> {
        let mut failed = None;
        for (host, port) in &database.addresses {
            match connect(hosts, database, patience, host, *port).await {
                Ok(mut session) => {
                    session.batch(first).await?;
                    return Ok(session);
                }
                Err(error) => failed = Some(error),
            }
        }
        Err(failed.unwrap_or(Error::Unreachable {
            kind: Kind::Postgres,
            place: String::new(),
            reason: "no host is given".to_owned(),
        }))
    }

    /// For calls whose future is then given to [`Session::drive`].
    pub(super) fn client(&self) -> Arc<Client> {
        Arc::clone(&self.client)
    }

    /// Runs statements whose answers do not matter.
    pub(super) async fn batch(&mut self, statements: &str) -> Result<()> {
        let client = self.client();
        self.drive(client.batch_execute(statements)).await
    }

    /// The rows of a query, as texts.
    pub(super) async fn rows(&mut self, query: &str) -> Result<Vec<Vec<Option<String>>>> {
        let client = self.client();
        let messages = self.drive(client.simple_query(query)).await?;
        let rows = messages.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect::<Vec<_>>())
            }
            _ => None,
        });
        Ok(rows.collect())
    }

    /// Waits for `what`, which asked something of the client, and moves the connection on meanwhile.
    pub(super) async fn drive<T>(
        &mut self,
        what: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>,
    ) -> Result<T> {
        let mut what = std::pin::pin!(what);
        let driver = &mut self.driver;
        let mut broken = None;
        let both = std::future::poll_fn(|context| {
            if let Poll::Ready(done) = what.as_mut().poll(context) {
                return Poll::Ready(done);
            }
            if broken.is_none() {
                match driver.as_mut().poll(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(ended) => broken = Some(ended.err()),
                }
            }
            // the connection is gone: what waits for it learns so now
            what.as_mut().poll(context)
        });
        let done = tokio::time::timeout(self.read, both).await;
        let timed_out =
            || Error::TimedOut { kind: Kind::Postgres, place: self.place.clone(), seconds: self.read.as_secs() };
        match done.map_err(|_| timed_out())? {
            Ok(value) => Ok(value),
            Err(error) => {
                let cause = broken.flatten().filter(|_| error.is_closed()).unwrap_or(error);
                Err(error_of(&cause, &self.place, &self.user))
            }
        }
    }

    /// `host:port`, for errors.
    pub(super) fn place(&self) -> &str {
        &self.place
    }
}

async fn connect(hosts: &Hosts, database: &Database, patience: Patience, host: &str, port: u16) -> Result<Session> {
    match database.tls.mode {
        TlsMode::Disable => connect_as(hosts, database, patience, (host, port), Asked::Disable).await,
        TlsMode::Allow => match connect_as(hosts, database, patience, (host, port), Asked::Disable).await {
            // its rules may want TLS
            Err(Error::LoginRefused { .. }) => {
                connect_as(hosts, database, patience, (host, port), Asked::Require).await
            }
            other => other,
        },
        TlsMode::Prefer => connect_as(hosts, database, patience, (host, port), Asked::Prefer).await,
        TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => {
            connect_as(hosts, database, patience, (host, port), Asked::Require).await
        }
    }
}

async fn connect_as(
    hosts: &Hosts,
    database: &Database,
    patience: Patience,
    (host, port): (&str, u16),
    asked: Asked,
) -> Result<Session> {
    let place = format!("{host}:{port}");
    let unreachable = |reason: String| Error::Unreachable { kind: Kind::Postgres, place: place.clone(), reason };
    let addresses = hosts.resolve(host, port).await?;
    let mut config = Config::new();
    config.user(&database.user).dbname(&database.database).application_name("everview").ssl_mode(asked);
    if !database.password.is_empty() {
        config.password(database.password.reveal());
    }
    let logging_in = async {
        let stream = TcpStream::connect(addresses.as_slice()).await.map_err(|error| unreachable(error.to_string()))?;
        let _ = stream.set_nodelay(true);
        let mut tls = MakeRustlsConnect::new(tls::config(&database.tls).map_err(unreachable)?);
        let name = host.trim_start_matches('[').trim_end_matches(']');
        let tls = <MakeRustlsConnect as MakeTlsConnect<TcpStream>>::make_tls_connect(&mut tls, name)
            .map_err(|error| unreachable(error.to_string()))?;
        config.connect_raw(stream, tls).await.map_err(|error| error_of(&error, &place, &database.user))
    };
    let (client, connection) = tokio::time::timeout(patience.connect, logging_in).await.map_err(|_| {
        Error::TimedOut { kind: Kind::Postgres, place: place.clone(), seconds: patience.connect.as_secs() }
    })??;
    let is = |name: &str, known: &[&str]| connection.parameter(name).is_some_and(|value| known.contains(&value));
    let habits = Habits {
        utf8: is("server_encoding", &["UTF8", "SQL_ASCII"]),
        utc: is("TimeZone", &["UTC", "Etc/UTC", "GMT", "Etc/GMT", "Universal", "Etc/Universal", "Zulu"]),
    };
    let (client, driver) = (Arc::new(client), Box::pin(connection));
    Ok(Session { client, driver, place: place.clone(), user: database.user.clone(), read: patience.read, habits })
}

/// What an error of the client means.
fn error_of(error: &tokio_postgres::Error, place: &str, user: &str) -> Error {
    let (kind, place) = (Kind::Postgres, place.to_owned());
    let Some(server) = error.as_db_error() else {
        let mut reason = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            reason = format!("{reason}: {cause}");
            source = cause.source();
        }
        return Error::Unreachable { kind, place, reason };
    };
    let reason = match server.detail() {
        Some(detail) => format!("{} ({detail})", server.message()),
        None => server.message().to_owned(),
    };
    match server.code() {
        code if *code == SqlState::INVALID_PASSWORD || *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            Error::LoginRefused { kind, place, user: user.to_owned(), reason }
        }
        code if *code == SqlState::UNDEFINED_TABLE => Error::Missing { kind, place: reason },
        // no such database, too many connections, shutting down, starting up, connection exceptions
        code if *code == SqlState::UNDEFINED_DATABASE
            || ["08", "53", "57P"].iter().any(|class| code.code().starts_with(class)) =>
        {
            Error::Unreachable { kind, place, reason }
        }
        _ => Error::Refused { kind, place, reason },
    }
}
