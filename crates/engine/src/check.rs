//! CHECK TABLE: every row of the parts of a table read back, past all checksums.
//!
//! A damaged part is a row that says so, not an error. Never here: repairing anything (`store` puts damaged parts aside when
//! it starts).

use std::sync::Arc;

use futures::TryStreamExt;
use parts::PartName;
use parts::file::Caching;
use query::QueryContext;
use query::system::{Cell, Rows};
use sql::ast::{Check, PartitionOrPart};
use store::{ActivePart, TableDef, TableKind, Visibility};
use types::{Block, Column, DataType, ErrorCode, Header, Setting};

use crate::alter;
use crate::ddl;
use crate::error::{Error, Result};

/// Runs a CHECK.
pub(crate) async fn run(check: &Check, ctx: &QueryContext) -> Result<Block> {
    match check {
        Check::Table(name, what) => one(&ddl::table(ctx, name)?, what.as_ref(), ctx).await,
        Check::AllTables => all(ctx).await,
    }
}

async fn one(table: &Arc<TableDef>, what: Option<&PartitionOrPart>, ctx: &QueryContext) -> Result<Block> {
    if !has_parts(table) {
        return Err(Error::NotImplemented(format!("CHECK TABLE of engine {}", table.engine)));
    }
    let chosen = chosen(table, what, ctx)?;
    let is_single = ctx.settings.flag(Setting::CheckQuerySingleValueResult);
    let texts = |name: &'static str| Column::new(name, DataType::String);
    let header = match is_single {
        true => Header::new(vec![Column::new("result", DataType::UInt8)]),
        false => Header::new(vec![texts("part_path"), Column::new("is_passed", DataType::UInt8), texts("message")]),
    };
    let mut rows = Rows::new(&header);
    let mut is_whole = true;
    for part in &chosen {
        let (is_passed, message) = state(part, ctx).await?;
        is_whole &= is_passed;
        if !is_single {
            rows.push(row(part, is_passed, message));
        }
    }
    if is_single {
        rows.push([("result", Cell::from(is_whole))]);
    }
    Ok(rows.block()?)
}

async fn all(ctx: &QueryContext) -> Result<Block> {
    let texts = |name: &'static str| Column::new(name, DataType::String);
    let header = vec![texts("database"), texts("table"), texts("part_path")];
    let passed = [Column::new("is_passed", DataType::UInt8), texts("message")];
    let header = Header::new(header.into_iter().chain(passed).collect::<Vec<_>>());
    let mut rows = Rows::new(&header);
    let listed = |table: &&Arc<TableDef>| {
        has_parts(table) && table.kind == TableKind::MergeTree && table.visibility == Visibility::Listed
    };
    for table in ctx.snapshot.catalog.tables().filter(listed) {
        for part in chosen(table, None, ctx)? {
            let (is_passed, message) = state(&part, ctx).await?;
            let mut cells = row(&part, is_passed, message).to_vec();
            cells.extend([("database", table.database.clone().into()), ("table", table.name.clone().into())]);
            rows.push(cells);
        }
    }
    Ok(rows.block()?)
}

fn row(part: &ActivePart, is_passed: bool, message: String) -> [(&'static str, Cell); 3] {
    let name = part.name().to_string();
    [("part_path", name.into()), ("is_passed", Cell::from(is_passed)), ("message", message.into())]
}

/// True of tables that are checked: as in ClickHouse, those that keep rows in files and are no one else's.
fn has_parts(table: &TableDef) -> bool {
    let is_log = matches!(&*table.engine, "Log" | "TinyLog" | "StripeLog");
    table.view.is_none() && (table.kind == TableKind::MergeTree || is_log)
}

fn chosen(table: &TableDef, what: Option<&PartitionOrPart>, ctx: &QueryContext) -> Result<Vec<Arc<ActivePart>>> {
    let parts = ctx.snapshot.table_parts(table.id);
    let parts = parts.into_iter().flat_map(|parts| parts.parts()).cloned();
    match (what, &table.schema) {
        (None, _) => Ok(parts.collect()),
        (Some(_), _) if table.kind != TableKind::MergeTree => {
            Err(Error::NotImplemented(format!("CHECK TABLE … PARTITION of engine {}", table.engine)))
        }
        (Some(PartitionOrPart::Partition(partition)), Some(schema)) => {
            let id = alter::partition_id(schema, partition, ctx)?;
            Ok(parts.filter(|part| part.name().partition_id == id).collect())
        }
        (Some(PartitionOrPart::Part(part)), _) => {
            let name: PartName = alter::part_name(part)?;
            let found: Vec<_> = parts.filter(|part| *part.name() == name).collect();
            if found.is_empty() {
                let message = format!("no such data part '{name}' to check in table {}", table.qualified_name());
                return Err(Error::refused(ErrorCode::NO_SUCH_DATA_PART, message));
            }
            Ok(found)
        }
        (Some(PartitionOrPart::Partition(_)), None) => Ok(Vec::new()),
    }
}

/// Whether a part can be read, and why not. Only an end of the query is an error.
async fn state(part: &ActivePart, ctx: &QueryContext) -> Result<(bool, String)> {
    match read(part, ctx).await? {
        Ok(rows) if rows == part.rows() => Ok((true, String::new())),
        Ok(rows) => Ok((false, format!("{rows} rows were read, {} were written", part.rows()))),
        Err(error) => Ok((false, error.to_string())),
    }
}

/// The rows of a part that can be read.
async fn read(part: &ActivePart, ctx: &QueryContext) -> Result<std::result::Result<u64, parts::Error>> {
    let columns: Vec<usize> = (0..part.part.meta.header.len()).collect();
    let mut blocks = part.read_all(&columns, Caching::Bypass);
    let mut rows = 0u64;
    loop {
        ctx.check()?;
        match blocks.try_next().await {
            Ok(Some(block)) => rows += block.rows() as u64,
            Ok(None) => break,
            Err(error) => return Ok(Err(error)),
        }
    }
    if let parts::PartData::File(file) = &part.part.data
        && let Err(error) = file.check_projections().await
    {
        return Ok(Err(error));
    }
    Ok(Ok(rows))
}
