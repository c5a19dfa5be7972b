//! BACKUP and RESTORE: definitions and parts of one snapshot in a folder, and back.
//!
//! ```text
//! BACKUP   pin S ─▶ choose tables (views bring their own tables, hidden ones too) ─▶ copy each part, read it back ─▶
//!          backup.everview, written last: a folder without it is no backup
//! RESTORE  read it ─▶ new ids ─▶ stage each part (checksums are read on the way) ─▶ one Commit with everything
//! ```
//! With AS, names in definitions follow (`rename`). Inserts, merges and deletes go on meanwhile. A part that the base backup has is not copied again. A kill in the middle
//! leaves a folder without `backup.everview`, or staged files that the next start removes.

mod choose;
mod manifest;
mod marks;
mod rename;
mod restore;
mod save;

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use query::QueryContext;
use query::system::{Cell, Rows, SYSTEM, header_of};
use sql::ast::{Backup, ExprKind, Literal, Setting, SettingValue, TableFunction};
use tokio_util::sync::CancellationToken;
use types::{Block, Column, DataType, ErrorCode, Header};

use crate::engine::Engine;
use crate::error::{Error, Result};

pub(crate) use save::Saved;

/// Runs BACKUP or RESTORE. The answer is its id and status.
pub(crate) async fn run(engine: &Engine, backup: &Backup, ctx: &Arc<QueryContext>) -> Result<Block> {
    let task = Task::new(engine, backup, ctx)?;
    let id = task.id.clone();
    engine.inner.telemetry.backups.lock().begin(&task, ctx.now_ns);
    if !task.is_async {
        let status = work(engine.clone(), task, ctx.clone()).await?;
        return answer(&id, status);
    }
    let started = if task.restores { Status::Restoring } else { Status::Creating };
    let (engine, env) = (engine.clone(), engine.env().clone());
    // the request that asked for it is over when this begins, and its end cancels what it left running
    let mut alone = (**ctx).clone();
    alone.cancel = CancellationToken::new();
    let ctx = Arc::new(alone);
    let run = async move {
        // how it ended is in system.backups
        let _told = work(engine, task, ctx).await;
    };
    let _runs_on = env.spawner.spawn("backup", Box::pin(run));
    answer(&id, started)
}

/// One BACKUP or RESTORE, resolved.
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) base_name: String,
    pub(crate) query_id: Arc<str>,
    pub(crate) restores: bool,
    elements: Vec<sql::ast::BackupElement>,
    folder: PathBuf,
    base: Option<PathBuf>,
    structure_only: bool,
    /// RESTORE adds to tables that have rows.
    adds: bool,
    creation: Creation,
    is_async: bool,
}

/// Which tables RESTORE makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Creation {
    /// Those that are not there.
    IfMissing,
    /// All of them.
    Always,
    /// None.
    Never,
}

impl Task {
    fn new(engine: &Engine, backup: &Backup, ctx: &QueryContext) -> Result<Task> {
        let uuid = engine.env().rng.uuid();
        let mut task = Task {
            id: query_style(uuid),
            name: location_text(&backup.location),
            base_name: String::new(),
            query_id: ctx.caller.query_id.clone(),
            restores: backup.restores,
            elements: backup.elements.clone(),
            folder: folder_of(engine, &backup.location)?,
            base: None,
            structure_only: false,
            adds: false,
            creation: Creation::IfMissing,
            is_async: false,
        };
        for setting in &backup.settings {
            task.set(engine, setting)?;
        }
        Ok(task)
    }

    fn set(&mut self, engine: &Engine, setting: &Setting) -> Result<()> {
        let flag = || match &setting.value {
            SettingValue::Literal(Literal::Bool(value)) => Ok(*value),
            SettingValue::Literal(Literal::UInt(value)) => Ok(*value != 0),
            SettingValue::Implicit => Ok(true),
            _ => Err(Error::refused(ErrorCode::BAD_ARGUMENTS, format!("setting \"{}\" is 0 or 1", setting.name.name))),
        };
        match (setting.name.name.as_str(), &setting.value) {
            ("async", _) => self.is_async = flag()?,
            ("structure_only", _) => self.structure_only = flag()?,
            ("id", SettingValue::Literal(Literal::String(id))) => self.id = String::from_utf8_lossy(id).into_owned(),
            ("base_backup", SettingValue::Expr(expr)) if !self.restores => {
                let ExprKind::Function(call) = &expr.kind else { return Err(no_location(&expr.to_string())) };
                let (name, arguments) = (call.name.clone(), call.arguments.clone());
                let location = TableFunction { database: None, name, arguments, settings: Vec::new() };
                self.base_name = location_text(&location);
                self.base = Some(folder_of(engine, &location)?);
            }
            ("allow_non_empty_tables", _) if self.restores => self.adds = flag()?,
            ("create_table", value) if self.restores => self.creation = creation(value)?,
            (name, _) if LATER.contains(&name) => {
                return Err(Error::NotImplemented(format!("setting \"{name}\" of BACKUP and RESTORE")));
            }
            (name, _) => {
                let message = format!("unknown setting \"{name}\" of BACKUP and RESTORE");
                return Err(Error::refused(ErrorCode::UNKNOWN_SETTING, message));
            }
        }
        Ok(())
    }
}

