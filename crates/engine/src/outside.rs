//! INSERT into sources elsewhere: `INSERT INTO FUNCTION url(…)` and tables of engines URL, S3, File, MySQL, PostgreSQL.
//!
//! Rows are read, decoded or computed in one task and taken by the source in another, a block ahead. What a source has taken
//! when a statement fails is the source's: such an INSERT is not in any commit of ours.

use std::sync::Arc;

use futures::{StreamExt, stream};
use query::external::{Kind, Outside, Writing};
use sql::ast::{Insert as AstInsert, InsertSource, TableFunction};
use store::TableDef;
use tokio::sync::mpsc;
use types::{Block, ErrorCode, Header};

use crate::error::{Error, Result};
use crate::insert::{self, Sink};
use crate::request::{Answer, summary};
use crate::session::Running;

/// INSERT INTO FUNCTION.
pub(crate) async fn into_function(running: Running, call: &TableFunction, insert: &AstInsert) -> Result<Answer> {
    let ctx = Arc::clone(&running.ctx);
    let name = call.name.name.as_str();
    let kind = Kind::of_function(name).filter(|_| call.database.is_none());
    let Some(kind) = kind else {
        return Err(Error::NotImplemented(format!("INSERT INTO FUNCTION {name}")));
    };
    if !call.settings.is_empty() {
        return Err(Error::NotImplemented(format!("SETTINGS inside table function {name}")));
    }
    let outside = Outside::of_call(kind, name, &call.arguments, &ctx)?;
    let header = match (&insert.source, outside.has_structure()) {
        // what is written says what columns there are
        (InsertSource::Query(query), false) if outside.is_written_anew() => {
            query::prepare(query, &ctx).await?.header().clone()
        }
        _ => outside.ask_columns(&ctx).await?,
    };
    run(running, Writing::new(outside, header), insert).await
}

/// INSERT INTO a table whose rows are elsewhere.
pub(crate) async fn into_table(running: Running, table: &TableDef, insert: &AstInsert) -> Result<Answer> {
    let outside = query::relations::outside_of_table(table, &running.ctx)?;
    let header = outside.ask_columns(&running.ctx).await?;
    run(running, Writing::new(outside, header), insert).await
}

async fn run(mut running: Running, writing: Writing, insert: &AstInsert) -> Result<Answer> {
    let ctx = Arc::clone(&running.ctx);
    let listed = insert::named_columns(&insert.columns, writing.header())?;
    let columns = match &listed {
        None => writing.header().clone(),
        Some(names) => listed_columns(names, writing.header())?,
    };
    let (sender, receiver) = mpsc::channel::<query::Result<Block>>(1);
    let blocks =
        stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|block| (block, receiver)) });
    let converter = query::expressions::Converter::new(&columns, writing.header(), &ctx)?;
    let mut sink = Sink::outside(sender, converter);
    let fed = async {
        let fed = insert::feed(&mut sink, &mut running, insert, &columns, &ctx).await;
        let fed = match fed {
            Ok(()) => Ok(()),
            // the source must not take a part for the whole
            Err(error) => {
                sink.fail(&error).await;
                Err(error)
            }
        };
        let written = sink.written();
        drop(sink);
        fed.map(|()| written)
    };
    let (fed, taken) = futures::join!(fed, writing.run(blocks.boxed(), &ctx));
    // when the source is the first to fail, feeding fails for want of someone to take the rows
    let written = match (fed, taken) {
        (_, Err(error)) => return Err(error.into()),
        (fed, Ok(())) => fed?,
    };
    running.guard.wrote(written.rows, written.bytes);
    let summary = summary(&ctx, running.started_ns);
    Ok(Answer::Done(crate::Summary { written_rows: written.rows, written_bytes: written.bytes, ..summary }))
}

/// The columns of a list, in its order.
fn listed_columns(names: &[String], header: &Header) -> Result<Header> {
    let column = |name: &String| {
        let at = header.position(name).ok_or_else(|| {
            let message = format!("there is no column \"{name}\" to insert into");
            Error::refused(ErrorCode::NO_SUCH_COLUMN_IN_TABLE, message)
        })?;
        Ok(header.columns()[at].clone())
    };
    Ok(Header::new(names.iter().map(column).collect::<Result<Vec<_>>>()?))
}
