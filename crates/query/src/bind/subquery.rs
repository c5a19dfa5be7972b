//! Subqueries as values, EXISTS, and queries that read themselves.

use std::sync::Arc;

use datafusion::catalog::cte_worktable::CteWorkTable;
use datafusion::common::{Column, Spans, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::logical_expr::expr::{AggregateFunction, Exists};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, RecursiveQuery, Subquery};
use sql::ast::{ExprKind, QueryBody, SetOperator, SetQuantifier, UnaryOperator};
use types::{DataType, ErrorCode, Header};

use super::attach::is_positive;
use super::binder::{Binder, not_supported};
use super::from::{FromPart, scope_columns};
use super::library::common_type;
use super::scope::{CteDef, Ctes, Scope, Source};
use super::select::{BoundQuery, OutColumn};
use super::typed::Typed;
use crate::error::{Error, Result};
use crate::nodes;

/// How often the types of a recursive query may grow until both of its parts agree.
const RECURSIVE_TYPES_MAX: usize = 16;

impl Binder<'_> {
    /// A query inside an expression of `scope`, whose columns it may name.
    pub(crate) fn bind_subquery(&self, query: &sql::Query, scope: &Scope<'_>) -> Result<BoundQuery> {
        self.bind_query_in(query, &scope.env, &scope.ctes, Some(scope))
    }

    /// `(SELECT …)` as a value: that of its only row, NULL when it has none.
    pub(super) fn bind_scalar_subquery(&self, query: &sql::Query, scope: &Scope<'_>) -> Result<Typed> {
        if scope.in_lambda() && !scope.columns.is_empty() {
            self.refuse_correlated_in_lambda(query, scope)?;
        }
        let bound = self.bind_subquery(query, scope)?;
        let (plan, ty) = self.one_column(&bound, scope)?;
        let result = ty.to_nullable();
        let plan = if bound.is_correlated { plan } else { nodes::single_row(plan, result.is_nullable(), &ty)? };
        let subquery =
            Subquery { subquery: Arc::new(plan), outer_ref_columns: bound.outer_columns, spans: Spans::new() };
        Ok(Typed::new(Expr::ScalarSubquery(subquery), result))
    }

    fn refuse_correlated_in_lambda(&self, query: &sql::Query, scope: &Scope<'_>) -> Result<()> {
        let parameters = scope.parameters.take();
        let bound = self.bind_subquery(query, scope);
        *scope.parameters.borrow_mut() = parameters;
        match bound {
            Ok(bound) if !bound.is_correlated => Ok(()),
            Ok(_) => not_supported("a correlated subquery inside a lambda"),
            Err(error) => Err(error),
        }
    }

    /// The query with one column: its only one, or all of them as a tuple.
    fn one_column(&self, bound: &BoundQuery, scope: &Scope<'_>) -> Result<(LogicalPlan, DataType)> {
        if let [only] = bound.columns.as_slice() {
            return Ok((bound.plan.clone(), only.ty.clone()));
        }
        let columns = bound.columns.iter().map(|column| Typed::column(&column.column, &column.ty)).collect();
        let tuple = self.scalar("tuple", columns, &scope.env.functions)?;
        let column = self.fresh("tuple", &tuple.ty);
        let ty = tuple.ty.clone();
        let exprs = vec![tuple.value().alias(column.name)];
        Ok((LogicalPlanBuilder::from(bound.plan.clone()).project(exprs)?.build()?, ty))
    }

    /// A conjunct of WHERE that is `EXISTS (SELECT …)` over a correlated query: DataFusion makes a semi join of it. None
    /// when it is no such conjunct.
    pub(crate) fn bind_exists_conjunct(&self, conjunct: &sql::Expr, scope: &Scope<'_>) -> Result<Option<Expr>> {
        let (query, negated) = match &conjunct.kind {
            ExprKind::Exists(query) => (query, false),
            ExprKind::Unary(UnaryOperator::Not, operand) => match &operand.kind {
                ExprKind::Exists(query) => (query, true),
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        let bound = self.bind_subquery(query, scope)?;
        if !bound.is_correlated {
            return Ok(None);
        }
        let subquery =
            Subquery { subquery: Arc::new(bound.plan), outer_ref_columns: bound.outer_columns, spans: Spans::new() };
        Ok(Some(Expr::Exists(Exists::new(subquery, negated))))
    }

    /// `EXISTS (SELECT …)` as a value: whether a count is positive.
    pub(super) fn bind_exists(&self, query: &sql::Query, scope: &Scope<'_>) -> Result<Typed> {
        let bound = self.bind_subquery(query, scope)?;
        if bound.is_correlated {
            let plan = self.counted(bound.plan)?;
            let subquery =
                Subquery { subquery: Arc::new(plan), outer_ref_columns: bound.outer_columns, spans: Spans::new() };
            let positive = is_positive(Expr::ScalarSubquery(subquery));
            return Ok(Typed::truth(Expr::IsTrue(Box::new(positive)), DataType::UInt8));
        }
        let plan = self.counted(LogicalPlanBuilder::from(bound.plan).limit(0, Some(1))?.build()?)?;
        let subquery = Subquery { subquery: Arc::new(plan), outer_ref_columns: Vec::new(), spans: Spans::new() };
        Ok(Typed::truth(is_positive(Expr::ScalarSubquery(subquery)), DataType::UInt8))
    }

    /// How many rows a plan has.
    fn counted(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let one = Expr::Literal(datafusion::common::ScalarValue::Int64(Some(1)), None);
        let count = AggregateFunction::new_udf(count_udaf(), vec![one], false, None, Vec::new(), None);
        let column = self.fresh_arrow("rows", arrow::datatypes::DataType::Int64);
        let count = Expr::AggregateFunction(count).alias(column.name);
        Ok(LogicalPlanBuilder::from(plan).aggregate(Vec::<Expr>::new(), vec![count])?.build()?)
    }

    /// `WITH RECURSIVE name AS (start UNION ALL step)`; a query that does not name itself is bound as it is.
    pub(crate) fn bind_recursive(
        &self,
        name: &str,
        query: &sql::Query,
        ctes: &Ctes,
        scope: &Scope<'_>,
    ) -> Result<BoundQuery> {
        let outside = scope.over(Vec::new(), Vec::new());
        let QueryBody::Set(set) = &query.body else {
            return self.bind_query_in(query, &scope.env, ctes, Some(&outside));
        };
        let ([start, step], SetOperator::Union) = (set.operands.as_slice(), set.op) else {
            return self.bind_query_in(query, &scope.env, ctes, Some(&outside));
        };
        if set.quantifier != Some(SetQuantifier::All) {
            return not_supported("WITH RECURSIVE with anything but UNION ALL");
        }
        let start = self.bind_body(start, &scope.env, ctes, Some(&outside))?;
        let mut types: Vec<DataType> = start.columns.iter().map(|column| column.ty.clone()).collect();
        for _ in 0..RECURSIVE_TYPES_MAX {
            let columns: Vec<(Arc<str>, DataType)> =
                start.columns.iter().map(|column| column.name.clone()).zip(types.iter().cloned()).collect();
            let work = self.fresh(name, &DataType::Nothing).name;
            let inner = ctes.with(CteDef::WorkTable { name: name.to_owned(), work: work.clone(), columns });
            let step = self.bind_body(step, &scope.env, &inner, Some(&outside))?;
            if step.columns.len() != types.len() {
                return Err(Error::refused(
                    ErrorCode::UNION_ALL_RESULT_STRUCTURES_MISMATCH,
                    format!("parts of a recursive query have {} and {} columns", types.len(), step.columns.len()),
                ));
            }
            let grown: Vec<DataType> = types
                .iter()
                .zip(&step.columns)
                .map(|(ty, column)| common_type(&[ty.clone(), column.ty.clone()]))
                .collect::<Result<_>>()?;
            if grown == types {
                return self.recursive_plan(&work, &start, &step, &types, scope);
            }
            types = grown;
        }
        not_supported("a recursive query whose types grow for ever")
    }

    fn recursive_plan(
        &self,
        work: &str,
        start: &BoundQuery,
        step: &BoundQuery,
        types: &[DataType],
        scope: &Scope<'_>,
    ) -> Result<BoundQuery> {
        let names: Vec<String> = (0..types.len()).map(|position| work_column(work, position)).collect();
        let static_term = self.as_types(start, types, &names, scope)?;
        let recursive_term = self.as_types(step, types, &names, scope)?;
        let plan = LogicalPlan::RecursiveQuery(RecursiveQuery::try_new(
            work.to_owned(),
            Arc::new(static_term),
            Arc::new(recursive_term),
            false,
        )?);
        let mut columns = Vec::with_capacity(types.len());
        let mut exprs = Vec::with_capacity(types.len());
        for ((name, ty), column) in names.into_iter().zip(types).zip(&start.columns) {
            let out = self.fresh(&column.name, ty);
            exprs.push(Expr::Column(Column::new_unqualified(name)).alias(out.name.clone()));
            columns.push(OutColumn { column: out, name: column.name.clone(), ty: ty.clone() });
        }
        let plan = LogicalPlanBuilder::from(plan).project(exprs)?.build()?;
        Ok(BoundQuery { plan, columns, totals: None, outer_columns: Vec::new(), is_correlated: false })
    }

    /// The query's columns as values of `types`, under `names`.
    pub(crate) fn as_types(
        &self,
        bound: &BoundQuery,
        types: &[DataType],
        names: &[String],
        scope: &Scope<'_>,
    ) -> Result<LogicalPlan> {
        let mut exprs = Vec::with_capacity(types.len());
        for ((column, ty), name) in bound.columns.iter().zip(types).zip(names) {
            let value = self.cast(Typed::column(&column.column, &column.ty), ty, &scope.env.functions)?;
            exprs.push(value.value().alias(name.clone()));
        }
        Ok(LogicalPlanBuilder::from(bound.plan.clone()).project(exprs)?.build()?)
    }

    /// The rows of the last step of a recursive query.
    pub(crate) fn bind_work_table(
        &self,
        work: &str,
        columns: &[(Arc<str>, DataType)],
        source: Source,
    ) -> Result<FromPart> {
        let fields: Vec<types::Column> = columns
            .iter()
            .enumerate()
            .map(|(position, (_, ty))| types::Column::new(work_column(work, position), ty.clone()))
            .collect();
        let table = CteWorkTable::new(work, Header::new(fields).arrow_schema());
        let reference = TableReference::bare(work.to_owned());
        let scan = LogicalPlanBuilder::scan(reference.clone(), provider_as_source(Arc::new(table)), None)?.build()?;
        let mut exprs = Vec::with_capacity(columns.len());
        let mut named = Vec::with_capacity(columns.len());
        for (position, (column_name, ty)) in columns.iter().enumerate() {
            let column = self.fresh(column_name, ty);
            let scanned = Expr::Column(Column::new(Some(reference.clone()), work_column(work, position)));
            exprs.push(scanned.alias(column.name.clone()));
            named.push((column, column_name.clone(), ty.clone()));
        }
        let plan = LogicalPlanBuilder::from(scan).project(exprs)?.build()?;
        Ok(FromPart { plan, sources: vec![source], columns: scope_columns(&named), totals: None })
    }
}

/// The name of a column between two steps of a recursive query.
fn work_column(work: &str, position: usize) -> String {
    format!("{work}.{position}")
}
