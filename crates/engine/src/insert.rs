//! INSERT: rows from VALUES, from data in a format, or from a SELECT, through the insert path into one commit.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::ArrayRef;
use bytes::Bytes;
use format::{Decode, DecodeOptions, Decoded, Format};
use futures::StreamExt;
use query::expressions::Converter;
use query::memory::Held;
use query::{BlockStream, Prepared, QueryContext};
use sql::ast::{ExprKind, Insert as AstInsert, InsertColumns, InsertData, InsertSource, InsertTarget, StatementKind};
use store::{FsyncMode, TableDef, Target, ViewDef};
use tokio::sync::mpsc;
use types::{Block, DataType, ErrorCode, Header, Setting};
use views::insert::{BadRow, Letters};
use views::{Insert, InsertOptions, Rows};

use crate::ddl;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::outside;
use crate::request::{Answer, Data, summary};
use crate::session::Running;

mod sink;

pub(crate) use sink::Sink;

/// Bytes of data that are pushed to a decoder at once.
const CHUNK_BYTES: usize = 1 << 20;
/// How often the rows of a block are in memory at once while they are shaped and the views over them run. Those who make
/// parts of them account for that themselves.
const BLOCK_COPIES: usize = 2;

/// Runs an INSERT. Nothing of it is visible before it is answered.
pub(crate) async fn run(engine: &Engine, mut running: Running, insert: &AstInsert) -> Result<Answer> {
    let ctx = Arc::clone(&running.ctx);
    if insert.partition_by.is_some() {
        return Err(Error::NotImplemented("PARTITION BY in INSERT".to_owned()));
    }
    let name = match &insert.target {
        InsertTarget::Table(name) => name,
        InsertTarget::Function(call) => return outside::into_function(running, call, insert).await,
    };
    let (passage, ctx) = engine.inner.views.enter(&ddl::qualified(&ctx, name), &ctx).await;
    let ctx = Arc::new(ctx);
    let table = ddl::table(&ctx, name)?;
    if table.kind == store::TableKind::External {
        return outside::into_table(running, &table, insert).await;
    }
    let options = options(&ctx, matches!(insert.source, InsertSource::Data(_)))?;
    let mut into = engine.inner.views.insert(&table, &ctx, options)?;
    into.keep(passage);
    let columns = named_columns(&insert.columns, &into.table().insertable)?;
    let columns = if shows_its_own(&table) { Some(names_of_view(columns, &table, &into)?) } else { columns };
    let columns = into.table().columns_of(columns.as_deref())?;
    feed(&mut Sink::Table(&mut into), &mut running, insert, &columns, &ctx).await?;
    let written = into.written();
    into.commit().await?;
    if table.kind == store::TableKind::Buffer {
        engine.inner.buffers.after_insert(&table, &ctx.snapshot, written).await?;
    }
    running.guard.wrote(written.rows, written.bytes);
    let summary = summary(&ctx, running.started_ns);
    Ok(Answer::Done(crate::Summary { written_rows: written.rows, written_bytes: written.bytes, ..summary }))
}

/// The rows of a statement, into what takes them.
pub(crate) async fn feed(
    into: &mut Sink<'_>,
    running: &mut Running,
    insert: &AstInsert,
    columns: &Header,
    ctx: &Arc<QueryContext>,
) -> Result<()> {
    match &insert.source {
        InsertSource::Query(query) => from_query(into, query, columns, ctx).await,
        InsertSource::Data(data) => {
            let inline = running.request.text.slice(span(data, running.request.text.len()));
            let more = running.request.data.take();
            from_data(into, data, columns.clone(), inline, more, ctx).await
        }
        InsertSource::Infile(_) => Err(Error::NotImplemented("INSERT … FROM INFILE".to_owned())),
    }
}

