//! Where a table of another database is, as `postgresql()` and `mysql()` are told.

use std::time::Duration;

use crate::secret::Secret;
use crate::tls::Tls;

/// A table of another database. `Debug` shows no password.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Database {
    /// Hosts with their ports, to be tried in this order: one `host:port`, or several with `|` between them.
    pub addresses: Vec<(String, u16)>,
    /// The database.
    pub database: String,
    /// What is read of it.
    pub target: Target,
    /// The user.
    pub user: String,
    /// The password; empty for none.
    pub password: Secret,
    /// PostgreSQL's schema; `None` for the first of its search path.
    pub schema: Option<String>,
    /// What an INSERT says of rows that are there: PostgreSQL's `ON CONFLICT …`, MySQL's `ON DUPLICATE KEY …`; empty for
    /// nothing.
    pub on_conflict: String,
    /// MySQL: write with REPLACE.
    pub replaces: bool,
    /// How connections are encrypted.
    pub tls: Tls,
}

/// What is read of a database.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Target {
    /// A table, as it is called there.
    Table(String),
    /// A query in the language of the database: one SELECT, which it runs as it is written. It is only read.
    Query(String),
}

impl Target {
    /// Its name in EXPLAIN.
    pub(crate) fn name(&self) -> &str {
        match self {
            Target::Table(table) => table,
            Target::Query(_) => "(query)",
        }
    }

    /// A query as the FROM of another one. A comment at its end does not reach the bracket.
    pub(crate) fn subquery(query: &str) -> String {
        format!("({query}\n) AS __subquery")
    }
}

/// How long a source is waited for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Patience {
    /// For a connection, its handshake and its login.
    pub connect: Duration,
    /// Between two pieces of an answer.
    pub read: Duration,
}

impl Default for Patience {
    /// ClickHouse's `external_storage_connect_timeout_sec` and `external_storage_rw_timeout_sec`.
    fn default() -> Patience {
        Patience { connect: Duration::from_secs(10), read: Duration::from_secs(300) }
    }
}
