//! ADD, DROP, CLEAR, RENAME, MODIFY and COMMENT COLUMN on a definition.

use std::collections::BTreeSet;

use query::QueryContext;
use sql::Expr;
use sql::ast::{
    AlterAction, ColumnDef, ColumnDefault, ColumnPosition, ColumnProperty, DropElement, Ident, Nullability, Storage,
    TableElements, TtlAction,
};
use store::{ColumnChange, TableDef};
use types::{DataType, ErrorCode};

use super::definition::{Draft, bound_columns, stored};
use super::partition::partition_id;
use crate::ddl;
use crate::error::{Error, Result};

/// One action.
pub(super) fn apply(draft: &mut Draft, action: &AlterAction, ctx: &QueryContext) -> Result<()> {
    match action {
        AlterAction::AddColumn { if_not_exists, column, position } => {
            ddl::refuse_whole_nested(column, ctx)?;
            add(draft, column, position.as_ref(), *if_not_exists)
        }
        AlterAction::DropColumn(what) if what.clear => clear(draft, what, action, ctx),
        AlterAction::DropColumn(what) => drop_column(draft, what, action),
        AlterAction::ModifyColumn { if_exists, column, position } => {
            modify(draft, column, position.as_ref(), *if_exists, action)
        }
        AlterAction::RemoveColumnProperty { if_exists, column, property } => {
            remove_property(draft, column, *property, *if_exists)
        }
        AlterAction::RenameColumn { if_exists, from, to } => rename(draft, from, to, *if_exists, action),
        AlterAction::CommentColumn { if_exists, column, comment } => match find(draft, &column.name) {
            Some(at) => {
                elements(draft).columns[at].comment = (!comment.is_empty()).then(|| comment.clone());
                Ok(())
            }
            None if *if_exists => Ok(()),
            None => Err(not_found(draft, &column.name, "comment")),
        },
        _ => Ok(()),
    }
}

/// The columns that the keys of a table are made of.
pub(crate) fn key_columns(storage: &Storage) -> BTreeSet<String> {
    let order = storage.order_by.iter().flat_map(|key| key.exprs());
    let others = storage.partition_by.iter().chain(&storage.primary_key).chain(&storage.sample_by);
    order.chain(others).flat_map(Expr::identifiers).collect()
}

fn elements(draft: &mut Draft) -> &mut TableElements {
    draft.create.elements.get_or_insert_with(TableElements::default)
}

fn columns(draft: &Draft) -> &[ColumnDef] {
    draft.create.elements.as_ref().map_or(&[], |elements| &elements.columns)
}

fn find(draft: &Draft, name: &str) -> Option<usize> {
    columns(draft).iter().position(|column| column.name.name == name)
}

fn not_found(draft: &Draft, name: &str, what: &str) -> Error {
    let hint = types::error::nearest(name, columns(draft).iter().map(|column| column.name.name.as_str()));
    let message = format!("wrong column name: cannot find column \"{name}\" to {what}{hint}");
    Error::refused(ErrorCode::NOT_FOUND_COLUMN_IN_BLOCK, message)
}

/// Where a column that goes to `position` stands among the others.
fn place(draft: &Draft, position: Option<&ColumnPosition>) -> Result<usize> {
    match position {
        None => Ok(columns(draft).len()),
        Some(ColumnPosition::First) => Ok(0),
        Some(ColumnPosition::After(name)) => match find(draft, &name.name) {
            Some(at) => Ok(at + 1),
            None => {
                let message = format!("wrong column name: cannot find column \"{}\" to insert after", name.name);
                Err(Error::refused(ErrorCode::NO_SUCH_COLUMN_IN_TABLE, message))
            }
        },
    }
}

