//! `[LEFT] ARRAY JOIN`: one row for each element of the arrays, side by side.

use datafusion::common::Column;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use sql::ast::{ArrayJoin, ExprKind};
use types::{DataType, ErrorCode};

use super::binder::Binder;
use super::from::FromPart;
use super::join::filled;
use super::scope::{Scope, ScopeColumn};
use super::typed::Typed;
use crate::error::{Error, Result};
use crate::nodes;

/// An array that is joined, and what its elements are called.
struct Joined {
    array: Typed,
    name: String,
    /// The column whose place the elements take; none when they have an alias.
    replaces: Option<usize>,
}

impl Binder<'_> {
    pub(crate) fn bind_array_join(
        &self,
        mut part: FromPart,
        array_join: &ArrayJoin,
        scope: &Scope<'_>,
    ) -> Result<FromPart> {
        let inner = scope.over(part.sources.clone(), part.columns.clone());
        let mut joined = Vec::new();
        for item in &array_join.items {
            self.joined_arrays(item, &inner, &mut joined)?;
        }
        let mut unnest: Vec<(Expr, Column)> = Vec::with_capacity(joined.len());
        for Joined { array, name, replaces } in joined {
            let element = match array.ty.base() {
                DataType::Array(element) => (**element).clone(),
                DataType::Map(entry) => DataType::tuple([entry.0.clone(), entry.1.clone()]),
                other => {
                    return Err(Error::refused(
                        ErrorCode::TYPE_MISMATCH,
                        format!("ARRAY JOIN needs an array or a map, \"{name}\" is {other}"),
                    ));
                }
            };
            let column = self.fresh(&name, &element);
            unnest.push((self.unnestable(array, &inner)?, column.clone()));
            match replaces {
                Some(position) => {
                    part.columns[position].column = column;
                    part.columns[position].ty = element;
                    part.columns[position].is_element = true;
                }
                None => part.columns.push(ScopeColumn {
                    column,
                    name: name.into(),
                    ty: element,
                    source: None,
                    in_asterisk: false,
                    unqualified: true,
                    is_element: true,
                }),
            }
        }
        let needed: Vec<&Expr> = unnest.iter().map(|(array, _)| array).collect();
        let plan = inner.attachments.borrow_mut().attach(part.plan, &needed, &Ok)?;
        part.plan = nodes::unnest(plan, unnest, array_join.left)?;
        if array_join.left {
            part = self.default_elements(part)?;
        }
        part.totals = None;
        // Aliases of the arrays shadow columns of the same name.
        part.columns.sort_by_key(|column| column.source.is_some());
        Ok(part)
    }

    /// After LEFT ARRAY JOIN: where a row had no element, its type's default value.
    fn default_elements(&self, mut part: FromPart) -> Result<FromPart> {
        let mut exprs = Vec::with_capacity(part.columns.len());
        for column in &mut part.columns {
            let plain = Expr::Column(column.column.clone());
            if column.ty.is_nullable() {
                exprs.push(plain);
                continue;
            }
            let fresh = self.fresh(&column.name, &column.ty);
            exprs.push(filled(plain, &column.ty)?.alias(fresh.name.clone()));
            column.column = fresh;
        }
        part.plan = LogicalPlanBuilder::from(part.plan).project(exprs)?.build()?;
        Ok(part)
    }

    /// The arrays that an item names: one, or every column of a Nested.
    fn joined_arrays(&self, item: &sql::Expr, scope: &Scope<'_>, joined: &mut Vec<Joined>) -> Result<()> {
        let (expr, alias) = item.split_alias();
        let alias = alias.map(|alias| self.ident(alias)).transpose()?;
        if let ExprKind::Identifier(parts) = &expr.kind {
            let names = self.idents(parts)?;
            let parts: Vec<&str> = names.iter().map(String::as_str).collect();
            if let Some((column, used)) = scope.find_column(&parts)
                && used == parts.len()
            {
                let position = scope.columns.iter().position(|known| known.column == column.column);
                joined.push(Joined {
                    array: Typed::column(&column.column, &column.ty),
                    name: alias.clone().unwrap_or_else(|| column.name.to_string()),
                    replaces: if alias.is_some() { None } else { position },
                });
                return Ok(());
            }
            let prefix = format!("{}.", parts.last().copied().unwrap_or_default());
            let mut found = false;
            for (position, column) in scope.columns.iter().enumerate() {
                let Some(part) = column.name.strip_prefix(&prefix) else { continue };
                found = true;
                joined.push(Joined {
                    array: Typed::column(&column.column, &column.ty),
                    name: alias.as_ref().map_or_else(|| column.name.to_string(), |alias| format!("{alias}.{part}")),
                    replaces: if alias.is_some() { None } else { Some(position) },
                });
            }
            if found {
                return Ok(());
            }
        }
        let array = self.bind(expr, scope)?;
        let name = alias.unwrap_or_else(|| sql::column_name(expr));
        joined.push(Joined { array, name, replaces: None });
        Ok(())
    }
}
