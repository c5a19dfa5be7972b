//! Short circuits: an operand that can fail is evaluated only for rows that the operands before it leave undecided.
//!
//! ```text
//! a AND f(x)   ─▶   a AND CASE WHEN a THEN f(x) ELSE false        a OR f(x)   ─▶   CASE WHEN a THEN true ELSE f(x)
//! ```
//!
//! DataFusion's CASE evaluates a branch for its own rows only; its AND and OR promise nothing. Operands that cannot fail
//! go first and stay plain, so that filters are still taken apart, pushed down and used for pruning.

use std::sync::Arc;

use arrow::datatypes::DataType as ArrowType;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::utils::split_conjunction_owned;
use datafusion::logical_expr::{Expr, Filter, LogicalPlan, Operator, lit};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

use super::typed::{all_of, any_of, binary, cast_arrow};

/// An operand of AND or OR: an Arrow Boolean.
pub(crate) struct Condition {
    pub expr: Expr,
    /// False when it is never NULL.
    pub nullable: bool,
}

/// True when evaluating `expr` may be an error for some rows and not for others: constants are evaluated once in any case.
pub(crate) fn can_fail(expr: &Expr) -> bool {
    let fails = |node: &Expr| match node {
        Expr::ScalarFunction(call) => functions::total::can_fail(&call.func) && node.any_column_refs(),
        _ => false,
    };
    expr.exists(|node| Ok(fails(node))).unwrap_or(true)
}

/// All of the operands (`Operator::And`) or any of them (`Operator::Or`), lazily.
pub(crate) fn short_circuit(op: Operator, operands: Vec<Condition>) -> Option<Expr> {
    let join = if op == Operator::And { all_of } else { any_of };
    let (mut risky, plain): (Vec<_>, Vec<_>) = operands.into_iter().partition(|operand| can_fail(&operand.expr));
    let nullable = plain.iter().any(|operand| operand.nullable);
    let Some(expr) = join(plain.into_iter().map(|operand| operand.expr).collect()) else {
        // The first one decides for the others.
        return (!risky.is_empty()).then(|| guarded(op, risky.remove(0), risky));
    };
    Some(guarded(op, Condition { expr, nullable }, risky))
}

/// `first op rest[0] op rest[1] …`, each evaluated for the rows that those before it leave undecided.
fn guarded(op: Operator, first: Condition, mut rest: Vec<Condition>) -> Expr {
    if rest.is_empty() {
        return first.expr;
    }
    let next = rest.remove(0);
    let rest = guarded(op, next, rest);
    let Condition { expr, nullable } = first;
    let once = expr.is_volatile() || can_fail(&expr);
    match (op, nullable) {
        (Operator::And, false) if once => choose(expr, rest, lit(false)),
        (Operator::And, false) => binary(expr.clone(), op, choose(expr, rest, lit(false))),
        (Operator::And, true) => {
            let undecided = Expr::IsNotFalse(Box::new(expr.clone()));
            binary(expr, op, choose(undecided, rest, lit(false)))
        }
        (_, false) => choose(expr, lit(true), rest),
        (_, true) => {
            let undecided = Expr::IsNotTrue(Box::new(expr.clone()));
            binary(expr, op, choose(undecided, rest, lit(true)))
        }
    }
}

/// CASE over Arrow Booleans. By way of UInt8: a CASE of Booleans would be rewritten into AND and OR, which are eager.
fn choose(condition: Expr, then: Expr, otherwise: Expr) -> Expr {
    boolean_case(vec![(condition, then)], otherwise)
}

/// As [`choose`], with several branches.
pub(crate) fn boolean_case(branches: Vec<(Expr, Expr)>, otherwise: Expr) -> Expr {
    let number = |expr: Expr| match expr {
        Expr::Literal(ScalarValue::Boolean(value), metadata) => {
            Expr::Literal(ScalarValue::UInt8(value.map(u8::from)), metadata)
        }
        other => cast_arrow(other, ArrowType::UInt8),
    };
    let branches = branches.into_iter().map(|(when, then)| (Box::new(when), Box::new(number(then)))).collect();
    let case = Expr::Case(Case::new(None, branches, Some(Box::new(number(otherwise)))));
    cast_arrow(case, ArrowType::Boolean)
}

/// The conjuncts of a filter, lazily; NULL counts as false.
pub(crate) fn filter_of(conjuncts: Vec<Expr>) -> Option<Expr> {
    // What looks like the key of a join stays as it is, or the join would compare every row with every row.
    let (keys, others): (Vec<Expr>, Vec<Expr>) = conjuncts.into_iter().partition(is_join_key);
    let conditions = others.into_iter().map(|expr| Condition { expr, nullable: false }).collect();
    all_of(keys.into_iter().chain(short_circuit(Operator::And, conditions)).collect())
}

/// An equality between different columns.
fn is_join_key(expr: &Expr) -> bool {
    let Expr::BinaryExpr(binary) = expr else { return false };
    let (left, right) = (binary.left.column_refs(), binary.right.column_refs());
    binary.op == Operator::Eq && !left.is_empty() && !right.is_empty() && left.is_disjoint(&right)
}

/// Guards again what other rules brought together: filters over filters become one.
#[derive(Debug)]
pub(crate) struct GuardFilters;

impl OptimizerRule for GuardFilters {
    fn name(&self) -> &str {
        "guard_filters"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> DataFusionResult<Transformed<LogicalPlan>> {
        let LogicalPlan::Filter(filter) = plan else { return Ok(Transformed::no(plan)) };
        let conjuncts = split_conjunction_owned(filter.predicate.clone());
        let unguarded = |expr: &Expr| can_fail(expr) && !is_guarded(expr) && !is_join_key(expr);
        if conjuncts.len() < 2 || !conjuncts.iter().any(unguarded) {
            return Ok(Transformed::no(LogicalPlan::Filter(filter)));
        }
        let Some(predicate) = filter_of(conjuncts) else { return Ok(Transformed::no(LogicalPlan::Filter(filter))) };
        let changed = predicate != filter.predicate;
        let filter = LogicalPlan::Filter(Filter::try_new(predicate, Arc::clone(&filter.input))?);
        Ok(Transformed::new_transformed(filter, changed))
    }
}

/// What [`boolean_case`] makes.
fn is_guarded(expr: &Expr) -> bool {
    matches!(expr, Expr::Cast(cast) if matches!(*cast.expr, Expr::Case(_)))
}
