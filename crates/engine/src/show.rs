//! SHOW, DESCRIBE, EXISTS: most are SELECTs over system tables, as in ClickHouse.

use query::QueryContext;
use query::definition::Definition;
use query::system::{Cell, Rows as SystemRows};
use sql::ast::{
    ColumnDef, ColumnDefault, Describe, Exists, LikeFilter, ObjectKind, Show, ShowList, StatementKind, TableSource,
};
use store::{TableDef, TableKind};
use types::{Block, Column, DataType, ErrorCode, Header, Setting};

use crate::ddl;
use crate::error::{Error, Result};

/// What a SHOW gives.
pub(crate) enum Shown {
    /// The rows of a SELECT.
    Query(Box<sql::Query>),
    /// One text.
    Text {
        /// Name of its column.
        column: &'static str,
        /// The text.
        text: String,
    },
}

/// Runs a SHOW.
pub(crate) async fn run(show: &Show, ctx: &QueryContext) -> Result<Shown> {
    match show {
        Show::Tables(list) => tables(list, ctx),
        Show::Databases(list) => select("SELECT name FROM system.databases WHERE 1", "name", list),
        Show::Functions(list) => select("SELECT * FROM system.functions WHERE 1", "name", list),
        Show::Settings { changed, list } => {
            let changed = if *changed { " AND changed" } else { "" };
            select(&format!("SELECT name, type, value FROM system.settings WHERE 1{changed}"), "name", list)
        }
        Show::Columns { table, list, .. } => {
            let table = ddl::table(ctx, table)?;
            let more = if list.full { ", NULL AS collation, comment, '' AS privileges" } else { "" };
            let text = format!(
                "SELECT name AS field, type, if(startsWith(type, 'Nullable'), 'YES', 'NO') AS `null`, \
                 trim(concat(if(is_in_primary_key, 'PRI ', ''), if(is_in_sorting_key, 'SOR', ''))) AS key, \
                 nullIf(default_expression, '') AS `default`, '' AS extra{more} FROM system.columns WHERE database = {} \
                 AND table = {}",
                sql::quote_string(table.database.as_bytes()),
                sql::quote_string(table.name.as_bytes())
            );
            select(&text, "name", list)
        }
        Show::Create { object, name, .. } => create(*object, name, ctx),
        Show::Setting(name) => {
            let text = ctx.settings.text_of(&name.name)?.to_owned();
            Ok(Shown::Text { column: "value", text })
        }
        Show::Processlist => parsed("SELECT * FROM system.processes"),
        Show::Engines => parsed("SELECT * FROM system.table_engines ORDER BY name"),
        Show::Dictionaries(list) => dictionaries(list, ctx),
        Show::Clusters(_) | Show::Cluster(_) => Err(Error::NotImplemented("SHOW CLUSTERS".to_owned())),
        Show::Merges(_) => Err(Error::NotImplemented("SHOW MERGES".to_owned())),
        Show::Indexes { table, list, .. } => indexes(table, list, ctx),
    }
}

fn tables(list: &ShowList, ctx: &QueryContext) -> Result<Shown> {
    if list.temporary {
        return Err(Error::NotImplemented("temporary tables".to_owned()));
    }
    let database = list.database.as_ref().map_or(&*ctx.caller.database, |database| &database.name);
    let database = ddl::database_name(ctx, database)?;
    let columns = if list.full { "name, engine" } else { "name" };
    let database = sql::quote_string(database.as_bytes());
    select(&format!("SELECT {columns} FROM system.tables WHERE database = {database}"), "name", list)
}

