//! Which statement goes where. One arm a kind; what belongs to a later version is refused by name.

use std::sync::Arc;

use format::Format;
use query::QueryContext;
use sql::ast::{Explain, ExplainKind, ExplainTarget, StatementKind};
use types::{Block, Column, DataType, Header, Setting};

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::extremes::Extremes;
use crate::request::{Answer, Rows, Source, summary};
use crate::session::{Running, Session};
use crate::{
    alter, backup, check, collections, ddl, dictionaries, insert, lookup, optimize, refresh, settings, show, system,
    verify,
};

/// Runs a statement.
pub(crate) async fn run(session: &mut Session, running: Running) -> Result<Answer> {
    let engine = session.engine.clone();
    let ctx = Arc::clone(&running.ctx);
    dictionaries::load_before(&running.statement.kind, &running.request.text, &ctx).await;
    match &running.statement.kind {
        StatementKind::Query(query) => {
            let query = (**query).clone();
            select(running, &query).await
        }
        StatementKind::Insert(insert) => {
            let insert = (**insert).clone();
            insert::run(&engine, running, &insert).await
        }
        StatementKind::Explain(explain) => {
            let explain = (**explain).clone();
            let lines = match &explain.target {
                ExplainTarget::View(view) => engine.inner.refreshes.explain(view, &ctx).await?,
                _ => self::explain(&explain, &ctx).await?,
            };
            text_rows(running, "explain", lines)
        }
        StatementKind::Show(what) => match show::run(what, &ctx).await? {
            show::Shown::Query(query) => select(running, &query).await,
            show::Shown::Text { column, text } => text_rows(running, column, vec![text]),
        },
        StatementKind::Describe(describe) => {
            let block = show::describe(describe, &ctx).await?;
            rows(running, block)
        }
        StatementKind::Check(what) => {
            let block = check::run(what, &ctx).await?;
            rows(running, block)
        }
        StatementKind::Exists(exists) => {
            let block = show::exists(exists, &ctx)?;
            rows(running, block)
        }
        StatementKind::Set(changes) => {
            set(session, changes)?;
            done(&running)
        }
        StatementKind::Use(name) => {
            session.database = ddl::database_name(&ctx, &name.name)?;
            done(&running)
        }
        StatementKind::Kill(kill) => {
            let block = system::processes::kill(&engine, kill, &ctx).await?;
            rows(running, block)
        }
        StatementKind::Backup(what) => {
            let block = backup::run(&engine, what, &ctx).await?;
            rows(running, block)
        }
        StatementKind::VerifyView(name) => {
            let block = verify::run(&engine, name, &ctx).await?;
            rows(running, block)
        }
        kind => {
            change(&engine, kind, &ctx).await?;
            engine.inner.refreshes.sync().await;
            done(&running)
        }
    }
}

/// Statements that change something and have no rows.
async fn change(engine: &Engine, kind: &StatementKind, ctx: &Arc<QueryContext>) -> Result<()> {
    match kind {
        StatementKind::CreateDatabase(_)
        | StatementKind::CreateTable(_)
        | StatementKind::CreateView(_)
        | StatementKind::CreateMaterializedView(_)
        | StatementKind::CreateWindowView(_)
        | StatementKind::CreateDictionary(_)
        | StatementKind::Drop(_)
        | StatementKind::TruncateTables(_)
        | StatementKind::Rename(_)
        | StatementKind::Exchange(_)
        | StatementKind::Undrop(_)
        | StatementKind::Attach(_) => ddl::run(engine, kind, ctx).await,
        StatementKind::AlterTable(what) => alter::run(engine, what, ctx).await,
        StatementKind::CreateIndex(what) => alter::run(engine, &ddl::indexes::create(what)?, ctx).await,
        StatementKind::DropIndex(what) => alter::run(engine, &ddl::indexes::drop(what), ctx).await,
        StatementKind::Mutate(mutate) => alter::mutate(engine, mutate, ctx).await,
        StatementKind::Optimize(what) => optimize::run(engine, what, ctx).await,
        StatementKind::CreateConcurrencyGroup(create) => refresh::create_group(engine, create, ctx).await,
        StatementKind::AlterConcurrencyGroup(alter) => refresh::alter_group(engine, alter, ctx).await,
        StatementKind::CreateNamedCollection(create) => collections::create(engine, create, ctx).await,
        StatementKind::AlterNamedCollection(alter) => collections::alter(engine, alter, ctx).await,
        StatementKind::System(command) => system::run(engine, command, ctx).await,
        later => Err(Error::NotImplemented(name_of(later).to_owned())),
    }
}

/// What a statement of a later version is called.
fn name_of(kind: &StatementKind) -> &str {
    match kind {
        StatementKind::CreateFunction(_) => "CREATE FUNCTION",
        StatementKind::AlterDatabase(_) => "ALTER DATABASE",
        StatementKind::Begin
        | StatementKind::Commit
        | StatementKind::Rollback
        | StatementKind::SetTransactionSnapshot(_) => "a transaction of several statements",
        StatementKind::Known(known) => &known.name,
        _ => "this statement",
    }
}

