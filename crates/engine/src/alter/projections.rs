//! ADD, DROP, MATERIALIZE and CLEAR PROJECTION. Never here: how parts are rewritten.

use std::sync::Arc;

use parts::PartitionId;
use query::QueryContext;
use query::projections::{Compiled, has, of_table};
use sql::ast::{ColumnPosition, Materialize, Partition, ProjectionDef};
use store::{ActivePart, TableDef};
use types::ErrorCode;

use super::definition::Draft;
use super::mutate::{Change, What};
use super::partition::partition_id;
use crate::ddl;
use crate::error::{Error, Result};

/// Adds a projection to a definition; parts that are there get it by merges and MATERIALIZE.
pub(super) fn add(
    draft: &mut Draft,
    projection: &ProjectionDef,
    position: Option<&ColumnPosition>,
    if_not_exists: bool,
    ctx: &QueryContext,
) -> Result<()> {
    let stored = super::definition::stored(&draft.old);
    let projections = &mut super::elements::elements(draft).projections;
    if projections.iter().any(|known| known.name.name == projection.name.name) {
        // a bad one is refused whether it is there or not
        query::projections::compile(projection, &stored, ctx)?;
        return if if_not_exists { Ok(()) } else { Err(ddl::projections::exists(&projection.name.name)) };
    }
    let at = match position {
        Some(ColumnPosition::First) => 0,
        // after one that is not there: at the end, as in ClickHouse
        Some(ColumnPosition::After(name)) => projections
            .iter()
            .position(|known| known.name.name == name.name)
            .map_or(projections.len(), |before| before + 1),
        None => projections.len(),
    };
    projections.insert(at, projection.clone());
    Ok(())
}

/// A change of columns leaves projections what they were, or is refused.
pub(super) fn check_kept(old: &TableDef, new: &TableDef, ctx: &QueryContext) -> Result<()> {
    if !new.sql.contains("PROJECTION") {
        return Ok(());
    }
    let before = of_table(old, ctx)?;
    for now in of_table(new, ctx)? {
        let Some(before) = before.iter().find(|before| before.projection.name == now.projection.name) else { continue };
        let (before, now) = (&before.projection, &now.projection);
        let keys = before.schema.sort_key.len();
        if before.schema.header == now.schema.header || keys != now.schema.sort_key.len() {
            continue;
        }
        let columns = before.schema.header.columns().iter().zip(now.schema.header.columns());
        let is_key = columns.take(keys).any(|(before, now)| before.ty != now.ty);
        let code = if is_key { ErrorCode::ALTER_OF_COLUMN_IS_FORBIDDEN } else { ErrorCode::CANNOT_CONVERT_TYPE };
        let what = if is_key { "a key would have another type" } else { "its states would have other types" };
        let message = format!("cannot apply ALTER because it breaks projection {}: {what}", now.name);
        return Err(Error::refused(code, message));
    }
    Ok(())
}

fn named(def: &TableDef, name: &str, ctx: &QueryContext) -> Result<Option<Arc<Compiled>>> {
    Ok(of_table(def, ctx)?.into_iter().find(|known| *known.projection.name == *name).map(Arc::new))
}

/// Parts get the projections that they were written without; what is no projection is nothing, as in ClickHouse.
pub(super) fn materialize(
    def: &TableDef,
    what: &Materialize,
    partition: Option<PartitionId>,
    ctx: &QueryContext,
) -> Result<Option<Change>> {
    let mut projections = Vec::new();
    for name in &what.names {
        projections.extend(named(def, &name.name, ctx)?);
    }
    Ok((!projections.is_empty()).then_some(Change { partition, what: What::Projected(projections) }))
}

/// CLEAR PROJECTION: parts that have it are written without it.
pub(super) fn without(
    def: &TableDef,
    name: &str,
    partition: Option<&Partition>,
    ctx: &Arc<QueryContext>,
) -> Result<Option<Change>> {
    let partition = match (partition, &def.schema) {
        (Some(partition), Some(schema)) => Some(partition_id(schema, partition, ctx)?),
        _ => None,
    };
    let projection = named(def, name, ctx)?;
    Ok(projection.map(|projection| Change { partition, what: What::Unprojected(projection) }))
}

/// True when a change of projections is one of this part.
pub(super) fn touches(what: &What, def: &TableDef, part: &ActivePart, ctx: &QueryContext) -> bool {
    match what {
        What::Projected(projections) => projections.iter().any(|projection| !has(projection, def, part, ctx)),
        What::Unprojected(projection) => has(projection, def, part, ctx),
        _ => false,
    }
}
