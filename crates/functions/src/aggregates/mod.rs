//! Aggregate functions of crate `aggregate` as DataFusion aggregate UDFs.
//!
//! Both phases of a GROUP BY are the same states: the partial phase gives one struct column, the final phase merges it.
//! That column is also what `-State` returns and `-Merge` takes. Nothing is computed here.

mod accumulator;
mod groups;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use aggregate::{Aggregate, GroupedStates, Rows};
use arrow::array::ArrayRef;
use arrow::datatypes::{DataType as ArrowType, Field, FieldRef};
use datafusion::common::{DataFusionError, Result as DataFusionResult, ScalarValue, internal_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, Signature, Volatility};
use types::state::names::{ALIASES, ANY_CASE, FUNCTIONS};
use types::{AggregateSignature, DataType, Value};

use crate::error::{Error, Result};
use crate::registry::FunctionName;

/// An aggregate function, ready for a plan.
#[derive(Clone, Debug)]
pub struct AggregateFunctionRef {
    /// What DataFusion calls.
    pub udaf: Arc<AggregateUDF>,
    /// The ClickHouse type of results.
    pub result: DataType,
    /// True for `count()` and its like: pass one non-NULL literal as the argument, since DataFusion does not say how
    /// many rows it has when there are no columns.
    pub needs_row_marker: bool,
}

/// The aggregate function `name(params…)(args…)`, combinators included. `DISTINCT` is part of the name, see
/// [`distinct_name`].
pub fn resolve_udaf(name: &str, params: &[Value], args: &[DataType]) -> Result<AggregateFunctionRef> {
    let aggregate = aggregate::resolve(name, params, args)?;
    let result = aggregate.result_type();
    let udaf = Arc::new(AggregateUDF::from(Udaf::new(aggregate, Phase::Whole)));
    Ok(AggregateFunctionRef { udaf, result, needs_row_marker: args.is_empty() })
}

/// What stands behind an aggregate function of this crate; none for those of DataFusion.
pub fn aggregate_of(udaf: &AggregateUDF) -> Option<&Aggregate> {
    let inner: &dyn std::any::Any = &**udaf.inner();
    inner.downcast_ref::<Udaf>().filter(|udaf| udaf.phase == Phase::Whole).map(|udaf| &udaf.aggregate)
}

/// The function that takes the rows of `aggregate` and gives states, whatever combinators it has.
pub fn to_states(aggregate: &Aggregate) -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::from(Udaf::new(aggregate.clone(), Phase::ToStates)))
}

/// The function that takes states of `aggregate` and gives its results.
pub fn of_states(aggregate: &Aggregate) -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::from(Udaf::new(aggregate.clone(), Phase::OfStates)))
}

/// The function that `name(DISTINCT …)` is.
pub fn distinct_name(name: &str) -> String {
    if name.eq_ignore_ascii_case("count") { "uniqExact".to_owned() } else { format!("{name}Distinct") }
}

/// The names of all aggregate functions without combinators, aliases included, for `system.functions`.
pub fn names() -> impl Iterator<Item = FunctionName> {
    let functions = FUNCTIONS.iter().map(|name| FunctionName {
        name,
        is_aggregate: true,
        any_case: ANY_CASE.contains(name),
        alias_to: None,
    });
    let aliases = ALIASES.iter().map(|(name, function, any_case)| FunctionName {
        name,
        is_aggregate: true,
        any_case: *any_case,
        alias_to: Some(function),
    });
    functions.chain(aliases)
}

/// True when `name` is an aggregate function, with or without combinators.
pub fn is_aggregate(name: &str) -> bool {
    types::state::split(name).is_some()
}

/// What a function takes and gives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Phase {
    /// Rows, and gives results.
    Whole,
    /// Rows, and gives states.
    ToStates,
    /// States, and gives results.
    OfStates,
}

/// One aggregate function with its types; two of the same signature and phase are equal.
#[derive(Debug)]
struct Udaf {
    aggregate: Aggregate,
    phase: Phase,
    /// `quantile(0.9)`: what plans show.
    name: String,
    signature: Signature,
}

