//! FROM: tables, views, named queries, table functions and subqueries as plans with named columns.

use std::rc::Rc;
use std::sync::Arc;

use datafusion::common::{Column, TableReference};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use sql::ast::{ExprKind, JoinStep, ObjectName, QueryBody, Select, TableFunction, TableRef, TableSource};
use types::error::nearest;
use types::{DataType, ErrorCode, Setting};

use super::binder::{Binder, QueryEnv, not_supported};
use super::relations::{
    ColumnKind, Loading, Relation, RelationColumn, RelationKind, ScanOptions, TableFunctionCall, TableRelation,
    ViewRelation,
};
use super::scope::{CteDef, Scope, ScopeColumn, Source};
use super::select::BoundQuery;
use super::typed::Typed;
use crate::error::{Error, Result};
use crate::nodes;

/// Table functions whose rows are computed: the same each time.
const COMPUTED: [&str; 8] =
    ["numbers", "numbers_mt", "zeros", "zeros_mt", "generate_series", "generateSeries", "values", "null"];

/// One table, or several joined, with the names that expressions can use.
pub(crate) struct FromPart {
    pub plan: LogicalPlan,
    pub sources: Vec<Source>,
    pub columns: Vec<ScopeColumn>,
    /// The row of WITH TOTALS of a subquery, of the same columns.
    pub totals: Option<LogicalPlan>,
}