/// Skip indexes and the columns of the primary key, in the shape that MySQL gives them. A table that is not there has none.
fn indexes(table: &sql::ast::ObjectName, list: &ShowList, ctx: &QueryContext) -> Result<Shown> {
    let name = ddl::qualified(ctx, table);
    let (database, table) = (sql::quote_string(name.database.as_bytes()), sql::quote_string(name.name.as_bytes()));
    let mut keys = Vec::new();
    if let Some(def) = ctx.snapshot.catalog.named(&name) {
        let definition = Definition::parse(def)?;
        let storage = definition.storage();
        let items: Vec<String> = match storage.and_then(|storage| storage.primary_key.as_ref()) {
            Some(sql::Expr { kind: sql::ast::ExprKind::Tuple(items), .. }) => {
                items.iter().map(ToString::to_string).collect()
            }
            Some(key) => vec![key.to_string()],
            None => {
                let key = storage.and_then(|storage| storage.order_by.as_ref());
                key.iter().flat_map(|key| key.exprs()).map(ToString::to_string).collect()
            }
        };
        let items = if items.is_empty() || items == ["tuple()"] { vec![String::new()] } else { items };
        keys.extend(items.iter().map(|item| sql::quote_string(item.as_bytes())));
    }
    let text = format!(
        "SELECT * FROM (SELECT {table} AS table, 1::UInt8 AS non_unique, name AS key_name, 1::UInt64 AS seq_in_index, \
         '' AS pk_col, NULL::Nullable(String) AS collation, 0::UInt8 AS cardinality, NULL AS sub_part, NULL AS packed, \
         NULL AS `null`, upper(type) AS index_type, '' AS comment, '' AS index_comment, 'YES' AS visible, \
         expr AS expression FROM system.data_skipping_indices AS i WHERE i.database = {database} AND i.table = {table} \
         UNION ALL SELECT {table}, 1::UInt8, 'PRIMARY', key.1::UInt64, key.2, 'A'::Nullable(String), 0::UInt8, NULL, NULL, \
         NULL, 'PRIMARY', '', '', 'YES', '' FROM (SELECT arrayJoin(arrayZip(arrayEnumerate(cols), cols)) AS key \
         FROM (SELECT CAST([{}], 'Array(String)') AS cols))) WHERE 1",
        keys.join(", ")
    );
    select(&text, "index_type, key_name, seq_in_index", list)
}

fn dictionaries(list: &ShowList, ctx: &QueryContext) -> Result<Shown> {
    let database = list.database.as_ref().map_or(&*ctx.caller.database, |database| &database.name);
    let database = sql::quote_string(ddl::database_name(ctx, database)?.as_bytes());
    select(&format!("SELECT name FROM system.dictionaries WHERE database = {database}"), "name", list)
}

/// Adds the filters of a list to a SELECT that ends inside its WHERE.
fn select(text: &str, name: &str, list: &ShowList) -> Result<Shown> {
    let mut text = text.to_owned();
    if let Some(like) = &list.like {
        text.push_str(&format!(" AND {name} {}", like_text(like)));
    }
    if let Some(filter) = &list.filter {
        text.push_str(&format!(" AND ({filter})"));
    }
    text.push_str(&format!(" ORDER BY {name}"));
    if let Some(limit) = &list.limit {
        text.push_str(&format!(" LIMIT {limit}"));
    }
    parsed(&text)
}

fn like_text(like: &LikeFilter) -> String {
    let not = if like.negated { "NOT " } else { "" };
    let operator = if like.case_insensitive { "ILIKE" } else { "LIKE" };
    format!("{not}{operator} {}", sql::quote_string(like.pattern.as_bytes()))
}

fn parsed(text: &str) -> Result<Shown> {
    match sql::parse_statement(text)?.kind {
        StatementKind::Query(query) => Ok(Shown::Query(query)),
        _ => Err(Error::refused(ErrorCode::LOGICAL_ERROR, format!("{text} is no SELECT"))),
    }
}