fn add(draft: &mut Draft, column: &ColumnDef, position: Option<&ColumnPosition>, if_not_exists: bool) -> Result<()> {
    if column.data_type.is_none() {
        let message = format!("data type has to be specified for column \"{}\" to add", column.name.name);
        return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
    }
    if column.name.name == query::layout::COMMIT {
        let message = format!(
            "column name \"{}\" is reserved: rows that are there would have the number of their commit",
            column.name.name
        );
        return Err(Error::refused(ErrorCode::ILLEGAL_COLUMN, message));
    }
    let mut at = place(draft, position)?;
    for column in ddl::spread_nested(std::slice::from_ref(column))? {
        let name = column.name.name.clone();
        if find(draft, &name).is_some() {
            if if_not_exists {
                continue;
            }
            let message = format!("cannot add column \"{name}\": column with this name already exists");
            return Err(Error::refused(ErrorCode::DUPLICATE_COLUMN, message));
        }
        draft.ttl_changed |= column.ttl.is_some();
        draft.added.push(name.clone());
        // what parts hold under the name of a column that was dropped is forgotten already; ALIAS columns hold nothing
        elements(draft).columns.insert(at, column);
        at += 1;
    }
    Ok(())
}

/// The columns that a name means: itself, or those of a Nested.
fn meant(draft: &Draft, name: &str) -> Vec<String> {
    if find(draft, name).is_some() {
        return vec![name.to_owned()];
    }
    let prefix = format!("{name}.");
    columns(draft).iter().map(|column| column.name.name.clone()).filter(|known| known.starts_with(&prefix)).collect()
}

fn refuse_bound(draft: &Draft, name: &str, what: &str) -> Result<()> {
    match bound_columns(&draft.create.storage).into_iter().find(|(bound, _)| bound == name) {
        None => Ok(()),
        Some((_, why)) => {
            let message = format!("trying to ALTER {what} {why} column \"{name}\"");
            Err(Error::refused(ErrorCode::ALTER_OF_COLUMN_IS_FORBIDDEN, message))
        }
    }
}

fn drop_column(draft: &mut Draft, what: &DropElement, action: &AlterAction) -> Result<()> {
    for name in &what.names {
        let meant = meant(draft, &name.name);
        if meant.is_empty() && !what.if_exists {
            return Err(not_found(draft, &name.name, "drop"));
        }
        for name in &meant {
            let reader = columns(draft).iter().find(|column| {
                let default = column.default.as_ref().and_then(ColumnDefault::expr);
                // what goes with it may need it
                !meant.contains(&column.name.name) && default.is_some_and(|expr| expr.identifiers().contains(name))
            });
            if let Some(reader) = reader {
                let message =
                    format!("cannot drop column \"{name}\", because column \"{}\" depends on it", reader.name.name);
                return Err(Error::refused(ErrorCode::ILLEGAL_COLUMN, message));
            }
            refuse_bound(draft, name, "DROP")?;
            if columns(draft).len() == 1 {
                return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, "cannot DROP or CLEAR all columns"));
            }
            if draft.added.contains(name) {
                draft.added.retain(|added| added != name);
            } else {
                draft.changes.push(ColumnChange::Forgotten { column: name.as_str().into(), partition: None });
                draft.commands.push(action.to_string().into());
            }
            elements(draft).columns.retain(|column| column.name.name != *name);
        }
    }
    draft.commands.dedup();
    Ok(())
}

fn clear(draft: &mut Draft, what: &DropElement, action: &AlterAction, ctx: &QueryContext) -> Result<()> {
    let partition = match (&what.partition, &draft.old.schema) {
        (Some(partition), Some(schema)) => Some(partition_id(schema, partition, ctx)?),
        _ => None,
    };
    for name in &what.names {
        let meant = meant(draft, &name.name);
        if meant.is_empty() {
            if what.if_exists {
                continue;
            }
            return Err(not_found(draft, &name.name, "drop"));
        }
        for name in meant {
            refuse_bound(draft, &name, "CLEAR")?;
            draft.changes.push(ColumnChange::Forgotten { column: name.as_str().into(), partition: partition.clone() });
        }
        draft.commands.push(action.to_string().into());
    }
    Ok(())
}

