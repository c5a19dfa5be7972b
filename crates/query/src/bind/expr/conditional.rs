//! `if`, `multiIf`, CASE: DataFusion's CASE, which evaluates a branch only for the rows that take it, so that
//! `if(x = 0, 0, intDiv(1, x))` does not fail.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::Case;
use types::{DataType, ErrorCode};

use super::compare::Comparison;
use crate::bind::binder::{Binder, not_supported};
use crate::bind::guard::{boolean_case, can_fail};
use crate::bind::library::common_type;
use crate::bind::scope::Scope;
use crate::bind::typed::Typed;
use crate::error::{Error, Result};

impl Binder<'_> {
    /// `multiIf(condition, value, …, otherwise)`; `if` is the one with three arguments.
    pub(super) fn multi_if(&self, name: &str, mut args: Vec<Typed>, scope: &Scope<'_>) -> Result<Typed> {
        if args.len() < 3 || args.len().is_multiple_of(2) || (name == "if" && args.len() != 3) {
            return Err(Error::refused(
                ErrorCode::NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
                format!(
                    "function \"{name}\" takes pairs of condition and value and one more value, got {}",
                    args.len()
                ),
            ));
        }
        let otherwise = args.pop().unwrap_or_else(Typed::null);
        let mut branches = Vec::with_capacity(args.len() / 2);
        let mut rest = args.into_iter();
        while let (Some(condition), Some(value)) = (rest.next(), rest.next()) {
            branches.push((condition, value));
        }
        self.case(branches, otherwise, scope)
    }

    /// `CASE x WHEN a THEN b … ELSE c END`, which arrives as `caseWithExpression(x, a, b, …, c)`.
    pub(super) fn case_with_expression(&self, args: Vec<Typed>, scope: &Scope<'_>) -> Result<Typed> {
        let mut rest = args.into_iter();
        let Some(operand) = rest.next() else { return not_supported("CASE without operands") };
        let mut items: Vec<Typed> = rest.collect();
        let otherwise = items.pop().unwrap_or_else(Typed::null);
        let mut branches = Vec::new();
        let mut items = items.into_iter();
        while let (Some(when), Some(then)) = (items.next(), items.next()) {
            // NULL is a value like others here.
            let condition = if when.is_only_null() {
                self.is_null(operand.clone(), false)?
            } else {
                let nullable = operand.is_nullable() && when.is_nullable();
                let equals = if nullable { Comparison::IsNotDistinct } else { Comparison::Equals };
                self.compare(equals, operand.clone(), when, &scope.env.functions)?
            };
            branches.push((condition, then));
        }
        self.case(branches, otherwise, scope)
    }

    /// `coalesce` and `ifNull`: as the function, but what follows and can fail is evaluated only where it is needed.
    pub(super) fn coalesce(&self, name: &str, args: Vec<Typed>, scope: &Scope<'_>) -> Result<Typed> {
        let functions = &scope.env.functions;
        let whole = self.scalar(name, args.clone(), functions)?;
        if whole.constant.is_some() || !args.iter().skip(1).any(|arg| can_fail(&arg.expr)) {
            return Ok(whole);
        }
        let (ty, size) = (whole.ty, whole.size);
        let mut rest: Vec<Typed> = args.into_iter().filter(|arg| !arg.is_only_null()).collect();
        if let Some(last) = rest.iter().position(|arg| !arg.is_nullable()) {
            rest.truncate(last + 1);
        }
        let Some(last) = rest.pop() else { return Ok(Typed::null()) };
        let mut branches = Vec::with_capacity(rest.len());
        for arg in rest {
            let arg = arg.into_value();
            let value = self.cast(arg.clone(), &ty.to_nullable(), functions)?.value();
            branches.push((Expr::IsNotNull(Box::new(arg.expr)), value));
        }
        let last = self.cast(last, &ty, functions)?.value();
        if branches.is_empty() {
            return Ok(Typed { size, ..Typed::new(last, ty) });
        }
        let expr = case_of(&ty, branches, last);
        Ok(Typed { size, ..Typed::new(expr, ty) })
    }

    fn case(&self, branches: Vec<(Typed, Typed)>, otherwise: Typed, scope: &Scope<'_>) -> Result<Typed> {
        let functions = &scope.env.functions;
        let mut types: Vec<DataType> = branches.iter().map(|(_, value)| value.ty.remove_low_cardinality()).collect();
        types.push(otherwise.ty.remove_low_cardinality());
        let Ok(ty) = common_type(&types) else {
            let names: Vec<String> = types.iter().map(ToString::to_string).collect();
            return not_supported(format!(
                "Variant({}), the type of if over types without a common one,",
                names.join(", ")
            ));
        };
        let mut kept = Vec::new();
        let mut last = otherwise;
        for (condition, value) in branches {
            refuse_condition(&condition)?;
            match condition.constant.is_some().then(|| condition.clone().predicate()).transpose()? {
                Some(Expr::Literal(ScalarValue::Boolean(Some(true)), _)) => {
                    last = value;
                    break;
                }
                Some(_) => {}
                None => kept.push((condition, value)),
            }
        }
        if kept.is_empty() {
            return self.cast(last, &ty, functions);
        }
        let mut size = last.size;
        let mut when_then = Vec::with_capacity(kept.len());
        for (condition, value) in kept {
            size = size.saturating_add(condition.size).saturating_add(value.size);
            let value = self.cast(value, &ty, functions)?.value();
            when_then.push((condition.predicate()?, value));
        }
        let otherwise = self.cast(last, &ty, functions)?.value();
        let expr = case_of(&ty, when_then, otherwise);
        Ok(Typed { size, ..Typed::new(expr, ty) })
    }
}

/// CASE with branches of type `ty`.
fn case_of(ty: &DataType, branches: Vec<(Expr, Expr)>, otherwise: Expr) -> Expr {
    if *ty.base() == DataType::Bool {
        return boolean_case(branches, otherwise);
    }
    let branches = branches.into_iter().map(|(when, then)| (Box::new(when), Box::new(then))).collect();
    Expr::Case(Case::new(None, branches, Some(Box::new(otherwise))))
}

/// ILLEGAL_TYPE_OF_ARGUMENT for what cannot be a condition.
fn refuse_condition(condition: &Typed) -> Result<()> {
    let base = condition.ty.base();
    if matches!(base, DataType::UInt8 | DataType::Bool | DataType::Nothing) {
        return Ok(());
    }
    Err(Error::refused(
        ErrorCode::ILLEGAL_TYPE_OF_ARGUMENT,
        format!("condition of if, multiIf or CASE must be UInt8 or Bool, not {}", condition.ty),
    ))
}