/// Settings that the real engine has besides, and one that only BACKUP or RESTORE takes.
const LATER: &[&str] = &[
    "allow_backup_broken_projections",
    "allow_different_database_def",
    "allow_different_table_def",
    "allow_non_empty_tables",
    "base_backup",
    "check_parts",
    "check_projection_parts",
    "cluster_host_ids",
    "compression_level",
    "compression_method",
    "create_access",
    "create_database",
    "create_function",
    "create_table",
    "deduplicate_files",
    "experimental_lightweight_snapshot",
    "host_id",
    "password",
    "restore_broken_parts_as_detached",
    "use_same_password_for_base_backup",
    "use_same_s3_credentials_for_base_backup",
];

fn creation(value: &SettingValue) -> Result<Creation> {
    let text = match value {
        SettingValue::Literal(Literal::Bool(value)) => u64::from(*value).to_string(),
        SettingValue::Literal(Literal::UInt(value)) => value.to_string(),
        SettingValue::Literal(Literal::String(text)) => String::from_utf8_lossy(text).replace('-', " "),
        _ => String::new(),
    };
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "if not exists" | "create if not exists" => Ok(Creation::IfMissing),
        "create" => Ok(Creation::Always),
        "0" | "false" | "must exist" => Ok(Creation::Never),
        _ => {
            let message = "setting \"create_table\" is 'create', 'must exist' or 'if not exists'";
            Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message))
        }
    }
}

async fn work(engine: Engine, task: Task, ctx: Arc<QueryContext>) -> Result<Status> {
    let done = match task.restores {
        true => restore::run(&engine, &task, &ctx).await,
        false => save::run(&engine, &task, &ctx).await,
    };
    if task.restores && done.is_ok() {
        // what was restored is scheduled from here on
        engine.inner.refreshes.sync().await;
    }
    let now_ns = engine.env().clock.now_ns();
    let status = match (&done, task.restores) {
        (Ok(_), false) => Status::Created,
        (Ok(_), true) => Status::Restored,
        (Err(error), false) if error.code() == ErrorCode::QUERY_WAS_CANCELLED => Status::BackupCancelled,
        (Err(error), true) if error.code() == ErrorCode::QUERY_WAS_CANCELLED => Status::RestoreCancelled,
        (Err(_), false) => Status::BackupFailed,
        (Err(_), true) => Status::RestoreFailed,
    };
    let error = done.as_ref().err().map(ToString::to_string);
    let saved = done.as_ref().map_or_else(|_| Saved::default(), Clone::clone);
    engine.inner.telemetry.backups.lock().end(&task.id, status, saved, error, now_ns);
    done.map(|_| status)
}

/// The statuses of `system.backups`, by ClickHouse's numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Status {
    Creating = 0,
    Created = 1,
    BackupFailed = 2,
    Restoring = 3,
    Restored = 4,
    RestoreFailed = 5,
    BackupCancelled = 6,
    RestoreCancelled = 7,
}

/// The status column of answers and of `system.backups`.
fn status_type() -> DataType {
    let header = header_of(SYSTEM, "backups");
    header.column("status").map_or(DataType::String, |column| column.ty.clone())
}

fn answer(id: &str, status: Status) -> Result<Block> {
    let header = Header::new(vec![Column::new("id", DataType::String), Column::new("status", status_type())]);
    let mut rows = Rows::new(&header);
    rows.push([("id", id.into()), ("status", Cell::Int(status as i64))]);
    Ok(rows.block()?)
}