fn rename(draft: &mut Draft, from: &Ident, to: &Ident, if_exists: bool, action: &AlterAction) -> Result<()> {
    let is_new = |change: &ColumnChange| matches!(change, ColumnChange::Renamed { to, .. } if **to == *from.name);
    if draft.changes.iter().any(is_new) {
        let message = "transitive renames in a single ALTER query are not allowed: they make no sense";
        return Err(Error::refused(ErrorCode::NOT_IMPLEMENTED, message));
    }
    let Some(at) = find(draft, &from.name) else {
        return if if_exists { Ok(()) } else { Err(not_found(draft, &from.name, "rename")) };
    };
    if find(draft, &to.name).is_some() {
        let message = format!("cannot rename to \"{}\": column with this name already exists", to.name);
        return Err(Error::refused(ErrorCode::DUPLICATE_COLUMN, message));
    }
    refuse_bound(draft, &from.name, "RENAME")?;
    check_structure(&from.name, &to.name)?;
    elements(draft).columns[at].name = to.clone();
    rename_readers(draft, &from.name, &to.name);
    match draft.added.iter().position(|added| *added == from.name) {
        Some(added) => draft.added[added] = to.name.clone(),
        None => {
            let (from, to) = (from.name.as_str().into(), to.name.as_str().into());
            draft.changes.push(ColumnChange::Renamed { from, to });
            draft.commands.push(action.to_string().into());
        }
    }
    Ok(())
}

/// An element of a Nested structure stays one of that structure.
fn check_structure(from: &str, to: &str) -> Result<()> {
    let structure = |name: &str| name.split_once('.').map(|(structure, _)| structure.to_owned());
    let message = match (structure(from), structure(to)) {
        (from, to) if from == to => return Ok(()),
        (Some(_), Some(_)) => "cannot rename column from one nested name to another",
        (Some(_), None) | (None, Some(_)) => "cannot rename column from nested struct to normal column and vice versa",
        (None, None) => return Ok(()),
    };
    Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message))
}

/// Every expression of the definition that reads the column reads it by its new name.
fn rename_readers(draft: &mut Draft, from: &str, to: &str) {
    let mut renamed = |expr: &mut Expr| expr.replace_identifiers(&mut |name| (name == from).then(|| Expr::column(to)));
    let elements = draft.create.elements.get_or_insert_with(TableElements::default);
    for column in &mut elements.columns {
        match &mut column.default {
            Some(
                ColumnDefault::Default(expr)
                | ColumnDefault::Materialized(expr)
                | ColumnDefault::Alias(expr)
                | ColumnDefault::Ephemeral(Some(expr)),
            ) => renamed(expr),
            Some(ColumnDefault::Ephemeral(None) | ColumnDefault::AutoIncrement) | None => {}
        }
        column.ttl.iter_mut().for_each(&mut renamed);
    }
    elements.constraints.iter_mut().for_each(|constraint| renamed(&mut constraint.expr));
    elements.indexes.iter_mut().for_each(|index| renamed(&mut index.expr));
    for item in &mut draft.create.storage.ttl {
        renamed(&mut item.expr);
        item.filter.iter_mut().for_each(&mut renamed);
        if let TtlAction::GroupBy { assignments, .. } = &mut item.action {
            assignments.iter_mut().for_each(|assignment| renamed(&mut assignment.expr));
        }
    }
}

fn modify(
    draft: &mut Draft,
    said: &ColumnDef,
    position: Option<&ColumnPosition>,
    if_exists: bool,
    action: &AlterAction,
) -> Result<()> {
    let name = said.name.name.clone();
    let Some(at) = find(draft, &name) else {
        return if if_exists { Ok(()) } else { Err(not_found(draft, &name, "modify")) };
    };
    let mut column = columns(draft)[at].clone();
    let was_stored = is_stored(&column);
    column.default = said.default.clone().or(column.default);
    if let Some(ty) = &said.data_type {
        let ty = DataType::parse(&ty.to_string())?;
        let ty = if said.nullability == Some(Nullability::Null) { ty.to_nullable() } else { ty };
        retype(draft, (&mut column, was_stored), &ty, action)?;
    }
    column.comment = said.comment.clone().or(column.comment);
    if !said.codec.is_empty() {
        column.codec = said.codec.clone();
    }
    if said.ttl.is_some() {
        draft.ttl_changed = true;
        draft.commands.push("MATERIALIZE TTL".into());
        column.ttl = said.ttl.clone();
    }
    if said.collation.is_some() || !said.statistics.is_empty() || !said.settings.is_empty() {
        column.collation = said.collation.clone();
        column.statistics = said.statistics.clone();
        column.settings = said.settings.clone();
    }
    if was_stored && !is_stored(&column) {
        refuse_bound(draft, &name, "MODIFY")?;
        draft.changes.push(ColumnChange::Forgotten { column: name.as_str().into(), partition: None });
    }
    match position {
        None => elements(draft).columns[at] = column,
        Some(_) => {
            elements(draft).columns.remove(at);
            let to = place(draft, position)?;
            elements(draft).columns.insert(to, column);
        }
    }
    Ok(())
}

