//! Tables of other databases, as a call or an engine says them: [`Database`] out of [`Given`] arguments.

use std::time::Duration;

use external::{Database, Patience, Secret, Target, Tls, TlsMode};
use sql::foreign::Dialect;
use types::{ErrorCode, Setting};

use super::given::{Given, Value};
use super::place::{Kind, Place, Rows, from_external};
use crate::context::QueryContext;
use crate::error::{Error, Result};

const KEYS: &[&str] = &[
    "database",
    "db",
    "table",
    "query",
    "user",
    "username",
    "password",
    "host",
    "hostname",
    "port",
    "addresses_expr",
    "description",
];
const POSTGRES_KEYS: &[&str] = &["schema", "on_conflict"];
const MYSQL_KEYS: &[&str] = &["on_duplicate_clause", "replace_query"];
/// Arguments by name behind the others.
const POSTGRES_TLS: &[&str] = &["sslmode", "sslrootcert_pem", "sslcert_pem", "sslkey_pem"];
const MYSQL_TLS: &[&str] = &["ssl_ca_pem", "ssl_cert_pem", "ssl_key_pem"];
/// Paths on the server's disk. ClickHouse takes them from its configuration file only, which is not had here.
const POSTGRES_PATHS: &[&str] = &["sslrootcert", "sslcert", "sslkey"];
const MYSQL_PATHS: &[&str] = &["ssl_ca", "ssl_cert", "ssl_key"];

/// The arguments by name that a database has behind those by position.
pub(super) fn options(kind: Kind) -> Vec<&'static str> {
    match kind {
        Kind::Postgres => [POSTGRES_TLS, POSTGRES_PATHS].concat(),
        Kind::MySql => [MYSQL_TLS, MYSQL_PATHS].concat(),
        Kind::Url | Kind::S3 | Kind::File => Vec::new(),
    }
}

/// The language of queries that a database is given.
pub(super) fn dialect(kind: Kind) -> Option<Dialect> {
    match kind {
        Kind::Postgres => Some(Dialect::PostgreSql),
        Kind::MySql => Some(Dialect::MySql),
        Kind::Url | Kind::S3 | Kind::File => None,
    }
}

/// The table of another database that arguments mean. Nothing is asked of it.
pub(super) fn place(kind: Kind, given: &Given, ctx: &QueryContext) -> Result<Place> {
    let is_mysql = kind == Kind::MySql;
    let own = if is_mysql { MYSQL_KEYS } else { POSTGRES_KEYS };
    let database = match named_database(given, &[KEYS, own, &options(kind)].concat())? {
        Some(get) => Database { addresses: addresses(&get.0, kind, given)?, ..get.1 },
        None => positional(given, is_mysql, addresses(&given.text(0), kind, given))?,
    };
    let database = Database { tls: tls(kind, given)?, ..database };
    if database.replaces && !database.on_conflict.trim().is_empty() {
        let what = "only one of replace_query and on_duplicate_clause can be given".to_owned();
        return Err(Error::reported(ErrorCode::BAD_ARGUMENTS, &what));
    }
    let seconds = |setting| Duration::from_secs(ctx.settings.uint(setting));
    let patience = Patience {
        connect: seconds(Setting::ExternalStorageConnectTimeoutSec),
        read: seconds(Setting::ExternalStorageRwTimeoutSec),
    };
    let hosts = ctx.runtime.hosts.clone();
    let table = match is_mysql {
        true => external::mysql::table(hosts, database, patience),
        false => external::postgres::table(hosts, database, patience),
    };
    Ok(Place { rows: Rows::Table(table), structure: None })
}

fn positional(given: &Given, is_mysql: bool, addresses: Result<Vec<(String, u16)>>) -> Result<Database> {
    let signature = match is_mysql {
        true => "5-7 parameters: host:port, database, table, user, password[, replace_query[, on_duplicate_clause]]",
        false => "from 5 to 7 parameters: host:port, database, table, user, password[, schema[, ON CONFLICT …]]",
    };
    given.expect(5, 7, signature)?;
    if let Some(other) = given.positional.iter().enumerate().find(|(at, v)| *at != 2 && matches!(v, Value::Query(_))) {
        return Err(given.bad(&format!("argument {} is a query; one may stand in the place of the table", other.0 + 1)));
    }
    let target = match given.positional.get(2) {
        Some(Value::Query(query)) => Target::Query(query.clone()),
        _ => Target::Table(given.text(2)),
    };
    Ok(Database {
        addresses: addresses?,
        database: given.text(1),
        target,
        user: given.text(3),
        password: Secret::new(given.text(4)),
        schema: given.at(5).filter(|schema| !is_mysql && !schema.is_empty()).map(str::to_owned),
        on_conflict: given.text(6),
        replaces: is_mysql && !matches!(given.at(5), None | Some("" | "0" | "false")),
        tls: Tls::default(),
    })
}

