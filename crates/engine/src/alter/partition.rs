//! Actions on partitions and parts: DROP, DETACH, ATTACH, REPLACE, MOVE, CLEAR, and which partition is meant.

use std::sync::Arc;

use parts::partition::{partition_types, value_at};
use parts::{PartName, PartSchema, PartitionId};
use query::QueryContext;
use query::expressions::constant_as;
use sql::Expr;
use sql::ast::{ExprKind, Literal, MoveTarget, Partition, PartitionAction, PartitionOrPart};
use store::{Edit, TableDef, TableHistory};
use types::{DataType, ErrorCode, Setting, TableId};

use super::mutate::reserve;
use super::{CopyFrom, Work, copy_parts, freeze};
use crate::ddl;
use crate::error::{Error, Result};

/// Runs one action.
pub(super) async fn run(work: &mut Work<'_>, table: TableId, action: &PartitionAction) -> Result<()> {
    let def = work.table(table)?;
    match action {
        PartitionAction::Drop(PartitionOrPart::Partition(partition)) => {
            let partition = which(&def, partition, &work.ctx)?;
            work.add(vec![Edit::Truncate { table, partition }])
        }
        PartitionAction::Drop(PartitionOrPart::Part(part)) => {
            let parts = vec![part_name(part)?];
            reserve(work, table, |name| parts.contains(name)).await?;
            check_there(work, table, &parts)?;
            work.add(vec![Edit::DropParts { table, parts }])
        }
        PartitionAction::Detach(what) => detach(work, &def, what).await,
        PartitionAction::Attach(what) => attach(work, &def, what),
        PartitionAction::DropDetached(what) => drop_detached(work, &def, what),
        PartitionAction::AttachFrom(partition, from) => {
            let source = ddl::table(&work.ctx, from)?;
            bring(work, &source, &def, partition, Bring::Add).await
        }
        PartitionAction::Replace(partition, from) => {
            let source = ddl::table(&work.ctx, from)?;
            bring(work, &source, &def, partition, Bring::Replace).await
        }
        PartitionAction::Move(PartitionOrPart::Partition(partition), MoveTarget::Table(to)) => {
            let target = ddl::table(&work.ctx, to)?;
            bring(work, &def, &target, partition, Bring::Move).await
        }
        PartitionAction::Move(_, MoveTarget::Table(_)) => {
            let message = "MOVE PART … TO TABLE is not possible, only MOVE PARTITION";
            Err(Error::refused(ErrorCode::NOT_IMPLEMENTED, message))
        }
        PartitionAction::Move(what, MoveTarget::Disk(disk)) => no_disk(&def, what, disk),
        PartitionAction::Move(_, MoveTarget::Volume(volume)) => {
            let message = format!("no such volume \"{volume}\" in storage policy \"default\"");
            Err(Error::refused(ErrorCode::UNKNOWN_VOLUME, message))
        }
        PartitionAction::Forget(partition) => {
            which(&def, partition, &work.ctx)?;
            let message = "FORGET PARTITION is for replicated tables";
            Err(Error::refused(ErrorCode::NOT_IMPLEMENTED, message))
        }
        PartitionAction::Move(_, MoveTarget::Shard(_)) => Err(Error::NotImplemented("MOVE … TO SHARD".to_owned())),
        PartitionAction::Fetch(..) => Err(Error::NotImplemented("FETCH PARTITION".to_owned())),
        PartitionAction::Freeze(partition, name) => {
            freeze::freeze(work, &def, partition.as_ref(), name.as_deref()).await
        }
        PartitionAction::Unfreeze(partition, name) => freeze::unfreeze(work, &def, partition.as_ref(), name).await,
    }
}

fn no_disk(def: &TableDef, what: &PartitionOrPart, disk: &str) -> Result<()> {
    let message = match disk {
        "default" => format!("all parts of {what:?} of {} are on disk \"default\"", def.qualified_name()),
        _ => format!("unknown disk \"{disk}\""),
    };
    Err(Error::refused(ErrorCode::UNKNOWN_DISK, message))
}

/// The partition that is meant; none for `ALL`.
pub(super) fn which(def: &TableDef, partition: &Partition, ctx: &QueryContext) -> Result<Option<PartitionId>> {
    match (partition, &def.schema) {
        (Partition::All, _) | (_, None) => Ok(None),
        (partition, Some(schema)) => partition_id(schema, partition, ctx).map(Some),
    }
}

