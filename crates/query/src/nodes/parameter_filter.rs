//! A filter whose constants come with the run: what DataFusion's own does, with values from the task put in first.

use std::fmt;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::{BatchCoalescer, filter_record_batch};
use datafusion::common::Result as DataFusionResult;
use datafusion::common::internal_datafusion_err;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::ReplaceChildrenOptions;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt, stream};

use crate::parameters::{Parameters, predicate_with};

/// Rows of the input for which a condition is true.
#[derive(Clone, Debug)]
pub(crate) struct ParameterFilterExec {
    predicate: Arc<dyn PhysicalExpr>,
    input: Arc<dyn ExecutionPlan>,
    /// Columns of the input that are given; all of them when absent.
    projection: Option<Arc<[usize]>>,
    fetch: Option<usize>,
    properties: Arc<PlanProperties>,
}

impl ParameterFilterExec {
    /// The same as `filter`, which has parameters in its condition.
    pub(crate) fn new(filter: &FilterExec) -> ParameterFilterExec {
        ParameterFilterExec {
            predicate: filter.predicate().clone(),
            input: filter.input().clone(),
            projection: filter.projection().as_deref().map(Into::into),
            fetch: filter.fetch(),
            properties: filter.properties().clone(),
        }
    }
}

impl DisplayAs for ParameterFilterExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ParameterFilterExec: {}", self.predicate)
    }
}

impl ExecutionPlan for ParameterFilterExec {
    fn name(&self) -> &'static str {
        "ParameterFilterExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DataFusionResult<TreeNodeRecursion>,
    ) -> DataFusionResult<TreeNodeRecursion> {
        f(&self.predicate)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        self.over(children)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        self.over(children)
    }

    fn execute(&self, partition: usize, task: Arc<TaskContext>) -> DataFusionResult<SendableRecordBatchStream> {
        let parameters = task.session_config().get_extension::<Parameters>();
        let parameters =
            parameters.ok_or_else(|| internal_datafusion_err!("a plan with parameters runs without values"))?;
        let predicate = predicate_with(&self.predicate, &parameters.0)?;
        let schema = self.properties.equivalence_properties().schema().clone();
        let state = State {
            input: Some(self.input.execute(partition, task.clone())?),
            predicate,
            projection: self.projection.clone(),
            kept: BatchCoalescer::new(schema.clone(), task.session_config().batch_size()),
            left: self.fetch.unwrap_or(usize::MAX),
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream::try_unfold(state, next))))
    }
}

impl ParameterFilterExec {
    fn over(&self, mut children: Vec<Arc<dyn ExecutionPlan>>) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let input = children.pop().ok_or_else(|| internal_datafusion_err!("a filter needs an input"))?;
        Ok(Arc::new(ParameterFilterExec { input, ..self.clone() }))
    }
}

struct State {
    /// None when it has ended.
    input: Option<SendableRecordBatchStream>,
    predicate: Arc<dyn PhysicalExpr>,
    projection: Option<Arc<[usize]>>,
    kept: BatchCoalescer,
    /// Rows that may still be given.
    left: usize,
}

impl State {
    fn push(&mut self, batch: RecordBatch) -> DataFusionResult<()> {
        let mask = self.predicate.evaluate(&batch)?.into_array(batch.num_rows())?;
        let mask = mask.as_boolean_opt().ok_or_else(|| internal_datafusion_err!("a condition is no Boolean"))?;
        let batch = match &self.projection {
            Some(projection) => batch.project(projection)?,
            None => batch,
        };
        Ok(self.kept.push_batch(filter_record_batch(&batch, mask)?)?)
    }
}

async fn next(mut state: State) -> DataFusionResult<Option<(RecordBatch, State)>> {
    loop {
        if let Some(batch) = state.kept.next_completed_batch() {
            let batch = if state.left < batch.num_rows() { batch.slice(0, state.left) } else { batch };
            if batch.num_rows() == 0 {
                return Ok(None);
            }
            state.left -= batch.num_rows();
            return Ok(Some((batch, state)));
        }
        let Some(input) = &mut state.input else { return Ok(None) };
        match input.next().await {
            Some(batch) => state.push(batch?)?,
            None => {
                state.input = None;
                state.kept.finish_buffered_batch()?;
            }
        }
        if state.left <= state.kept.get_buffered_rows() {
            state.input = None;
            state.kept.finish_buffered_batch()?;
        }
    }
}
