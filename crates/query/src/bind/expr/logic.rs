//! AND, OR, NOT, XOR, IS NULL: DataFusion's own operators over Arrow Booleans, with SQL's three values; operands that
//! can fail are guarded (see `guard`).

use datafusion::logical_expr::{Expr, Operator};
use types::DataType;

use crate::bind::binder::Binder;
use crate::bind::guard::{Condition, short_circuit};
use crate::bind::scope::Scope;
use crate::bind::typed::Typed;
use crate::error::Result;

impl Binder<'_> {
    pub(super) fn bind_and(&self, operands: &[sql::Expr], scope: &Scope<'_>) -> Result<Typed> {
        let operands = operands.iter().map(|operand| self.bind(operand, scope)).collect::<Result<Vec<_>>>()?;
        self.logic("and", operands, scope)
    }

    pub(super) fn bind_or(&self, operands: &[sql::Expr], scope: &Scope<'_>) -> Result<Typed> {
        let operands = operands.iter().map(|operand| self.bind(operand, scope)).collect::<Result<Vec<_>>>()?;
        self.logic("or", operands, scope)
    }

    pub(super) fn bind_not(&self, operand: &sql::Expr, scope: &Scope<'_>) -> Result<Typed> {
        let operand = self.bind(operand, scope)?;
        self.not(operand, scope)
    }

    /// `and` or `or` of operands.
    pub(super) fn logic(&self, name: &str, operands: Vec<Typed>, scope: &Scope<'_>) -> Result<Typed> {
        if operands.iter().all(|operand| operand.constant.is_some()) {
            return self.scalar(name, operands, &scope.env.functions);
        }
        let ty = truth_type(&operands);
        let size = operands.iter().fold(1u32, |sum, operand| sum.saturating_add(operand.size));
        let condition = |operand: Typed| Ok(Condition { nullable: operand.is_nullable(), expr: operand.predicate()? });
        let conditions = operands.into_iter().map(condition).collect::<Result<Vec<_>>>()?;
        let op = if name == "and" { Operator::And } else { Operator::Or };
        let expr = short_circuit(op, conditions).unwrap_or_else(|| datafusion::logical_expr::lit(name == "and"));
        Ok(Typed { size, ..Typed::truth(expr, ty) })
    }

    /// NOT of an operand.
    pub(super) fn not(&self, operand: Typed, scope: &Scope<'_>) -> Result<Typed> {
        if operand.constant.is_some() {
            return self.scalar("not", vec![operand], &scope.env.functions);
        }
        let ty = truth_type(std::slice::from_ref(&operand));
        let size = operand.size + 1;
        Ok(Typed { size, ..Typed::truth(Expr::Not(Box::new(operand.predicate()?)), ty) })
    }

    /// IS NULL, or IS NOT NULL when negated. Known at once for values that cannot be NULL.
    pub(crate) fn is_null(&self, operand: Typed, negated: bool) -> Result<Typed> {
        use arrow::array::Array;
        if let Some(value) = &operand.constant {
            let null = value.is_null(0) || operand.is_only_null();
            return super::literal::unsigned(u64::from(null != negated));
        }
        if !operand.is_nullable() {
            return super::literal::unsigned(u64::from(negated));
        }
        let size = operand.size + 1;
        let inner = Box::new(operand.expr);
        let expr = if negated { Expr::IsNotNull(inner) } else { Expr::IsNull(inner) };
        Ok(Typed { size, ..Typed::truth(expr, DataType::UInt8) })
    }
}

/// Bool when an operand is; else UInt8; Nullable when an operand is.
fn truth_type(operands: &[Typed]) -> DataType {
    let any_bool = operands.iter().any(|operand| *operand.ty.base() == DataType::Bool);
    let ty = if any_bool { DataType::Bool } else { DataType::UInt8 };
    if operands.iter().any(Typed::is_nullable) { ty.to_nullable() } else { ty }
}