/// The partition that is meant, where ALL cannot be said.
pub(crate) fn partition_id(schema: &PartSchema, partition: &Partition, ctx: &QueryContext) -> Result<PartitionId> {
    match partition {
        Partition::All => {
            let message = "only DROP, DETACH and ATTACH take PARTITION ALL";
            Err(Error::refused(ErrorCode::SUPPORT_IS_DISABLED, message))
        }
        Partition::Id(id) => {
            let text = text_of(id)?;
            PartitionId::parse(&text).map_err(|_| {
                Error::refused(ErrorCode::INVALID_PARTITION_VALUE, format!("invalid partition format: {text}"))
            })
        }
        Partition::Value(value) => by_value(schema, value, ctx),
    }
}

fn by_value(schema: &PartSchema, value: &Expr, ctx: &QueryContext) -> Result<PartitionId> {
    let types = partition_types(schema);
    let items: Vec<&Expr> = match &value.kind {
        ExprKind::Tuple(items) => items.iter().collect(),
        ExprKind::Function(call) if call.name.name == "tuple" => call.arguments.iter().collect(),
        _ => vec![value],
    };
    if items.len() != types.len() {
        let message =
            format!("wrong number of fields in the partition expression: {}, must be: {}", items.len(), types.len());
        return Err(Error::refused(ErrorCode::INVALID_PARTITION_VALUE, message));
    }
    let mut values = Vec::with_capacity(items.len());
    for (item, ty) in items.into_iter().zip(&types) {
        check_value(item, ty)?;
        let array = constant_as(item, ty, ctx).map_err(|error| match error.code() {
            ErrorCode::UNKNOWN_ELEMENT_OF_ENUM | ErrorCode::UNKNOWN_QUERY_PARAMETER => Error::from(error),
            _ => Error::refused(ErrorCode::TYPE_MISMATCH, format!("cannot convert {item} to type {ty}: {error}")),
        })?;
        values.push(value_at(ty, &array, 0)?);
    }
    Ok(parts::partition_id(&types, &values))
}

/// A value names a partition only if it is a value of the key: none is rounded, NULL stands for nothing else.
fn check_value(item: &Expr, ty: &DataType) -> Result<()> {
    match &item.kind {
        ExprKind::Literal(Literal::Null) if !ty.is_nullable() => {
            Err(Error::refused(ErrorCode::TYPE_MISMATCH, format!("cannot convert NULL to {ty}")))
        }
        ExprKind::Literal(Literal::Float(number)) if ty.base().is_integer() && number.fract() != 0.0 => {
            let message = format!("cannot convert value {item}: it cannot be represented as {ty}");
            Err(Error::refused(ErrorCode::ARGUMENT_OUT_OF_BOUND, message))
        }
        _ => Ok(()),
    }
}

/// The text of a string literal.
fn text_of(expr: &Expr) -> Result<String> {
    match &expr.kind {
        ExprKind::Literal(Literal::String(text)) => Ok(String::from_utf8_lossy(text).into_owned()),
        ExprKind::Literal(Literal::UInt(number)) => Ok(number.to_string()),
        _ => Err(Error::refused(ErrorCode::INVALID_PARTITION_VALUE, format!("expected a string, not {expr}"))),
    }
}

/// The part that a literal names.
pub(crate) fn part_name(expr: &Expr) -> Result<PartName> {
    let text = text_of(expr)?;
    PartName::parse(&text)
        .map_err(|_| Error::refused(ErrorCode::BAD_DATA_PART_NAME, format!("unexpected part name: {text}")))
}

fn check_there(work: &Work<'_>, table: TableId, parts: &[PartName]) -> Result<()> {
    match parts.iter().find(|name| work.ctx.snapshot.parts.part(table, name).is_none()) {
        Some(name) => Err(Error::refused(ErrorCode::NO_SUCH_DATA_PART, format!("no part {name} in committed state"))),
        None => Ok(()),
    }
}

async fn detach(work: &mut Work<'_>, def: &TableDef, what: &PartitionOrPart) -> Result<()> {
    let parts = match what {
        PartitionOrPart::Part(part) => {
            let parts = vec![part_name(part)?];
            reserve(work, def.id, |name| parts.contains(name)).await?;
            check_there(work, def.id, &parts)?;
            parts
        }
        PartitionOrPart::Partition(partition) => {
            let id = which(def, partition, &work.ctx)?;
            reserve(work, def.id, |name| id.as_ref().is_none_or(|id| name.partition_id == *id)).await?
        }
    };
    if parts.is_empty() {
        return Ok(());
    }
    work.add(vec![Edit::DetachParts { table: def.id, parts }])
}

