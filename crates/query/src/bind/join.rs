//! JOIN: two plans and their names as one.
//!
//! Equalities between the two sides become key pairs of one type, so that joins hash; the rest of ON is a filter of the
//! join. Columns of a side that may be missing get their types' default values afterwards, unless `join_use_nulls`.
//! ANY and SEMI first keep one row of a key on the side that may not multiply rows.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::{JoinConstraint as PlanConstraint, NullEquality};
use datafusion::logical_expr::{Expr, Join as PlanJoin, JoinType, LogicalPlan, LogicalPlanBuilder, when};
use sql::ast::{Join, JoinConstraint, JoinKind, JoinStrictness, TableSource};
use types::{DataType, ErrorCode, Setting};

use super::attach::collect_columns;
use super::binder::{Binder, not_supported};
use super::from::FromPart;
use super::join_condition::{Common, Condition, Side};
use super::scope::{Scope, ScopeColumn};
use super::typed::{Typed, all_of};
use crate::error::{Error, Result};
use crate::nodes;

impl Binder<'_> {
    pub(crate) fn bind_join(&self, left: FromPart, join: &Join, scope: &Scope<'_>) -> Result<FromPart> {
        if join.kind == JoinKind::Paste {
            return not_supported("PASTE JOIN");
        }
        let mut right = self.bind_table(&join.table, None, scope)?;
        let offset = left.sources.len();
        for column in &mut right.columns {
            column.source = column.source.map(|source| source + offset);
        }
        let mut kind = join.kind;
        let mut commons = Vec::new();
        let condition = match (&join.constraint, join.natural) {
            (None, true) => {
                let shared = shared_names(&left, &right);
                commons = self.commons(&left, &right, shared)?;
                self.using_condition(&left, &right, &commons, join, scope)?
            }
            (Some(JoinConstraint::Using(exprs)), _) => {
                let names = exprs.iter().map(|expr| self.using_name(expr)).collect::<Result<Vec<_>>>()?;
                commons = self.commons(&left, &right, names)?;
                self.using_condition(&left, &right, &commons, join, scope)?
            }
            (Some(JoinConstraint::On(on)), _) => self.on_condition(&left, &right, on, join, scope)?,
            (None, false) if matches!(kind, JoinKind::Cross | JoinKind::Comma) => Condition::default(),
            (None, false) => {
                return Err(Error::refused(
                    ErrorCode::INVALID_JOIN_ON_EXPRESSION,
                    "JOIN needs ON or USING (or write CROSS JOIN)",
                ));
            }
        };
        self.check_join_engine(&right, join, &condition, scope)?;
        if matches!(kind, JoinKind::Cross | JoinKind::Comma) {
            kind = JoinKind::Inner;
        }
        self.join(left, right, kind, join.strictness, condition, commons, scope)
    }

    /// A table of engine Join takes only the join that it was made for.
    fn check_join_engine(&self, right: &FromPart, join: &Join, condition: &Condition, scope: &Scope<'_>) -> Result<()> {
        let TableSource::Table(name) = &join.table.source else { return Ok(()) };
        let table = self.ident(&name.name)?;
        if name.database.is_none() && scope.ctes.find(&table).is_some() {
            return Ok(());
        }
        let database = self.database(name.database.as_ref(), scope)?;
        let Some(engine) = self.context.relations.join_engine(&database, &table)? else { return Ok(()) };
        let refuse = |message: String| Err(Error::refused(ErrorCode::INCOMPATIBLE_TYPE_OF_JOIN, message));
        if engine.kind != join.kind || engine.strictness != join.strictness.unwrap_or(JoinStrictness::All) {
            return refuse(format!("table \"{database}.{table}\" has incompatible type of JOIN"));
        }
        let keeps_missing = matches!(join.kind, JoinKind::Left | JoinKind::Full);
        if keeps_missing && engine.use_nulls != scope.env.settings.flag(Setting::JoinUseNulls) {
            let message = format!("table \"{database}.{table}\" needs the same join_use_nulls setting as the query");
            return refuse(message);
        }
        if condition.keys.len() != engine.keys.len() {
            let (given, wanted) = (condition.keys.len(), engine.keys.len());
            return refuse(format!("number of keys in JOIN ON ({given}) is not that of the Join engine ({wanted})"));
        }
        let mut named = HashSet::new();
        condition.keys.iter().for_each(|(_, key)| collect_columns(key, &mut named));
        let is_named = |key: &String| {
            let column = right.columns.iter().find(|column| *column.name == **key);
            column.is_some_and(|column| named.contains(&column.column))
        };
        match engine.keys.iter().find(|key| !is_named(key)) {
            Some(key) => refuse(format!("key '{key}' of the Join engine is not in JOIN ON")),
            None => Ok(()),
        }
    }

    /// The join itself, by strictness.
    #[allow(clippy::too_many_arguments)] // the parts of one JOIN clause
    fn join(
        &self,
        left: FromPart,
        right: FromPart,
        kind: JoinKind,
        strictness: Option<JoinStrictness>,
        condition: Condition,
        commons: Vec<Common>,
        scope: &Scope<'_>,
    ) -> Result<FromPart> {
        let (mut l, mut r) = (left.plan.clone(), right.plan.clone());
        let mut condition = condition;
        let plan_kind = match kind {
            JoinKind::Left => JoinType::Left,
            JoinKind::Right => JoinType::Right,
            JoinKind::Full => JoinType::Full,
            JoinKind::Inner | JoinKind::Cross | JoinKind::Comma | JoinKind::Paste => JoinType::Inner,
        };
        let strictness = strictness.unwrap_or(JoinStrictness::All);
        let (plan, left_missing, right_missing) = match strictness {
            JoinStrictness::All => {
                let missing =
                    (matches!(kind, JoinKind::Right | JoinKind::Full), matches!(kind, JoinKind::Left | JoinKind::Full));
                (plan_join(l, r, plan_kind, condition)?, missing.0, missing.1)
            }
            JoinStrictness::Any => {
                no_mixed(&condition, "ANY")?;
                if plan_kind != JoinType::Right {
                    r = one_of_each(r, std::mem::take(&mut condition.right_only), keys(&condition, Side::Right))?;
                }
                if matches!(plan_kind, JoinType::Inner | JoinType::Right) {
                    l = one_of_each(l, std::mem::take(&mut condition.left_only), keys(&condition, Side::Left))?;
                }
                if plan_kind == JoinType::Full {
                    return not_supported("ANY FULL JOIN");
                }
                let missing = (plan_kind == JoinType::Right, plan_kind == JoinType::Left);
                (plan_join(l, r, plan_kind, condition)?, missing.0, missing.1)
            }
            JoinStrictness::Semi => {
                no_mixed(&condition, "SEMI")?;
                if plan_kind == JoinType::Right {
                    l = one_of_each(l, std::mem::take(&mut condition.left_only), keys(&condition, Side::Left))?;
                } else {
                    r = one_of_each(r, std::mem::take(&mut condition.right_only), keys(&condition, Side::Right))?;
                }
                (plan_join(l, r, JoinType::Inner, condition)?, false, false)
            }
            JoinStrictness::Anti => return self.anti_join(left, right, plan_kind, condition, (&commons, scope)),
            JoinStrictness::Asof => {
                if !matches!(plan_kind, JoinType::Inner | JoinType::Left) {
                    return not_supported("ASOF with RIGHT or FULL JOIN");
                }
                let outer = plan_kind == JoinType::Left;
                (asof_join(l, r, condition, outer)?, false, outer)
            }
        };
        self.joined(plan, left, right, kind, commons, (left_missing, right_missing), scope)
    }

    /// The columns of both sides after the join: missing values filled, USING columns merged.
    #[allow(clippy::too_many_arguments)] // the parts of one JOIN clause
    fn joined(
        &self,
        plan: LogicalPlan,
        left: FromPart,
        right: FromPart,
        kind: JoinKind,
        commons: Vec<Common>,
        missing: (bool, bool),
        scope: &Scope<'_>,
    ) -> Result<FromPart> {
        let use_nulls = scope.env.settings.flag(Setting::JoinUseNulls);
        let mut exprs = Vec::new();
        let mut columns = Vec::new();
        let mut merged = Vec::new();
        for common in &commons {
            merged.push(self.merged(common, &left, &right, kind, use_nulls, missing, scope)?);
        }
        for (part, missing, is_left) in [(&left, missing.0, true), (&right, missing.1, false)] {
            for (position, column) in part.columns.iter().enumerate() {
                let at = |common: &Common| if is_left { common.left } else { common.right };
                let using = commons.iter().position(|common| at(common) == position);
                let (mut expr, mut out) = self.side_column(column, missing, use_nulls)?;
                if let Some(using) = using
                    && commons[using].ty != column.ty
                {
                    (expr, out) = self.promoted(column, &commons[using].ty, missing && use_nulls, scope)?;
                }
                exprs.push(expr);
                if let Some(using) = using {
                    if is_left {
                        let (expr, mut common) = merged[using].clone();
                        exprs.push(expr);
                        let own = matches!(kind, JoinKind::Inner | JoinKind::Left | JoinKind::Cross | JoinKind::Comma);
                        common.source = if own { column.source } else { None };
                        columns.push(common);
                        if own {
                            continue;
                        }
                    }
                    out.in_asterisk = false;
                    out.unqualified = false;
                }
                columns.push(out);
            }
        }
        let plan = LogicalPlanBuilder::from(plan).project(exprs)?.build()?;
        let sources = left.sources.into_iter().chain(right.sources).collect();
        Ok(FromPart { plan, sources, columns, totals: None })
    }

    /// A column of a side that may be missing: its default value there, or NULL with `join_use_nulls`.
    fn side_column(&self, column: &ScopeColumn, missing: bool, use_nulls: bool) -> Result<(Expr, ScopeColumn)> {
        let plain = Expr::Column(column.column.clone());
        if !missing || column.ty.is_nullable() {
            return Ok((plain, column.clone()));
        }
        if use_nulls && column.ty.to_nullable().is_nullable() {
            return Ok((plain, ScopeColumn { ty: column.ty.to_nullable(), ..column.clone() }));
        }
        let filled = filled(plain, &column.ty)?;
        let fresh = self.fresh(&column.name, &column.ty);
        Ok((filled.alias(fresh.name.clone()), ScopeColumn { column: fresh, ..column.clone() }))
    }

    /// A column that USING names, in the type that both sides have together.
    fn promoted(
        &self,
        column: &ScopeColumn,
        common: &DataType,
        keep_null: bool,
        scope: &Scope<'_>,
    ) -> Result<(Expr, ScopeColumn)> {
        let typed = Typed { ty: column.ty.to_nullable(), ..Typed::column(&column.column, &column.ty) };
        let value = self.cast(typed, &common.to_nullable(), &scope.env.functions)?.value();
        let ty = if keep_null { common.to_nullable() } else { common.clone() };
        let value = if ty.is_nullable() { value } else { filled(value, &ty)? };
        let fresh = self.fresh(&column.name, &ty);
        Ok((value.alias(fresh.name.clone()), ScopeColumn { column: fresh, ty, ..column.clone() }))
    }

    /// The one column of a USING name: of the side that is there.
    #[allow(clippy::too_many_arguments)] // the parts of one JOIN clause
    fn merged(
        &self,
        common: &Common,
        left: &FromPart,
        right: &FromPart,
        kind: JoinKind,
        use_nulls: bool,
        missing: (bool, bool),
        scope: &Scope<'_>,
    ) -> Result<(Expr, ScopeColumn)> {
        let side = |part: &FromPart, position: usize| -> Result<Expr> {
            let column = &part.columns[position];
            // What is missing is NULL here, whatever the type says.
            let nullable = column.ty.to_nullable();
            let typed = Typed { ty: nullable, ..Typed::column(&column.column, &column.ty) };
            Ok(self.cast(typed, &common.ty.to_nullable(), &scope.env.functions)?.value())
        };
        let expr = match kind {
            JoinKind::Right => side(right, common.right)?,
            JoinKind::Full => {
                let (l, r) = (side(left, common.left)?, side(right, common.right)?);
                when(Expr::IsNull(Box::new(l.clone())), r).otherwise(l)?
            }
            _ => side(left, common.left)?,
        };
        let nulls = use_nulls && missing.0 && missing.1;
        let ty = if nulls { common.ty.to_nullable() } else { common.ty.clone() };
        let expr = if ty.is_nullable() { expr } else { filled(expr, &ty)? };
        let column = self.fresh(&common.name, &ty);
        let out = ScopeColumn {
            column: column.clone(),
            name: common.name.as_str().into(),
            ty,
            source: None,
            in_asterisk: true,
            unqualified: true,
            is_element: false,
        };
        Ok((expr.alias(column.name), out))
    }

    /// Rows of one side without a match; the other side's columns are their types' defaults.
    fn anti_join(
        &self,
        left: FromPart,
        right: FromPart,
        kind: JoinType,
        condition: Condition,
        (commons, scope): (&[Common], &Scope<'_>),
    ) -> Result<FromPart> {
        let is_right = kind == JoinType::Right;
        let anti = if is_right { JoinType::RightAnti } else { JoinType::LeftAnti };
        let plan = plan_join(left.plan.clone(), right.plan.clone(), anti, condition)?;
        let use_nulls = scope.env.settings.flag(Setting::JoinUseNulls);
        let mut exprs = Vec::new();
        let mut columns = Vec::new();
        for (part, absent, is_left) in [(&left, is_right, true), (&right, !is_right, false)] {
            for (position, column) in part.columns.iter().enumerate() {
                let at = |common: &&Common| position == if is_left { common.left } else { common.right };
                if let Some(common) = commons.iter().find(at) {
                    if is_left {
                        // the column of both, with the values of the side that is there
                        let of = if is_right { &right.columns[common.right] } else { &left.columns[common.left] };
                        let value = self.cast(Typed::column(&of.column, &of.ty), &common.ty, &scope.env.functions)?;
                        let fresh = self.fresh(&common.name, &common.ty);
                        exprs.push(value.value().alias(fresh.name.clone()));
                        let ty = common.ty.clone();
                        columns.push(ScopeColumn { column: fresh, ty, source: None, ..column.clone() });
                    }
                    if absent {
                        let default = Typed::default_of(&column.ty)?.expr;
                        let fresh = self.fresh(&column.name, &column.ty);
                        exprs.push(default.alias(fresh.name.clone()));
                        columns.push(hidden(ScopeColumn { column: fresh, ..column.clone() }));
                    } else {
                        exprs.push(Expr::Column(column.column.clone()));
                        columns.push(hidden(column.clone()));
                    }
                    continue;
                }
                if !absent {
                    exprs.push(Expr::Column(column.column.clone()));
                    columns.push(column.clone());
                    continue;
                }
                let ty = if use_nulls { column.ty.to_nullable() } else { column.ty.clone() };
                let fresh = self.fresh(&column.name, &ty);
                exprs.push(Typed::default_of(&ty)?.expr.alias(fresh.name.clone()));
                columns.push(ScopeColumn { column: fresh, ty, ..column.clone() });
            }
        }
        let plan = LogicalPlanBuilder::from(plan).project(exprs)?.build()?;
        let sources = left.sources.into_iter().chain(right.sources).collect();
        Ok(FromPart { plan, sources, columns, totals: None })
    }
}

