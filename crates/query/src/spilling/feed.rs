//! What an operator that gathers rows reads through: it passes blocks on and says that one came.
//!
//! Plans have none: each run that may have to spill early puts them in. They change no row and no property of a plan.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::Result as DataFusionResult;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::execution_plan::{ReplaceChildrenOptions, replace_children_if_necessary};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, InputOrderMode, PlanProperties};
use futures::{Stream, StreamExt};

use crate::memory::QueryMemory;

/// The plan whose sorts and aggregations read through feeds, where they can spill whenever a block came.
pub(crate) fn feeding(plan: Arc<dyn ExecutionPlan>) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
    let fed = plan.transform_up(|node| {
        if !gathers(&node) {
            return Ok(Transformed::no(node));
        }
        let feeds = node.children().into_iter().map(|child| Arc::new(FeedExec { input: Arc::clone(child) }) as _);
        let feeds = feeds.collect();
        Ok(Transformed::yes(replace_children_if_necessary(node, feeds)?))
    })?;
    Ok(fed.data)
}

/// True for what spills, or gives what it has, after any block. Those that end at a number of groups do not, and over sorted
/// rows an aggregation holds little.
fn gathers(node: &Arc<dyn ExecutionPlan>) -> bool {
    if let Some(sort) = node.downcast_ref::<SortExec>() {
        return sort.fetch().is_none();
    }
    node.downcast_ref::<AggregateExec>().is_some_and(|aggregate| {
        let group = aggregate.group_expr();
        let is_partial = matches!(aggregate.mode(), AggregateMode::Partial | AggregateMode::PartialReduce);
        !group.is_true_no_grouping()
            // over grouping sets, one that gives what it has must have more than one group
            && (group.is_single() || !is_partial || 1 < group.groups().len())
            && aggregate.limit_options().is_none()
            && *aggregate.input_order_mode() == InputOrderMode::Linear
    })
}

#[derive(Debug)]
struct FeedExec {
    input: Arc<dyn ExecutionPlan>,
}

impl FeedExec {
    fn over(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Arc<dyn ExecutionPlan> {
        match children.into_iter().next() {
            Some(input) => Arc::new(FeedExec { input }),
            None => self,
        }
    }
}

impl DisplayAs for FeedExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FeedExec")
    }
}

impl ExecutionPlan for FeedExec {
    fn name(&self) -> &str {
        "FeedExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DataFusionResult<TreeNodeRecursion>,
    ) -> DataFusionResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        Ok(self.over(children))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        Ok(self.over(children))
    }

    fn execute(&self, partition: usize, task: Arc<TaskContext>) -> DataFusionResult<SendableRecordBatchStream> {
        let fed = Arc::new(AtomicBool::new(false));
        let input = self.input.execute(partition, Arc::clone(&task))?;
        // after the input: what is below registers first
        if let Some(spilling) = task.memory_pool().downcast_ref::<QueryMemory>().and_then(QueryMemory::spilling) {
            spilling.feeds(Arc::clone(&fed));
        }
        Ok(Box::pin(Feed { input, fed }))
    }
}

struct Feed {
    input: SendableRecordBatchStream,
    fed: Arc<AtomicBool>,
}

impl Stream for Feed {
    type Item = DataFusionResult<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.input.poll_next_unpin(cx);
        self.fed.store(matches!(next, Poll::Ready(Some(Ok(_)))), Ordering::Relaxed);
        next
    }
}

impl RecordBatchStream for Feed {
    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }
}
