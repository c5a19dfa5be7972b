//! The items of a SELECT: expressions with their result names, `*` and COLUMNS with their transformers, `untuple`.

use std::sync::Arc;

use sql::ast::{ApplyFunction, ColumnTransformer, ColumnsSelector, ExprKind, Function, Ident};
use types::{DataType, ErrorCode};

use super::binder::{Binder, not_supported};
use super::names::{result_name, unknown_identifier};
use super::scope::Scope;
use super::typed::Typed;
use crate::error::{Error, Result};

/// One column of a result.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// The result's name of it.
    pub name: Arc<str>,
    pub typed: Typed,
}

impl Binder<'_> {
    /// All items; `*`, COLUMNS and `untuple` give several.
    pub(crate) fn bind_items(&self, exprs: &[sql::Expr], scope: &Scope<'_>) -> Result<Vec<Item>> {
        let mut items = Vec::with_capacity(exprs.len());
        for expr in exprs {
            let (inner, alias) = expr.split_alias();
            match &inner.kind {
                ExprKind::Asterisk(_) | ExprKind::Columns(_) => items.extend(self.expand(inner, scope)?),
                ExprKind::Function(function)
                    if function.name.name.eq_ignore_ascii_case("untuple") && function.arguments.len() == 1 =>
                {
                    let prefix = match alias {
                        Some(alias) => self.ident(alias)?,
                        None => String::new(),
                    };
                    let tuple = self.bind(&function.arguments[0], scope)?;
                    items.extend(self.untuple(tuple, inner, &prefix, scope)?);
                }
                _ => {
                    let name = match alias {
                        Some(alias) => self.ident(alias)?,
                        None => result_name(inner, scope),
                    };
                    let typed = self.bind(expr, scope)?;
                    items.push(Item { name: name.into(), typed });
                }
            }
        }
        if items.is_empty() {
            return Err(Error::refused(ErrorCode::EMPTY_LIST_OF_COLUMNS_QUERIED, "SELECT has no columns"));
        }
        Ok(items)
    }

    fn untuple(&self, tuple: Typed, call: &sql::Expr, prefix: &str, scope: &Scope<'_>) -> Result<Vec<Item>> {
        let DataType::Tuple(fields) = tuple.ty.base().clone() else {
            return Err(Error::refused(
                ErrorCode::ILLEGAL_TYPE_OF_ARGUMENT,
                format!("argument of untuple must be a tuple, not {}", tuple.ty),
            ));
        };
        let mut items = Vec::with_capacity(fields.len());
        for (position, field) in fields.iter().enumerate() {
            let index = super::expr::unsigned_literal(position as u64 + 1)?;
            let typed = self.scalar("tupleElement", vec![tuple.clone(), index], &scope.env.functions)?;
            let part = field.name.as_deref().map_or_else(|| (position + 1).to_string(), str::to_owned);
            let name = match prefix {
                "" => {
                    format!("tupleElement({}, {})", argument_name(call), quoted_part(field.name.as_deref(), position))
                }
                prefix => format!("{prefix}.{part}"),
            };
            items.push(Item { name: name.into(), typed });
        }
        Ok(items)
    }

    /// The columns that `*` or COLUMNS stands for.
    pub(crate) fn expand(&self, expr: &sql::Expr, scope: &Scope<'_>) -> Result<Vec<Item>> {
        let (mut items, transformers) = match &expr.kind {
            ExprKind::Asterisk(asterisk) => {
                (self.qualified_columns(&asterisk.qualifier, scope)?, &asterisk.transformers)
            }
            ExprKind::Columns(columns) => {
                let items = match &columns.selector {
                    ColumnsSelector::Regex(pattern) => {
                        let pattern = regex(pattern)?;
                        let mut items = self.qualified_columns(&columns.qualifier, scope)?;
                        items.retain(|item| pattern.is_match(&item.name));
                        items
                    }
                    ColumnsSelector::List(list) => self.bind_items(list, scope)?,
                };
                (items, &columns.transformers)
            }
            _ => return not_supported("this list of columns"),
        };
        for transformer in transformers {
            items = self.transform(items, transformer, scope)?;
        }
        Ok(items)
    }

    fn qualified_columns(&self, qualifier: &[Ident], scope: &Scope<'_>) -> Result<Vec<Item>> {
        let item = |column: &super::scope::ScopeColumn| Item {
            name: scope.display_name(column).join(".").into(),
            typed: Typed::column(&column.column, &column.ty),
        };
        if qualifier.is_empty() {
            return Ok(scope.columns.iter().filter(|column| column.in_asterisk).map(item).collect());
        }
        let names = self.idents(qualifier)?;
        let parts: Vec<&str> = names.iter().map(String::as_str).collect();
        let sources = scope.sources_named(&parts);
        let Some(source) = sources.first() else {
            if let Ok(tuple) = self.bind(&sql::Expr::new(ExprKind::Identifier(qualifier.to_vec())), scope)
                && matches!(tuple.ty.base(), DataType::Tuple(_))
            {
                let call = sql::Expr::call("untuple", vec![sql::Expr::new(ExprKind::Identifier(qualifier.to_vec()))]);
                return self.untuple(tuple, &call, "", scope);
            }
            return Err(unknown_identifier(&format!("{}.*", parts.join(".")), scope));
        };
        let of_source = |column: &&super::scope::ScopeColumn| {
            column.source == Some(*source) && (column.in_asterisk || !column.unqualified)
        };
        Ok(scope.columns.iter().filter(of_source).map(item).collect())
    }

    fn transform(&self, items: Vec<Item>, transformer: &ColumnTransformer, scope: &Scope<'_>) -> Result<Vec<Item>> {
        match transformer {
            ColumnTransformer::Except { strict, columns } => {
                let names = self.idents(columns)?;
                strict_names(*strict, "EXCEPT", &names, &items)?;
                Ok(items.into_iter().filter(|item| !names.iter().any(|name| **name == *item.name)).collect())
            }
            ColumnTransformer::ExceptRegex(pattern) => {
                let pattern = regex(pattern)?;
                Ok(items.into_iter().filter(|item| !pattern.is_match(&item.name)).collect())
            }
            ColumnTransformer::Replace { strict, items: replacements } => {
                let names: Vec<String> =
                    replacements.iter().map(|(_, name)| self.ident(name)).collect::<Result<Vec<_>>>()?;
                strict_names(*strict, "REPLACE", &names, &items)?;
                let mut items = items;
                for ((expr, _), name) in replacements.iter().zip(&names) {
                    for item in items.iter_mut().filter(|item| *item.name == **name) {
                        item.typed = self.bind(expr, scope)?;
                    }
                }
                Ok(items)
            }
            ColumnTransformer::Apply(function) => {
                items.into_iter().map(|item| self.apply(item, function, scope)).collect()
            }
        }
    }

    /// The item with a function applied to it: bound with the column as a parameter of that name.
    fn apply(&self, item: Item, function: &ApplyFunction, scope: &Scope<'_>) -> Result<Item> {
        let (parameter, body, name) = match function {
            ApplyFunction::Named(name, parameters) => {
                let argument = sql::Expr::column(item.name.to_string());
                let mut call = Function::plain(name.clone(), vec![argument]);
                call.parameters = parameters.clone();
                let body = sql::Expr::new(ExprKind::Function(Box::new(call)));
                let name = sql::column_name(&body);
                (item.name.to_string(), body, name)
            }
            ApplyFunction::Lambda(lambda) => {
                let [parameter] = lambda.parameters.as_slice() else {
                    return not_supported("APPLY with a lambda of several parameters");
                };
                let parameter = self.ident(parameter)?;
                let name = sql::column_name(&substitute(&lambda.body, &parameter, &item.name));
                (parameter, lambda.body.clone(), name)
            }
        };
        let depth = scope.parameters.borrow().len();
        scope.parameters.borrow_mut().push((parameter, item.typed));
        let typed = self.bind(&body, scope);
        scope.parameters.borrow_mut().truncate(depth);
        Ok(Item { name: name.into(), typed: typed? })
    }
}

