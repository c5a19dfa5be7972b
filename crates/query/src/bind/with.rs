//! WITH, and the aliases that a SELECT gives anywhere in its text.

use std::collections::HashMap;
use std::rc::Rc;

use sql::ast::{ExprKind, GroupByKeys, JoinConstraint, JoinStep, LimitByKeys, OrderByKeys, Select, With, WithItem};
use types::ErrorCode;

use super::binder::Binder;
use super::scope::{CteDef, Scope};
use crate::error::{Error, Result};

/// Aliases by name.
type Aliases = HashMap<String, Rc<sql::Expr>>;

impl Binder<'_> {
    /// Adds the tables of WITH to the scope. Its expressions are aliases, see [`Binder::collect_aliases`].
    pub(crate) fn bind_with(&self, with: Option<&With>, scope: &mut Scope<'_>) -> Result<()> {
        let Some(with) = with else { return Ok(()) };
        for item in &with.items {
            if let WithItem::Cte(cte) = item {
                let cte =
                    CteDef::Query { cte: Rc::new(cte.clone()), recursive: with.recursive, outer: scope.ctes.clone() };
                scope.ctes = scope.ctes.with(cte);
            }
        }
        Ok(())
    }

    /// Every `expr AS alias` of the SELECT that is not inside a subquery or a lambda.
    pub(crate) fn collect_aliases(&self, select: &Select, _scope: &Scope<'_>) -> Result<Aliases> {
        let mut aliases = Aliases::new();
        for item in select.with.iter().flat_map(|with| &with.items) {
            if let WithItem::Expr(expr) = item {
                self.aliases_of(expr, &mut aliases)?;
            }
        }
        for expr in expressions(select) {
            self.aliases_of(expr, &mut aliases)?;
        }
        Ok(aliases)
    }

    fn aliases_of(&self, expr: &sql::Expr, aliases: &mut Aliases) -> Result<()> {
        let _level = self.descend()?;
        if let ExprKind::Alias(inner, alias) = &expr.kind {
            let name = self.ident(alias)?;
            match aliases.get(&name) {
                Some(known) if **known != **inner => {
                    return Err(Error::refused(
                        ErrorCode::MULTIPLE_EXPRESSIONS_FOR_ALIAS,
                        format!("several expressions have the alias \"{name}\""),
                    ));
                }
                Some(_) => {}
                None => {
                    aliases.insert(name, Rc::new((**inner).clone()));
                }
            }
        }
        for child in children(expr) {
            self.aliases_of(child, aliases)?;
        }
        Ok(())
    }
}

/// The expressions of the clauses whose aliases are seen everywhere. Aliases of ARRAY JOIN are columns.
fn expressions(select: &Select) -> Vec<&sql::Expr> {
    let mut found: Vec<&sql::Expr> = select.items.iter().collect();
    found.extend(select.prewhere.iter().chain(&select.filter).chain(&select.having).chain(&select.qualify));
    for step in &select.joins {
        if let JoinStep::Join(join) = step
            && let Some(JoinConstraint::On(condition)) = &join.constraint
        {
            found.push(condition);
        }
    }
    if let Some(group_by) = &select.group_by {
        match &group_by.keys {
            GroupByKeys::Exprs(keys) => found.extend(keys),
            GroupByKeys::GroupingSets(sets) => found.extend(sets.iter().flatten()),
            GroupByKeys::All => {}
        }
    }
    if let Some(order_by) = &select.order_by
        && let OrderByKeys::Items(items) = &order_by.keys
    {
        found.extend(items.iter().map(|item| &item.expr));
    }
    if let Some(limit_by) = &select.limit_by
        && let LimitByKeys::Exprs(keys) = &limit_by.keys
    {
        found.extend(keys);
    }
    found
}

/// The expressions directly inside `expr`, but for lambdas and subqueries.
fn children(expr: &sql::Expr) -> Vec<&sql::Expr> {
    match &expr.kind {
        ExprKind::Function(function) => {
            let mut found: Vec<&sql::Expr> = function.parameters.iter().chain(&function.arguments).collect();
            if let Some(sql::ast::WindowRef::Inline(spec)) = &function.over {
                found.extend(&spec.partition_by);
                found.extend(spec.order_by.iter().map(|item| &item.expr));
            }
            found
        }
        ExprKind::Lambda(_) => Vec::new(),
        _ => expr.children(),
    }
}
