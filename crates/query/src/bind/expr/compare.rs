//! Comparisons: both sides are brought to one type, then DataFusion's own operator compares them where its order is
//! ClickHouse's, so that joins, pushdown and pruning understand it; a function does elsewhere.

use arrow::array::Array;
use datafusion::logical_expr::Operator;
use functions::FunctionContext;
use sql::ast::BinaryOperator;
use types::{DataType, ErrorCode};

use crate::bind::binder::Binder;
use crate::bind::library::{common_type, compares_natively};
use crate::bind::typed::{Typed, binary};
use crate::error::{Error, Result};

/// The comparisons.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Comparison {
    Equals,
    NotEquals,
    Less,
    LessOrEquals,
    Greater,
    GreaterOrEquals,
    /// NULL-safe: never NULL itself.
    IsDistinct,
    IsNotDistinct,
}

impl Comparison {
    pub(crate) fn of_operator(op: BinaryOperator) -> Option<Comparison> {
        Comparison::of_function(op.function_name())
    }

    /// The comparison that is also a function of that name.
    pub(crate) fn of_function(name: &str) -> Option<Comparison> {
        Some(match name {
            "equals" => Comparison::Equals,
            "notEquals" => Comparison::NotEquals,
            "less" => Comparison::Less,
            "lessOrEquals" => Comparison::LessOrEquals,
            "greater" => Comparison::Greater,
            "greaterOrEquals" => Comparison::GreaterOrEquals,
            "isDistinctFrom" => Comparison::IsDistinct,
            "isNotDistinctFrom" => Comparison::IsNotDistinct,
            _ => return None,
        })
    }

    fn function_name(self) -> &'static str {
        match self {
            Comparison::Equals => "equals",
            Comparison::NotEquals => "notEquals",
            Comparison::Less => "less",
            Comparison::LessOrEquals => "lessOrEquals",
            Comparison::Greater => "greater",
            Comparison::GreaterOrEquals => "greaterOrEquals",
            Comparison::IsDistinct => "isDistinctFrom",
            Comparison::IsNotDistinct => "isNotDistinctFrom",
        }
    }

    fn operator(self) -> Operator {
        match self {
            Comparison::Equals => Operator::Eq,
            Comparison::NotEquals => Operator::NotEq,
            Comparison::Less => Operator::Lt,
            Comparison::LessOrEquals => Operator::LtEq,
            Comparison::Greater => Operator::Gt,
            Comparison::GreaterOrEquals => Operator::GtEq,
            Comparison::IsDistinct => Operator::IsDistinctFrom,
            Comparison::IsNotDistinct => Operator::IsNotDistinctFrom,
        }
    }

    fn sees_null(self) -> bool {
        matches!(self, Comparison::IsDistinct | Comparison::IsNotDistinct)
    }
}