fn create(object: ObjectKind, name: &sql::ast::ObjectName, ctx: &QueryContext) -> Result<Shown> {
    let text = match object {
        ObjectKind::Database => {
            let name = ddl::database_name(ctx, &name.name.name)?;
            let engine = ctx.snapshot.catalog.database(&name).map_or("Atomic", |database| &*database.engine).to_owned();
            format!("CREATE DATABASE {}\nENGINE = {engine}", sql::ast::Ident::new(&*name))
        }
        ObjectKind::Table | ObjectKind::View | ObjectKind::Dictionary => {
            let table = ddl::model(ctx, name)?;
            let is_other = match object {
                ObjectKind::View => table.view.is_none(),
                ObjectKind::Dictionary => table.kind != TableKind::Dictionary,
                _ => false,
            };
            if is_other {
                let what = if object == ObjectKind::View { "VIEW" } else { "DICTIONARY" };
                let message = format!("{} is not a {what}", table.qualified_name());
                return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
            }
            create_text(&table)?
        }
        _ => return Err(Error::NotImplemented("SHOW CREATE of this".to_owned())),
    };
    Ok(Shown::Text { column: "statement", text })
}

/// The comment of a view that was given one since.
fn comment_of(view: &TableDef) -> Option<String> {
    (!view.comment.is_empty()).then(|| view.comment.to_string())
}

/// The definition as SHOW CREATE prints it, under the names that it has now.
pub(crate) fn create_text(table: &TableDef) -> Result<String> {
    let mut statement = sql::parse_statement(&table.sql)?;
    let name = sql::ast::ObjectName::qualified(&*table.database, &*table.name);
    match &mut statement.kind {
        StatementKind::CreateTable(create) => create.head.name = name,
        StatementKind::CreateView(create) => {
            create.head.name = name;
            create.comment = comment_of(table).or(create.comment.take());
        }
        StatementKind::CreateMaterializedView(create) => {
            create.head.name = name;
            create.comment = comment_of(table).or(create.comment.take());
        }
        StatementKind::CreateWindowView(create) => create.head.name = name,
        StatementKind::CreateDictionary(create) => create.head.name = name,
        _ => {}
    }
    Ok(query::external::hide_secrets(&statement.to_pretty()))
}

/// DESCRIBE: name, type, default kind and expression, comment, codec, TTL of each column.
pub(crate) async fn describe(describe: &Describe, ctx: &QueryContext) -> Result<Block> {
    if ctx.settings.flag(Setting::DescribeIncludeSubcolumns) {
        return Err(Error::NotImplemented("setting describe_include_subcolumns".to_owned()));
    }
    let compact = ctx.settings.flag(Setting::DescribeCompactOutput);
    let names: &[&str] = match compact {
        true => &["name", "type"],
        false => {
            &["name", "type", "default_type", "default_expression", "comment", "codec_expression", "ttl_expression"]
        }
    };
    let header = Header::new(names.iter().map(|name| Column::new(*name, DataType::String)).collect::<Vec<_>>());
    let mut rows = SystemRows::new(&header);
    for column in described(describe, ctx).await? {
        let cells = names.iter().copied().zip(column).map(|(name, text)| (name, Cell::from(text)));
        rows.push(cells.collect::<Vec<_>>());
    }
    Ok(rows.block()?)
}

async fn described(describe: &Describe, ctx: &QueryContext) -> Result<Vec<Vec<String>>> {
    let plain = |header: &Header| {
        let row = |column: &Column| {
            let mut row = vec![column.name.to_string(), column.ty.pretty()];
            row.resize(7, String::new());
            row
        };
        header.columns().iter().map(row).collect::<Vec<_>>()
    };
    let name = match &describe.table.source {
        TableSource::Table(name) => name,
        TableSource::Subquery(query) => return Ok(plain(query::prepare(query, ctx).await?.compiled.header())),
        TableSource::Function(call) if call.name.name == "merge" => {
            let elements = ddl::merged_columns(&call.arguments, ctx)?;
            let rows = elements.columns.iter().map(|column| {
                let ty = column.data_type.as_ref().map(ToString::to_string).unwrap_or_default();
                let mut row = vec![column.name.name.clone(), ty];
                row.resize(7, String::new());
                with_declared(row, column)
            });
            return Ok(rows.collect());
        }
        TableSource::Function(_) => return Ok(plain(&header_of(&describe.table, ctx).await?)),
    };
    let qualified = ddl::qualified(ctx, name);
    if query::system::canonical(&qualified.database).is_some() {
        return Ok(plain(&header_of(&describe.table, ctx).await?));
    }
    let table = ddl::table(ctx, name)?;
    if table.columns.is_empty() {
        let message =
            format!("view {} has parameters: its columns are known when they are given", table.qualified_name());
        return Err(Error::refused(ErrorCode::UNSUPPORTED_METHOD, message));
    }
    let definition = Definition::parse(&table)?;
    Ok(plain(&table.columns).into_iter().map(|row| with_definition(row, &definition)).collect())
}