/// What the settings say of an insert. Rows of a SELECT may come in any order, so that their hash says nothing.
fn options(ctx: &QueryContext, has_data: bool) -> Result<InsertOptions> {
    let deduplicates = match ctx.settings.text(Setting::DeduplicateInsert) {
        "enable" => true,
        "disable" => false,
        "backward_compatible_choice" => ctx.settings.flag(Setting::InsertDeduplicate),
        other => {
            let message =
                format!("setting deduplicate_insert is enable, disable or backward_compatible_choice, not \"{other}\"");
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
        }
    };
    let token = ctx.settings.text(Setting::InsertDeduplicationToken);
    let is_told = !token.is_empty() && deduplicates;
    Ok(InsertOptions {
        token: is_told.then(|| token.to_owned()),
        by_hash: deduplicates && has_data,
        fsync: fsync(ctx)?,
    })
}

/// When the insert must be durable, where the statement says so.
fn fsync(ctx: &QueryContext) -> Result<Option<FsyncMode>> {
    let name = ctx.settings.text(Setting::FsyncMode);
    if name.is_empty() {
        let waits = ctx.settings.flag(Setting::WaitForAsyncInsert) || !ctx.settings.flag(Setting::AsyncInsert);
        return Ok((!waits).then_some(FsyncMode::Interval(store::config::SYNC_SOON)));
    }
    FsyncMode::parse(name, store::config::SYNC_SOON).map(Some).ok_or_else(|| {
        let message = format!("setting fsync_mode is always, interval or never, not \"{name}\"");
        Error::refused(ErrorCode::BAD_ARGUMENTS, message)
    })
}

fn span(data: &InsertData, len: usize) -> std::ops::Range<usize> {
    let end = (data.data.end as usize).min(len);
    (data.data.start as usize).min(end)..end
}

/// The names of a column list; `None` where there is none.
pub(crate) fn named_columns(columns: &InsertColumns, insertable: &Header) -> Result<Option<Vec<String>>> {
    let InsertColumns::List(list) = columns else { return Ok(None) };
    let mut names = Vec::with_capacity(list.len());
    for item in list {
        match &item.kind {
            ExprKind::Identifier(parts) => {
                names.push(parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join("."));
            }
            ExprKind::Asterisk(asterisk) => names.extend(all_but(asterisk, insertable)?),
            _ => {
                let message = format!("\"{item}\" is no column of an INSERT");
                return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
            }
        }
    }
    Ok(Some(names))
}

/// True for views with TO: their columns are those of their SELECT, not the target's.
fn shows_its_own(table: &TableDef) -> bool {
    matches!(table.view.as_ref().and_then(ViewDef::target), Some(Target::Named(_)))
}

/// The columns that an INSERT into a view with TO fills.
fn names_of_view(names: Option<Vec<String>>, view: &TableDef, into: &Insert) -> Result<Vec<String>> {
    let Some(names) = names else {
        let insertable = &into.table().insertable;
        let shown = view.columns.columns().iter().filter(|column| insertable.position(&column.name).is_some());
        return Ok(shown.map(|column| column.name.to_string()).collect());
    };
    match names.iter().find(|name| view.columns.position(name).is_none()) {
        None => Ok(names),
        Some(name) => {
            let message = format!("no such column {name} in table {}", view.qualified_name());
            Err(Error::refused(ErrorCode::NO_SUCH_COLUMN_IN_TABLE, message))
        }
    }
}

fn all_but(asterisk: &sql::ast::Asterisk, insertable: &Header) -> Result<Vec<String>> {
    let mut names: Vec<String> = insertable.columns().iter().map(|c| c.name.to_string()).collect();
    for transformer in &asterisk.transformers {
        match transformer {
            sql::ast::ColumnTransformer::Except { columns, .. } => {
                names.retain(|name| !columns.iter().any(|column| column.name == *name));
            }
            _ => return Err(Error::NotImplemented("APPLY and REPLACE in the columns of an INSERT".to_owned())),
        }
    }
    Ok(names)
}

/// Rows of a SELECT, columns matched by position.
async fn from_query(into: &mut Sink<'_>, query: &sql::Query, columns: &Header, ctx: &Arc<QueryContext>) -> Result<()> {
    let prepared = query::prepare(query, ctx).await?;
    let converter = Converter::by_position(prepared.compiled.header(), columns, ctx)?;
    let rows = prepared.compiled.run(ctx).await?;
    from_stream(into, rows, Some(converter), columns, ctx).await
}

