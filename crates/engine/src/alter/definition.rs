//! Changes of a table's definition: columns, keys, indexes, constraints, TTL, settings, comment; and of a view's SELECT.
//!
//! The canonical text is parsed, changed action by action, and made again by what CREATE TABLE uses, so that both check
//! alike. Parts stay as they are: columns renamed and dropped are remembered ([`ColumnChange`]), added ones are computed
//! when they are read. Only a type that values may not fit is converted at once, so that the statement fails and not a
//! later SELECT.

use std::sync::Arc;

use query::definition::Definition;
use sql::ast::Setting as AstSetting;
use sql::ast::{AlterAction, CreateTable, Element, Ident, Storage};
use store::{ColumnChange, Edit, TableDef};
use types::{Column, ErrorCode, Header, Setting, TableId};

use super::columns::{self, key_columns};
use super::materialize::without_index;
use super::mutate::{of_ttl, reserve, rewrite_outdated, rewrite_parts};
use super::{Work, elements, projections};
use crate::ddl::{self, Maker};
use crate::error::{Error, Result};
use crate::ttl::Ttl;

/// A definition while it is changed.
pub(super) struct Draft {
    pub(super) create: CreateTable,
    /// What parts written so far must be read by.
    pub(super) changes: Vec<ColumnChange>,
    /// Commands that `system.mutations` shows.
    pub(super) commands: Vec<Arc<str>>,
    /// Columns that this statement added: only they may extend the sorting key.
    pub(super) added: Vec<String>,
    /// Indexes whose data goes, and in which partition.
    pub(super) cleared: Vec<(String, Option<sql::ast::Partition>)>,
    /// Projections whose data goes, and in which partition.
    pub(super) cleared_projections: Vec<(String, Option<sql::ast::Partition>)>,
    /// TTL changed, of the table or a column.
    pub(super) ttl_changed: bool,
    /// As the table was.
    pub(super) old: Arc<TableDef>,
}

/// Changes a table's definition.
pub(super) async fn run(work: &mut Work<'_>, table: TableId, actions: &[&AlterAction]) -> Result<()> {
    let names = match needs_parts(actions) {
        true => reserve(work, table, |_| true).await?,
        false => Vec::new(),
    };
    let old = work.table(table)?;
    let Definition::Table(create) = Definition::parse(&old)? else {
        let message = format!("{} is not a table", old.qualified_name());
        return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
    };
    let mut draft = Draft {
        create: *create,
        changes: Vec::new(),
        commands: Vec::new(),
        added: Vec::new(),
        cleared: Vec::new(),
        cleared_projections: Vec::new(),
        ttl_changed: false,
        old: Arc::clone(&old),
    };
    for action in actions {
        apply(&mut draft, action, work)?;
    }
    let new = make(work, &draft)?;
    projections::check_kept(&old, &new, &work.ctx)?;
    if draft.changes.is_empty() && draft.commands.is_empty() && !draft.ttl_changed && same(&old, &new) {
        return Ok(());
    }
    let mut edits = vec![Edit::AlterTable(Arc::new(new.clone()))];
    if !draft.changes.is_empty() {
        edits.push(Edit::ChangeLayout { table, changes: draft.changes.clone() });
    }
    work.rely_on(table);
    work.add(edits)?;
    let converts = columns::needs_conversion(&old, &new, &draft.changes);
    let def = work.table(table)?;
    let mut changes = match (draft.ttl_changed, Ttl::of(&def)?) {
        (true, Some(ttl)) => of_ttl(&def, &ttl, None, &work.ctx)?,
        _ => Vec::new(),
    };
    for (index, partition) in &draft.cleared {
        changes.push(without_index(&def, index, partition.as_ref(), &work.ctx)?);
    }
    for (projection, partition) in &draft.cleared_projections {
        changes.extend(projections::without(&def, projection, partition.as_ref(), &work.ctx)?);
    }
    if converts {
        return rewrite_outdated(work, table, names, changes, draft.commands).await;
    }
    if !changes.is_empty() {
        return rewrite_parts(work, table, names, changes, draft.commands).await;
    }
    if !draft.commands.is_empty() && def.kind == store::TableKind::MergeTree {
        work.add(vec![Edit::RecordMutation { table, commands: draft.commands }])?;
    }
    Ok(())
}