impl Binder<'_> {
    /// FROM with its joins and PREWHERE, and the totals of its only subquery; the scope gets the columns.
    pub(crate) fn bind_from(
        &self,
        select: &Select,
        scope: &mut Scope<'_>,
    ) -> Result<(LogicalPlan, Option<LogicalPlan>)> {
        let mut part = match &select.from {
            Some(table) => self.bind_table(table, select.prewhere.as_ref(), scope)?,
            None if select.prewhere.is_some() => {
                return Err(Error::refused(ErrorCode::ILLEGAL_PREWHERE, "PREWHERE needs a FROM"));
            }
            None => FromPart {
                plan: LogicalPlanBuilder::empty(true).build()?,
                sources: Vec::new(),
                columns: Vec::new(),
                totals: None,
            },
        };
        for step in &select.joins {
            part = match step {
                JoinStep::Join(join) => self.bind_join(part, join, scope)?,
                JoinStep::ArrayJoin(array_join) => self.bind_array_join(part, array_join, scope)?,
            };
        }
        scope.sources = part.sources;
        scope.columns = part.columns;
        Ok((part.plan, part.totals))
    }

    /// One table of FROM.
    pub(crate) fn bind_table(
        &self,
        table: &TableRef,
        prewhere: Option<&sql::Expr>,
        scope: &Scope<'_>,
    ) -> Result<FromPart> {
        let _level = self.descend()?;
        let alias = table.alias.as_ref().map(|alias| self.ident(alias)).transpose()?;
        let mut part = match &table.source {
            TableSource::Subquery(query) => {
                let mut bound = self.bind_query_in(query, &scope.env, &scope.ctes, Some(scope))?;
                if is_ordered(&query.body) {
                    // Aggregates such as groupArray see the rows in the order of the subquery.
                    bound.plan = nodes::keep_order(bound.plan)?;
                }
                self.refuse_options(table, prewhere, "a subquery")?;
                if table.sample.is_some() {
                    return Err(Error::refused(
                        ErrorCode::UNSUPPORTED_METHOD,
                        "SAMPLE is not supported for a subquery",
                    ));
                }
                query_part(bound, Source { alias, database: String::new(), table: String::new() })?
            }
            TableSource::Table(name) => self.bind_named(table, name, alias, prewhere, scope)?,
            TableSource::Function(function) => self.bind_table_function(table, function, alias, prewhere, scope)?,
        };
        if !table.column_aliases.is_empty() {
            self.rename_columns(&mut part, table)?;
        }
        Ok(part)
    }

    fn rename_columns(&self, part: &mut FromPart, table: &TableRef) -> Result<()> {
        let names = self.idents(&table.column_aliases)?;
        let mut visible: Vec<&mut ScopeColumn> = part.columns.iter_mut().filter(|column| column.in_asterisk).collect();
        if names.len() != visible.len() {
            return Err(Error::refused(
                ErrorCode::BAD_ARGUMENTS,
                format!("table has {} columns, its alias names {}", visible.len(), names.len()),
            ));
        }
        for (column, name) in visible.iter_mut().zip(names) {
            column.name = name.into();
        }
        Ok(())
    }

    fn bind_named(
        &self,
        table: &TableRef,
        name: &ObjectName,
        alias: Option<String>,
        prewhere: Option<&sql::Expr>,
        scope: &Scope<'_>,
    ) -> Result<FromPart> {
        let table_name = self.ident(&name.name)?;
        if name.database.is_none()
            && let Some(cte) = scope.ctes.find(&table_name)
        {
            self.refuse_options(table, prewhere, "a named query")?;
            refuse_sample(table, &table_name)?;
            let source = Source { alias, database: String::new(), table: table_name };
            return self.bind_cte(cte, source, scope);
        }
        let database = self.database(name.database.as_ref(), scope)?;
        let relation = self.context.relations.table(&database, &table_name);
        let relation = relation.map_err(|error| self.with_candidates(error, &database, &table_name))?;
        let source = Source { alias, database: relation.database.to_string(), table: relation.name.to_string() };
        self.bind_relation(relation, source, table, prewhere, scope)
    }

    /// UNKNOWN_TABLE and UNKNOWN_DATABASE with the nearest name.
    fn with_candidates(&self, error: Error, database: &str, table: &str) -> Error {
        let names = match error.code() {
            ErrorCode::UNKNOWN_TABLE => self.context.relations.table_names(database),
            ErrorCode::UNKNOWN_DATABASE => self.context.relations.database_names(),
            _ => return error,
        };
        let wanted = if error.code() == ErrorCode::UNKNOWN_TABLE { table } else { database };
        let hint = nearest(wanted, names.iter().map(String::as_str));
        if hint.is_empty() { error } else { Error::refused(error.code(), format!("{error}{hint}")) }
    }

    fn bind_table_function(
        &self,
        table: &TableRef,
        function: &TableFunction,
        alias: Option<String>,
        prewhere: Option<&sql::Expr>,
        scope: &Scope<'_>,
    ) -> Result<FromPart> {
        let name = self.ident(&function.name)?;
        if function.database.is_some() || !self.context.relations.has_table_function(&name) {
            return self.bind_view_call(table, function, alias, prewhere, scope);
        }
        if name.eq_ignore_ascii_case("view")
            && let [only] = function.arguments.as_slice()
            && let ExprKind::Subquery(query) = &only.kind
        {
            let bound = self.bind_query_in(query, &scope.env, &scope.ctes, None)?;
            self.refuse_options(table, prewhere, "view()")?;
            refuse_sample(table, &name)?;
            return query_part(bound, Source { alias, database: String::new(), table: name });
        }
        let arguments = function.arguments.iter().map(|argument| self.constant_argument(argument, scope));
        let arguments = arguments.collect::<Result<Vec<_>>>()?;
        self.note_values(&arguments, scope);
        let relation = self.context.relations.table_function(&TableFunctionCall {
            name: &name,
            arguments: &arguments,
            settings: &function.settings,
            query_settings: &scope.env.settings,
            database: &scope.env.database,
        })?;
        let source = Source { alias, database: String::new(), table: name };
        self.bind_relation(relation, source, table, prewhere, scope)
    }

    /// Arguments are evaluated as the function is bound: of what varies the plan holds a value.
    fn note_values(&self, arguments: &[sql::Expr], scope: &Scope<'_>) {
        let was_deterministic = self.is_deterministic();
        self.set_deterministic(true);
        let outside = scope.over(Vec::new(), Vec::new());
        for argument in arguments.iter().filter(|argument| !matches!(argument.kind, ExprKind::Literal(_))) {
            // what is no expression, bare words and structures, is the function's to understand
            let _no_expression = self.bind(argument, &outside);
        }
        let varies = !self.is_deterministic();
        self.set_deterministic(was_deterministic);
        if varies {
            self.of_one_query();
        }
    }

    /// An argument of a table function with parameters and aliases of constants replaced by their values.
    fn constant_argument(&self, argument: &sql::Expr, scope: &Scope<'_>) -> Result<sql::Expr> {
        let constant = match &argument.kind {
            ExprKind::Parameter(..) => true,
            ExprKind::Identifier(parts) => {
                matches!(parts.as_slice(), [only] if scope.aliases.contains_key(&only.name))
            }
            _ => false,
        };
        if !constant {
            return Ok(argument.clone());
        }
        let typed = self.bind(argument, scope)?;
        let value = super::expr::value_of(&typed, "an argument of a table function")?;
        super::expr::literal_of(&value).map(sql::Expr::literal)
    }

    pub(crate) fn bind_relation(
        &self,
        relation: Relation,
        source: Source,
        table: &TableRef,
        prewhere: Option<&sql::Expr>,
        scope: &Scope<'_>,
    ) -> Result<FromPart> {
        match relation.id {
            Some(id) => {
                self.uses(id, relation.version);
                match self.context.relations.loaded(id) {
                    Some(Loading::EachTime) => self.lists_tables(),
                    Some(Loading::Once) => self.reads_outside(),
                    None => {}
                }
            }
            None if relation.database.is_empty() && COMPUTED.contains(&&*relation.name) => {}
            None => self.reads_outside(),
        }
        match &relation.kind {
            RelationKind::Table(rows) => self.bind_rows(&relation, rows, source, table, prewhere, scope),
            RelationKind::View(view) => {
                refuse_sample(table, &relation.name)?;
                if table.generation.is_some() {
                    return not_supported("GENERATION of a view that is a query");
                }
                if view.has_parameters {
                    let message = format!(
                        "view \"{}\" has parameters: it is read as {}(name = value, …)",
                        relation.name, relation.name
                    );
                    return Err(Error::refused(ErrorCode::EMPTY_LIST_OF_COLUMNS_QUERIED, message));
                }
                if prewhere.is_some() {
                    return Err(Error::refused(ErrorCode::ILLEGAL_PREWHERE, "a view does not support PREWHERE"));
                }
                let env = QueryEnv { params: None, ..QueryEnv::clone(&scope.env) };
                self.bind_view(view, source, env)
            }
            RelationKind::Merge(merge) => self.bind_merge(&relation, merge, source, table, prewhere, scope),
        }
    }

    /// FINAL, GENERATION and PREWHERE of something that is no table.
    pub(crate) fn refuse_options(&self, table: &TableRef, prewhere: Option<&sql::Expr>, what: &str) -> Result<()> {
        let refused = |code, clause| Err(Error::refused(code, format!("{what} does not support {clause}")));
        if table.is_final {
            let is_table = !matches!(table.source, TableSource::Subquery(_));
            let code = if is_table { ErrorCode::ILLEGAL_FINAL } else { ErrorCode::UNSUPPORTED_METHOD };
            return refused(code, "FINAL");
        }
        if table.generation.is_some() {
            return refused(ErrorCode::NOT_IMPLEMENTED, "GENERATION");
        }
        match prewhere {
            Some(_) => refused(ErrorCode::ILLEGAL_PREWHERE, "PREWHERE"),
            None => Ok(()),
        }
    }

    /// The rows of a view, whose parameters are those of `env`.
    pub(crate) fn bind_view(&self, view: &ViewRelation, source: Source, mut env: QueryEnv) -> Result<FromPart> {
        let functions = env.functions.clone();
        env.database = view.database.as_ref().into();
        let bound = self.bind_query_in(&view.query, &Rc::new(env), &Default::default(), None)?;
        let mut part = query_part(bound, source)?;
        let Some(header) = &view.columns else { return Ok(part) };
        let mut exprs = Vec::with_capacity(header.len());
        let mut columns = Vec::with_capacity(header.len());
        for (position, declared) in header.columns().iter().enumerate() {
            let by_name = part.columns.iter().find(|column| column.name == declared.name);
            let Some(found) = by_name.or_else(|| part.columns.get(position)) else {
                return Err(Error::refused(
                    ErrorCode::THERE_IS_NO_COLUMN,
                    format!("query of the view has no column \"{}\"", declared.name),
                ));
            };
            let value = self.cast(Typed::column(&found.column, &found.ty), &declared.ty, &functions)?;
            let column = self.fresh(&declared.name, &declared.ty);
            exprs.push(value.value().alias(column.name.clone()));
            columns.push(ScopeColumn { column, name: declared.name.clone(), ty: declared.ty.clone(), ..found.clone() });
        }
        part.plan = LogicalPlanBuilder::from(part.plan).project(exprs)?.build()?;
        part.columns = columns;
        part.totals = None;
        Ok(part)
    }

    /// A relation that has rows: its scan, with every column under a fresh name, and ALIAS columns computed above it.
    fn bind_rows(
        &self,
        relation: &Relation,
        rows: &TableRelation,
        source: Source,
        table: &TableRef,
        prewhere: Option<&sql::Expr>,
        scope: &Scope<'_>,
    ) -> Result<FromPart> {
        if rows.only_in && !self.reads_set.get() {
            return not_supported(format!("reading table \"{}\" of engine Set other than by IN", relation.name));
        }
        if table.is_final && !rows.supports_final {
            return Err(Error::refused(
                ErrorCode::ILLEGAL_FINAL,
                format!("table \"{}\" does not support FINAL: its engine has no merge rule", relation.name),
            ));
        }
        if prewhere.is_some() && !rows.supports_prewhere {
            return Err(Error::refused(
                ErrorCode::ILLEGAL_PREWHERE,
                format!("table \"{}\" does not support PREWHERE", relation.name),
            ));
        }
        if prewhere.is_some() && rows.columns.iter().any(|column| matches!(column.kind, ColumnKind::Converted(_))) {
            return Err(Error::refused(
                ErrorCode::ILLEGAL_PREWHERE,
                format!("view \"{}\" does not support PREWHERE: its target has columns of other types", relation.name),
            ));
        }
        let by_setting = scope.env.settings.flag(Setting::FinalByDefault) && rows.supports_final;
        let is_final = table.is_final || by_setting;
        let mut options = ScanOptions { is_final, prewhere: None, generation: table.generation };
        if let Some(prewhere) = prewhere.filter(|_| is_final) {
            options.prewhere = Some(self.scan_predicate(prewhere, rows, &source, scope)?);
        }
        let scan_source = rows.scan.source(&options)?;
        let reference = TableReference::partial(relation.database.to_string(), relation.name.to_string());
        let scan = LogicalPlanBuilder::scan(reference.clone(), scan_source, None)?.build()?;
        let mut part = self.stored_columns(scan, &reference, rows, source, scope)?;
        part = self.alias_columns(part, &rows.columns, scope)?;
        part = self.sample(part, relation, rows, table, scope)?;
        if let Some(prewhere) = prewhere.filter(|_| !is_final) {
            let inner = scope.over(part.sources.clone(), part.columns.clone());
            part.plan = self.filter(part.plan, prewhere, "PREWHERE", &inner)?;
        }
        Ok(part)
    }

    fn stored_columns(
        &self,
        scan: LogicalPlan,
        reference: &TableReference,
        rows: &TableRelation,
        source: Source,
        scope: &Scope<'_>,
    ) -> Result<FromPart> {
        let shows_materialized = scope.env.settings.flag(Setting::AsteriskIncludeMaterializedColumns);
        let mut exprs = Vec::new();
        let mut columns = Vec::new();
        for stored in rows.columns.iter().filter(|column| !matches!(column.kind, ColumnKind::Alias(_))) {
            let column = self.fresh(&stored.name, &stored.ty);
            let scanned = Expr::Column(Column::new(Some(reference.clone()), stored.name.to_string()));
            let scanned = match &stored.kind {
                ColumnKind::Converted(ty) => {
                    self.cast(Typed::new(scanned, ty.clone()), &stored.ty, &scope.env.functions)?.value()
                }
                _ => scanned,
            };
            exprs.push(scanned.alias(column.name.clone()));
            let is_materialized = matches!(stored.kind, ColumnKind::Materialized);
            columns.push(ScopeColumn {
                column,
                name: stored.name.clone(),
                ty: stored.ty.clone(),
                source: Some(0),
                in_asterisk: stored.kind.is_shown() || (shows_materialized && is_materialized),
                unqualified: true,
                is_element: false,
            });
        }
        let plan = LogicalPlanBuilder::from(scan).project(exprs)?.build()?;
        Ok(FromPart { plan, sources: vec![source], columns, totals: None })
    }

    /// ALIAS columns, computed above the others.
    pub(crate) fn alias_columns(
        &self,
        mut part: FromPart,
        columns: &[RelationColumn],
        scope: &Scope<'_>,
    ) -> Result<FromPart> {
        let aliases: Vec<_> = columns
            .iter()
            .filter_map(|column| match &column.kind {
                ColumnKind::Alias(expr) => Some((column, expr.clone())),
                ColumnKind::Ordinary | ColumnKind::Converted(_) | ColumnKind::Materialized | ColumnKind::Virtual => {
                    None
                }
            })
            .collect();
        if aliases.is_empty() {
            return Ok(part);
        }
        let mut inner = Scope::new(scope.env.clone(), Default::default(), None);
        inner.sources = part.sources.clone();
        inner.columns = part.columns.clone();
        // An ALIAS column may use another one, whatever their order.
        inner.aliases = Rc::new(
            aliases.iter().map(|(column, expr)| (column.name.to_string(), Rc::new((**expr).clone()))).collect(),
        );
        let mut exprs: Vec<Expr> = part.columns.iter().map(|column| Expr::Column(column.column.clone())).collect();
        for (declared, expr) in aliases {
            let typed = self.bind(&expr, &inner)?;
            let typed = self.cast(typed, &declared.ty, &scope.env.functions)?;
            let column = self.fresh(&declared.name, &declared.ty);
            exprs.push(typed.value().alias(column.name.clone()));
            part.columns.push(ScopeColumn {
                column,
                name: declared.name.clone(),
                ty: declared.ty.clone(),
                source: Some(0),
                in_asterisk: scope.env.settings.flag(Setting::AsteriskIncludeAliasColumns),
                unqualified: true,
                is_element: false,
            });
        }
        part.plan = LogicalPlanBuilder::from(part.plan).project(exprs)?.build()?;
        Ok(part)
    }

    /// PREWHERE for the scan itself: over the table's own column names.
    fn scan_predicate(
        &self,
        prewhere: &sql::Expr,
        rows: &TableRelation,
        source: &Source,
        scope: &Scope<'_>,
    ) -> Result<Expr> {
        let columns = rows.columns.iter().map(|column| ScopeColumn {
            column: self.named(column.name.to_string(), &column.ty),
            name: column.name.clone(),
            ty: column.ty.clone(),
            source: Some(0),
            in_asterisk: true,
            unqualified: true,
            is_element: false,
        });
        let inner = scope.over(vec![source.clone()], columns.collect());
        let typed = self.bind(prewhere, &inner)?;
        super::select::refuse_aggregates(&typed.expr, "PREWHERE")?;
        if !inner.attachments.borrow().is_empty() {
            return not_supported("a subquery or arrayJoin in PREWHERE of a table that is read FINAL");
        }
        typed.predicate()
    }

    fn bind_cte(&self, cte: CteDef, source: Source, scope: &Scope<'_>) -> Result<FromPart> {
        match cte {
            CteDef::WorkTable { work, columns, .. } => self.bind_work_table(&work, &columns, source),
            CteDef::Query { cte, recursive, outer } => {
                let name = &cte.name.name;
                let bound = if recursive {
                    self.bind_recursive(name, &cte.query, &outer, scope)?
                } else {
                    self.bind_query_in(&cte.query, &scope.env, &outer, Some(&alias_scope(scope)))?
                };
                let mut part = query_part(bound, source)?;
                let names = self.idents(&cte.columns)?;
                for (column, name) in part.columns.iter_mut().zip(names) {
                    column.name = name.into();
                }
                Ok(part)
            }
        }
    }
}

