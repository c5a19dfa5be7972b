//! Values that a plan gets when it runs: placeholders while it is optimised, calls of [`Parameter`] in what is kept,
//! constants in a run.
//!
//! The optimizer never sees a value, so nothing that it does can depend on one.

use std::sync::Arc;

use arrow::datatypes::{DataType as ArrowType, Field};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result as DataFusionResult, ScalarValue, internal_err};
use datafusion::logical_expr::expr::{Placeholder, ScalarFunction};
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::expressions::Literal;
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;

use crate::nodes::ParameterFilterExec;
use crate::scan::ScanExec;

/// The values of one run, by number.
pub(crate) type Values = Arc<[ScalarValue]>;

/// The values of a run, as operators find them in the task.
#[derive(Debug)]
pub(crate) struct Parameters(pub Values);

/// Stands for a value that no plan has yet.
pub(crate) fn placeholder(number: usize, ty: &ArrowType) -> Expr {
    let field = Field::new("", ty.clone(), true);
    Expr::Placeholder(Placeholder::new_with_field(format!("${number}"), Some(Arc::new(field))))
}

/// A placeholder as a function without arguments, which can be planned. It cannot be called: values are put in before.
#[derive(PartialEq, Eq, Hash, Debug)]
struct Parameter {
    number: usize,
    ty: ArrowType,
    signature: Signature,
}

impl ScalarUDFImpl for Parameter {
    fn name(&self) -> &str {
        "parameter"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[ArrowType]) -> DataFusionResult<ArrowType> {
        Ok(self.ty.clone())
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        internal_err!("parameter {} has no value", self.number)
    }
}

fn number_and_type(placeholder: &Placeholder) -> Option<(usize, ArrowType)> {
    let number = placeholder.id.strip_prefix('$')?.parse().ok()?;
    Some((number, placeholder.field.as_ref()?.data_type().clone()))
}

/// The plan with calls in the place of placeholders. `None` where one stands in another operator than a filter or a leaf.
pub(crate) fn to_calls(plan: LogicalPlan) -> DataFusionResult<Option<LogicalPlan>> {
    let mut is_elsewhere = false;
    let plan = plan.transform_up(|node| {
        let may_have = matches!(node, LogicalPlan::Filter(_) | LogicalPlan::TableScan(_));
        node.map_expressions(|expr| {
            expr.transform_up(|expr| match &expr {
                Expr::Placeholder(placeholder) => {
                    is_elsewhere |= !may_have;
                    let Some((number, ty)) = number_and_type(placeholder) else {
                        return internal_err!("placeholder {} has no number or type", placeholder.id);
                    };
                    // volatile: nobody may try to compute it beforehand
                    let parameter = Parameter { number, ty, signature: Signature::nullary(Volatility::Volatile) };
                    let call = ScalarFunction::new_udf(Arc::new(ScalarUDF::new_from_impl(parameter)), Vec::new());
                    Ok(Transformed::yes(Expr::ScalarFunction(call)))
                }
                _ => Ok(Transformed::no(expr)),
            })
        })
    })?;
    Ok((!is_elsewhere).then_some(plan.data))
}

/// The plan with constants in the place of placeholders.
pub(crate) fn with_constants(plan: &LogicalPlan, values: &Values) -> DataFusionResult<LogicalPlan> {
    let plan =
        plan.clone().transform_up(|node| node.map_expressions(|expr| put_in(expr, &|number| value(values, number))))?;
    Ok(plan.data)
}

/// The filter with constants in the place of calls.
pub(crate) fn filter_with(filter: &Expr, values: &Values) -> DataFusionResult<Expr> {
    Ok(put_in(filter.clone(), &|number| value(values, number))?.data)
}

/// The filter with some constants in the place of placeholders, to see what it is like.
pub(crate) fn sample(filter: &Expr) -> DataFusionResult<Expr> {
    let sampled = filter.clone().transform_up(|expr| match &expr {
        Expr::Placeholder(placeholder) => match number_and_type(placeholder) {
            Some((_, ty)) => Ok(Transformed::yes(Expr::Literal(ScalarValue::new_default(&ty)?, None))),
            None => Ok(Transformed::no(expr)),
        },
        _ => Ok(Transformed::no(expr)),
    })?;
    Ok(sampled.data)
}

fn value(values: &Values, number: usize) -> DataFusionResult<ScalarValue> {
    match values.get(number) {
        Some(value) => Ok(value.clone()),
        None => internal_err!("parameter {number} has no value"),
    }
}

fn put_in(expr: Expr, value: &dyn Fn(usize) -> DataFusionResult<ScalarValue>) -> DataFusionResult<Transformed<Expr>> {
    expr.transform_up(|expr| {
        let number = match &expr {
            Expr::Placeholder(placeholder) => number_and_type(placeholder).map(|(number, _)| number),
            Expr::ScalarFunction(call) => {
                call.func.inner().downcast_ref::<Parameter>().map(|parameter| parameter.number)
            }
            _ => None,
        };
        match number {
            Some(number) => Ok(Transformed::yes(Expr::Literal(value(number)?, None))),
            None => Ok(Transformed::no(expr)),
        }
    })
}

/// True when values must be put in.
pub(crate) fn is_open(filter: &Expr) -> bool {
    let is_call = |expr: &Expr| matches!(expr, Expr::ScalarFunction(call) if call.func.inner().is::<Parameter>());
    filter.exists(|expr| Ok(is_call(expr))).unwrap_or(true)
}

fn parameter_of(expr: &Arc<dyn PhysicalExpr>) -> Option<&Parameter> {
    expr.downcast_ref::<ScalarFunctionExpr>()?.fun().inner().downcast_ref()
}

/// The predicate with constants in the place of calls.
pub(crate) fn predicate_with(
    predicate: &Arc<dyn PhysicalExpr>,
    values: &Values,
) -> DataFusionResult<Arc<dyn PhysicalExpr>> {
    let put_in = |expr: Arc<dyn PhysicalExpr>| match parameter_of(&expr) {
        Some(parameter) => {
            let literal: Arc<dyn PhysicalExpr> = Arc::new(Literal::new(value(values, parameter.number)?));
            Ok(Transformed::yes(literal))
        }
        None => Ok(Transformed::no(expr)),
    };
    Ok(predicate.clone().transform_up(put_in)?.data)
}

/// The plan with filters that take values from the task. `None` when another operator would need some.
pub(crate) fn to_open_filters(plan: Arc<dyn ExecutionPlan>) -> DataFusionResult<Option<Arc<dyn ExecutionPlan>>> {
    let mut is_elsewhere = false;
    let plan = plan.transform_up(|node| {
        let mut is_open = false;
        node.apply_expressions(&mut |expr| {
            expr.apply(|expr| {
                is_open |= parameter_of(expr).is_some();
                Ok(TreeNodeRecursion::Continue)
            })
        })?;
        if !is_open || node.downcast_ref::<ScanExec>().is_some() {
            return Ok(Transformed::no(node));
        }
        match node.downcast_ref::<FilterExec>() {
            Some(filter) => {
                let open: Arc<dyn ExecutionPlan> = Arc::new(ParameterFilterExec::new(filter));
                Ok(Transformed::yes(open))
            }
            None => {
                is_elsewhere = true;
                Ok(Transformed::no(node))
            }
        }
    })?;
    Ok((!is_elsewhere).then_some(plan.data))
}
