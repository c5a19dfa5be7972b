//! Lambdas: bound once over their parameters, compiled, and handed to higher-order functions.
//!
//! Whatever in a body names no parameter is taken out and becomes an argument of the call (a captured column), so that
//! aggregates, subqueries and the query's time work inside a lambda, and constants are computed once a row, not once an
//! element.

use std::sync::Arc;

use arrow::datatypes::Field;
use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, Volatility};
use functions::{Lambda, higher_order, lambda_parameters};
use sql::ast::ExprKind;
use types::{DataType, ErrorCode};

use crate::bind::binder::Binder;
use crate::bind::guard::can_fail;
use crate::bind::library::as_arg;
use crate::bind::scope::Scope;
use crate::bind::typed::Typed;
use crate::error::{Error, Result};
use crate::nodes::lambda::CompiledBody;

/// What the names of parameter columns begin with; plan columns never do.
const PARAMETER: &str = "\u{3bb}";

impl Binder<'_> {
    /// The lambda that `expr` is: written here, or by an alias of one.
    pub(super) fn as_lambda(&self, expr: &sql::Expr, scope: &Scope<'_>) -> Option<sql::ast::Lambda> {
        match &expr.kind {
            ExprKind::Lambda(lambda) => Some((**lambda).clone()),
            ExprKind::Identifier(parts) => match parts.as_slice() {
                [only] => self.lambda_alias(&only.name, scope),
                _ => None,
            },
            _ => None,
        }
    }

    /// The lambda that an alias of this scope or one around it names.
    pub(super) fn lambda_alias(&self, name: &str, scope: &Scope<'_>) -> Option<sql::ast::Lambda> {
        let mut around = Some(scope);
        while let Some(scope) = around {
            if let Some(expr) = scope.aliases.get(name) {
                return match &expr.kind {
                    ExprKind::Lambda(lambda) => Some((**lambda).clone()),
                    _ => None,
                };
            }
            around = scope.parent;
        }
        None
    }

    /// `name(lambda, args…)`.
    pub(super) fn bind_higher_order(
        &self,
        name: &str,
        lambda: &sql::ast::Lambda,
        rest: &[sql::Expr],
        scope: &Scope<'_>,
    ) -> Result<Typed> {
        let args = rest.iter().map(|arg| Ok(self.bind(arg, scope)?.into_value())).collect::<Result<Vec<_>>>()?;
        let resolved: Vec<_> = args.iter().map(as_arg).collect();
        let types = lambda_parameters(name, lambda.parameters.len(), &resolved)?;
        let depth = scope.parameters.borrow().len();
        let mut columns = Vec::with_capacity(types.len());
        for (position, (ident, ty)) in lambda.parameters.iter().zip(&types).enumerate() {
            let column = self.named(format!("{PARAMETER}{}.{}", depth + position, ident.name), ty);
            scope.parameters.borrow_mut().push((self.ident(ident)?, Typed::column(&column, ty)));
            columns.push((column, ty.clone()));
        }
        let body = self.bind(&lambda.body, scope);
        scope.parameters.borrow_mut().truncate(depth);
        self.call_lambda(name, body?.into_value(), &columns, args, scope)
    }

    fn call_lambda(
        &self,
        name: &str,
        body: Typed,
        parameters: &[(Column, DataType)],
        args: Vec<Typed>,
        scope: &Scope<'_>,
    ) -> Result<Typed> {
        let own: Vec<&Column> = parameters.iter().map(|(column, _)| column).collect();
        let mut captured: Vec<Typed> = Vec::new();
        let expr = capture(body.expr.clone(), &own, &mut captured)?;
        let outside = self.schema_of(&captured.iter().map(|typed| &typed.expr).collect::<Vec<_>>())?;
        let mut fields = Vec::with_capacity(captured.len() + parameters.len());
        for (position, typed) in captured.iter().enumerate() {
            fields.push(Field::new(captured_name(position), typed.expr.get_type(&outside)?, true));
        }
        fields.extend(parameters.iter().map(|(column, ty)| Field::new(column.name.clone(), ty.arrow_type(), true)));
        let compiled = CompiledBody::compile(&expr, fields, &body.ty)?;
        let lambda = Lambda {
            captured: captured.iter().map(as_arg).collect(),
            parameters: parameters.len(),
            body: Arc::new(compiled),
        };
        let resolved: Vec<_> = args.iter().map(as_arg).collect();
        let function = higher_order(name, lambda, &resolved, &scope.env.functions)?;
        captured.extend(args);
        self.call_function(&function, captured)
    }

    /// `alias(args)` where the alias is a lambda: its body, with the arguments in place of the parameters.
    pub(super) fn inline_lambda(
        &self,
        name: &str,
        lambda: &sql::ast::Lambda,
        args: &[sql::Expr],
        scope: &Scope<'_>,
    ) -> Result<Typed> {
        if args.len() != lambda.parameters.len() {
            return Err(Error::refused(
                ErrorCode::NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
                format!("lambda \"{name}\" takes {} arguments, got {}", lambda.parameters.len(), args.len()),
            ));
        }
        let args = args.iter().map(|arg| self.bind(arg, scope)).collect::<Result<Vec<_>>>()?;
        let depth = scope.parameters.borrow().len();
        for (ident, arg) in lambda.parameters.iter().zip(args) {
            let parameter = (self.ident(ident)?, arg);
            scope.parameters.borrow_mut().push(parameter);
        }
        let body = self.bind(&lambda.body, scope);
        scope.parameters.borrow_mut().truncate(depth);
        body
    }
}

/// The body with every largest part that names no parameter of its own lambda replaced by a captured column.
///
/// Under a condition what can fail stays in the body, where it is evaluated for the rows that the condition leaves.
fn capture(expr: Expr, own: &[&Column], captured: &mut Vec<Typed>) -> Result<Expr> {
    let decides = expr.exists(|node| Ok(is_condition(node)))?;
    let replaced = expr.transform_down(|node| {
        if matches!(node, Expr::Literal(..)) || names_any(&node, own) || (decides && stays(&node)) {
            return Ok(Transformed::no(node));
        }
        if let Expr::Column(column) = &node
            && own.contains(&column)
        {
            return Ok(Transformed::no(node));
        }
        let position = captured.iter().position(|known| known.expr == node).unwrap_or_else(|| {
            captured.push(Typed::new(node.clone(), DataType::Nothing));
            captured.len() - 1
        });
        let column = Column::new_unqualified(captured_name(position));
        Ok(Transformed::new(Expr::Column(column), true, TreeNodeRecursion::Jump))
    })?;
    Ok(replaced.data)
}

/// What evaluates an operand for some rows only.
fn is_condition(expr: &Expr) -> bool {
    match expr {
        Expr::Case(_) => true,
        Expr::BinaryExpr(binary) => matches!(binary.op, Operator::And | Operator::Or),
        _ => false,
    }
}

/// True for what may fail and can be evaluated inside a body: nothing that asks for the query's time or randomness.
fn stays(expr: &Expr) -> bool {
    let computed = match expr {
        Expr::ScalarFunction(call) => call.func.signature().volatility == Volatility::Immutable,
        Expr::Case(_) | Expr::BinaryExpr(_) | Expr::Cast(_) | Expr::Not(_) => true,
        _ => false,
    };
    computed && can_fail(expr)
}

/// The name of a captured column inside the body.
fn captured_name(position: usize) -> String {
    format!("{PARAMETER}captured.{position}")
}

fn names_any(expr: &Expr, own: &[&Column]) -> bool {
    expr.exists(|node| Ok(matches!(node, Expr::Column(column) if own.contains(&column)))).unwrap_or(true)
}
