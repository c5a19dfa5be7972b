//! Several tables read as one: engine Merge and the table function.
//!
//! Each table is bound as it would be by itself, cast to the relation's columns by their names, and told apart by
//! `_table` and `_database`. A condition on those leaves out whole tables: in each branch they are constants.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use datafusion::common::{Column, ToDFSchema};
use datafusion::logical_expr::{EmptyRelation, Expr, LogicalPlan, LogicalPlanBuilder, Union};
use sql::ast::{ObjectName, TableRef};
use types::{DataType, ErrorCode};

use super::binder::Binder;
use super::from::FromPart;
use super::relations::{ColumnKind, MergeRelation, Relation, RelationColumn, RelationKind};
use super::scope::{Scope, ScopeColumn, Source};
use super::typed::Typed;
use crate::error::{Error, Result};

/// Columns that every table has beside its own.
pub(crate) const VIRTUAL: [&str; 4] = ["_part", "_partition_id", "_database", "_table"];

impl Binder<'_> {
    /// The rows of all tables of a Merge.
    pub(crate) fn bind_merge(
        &self,
        relation: &Relation,
        merge: &MergeRelation,
        source: Source,
        table: &TableRef,
        prewhere: Option<&sql::Expr>,
        scope: &Scope<'_>,
    ) -> Result<FromPart> {
        // Two Merge tables may read one another.
        let _level = self.descend()?;
        self.lists_tables();
        let columns = shown(merge);
        let stored: Vec<(Column, &RelationColumn)> =
            columns.iter().map(|column| (self.fresh(&column.name, &column.ty), column)).collect();
        let mut branches = Vec::with_capacity(merge.tables.len());
        for (database, name) in merge.tables.iter() {
            let child = self.context.relations.table(database, name)?;
            if prewhere.is_some() {
                check_prewhere(&child, relation, &columns)?;
            }
            let reference = TableRef { is_final: table.is_final && has_final(&child), ..read_alone(table, &child) };
            let source = Source { alias: None, database: child.database.to_string(), table: child.name.to_string() };
            // a Merge among the tables says itself which table a row is of
            let own = (!matches!(child.kind, RelationKind::Merge(_))).then(|| source.clone());
            let part = self.bind_relation(child, source, &reference, prewhere, scope)?;
            branches.push(Arc::new(self.as_branch(part, own.as_ref(), &stored, scope)?));
        }
        let plan = match branches.len() {
            0 => empty(&stored)?,
            1 => LogicalPlan::clone(&branches[0]),
            _ => LogicalPlan::Union(Union::try_new(branches)?),
        };
        let columns = stored.into_iter().map(|(plan_column, column)| ScopeColumn {
            column: plan_column,
            name: column.name.clone(),
            ty: column.ty.clone(),
            source: Some(0),
            in_asterisk: column.kind.is_shown(),
            unqualified: true,
            is_element: false,
        });
        let part = FromPart { plan, sources: vec![source], columns: columns.collect(), totals: None };
        self.alias_columns(part, &merge.columns, scope)
    }

    /// One table with the columns of the whole: cast, its type's default where it has none of that name.
    fn as_branch(
        &self,
        part: FromPart,
        own: Option<&Source>,
        wanted: &[(Column, &RelationColumn)],
        scope: &Scope<'_>,
    ) -> Result<LogicalPlan> {
        let mut exprs: Vec<Expr> = Vec::with_capacity(wanted.len());
        for (column, wanted) in wanted {
            let of_name = match (&*wanted.name, own) {
                ("_table", Some(own)) => Some(Typed::text(&own.table)),
                ("_database", Some(own)) => Some(Typed::text(&own.database)),
                _ => None,
            };
            let found = part.columns.iter().find(|column| column.name == wanted.name);
            let typed = match (of_name, found) {
                (Some(constant), _) => constant,
                (None, Some(found)) => Typed::column(&found.column, &found.ty),
                (None, None) => Typed::constant(wanted.ty.default_array(1), wanted.ty.clone())?,
            };
            let value = self.cast(typed, &wanted.ty, &scope.env.functions)?;
            exprs.push(value.value().alias(column.name.clone()));
        }
        Ok(LogicalPlanBuilder::from(part.plan).project(exprs)?.build()?)
    }
}

/// The columns that are read, virtual ones too.
fn shown(merge: &MergeRelation) -> Vec<RelationColumn> {
    let declared = merge.columns.iter().filter(|column| !matches!(column.kind, ColumnKind::Alias(_))).cloned();
    let text = DataType::LowCardinality(Arc::new(DataType::String));
    let free = VIRTUAL.into_iter().filter(|name| merge.columns.iter().all(|column| &*column.name != *name));
    let free = free.map(|name| RelationColumn { name: name.into(), ty: text.clone(), kind: ColumnKind::Virtual });
    declared.chain(free).collect()
}

/// The reference to one of the tables.
fn read_alone(table: &TableRef, child: &Relation) -> TableRef {
    let name = ObjectName::qualified(&*child.database, &*child.name);
    TableRef { generation: table.generation, sample: table.sample, ..TableRef::table(name) }
}

/// FINAL is for the tables that know it; the others are read as they are.
fn has_final(child: &Relation) -> bool {
    match &child.kind {
        RelationKind::Table(rows) => rows.supports_final,
        RelationKind::View(_) | RelationKind::Merge(_) => true,
    }
}

/// PREWHERE needs tables that all take it and have the columns with these very types.
fn check_prewhere(child: &Relation, relation: &Relation, columns: &[RelationColumn]) -> Result<()> {
    let takes = match &child.kind {
        RelationKind::Table(rows) => {
            let is_same = |column: &RelationColumn| {
                let declared = columns.iter().find(|declared| declared.name == column.name);
                declared.is_none_or(|declared| declared.ty == column.ty)
            };
            rows.supports_prewhere && rows.columns.iter().all(is_same)
        }
        RelationKind::View(_) | RelationKind::Merge(_) => false,
    };
    match takes {
        true => Ok(()),
        false => {
            let message = format!("Merge \"{}\" does not support PREWHERE: not all of its tables do", relation.name);
            Err(Error::refused(ErrorCode::ILLEGAL_PREWHERE, message))
        }
    }
}

fn empty(columns: &[(Column, &RelationColumn)]) -> Result<LogicalPlan> {
    let fields: Vec<Field> =
        columns.iter().map(|(plan, column)| Field::new(plan.name.clone(), column.ty.arrow_type(), true)).collect();
    let schema = Arc::new(Schema::new(fields).to_dfschema()?);
    Ok(LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema }))
}