impl Udaf {
    fn new(aggregate: Aggregate, phase: Phase) -> Udaf {
        // printed as in types, without the argument types
        let call = AggregateSignature { args: Vec::new(), version: None, ..aggregate.signature().clone() };
        let printed = DataType::AggregateFunction(Arc::new(call)).to_string();
        let name = printed.strip_prefix("AggregateFunction(").and_then(|rest| rest.strip_suffix(')'));
        let suffix = match phase {
            Phase::Whole => "",
            Phase::ToStates => " to states",
            Phase::OfStates => " of states",
        };
        let name = format!("{}{suffix}", name.unwrap_or(&printed));
        Udaf { aggregate, phase, name, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl PartialEq for Udaf {
    fn eq(&self, other: &Udaf) -> bool {
        self.phase == other.phase && self.aggregate.signature() == other.aggregate.signature()
    }
}
impl Eq for Udaf {}
impl Hash for Udaf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.phase.hash(state);
        self.aggregate.signature().hash(state);
    }
}

impl AggregateUDFImpl for Udaf {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, args: &[ArrowType]) -> DataFusionResult<Vec<ArrowType>> {
        Ok(args.to_vec())
    }

    fn return_type(&self, _args: &[ArrowType]) -> DataFusionResult<ArrowType> {
        Ok(match self.phase {
            Phase::Whole | Phase::OfStates => self.aggregate.result_type().arrow_type(),
            Phase::ToStates => self.aggregate.state_type().arrow_type(),
        })
    }

    fn state_fields(&self, args: StateFieldsArgs) -> DataFusionResult<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format!("{}[state]", args.name), self.aggregate.state_type().arrow_type(), true))])
    }

    fn accumulator(&self, args: AccumulatorArgs) -> DataFusionResult<Box<dyn Accumulator>> {
        not_distinct(&args)?;
        Ok(Box::new(accumulator::OneGroup::new(self.aggregate.clone(), self.phase)))
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> DataFusionResult<Box<dyn Accumulator>> {
        not_distinct(&args)?;
        Ok(Box::new(accumulator::SlidingFrame::new(self.aggregate.clone())))
    }

    fn groups_accumulator_supported(&self, _args: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> DataFusionResult<Box<dyn GroupsAccumulator>> {
        not_distinct(&args)?;
        Ok(Box::new(groups::Groups::new(self.aggregate.clone(), self.phase)))
    }

    /// Rows are taken in the order in which they come; no function asks for another.
    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    /// What a correlated subquery gives for a row without any match: NULL in ClickHouse, for `count` too.
    fn default_value(&self, data_type: &ArrowType) -> DataFusionResult<ScalarValue> {
        ScalarValue::try_from(data_type)
    }
}

fn not_distinct(args: &AccumulatorArgs<'_>) -> DataFusionResult<()> {
    if args.is_distinct {
        return internal_err!("DISTINCT of {} must be resolved by its name", args.name);
    }
    Ok(())
}

fn in_datafusion(error: aggregate::Error) -> DataFusionError {
    Error::Aggregate(error).into()
}

impl Phase {
    fn update(self, states: &mut dyn GroupedStates, values: &[ArrayRef], rows: Rows<'_>) -> DataFusionResult<()> {
        match (self, values) {
            (Phase::Whole | Phase::ToStates, values) => states.update(values, rows),
            (Phase::OfStates, [column, ..]) => states.merge(column, rows),
            (Phase::OfStates, []) => return internal_err!("a function of states needs them"),
        }
        .map_err(in_datafusion)
    }
}

/// The argument columns that the function takes: all but the row marker.
fn arguments<'a>(aggregate: &Aggregate, phase: Phase, values: &'a [ArrayRef]) -> &'a [ArrayRef] {
    match phase {
        Phase::Whole | Phase::ToStates => &values[..values.len().min(aggregate.signature().args.len())],
        Phase::OfStates => values,
    }
}

#[cfg(test)]
mod tests;
