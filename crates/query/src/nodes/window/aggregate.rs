//! Any aggregate function over a window: states of crate `aggregate` over the rows of a frame.
//!
//! A frame that only grows is added to; any other is computed anew, because not every state can forget rows.

use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use aggregate::{Aggregate, GroupedStates, Rows};
use arrow::array::ArrayRef;
use arrow::datatypes::{DataType as ArrowType, Field, FieldRef};
use datafusion::common::{Result as DataFusionResult, ScalarValue};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{PartitionEvaluator, Signature, Volatility, WindowUDF, WindowUDFImpl};

use crate::error::Error;

/// The aggregate as a window function.
pub(crate) fn aggregate_window(aggregate: Aggregate) -> Arc<WindowUDF> {
    let name = aggregate.signature().name.to_string();
    let signature = Signature::user_defined(Volatility::Immutable);
    Arc::new(WindowUDF::new_from_impl(AggregateWindow { name, aggregate, signature }))
}

#[derive(Debug)]
struct AggregateWindow {
    name: String,
    aggregate: Aggregate,
    signature: Signature,
}

impl PartialEq for AggregateWindow {
    fn eq(&self, other: &AggregateWindow) -> bool {
        self.aggregate.signature() == other.aggregate.signature()
    }
}

impl Eq for AggregateWindow {}

impl Hash for AggregateWindow {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.aggregate.signature().hash(state);
    }
}

impl WindowUDFImpl for AggregateWindow {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[ArrowType]) -> DataFusionResult<Vec<ArrowType>> {
        Ok(arg_types.to_vec())
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> DataFusionResult<FieldRef> {
        Ok(Arc::new(Field::new(args.name(), self.aggregate.result_type().arrow_type(), true)))
    }

    fn partition_evaluator(&self, _: PartitionEvaluatorArgs<'_>) -> DataFusionResult<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Evaluator { aggregate: self.aggregate.clone(), states: self.aggregate.grouped(), seen: 0..0 }))
    }
}

struct Evaluator {
    aggregate: Aggregate,
    /// The state of rows `seen`, as group 0.
    states: Box<dyn GroupedStates>,
    seen: Range<usize>,
}

impl std::fmt::Debug for Evaluator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Evaluator({:?} over {:?})", self.aggregate, self.seen)
    }
}

impl PartitionEvaluator for Evaluator {
    fn uses_window_frame(&self) -> bool {
        true
    }

    fn evaluate(&mut self, values: &[ArrayRef], range: &Range<usize>) -> DataFusionResult<ScalarValue> {
        self.frame(values, range).map_err(Into::into)
    }
}

impl Evaluator {
    fn frame(&mut self, values: &[ArrayRef], range: &Range<usize>) -> Result<ScalarValue, Error> {
        let grows = self.seen.start == range.start && self.seen.end <= range.end;
        if !grows {
            self.states = self.aggregate.grouped();
            self.seen = range.start..range.start;
        }
        let added = self.seen.end..range.end.max(self.seen.end);
        let wrong = |error: aggregate::Error| Error::reported(error.code(), &error);
        self.states.grow(1);
        if !added.is_empty() {
            // The columns of ORDER BY follow the arguments.
            let count = self.aggregate.signature().args.len();
            let args: Vec<ArrayRef> =
                values.iter().take(count).map(|column| column.slice(added.start, added.len())).collect();
            let groups = vec![0; added.len()];
            self.states.update(&args, Rows::all(&groups, 1)).map_err(wrong)?;
            self.seen.end = added.end;
        }
        let result = self.states.result_column(1).map_err(wrong)?;
        Ok(ScalarValue::try_from_array(&result, 0)?)
    }
}
