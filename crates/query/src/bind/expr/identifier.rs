//! Identifiers: lambda parameters, aliases, columns and what is inside of them, columns of the query around.

use std::sync::Arc;

use arrow::datatypes::Field;
use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::Expr;
use sql::ast::{Ident, TupleIndex};
use types::{DataType, ErrorCode, Setting, TupleField};

use crate::bind::binder::{Binder, not_supported};
use crate::bind::names::unknown_identifier;
use crate::bind::scope::{Scope, ScopeColumn};
use crate::bind::typed::Typed;
use crate::error::{Error, Result};

impl Binder<'_> {
    pub(super) fn bind_identifier(&self, parts: &[Ident], scope: &Scope<'_>) -> Result<Typed> {
        let names = self.idents(parts)?;
        let parts: Vec<&str> = names.iter().map(String::as_str).collect();
        match self.find_identifier(&parts, scope)? {
            Some((typed, used)) => self.path(typed, &parts[used..], scope),
            None => Err(unknown_identifier(&parts.join("."), scope)),
        }
    }

    /// What `parts` begin with, and how many of them name it.
    fn find_identifier(&self, parts: &[&str], scope: &Scope<'_>) -> Result<Option<(Typed, usize)>> {
        let Some(first) = parts.first() else { return Ok(None) };
        if let Some((_, typed)) = scope.parameters.borrow().iter().rev().find(|(name, _)| name == first) {
            return Ok(Some((typed.clone(), 1)));
        }
        let column =
            || scope.find_column(parts).map(|(column, used)| (Typed::column(&column.column, &column.ty), used));
        if scope.env.settings.flag(Setting::PreferColumnNameToAlias)
            && let Some(found) = column()
        {
            return Ok(Some(found));
        }
        if let Some(typed) = self.find_alias(first, parts.len() > 1, scope)? {
            return Ok(Some((typed, 1)));
        }
        if let Some(found) = column() {
            return Ok(Some(found));
        }
        if let Some((elements, used)) = scope.find_nested(parts) {
            return Ok(Some((self.nested(&elements, scope)?, used)));
        }
        if scope.is_resolving(first) && scope.aliases.contains_key(*first) {
            // UNKNOWN_IDENTIFIER, as the real engine says: inside of the alias the name can only be a column.
            return Err(Error::refused(
                ErrorCode::UNKNOWN_IDENTIFIER,
                format!("alias \"{first}\" is defined by itself, and no column has the name"),
            ));
        }
        let Some(outer) = scope.parent else { return Ok(None) };
        match self.find_identifier(parts, outer)? {
            Some((typed, used)) => Ok(Some((self.outer(typed, scope)?, used))),
            None => Ok(None),
        }
    }

    /// A Nested structure read whole: an array of tuples out of its arrays, or one of their elements.
    fn nested(&self, elements: &[(&ScopeColumn, &str)], scope: &Scope<'_>) -> Result<Typed> {
        let functions = &scope.env.functions;
        let is_element = elements.iter().any(|(column, _)| column.is_element);
        let field = |(column, name): &(&ScopeColumn, &str)| {
            let ty = match (&column.ty, is_element) {
                (DataType::Array(element), false) => (**element).clone(),
                (ty, _) => ty.clone(),
            };
            TupleField { name: Some(Arc::from(*name)), ty }
        };
        let tuple = DataType::Tuple(elements.iter().map(field).collect());
        let columns = elements.iter().map(|(column, _)| Typed::column(&column.column, &column.ty)).collect();
        match is_element {
            true => self.cast(self.scalar("tuple", columns, functions)?, &tuple, functions),
            false => self.cast(self.scalar("arrayZip", columns, functions)?, &DataType::array(tuple), functions),
        }
    }

    /// The expression of an alias; none for lambdas, for aliases being resolved, and for `t.a` where `t` is an alias
    /// of something that has no parts but a table has the name too.
    fn find_alias(&self, name: &str, has_path: bool, scope: &Scope<'_>) -> Result<Option<Typed>> {
        let Some(expr) = scope.aliases.get(name) else { return Ok(None) };
        if has_path && !scope.sources_named(&[name]).is_empty() {
            return Ok(None);
        }
        if scope.is_resolving(name) {
            scope.met_resolving(name);
            return Ok(None);
        }
        if matches!(expr.kind, sql::ast::ExprKind::Lambda(_)) {
            return Err(Error::refused(
                ErrorCode::UNEXPECTED_EXPRESSION,
                format!("\"{name}\" is a lambda, which can only be called or be an argument of a function"),
            ));
        }
        if let Some(typed) = scope.bound_alias(name) {
            return Ok(Some(typed));
        }
        // An alias means the same wherever it is used: parameters of the lambdas around are not seen by it.
        let parameters = scope.parameters.take();
        scope.begin_alias(name);
        let typed = self.bind(expr, scope);
        scope.end_alias(typed.as_ref().ok());
        *scope.parameters.borrow_mut() = parameters;
        typed.map(Some)
    }

    /// `expr AS alias` where it stands.
    pub(super) fn bind_alias(&self, inner: &sql::Expr, alias: &Ident, scope: &Scope<'_>) -> Result<Typed> {
        let name = self.ident(alias)?;
        let known = scope.aliases.get(&name).is_some_and(|expr| **expr == *inner);
        if known
            && !scope.in_lambda()
            && !scope.is_resolving(&name)
            && let Some(typed) = self.find_alias(&name, false, scope)?
        {
            return Ok(typed);
        }
        if scope.is_resolving(&name) {
            return self.bind(inner, scope);
        }
        scope.begin_alias(&name);
        let typed = self.bind(inner, scope);
        scope.end_alias(None);
        typed
    }

    /// What an expression of the query around is inside of `scope`: its columns are outer references.
    fn outer(&self, typed: Typed, scope: &Scope<'_>) -> Result<Typed> {
        let mut outer_columns = Vec::new();
        let mut too_far = false;
        let expr = typed.expr.clone().transform(|expr| match expr {
            Expr::Column(column) => {
                let ty = self.outer_type(&column, &typed, scope);
                let field = Arc::new(Field::new(column.name.clone(), ty, true));
                let outer = Expr::OuterReferenceColumn(field, column);
                outer_columns.push(outer.clone());
                Ok(Transformed::yes(outer))
            }
            Expr::OuterReferenceColumn(..) => {
                too_far = true;
                Ok(Transformed::no(expr))
            }
            other => Ok(Transformed::no(other)),
        })?;
        if too_far {
            return not_supported("a column of a query more than one level outside");
        }
        scope.outer_columns.borrow_mut().extend(outer_columns);
        Ok(Typed { expr: expr.data, ..typed })
    }

    fn outer_type(&self, column: &Column, typed: &Typed, scope: &Scope<'_>) -> arrow::datatypes::DataType {
        let columns = scope.parent.map(|outer| outer.columns.as_slice()).unwrap_or_default();
        let known = columns.iter().find(|known| known.column == *column);
        known.map_or_else(|| typed.ty.arrow_type(), |known| known.ty.arrow_type())
    }

    /// What the rest of an identifier names inside a value: an element of a tuple, or a part that ClickHouse gives a
    /// name (`.size0`, `.null`, `.keys`, `.values`).
    fn path(&self, mut typed: Typed, rest: &[&str], scope: &Scope<'_>) -> Result<Typed> {
        let functions = &scope.env.functions;
        for part in rest {
            typed = match (*part, typed.ty.base()) {
                ("size0", DataType::Array(_) | DataType::Map(_)) => self.scalar("length", vec![typed], functions)?,
                ("keys", DataType::Map(_)) => self.scalar("mapKeys", vec![typed], functions)?,
                ("values", DataType::Map(_)) => self.scalar("mapValues", vec![typed], functions)?,
                ("null", _) if typed.is_nullable() => self.is_null(typed, false)?,
                (name, DataType::Tuple(_) | DataType::Array(_)) => match name.parse() {
                    Ok(position) => self.tuple_element(typed, &TupleIndex::Position(position), scope)?,
                    Err(_) => self.tuple_element(typed, &TupleIndex::Name(Ident::new(name)), scope)?,
                },
                _ => {
                    return Err(Error::refused(
                        ErrorCode::UNKNOWN_IDENTIFIER,
                        format!("a value of type {} has no part \"{part}\"", typed.ty),
                    ));
                }
            };
        }
        Ok(typed)
    }
}
