//! One SELECT, stage by stage.
//!
//! ```text
//! WITH, aliases ─▶ FROM, JOIN, ARRAY JOIN ─▶ PREWHERE, WHERE ─▶ GROUP BY ─▶ HAVING ─▶ windows ─▶ QUALIFY
//!               ─▶ items ─▶ DISTINCT ─▶ ORDER BY ─▶ WITH FILL ─▶ LIMIT BY ─▶ LIMIT
//! ```
//!
//! All expressions are bound first, against the columns of FROM, with aggregates and window functions inside them; each
//! stage then takes out what is its own and translates the rest to its output columns.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use datafusion::common::Column;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use sql::ast::Select;
use types::{DataType, ErrorCode, Header};

use super::binder::{Binder, QueryEnv};
use super::expr::{contains_aggregate, contains_window};
use super::group::Grouped;
use super::items::Item;
use super::order::Ordering;
use super::scope::{Ctes, Scope};
use super::typed::Typed;
use crate::error::{Error, Result};

/// A column of a query's result.
#[derive(Clone, Debug)]
pub(crate) struct OutColumn {
    /// In the plan.
    pub column: Column,
    /// As the user sees it.
    pub name: Arc<str>,
    pub ty: DataType,
}

/// A bound query.
pub(crate) struct BoundQuery {
    pub plan: LogicalPlan,
    pub columns: Vec<OutColumn>,
    /// The plan of the totals row; same columns.
    pub totals: Option<LogicalPlan>,
    /// Columns of the query around that it reads.
    pub outer_columns: Vec<Expr>,
    pub is_correlated: bool,
}

impl BoundQuery {
    pub(crate) fn header(&self) -> Header {
        let columns: Vec<_> =
            self.columns.iter().map(|column| types::Column::new(column.name.clone(), column.ty.clone())).collect();
        Header::new(columns)
    }
}

/// The expressions of one SELECT, bound.
struct Clauses {
    items: Vec<Item>,
    having: Option<Typed>,
    qualify: Option<Typed>,
    ordering: Ordering,
    grouped: Option<Grouped>,
}