/// Rows of a SELECT, columns matched by name, as views have it.
pub(crate) async fn from_prepared(into: &mut Insert, prepared: &Prepared, ctx: &Arc<QueryContext>) -> Result<()> {
    let columns = prepared.compiled.header().clone();
    let rows = prepared.compiled.run(ctx).await?;
    from_stream(&mut Sink::Table(into), rows, None, &columns, ctx).await
}

/// Rows of a SELECT that runs in a task of its own, a block ahead of the insert.
async fn from_stream(
    into: &mut Sink<'_>,
    rows: BlockStream,
    converter: Option<Converter>,
    columns: &Header,
    ctx: &Arc<QueryContext>,
) -> Result<()> {
    let (sender, mut receiver) = mpsc::channel(1);
    let (columns, gather_ctx) = (columns.clone(), Arc::clone(ctx));
    let work = async move {
        let end = match gather(rows, converter, columns, gather_ctx, &sender).await {
            Ok(()) => Gathered::End,
            Err(error) => Gathered::Failed(error),
        };
        // an insert that is gone wants no more
        let _unheard = sender.send(end).await;
    };
    let _ended_with_the_insert = ctx.runtime.env.spawner.spawn("insert-select", Box::pin(work)).abort_on_drop();
    loop {
        match receiver.recv().await {
            Some(Gathered::Block(block, mut held)) => {
                held.resize(block.size_bytes().saturating_mul(BLOCK_COPIES))?;
                into.push(block.into()).await?;
            }
            Some(Gathered::End) => return Ok(()),
            Some(Gathered::Failed(error)) => return Err(error),
            None => return Err(Error::Input("the SELECT broke off".to_owned())),
        }
    }
}

/// What the task of a SELECT says. Without its end, the blocks are not all.
enum Gathered {
    /// Rows, and the memory that they are accounted for.
    Block(Block, Held),
    Failed(Error),
    End,
}

/// Small blocks are joined before they go on.
async fn gather(
    mut stream: BlockStream,
    converter: Option<Converter>,
    columns: Header,
    ctx: Arc<QueryContext>,
    sender: &mpsc::Sender<Gathered>,
) -> Result<()> {
    let rows_min = usize::try_from(ctx.settings.uint(Setting::MinInsertBlockSizeRows)).unwrap_or(usize::MAX).max(1);
    let bytes_min =
        usize::try_from(format::block_bytes_max(&ctx.settings, ctx.memory.limit_bytes())).unwrap_or(usize::MAX);
    let hold = || ctx.memory.hold("blocks of an INSERT");
    let (mut waiting, mut rows, mut bytes, mut held) = (Vec::new(), 0, 0, hold());
    loop {
        let block = stream.next().await.transpose()?;
        let is_last = block.is_none();
        if let Some(block) = block {
            let block = match &converter {
                Some(converter) => converter.convert(&block)?,
                None => block,
            };
            rows += block.rows();
            bytes += block.size_bytes();
            held.resize(bytes)?;
            waiting.push(block);
        }
        if rows >= rows_min || bytes >= bytes_min || (is_last && rows > 0) {
            let block = Block::concat(&columns, &std::mem::take(&mut waiting))?;
            let held = std::mem::replace(&mut held, hold());
            if sender.send(Gathered::Block(block, held)).await.is_err() {
                return Ok(());
            }
            (rows, bytes) = (0, 0);
        }
        if is_last {
            return Ok(());
        }
    }
}

