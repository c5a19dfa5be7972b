//! The tables of errors of views with ON ERROR QUARANTINE: how one is made, and how it follows its view and the columns of
//! the view's source.

use query::QueryContext;
use sql::ast::{
    AlterAction, ColumnDef, ColumnDefault, CreateSource, CreateTable, Engine as AstEngine, Ident, OnError, SortingKey,
    Storage,
};
use store::{QualifiedName, TableDef};
use types::{ErrorCode, Header};
use views::insert::quarantine::{about, errors_name, has_rows};

use super::columns;
use super::create_table::Maker;
use super::create_view::head;
use crate::engine::Engine;
use crate::error::{Error, Result};

/// True for ON ERROR QUARANTINE; without the clause a view blocks.
pub(crate) fn quarantines(on_error: Option<OnError>) -> bool {
    matches!(on_error, Some(OnError::Quarantine))
}

/// What a table of errors says of itself.
pub(crate) fn comment(view: &QualifiedName) -> String {
    format!("rows over which view {view} failed")
}

/// The table that takes the rows of `source` over which `view` fails.
pub(crate) fn errors_table(
    engine: &Engine,
    view: &QualifiedName,
    source: &QualifiedName,
    ctx: &QueryContext,
) -> Result<TableDef> {
    let found = ctx.snapshot.catalog.named(source).filter(|table| has_rows(table));
    let source = found.ok_or_else(|| {
        let message =
            format!("view {view} cannot quarantine rows of \"{source}\": no table of that name is inserted into");
        Error::refused(ErrorCode::UNKNOWN_TABLE, message)
    })?;
    let mut all = about();
    for column in engine.inner.views.rows_seen(source)?.columns() {
        if all.iter().any(|known| known.name == column.name) {
            let message = format!(
                "a source with a column \"{}\" cannot be quarantined: its table of errors has one",
                column.name
            );
            return Err(Error::refused(ErrorCode::DUPLICATE_COLUMN, message));
        }
        all.push(column.clone());
    }
    let name = QualifiedName::new(view.database.clone(), errors_name(&view.name));
    if ctx.snapshot.catalog.is_taken(&name) {
        let message = format!("table {name} already exists: view {view} needs the name for its errors");
        return Err(Error::refused(ErrorCode::TABLE_ALREADY_EXISTS, message));
    }
    let storage = Storage {
        engine: Some(AstEngine { name: Ident::new("MergeTree"), arguments: Vec::new() }),
        order_by: Some(SortingKey { items: Vec::new(), is_tuple: true }),
        ..Storage::default()
    };
    let create = CreateTable {
        head: head(&name),
        temporary: false,
        attach_from: None,
        elements: None,
        storage,
        source: CreateSource::Declared,
        comment: Some(comment(view)),
    };
    let elements = columns::of_header(&Header::new(all))?;
    // what the source may have, its errors may have
    let mut settings = ctx.settings.clone();
    settings.set("allow_suspicious_low_cardinality_types", "1")?;
    let ctx = ctx.with_settings(settings);
    Maker { engine, ctx: &ctx }.make(&name, &create, &elements, &[])
}

/// What happens to a table of errors when these actions happen to the source of its view: it has the same columns, plain.
pub(crate) fn following(actions: &[&AlterAction]) -> Vec<AlterAction> {
    let plain = |column: &ColumnDef| ColumnDef {
        default: match &column.default {
            Some(ColumnDefault::Default(expr) | ColumnDefault::Materialized(expr)) => {
                Some(ColumnDefault::Default(expr.clone()))
            }
            Some(ColumnDefault::Alias(_) | ColumnDefault::Ephemeral(_) | ColumnDefault::AutoIncrement) | None => None,
        },
        nullability: column.nullability,
        ..ColumnDef::plain(column.name.clone(), column.data_type.clone())
    };
    let is_seen =
        |column: &ColumnDef| !matches!(column.default, Some(ColumnDefault::Alias(_) | ColumnDefault::Ephemeral(_)));
    let followed = |action: &&AlterAction| match action {
        AlterAction::AddColumn { column, .. } if is_seen(column) => {
            Some(AlterAction::AddColumn { if_not_exists: true, column: Box::new(plain(column)), position: None })
        }
        AlterAction::ModifyColumn { column, .. } if column.data_type.is_some() && is_seen(column) => {
            Some(AlterAction::ModifyColumn {
                if_exists: true,
                column: Box::new(ColumnDef { default: None, ..plain(column) }),
                position: None,
            })
        }
        AlterAction::DropColumn(what) if !what.clear => {
            let mut what = what.clone();
            what.if_exists = true;
            Some(AlterAction::DropColumn(what))
        }
        AlterAction::RenameColumn { from, to, .. } => {
            Some(AlterAction::RenameColumn { if_exists: true, from: from.clone(), to: to.clone() })
        }
        _ => None,
    };
    actions.iter().filter_map(followed).collect()
}
