//! ON and USING of a JOIN: which equalities become keys of one type, what names one side only, what is left.

use std::collections::HashSet;

use datafusion::common::Column;
use datafusion::logical_expr::Expr;
use sql::ast::{BinaryOperator, ExprKind, Join, JoinStrictness};
use types::{DataType, ErrorCode};

use super::attach::collect_columns;
use super::binder::{Binder, not_supported};
use super::from::FromPart;
use super::library::common_type;
use super::scope::Scope;
use super::select::{refuse_aggregates, split_and};
use super::typed::Typed;
use crate::error::{Error, Result};
use crate::nodes::AsofDirection;

/// ON or USING, sorted by what it needs.
#[derive(Default)]
pub(crate) struct Condition {
    /// Left and right value of each equality, of one type.
    pub keys: Vec<(Expr, Expr)>,
    /// Equal keys include NULL.
    pub nulls_equal: bool,
    /// What names only one side, or both without being an equality.
    pub left_only: Vec<Expr>,
    pub right_only: Vec<Expr>,
    pub mixed: Vec<Expr>,
    /// ASOF's inequality.
    pub asof: Option<(Expr, Expr, AsofDirection)>,
}

/// Which columns a side has in the plan.
struct Sides {
    left: HashSet<Column>,
    right: HashSet<Column>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    None,
    Left,
    Right,
    Both,
}

impl Sides {
    fn of(&self, expr: &Expr) -> Side {
        let mut columns = HashSet::new();
        collect_columns(expr, &mut columns);
        let left = columns.iter().any(|column| self.left.contains(column));
        let right = columns.iter().any(|column| self.right.contains(column));
        match (left, right) {
            (false, false) => Side::None,
            (true, false) => Side::Left,
            (false, true) => Side::Right,
            (true, true) => Side::Both,
        }
    }
}

/// A column that USING names: on the left, on the right, and the type of both.
pub(super) struct Common {
    pub(super) name: String,
    pub(super) left: usize,
    pub(super) right: usize,
    pub(super) ty: DataType,
}

