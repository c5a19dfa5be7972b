//! Definitions: CREATE, DROP, RENAME, EXCHANGE, TRUNCATE, each as one commit.
//!
//! ```text
//! CREATE ─▶ columns (types, defaults) ─▶ engine and keys (hidden columns) ─▶ canonical text ─▶ one commit
//! ```
//! What is written down is normalised: qualified names, explicit columns, the engine with its keys, so that SHOW CREATE
//! prints it and a restart reads it. Never here: rows, except that POPULATE and AS SELECT hand them to the insert path.

mod circles;
mod codecs;
mod columns;
mod create_table;
mod create_view;
mod dictionary;
mod drop;
mod engine_clause;
mod files;
pub(crate) mod indexes;
mod keys;
mod populate;
pub(crate) mod projections;
mod qualify;
mod quarantine;
mod replace;
pub(crate) mod security;
mod source;
pub(crate) mod table_settings;
mod ttl;
mod undrop;
mod window_view;

use std::sync::Arc;

use query::QueryContext;
use sql::ast::{CreateDatabase, CreateHead, CreateMode, Ident, ObjectName, StatementKind};
use store::{Commit, DatabaseDef, Edit, QualifiedName, TableDef, TableKind};
use types::ErrorCode;

use crate::engine::Engine;
use crate::error::{Error, Result};

pub(crate) use circles::refuse_own_reader;
pub(crate) use columns::of_header as columns_of;
pub(crate) use columns::{ast_type, refuse_whole_nested, spread_nested};
pub(crate) use create_table::Maker;
pub(crate) use create_view::{check_target, inside, refuse_outside, uuid_text};
pub(crate) use keys::items as key_items;
pub(crate) use qualify::{names_in, names_in_expr, qualify, qualify_expr, tables_named};
pub(crate) use quarantine::{comment as errors_comment, errors_table, following};
pub(crate) use source::source_of;

/// The columns that `merge(…)` gives, as they would be declared.
pub(crate) fn merged_columns(arguments: &[sql::Expr], ctx: &QueryContext) -> Result<sql::ast::TableElements> {
    columns::of_merged(&query::merge_tables::Chosen::of_function(arguments, ctx)?, ctx)
}

/// GROUP BY of these expressions.
pub(crate) fn group_by(keys: Vec<sql::Expr>) -> sql::ast::GroupBy {
    sql::ast::GroupBy { keys: sql::ast::GroupByKeys::Exprs(keys), modifier: None, totals: false }
}

/// The table whose definition is taken over.
pub(crate) fn model(ctx: &QueryContext, name: &ObjectName) -> Result<Arc<TableDef>> {
    table(ctx, name).map_err(|error| match error.code() {
        ErrorCode::UNKNOWN_TABLE => Error::refused(ErrorCode::CANNOT_GET_CREATE_TABLE_QUERY, error.to_string()),
        _ => error,
    })
}

/// Refuses settings that no table has.
pub(crate) fn check_settings(settings: &[sql::ast::Setting]) -> Result<()> {
    table_settings::table_settings(settings).map(drop)
}

/// Runs a statement that defines something.
pub(crate) async fn run(engine: &Engine, statement: &StatementKind, ctx: &Arc<QueryContext>) -> Result<()> {
    match statement {
        StatementKind::CreateDatabase(create) => create_database(engine, create, ctx).await,
        StatementKind::CreateTable(create) => create_table::run(engine, create, ctx).await,
        StatementKind::CreateView(create) => create_view::plain(engine, create, ctx).await,
        StatementKind::CreateMaterializedView(create) => create_view::materialized(engine, create, ctx).await,
        StatementKind::CreateWindowView(create) => window_view::run(engine, create, ctx).await,
        StatementKind::CreateDictionary(create) => dictionary::run(engine, create, ctx).await,
        StatementKind::Drop(what) => drop::run(engine, what, ctx).await,
        StatementKind::TruncateTables(what) => drop::truncate_all(engine, what, ctx).await,
        StatementKind::Rename(rename) => drop::rename(engine, rename, ctx).await,
        StatementKind::Exchange(exchange) => drop::exchange(engine, exchange, ctx).await,
        StatementKind::Undrop(what) => undrop::run(engine, what, ctx).await,
        StatementKind::Attach(attach) => drop::attach(engine, attach, ctx).await,
        _ => Err(Error::NotImplemented("this statement".to_owned())),
    }
}

/// A name with its database: the context's where none is written.
pub(crate) fn qualified(ctx: &QueryContext, name: &ObjectName) -> QualifiedName {
    let database = name.database.as_ref().map_or(&*ctx.caller.database, |database| &database.name);
    QualifiedName::new(database, name.name.name.as_str())
}

/// The table or view of that name.
pub(crate) fn table(ctx: &QueryContext, name: &ObjectName) -> Result<Arc<TableDef>> {
    let name = qualified(ctx, name);
    database_name(ctx, &name.database)?;
    ctx.snapshot.catalog.named(&name).cloned().ok_or_else(|| unknown_table(ctx, &name))
}

/// UNKNOWN_TABLE with the nearest name.
pub(crate) fn unknown_table(ctx: &QueryContext, name: &QualifiedName) -> Error {
    let names: Vec<_> = ctx.snapshot.catalog.tables_of(&name.database).map(|table| table.name.clone()).collect();
    let hint = types::error::nearest(&name.name, names.iter().map(|name| &**name));
    Error::refused(ErrorCode::UNKNOWN_TABLE, format!("table {name} does not exist{hint}"))
}

