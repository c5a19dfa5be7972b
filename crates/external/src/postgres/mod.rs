//! Tables of another database: `postgresql()`.
//!
//! Every call makes a connection of its own, and no state outlives it. Rows are streamed with COPY inside a transaction that
//! can only read, a block at a time; rows are written with COPY, or with INSERT where ON CONFLICT is given, in one
//! transaction. In reading order: [`columns`] (types), [`statement`] (what is asked, with quoting), [`decode`] and
//! [`encode`] (rows), [`session`] (the connection).

mod columns;
mod decode;
mod encode;
mod session;
mod statement;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use futures::{SinkExt, StreamExt, TryStreamExt};
use tokio_postgres::CopyOutStream;
use types::text::Zone;
use types::{Block, Header};

use self::columns::{Class, Column};
use self::decode::Decoder;
use self::session::Session;
use crate::database::{Database, Patience, Target};
use crate::error::{Error, Kind, Result};
use crate::hosts::Hosts;
use crate::relation::{Blocks, Scan, Table};
use crate::rows;

/// The table at that place. Nothing is connected to before it is asked.
pub fn table(hosts: Arc<Hosts>, database: Database, patience: Patience) -> Arc<dyn Table> {
    Arc::new(Remote { hosts, database, patience })
}

/// Where tables are that are named without a schema, as for the real engine.
const DEFAULT_SCHEMA: &str = "public";

#[derive(Debug)]
struct Remote {
    hosts: Arc<Hosts>,
    database: Database,
    patience: Patience,
}

impl Remote {
    fn schema(&self) -> &str {
        self.database.schema.as_deref().filter(|schema| !schema.is_empty()).unwrap_or(DEFAULT_SCHEMA)
    }

    /// What is read, as the FROM of a SELECT.
    fn quoted(&self) -> String {
        match &self.database.target {
            Target::Table(table) => statement::table(self.schema(), table),
            Target::Query(query) => Target::subquery(query),
        }
    }

    async fn begin(&self, first: &str) -> Result<Session> {
        let (Target::Table(target) | Target::Query(target)) = &self.database.target;
        let texts = [self.schema(), target, &self.database.database, &self.database.user];
        if texts.iter().any(|text| text.contains('\0')) {
            return Err(Error::Missing { kind: Kind::Postgres, place: format!("{:?}", self.name()) });
        }
        Session::begin(&self.hosts, &self.database, self.patience, first).await
    }

    /// The columns that the catalogs, or the server for a query, know, each with the reason where no type holds it.
    async fn described(&self, session: &mut Session) -> Result<Vec<Result<Column>>> {
        let rows = match &self.database.target {
            Target::Table(table) => session.rows(&statement::columns(self.schema(), table)).await?,
            Target::Query(_) => self.prepared(session).await?,
        };
        let mut columns = Vec::with_capacity(rows.len());
        for row in rows {
            let [Some(name), Some(declared), not_null, dimensions] = row.as_slice() else { continue };
            let not_null = not_null.as_deref() == Some("t");
            let dimensions = dimensions.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0);
            let column = Column::new(name.clone(), declared, not_null, dimensions);
            columns.push(match column {
                Ok(column) if column.dimensions_unknown => self.measured(session, column).await,
                other => other,
            });
        }
        if columns.is_empty() {
            let place = format!("table {} at {}", self.quoted(), session.place());
            return Err(Error::Missing { kind: Kind::Postgres, place });
        }
        Ok(columns)
    }

    /// The columns of a query, as rows of the catalogs' form. The server prepares it and does not run it; it takes one
    /// statement only, so that nothing stands behind the brackets that it is put in.
    async fn prepared(&self, session: &mut Session) -> Result<Vec<Vec<Option<String>>>> {
        let client = session.client();
        let text = format!("SELECT * FROM {} LIMIT 0", self.quoted());
        let prepared = session.drive(client.prepare(&text)).await.map_err(|error| match error {
            // not the table that was named
            Error::Missing { kind, place } => Error::Refused { kind, place: session.place().to_owned(), reason: place },
            other => other,
        })?;
        let types: Vec<(u32, i32)> = prepared.columns().iter().map(|c| (c.type_().oid(), c.type_modifier())).collect();
        let types = session.rows(&statement::type_names(&types)).await?;
        let mut names = BTreeSet::new();
        let mut rows = Vec::with_capacity(types.len());
        for (column, ty) in prepared.columns().iter().zip(types) {
            if !names.insert(column.name()) {
                return Err(Error::SameName { kind: Kind::Postgres, column: column.name().to_owned() });
            }
            rows.push(vec![Some(column.name().to_owned()), ty.into_iter().next().flatten(), None, None]);
        }
        Ok(rows)
    }

    /// The catalogs do not say the dimensions of arrays of views and of CREATE TABLE AS: the first array with elements does.
    async fn measured(&self, session: &mut Session, column: Column) -> Result<Column> {
        let rows = session.rows(&statement::dimensions(&self.quoted(), &column.name)).await?;
        let dimensions = rows.first().and_then(|row| row.first()?.as_deref()?.parse().ok());
        Ok(column.with_dimensions(dimensions.unwrap_or(1)))
    }
}

