//! Operators that make far more rows than they read, told to let others run and to end when the query must.
//!
//! Leaves look whether their query was cancelled or its time is over, and yield now and then. A join of many equal keys
//! stays between two batches of a leaf for hours: no statement to kill it would find a thread that listens. So what comes out of
//! such an operator passes here, and what goes into a join that may give nothing for long (its condition is not all
//! equalities) comes in small pieces. Rows and their order are never changed.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::Result as DataFusionResult;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, internal_datafusion_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::coop::cooperative;
use datafusion::physical_plan::execution_plan::{CardinalityEffect, ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::joins::{
    CrossJoinExec, HashJoinExec, NestedLoopJoinExec, PiecewiseMergeJoinExec, SortMergeJoinExec,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt, stream};

use super::exec::OperatorExec;
use crate::context::QueryContext;
use crate::error::Error;

/// Rows of a piece. With a million partners each, a join is done with one in about a second.
const PIECE_ROWS: usize = 1_024;

/// As EXPLAIN would call it; it leaves it out.
pub(crate) const NAME: &str = "AttentiveExec";

/// The plan with its joins and other operators that multiply rows made attentive.
pub(crate) fn attentive(plan: Arc<dyn ExecutionPlan>) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
    let wrapped = plan.transform_up(|node| {
        let node = if may_stay_long(&node) { with_small_pieces(node)? } else { node };
        if !multiplies(&node) {
            return Ok(Transformed::no(node));
        }
        Ok(Transformed::yes(Arc::new(AttentiveExec::new(node, None)) as Arc<dyn ExecutionPlan>))
    })?;
    Ok(wrapped.data)
}

fn multiplies(node: &Arc<dyn ExecutionPlan>) -> bool {
    node.downcast_ref::<HashJoinExec>().is_some()
        || node.downcast_ref::<NestedLoopJoinExec>().is_some()
        || node.downcast_ref::<CrossJoinExec>().is_some()
        || node.downcast_ref::<SortMergeJoinExec>().is_some()
        || node.downcast_ref::<PiecewiseMergeJoinExec>().is_some()
        || node.downcast_ref::<OperatorExec>().is_some_and(OperatorExec::multiplies)
}

/// True for a join that compares many pairs of rows and may keep none.
fn may_stay_long(node: &Arc<dyn ExecutionPlan>) -> bool {
    node.downcast_ref::<HashJoinExec>().is_some_and(|join| join.filter().is_some())
        || node.downcast_ref::<NestedLoopJoinExec>().is_some()
}

/// The join with its right input, the one that it does not hold in memory, in small pieces.
fn with_small_pieces(join: Arc<dyn ExecutionPlan>) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
    let [left, right] = join.children()[..] else { return Ok(join) };
    let right = AttentiveExec::new(Arc::clone(right), Some(PIECE_ROWS));
    let children = vec![Arc::clone(left), Arc::new(right) as Arc<dyn ExecutionPlan>];
    join.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
}

/// The same batches, or pieces of them.
#[derive(Clone, Debug)]
struct AttentiveExec {
    input: Arc<dyn ExecutionPlan>,
    rows_max: Option<usize>,
    properties: Arc<PlanProperties>,
}

impl AttentiveExec {
    fn new(input: Arc<dyn ExecutionPlan>, rows_max: Option<usize>) -> AttentiveExec {
        let properties = Arc::clone(input.properties());
        AttentiveExec { input, rows_max, properties }
    }

    fn over(&self, mut children: Vec<Arc<dyn ExecutionPlan>>) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let input = children.pop().ok_or_else(|| internal_datafusion_err!("{NAME} needs an input"))?;
        Ok(Arc::new(AttentiveExec::new(input, self.rows_max)))
    }
}

impl DisplayAs for AttentiveExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)
    }
}

impl ExecutionPlan for AttentiveExec {
    fn name(&self) -> &'static str {
        NAME
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
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DataFusionResult<TreeNodeRecursion>,
    ) -> DataFusionResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
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

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }

    fn execute(&self, partition: usize, task: Arc<TaskContext>) -> DataFusionResult<SendableRecordBatchStream> {
        let ctx = task
            .session_config()
            .get_extension::<QueryContext>()
            .ok_or_else(|| DataFusionError::from(Error::Plan("an operator runs without a query".into())))?;
        let schema = self.input.schema();
        let batches = self.input.execute(partition, task)?;
        let rows_max = self.rows_max.unwrap_or(usize::MAX);
        let pieces = batches.flat_map(move |batch| stream::iter(pieces(batch, rows_max)));
        let ending = ctx.clone();
        let lasting = pieces.take_while(move |_| std::future::ready(!ending.breaks_off()));
        let checked = lasting.map(move |batch| ctx.check().map_err(DataFusionError::from).and(batch));
        Ok(Box::pin(cooperative(RecordBatchStreamAdapter::new(schema, checked))))
    }
}

fn pieces(
    batch: DataFusionResult<RecordBatch>,
    rows_max: usize,
) -> impl Iterator<Item = DataFusionResult<RecordBatch>> + Send {
    let rows = batch.as_ref().map_or(1, RecordBatch::num_rows);
    let starts = (0..rows).step_by(rows_max);
    let (whole, mut failed) = match batch {
        Ok(batch) => (Some(batch), None),
        Err(error) => (None, Some(error)),
    };
    starts.filter_map(move |start| match &whole {
        Some(batch) => Some(Ok(batch.slice(start, rows_max.min(rows - start)))),
        None => failed.take().map(Err),
    })
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, AsArray, UInt64Array};
    use arrow::datatypes::UInt64Type;

    use super::*;

    fn cut(rows: u64, rows_max: usize) -> Vec<Vec<u64>> {
        let column: ArrayRef = Arc::new(UInt64Array::from_iter_values(0..rows));
        let batch = RecordBatch::try_from_iter([("a", column)]).unwrap();
        let values = |batch: RecordBatch| batch.column(0).as_primitive::<UInt64Type>().values().to_vec();
        pieces(Ok(batch), rows_max).map(|piece| values(piece.unwrap())).collect()
    }

    #[test]
    fn pieces_are_the_rows_in_their_order() {
        assert_eq!(cut(5, 2), [vec![0, 1], vec![2, 3], vec![4]]);
        assert_eq!(cut(2, 2), [[0, 1]]);
        assert_eq!(cut(3, usize::MAX), [[0, 1, 2]]);
        assert_eq!(cut(0, 2), Vec::<Vec<u64>>::new());
    }

    #[test]
    fn an_error_is_given_once() {
        let failed = || Err(internal_datafusion_err!("gone"));
        assert_eq!(pieces(failed(), 2).map(|piece| piece.is_err()).collect::<Vec<_>>(), [true]);
        assert_eq!(pieces(failed(), usize::MAX).count(), 1);
    }
}
