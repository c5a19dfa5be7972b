//! Calls: which kind of function a name is.
//!
//! ```text
//! OVER ─▶ window │ alias of a lambda ─▶ inlined │ the binder's own │ a lambda as argument ─▶ higher order
//!                │ parameters, or a name only aggregates have ─▶ aggregate │ everything else ─▶ scalar
//! ```

use sql::ast::{ExprKind, Function};
use types::{DataType, ErrorCode};

use super::compare::Comparison;
use crate::bind::attach::Attachment;
use crate::bind::binder::Binder;
use crate::bind::scope::Scope;
use crate::bind::typed::Typed;
use crate::dictionary::DictionaryCall;
use crate::error::{Error, Result};

impl Binder<'_> {
    pub(super) fn bind_call(&self, function: &Function, scope: &Scope<'_>) -> Result<Typed> {
        let name = self.ident(&function.name)?;
        if let Some(window) = &function.over {
            return self.bind_window(&name, function, window, scope);
        }
        if let Some(lambda) = self.lambda_alias(&name, scope) {
            return self.inline_lambda(&name, &lambda, &function.arguments, scope);
        }
        if function.parameters.is_empty() {
            if let Some(call) = DictionaryCall::of_name(&name) {
                return self.bind_dictionary_call(call, function, scope);
            }
            if let Some(typed) = self.bind_own(&name, function, scope)? {
                return Ok(typed);
            }
            if let [first, rest @ ..] = function.arguments.as_slice()
                && functions::takes_lambda(&name)
                && let Some(lambda) = self.as_lambda(first, scope)
            {
                return self.bind_higher_order(&name, &lambda, rest, scope);
            }
            if functions::registry::is_known(&name) && function.nulls.is_none() {
                let args = self.bind_arguments(&function.arguments, scope)?;
                return self.scalar(&name, args, &scope.env.functions);
            }
        }
        if !functions::aggregates::is_aggregate(&name) {
            // Answers for unknown names, with the nearest one.
            let args = self.bind_arguments(&function.arguments, scope)?;
            return self.scalar(&name, args, &scope.env.functions);
        }
        self.bind_aggregate(&name, function, scope)
    }

    /// Arguments in order; `*` and COLUMNS become the columns they stand for.
    pub(crate) fn bind_arguments(&self, arguments: &[sql::Expr], scope: &Scope<'_>) -> Result<Vec<Typed>> {
        let mut args = Vec::with_capacity(arguments.len());
        for argument in arguments {
            match &argument.kind {
                ExprKind::Asterisk(_) | ExprKind::Columns(_) => {
                    args.extend(self.expand(argument, scope)?.into_iter().map(|item| item.typed));
                }
                _ => args.push(self.bind(argument, scope)?),
            }
        }
        Ok(args)
    }

    /// Functions whose meaning is the binder's. None when `name` is none of them.
    fn bind_own(&self, name: &str, function: &Function, scope: &Scope<'_>) -> Result<Option<Typed>> {
        if let Some(comparison) = Comparison::of_function(name) {
            let [left, right] = self.exactly(name, function, scope)?;
            return self.compare(comparison, left, right, &scope.env.functions).map(Some);
        }
        let lower = name.to_ascii_lowercase();
        Ok(Some(match lower.as_str() {
            "if" | "multiif" | "casewithoutexpression" | "casewithoutexpr" => {
                let args = self.bind_arguments(&function.arguments, scope)?;
                self.multi_if(if lower == "if" { "if" } else { "multiIf" }, args, scope)?
            }
            "casewithexpression" | "casewithexpr" => {
                let args = self.bind_arguments(&function.arguments, scope)?;
                self.case_with_expression(args, scope)?
            }
            "coalesce" | "ifnull" if function.arguments.len() > 1 => {
                let args = self.bind_arguments(&function.arguments, scope)?;
                self.coalesce(name, args, scope)?
            }
            "and" | "or" if function.arguments.len() > 1 => {
                let args = self.bind_arguments(&function.arguments, scope)?;
                self.logic(&lower, args, scope)?
            }
            "not" => {
                let [operand] = self.exactly(name, function, scope)?;
                self.not(operand, scope)?
            }
            "isnull" | "isnotnull" => {
                let [operand] = self.exactly(name, function, scope)?;
                self.is_null(operand, lower == "isnotnull")?
            }
            "arrayjoin" | "unnest" => {
                let [array] = self.exactly(name, function, scope)?;
                self.array_join(array, scope)?
            }
            "grouping" => self.grouping(function, scope)?,
            "untuple" => {
                return Err(Error::refused(ErrorCode::UNEXPECTED_EXPRESSION, "untuple can only be an item of SELECT"));
            }
            "in" | "notin" | "globalin" | "globalnotin" if function.arguments.len() == 2 => {
                let is_in = sql::ast::In {
                    left: function.arguments[0].clone(),
                    right: function.arguments[1].clone(),
                    negated: lower.contains("not"),
                    global: lower.starts_with("global"),
                };
                self.bind_in(&is_in, scope)?
            }
            _ => return self.session_constant(name, function, scope),
        }))
    }

    /// Exactly so many arguments.
    pub(super) fn exactly<const N: usize>(
        &self,
        name: &str,
        function: &Function,
        scope: &Scope<'_>,
    ) -> Result<[Typed; N]> {
        let args = self.bind_arguments(&function.arguments, scope)?;
        let got = args.len();
        args.try_into().map_err(|_| {
            Error::refused(
                ErrorCode::NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
                format!("function \"{name}\" takes {N} arguments, got {got}"),
            )
        })
    }

    /// `arrayJoin(a)`: a column that an unnest below makes.
    fn array_join(&self, array: Typed, scope: &Scope<'_>) -> Result<Typed> {
        if scope.in_lambda() {
            return Err(Error::refused(ErrorCode::UNEXPECTED_EXPRESSION, "arrayJoin cannot stand inside a lambda"));
        }
        let element = match array.ty.base() {
            DataType::Array(element) => (**element).clone(),
            DataType::Map(entry) => DataType::tuple([entry.0.clone(), entry.1.clone()]),
            other => {
                return Err(Error::refused(
                    ErrorCode::TYPE_MISMATCH,
                    format!("argument of arrayJoin must be an array or a map, not {other}"),
                ));
            }
        };
        let array = self.unnestable(array, scope)?;
        let fresh = self.fresh("arrayJoin", &element);
        let column = scope.attachments.borrow_mut().add(fresh, Attachment::Unnest { array });
        Ok(Typed::column(&column, &element))
    }

    /// The list whose elements an unnest gives; the entries of a map as tuples.
    pub(crate) fn unnestable(&self, array: Typed, scope: &Scope<'_>) -> Result<datafusion::logical_expr::Expr> {
        let DataType::Map(entry) = array.ty.base().clone() else { return Ok(array.value()) };
        let tuples = DataType::array(DataType::tuple([entry.0.clone(), entry.1.clone()]));
        Ok(self.cast(array, &tuples, &scope.env.functions)?.value())
    }

    /// `grouping(keys)`: a mark that the grouping stage replaces.
    fn grouping(&self, function: &Function, scope: &Scope<'_>) -> Result<Typed> {
        use datafusion::functions_aggregate::grouping::grouping_udaf;
        use datafusion::logical_expr::Expr;
        use datafusion::logical_expr::expr::AggregateFunction;
        let args = self.bind_arguments(&function.arguments, scope)?;
        let args = args.into_iter().map(Typed::value).collect();
        let mark = AggregateFunction::new_udf(grouping_udaf(), args, false, None, Vec::new(), None);
        Ok(Typed::new(Expr::AggregateFunction(mark), DataType::UInt64))
    }
}