/// The scope around with its aliases but without its columns: a named query is not correlated.
fn alias_scope<'p>(scope: &Scope<'p>) -> Scope<'p> {
    scope.over(Vec::new(), Vec::new())
}

/// True when a query is one SELECT with an ORDER BY.
fn is_ordered(body: &QueryBody) -> bool {
    matches!(body, QueryBody::Select(select) if select.order_by.is_some())
}

/// A bound query as a table of FROM.
fn query_part(bound: BoundQuery, source: Source) -> Result<FromPart> {
    if bound.is_correlated {
        return not_supported("a subquery in FROM that names columns of the query around it");
    }
    let columns = bound
        .columns
        .iter()
        .map(|column| ScopeColumn {
            column: column.column.clone(),
            name: column.name.clone(),
            ty: column.ty.clone(),
            source: Some(0),
            in_asterisk: true,
            unqualified: true,
            is_element: false,
        })
        .collect();
    Ok(FromPart { plan: bound.plan, sources: vec![source], columns, totals: bound.totals })
}

/// The columns of a work table in a recursive query.
pub(crate) fn scope_columns(columns: &[(Column, Arc<str>, DataType)]) -> Vec<ScopeColumn> {
    columns
        .iter()
        .map(|(column, name, ty)| ScopeColumn {
            column: column.clone(),
            name: name.clone(),
            ty: ty.clone(),
            source: Some(0),
            in_asterisk: true,
            unqualified: true,
            is_element: false,
        })
        .collect()
}

/// SAMPLE of something that has no sampling key of its own.
fn refuse_sample(table: &TableRef, name: &str) -> Result<()> {
    match table.sample {
        None => Ok(()),
        Some(_) => {
            let message = format!("\"{name}\" doesn't support sampling: SAMPLE is for tables with SAMPLE BY");
            Err(Error::refused(ErrorCode::SAMPLING_NOT_SUPPORTED, message))
        }
    }
}