/// A side of a USING column: only its qualified name means it.
fn hidden(column: ScopeColumn) -> ScopeColumn {
    ScopeColumn { in_asterisk: false, unqualified: false, ..column }
}

/// `expr` with the type's default value for NULL.
pub(crate) fn filled(expr: Expr, ty: &DataType) -> Result<Expr> {
    let default = Typed::default_of(ty)?.expr;
    Ok(when(Expr::IsNull(Box::new(expr.clone())), default).otherwise(expr)?)
}

fn shared_names(left: &FromPart, right: &FromPart) -> Vec<String> {
    let visible = |column: &&ScopeColumn| column.in_asterisk && column.unqualified;
    let there = |name: &str| right.columns.iter().filter(visible).any(|column| &*column.name == name);
    left.columns.iter().filter(visible).map(|column| column.name.to_string()).filter(|name| there(name)).collect()
}

fn no_mixed(condition: &Condition, what: &str) -> Result<()> {
    if condition.mixed.is_empty() && !condition.keys.is_empty() {
        return Ok(());
    }
    not_supported(format!("{what} JOIN whose ON has no equality, or compares both sides in another way as well"))
}

fn keys(condition: &Condition, side: Side) -> Vec<Expr> {
    let of = |(left, right): &(Expr, Expr)| if side == Side::Left { left.clone() } else { right.clone() };
    condition.keys.iter().map(of).collect()
}

