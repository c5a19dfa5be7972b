//! Values that a plan gets when it runs: placeholders while it is optimised, calls of [`Parameter`] in what is kept,
//! constants in a run.
//!
//! The optimizer never sees a value, so nothing that it does can depend on one. Filters and leaves find the values of
//! their run in the task, and any number of runs may share such a plan; other operators find them in the plan's [`Cell`],
//! and such a plan serves one run at a time.

use std::any::Any;
use std::sync::Arc;

use arrow::datatypes::{DataType as ArrowType, Field};
use datafusion::common::config::{ConfigEntry, ConfigExtension, ExtensionOptions};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result as DataFusionResult, ScalarValue, internal_err, plan_err};
use datafusion::logical_expr::expr::{Placeholder, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::expressions::Literal;
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use parking_lot::RwLock;

use crate::nodes::ParameterFilterExec;
use crate::scan::ScanExec;

/// The values of one run, by number.
pub(crate) type Values = Arc<[ScalarValue]>;

/// The values of a run, as operators find them in the task.
#[derive(Debug)]
pub(crate) struct Parameters(pub Values);

/// The values of the one run that a plan serves, for operators that do not look into the task.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell(Arc<RwLock<Option<Values>>>);

impl Cell {
    /// The values of the run that begins.
    pub(crate) fn fill(&self, values: &Values) {
        *self.0.write() = Some(Arc::clone(values));
    }

    fn value(&self, number: usize) -> Option<ScalarValue> {
        self.0.read().as_ref()?.get(number).cloned()
    }
}

impl ConfigExtension for Cell {
    const PREFIX: &'static str = "everview_parameters";
}

impl ExtensionOptions for Cell {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, _value: &str) -> DataFusionResult<()> {
        plan_err!("parameter \"{key}\" of a plan cannot be set by text")
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        Vec::new()
    }
}

/// Where parameters stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// In filters and leaves, which look into the task.
    Filters,
    /// In other operators, too.
    Anywhere,
}

/// Stands for a value that no plan has yet.
pub(crate) fn placeholder(number: usize, ty: &ArrowType) -> Expr {
    let field = Field::new("", ty.clone(), true);
    Expr::Placeholder(Placeholder::new_with_field(format!("${number}"), Some(Arc::new(field))))
}

/// A placeholder as a function without arguments, which can be planned. It is called where no value was put in before.
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

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let cell = args.config_options.extensions.get::<Cell>();
        match cell.and_then(|cell| cell.value(self.number)) {
            Some(value) => Ok(ColumnarValue::Scalar(value)),
            None => internal_err!("parameter {} has no value", self.number),
        }
    }
}

fn number_and_type(placeholder: &Placeholder) -> Option<(usize, ArrowType)> {
    let number = placeholder.id.strip_prefix('$')?.parse().ok()?;
    Some((number, placeholder.field.as_ref()?.data_type().clone()))
}

/// The plan with calls in the place of placeholders, and where one of them stands.
pub(crate) fn to_calls(plan: LogicalPlan) -> DataFusionResult<(LogicalPlan, Place)> {
    let mut is_elsewhere = false;
    let plan = plan.transform_up_with_subqueries(|node| {
        let may_have = matches!(node, LogicalPlan::Filter(_) | LogicalPlan::TableScan(_));
        let names = NamePreserver::new(&node);
        node.map_expressions(|expr| {
            let name = names.save(&expr);
            let called = expr.transform_up(|expr| match &expr {
                Expr::Placeholder(placeholder) => {
                    is_elsewhere |= !may_have;
                    let Some((number, ty)) = number_and_type(placeholder) else {
                        return internal_err!("placeholder {} has no number or type", placeholder.id);
                    };
                    // the same in all of a run; nobody computes it beforehand: what has no operands is left as it is
                    let parameter = Parameter { number, ty, signature: Signature::nullary(Volatility::Stable) };
                    let call = ScalarFunction::new_udf(Arc::new(ScalarUDF::new_from_impl(parameter)), Vec::new());
                    Ok(Transformed::yes(Expr::ScalarFunction(call)))
                }
                _ => Ok(Transformed::no(expr)),
            })?;
            Ok(called.update_data(|expr| name.restore(expr)))
        })
    })?;
    Ok((plan.data, place(is_elsewhere)))
}

fn place(is_elsewhere: bool) -> Place {
    if is_elsewhere { Place::Anywhere } else { Place::Filters }
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

/// The plan with filters that take values from the task, and whether another operator needs some.
pub(crate) fn to_open_filters(plan: Arc<dyn ExecutionPlan>) -> DataFusionResult<(Arc<dyn ExecutionPlan>, Place)> {
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
    Ok((plan.data, place(is_elsewhere)))
}
