//! Rewriting the SELECT of a window view: what stands for a group's key, its window and its aggregates is replaced.

use sql::Expr;
use sql::ast::ExprKind;

/// Replaces sub-expressions from the outside in: where `replace` gives an expression, it is taken and not looked into.
pub(super) fn rewrite(expr: &Expr, replace: &mut dyn FnMut(&Expr) -> Option<Expr>) -> Expr {
    if let Some(replaced) = replace(expr) {
        return replaced;
    }
    let mut expr = expr.clone();
    for child in children(&mut expr.kind) {
        *child = rewrite(child, replace);
    }
    expr
}

/// The expressions directly inside an expression; subqueries are not looked into.
fn children(kind: &mut ExprKind) -> Vec<&mut Expr> {
    match kind {
        ExprKind::Function(function) => function.arguments.iter_mut().collect(),
        ExprKind::Unary(_, operand) => vec![operand],
        ExprKind::Binary(binary) => vec![&mut binary.left, &mut binary.right],
        ExprKind::Chain(_, operands) | ExprKind::Array(operands) | ExprKind::Tuple(operands) => {
            operands.iter_mut().collect()
        }
        ExprKind::IsNull { operand, .. } => vec![operand],
        ExprKind::Cast(cast) => vec![&mut cast.operand],
        ExprKind::ArrayElement(array, index) => vec![array, index],
        ExprKind::TupleElement(tuple, _) => vec![tuple],
        ExprKind::Lambda(lambda) => vec![&mut lambda.body],
        ExprKind::Alias(aliased, _) => vec![aliased],
        ExprKind::In(within) => vec![&mut within.left, &mut within.right],
        ExprKind::Literal(_)
        | ExprKind::Identifier(_)
        | ExprKind::Asterisk(_)
        | ExprKind::Columns(_)
        | ExprKind::Subquery(_)
        | ExprKind::Exists(_)
        | ExprKind::Parameter(..) => Vec::new(),
    }
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