fn is_stored(column: &ColumnDef) -> bool {
    !matches!(column.default, Some(ColumnDefault::Alias(_) | ColumnDefault::Ephemeral(_)))
}

/// `was_stored`: parts have the column.
fn retype(
    draft: &mut Draft,
    (column, was_stored): (&mut ColumnDef, bool),
    ty: &DataType,
    action: &AlterAction,
) -> Result<()> {
    let name = column.name.name.as_str();
    let old = column.data_type.as_ref().map(|ty| DataType::parse(&ty.to_string())).transpose()?;
    let Some(old) = old else { return Ok(()) };
    column.data_type = Some(ddl::ast_type(ty)?);
    column.nullability = None;
    if old == *ty {
        return Ok(());
    }
    if key_columns(&draft.create.storage).contains(name) && !only_names_values(&old, ty) {
        let message = format!(
            "ALTER of key column \"{name}\" from type {old} to type {ty} is not safe because it can change the \
             representation of primary key"
        );
        return Err(Error::refused(ErrorCode::ALTER_OF_COLUMN_IS_FORBIDDEN, message));
    }
    check_engine_column(draft, name, ty)?;
    if was_stored {
        check_cast(&old, ty, column)?;
    }
    if !only_names_values(&old, ty) && was_stored && !draft.added.iter().any(|added| added == name) {
        draft.commands.push(action.to_string().into());
    }
    Ok(())
}

/// What no value can be cast to is refused before anything is changed.
fn check_cast(old: &DataType, new: &DataType, column: &ColumnDef) -> Result<()> {
    let name = &column.name.name;
    let is_container = |ty: &DataType| matches!(ty, DataType::Array(_) | DataType::Map(_) | DataType::Tuple(_));
    if is_container(new) && !is_container(old) && !old.base().is_string() {
        let message = format!("column \"{name}\" of type {old} cannot be cast to {new}");
        return Err(Error::refused(ErrorCode::TYPE_MISMATCH, message));
    }
    if old.is_nullable() && !new.is_nullable() && column.default.is_none() {
        let message = format!(
            "cannot convert column '{name}' from nullable type {old} to non-nullable type {new}. Please specify \
             `DEFAULT` expression in ALTER MODIFY COLUMN statement"
        );
        return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
    }
    Ok(())
}

/// Columns that the engine names must stay what it takes.
fn check_engine_column(draft: &Draft, name: &str, ty: &DataType) -> Result<()> {
    let Some(engine) = &draft.create.storage.engine else { return Ok(()) };
    let named = engine.arguments.iter().position(|argument| argument.identifiers().iter().any(|known| known == name));
    let is_version = match (engine.name.name.as_str(), named) {
        ("ReplacingMergeTree", Some(0)) | ("VersionedCollapsingMergeTree", Some(1)) => true,
        ("SummingMergeTree" | "CoalescingMergeTree", _) | (_, None) => return Ok(()),
        _ => false,
    };
    if is_version && (ty.is_integer() || ty.is_date_or_time()) {
        return Ok(());
    }
    let message = format!("cannot alter column \"{name}\", which the engine names, to type {ty}");
    Err(Error::refused(ErrorCode::ALTER_OF_COLUMN_IS_FORBIDDEN, message))
}

/// An Enum with more names for more values: what is stored stays the same.
fn only_names_values(old: &DataType, new: &DataType) -> bool {
    match (old, new) {
        (DataType::Enum(old), DataType::Enum(new)) => {
            old.wide == new.wide && old.values.iter().all(|value| new.values.contains(value))
        }
        _ => false,
    }
}

