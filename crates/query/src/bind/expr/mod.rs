//! Expressions: from the syntax tree to DataFusion's, with ClickHouse's types and meaning.
//!
//! One file for each kind of expression; [`Binder::bind`] is the only way from one to another. Aggregates and window
//! functions stay inside the expression that is returned; the stages of a SELECT take them out.

mod aggregate;
mod call;
mod compare;
mod conditional;
mod dictionary;
mod identifier;
mod in_list;
mod in_query;
mod lambda;
mod literal;
mod logic;
mod session;
mod window;

pub(crate) use aggregate::{AggregateDescription, contains_aggregate, resolve_aggregate};
pub(crate) use compare::Comparison;
pub(crate) use literal::{constant_u64, literal_of, unsigned as unsigned_literal, value_of};
pub(crate) use window::contains_window;

use sql::ast::{Binary, BinaryOperator, ChainOperator, ExprKind, TupleIndex, UnaryOperator};
use types::{DataType, ErrorCode};

use super::binder::{Binder, not_supported};
use super::data_type::bind_type;
use super::scope::Scope;
use super::typed::Typed;
use crate::error::{Error, Result};

impl Binder<'_> {
    /// What `expr` means in `scope`.
    pub(crate) fn bind(&self, expr: &sql::Expr, scope: &Scope<'_>) -> Result<Typed> {
        let _level = self.descend()?;
        match &expr.kind {
            ExprKind::Literal(literal) => literal::bind_literal(literal),
            ExprKind::Identifier(parts) => self.bind_identifier(parts, scope),
            ExprKind::Function(function) => self.bind_call(function, scope),
            ExprKind::Unary(UnaryOperator::Not, operand) => self.bind_not(operand, scope),
            ExprKind::Unary(UnaryOperator::Negate, operand) => self.bind_function("negate", &[operand], scope),
            ExprKind::Binary(binary) => self.bind_binary(binary, scope),
            ExprKind::Chain(ChainOperator::And, operands) => self.bind_and(operands, scope),
            ExprKind::Chain(ChainOperator::Or, operands) => self.bind_or(operands, scope),
            ExprKind::In(is_in) => self.bind_in(is_in, scope),
            ExprKind::IsNull { operand, negated } => {
                let operand = self.bind(operand, scope)?;
                self.is_null(operand, *negated)
            }
            ExprKind::Cast(cast) => {
                let operand = self.bind(&cast.operand, scope)?;
                let to = bind_type(&cast.data_type)?;
                self.explicit_cast(operand, &to, scope)
            }
            ExprKind::Array(items) => self.bind_function("array", &items.iter().collect::<Vec<_>>(), scope),
            ExprKind::Tuple(items) => self.bind_function("tuple", &items.iter().collect::<Vec<_>>(), scope),
            ExprKind::ArrayElement(array, index) => self.bind_function("arrayElement", &[array, index], scope),
            ExprKind::TupleElement(tuple, index) => {
                let tuple = self.bind(tuple, scope)?;
                self.tuple_element(tuple, index, scope)
            }
            ExprKind::Alias(inner, alias) => self.bind_alias(inner, alias, scope),
            ExprKind::Subquery(query) => self.bind_scalar_subquery(query, scope),
            ExprKind::Exists(query) => self.bind_exists(query, scope),
            ExprKind::Parameter(name, ty) => self.bind_parameter(name, ty, scope),
            ExprKind::Lambda(_) => Err(Error::refused(
                ErrorCode::UNEXPECTED_EXPRESSION,
                "a lambda can only be an argument of a function that takes one",
            )),
            ExprKind::Asterisk(_) | ExprKind::Columns(_) => Err(Error::refused(
                ErrorCode::UNEXPECTED_EXPRESSION,
                "several columns stand where one expression is expected",
            )),
        }
    }

    /// A scalar function of these expressions.
    pub(crate) fn bind_function(&self, name: &str, args: &[&sql::Expr], scope: &Scope<'_>) -> Result<Typed> {
        let args = args.iter().map(|arg| self.bind(arg, scope)).collect::<Result<Vec<_>>>()?;
        self.scalar(name, args, &scope.env.functions)
    }

    fn bind_binary(&self, binary: &Binary, scope: &Scope<'_>) -> Result<Typed> {
        let left = self.bind(&binary.left, scope)?;
        let right = self.bind(&binary.right, scope)?;
        match Comparison::of_operator(binary.op) {
            Some(comparison) => self.compare(comparison, left, right, &scope.env.functions),
            None => self.scalar(operator_function(binary.op), vec![left, right], &scope.env.functions),
        }
    }

    fn explicit_cast(&self, operand: Typed, to: &DataType, scope: &Scope<'_>) -> Result<Typed> {
        use types::Setting;
        if scope.env.settings.flag(Setting::CastKeepNullable) && operand.is_nullable() {
            return self.cast(operand, &to.to_nullable(), &scope.env.functions);
        }
        self.cast(operand, to, &scope.env.functions)
    }

    /// `tuple.index`: by position from 1, from the end, or by name.
    fn tuple_element(&self, tuple: Typed, index: &TupleIndex, scope: &Scope<'_>) -> Result<Typed> {
        let index = match index {
            TupleIndex::Position(position) => literal::unsigned(*position)?,
            TupleIndex::FromEnd(position) => {
                let DataType::Tuple(fields) = tuple.ty.base() else {
                    return not_supported(format!("tupleElement from the end of {}", tuple.ty));
                };
                literal::unsigned((fields.len() as u64 + 1).saturating_sub(*position))?
            }
            TupleIndex::Name(name) => Typed::text(&self.ident(name)?),
        };
        self.scalar("tupleElement", vec![tuple, index], &scope.env.functions)
    }

    fn bind_parameter(&self, name: &sql::ast::Ident, ty: &sql::ast::DataType, scope: &Scope<'_>) -> Result<Typed> {
        let params = scope.env.params.as_deref().unwrap_or(self.context.params);
        let Some(text) = params.get(&name.name) else {
            return Err(Error::refused(
                ErrorCode::UNKNOWN_QUERY_PARAMETER,
                format!("query parameter \"{}\" was not set", name.name),
            ));
        };
        let to = bind_type(ty)?;
        if text == "\\N" && to.is_nullable() {
            return Typed::null_of(&to);
        }
        let wrong = || {
            let message = format!("value of query parameter \"{}\" is no {to}", name.name);
            Error::refused(unread_code(&to), message)
        };
        let Some(value) = parameter_text(text, &to) else { return Err(wrong()) };
        if let DataType::Map(_) = to.base() {
            return self.map_parameter(&value, &to, scope)?.ok_or_else(wrong);
        }
        match self.cast(Typed::bytes(&value), &to, &scope.env.functions) {
            // What cannot be parsed is left for the run, as any cast that fails.
            Ok(typed) if typed.constant.is_some() => Ok(typed),
            Ok(_) | Err(_) => Err(wrong()),
        }
    }

    /// The text of a map, which CAST reads as an element of an array only.
    fn map_parameter(&self, text: &[u8], to: &DataType, scope: &Scope<'_>) -> Result<Option<Typed>> {
        let list = DataType::Array(std::sync::Arc::new(to.clone()));
        let cast = self.cast(Typed::bytes(&[b"[", text, b"]"].concat()), &list, &scope.env.functions);
        let Some(maps) = cast.ok().and_then(|typed| typed.constant) else { return Ok(None) };
        let maps = arrow::array::AsArray::as_list::<i32>(&maps).value(0);
        if maps.len() != 1 {
            return Ok(None);
        }
        Typed::constant(maps, to.clone()).map(Some)
    }
}