/// The name of a database that exists.
pub(crate) fn database_name(ctx: &QueryContext, name: &str) -> Result<Arc<str>> {
    if query::system::canonical(name).is_some() {
        return Ok(name.into());
    }
    match ctx.snapshot.catalog.database(name) {
        Some(database) => Ok(database.name.clone()),
        None => Err(query::Error::UnknownDatabase(name.to_owned()).into()),
    }
}

/// Refuses what one machine does not have.
pub(crate) fn refuse_cluster(on_cluster: &Option<Ident>) -> Result<()> {
    match on_cluster {
        Some(cluster) => Err(Error::NotImplemented(format!("ON CLUSTER {}", cluster.name))),
        None => Ok(()),
    }
}

/// What a CREATE found under its name.
pub(crate) enum Place {
    /// Nothing: create.
    Free(QualifiedName),
    /// Something that is replaced in the same commit.
    Replaced(QualifiedName, Arc<TableDef>),
    /// Something, and IF NOT EXISTS was said: nothing to do.
    Kept,
}

/// Checks the name of a CREATE.
pub(crate) fn place(ctx: &QueryContext, head: &CreateHead) -> Result<Place> {
    refuse_cluster(&head.on_cluster)?;
    let name = qualified(ctx, &head.name);
    if query::system::canonical(&name.database).is_some() {
        let message = format!("tables cannot be created in database {}", name.database);
        return Err(Error::refused(ErrorCode::ACCESS_DENIED, message));
    }
    database_name(ctx, &name.database)?;
    if ctx.snapshot.catalog.detached(&name).is_some() {
        return match head.if_not_exists {
            true => Ok(Place::Kept),
            false => {
                let message = format!("table {name} already exists (detached)");
                Err(Error::refused(ErrorCode::TABLE_ALREADY_EXISTS, message))
            }
        };
    }
    match (ctx.snapshot.catalog.named(&name), head.mode) {
        (None, CreateMode::Create | CreateMode::CreateOrReplace) => Ok(Place::Free(name)),
        (None, CreateMode::Replace) => Err(unknown_table(ctx, &name)),
        (Some(old), CreateMode::CreateOrReplace | CreateMode::Replace) => Ok(Place::Replaced(name, old.clone())),
        (Some(_), CreateMode::Create) if head.if_not_exists => Ok(Place::Kept),
        (Some(old), CreateMode::Create) if old.kind == TableKind::Dictionary => {
            Err(Error::refused(ErrorCode::DICTIONARY_ALREADY_EXISTS, format!("dictionary {name} already exists")))
        }
        (Some(_), CreateMode::Create) => {
            Err(Error::refused(ErrorCode::TABLE_ALREADY_EXISTS, format!("table {name} already exists")))
        }
        (_, CreateMode::Attach) => {
            let message = format!("ATTACH with a definition: write ATTACH TABLE {name} or CREATE TABLE");
            Err(Error::refused(ErrorCode::INCORRECT_QUERY, message))
        }
    }
}

impl Place {
    /// The name, and the edits that free it; `None` when there is nothing to do.
    pub(crate) fn edits(self, engine: &Engine, ctx: &QueryContext) -> Option<(QualifiedName, Vec<Edit>)> {
        match self {
            Place::Free(name) => Some((name, Vec::new())),
            Place::Replaced(name, old) => Some((name, undrop::replaced(&old, engine, ctx))),
            Place::Kept => None,
        }
    }
}

/// Commits edits of definitions, past the inserts that are on their way.
pub(crate) async fn commit(engine: &Engine, edits: Vec<Edit>, ctx: &QueryContext) -> Result<store::Receipt> {
    let _hold = engine.inner.views.hold(&edits, ctx).await;
    let folders = files::of_dropped(&edits, ctx);
    let receipt = engine.inner.store.commit(Commit::of(edits)).await?;
    files::remove(engine, folders).await;
    Ok(receipt)
}

async fn create_database(engine: &Engine, create: &CreateDatabase, ctx: &QueryContext) -> Result<()> {
    refuse_cluster(&create.on_cluster)?;
    let name = create.name.name.as_str();
    if ctx.snapshot.catalog.database(name).is_some() || query::system::canonical(name).is_some() {
        if create.if_not_exists {
            return Ok(());
        }
        let message = format!("database {name} already exists");
        return Err(Error::refused(ErrorCode::DATABASE_ALREADY_EXISTS, message));
    }
    let engine_name = create.storage.engine.as_ref().map_or("Atomic", |engine| &engine.name.name);
    if !matches!(engine_name, "Atomic" | "Ordinary") {
        let message = format!("unknown database engine: {engine_name}; there are Atomic and Ordinary");
        return Err(Error::refused(ErrorCode::UNKNOWN_DATABASE_ENGINE, message));
    }
    let database = DatabaseDef {
        id: engine.inner.store.new_database_id(),
        name: name.into(),
        engine: engine_name.into(),
        uuid: engine.env().rng.uuid(),
        comment: create.comment.as_deref().unwrap_or_default().into(),
        created_ns: ctx.now_ns,
    };
    commit(engine, vec![Edit::CreateDatabase(Arc::new(database))], ctx).await?;
    Ok(())
}
