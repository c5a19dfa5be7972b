//! From a dictionary's source to its content: a SELECT over the snapshot of whoever loads, cast to the dictionary's types.

use std::sync::Arc;

use sql::ast::{KeyValue, KeyValues, StatementKind};
use types::{Block, Column, ErrorCode, Header, Settings};

use super::content::Content;
use super::regexps::SETTINGS;
use super::slots::Slot;
use super::structure::{Layout, Structure};
use crate::context::{Caller, QueryContext};
use crate::error::{Error, Result};
use crate::expressions::Converter;
use crate::prepare::prepare;

/// Reads the source.
pub(super) async fn content(slot: &Slot, ctx: &QueryContext) -> Result<Content> {
    let structure = &slot.structure;
    structure.check_layout()?;
    let is_tree = structure.layout == Layout::RegexpTree;
    let Some(text) = query_text(structure, slot)? else {
        return match is_tree {
            true => Content::of_tree(structure, Block::empty(structure.source_header()), ctx),
            false => Content::empty(structure),
        };
    };
    let ctx = Arc::new(context(structure, slot, ctx)?);
    let StatementKind::Query(query) = sql::parse_statement(&text)?.kind else {
        let message = format!("source of dictionary \"{}\" is no SELECT", slot.def.qualified_name());
        return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
    };
    let prepared = Box::pin(prepare(&query, &ctx)).await?;
    let given = prepared.header().clone();
    let target = loaded_header(structure, &given);
    let converter = Converter::by_position(&given, &target, &ctx)?;
    let mut blocks = Vec::new();
    for block in prepared.compiled.collect(&ctx).await? {
        blocks.push(converter.convert(&block)?);
    }
    let rows = Block::concat(&target, &blocks)?;
    if is_tree {
        return Content::of_tree(structure, rows, &ctx);
    }
    Content::new(structure, &closed(structure, rows)?)
}

/// The columns that the source gives. A NULL end of a range means that it is open, whatever its type.
fn loaded_header(structure: &Structure, given: &Header) -> Header {
    let first = structure.keys.len();
    let header = structure.source_header();
    let columns = header.columns().iter().enumerate().map(|(at, column)| {
        let is_range = structure.range.is_some() && (first..first + 2).contains(&at);
        let is_nullable = given.columns().get(at).is_some_and(|given| given.ty.is_nullable());
        match is_range && is_nullable {
            true => Column { name: column.name.clone(), ty: column.ty.to_nullable() },
            false => column.clone(),
        }
    });
    Header::new(columns.collect::<Vec<_>>())
}

/// Open ends of ranges whose type has no NULL become the least or greatest value of the type; they stay open.
fn closed(structure: &Structure, rows: Block) -> Result<Block> {
    let header = structure.header();
    if *rows.header() == header {
        return Ok(rows);
    }
    let first = structure.keys.len();
    let mut arrays = rows.arrays().to_vec();
    for (at, array) in arrays.iter_mut().enumerate().skip(first).take(2) {
        let ty = &header.columns()[at].ty;
        if !ty.is_nullable() {
            *array = super::content::without_nulls(array, ty, at == first)?;
        }
    }
    Ok(Block::with_rows(header, arrays, rows.rows())?)
}

fn context(structure: &Structure, slot: &Slot, ctx: &QueryContext) -> Result<QueryContext> {
    let caller = Caller {
        query_id: format!("dictionary {}", slot.def.qualified_name()).into(),
        user: ctx.caller.user.clone(),
        database: slot.def.database.clone(),
    };
    let mut settings = Settings::default();
    // NULL is no value of an attribute that is not Nullable
    settings.set(types::Setting::InsertNullAsDefault.def().name, "0")?;
    let settings_of_source = |setting: &&sql::ast::Setting| !SETTINGS.contains(&setting.name.name.as_str());
    for setting in structure.create.settings.iter().filter(settings_of_source) {
        let text = match &setting.value {
            sql::ast::SettingValue::Literal(sql::ast::Literal::String(text)) => {
                String::from_utf8_lossy(text).into_owned()
            }
            sql::ast::SettingValue::Literal(literal) => sql::Expr::literal(literal.clone()).to_string(),
            _ => return Err(Error::NotSupported(format!("setting {} of a dictionary", setting.name.name))),
        };
        settings.set(&setting.name.name, &text)?;
    }
    let mut inside = QueryContext::new(ctx.runtime.clone(), ctx.snapshot.clone(), caller, settings);
    inside.loads = ctx.loads + 1;
    inside.loaded = ctx.loaded.clone();
    inside.cancel = ctx.cancel.clone();
    Ok(inside)
}

/// The SELECT that reads the source; none when there is nothing to read.
fn query_text(structure: &Structure, slot: &Slot) -> Result<Option<String>> {
    let Some(source) = &structure.create.source else { return Ok(None) };
    match source.name.name.as_str() {
        "NULL" => Ok(None),
        "FILE" => file_text(structure, source).map(Some),
        _ => clickhouse_text(structure, source, &slot.def.database).map(Some),
    }
}

fn clickhouse_text(structure: &Structure, source: &KeyValues, database: &str) -> Result<String> {
    if let Some(query) = source.get("QUERY").and_then(KeyValue::text) {
        return Ok(query);
    }
    let Some(table) = structure.source_table(database) else {
        let message = "source CLICKHOUSE of a dictionary needs TABLE or QUERY";
        return Err(Error::refused(ErrorCode::INCORRECT_DICTIONARY_DEFINITION, message));
    };
    let header = structure.source_header();
    let columns = header.columns().iter().map(|column| {
        let expression = structure.attribute(&column.name).and_then(|at| structure.attributes[at].expression.as_ref());
        match expression {
            Some(expression) => format!("{expression} AS {}", sql::back_quote(&column.name)),
            None => sql::back_quote(&column.name),
        }
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    let from = format!("{}.{}", sql::back_quote(&table.database), sql::back_quote(&table.name));
    Ok(match source.get("WHERE").and_then(KeyValue::text) {
        Some(filter) => format!("SELECT {columns} FROM {from} WHERE {filter}"),
        None => format!("SELECT {columns} FROM {from}"),
    })
}

fn file_text(structure: &Structure, source: &KeyValues) -> Result<String> {
    let value = |key: &str| {
        let missing = || {
            let message = format!("source FILE of a dictionary needs {key}");
            Error::refused(ErrorCode::INCORRECT_DICTIONARY_DEFINITION, message)
        };
        source.get(key).and_then(KeyValue::text).ok_or_else(missing)
    };
    if structure.attributes.iter().any(|attribute| attribute.expression.is_some()) {
        return Err(Error::NotSupported("EXPRESSION of an attribute with source FILE".to_owned()));
    }
    let header = structure.source_header();
    let columns = header.columns().iter().map(|column| format!("{} {}", sql::back_quote(&column.name), column.ty));
    let columns = columns.collect::<Vec<_>>().join(", ");
    let quoted = |text: &str| sql::quote_string(text.as_bytes());
    let (path, format) = (value("PATH")?, value("FORMAT")?);
    Ok(format!("SELECT * FROM file({}, {}, {})", quoted(&path), quoted(&format), quoted(&columns)))
}

impl Structure {
    /// True when each query reads the source, because nothing is kept between queries, or only what was asked for.
    pub fn is_read_each_time(&self) -> bool {
        matches!(self.layout, Layout::Direct | Layout::Cache)
    }
}