/// Whether parts may have to be rewritten: they are taken first then.
fn needs_parts(actions: &[&AlterAction]) -> bool {
    actions.iter().any(|action| match action {
        AlterAction::ModifyColumn { .. } | AlterAction::ModifyTtl(_) => true,
        AlterAction::DropElement(Element::Index | Element::Projection, what) => what.clear,
        _ => false,
    })
}

fn same(old: &TableDef, new: &TableDef) -> bool {
    old.sql == new.sql && old.columns == new.columns && old.schema == new.schema && old.comment == new.comment
}

fn apply(draft: &mut Draft, action: &AlterAction, work: &Work<'_>) -> Result<()> {
    match action {
        AlterAction::AddColumn { .. }
        | AlterAction::DropColumn(_)
        | AlterAction::ModifyColumn { .. }
        | AlterAction::RemoveColumnProperty { .. }
        | AlterAction::RenameColumn { .. }
        | AlterAction::CommentColumn { .. } => columns::apply(draft, action, &work.ctx),
        AlterAction::AddIndex { .. }
        | AlterAction::DropElement(..)
        | AlterAction::AddConstraint { .. }
        | AlterAction::AddProjection { .. } => elements::apply(draft, action, &work.ctx),
        AlterAction::ModifyOrderBy(key) => order_by(draft, key),
        AlterAction::ModifyTtl(items) => {
            draft.create.storage.ttl = items.clone();
            draft.ttl_changed = work.ctx.settings.flag(Setting::MaterializeTtlAfterModify);
            if draft.ttl_changed {
                draft.commands.push("MATERIALIZE TTL".into());
            }
            Ok(())
        }
        AlterAction::RemoveTtl => {
            if draft.create.storage.ttl.is_empty() {
                let message = "table doesn't have any table TTL expression, cannot remove";
                return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
            }
            draft.create.storage.ttl = Vec::new();
            Ok(())
        }
        AlterAction::ModifySampleBy(key) => {
            draft.create.storage.sample_by = Some(key.clone());
            Ok(())
        }
        AlterAction::RemoveSampleBy => match draft.create.storage.sample_by.take() {
            Some(_) => Ok(()),
            None => {
                let message = "table doesn't have SAMPLE BY, cannot remove";
                Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message))
            }
        },
        AlterAction::ModifySetting(settings) => modify_settings(draft, settings),
        AlterAction::ResetSetting(names) => reset_settings(draft, names),
        AlterAction::ModifyComment(comment) => {
            draft.create.comment = (!comment.is_empty()).then(|| comment.clone());
            Ok(())
        }
        other => {
            let text = other.to_string();
            let words: Vec<&str> = text.split_whitespace().take(2).collect();
            Err(Error::NotImplemented(format!("ALTER TABLE … {}", words.join(" "))))
        }
    }
}

/// The definition that a draft says, of the same table.
fn make(work: &Work<'_>, draft: &Draft) -> Result<TableDef> {
    let old = &draft.old;
    let carried: Vec<Column> = old
        .schema
        .iter()
        .flat_map(|schema| schema.header.columns())
        .filter(|column| views::hidden::carried_of(&column.name).is_some())
        .cloned()
        .collect();
    let elements = draft.create.elements.clone().unwrap_or_default();
    let made = Maker { engine: work.engine, ctx: &work.ctx };
    let new = made.make(&old.qualified_name(), &draft.create, &elements, &carried)?;
    Ok(TableDef {
        id: old.id,
        uuid: old.uuid,
        version: old.version,
        kind: old.kind,
        visibility: old.visibility,
        readiness: old.readiness,
        created_ns: old.created_ns,
        ..new
    })
}

