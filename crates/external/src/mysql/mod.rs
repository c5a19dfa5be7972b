//! Tables of another database: `mysql()`, which reads MariaDB as well.
//!
//! Every call makes a connection of its own, and no state outlives it. Rows are streamed in the text protocol from a session
//! that can only read, a block at a time; rows are written with INSERT or REPLACE in one transaction. In reading order:
//! [`columns`] (types), [`statement`] (what is asked, with quoting), [`decode`] and [`encode`] (rows), [`session`] (the
//! connection).
//!
//! Times are wall clocks as the session there shows them, read in the zone of the column here: what the real engine does.
//! Connections are encrypted where the server can.

mod columns;
mod decode;
mod encode;
mod session;
mod statement;

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use mysql_async::{Row, Value};
use types::text::Zone;
use types::{Block, Header};

use self::columns::{Class, Column, Described};
use self::session::Session;
use crate::database::{Database, Patience, Target};
use crate::error::{Error, Kind, Result};
use crate::hosts::Hosts;
use crate::relation::{Blocks, Scan, Table};
use crate::rows::{self, RowBuilder};

/// The table at that place. Nothing is connected to before it is asked.
pub fn table(hosts: Arc<Hosts>, database: Database, patience: Patience) -> Arc<dyn Table> {
    Arc::new(Remote { hosts, database, patience })
}

#[derive(Debug)]
struct Remote {
    hosts: Arc<Hosts>,
    database: Database,
    patience: Patience,
}

impl Remote {
    /// What is read, as the FROM of a SELECT.
    fn quoted(&self) -> String {
        match &self.database.target {
            Target::Table(table) => statement::table(&self.database.database, table),
            Target::Query(query) => Target::subquery(query),
        }
    }

    async fn begin_to_read(&self) -> Result<Session> {
        let first = [statement::ESCAPES, statement::READ_ONLY];
        Session::begin(&self.hosts, &self.database, self.patience, &first).await
    }

    /// The columns, and whether the session's zone is UTC.
    async fn described(&self, session: &mut Session) -> Result<(Vec<Column>, bool)> {
        let table = match &self.database.target {
            Target::Table(table) => table,
            Target::Query(_) => return self.prepared(session).await,
        };
        let rows = session.rows(statement::columns(&self.database.database, table)).await?;
        let utc = rows.first().and_then(|row| text(row, 8)).is_some_and(|zone| is_utc(&zone));
        let columns: Vec<Column> = rows.iter().map(|row| Column::new(&described(row))).collect();
        if columns.is_empty() {
            let place = format!("table {} at {}", self.quoted(), session.place());
            return Err(Error::Missing { kind: Kind::MySql, place });
        }
        Ok((columns, utc))
    }
}

impl Remote {
    /// The columns of a query: the server prepares it and does not run it. It prepares one statement only, so that nothing
    /// stands behind the brackets that the query is put in.
    async fn prepared(&self, session: &mut Session) -> Result<(Vec<Column>, bool)> {
        let columns = session.prepare(format!("SELECT * FROM {} LIMIT 0", self.quoted())).await?;
        let zone = session.rows(statement::ZONE.to_owned()).await?;
        let utc = zone.first().and_then(|row| text(row, 0)).is_some_and(|zone| is_utc(&zone));
        Ok((columns.iter().map(|column| Column::new(&Described::of(column))).collect(), utc))
    }
}

/// The names that servers have for UTC.
fn is_utc(zone: &str) -> bool {
    ["+00:00", "-00:00", "UTC", "Etc/UTC", "GMT", "Universal", "Zulu"]
        .iter()
        .any(|name| zone.eq_ignore_ascii_case(name))
}

