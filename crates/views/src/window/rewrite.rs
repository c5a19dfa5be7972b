//! Rewriting the SELECT of a window view: what stands for a group's key, its window and its aggregates is replaced.

use sql::Expr;
use sql::ast::ExprKind;

/// Replaces sub-expressions from the outside in: where `replace` gives an expression, it is taken and not looked into.
pub(super) fn rewrite(expr: &Expr, replace: &mut dyn FnMut(&Expr) -> Option<Expr>) -> Expr {
    if let Some(replaced) = replace(expr) {
        return replaced;
    }
    let mut expr = expr.clone();
    for child in expr.children_mut() {
        *child = rewrite(child, replace);
    }
    expr
}

/// The expression under its alias, and the alias.
pub(super) fn unalias(expr: &Expr) -> (&Expr, Option<&str>) {
    match &expr.kind {
        ExprKind::Alias(inner, alias) => (inner, Some(&alias.name)),
        _ => (expr, None),
    }
}

/// The single name that an expression is.
pub(super) fn name_of(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Identifier(parts) => match parts.as_slice() {
            [name] => Some(&name.name),
            _ => None,
        },
        _ => None,
    }
}

/// The text by which equal expressions are told: without alias and position.
pub(super) fn text_of(expr: &Expr) -> String {
    unalias(expr).0.to_string()
}