impl Binder<'_> {
    pub(super) fn using_name(&self, expr: &sql::Expr) -> Result<String> {
        match &expr.kind {
            ExprKind::Identifier(parts) => match parts.last() {
                Some(last) => self.ident(last),
                None => not_supported("USING without a name"),
            },
            _ => not_supported("an expression in USING"),
        }
    }

    pub(super) fn commons(&self, left: &FromPart, right: &FromPart, names: Vec<String>) -> Result<Vec<Common>> {
        let mut commons = Vec::with_capacity(names.len());
        for name in names {
            let position = |part: &FromPart, side: &str| {
                let found = part.columns.iter().position(|column| *column.name == *name && column.unqualified);
                found.ok_or_else(|| {
                    Error::refused(
                        ErrorCode::UNKNOWN_IDENTIFIER,
                        format!("USING names column \"{name}\", which the {side} side of the join does not have"),
                    )
                })
            };
            let (l, r) = (position(left, "left")?, position(right, "right")?);
            let ty = common_type(&[left.columns[l].ty.clone(), right.columns[r].ty.clone()])?;
            commons.push(Common { name, left: l, right: r, ty });
        }
        Ok(commons)
    }

    pub(super) fn using_condition(
        &self,
        left: &FromPart,
        right: &FromPart,
        commons: &[Common],
        join: &Join,
        scope: &Scope<'_>,
    ) -> Result<Condition> {
        let mut condition = Condition::default();
        for (position, common) in commons.iter().enumerate() {
            let (l, r) = (&left.columns[common.left], &right.columns[common.right]);
            let l = self.join_key(Typed::column(&l.column, &l.ty), &common.ty, scope)?;
            let r = self.join_key(Typed::column(&r.column, &r.ty), &common.ty, scope)?;
            if join.strictness == Some(JoinStrictness::Asof) && position + 1 == commons.len() {
                condition.asof = Some((l, r, AsofDirection::GreaterOrEquals));
            } else {
                condition.keys.push((l, r));
            }
        }
        Ok(condition)
    }

    /// A key as a value of the type that both sides compare in.
    fn join_key(&self, key: Typed, common: &DataType, scope: &Scope<'_>) -> Result<Expr> {
        let base = common.base();
        let to = if key.is_nullable() { base.to_nullable() } else { base.clone() };
        Ok(self.cast(key, &to, &scope.env.functions)?.value())
    }

    pub(super) fn on_condition(
        &self,
        left: &FromPart,
        right: &FromPart,
        on: &sql::Expr,
        join: &Join,
        scope: &Scope<'_>,
    ) -> Result<Condition> {
        let sources = left.sources.iter().chain(&right.sources).cloned().collect();
        let columns = left.columns.iter().chain(&right.columns).cloned().collect();
        let inner = scope.over(sources, columns);
        let sides = Sides {
            left: left.plan.schema().columns().into_iter().collect(),
            right: right.plan.schema().columns().into_iter().collect(),
        };
        let mut conjuncts = Vec::new();
        split_and(on, &mut conjuncts);
        let mut condition = Condition::default();
        let mut null_safe = Vec::new();
        for conjunct in conjuncts {
            self.conjunct(conjunct, join, &sides, &inner, &mut condition, &mut null_safe)?;
        }
        if !inner.attachments.borrow().is_empty() {
            return not_supported("IN (SELECT …) or arrayJoin in ON");
        }
        condition.nulls_equal = !null_safe.is_empty() && condition.keys.is_empty();
        if condition.nulls_equal {
            condition.keys = null_safe;
        } else {
            for (l, r) in null_safe {
                let op = datafusion::logical_expr::Operator::IsNotDistinctFrom;
                condition.mixed.push(super::typed::binary(l, op, r));
            }
        }
        if join.strictness == Some(JoinStrictness::Asof) && condition.asof.is_none() {
            return Err(Error::refused(
                ErrorCode::INVALID_JOIN_ON_EXPRESSION,
                "ASOF JOIN needs one inequality between both sides in ON",
            ));
        }
        Ok(condition)
    }

    fn conjunct(
        &self,
        conjunct: &sql::Expr,
        join: &Join,
        sides: &Sides,
        scope: &Scope<'_>,
        condition: &mut Condition,
        null_safe: &mut Vec<(Expr, Expr)>,
    ) -> Result<()> {
        if let ExprKind::Binary(binary) = &conjunct.kind {
            let is_asof = join.strictness == Some(JoinStrictness::Asof);
            let direction = AsofDirection::of_operator(binary.op).filter(|_| is_asof && condition.asof.is_none());
            let equal = binary.op == BinaryOperator::Equals;
            let safe = binary.op == BinaryOperator::IsNotDistinctFrom;
            if equal || safe || direction.is_some() {
                let (l, r) = (self.bind(&binary.left, scope)?, self.bind(&binary.right, scope)?);
                let swapped = match (sides.of(&l.expr), sides.of(&r.expr)) {
                    (Side::Left, Side::Right) => Some(false),
                    (Side::Right, Side::Left) => Some(true),
                    _ => None,
                };
                if let Some(swapped) = swapped {
                    let (l, r) = if swapped { (r, l) } else { (l, r) };
                    let common = common_type(&[l.ty.base().clone(), r.ty.base().clone()]);
                    if let Ok(common) = common {
                        let pair = (self.join_key(l, &common, scope)?, self.join_key(r, &common, scope)?);
                        match direction {
                            Some(direction) => {
                                let direction = if swapped { direction.mirrored() } else { direction };
                                condition.asof = Some((pair.0, pair.1, direction));
                            }
                            None if safe => null_safe.push(pair),
                            None => condition.keys.push(pair),
                        }
                        return Ok(());
                    }
                }
            }
        }
        let typed = self.bind(conjunct, scope)?;
        refuse_aggregates(&typed.expr, "JOIN ON")?;
        let predicate = typed.predicate()?;
        match sides.of(&predicate) {
            Side::Left => condition.left_only.push(predicate),
            Side::Right => condition.right_only.push(predicate),
            Side::Both | Side::None => condition.mixed.push(predicate),
        }
        Ok(())
    }
}
