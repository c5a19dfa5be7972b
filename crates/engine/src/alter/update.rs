//! `UPDATE … SET … WHERE` compiled: what is assigned, what follows from it, and which columns take part.
//!
//! Refuses what cannot be assigned before anything is touched.

use std::collections::BTreeSet;
use std::sync::Arc;

use parts::MergeMode;
use parts::file::Amendment;
use parts::rewrite::Mutation as PartMutation;
use query::QueryContext;
use query::definition::Definition;
use query::expressions::Expressions;
use query::transform::Update;
use sql::Expr;
use sql::ast::{AlterAction, Cast, ColumnDefault, ExprKind, Mutation};
use store::TableDef;
use types::transform::TransformError;
use types::{Block, BlockTransform, ErrorCode, Header};

use super::located;
use super::mutate::{What, check_flag, mask, prepared};
use crate::error::{Error, Result};

pub(super) async fn compiled(def: &TableDef, mutation: &Mutation, ctx: &Arc<QueryContext>) -> Result<What> {
    let definition = Definition::parse(def)?;
    check_assignments(def, &definition, mutation)?;
    let mut assignments = Vec::with_capacity(mutation.assignments.len());
    let mut again = mutation.clone();
    for (assignment, again) in mutation.assignments.iter().zip(&mut again.assignments) {
        again.expr = prepared(def, &assignment.expr, ctx).await?;
        let value = located::sampled(&again.expr, def);
        assignments.push((assignment.column.name.clone(), cast_to_column(def, &assignment.column.name, value, ctx)?));
    }
    // MATERIALIZED columns follow the columns that they read, and one another
    let mut touched: Vec<String> = assignments.iter().map(|(name, _)| name.clone()).collect();
    let mut recomputed = Vec::new();
    for column in definition.columns() {
        let Some(ColumnDefault::Materialized(expr)) = &column.default else { continue };
        let expr = prepared(def, expr, ctx).await?;
        if expr.identifiers().iter().any(|name| touched.contains(name)) {
            touched.push(column.name.name.clone());
            recomputed.push((column.name.name.clone(), expr));
        }
    }
    let change = Update { condition: None, assignments, recomputed };
    let header = def.stored_columns();
    let mut transform = query::transform::update(&change, header, ctx)?;
    // elements of a Nested structure are looked at together
    let is_element = |name: &String| name.contains('.');
    let is_nested = change.assignments.iter().any(|(name, _)| is_element(name));
    if is_nested {
        transform = Arc::new(SameLengths(transform));
    }
    let condition = prepared(def, &mutation.filter, ctx).await?;
    let sampled = located::sampled(&condition, def);
    check_flag(def, &sampled, ctx)?;
    let matches = mask(header, &sampled, ctx)?;
    let amendment = match is_nested {
        true => None,
        false => Some(amendment(header, &sampled, &change, ctx)?),
    };
    again.filter = condition.clone();
    let asks = located::asks(&again.filter, def) || again.assignments.iter().any(|a| located::asks(&a.expr, def));
    let located = asks.then(|| Box::new(AlterAction::Update(again)));
    Ok(What::Rows { condition, mutation: PartMutation::Update { matches, transform }, amendment, located })
}

/// Refuses arrays of different lengths in the elements of one Nested structure.
struct SameLengths(Arc<dyn BlockTransform>);

impl BlockTransform for SameLengths {
    fn apply(&self, block: &Block) -> std::result::Result<Block, TransformError> {
        let changed = self.0.apply(block)?;
        views::insert::nested::check(&changed)
            .map_err(|error| TransformError { code: error.code(), message: error.to_string() })?;
        Ok(changed)
    }
}

