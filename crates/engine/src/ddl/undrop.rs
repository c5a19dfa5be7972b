//! UNDROP TABLE, and what is kept for it: a dropped table with rows on the disk stays, seen by nobody, until
//! `database_atomic_delay_before_drop_table_sec` has passed (`upkeep` ends it then).
//!
//! As in ClickHouse: views, dictionaries and tables without rows on the disk are gone at once; the inner table of a view
//! comes back as a table; a table that CREATE OR REPLACE replaced is kept under a name that begins with `_tmp_replace_`.

use query::QueryContext;
use sql::ast::{CreateHead, Undrop};
use store::{Catalog, Edit, QualifiedName, Readiness, RetiredTable, TableDef, TableKind, Visibility};
use types::{ErrorCode, Setting, TableId};

use super::{commit, database_name, drop, qualified, refuse_cluster, uuid_text};
use crate::engine::Engine;
use crate::error::{Error, Result};

/// What becomes of what is in a table that is dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    /// It is gone.
    Gone,
    /// UNDROP can bring it back for a while, where the table is of that sort.
    Kept,
}

impl Fate {
    /// What the server and the statement's settings say.
    pub(super) fn of(engine: &Engine, ctx: &QueryContext) -> Fate {
        let at_once = ctx.settings.flag(Setting::DatabaseAtomicWaitForDropAndDetachSynchronously);
        match at_once || engine.inner.config.drop_delay.is_zero() {
            true => Fate::Gone,
            false => Fate::Kept,
        }
    }
}

/// The edit that drops one table.
pub(super) fn drop_edit(table: TableId, catalog: &Catalog, fate: Fate) -> Edit {
    match catalog.table_by_id(table) {
        Some(def) if fate == Fate::Kept && may_return(def, catalog) => Edit::RetireTable { table },
        _ => Edit::DropTable { table },
    }
}

/// True for tables with rows on the disk, of a database that keeps them.
fn may_return(def: &TableDef, catalog: &Catalog) -> bool {
    let has_rows = match def.kind {
        TableKind::MergeTree | TableKind::Join | TableKind::Set => true,
        // Memory and the Log family are of one kind here
        TableKind::Memory => &*def.engine != "Memory",
        TableKind::Null
        | TableKind::View
        | TableKind::WindowView
        | TableKind::Merge
        | TableKind::Dictionary
        | TableKind::DictionaryTable
        | TableKind::Buffer
        | TableKind::External => false,
    };
    let is_atomic = catalog.database(&def.database).is_some_and(|database| &*database.engine == "Atomic");
    has_rows
        && is_atomic
        && def.view.is_none()
        && def.visibility == Visibility::Listed
        && def.readiness == Readiness::Ready
}

/// The edits that make place for a table or view of the same name.
pub(super) fn replaced(old: &TableDef, engine: &Engine, ctx: &QueryContext) -> Vec<Edit> {
    let (catalog, fate) = (&ctx.snapshot.catalog, Fate::of(engine, ctx));
    let mut edits = drop::edits(old, catalog, fate);
    if edits.first().is_some_and(|edit| matches!(edit, Edit::RetireTable { table } if *table == old.id)) {
        let name = format!("_tmp_replace_{:032x}", engine.env().rng.uuid());
        let to = QualifiedName::new(old.database.clone(), name);
        edits.insert(0, Edit::RenameTable { table: old.id, to });
    }
    edits
}

/// The UUID of something new: as written, or any.
pub(super) fn new_uuid(head: &CreateHead, engine: &Engine, ctx: &QueryContext) -> Result<u128> {
    let Some(text) = &head.uuid else { return Ok(engine.env().rng.uuid()) };
    let uuid = parse_uuid(text)?;
    let catalog = &ctx.snapshot.catalog;
    let is_kept = catalog.retired().iter().any(|retired| retired.table.uuid == uuid);
    if is_kept || catalog.tables().any(|table| table.uuid == uuid) {
        let message = format!("a table with UUID {text} already exists");
        return Err(Error::refused(ErrorCode::TABLE_ALREADY_EXISTS, message));
    }
    Ok(uuid)
}

/// UNDROP TABLE name [UUID '…'].
pub(super) async fn run(engine: &Engine, what: &Undrop, ctx: &QueryContext) -> Result<()> {
    refuse_cluster(&what.on_cluster)?;
    let name = qualified(ctx, &what.name);
    let uuid = what.uuid.as_deref().map(parse_uuid).transpose()?;
    let shown = match uuid {
        Some(uuid) => format!("{name} ({})", uuid_text(uuid)),
        None => name.to_string(),
    };
    let database = database_name(ctx, &name.database)?;
    let catalog = &ctx.snapshot.catalog;
    let is_system = ctx.runtime.system.get(&database, &name.name).is_some();
    if is_system || catalog.named(&name).is_some() {
        let message = format!("cannot undrop table, {shown} already exists");
        return Err(Error::refused(ErrorCode::TABLE_ALREADY_EXISTS, message));
    }
    if catalog.detached(&name).is_some() {
        let message = format!("table {name} already exists (detached)");
        return Err(Error::refused(ErrorCode::TABLE_ALREADY_EXISTS, message));
    }
    let is_meant = |retired: &&RetiredTable| match uuid {
        Some(uuid) => retired.table.uuid == uuid,
        None => retired.table.qualified_name() == name,
    };
    // of several of one name the one that was dropped last
    let Some(retired) = catalog.retired().into_iter().rfind(is_meant) else {
        let message =
            format!("table {shown} is being dropped, has been dropped, or the database engine does not support UNDROP");
        return Err(Error::refused(ErrorCode::UNKNOWN_TABLE, message));
    };
    commit(engine, vec![Edit::UndropTable { table: retired.table.id }], ctx).await?;
    Ok(())
}

fn parse_uuid(text: &str) -> Result<u128> {
    let bytes = types::text::scan::parse_uuid(text.as_bytes())
        .ok_or_else(|| Error::refused(ErrorCode::CANNOT_PARSE_UUID, format!("cannot parse uuid {text}")))?;
    Ok(u128::from_be_bytes(bytes))
}
