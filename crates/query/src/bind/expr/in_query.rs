//! `x IN (SELECT …)` as a mark join below the expression; a conjunct of WHERE takes a semi or anti join instead.

use std::sync::Arc;

use datafusion::common::{NullEquality, Spans};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, LogicalPlanBuilder, Subquery, when};
use sql::ast::{ExprKind, In};
use types::{DataType, ErrorCode, Setting};

use super::aggregate::resolve_aggregate;
use super::in_list::in_type;
use crate::bind::attach::{Attachment, semi_join};
use crate::bind::binder::{Binder, not_supported};
use crate::bind::library::common_type;
use crate::bind::scope::Scope;
use crate::bind::select::{BoundQuery, OutColumn};
use crate::bind::typed::Typed;
use crate::error::{Error, Result};

/// Both sides of `x IN (SELECT …)`, key by key, of the same Arrow types.
pub(crate) struct InQuery {
    pub left: Typed,
    pub keys: Vec<Expr>,
    pub query: LogicalPlan,
    pub query_keys: Vec<Expr>,
    pub nulls: NullEquality,
}

impl Binder<'_> {
    pub(super) fn bind_in_query(&self, is_in: &In, query: &sql::Query, scope: &Scope<'_>) -> Result<Typed> {
        if scope.in_lambda() {
            return self.in_query_in_lambda(is_in, query, scope);
        }
        let sides = self.in_query(is_in, query, scope)?;
        let nulls_equal = sides.nulls == NullEquality::NullEqualsNull;
        let ty = in_type(&sides.left, nulls_equal);
        let mark = self.fresh_arrow("in", arrow::datatypes::DataType::Boolean);
        let attachment =
            Attachment::Mark { keys: sides.keys, query: sides.query, query_keys: sides.query_keys, nulls: sides.nulls };
        let mark = scope.attachments.borrow_mut().add(mark, attachment);
        let mut found = Expr::Column(mark);
        if is_in.negated {
            found = Expr::Not(Box::new(found));
        }
        if sides.left.is_nullable() && !nulls_equal {
            let null = Expr::Literal(datafusion::common::ScalarValue::Boolean(None), None);
            found = when(Expr::IsNull(Box::new(sides.left.value())), null).otherwise(found)?;
        }
        Ok(Typed::truth(found, ty))
    }

    /// Inside a lambda no join can stand below the expression: the query's values become one array, computed once.
    fn in_query_in_lambda(&self, is_in: &In, query: &sql::Query, scope: &Scope<'_>) -> Result<Typed> {
        let left = self.bind(&is_in.left, scope)?;
        let parameters = scope.parameters.take();
        let bound = self.bind_subquery(query, scope);
        *scope.parameters.borrow_mut() = parameters;
        let bound = bound?;
        let ([column], false) = (bound.columns.as_slice(), bound.is_correlated) else {
            return not_supported("IN with a query of several columns, or a correlated one, inside a lambda");
        };
        let (udf, array) = resolve_aggregate("groupUniqArray", &[], std::slice::from_ref(&column.ty))?;
        let values = Expr::Column(column.column.clone());
        let values = AggregateFunction::new_udf(udf, vec![values], false, None, Vec::new(), None);
        let name = self.fresh("in", &array).name;
        let values = Expr::AggregateFunction(values).alias(name);
        let plan = LogicalPlanBuilder::from(bound.plan).aggregate(Vec::<Expr>::new(), vec![values])?.build()?;
        let subquery = Subquery { subquery: Arc::new(plan), outer_ref_columns: Vec::new(), spans: Spans::new() };
        let array = Typed::new(Expr::ScalarSubquery(subquery), array);
        let found = self.scalar("has", vec![array, left], &scope.env.functions)?;
        if is_in.negated { self.not(found, scope) } else { Ok(found) }
    }

    /// `plan` with only the rows for which a conjunct `x [NOT] IN (SELECT …)` holds; none when it is no such conjunct.
    pub(crate) fn filter_in(
        &self,
        plan: &LogicalPlan,
        conjunct: &sql::Expr,
        scope: &Scope<'_>,
    ) -> Result<Option<LogicalPlan>> {
        let ExprKind::In(is_in) = &conjunct.kind else { return Ok(None) };
        let ExprKind::Subquery(query) = &is_in.right.kind else { return Ok(None) };
        let sides = self.in_query(is_in, query, scope)?;
        let mut plan =
            scope.attachments.borrow_mut().attach(plan.clone(), &sides.keys.iter().collect::<Vec<_>>(), &Ok)?;
        let kind = if is_in.negated { JoinType::LeftAnti } else { JoinType::LeftSemi };
        if is_in.negated && sides.nulls == NullEquality::NullEqualsNothing && sides.left.is_nullable() {
            let known = Expr::IsNotNull(Box::new(sides.left.value()));
            plan = LogicalPlanBuilder::from(plan).filter(known)?.build()?;
        }
        semi_join(plan, kind, sides.keys, sides.query, sides.query_keys, sides.nulls).map(Some)
    }

    fn in_query(&self, is_in: &In, query: &sql::Query, scope: &Scope<'_>) -> Result<InQuery> {
        let lefts = match &is_in.left.kind {
            ExprKind::Tuple(items) => self.bind_arguments(items, scope)?,
            _ => vec![self.bind(&is_in.left, scope)?],
        };
        let left = match lefts.as_slice() {
            [only] => only.clone(),
            _ => self.bind(&is_in.left, scope)?,
        };
        if scope.env.settings.uint(Setting::MaxRowsInSet) != 0 {
            return not_supported("IN with a subquery under max_rows_in_set");
        }
        let bound = self.bind_subquery(query, scope)?;
        if bound.is_correlated {
            return not_supported("IN with a correlated subquery (write EXISTS)");
        }
        let lefts = self.matching_lefts(lefts, &bound, scope)?;
        let mut keys = Vec::with_capacity(lefts.len());
        let mut query_keys = Vec::with_capacity(lefts.len());
        for (left, column) in lefts.into_iter().zip(&bound.columns) {
            let right = Typed::column(&column.column, &column.ty);
            let common = common_type(&[left.ty.base().clone(), right.ty.base().clone()]);
            let common = common.unwrap_or_else(|_| left.ty.base().clone());
            let to_left = super::compare::kept_nullable(&common, &left.ty);
            let to_right = super::compare::kept_nullable(&common, &right.ty);
            keys.push(self.cast(left, &to_left, &scope.env.functions)?.value());
            query_keys.push(self.cast(right, &to_right, &scope.env.functions)?.value());
        }
        let nulls = if scope.env.settings.flag(Setting::TransformNullIn) {
            NullEquality::NullEqualsNull
        } else {
            NullEquality::NullEqualsNothing
        };
        Ok(InQuery { left, keys, query: bound.plan, query_keys, nulls })
    }

    /// One value for each column of the query: those of a tuple, taken apart where it is one value.
    fn matching_lefts(&self, lefts: Vec<Typed>, bound: &BoundQuery, scope: &Scope<'_>) -> Result<Vec<Typed>> {
        if lefts.len() == bound.columns.len() {
            return Ok(lefts);
        }
        if let [only] = lefts.as_slice()
            && let DataType::Tuple(fields) = only.ty.base()
            && fields.len() == bound.columns.len()
        {
            let element = |position: usize| {
                let index = super::literal::unsigned(position as u64)?;
                self.scalar("tupleElement", vec![only.clone(), index], &scope.env.functions)
            };
            return (1..=fields.len()).map(element).collect();
        }
        let takes_tuple =
            |column: &OutColumn| matches!(column.ty.base(), DataType::Tuple(_) | DataType::String | DataType::Nothing);
        if let [column] = bound.columns.as_slice()
            && lefts.len() > 1
            && takes_tuple(column)
        {
            return Ok(vec![self.scalar("tuple", lefts, &scope.env.functions)?]);
        }
        Err(Error::refused(
            ErrorCode::NUMBER_OF_COLUMNS_DOESNT_MATCH,
            format!("IN compares {} values with {} columns of a query", lefts.len(), bound.columns.len()),
        ))
    }
}