/// The code of a text that is no value of the type, where it is not read at all.
fn unread_code(ty: &DataType) -> ErrorCode {
    match ty.base() {
        DataType::Map(_) | DataType::Tuple(_) => ErrorCode::CANNOT_PARSE_INPUT_ASSERTION_FAILED,
        DataType::Array(_) => ErrorCode::CANNOT_READ_ARRAY_FROM_TEXT,
        DataType::Date | DataType::Date32 => ErrorCode::CANNOT_PARSE_DATE,
        DataType::DateTime(_) | DataType::DateTime64 { .. } => ErrorCode::CANNOT_PARSE_DATETIME,
        DataType::Uuid => ErrorCode::CANNOT_PARSE_UUID,
        DataType::Enum(_) => ErrorCode::UNKNOWN_ELEMENT_OF_ENUM,
        DataType::Bool => ErrorCode::CANNOT_PARSE_BOOL,
        DataType::Ipv4 => ErrorCode::CANNOT_PARSE_IPV4,
        DataType::Ipv6 => ErrorCode::CANNOT_PARSE_IPV6,
        _ => ErrorCode::BAD_QUERY_PARAMETER,
    }
}

/// The text of a parameter, which comes escaped as a cell of TabSeparated; None for what no cell can be.
fn parameter_text(text: &str, ty: &DataType) -> Option<Vec<u8>> {
    // These resolve the escapes of their own strings.
    if matches!(ty.base(), DataType::Array(_) | DataType::Map(_) | DataType::Tuple(_)) {
        return Some(text.as_bytes().to_vec());
    }
    let ends_inside_escape = text.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1;
    if ends_inside_escape || text.contains(['\t', '\n']) {
        return None;
    }
    let mut value = Vec::with_capacity(text.len());
    format::unescape_cell(text.as_bytes(), &mut value);
    Some(value)
}

fn operator_function(op: BinaryOperator) -> &'static str {
    op.function_name()
}
