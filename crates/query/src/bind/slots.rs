//! Constants that stay outside of a plan: `WHERE column op <mark>`, where the mark stands for a constant of each run.
//!
//! A mark is bound with a constant at hand, exactly as the comparison with that constant would be; then the side that
//! has no column becomes a placeholder. Later constants are bound the same way beside the same column: they fit when
//! everything but the value comes out alike. So a plan with values put in is the plan that binding them would give.

use std::rc::Rc;

use arrow::datatypes::DataType as ArrowType;
use datafusion::common::{Column, DFSchema};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator};
use sql::ast::{ExprKind, Select};

use super::binder::Binder;
use super::context::BindContext;
use super::expr::Comparison;
use super::scope::Scope;
use super::typed::{Typed, binary};
use crate::error::{Error, Result};
use crate::parameters::placeholder;
use crate::shape::mark_of;

/// What a constant is compared with.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    /// The column, and its type.
    column: Column,
    ty: types::DataType,
    comparison: Comparison,
    /// The constant stands on the left.
    mirrored: bool,
    /// What the plan compares, and how.
    kept: Expr,
    operator: Operator,
    /// Of the constant.
    arrow: ArrowType,
}

impl Binder<'_> {
    /// A condition with a mark in it; `None` for any other condition.
    pub(super) fn bind_marked(&self, conjunct: &sql::Expr, scope: &Scope<'_>) -> Result<Option<Expr>> {
        let ExprKind::Binary(condition) = &conjunct.kind else { return Ok(None) };
        let (number, named, mirrored) = match (mark_of(&condition.left), mark_of(&condition.right)) {
            (None, Some(number)) => (number, &condition.left, false),
            (Some(number), None) => (number, &condition.right, true),
            _ => return Ok(None),
        };
        let constant = self.context.constants.get(number);
        let (Some(constant), Some(comparison)) = (constant, Comparison::of_operator(condition.op)) else {
            return Err(Error::Plan(format!("mark {number} stands for nothing")));
        };
        let left = self.bind(named, scope)?;
        let column = match &left.expr {
            Expr::Column(column) if !left.condition && left.constant.is_none() => Some(column.clone()),
            _ => None,
        };
        let (ty, was_deterministic) = (left.ty.clone(), self.is_deterministic());
        let right = self.bind(constant, scope)?;
        let compared = self.compare_sides(comparison, left, right, mirrored, scope)?;
        let predicate = compared.predicate()?;
        let (Some(column), Some((kept, operator, value))) = (column, sides(&predicate, mirrored)) else {
            return Ok(Some(predicate));
        };
        let Some(arrow) = constant_type(&value) else { return Ok(Some(predicate)) };
        let stands_for = placeholder(number, &arrow);
        let expr = match mirrored {
            true => binary(stands_for, operator, kept.clone()),
            false => binary(kept.clone(), operator, stands_for),
        };
        // what the constant depends on is looked at in each run
        self.set_deterministic(was_deterministic);
        self.note_slot(number, Slot { column, ty, comparison, mirrored, kept, operator, arrow });
        Ok(Some(expr))
    }

    fn compare_sides(
        &self,
        comparison: Comparison,
        column: Typed,
        constant: Typed,
        mirrored: bool,
        scope: &Scope<'_>,
    ) -> Result<Typed> {
        let (left, right) = if mirrored { (constant, column) } else { (column, constant) };
        self.compare(comparison, left, right, &scope.env.functions)
    }
}

/// The constants of a statement, for the slots of a plan; `None` when one of them does not fit its slot.
pub(crate) fn bind_constants(
    select: &Select,
    slots: &[Slot],
    constants: &[sql::Expr],
    context: &BindContext<'_>,
) -> Result<Option<Vec<Expr>>> {
    let binder = Binder::new(*context);
    let env = binder.env_of(select, &Rc::clone(&binder.session_env()))?;
    let scope = Scope::new(env, Default::default(), None);
    let mut values = Vec::with_capacity(slots.len());
    if slots.len() != constants.len() {
        return Ok(None);
    }
    for (slot, constant) in slots.iter().zip(constants) {
        let right = binder.bind(constant, &scope)?;
        let left = Typed::column(&slot.column, &slot.ty);
        let compared = binder.compare_sides(slot.comparison, left, right, slot.mirrored, &scope)?;
        let predicate = compared.predicate()?;
        let Some((kept, operator, value)) = sides(&predicate, slot.mirrored) else { return Ok(None) };
        let fits = kept == slot.kept && operator == slot.operator && constant_type(&value) == Some(slot.arrow.clone());
        if !fits || !scope.attachments.borrow().is_empty() {
            return Ok(None);
        }
        values.push(value);
    }
    Ok(Some(values))
}

/// The side with the column, the operator, and the other side.
fn sides(predicate: &Expr, mirrored: bool) -> Option<(Expr, Operator, Expr)> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = predicate else { return None };
    let (kept, value) = if mirrored { (right, left) } else { (left, right) };
    (kept.any_column_refs() && !value.any_column_refs()).then(|| ((**kept).clone(), *op, (**value).clone()))
}

/// The type of an expression that has one value in a run; `None` for others.
fn constant_type(value: &Expr) -> Option<ArrowType> {
    match value {
        Expr::Literal(value, _) => (!value.is_null()).then(|| value.data_type()),
        Expr::ScalarFunction(_) | Expr::Cast(_) if !value.is_volatile() => value.get_type(&DFSchema::empty()).ok(),
        _ => None,
    }
}
