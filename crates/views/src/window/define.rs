//! Making a window view: its hidden tables and the columns of its result, from its definition.

use std::sync::Arc;

use parts::{MergeMode, PartSchema, SortColumn};
use query::QueryContext;
use query::expressions::Expressions;
use sql::ast::{CreateWindowView, StatementKind};
use store::{Commit, Edit, QualifiedName, Readiness, TableDef, TableKind, Visibility};
use types::{Column, DataType, Header, TableId};

use super::spec::{START, Spec};
use super::state::{ids_header, marks_header};
use crate::Views;
use crate::error::Result;
use crate::tables;

/// What a window view is made of.
pub struct Defined {
    /// The table whose inserts feed it.
    pub source: QualifiedName,
    /// The columns of its SELECT.
    pub output: Header,
    /// Its hidden tables, in the order of [`store::ViewDef::Window`]'s `state`.
    pub state: Vec<Arc<TableDef>>,
}

/// How a query names a hidden table.
pub fn reference(table: TableId) -> String {
    sql::back_quote(&query::state_table_name(table))
}

/// Checks the definition of a window view in `database` and makes its hidden tables.
pub async fn define(views: &Views, create: &CreateWindowView, database: &str, ctx: &QueryContext) -> Result<Defined> {
    let spec = Spec::new(create)?;
    let source_database = spec.source.database.as_ref().map_or(database, |database| &database.name);
    let source = QualifiedName::new(source_database, spec.source.name.name.as_str());
    let source_shape = views.tables.shape(&tables::named(ctx, &source)?)?;
    let name = create.head.name.name.name.as_str();
    let hidden = Hidden { views, database, view: name, created_ns: ctx.now_ns };
    let mut input = vec![Column::new(START, DataType::Int64)];
    input.extend(source_shape.stored.columns().iter().cloned());
    let input = hidden.table(Header::new(input), None);
    // the panes' types are those that the query over the input gives: bound over a snapshot that has the input
    let with_input = apply(ctx, &[&input])?;
    let compiled = prepare(&spec.panes_query(&reference(input.id)), &with_input).await?;
    let panes = hidden.table(compiled.clone(), Some(panes_schema(&compiled, spec.key_columns())));
    let ids = hidden.table(ids_header(), Some(partitioned(ids_header())));
    let marks = hidden.table(marks_header(), Some(marks_schema()));
    let with_panes = apply(&with_input, &[&panes])?;
    let time_type = time_type(&spec, input.id, &with_panes)?;
    let output = prepare(&spec.emit_query(&reference(panes.id), &time_type), &with_panes).await?;
    debug_assert_eq!(compiled.len(), 1 + spec.key_columns() + spec.state_columns());
    check_rows(&spec, &source_shape.stored, ctx)?;
    Ok(Defined { source, output, state: [input, panes, ids, marks].map(Arc::new).to_vec() })
}

/// What is evaluated row by row must be: no aggregates, no subqueries.
fn check_rows(spec: &Spec, source: &Header, ctx: &QueryContext) -> Result<()> {
    let exprs: Vec<sql::Expr> = spec.filter.iter().chain(&spec.id).cloned().collect();
    Expressions::compile(&exprs, source, ctx)?;
    Ok(())
}

/// The type of the event time: that of the window's bounds.
pub(super) fn time_type(spec: &Spec, input: TableId, ctx: &QueryContext) -> Result<DataType> {
    let def = ctx.snapshot.catalog.table_by_id(input).ok_or(query::Error::DefinitionChanged(input))?;
    let time = Expressions::compile(std::slice::from_ref(&spec.time), &def.columns, ctx)?;
    let ty = time.types().next().cloned().unwrap_or(DataType::Nothing);
    if !matches!(ty, DataType::DateTime(_) | DataType::DateTime64 { .. }) {
        return Err(crate::Error::WindowView {
            code: types::ErrorCode::ILLEGAL_TYPE_OF_ARGUMENT,
            reason: format!("tumble takes a DateTime or DateTime64, not {ty}"),
        });
    }
    Ok(ty)
}

