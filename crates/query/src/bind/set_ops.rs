//! UNION, EXCEPT, INTERSECT: columns by position, in the type that can hold both sides.

use std::rc::Rc;
use std::sync::Arc;

use datafusion::common::NullEquality;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, LogicalPlanBuilder, Union};
use sql::ast::{QueryBody, Select, SetOperation, SetOperator, SetQuantifier, With};
use types::{DataType, ErrorCode, Setting};

use super::attach::semi_join;
use super::binder::{Binder, QueryEnv, not_supported};
use super::library::common_type;
use super::scope::{Ctes, Scope};
use super::select::{BoundQuery, OutColumn};
use crate::error::{Error, Result};
use crate::nodes::{self, CountedSet};

impl Binder<'_> {
    /// A whole query.
    pub(crate) fn bind_query_in(
        &self,
        query: &sql::Query,
        env: &Rc<QueryEnv>,
        ctes: &Ctes,
        parent: Option<&Scope<'_>>,
    ) -> Result<BoundQuery> {
        self.bind_body(&query.body, env, ctes, parent)
    }

    pub(crate) fn bind_body(
        &self,
        body: &QueryBody,
        env: &Rc<QueryEnv>,
        ctes: &Ctes,
        parent: Option<&Scope<'_>>,
    ) -> Result<BoundQuery> {
        match body {
            QueryBody::Select(select) => self.bind_select(select, env, ctes, parent),
            QueryBody::Set(set) => self.bind_set(set, env, ctes, parent),
        }
    }

    fn bind_set(
        &self,
        set: &SetOperation,
        env: &Rc<QueryEnv>,
        ctes: &Ctes,
        parent: Option<&Scope<'_>>,
    ) -> Result<BoundQuery> {
        let _level = self.descend()?;
        let with = set.operands.first().and_then(first_with).cloned();
        // SETTINGS stand after the last query and hold for all.
        let env = match set.operands.last().and_then(last_select) {
            Some(last) => self.env_of(last, env)?,
            None => env.clone(),
        };
        let mut operands = Vec::with_capacity(set.operands.len());
        for operand in &set.operands {
            operands.push(match (&with, operand) {
                (Some(with), QueryBody::Select(select)) if select.with.is_none() => {
                    let select = Select { with: Some(with.clone()), ..(**select).clone() };
                    self.bind_select(&select, &env, ctes, parent)?
                }
                _ => self.bind_body(operand, &env, ctes, parent)?,
            });
        }
        if operands.iter().any(|operand| operand.totals.is_some()) {
            return not_supported("WITH TOTALS inside UNION, EXCEPT or INTERSECT");
        }
        let distinct = is_distinct(set, &env)?;
        let scope = Scope::new(env, ctes.clone(), parent);
        let (plans, columns) = self.same_columns(&operands, set.op, &scope)?;
        let plan = combine(set.op, distinct, plans)?;
        let outer_columns: Vec<Expr> = operands.into_iter().flat_map(|operand| operand.outer_columns).collect();
        let is_correlated = !outer_columns.is_empty();
        Ok(BoundQuery { plan, columns, totals: None, outer_columns, is_correlated })
    }

    /// The operands with the same columns: names of the first, types that hold the values of all.
    fn same_columns(
        &self,
        operands: &[BoundQuery],
        op: SetOperator,
        scope: &Scope<'_>,
    ) -> Result<(Vec<LogicalPlan>, Vec<OutColumn>)> {
        let Some(first) = operands.first() else { return not_supported("a set operation of no queries") };
        let width = first.columns.len();
        if let Some(other) = operands.iter().find(|operand| operand.columns.len() != width) {
            let code = match op {
                SetOperator::Union => ErrorCode::UNION_ALL_RESULT_STRUCTURES_MISMATCH,
                SetOperator::Except | SetOperator::Intersect => ErrorCode::UNION_ALL_RESULT_STRUCTURES_MISMATCH,
            };
            return Err(Error::refused(
                code,
                format!("queries of a set operation have {width} and {} columns", other.columns.len()),
            ));
        }
        let mut types = Vec::with_capacity(width);
        for position in 0..width {
            let all: Vec<DataType> = operands.iter().map(|operand| operand.columns[position].ty.clone()).collect();
            let Ok(ty) = common_type(&all) else {
                let names: Vec<String> = all.iter().map(ToString::to_string).collect();
                return not_supported(format!("Variant({}), the type of a UNION's column,", names.join(", ")));
            };
            types.push(ty);
        }
        let columns: Vec<OutColumn> = first
            .columns
            .iter()
            .zip(&types)
            .map(|(column, ty)| OutColumn {
                column: self.fresh(&column.name, ty),
                name: column.name.clone(),
                ty: ty.clone(),
            })
            .collect();
        let names: Vec<String> = columns.iter().map(|column| column.column.name.clone()).collect();
        let plans = operands.iter().map(|operand| self.as_types(operand, &types, &names, scope));
        Ok((plans.collect::<Result<Vec<_>>>()?, columns))
    }
}