/// Address and database of a named collection; the addresses are still text.
fn named_database(given: &Given, keys: &[&str]) -> Result<Option<(String, Database)>> {
    let Some(named) = given.named(&[], keys)? else { return Ok(None) };
    let get = |keys: &[&str]| keys.iter().find_map(|key| named.get(*key)).cloned().unwrap_or_default();
    let needed = |keys: &[&str]| match get(keys) {
        text if text.is_empty() => {
            Err(given.bad(&format!("required key `{}` is missing in named collection", keys.join("` or `"))))
        }
        text => Ok(text),
    };
    let address = match named.get("addresses_expr") {
        Some(addresses) => addresses.clone(),
        None => match get(&["port"]) {
            port if port.is_empty() => needed(&["host", "hostname"])?,
            port => format!("{}:{port}", needed(&["host", "hostname"])?),
        },
    };
    let schema = get(&["schema"]);
    let database = Database {
        addresses: Vec::new(),
        database: needed(&["database", "db"])?,
        target: match (named.get("table"), named.get("query")) {
            (Some(_), Some(_)) => return Err(given.bad("a named collection has a table or a query, not both")),
            (None, Some(query)) => Target::Query(query.clone()),
            _ => Target::Table(needed(&["table"])?),
        },
        user: needed(&["user", "username"])?,
        password: Secret::new(get(&["password"])),
        schema: (!schema.is_empty()).then_some(schema),
        on_conflict: get(&["on_conflict", "on_duplicate_clause"]),
        replaces: !matches!(get(&["replace_query"]).as_str(), "" | "0" | "false"),
        tls: Tls::default(),
    };
    Ok(Some((address, database)))
}

/// How connections are encrypted: as arguments by name, or a collection, say it.
fn tls(kind: Kind, given: &Given) -> Result<Tls> {
    let (paths, [mode, authority, certificate, key]) = match kind {
        Kind::MySql => (MYSQL_PATHS, ["", "ssl_ca_pem", "ssl_cert_pem", "ssl_key_pem"]),
        _ => (POSTGRES_PATHS, ["sslmode", "sslrootcert_pem", "sslcert_pem", "sslkey_pem"]),
    };
    if let Some(path) = paths.iter().find(|path| given.option(path).is_some()) {
        return Err(
            given.bad(&format!("`{path}` is a path on the server: pass the contents of the file in `{path}_pem`"))
        );
    }
    let pem = |name: &str| Secret::new(given.option(name).unwrap_or_default());
    let (authority, certificate, key) = (pem(authority), pem(certificate), pem(key));
    let mode = match given.option(mode) {
        Some(name) => TlsMode::parse(name).ok_or_else(|| {
            let message = format!("invalid sslmode value: \"{name}\"");
            Error::refused(ErrorCode::POSTGRESQL_CONNECTION_FAILURE, message)
        })?,
        None if kind == Kind::MySql && !authority.is_empty() => TlsMode::VerifyFull,
        // who has a certificate to show means to show it
        None if kind == Kind::MySql && !certificate.is_empty() => TlsMode::Require,
        None => TlsMode::Prefer,
    };
    Ok(Tls { mode, authority, certificate, key })
}

/// `host[:port]`, several with `|` between them or in braces.
fn addresses(text: &str, kind: Kind, given: &Given) -> Result<Vec<(String, u16)>> {
    let default_port = if kind == Kind::MySql { 3306 } else { 5432 };
    let mut found = Vec::new();
    for piece in text.split('|') {
        for address in external::glob::expand(piece.trim(), ADDRESSES_MAX).map_err(from_external)? {
            let (host, port) = match address.rsplit_once(':') {
                // an IPv6 address without brackets has no port
                Some((host, _)) if host.contains(':') && !host.starts_with('[') => (address.as_str(), default_port),
                Some((host, port)) => (host, port.parse().map_err(|_| given.bad("a port is a number up to 65535"))?),
                None => (address.as_str(), default_port),
            };
            if host.is_empty() {
                return Err(given.bad("an address has no host"));
            }
            found.push((host.to_owned(), port));
        }
    }
    Ok(found)
}

/// `glob_expansion_max_elements` of addresses.
const ADDRESSES_MAX: usize = 1_000;
