//! How an operator runs: batches in, batches out, on one stream (each partition by itself where that is right).
//!
//! Joins read their right input whole before the left one; what they and the operators hold is taken from the query's
//! memory pool.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use datafusion::common::Result as DataFusionResult;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::equivalence::EquivalenceProperties;
use datafusion::physical_expr::{OrderingRequirements, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, ExecutionPlanProperties, Partitioning, PlanProperties,
};
use futures::{StreamExt, TryStreamExt, stream};

use super::operator::Operator;
use super::{asof, counted_set, fill, limit_by, single_row, stretch, unnest};
use crate::error::Result;

/// An operator at work on one stream.
pub(super) trait Work: Send {
    /// What a batch gives.
    fn push(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>>;

    /// More of what the last batch gives; asked again until there is nothing, before the next batch comes.
    fn more(&mut self) -> Result<Option<RecordBatch>> {
        Ok(None)
    }

    /// What is left when the input has ended.
    fn finish(&mut self) -> Result<Vec<RecordBatch>> {
        Ok(Vec::new())
    }

    /// No later row changes the result.
    fn is_done(&self) -> bool {
        false
    }

    /// About how many bytes it holds.
    fn size_bytes(&self) -> usize {
        0
    }
}

/// A physical operator.
#[derive(Debug)]
pub(super) struct OperatorExec {
    operator: Operator,
    exprs: Vec<Arc<dyn PhysicalExpr>>,
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl OperatorExec {
    pub(super) fn new(
        operator: Operator,
        exprs: Vec<Arc<dyn PhysicalExpr>>,
        inputs: Vec<Arc<dyn ExecutionPlan>>,
        schema: SchemaRef,
    ) -> OperatorExec {
        let partitions = match (&inputs[..], operator.is_local()) {
            ([only], true) => only.output_partitioning().partition_count(),
            _ => 1,
        };
        let mut equivalence = EquivalenceProperties::new(schema.clone());
        if operator.keeps_order()
            && let Some(ordering) = inputs.first().and_then(|input| input.output_ordering())
        {
            equivalence = EquivalenceProperties::new_with_orderings(schema.clone(), [ordering.clone()]);
        }
        let properties = PlanProperties::new(
            equivalence,
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        OperatorExec { operator, exprs, inputs, schema, properties: Arc::new(properties) }
    }

    /// True when many rows may come of one.
    pub(super) fn multiplies(&self) -> bool {
        matches!(self.operator, Operator::Unnest { .. } | Operator::Fill { .. } | Operator::Asof { .. })
    }

    /// The operator at work, with the whole right input of a join.
    fn start(&self, right: Option<RecordBatch>) -> Result<Box<dyn Work>> {
        let exprs = self.exprs.as_slice();
        let schema = self.schema.clone();
        Ok(match &self.operator {
            Operator::LimitBy { offset, count } => Box::new(limit_by::LimitBy::new(exprs, *offset, *count)),
            Operator::Ties { offset, count } => Box::new(limit_by::Ties::new(exprs, *offset, *count)),
            Operator::Stretch { offset, count, ties } => Box::new(stretch::Stretch::new(exprs, *offset, *count, *ties)),
            Operator::Unnest { left, .. } => Box::new(unnest::Unnest::new(exprs, *left, schema)),
            Operator::SingleRow { nullable, ty } => Box::new(single_row::SingleRow::new(*nullable, ty, schema)),
            Operator::KeepOrder => Box::new(single_row::Pass),
            Operator::Fill { bounds, prefix, targets } => {
                Box::new(fill::Fill::new(bounds.clone(), *prefix, targets, exprs, schema)?)
            }
            Operator::Asof { keys, direction, outer } => {
                Box::new(asof::Asof::new(exprs, *keys, *direction, *outer, right, schema)?)
            }
            Operator::CountedSet(kind) => Box::new(counted_set::CountedRows::new(*kind, right)?),
        })
    }
}

impl DisplayAs for OperatorExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.operator)?;
        let exprs: Vec<String> = self.exprs.iter().map(ToString::to_string).collect();
        if exprs.is_empty() { Ok(()) } else { write!(f, ": {}", exprs.join(", ")) }
    }
}

