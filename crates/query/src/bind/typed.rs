//! A bound expression: DataFusion's expression, the ClickHouse type of its values, and its value when it is constant.
//!
//! Comparisons and logic stay Arrow Booleans ([`Typed::condition`]) until the value is seen: then they become UInt8.
//! Never here: names as the user writes them (see `names`).

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, new_null_array};
use arrow::datatypes::DataType as ArrowType;
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use types::{DataType, ErrorCode};

use crate::error::{Error, Result};

/// The most nodes that one expression may grow to by aliases that use aliases.
pub const EXPRESSION_NODES_MAX: u32 = 500_000;

/// A bound expression and what is known of it.
#[derive(Clone, Debug)]
pub struct Typed {
    /// What DataFusion evaluates.
    pub expr: Expr,
    /// The ClickHouse type of the values.
    pub ty: DataType,
    /// `expr` gives Arrow Booleans although `ty` is (Nullable, LowCardinality) UInt8.
    pub(crate) condition: bool,
    /// The value, one row of `ty`'s Arrow type, when it is the same for every row and every run.
    pub(crate) constant: Option<ArrayRef>,
    /// About how many nodes `expr` has.
    pub(crate) size: u32,
}

impl Typed {
    /// A computed value.
    pub(crate) fn new(expr: Expr, ty: DataType) -> Typed {
        Typed { expr, ty, condition: false, constant: None, size: 1 }
    }

    /// A column of the plan.
    pub(crate) fn column(column: &Column, ty: &DataType) -> Typed {
        Typed::new(Expr::Column(column.clone()), ty.clone())
    }

    /// A truth value: `expr` gives Arrow Booleans, `ty` is what the user sees.
    pub(crate) fn truth(expr: Expr, ty: DataType) -> Typed {
        let condition = *ty.base() != DataType::Bool;
        Typed { expr, ty, condition, constant: None, size: 1 }
    }

    /// A constant: `value` has one row of `ty`'s Arrow type.
    pub(crate) fn constant(value: ArrayRef, ty: DataType) -> Result<Typed> {
        let scalar = ScalarValue::try_from_array(&value, 0)?;
        Ok(Typed { expr: Expr::Literal(scalar, None), ty, condition: false, constant: Some(value), size: 1 })
    }

    /// The NULL without a type.
    pub(crate) fn null() -> Typed {
        Typed {
            expr: Expr::Literal(ScalarValue::Null, None),
            ty: DataType::nullable(DataType::Nothing),
            condition: false,
            constant: Some(new_null_array(&ArrowType::Null, 1)),
            size: 1,
        }
    }

    /// A String constant.
    pub(crate) fn text(text: &str) -> Typed {
        Typed::bytes(text.as_bytes())
    }

    /// A String constant of any bytes.
    pub(crate) fn bytes(bytes: &[u8]) -> Typed {
        let value: ArrayRef = Arc::new(arrow::array::BinaryArray::from(vec![bytes]));
        Typed {
            expr: Expr::Literal(ScalarValue::Binary(Some(bytes.to_vec())), None),
            ty: DataType::String,
            condition: false,
            constant: Some(value),
            size: 1,
        }
    }

    /// A constant of the type's default value.
    pub(crate) fn default_of(ty: &DataType) -> Result<Typed> {
        Typed::constant(ty.default_array(1), ty.clone())
    }

    /// NULL of a type that can be NULL.
    pub(crate) fn null_of(ty: &DataType) -> Result<Typed> {
        Typed::constant(new_null_array(&ty.arrow_type(), 1), ty.clone())
    }

    /// The expression where its value is seen: truth values as UInt8.
    pub(crate) fn value(self) -> Expr {
        if self.condition { cast_arrow(self.expr, ArrowType::UInt8) } else { self.expr }
    }

    /// The same with [`Typed::expr`] of the type's own Arrow type.
    pub(crate) fn into_value(mut self) -> Typed {
        if self.condition {
            self.expr = cast_arrow(self.expr, ArrowType::UInt8);
            self.condition = false;
        }
        self
    }

    /// The expression where it decides: an Arrow Boolean, true for what ClickHouse takes as true.
    pub(crate) fn predicate(self) -> Result<Expr> {
        let base = self.ty.base();
        if self.condition || *base == DataType::Bool {
            return Ok(self.expr);
        }
        if *base == DataType::Nothing {
            return Ok(Expr::Literal(ScalarValue::Boolean(None), None));
        }
        if !base.is_number() {
            return Err(Error::refused(
                ErrorCode::ILLEGAL_TYPE_OF_COLUMN_FOR_FILTER,
                format!("condition must be a number, not {}", self.ty),
            ));
        }
        if let Some(value) = &self.constant {
            return Ok(Expr::Literal(ScalarValue::Boolean(is_true(value)?), None));
        }
        let zero = Typed::default_of(base)?;
        let not_zero = binary(self.expr.clone(), Operator::NotEq, zero.expr);
        if !base.is_float() {
            return Ok(not_zero);
        }
        // Arrow tells 0 and -0 apart.
        let negative_zero = match base {
            DataType::Float32 => ScalarValue::Float32(Some(-0.0)),
            _ => ScalarValue::Float64(Some(-0.0)),
        };
        let not_negative_zero = binary(self.expr, Operator::NotEq, Expr::Literal(negative_zero, None));
        Ok(binary(not_zero, Operator::And, not_negative_zero))
    }

    /// Whether the value can be NULL.
    pub(crate) fn is_nullable(&self) -> bool {
        self.ty.is_nullable()
    }

    /// The type is that of a bare NULL.
    pub(crate) fn is_only_null(&self) -> bool {
        *self.ty.base() == DataType::Nothing && self.ty.is_nullable()
    }
}

/// Whether a constant number counts as true; None for NULL.
fn is_true(value: &ArrayRef) -> Result<Option<bool>> {
    if value.is_null(0) {
        return Ok(None);
    }
    let scalar = ScalarValue::try_from_array(value, 0)?;
    Ok(Some(match scalar {
        ScalarValue::Float32(Some(number)) => number != 0.0,
        ScalarValue::Float64(Some(number)) => number != 0.0,
        _ => scalar != ScalarValue::new_zero(value.data_type()).unwrap_or(ScalarValue::Null),
    }))
}

/// `left op right`.
pub(crate) fn binary(left: Expr, op: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
}

/// A cast that Arrow does the same way as ClickHouse: widening of integers, Boolean to UInt8.
pub(crate) fn cast_arrow(expr: Expr, to: ArrowType) -> Expr {
    Expr::Cast(Cast::new(Box::new(expr), to))
}

/// All of them, as one Arrow Boolean; none when there is nothing to hold. Balanced, so that depth grows slowly.
pub(crate) fn all_of(conditions: Vec<Expr>) -> Option<Expr> {
    join_balanced(conditions, Operator::And)
}

/// Any of them, as one Arrow Boolean.
pub(crate) fn any_of(conditions: Vec<Expr>) -> Option<Expr> {
    join_balanced(conditions, Operator::Or)
}

fn join_balanced(mut conditions: Vec<Expr>, op: Operator) -> Option<Expr> {
    while conditions.len() > 1 {
        let mut next = Vec::with_capacity(conditions.len().div_ceil(2));
        let mut rest = conditions.into_iter();
        while let Some(left) = rest.next() {
            next.push(match rest.next() {
                Some(right) => binary(left, op, right),
                None => left,
            });
        }
        conditions = next;
    }
    conditions.pop()
}