/// The new key begins as the old one does, or ends earlier; what is added reads columns added in the same statement only.
fn order_by(draft: &mut Draft, key: &sql::ast::SortingKey) -> Result<()> {
    let refuse = |message: String| Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
    let storage = &mut draft.create.storage;
    // brackets around an expression are no other expression
    let text = |expr: &sql::Expr| sql::Expr { parenthesized: false, ..expr.clone() }.to_string();
    let old: Vec<String> = storage.order_by.iter().flat_map(|key| key.exprs()).map(text).collect();
    let primary: Vec<String> = match &storage.primary_key {
        Some(primary) => ddl::key_items(primary).into_iter().map(text).collect(),
        None => old.clone(),
    };
    let new: Vec<String> = key.exprs().map(text).collect();
    let declared: Vec<&str> =
        draft.create.elements.iter().flat_map(|elements| &elements.columns).map(|c| c.name.name.as_str()).collect();
    let is_known =
        |name: &String| declared.contains(&name.split('.').next().unwrap_or(name)) || declared.contains(&name.as_str());
    if let Some(unknown) = key.exprs().flat_map(sql::Expr::identifiers).find(|name| !is_known(name)) {
        return Err(Error::refused(ErrorCode::UNKNOWN_IDENTIFIER, format!("missing columns: '{unknown}'")));
    }
    if new.len() < primary.len() {
        return refuse(format!(
            "primary key must be a prefix of the sorting key, but its length: {} is greater than the sorting key \
             length: {}",
            primary.len(),
            new.len()
        ));
    }
    if let Some((position, (new, primary))) = new.iter().zip(&primary).enumerate().find(|(_, (new, old))| new != old) {
        return refuse(format!(
            "primary key must be a prefix of the sorting key, but the column in the position {position} is {new}, \
             not {primary}"
        ));
    }
    let columns = draft.create.elements.iter().flat_map(|elements| &elements.columns);
    let columns: Vec<_> = columns.cloned().collect();
    for (expr, text) in key.exprs().zip(&new) {
        if old.contains(text) {
            continue;
        }
        for name in expr.identifiers() {
            let Some(column) = columns.iter().find(|column| column.name.name == name) else { continue };
            if !draft.added.contains(&name) {
                return refuse(format!(
                    "existing column \"{name}\" is used in the expression that was added to the sorting key. You can add \
                     expressions that use only the newly added columns"
                ));
            }
            if column.default.is_some() {
                return refuse(format!(
                    "newly added column \"{name}\" has a default expression, so adding expressions that use it to the \
                     sorting key is forbidden"
                ));
            }
        }
    }
    if storage.primary_key.is_none() && !old.is_empty() {
        storage.primary_key = storage.order_by.as_ref().map(|key| {
            let exprs: Vec<sql::Expr> = key.exprs().cloned().collect();
            match <[sql::Expr; 1]>::try_from(exprs) {
                Ok([only]) => only,
                Err(exprs) => sql::Expr::new(sql::ast::ExprKind::Tuple(exprs)),
            }
        });
    }
    storage.order_by = Some(key.clone());
    Ok(())
}

fn modify_settings(draft: &mut Draft, settings: &[AstSetting]) -> Result<()> {
    ddl::check_settings(settings)?;
    let kept = &mut draft.create.storage.settings;
    for setting in settings {
        let name = &setting.name.name;
        if name == "index_granularity" {
            let message = format!("setting '{name}' is readonly for storage '{}'", draft.old.engine);
            return Err(Error::refused(ErrorCode::READONLY_SETTING, message));
        }
        match kept.iter_mut().find(|known| known.name.name == *name) {
            Some(known) => known.value = setting.value.clone(),
            None => kept.push(setting.clone()),
        }
    }
    Ok(())
}

fn reset_settings(draft: &mut Draft, names: &[Ident]) -> Result<()> {
    for name in names {
        if ddl::table_settings::check_name(&name.name).is_err() {
            let message = format!("cannot reset setting '{}' because it doesn't exist", name.name);
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
        }
        draft.create.storage.settings.retain(|known| known.name.name != name.name);
    }
    Ok(())
}

/// Columns that keys and the engine are made of.
pub(super) fn bound_columns(storage: &Storage) -> Vec<(String, &'static str)> {
    let keys = key_columns(storage).into_iter().map(|name| (name, "key"));
    let arguments = storage.engine.iter().flat_map(|engine| &engine.arguments).flat_map(sql::Expr::identifiers);
    keys.chain(arguments.map(|name| (name, "engine"))).collect()
}

/// The stored columns of a table with their types.
pub(super) fn stored(def: &TableDef) -> Header {
    def.schema.as_ref().map_or_else(Header::default, |schema| schema.header.clone())
}