fn set(session: &mut Session, changes: &[sql::ast::Setting]) -> Result<()> {
    let (params, changes): (Vec<_>, Vec<_>) =
        changes.iter().cloned().partition(|change| change.name.name.starts_with("param_"));
    settings::apply(&mut session.settings, &changes)?;
    for param in params {
        let name = param.name.name.trim_start_matches("param_").to_owned();
        session.params.insert(name, settings::text(&param.name.name, &param.value)?);
    }
    Ok(())
}

/// Runs a SELECT. A plan that was made for the same text over the same definitions is used again.
async fn select(running: Running, query: &sql::Query) -> Result<Answer> {
    if running.statement.tail.outfile.is_some() {
        return Err(Error::NotImplemented("INTO OUTFILE".to_owned()));
    }
    let ctx = Arc::clone(&running.ctx);
    if let Some(block) = lookup::answer(query, &ctx).await? {
        let header = block.header().clone();
        return answer(running, ctx, header, Source::Blocks(vec![block].into_iter()));
    }
    let stream = query::select(query, &ctx).await?;
    let header = stream.header().clone();
    answer(running, ctx, header, Source::Stream(stream))
}

fn answer(running: Running, ctx: Arc<QueryContext>, states: Header, source: Source) -> Result<Answer> {
    let format = format_of(&running)?;
    let header = presentable_header(&states);
    Ok(Answer::Rows(Box::new(Rows {
        extremes: ctx.settings.flag(Setting::ExtremesOutput).then(|| Extremes::new(&header)),
        header,
        format,
        settings: ctx.settings.clone(),
        states,
        protocol_revision: running.request.protocol_revision,
        source,
        ctx,
        started_ns: running.started_ns,
        running: running.guard,
    })))
}

/// The format of an answer: the statement's, the request's, or TabSeparated.
fn format_of(running: &Running) -> Result<Format> {
    let named = running.statement.tail.format.as_ref().map(|format| format.name.as_str());
    Ok(Format::parse(named.or(running.request.format.as_deref()).unwrap_or("TabSeparated"))?)
}

fn rows(running: Running, block: Block) -> Result<Answer> {
    let (ctx, header) = (Arc::clone(&running.ctx), block.header().clone());
    answer(running, ctx, header, Source::Blocks(vec![block].into_iter()))
}

fn text_rows(running: Running, column: &str, lines: Vec<String>) -> Result<Answer> {
    let header = Header::new(vec![Column::new(column, DataType::String)]);
    let lines = arrow::array::BinaryArray::from_iter_values(lines.iter().map(String::as_bytes));
    rows(running, Block::new(header, vec![Arc::new(lines)])?)
}

fn done(running: &Running) -> Result<Answer> {
    Ok(Answer::Done(summary(&running.ctx, running.started_ns)))
}

async fn explain(explain: &Explain, ctx: &Arc<QueryContext>) -> Result<Vec<String>> {
    let lines = match (&explain.kind, &explain.target) {
        (ExplainKind::Syntax, ExplainTarget::Statement(statement)) => {
            lines_of(&query::external::hide_secrets(&statement.to_pretty()))
        }
        (ExplainKind::Ast, ExplainTarget::Statement(statement)) => lines_of(&format!("{:#?}", statement.kind)),
        (ExplainKind::Plan | ExplainKind::Pipeline, ExplainTarget::Statement(statement)) => {
            let StatementKind::Query(query) = &statement.kind else {
                return Err(Error::NotImplemented("EXPLAIN of a statement that is no SELECT".to_owned()));
            };
            query::prepare(query, ctx).await?.compiled.explain(ctx).await?
        }
        (kind, _) => return Err(Error::NotImplemented(format!("EXPLAIN {kind:?}"))),
    };
    Ok(lines)
}

fn lines_of(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// Columns as they are shown: states of aggregates are their bytes, as a String.
pub(crate) fn presentable(block: &Block) -> Result<Block> {
    if !block.header().columns().iter().any(is_state) {
        return Ok(block.clone());
    }
    let mut arrays = Vec::with_capacity(block.header().len());
    for (column, array) in block.header().columns().iter().zip(block.arrays()) {
        arrays.push(match &column.ty {
            DataType::AggregateFunction(signature) => {
                let bytes = aggregate::encode_clickhouse(signature, array);
                let bytes = bytes.map_err(|error| Error::refused(error.code(), error.to_string()))?;
                Arc::new(bytes) as arrow::array::ArrayRef
            }
            _ => array.clone(),
        });
    }
    Ok(Block::with_rows(presentable_header(block.header()), arrays, block.rows())?)
}

fn presentable_header(header: &Header) -> Header {
    let shown = |column: &Column| match is_state(column) {
        true => Column { name: column.name.clone(), ty: DataType::String },
        false => column.clone(),
    };
    Header::new(header.columns().iter().map(shown).collect::<Vec<_>>())
}

fn is_state(column: &Column) -> bool {
    matches!(column.ty, DataType::AggregateFunction(_))
}
