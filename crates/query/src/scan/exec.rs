//! The physical leaf: reads a [`Source`] with the context of the query that runs.
//!
//! Holds no rows, no snapshot and no state between runs, so it needs no reset.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::internal_err;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties, ReplaceChildrenOptions, Statistics,
};
use futures::{StreamExt, TryStreamExt, stream};
use types::Setting;

use super::predicate::Known;
use super::{Blocks, Predicate, Read, Source};
use crate::context::QueryContext;
use crate::error::Error;
use crate::parameters::{Parameters, Values, filter_with};

/// Reads a source.
#[derive(Debug)]
pub struct ScanExec {
    source: Arc<dyn Source>,
    read: Read,
    /// Filters whose constants come with the run; the predicate of `read` knows nothing of those.
    open_filters: Option<Arc<[Expr]>>,
    /// About how many rows it was planned for; absent where that did not matter.
    rows_planned: Option<u64>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl ScanExec {
    /// A leaf that reads `source` in `read.shares` partitions.
    pub fn new(source: Arc<dyn Source>, read: Read) -> ScanExec {
        let schema = read.header(source.header()).arrow_schema();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema.clone()),
            Partitioning::UnknownPartitioning(read.shares),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        ScanExec { source, read, open_filters: None, rows_planned: None, schema, properties: Arc::new(properties) }
    }

    /// The same leaf; `filters` have parameters, and with the values of a run they say what may be left out.
    #[must_use]
    pub(crate) fn with_open_filters(mut self, filters: Arc<[Expr]>) -> ScanExec {
        self.open_filters = Some(filters);
        self
    }

    /// The same leaf, in a plan for about so many rows; [`u64::MAX`] when nobody knows.
    #[must_use]
    pub(crate) fn planned_for(mut self, rows: u64) -> ScanExec {
        self.rows_planned = Some(rows);
        self
    }

    /// About how many rows it was planned for; absent where that did not matter.
    pub(crate) fn rows_planned(&self) -> Option<u64> {
        self.rows_planned
    }

    /// What is read with these values.
    fn read_with(&self, values: Option<&Values>) -> Result<Read> {
        let Some(filters) = &self.open_filters else { return Ok(self.read.clone()) };
        let Some(values) = values else { return internal_err!("a leaf with parameters runs without values") };
        let filters = filters.iter().map(|filter| filter_with(filter, values)).collect::<Result<Vec<_>>>()?;
        let predicate = Arc::new(Predicate::from_filters(&filters, &Known::of(&*self.source)));
        Ok(Read { predicate, ..self.read.clone() })
    }

    /// About how many rows it would read now, with the values of a run where it needs some.
    pub(crate) fn rows_expected(&self, ctx: &QueryContext, values: Option<&Values>) -> crate::error::Result<u64> {
        self.source.rows_expected(ctx, &self.read_with(values)?)
    }

    /// The same for any values: what the planner is told.
    pub(crate) fn rows_at_most(&self, ctx: &QueryContext) -> crate::error::Result<u64> {
        self.source.rows_expected(ctx, &self.read)
    }

    /// What it would read now, for EXPLAIN.
    pub(crate) async fn forecast(&self, ctx: &Arc<QueryContext>) -> crate::error::Result<String> {
        self.source.forecast(ctx, &self.read).await
    }
}

impl DisplayAs for ScanExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.schema.fields().iter().map(|field| field.name().as_str()).collect();
        write!(f, "ScanExec: {}, columns=[{}]", self.source.name(), names.join(", "))?;
        if *self.read.predicate != Predicate::Unknown {
            write!(f, ", prune=[{}]", self.read.predicate.display(&Known::of(&*self.source)))?;
        }
        if let Some(limit) = self.read.limit {
            write!(f, ", limit={limit}")?;
        }
        Ok(())
    }
}

impl ExecutionPlan for ScanExec {
    fn name(&self) -> &'static str {
        "ScanExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn statistics_from_inputs(&self, _: &[Arc<Statistics>], args: &StatisticsArgs) -> Result<Arc<Statistics>> {
        let known = self.rows_planned.filter(|rows| *rows != u64::MAX).and_then(|rows| usize::try_from(rows).ok());
        let mut statistics = Statistics::new_unknown(&self.schema);
        if let Some(rows) = known {
            let shares = if args.partition().is_some() { self.read.shares.max(1) } else { 1 };
            statistics.num_rows = Precision::Inexact(rows / shares);
        }
        Ok(Arc::new(statistics))
    }

    fn execute(&self, partition: usize, task: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let ctx = task
            .session_config()
            .get_extension::<QueryContext>()
            .ok_or_else(|| DataFusionError::from(Error::Plan("a leaf runs without a query".into())))?;
        let parameters = task.session_config().get_extension::<Parameters>();
        let read = Read { share: partition, ..self.read_with(parameters.as_ref().map(|parameters| &parameters.0))? };
        let blocks = guarded(self.source.read(&ctx, &read)?, ctx, read.limit);
        let batches = blocks.map(|block| Ok(block?.to_record_batch().map_err(Error::Types)?));
        let schema = self.schema.clone();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }
}

/// A query that may take less than this many bytes works in blocks of [`SMALL_BLOCK_ROWS`] rows: what operators make of a
/// block (long strings, say) is a small share of its memory too.
const SMALL_MEMORY: usize = 1 << 30;
const SMALL_BLOCK_ROWS: usize = 8_192;

fn in_small_blocks(blocks: Blocks, rows_max: usize) -> Blocks {
    let cut = move |block: types::Block| {
        let starts = (0..block.rows()).step_by(rows_max);
        let pieces = starts.map(move |start| Ok(block.slice(start, rows_max.min(block.rows() - start))));
        stream::iter(pieces)
    };
    blocks.map_ok(cut).try_flatten().boxed()
}

/// Counts what is read, and stops between blocks: at a limit, or because the query must end.
fn guarded(blocks: Blocks, ctx: Arc<QueryContext>, limit: Option<usize>) -> Blocks {
    let left = limit.unwrap_or(usize::MAX);
    // a greater max_block_size is that of the leaves themselves
    let asked = usize::try_from(ctx.settings.uint(Setting::MaxBlockSize)).unwrap_or(usize::MAX).max(1);
    let blocks = match ctx.memory.limit_bytes() < SMALL_MEMORY || asked < SMALL_BLOCK_ROWS {
        true => in_small_blocks(blocks, asked.min(SMALL_BLOCK_ROWS)),
        false => blocks,
    };
    stream::try_unfold((blocks, ctx, left), |(mut blocks, ctx, left)| async move {
        if left == 0 || ctx.breaks_off() {
            return Ok(None);
        }
        let Some(block) = blocks.try_next().await? else { return Ok(None) };
        ctx.check()?;
        let goes_on = ctx.count_read(block.rows(), block.size_bytes())?;
        // the block that reaches a limit is still given whole
        let left = if goes_on { left.saturating_sub(block.rows()) } else { 0 };
        Ok(Some((block, (blocks, ctx, left))))
    })
    .boxed()
}
