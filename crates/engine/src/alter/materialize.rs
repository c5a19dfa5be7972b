//! MATERIALIZE COLUMN, MATERIALIZE INDEX and CLEAR INDEX: what parts get or lose without a row being chosen. Never here: how
//! parts are rewritten.

use std::sync::Arc;

use arrow::array::BooleanArray;
use parts::PartitionId;
use parts::rewrite::{Mutation as PartMutation, RowMask};
use query::QueryContext;
use query::definition::Definition;
use sql::Expr;
use sql::ast::{ColumnDefault, Literal, Materialize};
use store::{ActivePart, TableDef};
use types::{Block, ErrorCode};

use super::mutate::{Change, What};
use super::partition::partition_id;
use crate::error::{Error, Result};

/// Columns that were added without rewriting are written; MATERIALIZED ones are computed again.
pub(super) fn materialize(
    def: &TableDef,
    what: &Materialize,
    partition: Option<PartitionId>,
    ctx: &QueryContext,
) -> Result<Vec<Change>> {
    let definition = Definition::parse(def)?;
    let mut changes = vec![Change { partition: partition.clone(), what: What::Outdated }];
    let Some(schema) = &def.schema else { return Ok(changes) };
    for name in &what.names {
        let Some(column) = definition.column(&name.name) else {
            if what.if_exists {
                continue;
            }
            let message = format!("there is no column {} in table", name.name);
            return Err(Error::refused(ErrorCode::NO_SUCH_COLUMN_IN_TABLE, message));
        };
        if definition.storage().is_some_and(|storage| super::key_columns(storage).contains(&name.name)) {
            let message = format!("refused to materialize column `{}` because it's in the sort key", name.name);
            return Err(Error::refused(ErrorCode::CANNOT_UPDATE_COLUMN, message));
        }
        match &column.default {
            Some(ColumnDefault::Default(_)) => {}
            Some(ColumnDefault::Materialized(expr)) => {
                let change = query::transform::Update {
                    assignments: vec![(name.name.clone(), expr.clone())],
                    ..query::transform::Update::default()
                };
                let transform = query::transform::update(&change, &schema.header, ctx)?;
                let matches: RowMask = Arc::new(|block: &Block| Ok(BooleanArray::from(vec![true; block.rows()])));
                let condition = Expr::literal(Literal::UInt(1));
                let mutation = PartMutation::Update { matches, transform };
                changes.push(Change { partition: partition.clone(), what: What::rows(condition, mutation) });
            }
            _ => {
                let message = format!("cannot materialize column \"{}\" because it has no default", name.name);
                return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
            }
        }
    }
    Ok(changes)
}

/// Files get the indexes that they were written without.
pub(super) fn materialize_indexes(
    def: &TableDef,
    what: &Materialize,
    partition: Option<PartitionId>,
    ctx: &QueryContext,
) -> Result<Option<Change>> {
    let mut texts = Vec::new();
    for name in &what.names {
        match index_text(def, &name.name, ctx)? {
            Some(text) => texts.push(text),
            None if what.if_exists => {}
            None => {
                let message = format!("cannot find index \"{}\" to materialize", name.name);
                return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
            }
        }
    }
    Ok((!texts.is_empty()).then_some(Change { partition, what: What::Indexed(texts) }))
}

/// CLEAR INDEX: files that have the index are written without it.
pub(super) fn without_index(
    def: &TableDef,
    name: &str,
    partition: Option<&sql::ast::Partition>,
    ctx: &Arc<QueryContext>,
) -> Result<Change> {
    let partition = match (partition, &def.schema) {
        (Some(partition), Some(schema)) => Some(partition_id(schema, partition, ctx)?),
        _ => None,
    };
    let text = index_text(def, name, ctx)?.unwrap_or_default();
    Ok(Change { partition, what: What::Unindexed(text) })
}

fn index_text(def: &TableDef, name: &str, ctx: &QueryContext) -> Result<Option<Arc<str>>> {
    let indexes = query::skip_indexes::of_table(def, ctx)?;
    Ok(indexes.into_iter().find(|known| *known.index.name == *name).map(|known| known.index.text))
}

/// Whether a file has an index; none of rows in memory, which have no use for one.
pub(super) fn has_index(part: &ActivePart, text: &str) -> Option<bool> {
    match &part.part.data {
        parts::PartData::File(file) => Some(file.index_bytes(text).is_some()),
        parts::PartData::Memory(_) => None,
    }
}