/// The columns of `SELECT * FROM table`.
async fn header_of(table: &sql::ast::TableRef, ctx: &QueryContext) -> Result<Header> {
    let select = sql::ast::Select {
        items: vec![sql::Expr::new(sql::ast::ExprKind::Asterisk(Box::default()))],
        from: Some(table.clone()),
        ..Default::default()
    };
    let query = sql::Query { body: sql::ast::QueryBody::Select(Box::new(select)), span: sql::Span::default() };
    Ok(query::prepare(&query, ctx).await?.compiled.header().clone())
}

fn with_definition(row: Vec<String>, definition: &Definition) -> Vec<String> {
    match definition.column(&row[0]) {
        Some(column) => with_declared(row, column),
        None => row,
    }
}

fn with_declared(mut row: Vec<String>, column: &ColumnDef) -> Vec<String> {
    let (kind, expr) = match &column.default {
        Some(ColumnDefault::Default(expr)) => ("DEFAULT", Some(expr)),
        Some(ColumnDefault::Materialized(expr)) => ("MATERIALIZED", Some(expr)),
        Some(ColumnDefault::Alias(expr)) => ("ALIAS", Some(expr)),
        Some(ColumnDefault::Ephemeral(expr)) => ("EPHEMERAL", expr.as_ref()),
        Some(ColumnDefault::AutoIncrement) | None => ("", None),
    };
    row[2] = kind.to_owned();
    row[3] = match &column.default {
        Some(ColumnDefault::Ephemeral(None)) => query::definition::default_of_type(column).to_string(),
        _ => expr.map(ToString::to_string).unwrap_or_default(),
    };
    row[4] = column.comment.clone().unwrap_or_default();
    if !column.codec.is_empty() {
        let codecs: Vec<String> = column.codec.iter().map(ToString::to_string).collect();
        row[5] = codecs.join(", ");
    }
    row[6] = column.ttl.as_ref().map(ToString::to_string).unwrap_or_default();
    row
}

/// EXISTS: 1 or 0.
pub(crate) fn exists(exists: &Exists, ctx: &QueryContext) -> Result<Block> {
    if exists.temporary {
        return Err(Error::NotImplemented("temporary tables".to_owned()));
    }
    let catalog = &ctx.snapshot.catalog;
    let found = match exists.object {
        ObjectKind::Database => ddl::database_name(ctx, &exists.name.name.name).is_ok(),
        ObjectKind::Table => {
            let name = ddl::qualified(ctx, &exists.name);
            catalog.named(&name).is_some() || ctx.runtime.system.get(&name.database, &name.name).is_some()
        }
        ObjectKind::View => catalog.named(&ddl::qualified(ctx, &exists.name)).is_some_and(|t| t.view.is_some()),
        ObjectKind::Dictionary => {
            catalog.named(&ddl::qualified(ctx, &exists.name)).is_some_and(|table| table.kind == TableKind::Dictionary)
        }
        _ => return Err(Error::NotImplemented("EXISTS of this".to_owned())),
    };
    let header = Header::new(vec![Column::new("result", DataType::UInt8)]);
    Ok(Block::new(header, vec![std::sync::Arc::new(arrow::array::UInt8Array::from(vec![u8::from(found)]))])?)
}