/// The detached parts that are meant.
fn detached(work: &Work<'_>, def: &TableDef, what: &PartitionOrPart) -> Result<Vec<PartName>> {
    let history = work.ctx.snapshot.history.table(def.id);
    let detached = history.into_iter().flat_map(|history: &Arc<TableHistory>| history.detached.iter());
    let names: Vec<PartName> = detached.map(|part| part.name().clone()).collect();
    match what {
        PartitionOrPart::Part(part) => {
            let text = text_of(part)?;
            let found = names.into_iter().find(|name| name.to_string() == text);
            found.map(|name| vec![name]).ok_or_else(|| {
                Error::refused(ErrorCode::BAD_DATA_PART_NAME, format!("detached part \"{text}\" not found"))
            })
        }
        PartitionOrPart::Partition(partition) => {
            let id = which(def, partition, &work.ctx)?;
            Ok(names.into_iter().filter(|name| id.as_ref().is_none_or(|id| name.partition_id == *id)).collect())
        }
    }
}

fn attach(work: &mut Work<'_>, def: &TableDef, what: &PartitionOrPart) -> Result<()> {
    let parts = detached(work, def, what)?;
    if parts.is_empty() {
        return Ok(());
    }
    let history = work.ctx.snapshot.history.table(def.id);
    let is_broken =
        |name: &&PartName| history.and_then(|history| history.detached(name)).is_some_and(|part| part.is_broken());
    if let Some(broken) = parts.iter().find(is_broken) {
        let message = format!("detached part \"{broken}\" is damaged: its file cannot be read");
        return Err(Error::refused(ErrorCode::CORRUPTED_DATA, message));
    }
    work.add(vec![Edit::AttachParts { table: def.id, parts }])
}

fn drop_detached(work: &mut Work<'_>, def: &TableDef, what: &PartitionOrPart) -> Result<()> {
    if !work.ctx.settings.flag(Setting::AllowDropDetached) {
        let message = "DROP DETACHED is disabled; it can be allowed with the setting allow_drop_detached";
        return Err(Error::refused(ErrorCode::SUPPORT_IS_DISABLED, message));
    }
    let parts = detached(work, def, what)?;
    if parts.is_empty() {
        return Ok(());
    }
    work.add(vec![Edit::DropDetached { table: def.id, parts }])
}

/// What becomes of the rows that are there, and of those that come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bring {
    Add,
    Replace,
    Move,
}

/// Rows of a partition of `from` come into `to`.
async fn bring(
    work: &mut Work<'_>,
    from: &Arc<TableDef>,
    to: &Arc<TableDef>,
    partition: &Partition,
    how: Bring,
) -> Result<()> {
    let pair = CopyFrom { from: Arc::clone(from), to: Arc::clone(to) };
    pair.check()?;
    let Some(schema) = &from.schema else { return Ok(()) };
    let id = match (partition, how) {
        (Partition::All, Bring::Add) => None,
        _ => Some(partition_id(schema, partition, &work.ctx)?),
    };
    let is_meant = |name: &PartName| id.as_ref().is_none_or(|id| name.partition_id == *id);
    if from.id == to.id && how != Bring::Add {
        return Ok(());
    }
    let names = match how {
        Bring::Move => reserve(work, from.id, is_meant).await?,
        Bring::Add | Bring::Replace => {
            let parts = work.ctx.snapshot.table_parts(from.id).into_iter().flat_map(|parts| parts.parts());
            parts.map(|part| part.name().clone()).filter(is_meant).collect()
        }
    };
    let may_empty = work.ctx.settings.flag(Setting::AllowReplacePartitionFromEmptySource);
    if names.is_empty() && how == Bring::Replace && !may_empty {
        let message = format!(
            "source table {} has no parts in partition {partition}: REPLACE PARTITION would drop what is there",
            from.qualified_name()
        );
        return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
    }
    let parts = copy_parts(work.engine, &pair, &names, &work.ctx).await?;
    let mut edits = Vec::new();
    if how == Bring::Replace {
        edits.push(Edit::Truncate { table: to.id, partition: id });
    }
    work.rely_on(from.id);
    work.rely_on(to.id);
    if !parts.is_empty() {
        edits.push(Edit::Insert { table: to.id, version: work.table(to.id)?.version, parts });
    }
    if how == Bring::Move && !names.is_empty() {
        edits.push(Edit::DropParts { table: from.id, parts: names });
    }
    work.add(edits)
}
