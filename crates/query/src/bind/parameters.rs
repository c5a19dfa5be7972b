//! Views with parameters: `v(p = 5)` is the SELECT of `v` with 5 for `{p:UInt32}`.
//!
//! Values are constants, given as the text that a query parameter would have. What is given and not asked for does
//! nothing, as in ClickHouse.

use std::collections::BTreeMap;
use std::rc::Rc;

use sql::ast::{BinaryOperator, ExprKind, TableFunction, TableRef};
use types::text::{Quoting, Zone, write_cell};
use types::{DataType, ErrorCode};

use super::binder::{Binder, QueryEnv, not_supported};
use super::from::FromPart;
use super::relations::RelationKind;
use super::scope::{Scope, Source};
use super::typed::Typed;
use crate::error::{Error, Result};

impl Binder<'_> {
    /// A call in FROM that is no table function: a view with parameters, or nothing.
    pub(crate) fn bind_view_call(
        &self,
        table: &TableRef,
        function: &TableFunction,
        alias: Option<String>,
        prewhere: Option<&sql::Expr>,
        scope: &Scope<'_>,
    ) -> Result<FromPart> {
        let name = self.ident(&function.name)?;
        let database = self.database(function.database.as_ref(), scope)?;
        let found = self.context.relations.table(&database, &name).ok();
        let Some((relation, view)) = found.and_then(|relation| match relation.kind.clone() {
            RelationKind::View(view) if view.has_parameters => Some((relation, view)),
            _ => None,
        }) else {
            return Err(Error::UnknownTableFunction(name));
        };
        if let Some(id) = relation.id {
            self.uses(id, relation.version);
        }
        if table.generation.is_some() || prewhere.is_some() {
            self.refuse_options(&TableRef { is_final: false, ..table.clone() }, prewhere, "a view")?;
        }
        let params = Rc::new(self.view_parameters(&function.arguments, scope)?);
        let env = QueryEnv { params: Some(params), ..QueryEnv::clone(&scope.env) };
        let source = Source { alias, database: relation.database.to_string(), table: relation.name.to_string() };
        self.bind_view(&view, source, env)
    }

    /// The values of `name = value`, as texts. Arguments of another form, and values that are not constant, give none.
    fn view_parameters(&self, arguments: &[sql::Expr], scope: &Scope<'_>) -> Result<BTreeMap<String, String>> {
        let mut params = BTreeMap::new();
        for argument in arguments {
            let ExprKind::Binary(binary) = &argument.kind else { continue };
            let (BinaryOperator::Equals, ExprKind::Identifier(parts)) = (binary.op, &binary.left.kind) else {
                continue;
            };
            let [name] = parts.as_slice() else { continue };
            if matches!(binary.right.kind, ExprKind::Subquery(_)) {
                return not_supported("a subquery as the value of a view's parameter");
            }
            let typed = self.bind(&binary.right, scope)?;
            if let Some(text) = parameter_text(&typed, scope.env.functions.zone)? {
                params.insert(name.name.clone(), text);
            }
        }
        Ok(params)
    }
}

fn parameter_text(typed: &Typed, zone: Zone) -> Result<Option<String>> {
    let Some(array) = &typed.constant else { return Ok(None) };
    let mut text = Vec::new();
    // what is made of several values resolves the escapes of its own strings
    let is_made = matches!(typed.ty.base(), DataType::Array(_) | DataType::Map(_) | DataType::Tuple(_));
    let quoting = if is_made { Quoting::Raw } else { Quoting::Escaped };
    write_cell(&mut text, &typed.ty, array, 0, quoting, zone);
    let text = String::from_utf8(text);
    let text = text.map_err(|_| {
        Error::refused(ErrorCode::BAD_QUERY_PARAMETER, "the value of a view's parameter must be valid UTF-8")
    })?;
    Ok(Some(text))
}