impl ExecutionPlan for OperatorExec {
    fn name(&self) -> &str {
        self.operator.name()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.inputs.iter().collect()
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        let each = if self.operator.is_local() {
            Distribution::UnspecifiedDistribution
        } else {
            Distribution::SinglePartition
        };
        vec![each; self.inputs.len()]
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        let ordering = |input: &Arc<dyn ExecutionPlan>| {
            if !self.operator.keeps_order() {
                return None;
            }
            input.output_ordering().cloned().map(OrderingRequirements::from)
        };
        self.inputs.iter().map(ordering).collect()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![self.operator.keeps_order(); self.inputs.len()]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DataFusionResult<TreeNodeRecursion>,
    ) -> DataFusionResult<TreeNodeRecursion> {
        for expr in &self.exprs {
            if f(expr)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(OperatorExec::new(self.operator.clone(), self.exprs.clone(), children, self.schema.clone())))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> DataFusionResult<SendableRecordBatchStream> {
        let reservation = MemoryConsumer::new(self.operator.name()).register(context.memory_pool());
        let left = self.inputs[0].execute(partition, context.clone())?;
        let right = match self.inputs.get(1) {
            Some(input) => Some(input.execute(0, context)?),
            None => None,
        };
        let exec =
            OperatorExec::new(self.operator.clone(), self.exprs.clone(), self.inputs.clone(), self.schema.clone());
        let state = State::Starting { exec, left, right, reservation };
        let batches = stream::try_unfold(state, step);
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), batches)))
    }
}

/// Where a running operator is.
enum State {
    Starting {
        exec: OperatorExec,
        left: SendableRecordBatchStream,
        right: Option<SendableRecordBatchStream>,
        reservation: MemoryReservation,
    },
    Running(Running),
}

struct Running {
    work: Box<dyn Work>,
    input: Option<SendableRecordBatchStream>,
    ready: VecDeque<RecordBatch>,
    reservation: MemoryReservation,
    /// What the right input takes.
    held_bytes: usize,
}

async fn step(state: State) -> DataFusionResult<Option<(RecordBatch, State)>> {
    let mut running = match state {
        State::Starting { exec, left, right, reservation } => {
            let right = match right {
                Some(right) => Some(whole(right, &reservation).await?),
                None => None,
            };
            let held_bytes = right.as_ref().map_or(0, RecordBatch::get_array_memory_size);
            let work = exec.start(right)?;
            Running { work, input: Some(left), ready: VecDeque::new(), reservation, held_bytes }
        }
        State::Running(running) => running,
    };
    loop {
        if let Some(batch) = running.ready.pop_front() {
            if batch.num_rows() == 0 {
                continue;
            }
            return Ok(Some((batch, State::Running(running))));
        }
        let more = running.work.more()?;
        running.reservation.try_resize(running.held_bytes + running.work.size_bytes())?;
        if let Some(batch) = more {
            running.ready.push_back(batch);
            continue;
        }
        let Some(input) = &mut running.input else { return Ok(None) };
        if running.work.is_done() {
            return Ok(None);
        }
        match input.next().await {
            Some(batch) => running.ready.extend(running.work.push(batch?)?),
            None => {
                running.input = None;
                running.ready.extend(running.work.finish()?);
            }
        }
        running.reservation.try_resize(running.held_bytes + running.work.size_bytes())?;
    }
}

/// Every row of a stream as one batch.
async fn whole(mut input: SendableRecordBatchStream, reservation: &MemoryReservation) -> DataFusionResult<RecordBatch> {
    let schema = input.schema();
    let mut batches = Vec::new();
    while let Some(batch) = input.try_next().await? {
        reservation.try_grow(batch.get_array_memory_size())?;
        batches.push(batch);
    }
    Ok(concat_batches(&schema, &batches)?)
}