/// The text of an expression with a parameter's name replaced by a column's, for the result's name.
fn substitute(body: &sql::Expr, parameter: &str, column: &str) -> sql::Expr {
    let mut body = body.clone();
    rename(&mut body, parameter, column);
    body
}

fn rename(expr: &mut sql::Expr, parameter: &str, column: &str) {
    match &mut expr.kind {
        ExprKind::Identifier(parts) => {
            if let [only] = parts.as_mut_slice()
                && only.name == parameter
            {
                only.name = column.to_owned();
            }
        }
        ExprKind::Function(function) => {
            function.arguments.iter_mut().for_each(|argument| rename(argument, parameter, column));
        }
        ExprKind::Unary(_, operand) => rename(operand, parameter, column),
        ExprKind::Binary(binary) => {
            rename(&mut binary.left, parameter, column);
            rename(&mut binary.right, parameter, column);
        }
        ExprKind::Cast(cast) => rename(&mut cast.operand, parameter, column),
        _ => {}
    }
}

fn argument_name(call: &sql::Expr) -> String {
    match &call.kind {
        ExprKind::Function(function) => function.arguments.first().map(sql::column_name).unwrap_or_default(),
        _ => String::new(),
    }
}

fn quoted_part(name: Option<&str>, position: usize) -> String {
    name.map_or_else(|| (position + 1).to_string(), |name| format!("'{name}'"))
}

fn strict_names(strict: bool, clause: &str, names: &[String], items: &[Item]) -> Result<()> {
    if !strict {
        return Ok(());
    }
    match names.iter().find(|name| !items.iter().any(|item| *item.name == ***name)) {
        Some(missing) => Err(Error::refused(
            ErrorCode::BAD_ARGUMENTS,
            format!("{clause} STRICT names column \"{missing}\", which is not there"),
        )),
        None => Ok(()),
    }
}

fn regex(pattern: &str) -> Result<regex::Regex> {
    regex::Regex::new(pattern).map_err(|error| {
        Error::refused(ErrorCode::BAD_ARGUMENTS, format!("pattern \"{pattern}\" is no regular expression: {error}"))
    })
}