/// The first row of each key, of those that `filters` keep.
fn one_of_each(plan: LogicalPlan, filters: Vec<Expr>, keys: Vec<Expr>) -> Result<LogicalPlan> {
    let plan = match all_of(filters) {
        Some(filter) => LogicalPlanBuilder::from(plan).filter(filter)?.build()?,
        None => plan,
    };
    nodes::limit_by(plan, keys, 0, 1)
}

fn plan_join(left: LogicalPlan, right: LogicalPlan, kind: JoinType, condition: Condition) -> Result<LogicalPlan> {
    let nulls = if condition.nulls_equal { NullEquality::NullEqualsNull } else { NullEquality::NullEqualsNothing };
    let mut filters = condition.mixed;
    filters.extend(condition.left_only);
    filters.extend(condition.right_only);
    if filters.is_empty() && condition.keys.is_empty() && kind == JoinType::Inner {
        return Ok(LogicalPlanBuilder::from(left).cross_join(right)?.build()?);
    }
    let join = PlanJoin::try_new(
        Arc::new(left),
        Arc::new(right),
        condition.keys,
        all_of(filters),
        kind,
        PlanConstraint::On,
        nulls,
        false,
    )?;
    Ok(LogicalPlan::Join(join))
}

fn asof_join(left: LogicalPlan, right: LogicalPlan, condition: Condition, outer: bool) -> Result<LogicalPlan> {
    let Some((left_value, right_value, direction)) = condition.asof else {
        return not_supported("ASOF JOIN without an inequality");
    };
    if !condition.mixed.is_empty() || !condition.left_only.is_empty() {
        return not_supported("ASOF JOIN with further conditions on both sides or on the left one");
    }
    let right = match all_of(condition.right_only) {
        Some(filter) => LogicalPlanBuilder::from(right).filter(filter)?.build()?,
        None => right,
    };
    nodes::asof(left, right, condition.keys, (left_value, right_value), direction, outer)
}