fn remove_property(draft: &mut Draft, column: &Ident, property: ColumnProperty, if_exists: bool) -> Result<()> {
    let Some(at) = find(draft, &column.name) else {
        return if if_exists { Ok(()) } else { Err(not_found(draft, &column.name, "modify")) };
    };
    let known = &mut elements(draft).columns[at];
    let (word, there) = match property {
        ColumnProperty::Default => ("DEFAULT", matches!(known.default, Some(ColumnDefault::Default(_)))),
        ColumnProperty::Materialized => ("MATERIALIZED", matches!(known.default, Some(ColumnDefault::Materialized(_)))),
        ColumnProperty::Alias => ("ALIAS", matches!(known.default, Some(ColumnDefault::Alias(_)))),
        ColumnProperty::Ephemeral => ("EPHEMERAL", matches!(known.default, Some(ColumnDefault::Ephemeral(_)))),
        ColumnProperty::Comment => ("COMMENT", known.comment.is_some()),
        ColumnProperty::Codec => ("CODEC", !known.codec.is_empty()),
        ColumnProperty::Ttl => ("TTL", known.ttl.is_some()),
        ColumnProperty::Collate => ("COLLATE", known.collation.is_some()),
        ColumnProperty::Settings => ("SETTINGS", !known.settings.is_empty()),
    };
    if !there {
        let message = format!("column \"{}\" doesn't have {word}, cannot remove it", column.name);
        return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
    }
    match property {
        ColumnProperty::Default | ColumnProperty::Materialized | ColumnProperty::Alias | ColumnProperty::Ephemeral => {
            known.default = None;
        }
        ColumnProperty::Comment => known.comment = None,
        ColumnProperty::Codec => known.codec = Vec::new(),
        ColumnProperty::Ttl => known.ttl = None,
        ColumnProperty::Collate => known.collation = None,
        ColumnProperty::Settings => known.settings = Vec::new(),
    }
    Ok(())
}

/// True when values of some column may not fit its new type: they are converted at once, and the statement fails then.
pub(super) fn needs_conversion(old: &TableDef, new: &TableDef, changes: &[ColumnChange]) -> bool {
    let (before, after) = (stored(old), stored(new));
    after.columns().iter().any(|column| {
        // the name that it had before this statement
        let mut name = column.name.clone();
        for change in changes.iter().rev() {
            match change {
                ColumnChange::Renamed { from, to } if *to == name => name = from.clone(),
                ColumnChange::Forgotten { column, partition: None } if *column == name => return false,
                _ => {}
            }
        }
        before.column(&name).is_some_and(|known| !always_fits(&known.ty, &column.ty))
    })
}

/// True when every value of one type becomes a value of the other, which can be read as such at any time.
fn always_fits(from: &DataType, to: &DataType) -> bool {
    if from == to || only_names_values(from, to) {
        return true;
    }
    match (from, to) {
        (DataType::Nullable(from), DataType::Nullable(to)) => always_fits(from, to),
        (from, DataType::Nullable(to)) => always_fits(from, to),
        (DataType::LowCardinality(from), to) => always_fits(from, to),
        (from, DataType::LowCardinality(to)) => always_fits(from, to),
        (from, to) => widens(from, to),
    }
}

fn widens(from: &DataType, to: &DataType) -> bool {
    let bits = |ty: &DataType| match ty {
        DataType::UInt8 => Some((false, 8)),
        DataType::UInt16 => Some((false, 16)),
        DataType::UInt32 => Some((false, 32)),
        DataType::UInt64 => Some((false, 64)),
        DataType::Int8 => Some((true, 8)),
        DataType::Int16 => Some((true, 16)),
        DataType::Int32 => Some((true, 32)),
        DataType::Int64 => Some((true, 64)),
        _ => None,
    };
    match (bits(from), bits(to)) {
        (Some((false, from)), Some((true, to))) => from < to,
        (Some((from_signed, from)), Some((to_signed, to))) => from_signed == to_signed && from <= to,
        (Some(_), None) => matches!(to, DataType::String | DataType::Float64),
        (None, _) => matches!((from, to), (DataType::Float32, DataType::Float64)),
    }
}