fn first_with(body: &QueryBody) -> Option<&With> {
    match body {
        QueryBody::Select(select) => select.with.as_ref(),
        QueryBody::Set(set) => set.operands.first().and_then(first_with),
    }
}

fn last_select(body: &QueryBody) -> Option<&Select> {
    match body {
        QueryBody::Select(select) => Some(select),
        QueryBody::Set(set) => set.operands.last().and_then(last_select),
    }
}

/// Whether equal rows are joined: as written, else as the setting says.
fn is_distinct(set: &SetOperation, env: &QueryEnv) -> Result<bool> {
    if let Some(quantifier) = set.quantifier {
        return Ok(quantifier == SetQuantifier::Distinct);
    }
    let setting = match set.op {
        SetOperator::Union => Setting::UnionDefaultMode,
        SetOperator::Except => Setting::ExceptDefaultMode,
        SetOperator::Intersect => Setting::IntersectDefaultMode,
    };
    match env.settings.text(setting).to_ascii_uppercase().as_str() {
        "ALL" => Ok(false),
        "DISTINCT" => Ok(true),
        _ => Err(Error::refused(
            ErrorCode::EXPECTED_ALL_OR_DISTINCT,
            format!("expected ALL or DISTINCT, because setting {} is empty", setting.def().name),
        )),
    }
}

fn combine(op: SetOperator, distinct: bool, plans: Vec<LogicalPlan>) -> Result<LogicalPlan> {
    if op == SetOperator::Union {
        let all = LogicalPlan::Union(Union::try_new(plans.into_iter().map(Arc::new).collect())?);
        return if distinct { Ok(LogicalPlanBuilder::from(all).distinct()?.build()?) } else { Ok(all) };
    }
    let mut plans = plans.into_iter();
    let Some(mut left) = plans.next() else { return not_supported("a set operation of no queries") };
    for right in plans {
        left = if distinct {
            let kind = if op == SetOperator::Except { JoinType::LeftAnti } else { JoinType::LeftSemi };
            let columns = |plan: &LogicalPlan| plan.schema().columns().into_iter().map(Expr::Column).collect();
            // The two sides have columns of the same names: the right ones get others.
            let renamed: Vec<Expr> = right
                .schema()
                .columns()
                .into_iter()
                .map(|column| {
                    let name = format!("{}.right", column.name);
                    Expr::Column(column).alias(name)
                })
                .collect();
            let right = LogicalPlanBuilder::from(right).project(renamed)?.build()?;
            let left = LogicalPlanBuilder::from(left).distinct()?.build()?;
            let (left_keys, right_keys) = (columns(&left), columns(&right));
            semi_join(left, kind, left_keys, right, right_keys, NullEquality::NullEqualsNull)?
        } else {
            let kind = if op == SetOperator::Except { CountedSet::Except } else { CountedSet::Intersect };
            nodes::counted_set(left, right, kind)?
        };
    }
    Ok(left)
}