impl Binder<'_> {
    /// `left op right`.
    pub(crate) fn compare(
        &self,
        op: Comparison,
        left: Typed,
        right: Typed,
        functions: &FunctionContext,
    ) -> Result<Typed> {
        if (left.is_only_null() || right.is_only_null()) && !op.sees_null() {
            return Ok(Typed::null());
        }
        if left.is_only_null() || right.is_only_null() {
            let other = if left.is_only_null() { right } else { left };
            return self.is_null(other, op == Comparison::IsDistinct);
        }
        if left.constant.is_some() && right.constant.is_some() && !op.sees_null() {
            let text_and_number = left.ty.base().is_string() != right.ty.base().is_string();
            let types = (left.ty.clone(), right.ty.clone());
            let compared = self.scalar(op.function_name(), vec![left, right], functions)?;
            if text_and_number && compared.constant.is_none() {
                return Err(Error::refused(
                    ErrorCode::TYPE_MISMATCH,
                    format!("a text compared with a number is no number: {} and {}", types.0, types.1),
                ));
            }
            return Ok(compared);
        }
        let ty = result_type(op, &left, &right);
        let Some((left, right)) = self.unify(left, right, functions)? else {
            return self.never_equal(op, ty);
        };
        if !compares_natively(left.ty.base()) || left.ty.base() != right.ty.base() {
            return self.compare_by_function(op, left, right, functions);
        }
        let size = left.size.saturating_add(right.size).saturating_add(1);
        let expr = binary(left.value(), op.operator(), right.value());
        Ok(Typed { size, ..Typed::truth(expr, ty) })
    }

    /// Both operands as values of one type; as they are when they have none in common, for a function to judge. None
    /// when a constant is no value of the other side's type at all.
    pub(crate) fn unify(
        &self,
        left: Typed,
        right: Typed,
        functions: &FunctionContext,
    ) -> Result<Option<(Typed, Typed)>> {
        if left.ty.base() == right.ty.base() {
            return Ok(Some((left, right)));
        }
        if right.constant.is_some() && left.constant.is_none() {
            return Ok(self.constant_beside(&left.ty, right, functions)?.map(|right| (left, right)));
        }
        if left.constant.is_some() && right.constant.is_none() {
            return Ok(self.constant_beside(&right.ty, left, functions)?.map(|left| (left, right)));
        }
        let text_side = |text: &Typed, other: &Typed| text.ty.base().is_string() && parses_text(other.ty.base());
        if text_side(&left, &right) {
            let to = kept_nullable(right.ty.base(), &left.ty);
            return Ok(Some((self.cast(left, &to, functions)?, right)));
        }
        if text_side(&right, &left) {
            let to = kept_nullable(left.ty.base(), &right.ty);
            let right = self.cast(right, &to, functions)?;
            return Ok(Some((left, right)));
        }
        let Ok(common) = common_type(&[left.ty.base().clone(), right.ty.base().clone()]) else {
            return Ok(Some((left, right)));
        };
        if !compares_natively(&common) {
            return Ok(Some((left, right)));
        }
        let to_left = kept_nullable(&common, &left.ty);
        let to_right = kept_nullable(&common, &right.ty);
        Ok(Some((self.cast(left, &to_left, functions)?, self.cast(right, &to_right, functions)?)))
    }

    /// A constant beside a value of type `ty`: in that type when it has a value there, so that the column stays as it
    /// is and granules can be pruned. None: it is no value of an Enum.
    fn constant_beside(&self, ty: &DataType, constant: Typed, functions: &FunctionContext) -> Result<Option<Typed>> {
        let base = ty.base();
        if constant.ty.base().is_string() && parses_text(base) {
            return match self.cast(constant, base, functions) {
                Ok(typed) if typed.constant.is_some() => Ok(Some(typed)),
                Ok(_) | Err(_) if matches!(base, DataType::Enum(_)) => Ok(None),
                Ok(typed) if base.is_number() => Err(Error::refused(
                    ErrorCode::TYPE_MISMATCH,
                    format!("a text compared with a value of type {base} is no {}", typed.ty),
                )),
                other => other.map(Some),
            };
        }
        let exact = self.exact_constant(&constant, base, functions)?;
        if let Some(exact) = exact {
            return Ok(Some(exact));
        }
        if let Ok(common) = common_type(&[constant.ty.base().clone(), base.clone()])
            && common == *base
        {
            return Ok(Some(self.cast(constant, base, functions)?));
        }
        Ok(Some(constant))
    }

    /// The constant as a value of the number type `base`, when it is one exactly.
    fn exact_constant(&self, constant: &Typed, base: &DataType, functions: &FunctionContext) -> Result<Option<Typed>> {
        let from = constant.ty.base();
        if !base.is_integer() || !(from.is_integer() || *from == DataType::Bool) {
            return Ok(None);
        }
        let casted =
            self.scalar("accurateCastOrNull", vec![constant.clone(), Typed::text(&base.to_string())], functions);
        let Ok(casted) = casted else { return Ok(None) };
        match casted.constant {
            Some(value) if !value.is_null(0) => Ok(Some(Typed::constant(value, base.clone())?)),
            _ => Ok(None),
        }
    }

    fn compare_by_function(
        &self,
        op: Comparison,
        left: Typed,
        right: Typed,
        functions: &FunctionContext,
    ) -> Result<Typed> {
        self.scalar(op.function_name(), vec![left, right], functions)
    }

    /// The comparison with a constant that no value of the column's type equals.
    fn never_equal(&self, op: Comparison, ty: DataType) -> Result<Typed> {
        let value = match op {
            Comparison::NotEquals | Comparison::IsDistinct => 1,
            _ => 0,
        };
        let constant = super::literal::unsigned(value)?;
        Ok(Typed { ty: ty.remove_low_cardinality().remove_nullable(), ..constant })
    }
}

/// Types whose values a text compared with them is read as.
fn parses_text(ty: &DataType) -> bool {
    ty.is_number()
        || ty.is_date_or_time()
        || matches!(ty, DataType::Enum(_) | DataType::Uuid | DataType::Ipv4 | DataType::Ipv6)
}

/// `base`, Nullable when `like` is.
pub(crate) fn kept_nullable(base: &DataType, like: &DataType) -> DataType {
    if like.is_nullable() { base.to_nullable() } else { base.clone() }
}

/// UInt8; Nullable when an operand is; LowCardinality when one operand is and the other is constant.
fn result_type(op: Comparison, left: &Typed, right: &Typed) -> DataType {
    let nullable = !op.sees_null() && (left.is_nullable() || right.is_nullable());
    let plain = if nullable { DataType::UInt8.to_nullable() } else { DataType::UInt8 };
    let low = |typed: &Typed| matches!(typed.ty, DataType::LowCardinality(_));
    let dictionary = (low(left) && right.constant.is_some()) || (low(right) && left.constant.is_some());
    if dictionary { DataType::LowCardinality(std::sync::Arc::new(plain)) } else { plain }
}