pub(super) fn parse_query(text: &str) -> Result<sql::Query> {
    let statement = sql::parse_statement(text).map_err(|error| query::Error::Plan(format!("{text}: {error}")))?;
    match statement.kind {
        StatementKind::Query(query) => Ok(*query),
        _ => Err(query::Error::Plan(format!("{text} is no SELECT")).into()),
    }
}

async fn prepare(text: &str, ctx: &QueryContext) -> Result<Header> {
    let prepared = query::prepare(&parse_query(text)?, &Arc::new(ctx.clone())).await?;
    Ok(prepared.compiled.header().clone())
}

/// The context over a snapshot that also has these tables.
fn apply(ctx: &QueryContext, tables: &[&TableDef]) -> Result<QueryContext> {
    let edits = tables.iter().map(|table| Edit::CreateTable(Arc::new((*table).clone()))).collect();
    let applied = ctx.snapshot.apply(&Commit::of(edits)).map_err(store::CommitError::from)?;
    Ok(ctx.with_snapshot(Arc::new(applied.snapshot)))
}

/// What all hidden tables of a view have in common.
struct Hidden<'a> {
    views: &'a Views,
    database: &'a str,
    view: &'a str,
    created_ns: i64,
}

impl Hidden<'_> {
    fn table(&self, columns: Header, schema: Option<PartSchema>) -> TableDef {
        let id = self.views.store.new_table_id();
        let engine = match schema.as_ref().map(|schema| &schema.merge_mode) {
            None => "Null",
            Some(MergeMode::Aggregating) => "AggregatingMergeTree",
            Some(MergeMode::Replacing { .. }) => "ReplacingMergeTree",
            Some(_) => "MergeTree",
        };
        let list = columns.columns().iter().map(|column| format!("{} {}", sql::back_quote(&column.name), column.ty));
        let list = list.collect::<Vec<_>>().join(", ");
        let order = if schema.is_some() { " ORDER BY tuple()" } else { "" };
        let name = query::state_table_name(id);
        TableDef {
            id,
            database: self.database.into(),
            sql: format!("CREATE TABLE {} ({list}) ENGINE = {engine}{order}", sql::back_quote(&name)).into(),
            name: name.into(),
            uuid: self.views.store.env().rng.uuid(),
            version: 0,
            engine: engine.into(),
            kind: if schema.is_some() { TableKind::MergeTree } else { TableKind::Null },
            columns,
            schema: schema.map(Arc::new),
            view: None,
            visibility: Visibility::Hidden,
            readiness: Readiness::Ready,
            comment: format!("state of window view {}", self.view).into(),
            created_ns: self.created_ns,
        }
    }
}

/// Panes: sorted by window and keys, a partition a window, states merged.
fn panes_schema(header: &Header, keys: usize) -> PartSchema {
    PartSchema {
        sort_key: (0..=keys).map(SortColumn::ascending).collect(),
        primary_key_len: 1,
        merge_mode: MergeMode::Aggregating,
        ..partitioned(header.clone())
    }
}

/// A table partitioned by its first column, without a key.
fn partitioned(header: Header) -> PartSchema {
    PartSchema {
        header,
        sort_key: Vec::new(),
        primary_key_len: 0,
        partition_key: vec![0],
        merge_mode: MergeMode::Plain,
        index_granularity: parts::schema::INDEX_GRANULARITY,
        min_max: vec![0],
    }
}

/// Marks: of all rows only the newest matters.
fn marks_schema() -> PartSchema {
    let header = marks_header();
    let commits = header.len() - 1;
    PartSchema {
        partition_key: Vec::new(),
        min_max: Vec::new(),
        merge_mode: MergeMode::Replacing { version: Some(commits), is_deleted: None },
        ..partitioned(header)
    }
}