/// A cell of the text protocol.
fn cell(row: &Row, at: usize) -> Option<&[u8]> {
    match row.as_ref(at)? {
        Value::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

fn text(row: &Row, at: usize) -> Option<String> {
    Some(String::from_utf8_lossy(cell(row, at)?).into_owned())
}

fn described(row: &Row) -> Described {
    let number = |at: usize| text(row, at).and_then(|text| text.parse::<u32>().ok());
    let small = |at: usize| number(at).and_then(|number| u8::try_from(number).ok());
    Described {
        name: text(row, 0).unwrap_or_default(),
        declared: text(row, 1).unwrap_or_default(),
        nullable: text(row, 2).is_some_and(|text| text.eq_ignore_ascii_case("YES")),
        length: number(3),
        precision: small(4),
        scale: small(5),
        digits: small(6),
        charset: text(row, 7),
    }
}

#[async_trait]
impl Table for Remote {
    fn kind(&self) -> Kind {
        Kind::MySql
    }

    fn name(&self) -> String {
        format!("mysql({}.{})", self.database.database, self.database.target.name())
    }

    async fn columns(&self) -> Result<Header> {
        let mut session = self.begin_to_read().await?;
        let (columns, _) = self.described(&mut session).await?;
        session.end().await;
        Ok(Header::new(columns.into_iter().map(|c| types::Column::new(c.name, c.ty)).collect::<Vec<_>>()))
    }

    async fn scan(&self, scan: Scan) -> Result<Blocks> {
        let mut session = self.begin_to_read().await?;
        let (columns, utc) = self.described(&mut session).await?;
        let select = statement::select(&self.quoted(), &columns, &scan, utc);
        if let Target::Query(_) = self.database.target {
            // the text protocol takes several statements: what is not one is found out by preparing it
            session.prepare(select.clone()).await?;
        }
        if scan.columns.is_empty() {
            let answer = session.rows(select).await?;
            let count = answer.first().and_then(|row| text(row, 0)).and_then(|text| text.parse().ok()).unwrap_or(0);
            session.end().await;
            return Ok(rows::alone(count, scan.block_rows));
        }
        session.ask(select).await?;
        let class = |name: &str| {
            columns.iter().find(|column| column.name.eq_ignore_ascii_case(name)).map_or(Class::Other, |c| c.class)
        };
        let rows = RowBuilder::new(Kind::MySql, scan.columns, class, decode::append, scan.block_rows, scan.zone);
        let reading = Reading { session, rows };
        let next = |reading: Option<Reading>| async move {
            let Some(mut reading) = reading else { return Ok(None) };
            let (block, ended) = reading.next().await?;
            let Some(block) = block else {
                reading.session.end().await;
                return Ok(None);
            };
            if ended {
                reading.session.end().await;
                return Ok(Some((block, None)));
            }
            Ok(Some((block, Some(reading))))
        };
        Ok(futures::stream::try_unfold(Some(reading), next).boxed())
    }

    async fn insert(&self, columns: &Header, zone: Zone, mut blocks: Blocks) -> Result<()> {
        if let Target::Query(_) = self.database.target {
            return Err(Error::ReadOnly { kind: Kind::MySql, what: "what a query gives" });
        }
        let mut session = Session::begin(&self.hosts, &self.database, self.patience, &[statement::ESCAPES]).await?;
        let on_duplicate = self.database.on_conflict.trim();
        let how = encode::How { replaces: self.database.replaces, on_duplicate, zone };
        session.run("START TRANSACTION".to_owned()).await?;
        while let Some(block) = blocks.next().await {
            for insert in encode::inserts(&self.quoted(), columns, &block?, how) {
                session.run(insert).await?;
            }
        }
        session.run("COMMIT".to_owned()).await?;
        session.end().await;
        Ok(())
    }
}

/// An answer that is being read.
struct Reading {
    session: Session,
    rows: RowBuilder<Class>,
}

impl Reading {
    /// The next block, and whether the answer has ended.
    async fn next(&mut self) -> Result<(Option<Block>, bool)> {
        while let Some(row) = self.session.row().await? {
            for at in 0..self.rows.width() {
                self.rows.cell(at, cell(&row, at))?;
            }
            self.rows.end_row();
            if self.rows.is_full() {
                return Ok((self.rows.take()?, false));
            }
        }
        Ok((self.rows.take()?, true))
    }
}
