//! FREEZE and UNFREEZE: parts as Parquet files in the folder `shadow`, for whoever takes them elsewhere.
//!
//! ```text
//! shadow/<name, or the next number>/data/<database>/<table>/<part>.parquet
//! ```
//! The files have the rows and columns of the statement's snapshot and belong to nobody: nothing here reads them again,
//! UNFREEZE removes them. A part that is there already refuses the whole statement before anything is written.

use std::path::PathBuf;
use std::sync::Arc;

use env::Disk;
use parts::{Derived, DiskPartStore, Maturity, PartName, PartStore, write_part};
use sql::ast::Partition;
use store::TableDef;
use types::ErrorCode;

use super::Work;
use super::copy::rows_as;
use super::partition::which;
use crate::error::{Error, Result};

/// FREEZE [PARTITION p] [WITH NAME 'name'].
pub(super) async fn freeze(
    work: &Work<'_>,
    def: &TableDef,
    partition: Option<&Partition>,
    name: Option<&str>,
) -> Result<()> {
    let Some(schema) = &def.schema else { return Ok(()) };
    let wanted = match partition {
        Some(partition) => which(def, partition, &work.ctx)?,
        None => None,
    };
    let parts = work.ctx.snapshot.table_parts(def.id).into_iter().flat_map(|parts| parts.parts());
    let parts: Vec<_> =
        parts.filter(|part| wanted.as_ref().is_none_or(|id| part.name().partition_id == *id)).cloned().collect();
    let name = match name {
        Some(name) => escaped(name),
        None => next_number(work).await?.to_string(),
    };
    let files = files_of(work, def, &name).await?;
    let there = files.list().await?;
    let taken =
        parts.iter().map(|part| object(part.name())).find(|object| there.iter().any(|(known, _)| known == object));
    if let Some(taken) = taken {
        let message = format!("shadow/{name} has {taken} of {} already", def.qualified_name());
        return Err(Error::refused(ErrorCode::DIRECTORY_ALREADY_EXISTS, message));
    }
    for part in &parts {
        work.ctx.check()?;
        let rows = rows_as(part, def, &schema.header, &work.ctx)?;
        write_part(schema, &Derived::default(), rows, Maturity::Merged, &*files, &object(part.name())).await?;
    }
    let all = work.ctx.snapshot.table_parts(def.id).into_iter().flat_map(|parts| parts.parts());
    let there = all.map(|part| part.name().to_string()).collect();
    let names = parts.iter().map(|part| part.name().to_string());
    work.ctx.runtime.frozen.freeze(def.id, &there, names);
    Ok(())
}

/// UNFREEZE [PARTITION p] WITH NAME 'name'. What is not there is no error.
pub(super) async fn unfreeze(work: &Work<'_>, def: &TableDef, partition: Option<&Partition>, name: &str) -> Result<()> {
    let wanted = match partition {
        Some(partition) => which(def, partition, &work.ctx)?,
        None => None,
    };
    let disk = &*work.engine.env().disk;
    let name = escaped(name);
    if !disk.exists(&folder(work, def, &name)).await? {
        return Ok(());
    }
    let files = files_of(work, def, &name).await?;
    for (object, _) in files.list().await? {
        let part = object.strip_suffix(".parquet").and_then(|name| PartName::parse(name).ok());
        let is_meant = |part: &PartName| wanted.as_ref().is_none_or(|id| part.partition_id == *id);
        if part.is_some_and(|part| is_meant(&part)) {
            files.delete(&object).await?;
        }
    }
    Ok(())
}

fn shadow(work: &Work<'_>) -> PathBuf {
    work.engine.inner.folder.join("shadow")
}

fn folder(work: &Work<'_>, def: &TableDef, name: &str) -> PathBuf {
    shadow(work).join(name).join("data").join(escaped(&def.database)).join(escaped(&def.name))
}

/// The files of a table under a name, with the folders down to them.
async fn files_of(work: &Work<'_>, def: &TableDef, name: &str) -> Result<Arc<dyn PartStore>> {
    let disk = &work.engine.env().disk;
    let folder = folder(work, def, name);
    disk.create_dir(&folder).await?;
    Ok(Arc::new(DiskPartStore::open(Arc::clone(disk), folder).await?))
}

/// One more than the greatest number that is a name there.
async fn next_number(work: &Work<'_>) -> Result<u64> {
    let disk: &dyn Disk = &*work.engine.env().disk;
    if !disk.exists(&shadow(work)).await? {
        return Ok(1);
    }
    let names = disk.list(&shadow(work)).await?;
    let last = names.iter().filter_map(|entry| entry.name.parse::<u64>().ok()).max();
    Ok(last.unwrap_or(0) + 1)
}

fn object(part: &PartName) -> String {
    format!("{part}.parquet")
}

/// A name as one part of a path: everything but letters, digits, `_` and `-` as its bytes.
fn escaped(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => text.push(char::from(byte)),
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}