/// The folder that `File('path')` means: inside the folder for backups, wherever that is.
fn folder_of(engine: &Engine, location: &TableFunction) -> Result<PathBuf> {
    if location.name.name != "File" {
        return Err(Error::NotImplemented(format!("BACKUP and RESTORE with {}(…)", location.name.name)));
    }
    let [argument] = location.arguments.as_slice() else { return Err(no_location(&location_text(location))) };
    let ExprKind::Literal(Literal::String(path)) = &argument.kind else {
        return Err(no_location(&location_text(location)));
    };
    let Some(allowed) = &engine.inner.config.backups else {
        return Err(Error::refused(ErrorCode::ACCESS_DENIED, "there is no folder for backups"));
    };
    let path = String::from_utf8_lossy(path).into_owned();
    if ARCHIVES.iter().any(|ending| path.ends_with(ending)) {
        return Err(Error::NotImplemented(format!("BACKUP and RESTORE with an archive ('{path}')")));
    }
    let path = Path::new(path.trim_end_matches('/'));
    let inside = match path.is_absolute() {
        true => path.strip_prefix(allowed).ok(),
        false => Some(path),
    };
    let plain = |path: &&Path| {
        path.components().next().is_some() && path.components().all(|part| matches!(part, Component::Normal(_)))
    };
    match inside.filter(plain) {
        Some(inside) => Ok(allowed.join(inside)),
        None => {
            let message = format!("path '{}' is not inside the folder for backups", path.display());
            Err(Error::refused(ErrorCode::ACCESS_DENIED, message))
        }
    }
}

/// Endings that make the real engine write one file instead of a folder.
const ARCHIVES: &[&str] =
    &[".zip", ".zipx", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.lzma", ".tar.zst", ".tzst", ".tar.xz"];

fn no_location(text: &str) -> Error {
    Error::refused(ErrorCode::BAD_ARGUMENTS, format!("expected File('path'), got {text}"))
}

fn location_text(location: &TableFunction) -> String {
    let arguments: Vec<String> = location.arguments.iter().map(ToString::to_string).collect();
    format!("{}({})", location.name.name, arguments.join(", "))
}

fn query_style(uuid: u128) -> String {
    let hex = format!("{uuid:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// What `system.backups` remembers, newest last.
#[derive(Debug, Default)]
pub(crate) struct Backups {
    records: std::collections::VecDeque<Record>,
}

/// Backups that are remembered.
const RECORDS_MAX: usize = 1_000;

#[derive(Debug)]
struct Record {
    id: String,
    name: String,
    base_name: String,
    query_id: Arc<str>,
    status: Status,
    started_ns: i64,
    ended_ns: i64,
    saved: Saved,
    error: String,
}

impl Backups {
    fn begin(&mut self, task: &Task, started_ns: i64) {
        self.records.push_back(Record {
            id: task.id.clone(),
            name: task.name.clone(),
            base_name: task.base_name.clone(),
            query_id: task.query_id.clone(),
            status: if task.restores { Status::Restoring } else { Status::Creating },
            started_ns,
            ended_ns: 0,
            saved: Saved::default(),
            error: String::new(),
        });
        if RECORDS_MAX < self.records.len() {
            self.records.pop_front();
        }
    }

    fn end(&mut self, id: &str, status: Status, saved: Saved, error: Option<String>, ended_ns: i64) {
        if let Some(record) = self.records.iter_mut().rev().find(|record| record.id == id) {
            (record.status, record.saved, record.ended_ns) = (status, saved, ended_ns);
            record.error = error.unwrap_or_default();
        }
    }

    /// The rows of `system.backups`.
    pub(crate) fn show(&self, rows: &mut Rows) {
        for record in &self.records {
            rows.push([
                ("id", record.id.as_str().into()),
                ("name", record.name.as_str().into()),
                ("base_backup_name", record.base_name.as_str().into()),
                ("query_id", record.query_id.clone().into()),
                ("status", Cell::Int(record.status as i64)),
                ("error", record.error.as_str().into()),
                ("start_time", (record.started_ns / 1_000).into()),
                ("end_time", (record.ended_ns / 1_000).into()),
                ("num_files", record.saved.files.into()),
                ("total_size", record.saved.bytes.into()),
                ("num_entries", record.saved.parts.into()),
                ("uncompressed_size", record.saved.uncompressed_bytes.into()),
                ("compressed_size", record.saved.bytes.into()),
                ("files_read", record.saved.files_read.into()),
                ("bytes_read", record.saved.bytes_read.into()),
            ]);
        }
    }
}

#[cfg(test)]
mod tests;