/// The update over only those columns that it looks at or changes.
fn amendment(header: &Header, condition: &Expr, change: &Update, ctx: &QueryContext) -> Result<Amendment> {
    let assigned = || change.assignments.iter().chain(&change.recomputed);
    let exprs: Vec<Expr> = std::iter::once(condition).chain(assigned().map(|(_, expr)| expr)).cloned().collect();
    let written: BTreeSet<usize> = assigned().filter_map(|(name, _)| header.position(name)).collect();
    let looked_at = Expressions::compile(&exprs, header, ctx)?;
    let read: BTreeSet<usize> = looked_at.reads().iter().chain(&written).copied().collect();
    let (read, written): (Vec<usize>, Vec<usize>) = (read.into_iter().collect(), written.into_iter().collect());
    let narrow = header.project(&read);
    let transform = query::transform::update(change, &narrow, ctx)?;
    let mutation = PartMutation::Update { matches: mask(&narrow, condition, ctx)?, transform };
    Ok(Amendment { read, written, mutation })
}

/// A value as the column's type, by CAST and not as INSERT does: NULL is no value of a type without it. A constant that
/// cannot be cast is found out now.
fn cast_to_column(def: &TableDef, name: &str, value: Expr, ctx: &QueryContext) -> Result<Expr> {
    let header = def.stored_columns();
    let Some(column) = header.column(name) else { return Ok(value) };
    let compiled = Expressions::compile(std::slice::from_ref(&value), header, ctx)?;
    if compiled.types().next() == Some(&column.ty) {
        return Ok(value);
    }
    let data_type = crate::ddl::ast_type(&column.ty)?;
    let cast = Expr::new(ExprKind::Cast(Box::new(Cast { operand: value, data_type })));
    if compiled.reads().is_empty() && compiled.is_timeless() {
        query::expressions::constant(&cast, ctx)?;
    }
    Ok(cast)
}

/// Columns of keys and those that decide about rows cannot change; computed ones are not assigned.
fn check_assignments(def: &TableDef, definition: &Definition, mutation: &Mutation) -> Result<()> {
    let fixed = fixed_columns(def, definition);
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for assignment in &mutation.assignments {
        let name = assignment.column.name.as_str();
        let refuse = |code, message: String| Err(Error::refused(code, message));
        if !seen.insert(name) {
            let message = format!("multiple assignments in the single statement to column \"{name}\"");
            return refuse(ErrorCode::MULTIPLE_ASSIGNMENTS_TO_COLUMN, message);
        }
        let default = definition.column(name).map(|column| column.default.as_ref());
        match default {
            None | Some(Some(ColumnDefault::Alias(_) | ColumnDefault::Ephemeral(_))) => {
                let message = format!("there is no column \"{name}\" in table {}", def.qualified_name());
                return refuse(ErrorCode::NO_SUCH_COLUMN_IN_TABLE, message);
            }
            Some(Some(ColumnDefault::Materialized(_))) => {
                let message = format!("cannot UPDATE materialized column \"{name}\"");
                return refuse(ErrorCode::CANNOT_UPDATE_COLUMN, message);
            }
            Some(_) => {}
        }
        if fixed.contains(name) {
            return refuse(ErrorCode::CANNOT_UPDATE_COLUMN, format!("cannot UPDATE key column \"{name}\""));
        }
    }
    Ok(())
}

/// Columns that keys are made of, and those that decide which row stays: versions and signs.
fn fixed_columns(def: &TableDef, definition: &Definition) -> BTreeSet<String> {
    let mut fixed: BTreeSet<String> = definition.storage().map(super::columns::key_columns).unwrap_or_default();
    let Some(schema) = &def.schema else { return fixed };
    let ruled = match &schema.merge_mode {
        // marks of deletion may change, as in ClickHouse
        MergeMode::Replacing { version, .. } => version.iter().copied().collect(),
        MergeMode::Collapsing { .. } | MergeMode::VersionedCollapsing { .. } => schema.merge_mode.positions(),
        MergeMode::Plain | MergeMode::Summing { .. } | MergeMode::Aggregating | MergeMode::Coalescing { .. } => {
            Vec::new()
        }
    };
    fixed.extend(ruled.into_iter().map(|position| schema.header.columns()[position].name.to_string()));
    fixed
}