/// Rows of data in a format: what is inline in the statement, then what arrives.
async fn from_data(
    into: &mut Sink<'_>,
    data: &InsertData,
    columns: Header,
    inline: Bytes,
    more: Option<Data>,
    ctx: &Arc<QueryContext>,
) -> Result<()> {
    let format = Format::parse(&data.format.name)?;
    let mut options = DecodeOptions::new(columns, ctx.settings.clone(), ctx.memory.limit_bytes());
    options.keep_bad_rows = into.keeps_letters();
    options.strict_types = into.has_strict_types();
    let known = match format {
        Format::Values => scalars(&inline, &options.header, ctx).await?,
        _ => Scalars::new(),
    };
    let mut decoder = format::decoder(format, options, Some(evaluator(ctx, known)))?;
    let held = &mut ctx.memory.hold("blocks of an INSERT");
    for start in (0..inline.len()).step_by(CHUNK_BYTES) {
        decoder.push(&inline[start..inline.len().min(start + CHUNK_BYTES)]);
        drain(into, decoder.as_mut(), held, false).await?;
    }
    if let Some(mut more) = more {
        while let Some(piece) = more.next().await {
            decoder.push(&piece.map_err(|error| Error::Input(error.to_string()))?);
            drain(into, decoder.as_mut(), held, false).await?;
            ctx.check()?;
        }
    }
    drain(into, decoder.as_mut(), held, true).await
}

async fn drain(into: &mut Sink<'_>, decoder: &mut dyn Decode, held: &mut Held, last: bool) -> Result<()> {
    while let Some(decoded) = decoder.next(last)? {
        held.resize(decoded.block.size_bytes().saturating_mul(BLOCK_COPIES))?;
        let rows = rows_of(decoded, "insert", into.keeps_letters());
        into.push(rows).await?;
    }
    Ok(())
}

/// Decoded rows as rows of an insert.
pub(crate) fn rows_of(decoded: Decoded, source: &str, keep_letters: bool) -> Rows {
    let name = |column: usize| decoded.block.header().columns()[column].name.to_string();
    let misfits = decoded.misfits.iter().map(|(row, column)| (*row, name(*column))).collect();
    let letters = keep_letters.then(|| Letters {
        misfits,
        source: source.to_owned(),
        positions: decoded.positions,
        raw: decoded.raw,
        bad: decoded.bad.into_iter().map(|b| BadRow { position: b.position, reason: b.reason, raw: b.raw }).collect(),
    });
    Rows { block: decoded.block, absent: decoded.absent, letters }
}

/// Values of subqueries, by their text and the type that is wanted.
type Scalars = BTreeMap<(Vec<u8>, String), ArrayRef>;

/// Runs the subqueries in VALUES. A value that the column cannot hold is NULL, as in ClickHouse.
async fn scalars(inline: &[u8], columns: &Header, ctx: &Arc<QueryContext>) -> Result<Scalars> {
    let mut known = Scalars::new();
    for (column, cell) in format::subqueries(inline) {
        let Some(column) = columns.columns().get(column) else { continue };
        let key = (cell.to_vec(), column.ty.to_string());
        if known.contains_key(&key) {
            continue;
        }
        let text = String::from_utf8_lossy(cell);
        let ty = sql::quote_string(column.ty.base().to_string().as_bytes());
        let query = match column.ty.base() {
            DataType::Array(_) | DataType::Map(_) | DataType::Tuple(_) => format!("SELECT CAST({text}, {ty})"),
            _ => format!("SELECT accurateCastOrNull({text}, {ty})"),
        };
        let statement = sql::parse_statement(&query)?;
        let StatementKind::Query(query) = statement.kind else { continue };
        let blocks = query::prepare(&query, ctx).await?.compiled.collect(ctx).await?;
        let value = blocks.iter().find(|block| block.rows() == 1).map(|block| block.array(0).clone());
        let value = value.ok_or_else(|| Error::Input(format!("{text} has no value")))?;
        known.insert(key, value);
    }
    Ok(known)
}

/// Evaluates expressions in VALUES.
fn evaluator(ctx: &Arc<QueryContext>, known: Scalars) -> Box<format::Evaluate> {
    let ctx = Arc::clone(ctx);
    Box::new(move |text, ty| {
        if let Some(value) = known.get(&(text.to_vec(), ty.to_string())) {
            return Ok(value.clone());
        }
        let text = std::str::from_utf8(text).map_err(|error| (ErrorCode::SYNTAX_ERROR, error.to_string()))?;
        let expr =
            sql::parse_expression(text).map_err(|error| (crate::error::syntax_code(&error), error.to_string()))?;
        query::expressions::constant_as(&expr, ty, &ctx).map_err(|error| (error.code(), error.to_string()))
    })
}