impl Binder<'_> {
    /// One SELECT inside the query `parent`.
    pub(crate) fn bind_select(
        &self,
        select: &Select,
        env: &Rc<QueryEnv>,
        ctes: &Ctes,
        parent: Option<&Scope<'_>>,
    ) -> Result<BoundQuery> {
        let _level = self.descend()?;
        let env = self.env_of(select, env)?;
        let mut scope = Scope::new(env, ctes.clone(), parent);
        self.bind_with(select.with.as_ref(), &mut scope)?;
        scope.aliases = Rc::new(self.collect_aliases(select, &scope)?);
        self.collect_windows(select, &mut scope)?;

        let (mut plan, totals) = self.bind_from(select, &mut scope)?;
        if let Some(filter) = &select.filter {
            plan = self.filter(plan, filter, "WHERE", &scope)?;
        }
        let clauses = self.bind_clauses(select, &scope)?;
        self.build(plan, totals, clauses, select, &scope)
    }

    fn bind_clauses(&self, select: &Select, scope: &Scope<'_>) -> Result<Clauses> {
        let items = self.bind_items(&select.items, scope)?;
        let having = select.having.as_ref().map(|expr| self.bind(expr, scope)).transpose()?;
        let qualify = select.qualify.as_ref().map(|expr| self.bind(expr, scope)).transpose()?;
        if having.as_ref().is_some_and(|having| contains_window(&having.expr)) {
            return Err(Error::refused(
                ErrorCode::ILLEGAL_AGGREGATION,
                "window functions are not allowed in HAVING, because they are computed after it",
            ));
        }
        let ordering = self.bind_ordering(select, &items, scope)?;
        let mut rest: Vec<&Typed> = having.iter().chain(&qualify).collect();
        rest.extend(ordering.expressions());
        let grouped = self.bind_group_by(select, &items, &rest, scope)?;
        Ok(Clauses { items, having, qualify, ordering, grouped })
    }

    /// The stages after WHERE. `totals` are those of a subquery in FROM: they pass through what does not group.
    fn build(
        &self,
        mut plan: LogicalPlan,
        mut totals: Option<LogicalPlan>,
        clauses: Clauses,
        select: &Select,
        scope: &Scope<'_>,
    ) -> Result<BoundQuery> {
        let Clauses { mut items, having, mut qualify, mut ordering, grouped } = clauses;
        let having = match grouped {
            Some(grouped) => {
                let stage = self.group(plan, &grouped, having, &mut items, &mut qualify, &mut ordering, scope)?;
                plan = stage.plan;
                totals = stage.totals;
                stage.having
            }
            None => having,
        };
        let bare = |expr: Expr| Ok(expr);
        if let Some(having) = having {
            let predicate = having.predicate()?;
            plan = scope.attachments.borrow_mut().attach(plan, &[&predicate], &bare)?;
            plan = LogicalPlanBuilder::from(plan).filter(predicate)?.build()?;
        }
        plan = self.windows(plan, &mut items, &mut qualify, &mut ordering, scope)?;
        if let Some(qualify) = qualify {
            let predicate = qualify.predicate()?;
            plan = scope.attachments.borrow_mut().attach(plan, &[&predicate], &bare)?;
            plan = LogicalPlanBuilder::from(plan).filter(predicate)?.build()?;
        }
        let out: Vec<OutColumn> = items
            .iter()
            .map(|item| OutColumn {
                column: self.fresh(&item.name, &item.typed.ty),
                name: item.name.clone(),
                ty: item.typed.ty.clone(),
            })
            .collect();
        let totals = totals.map(|plan| self.project_totals(plan, &items, &out)).transpose()?;
        let plan = self.finish(plan, items, &out, ordering, select, scope)?;
        let outer_columns = scope.outer_columns.take();
        let is_correlated = !outer_columns.is_empty();
        Ok(BoundQuery { plan, columns: out, totals, outer_columns, is_correlated })
    }

    /// The environment with the SELECT's own SETTINGS.
    pub(crate) fn env_of(&self, select: &Select, env: &Rc<QueryEnv>) -> Result<Rc<QueryEnv>> {
        if select.settings.is_empty() {
            return Ok(env.clone());
        }
        let mut changed = (**env).clone();
        for setting in &select.settings {
            let (name, value) = super::settings::setting_text(setting)?;
            changed.settings.set(&name, &value)?;
        }
        changed.functions.settings = changed.settings.clone();
        Ok(Rc::new(changed))
    }

    /// `plan` with only the rows for which `filter` is true.
    pub(crate) fn filter(
        &self,
        mut plan: LogicalPlan,
        filter: &sql::Expr,
        clause: &'static str,
        scope: &Scope<'_>,
    ) -> Result<LogicalPlan> {
        let mut conjuncts = Vec::new();
        split_and(filter, &mut conjuncts);
        let mut predicates = Vec::new();
        let mut semi = Vec::new();
        for conjunct in conjuncts {
            if matches!(&conjunct.kind, sql::ast::ExprKind::In(is_in) if matches!(is_in.right.kind, sql::ast::ExprKind::Subquery(_)))
            {
                semi.push(conjunct);
                continue;
            }
            if let Some(exists) = self.bind_exists_conjunct(conjunct, scope)? {
                predicates.push(exists);
                continue;
            }
            if let Some(compared) = self.bind_marked(conjunct, scope)? {
                refuse_aggregates(&compared, clause)?;
                predicates.push(compared);
                continue;
            }
            let typed = self.bind(conjunct, scope)?;
            refuse_aggregates(&typed.expr, clause)?;
            predicates.push(typed.predicate()?);
        }
        plan = scope.attachments.borrow_mut().attach(plan, &predicates.iter().collect::<Vec<_>>(), &Ok)?;
        if let Some(predicate) = super::guard::filter_of(predicates) {
            plan = LogicalPlanBuilder::from(plan).filter(predicate)?.build()?;
        }
        for conjunct in semi {
            if let Some(filtered) = self.filter_in(&plan, conjunct, scope)? {
                plan = filtered;
            }
        }
        Ok(plan)
    }

    /// Named windows, for OVER.
    fn collect_windows(&self, select: &Select, scope: &mut Scope<'_>) -> Result<()> {
        let mut windows = HashMap::new();
        for window in &select.windows {
            windows.insert(self.ident(&window.name)?, window.spec.clone());
        }
        scope.windows = windows;
        Ok(())
    }
}

/// The operands of nested ANDs.
pub(crate) fn split_and<'e>(expr: &'e sql::Expr, conjuncts: &mut Vec<&'e sql::Expr>) {
    match &expr.kind {
        sql::ast::ExprKind::Chain(sql::ast::ChainOperator::And, operands) => {
            operands.iter().for_each(|operand| split_and(operand, conjuncts));
        }
        _ => conjuncts.push(expr),
    }
}

/// ILLEGAL_AGGREGATION when an aggregate or window function stands where rows are not grouped yet.
pub(crate) fn refuse_aggregates(expr: &Expr, clause: &str) -> Result<()> {
    let kind = if contains_aggregate(expr) {
        "aggregate"
    } else if contains_window(expr) {
        "window"
    } else {
        return Ok(());
    };
    Err(Error::refused(
        ErrorCode::ILLEGAL_AGGREGATION,
        format!("{kind} functions are not allowed in {clause}, because they are computed after it"),
    ))
}
