//! Names that parameters may stand for, suggestions, and errors about names.

use sql::ast::{ExprKind, Ident};
use types::ErrorCode;
use types::error::nearest;

use super::binder::Binder;
use super::scope::Scope;
use crate::error::{Error, Result};

impl Binder<'_> {
    /// The database that is named, or else the query's own.
    pub(crate) fn database(&self, named: Option<&Ident>, scope: &Scope<'_>) -> Result<String> {
        named.map_or_else(|| Ok(scope.env.database.to_string()), |named| self.ident(named))
    }

    /// The name, or the value of the parameter `{name:Identifier}`.
    pub(crate) fn ident(&self, ident: &Ident) -> Result<String> {
        if !ident.is_parameter {
            return Ok(ident.name.clone());
        }
        self.context.params.get(&ident.name).cloned().ok_or_else(|| {
            Error::refused(
                ErrorCode::UNKNOWN_QUERY_PARAMETER,
                format!("query parameter \"{}\" was not set", ident.name),
            )
        })
    }

    /// All of them.
    pub(crate) fn idents(&self, idents: &[Ident]) -> Result<Vec<String>> {
        idents.iter().map(|ident| self.ident(ident)).collect()
    }
}

/// UNKNOWN_IDENTIFIER, with the nearest name of the scopes around.
pub(crate) fn unknown_identifier(name: &str, scope: &Scope<'_>) -> Error {
    let mut known = scope.known_names();
    let mut around = scope.parent;
    while let Some(outer) = around {
        known.extend(outer.known_names());
        around = outer.parent;
    }
    let last = name.rsplit('.').next().unwrap_or(name);
    let mut hint = nearest(name, known.iter().map(String::as_str));
    if hint.is_empty() {
        hint = nearest(last, known.iter().map(String::as_str));
    }
    Error::refused(ErrorCode::UNKNOWN_IDENTIFIER, format!("unknown expression identifier \"{name}\"{hint}"))
}

/// The result's name of an item: its text, with columns under the names by which `*` would show them.
pub(crate) fn result_name(expr: &sql::Expr, scope: &Scope<'_>) -> String {
    if !names_qualified(expr) {
        return sql::column_name(expr);
    }
    let mut shown = expr.clone();
    for_each_identifier(&mut shown, &mut |parts| {
        let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
        if names.len() < 2 || scope.aliases.contains_key(names[0]) {
            return;
        }
        if let Some((column, used)) = scope.find_column(&names) {
            let mut renamed: Vec<Ident> = scope.display_name(column).into_iter().map(Ident::new).collect();
            renamed.extend(parts.drain(used..));
            *parts = renamed;
        }
    });
    sql::column_name(&shown)
}

fn names_qualified(expr: &sql::Expr) -> bool {
    let mut copy = expr.clone();
    let mut found = false;
    for_each_identifier(&mut copy, &mut |parts| found |= parts.len() > 1);
    found
}

/// Every identifier of an expression, but for lambdas and subqueries.
fn for_each_identifier(expr: &mut sql::Expr, each: &mut dyn FnMut(&mut Vec<Ident>)) {
    match &mut expr.kind {
        ExprKind::Identifier(parts) => each(parts),
        ExprKind::Function(function) => {
            function.arguments.iter_mut().for_each(|argument| for_each_identifier(argument, each));
        }
        ExprKind::Unary(_, operand) | ExprKind::IsNull { operand, .. } | ExprKind::TupleElement(operand, _) => {
            for_each_identifier(operand, each);
        }
        ExprKind::Alias(inner, _) => for_each_identifier(inner, each),
        ExprKind::Binary(binary) => {
            for_each_identifier(&mut binary.left, each);
            for_each_identifier(&mut binary.right, each);
        }
        ExprKind::Chain(_, operands) | ExprKind::Array(operands) | ExprKind::Tuple(operands) => {
            operands.iter_mut().for_each(|operand| for_each_identifier(operand, each));
        }
        ExprKind::In(is_in) => for_each_identifier(&mut is_in.left, each),
        ExprKind::Cast(cast) => for_each_identifier(&mut cast.operand, each),
        ExprKind::ArrayElement(array, index) => {
            for_each_identifier(array, each);
            for_each_identifier(index, each);
        }
        _ => {}
    }
}