#[async_trait]
impl Table for Remote {
    fn kind(&self) -> Kind {
        Kind::Postgres
    }

    fn name(&self) -> String {
        format!("postgresql({}.{}.{})", self.database.database, self.schema(), self.database.target.name())
    }

    async fn columns(&self) -> Result<Header> {
        let mut session = self.begin(statement::READ_ONLY).await?;
        let columns = self.described(&mut session).await?.into_iter().collect::<Result<Vec<Column>>>()?;
        Ok(Header::new(columns.into_iter().map(|c| types::Column::new(c.name, c.ty)).collect::<Vec<_>>()))
    }

    async fn scan(&self, scan: Scan) -> Result<Blocks> {
        let mut session = self.begin(statement::READ_ONLY).await?;
        // a column that no type here holds matters only where it is asked for: then it is read as it is declared here
        let columns: Vec<Column> = self.described(&mut session).await?.into_iter().filter_map(Result::ok).collect();
        let copy = statement::copy_out(&self.quoted(), &columns, &scan, session.habits);
        if scan.columns.is_empty() {
            return counted(session, &copy, scan.block_rows).await;
        }
        let class = |name: &str| columns.iter().find(|c| c.name == name).map_or(Class::Other, |c| c.class);
        let client = session.client();
        let copied = Box::pin(session.drive(client.copy_out(&copy)).await?);
        let decoder = Decoder::new(scan.columns, class, scan.block_rows, scan.zone);
        let reading = Reading { session, rows: copied, decoder, ended: false };
        let next = |mut reading: Reading| async move { Ok(reading.next().await?.map(|block| (block, reading))) };
        Ok(futures::stream::try_unfold(reading, next).boxed())
    }

    async fn insert(&self, columns: &Header, zone: Zone, mut blocks: Blocks) -> Result<()> {
        if let Target::Query(_) = self.database.target {
            return Err(Error::ReadOnly { kind: Kind::Postgres, what: "what a query gives" });
        }
        let mut session = self.begin(statement::READ_WRITE).await?;
        let client = session.client();
        let (table, conflict) = (self.quoted(), self.database.on_conflict.trim());
        if conflict.is_empty() {
            let copy = encode::copy_in(&table, columns);
            let mut sink = Box::pin(session.drive(client.copy_in::<_, bytes::Bytes>(&copy)).await?);
            while let Some(block) = blocks.next().await {
                for piece in encode::copy_rows(&block?, zone) {
                    session.drive(sink.send(piece)).await?;
                }
            }
            session.drive(sink.as_mut().finish()).await?;
        } else {
            while let Some(block) = blocks.next().await {
                for insert in encode::inserts(&table, &block?, conflict, zone) {
                    session.drive(client.execute(&insert, &[])).await?;
                }
            }
        }
        session.batch("COMMIT").await
    }
}

/// Blocks without columns, of as many rows as COPY counts.
async fn counted(mut session: Session, copy: &str, block_rows: usize) -> Result<Blocks> {
    let client = session.client();
    let answer = session.drive(async { client.copy_out(copy).await?.try_collect::<Vec<_>>().await }).await?;
    let count = std::str::from_utf8(&answer.concat()).ok().and_then(|text| text.trim().parse::<usize>().ok());
    let count = count.ok_or_else(|| Error::Refused {
        kind: Kind::Postgres,
        place: session.place().to_owned(),
        reason: "a count that is no number".to_owned(),
    })?;
    Ok(rows::alone(count, block_rows))
}

/// A COPY that is being read.
struct Reading {
    session: Session,
    rows: Pin<Box<CopyOutStream>>,
    decoder: Decoder,
    ended: bool,
}

impl Reading {
    async fn next(&mut self) -> Result<Option<Block>> {
        while !self.ended {
            match self.session.drive(self.rows.try_next()).await? {
                Some(bytes) => self.decoder.push(&bytes)?,
                None => {
                    self.ended = true;
                    return self.decoder.finish();
                }
            }
            if self.decoder.is_full() {
                return self.decoder.take();
            }
        }
        Ok(None)
    }
}
