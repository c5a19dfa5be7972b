//! How DataFusion is set up: its optimizer rules and physical planner, and nothing that would guess at types.
//!
//! The SQL front end and the analyzer (type coercion) are off: the binder owns ClickHouse's semantics and emits plans
//! whose operands already agree.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::config::{ConfigNonZeroUsize, ConfigOptions};
use datafusion::execution::TaskContext;
use datafusion::execution::config::SessionConfig;
use datafusion::execution::context::QueryPlanner;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner};
use functions::QueryTime;
use types::Setting;

use crate::bind::guard::GuardFilters;
use crate::context::QueryContext;
use crate::nodes;
use crate::parameters::{Cell, Parameters, Values};

/// Plans the standard nodes as DataFusion does, and ours.
#[derive(Debug)]
struct Planner;

#[async_trait]
impl QueryPlanner for Planner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
        let planner = DefaultPhysicalPlanner::with_extension_planners(nodes::extension_planners());
        nodes::attentive::attentive(planner.create_physical_plan(plan, session).await?)
    }
}

/// The session that every compilation starts from.
pub(crate) fn template() -> SessionState {
    SessionStateBuilder::new()
        .with_session_id(String::new())
        .with_analyzer_rules(Vec::new())
        .with_query_planner(planner())
        .with_optimizer_rule(Arc::new(GuardFilters))
        .with_config(SessionConfig::from(options()))
        .build()
}

/// Standard nodes and ours.
pub(crate) fn planner() -> Arc<dyn QueryPlanner + Send + Sync> {
    Arc::new(Planner)
}

/// Options that no query changes.
pub(crate) fn options() -> ConfigOptions {
    let mut options = ConfigOptions::new();
    options.catalog.create_default_catalog_and_schema = false;
    options.execution.target_partitions = 1;
    options.execution.planning_concurrency = 1;
    options.execution.collect_statistics = false;
    // Every Arrow field of ours is nullable, whatever an aggregate thinks of its result.
    options.execution.skip_physical_aggregate_schema_check = true;
    // Leaves give as many partitions as they are worth; rows that were sorted stay together, so that groupArray over an
    // ordered subquery sees them in order.
    options.optimizer.enable_round_robin_repartition = false;
    // Leaves prune by the predicates of the plan; filters that appear while it runs would make plans stateful.
    options.optimizer.enable_dynamic_filter_pushdown = false;
    options.optimizer.enable_topk_dynamic_filter_pushdown = false;
    options.optimizer.enable_join_dynamic_filter_pushdown = false;
    options.optimizer.enable_aggregate_dynamic_filter_pushdown = false;
    // With two sides of known size the smaller is held in memory, whole by every thread if it is no larger than this: then
    // the other side need not be divided by the key.
    options.optimizer.hash_join_single_partition_threshold = 64 << 20;
    options.optimizer.hash_join_single_partition_threshold_rows = 1 << 20;
    options
}

/// The options of one query: threads, block size, its "now" and its randomness.
pub(crate) fn config(ctx: &QueryContext) -> SessionConfig {
    let mut options = options();
    options.execution.target_partitions = ctx.threads();
    let rows = usize::try_from(ctx.settings.uint(Setting::MaxBlockSize)).unwrap_or(usize::MAX);
    options.execution.batch_size = batch_size(rows);
    // What a sort keeps back for merging its spilled runs must fit into a small limit as well.
    let spare = ctx.memory.limit_bytes() / SPARE_SHARE;
    options.execution.sort_spill_reservation_bytes = options.execution.sort_spill_reservation_bytes.min(spare);
    options
        .extensions
        .insert(QueryTime::new(ctx.now_ns, ctx.counters.next_seed()).with_pauses(Arc::clone(ctx.counters.pauses_ns())));
    SessionConfig::from(options)
}

/// Blocks inside a plan have one granule's rows: larger ones fall out of the caches of the processor.
fn batch_size(max_block_size: usize) -> ConfigNonZeroUsize {
    let rows = max_block_size.clamp(1, GRANULE_ROWS);
    ConfigNonZeroUsize::try_new(rows).expect("clamped to at least 1")
}

const GRANULE_ROWS: usize = 8_192;
/// The share of a query's memory that each sort keeps back.
const SPARE_SHARE: usize = 16;

/// The state in which a plan of this query is optimised and planned.
pub(crate) fn state(ctx: &QueryContext) -> SessionState {
    configured(ctx.runtime.template.clone(), config(ctx))
}

/// The same for [`crate::brief`]: one partition, one pass over few rules.
pub(crate) fn brief_state(ctx: &QueryContext) -> SessionState {
    let mut config = config(ctx);
    config.options_mut().execution.target_partitions = 1;
    config.options_mut().optimizer.max_passes = 1;
    configured(ctx.runtime.brief_template.clone(), config)
}

fn configured(mut state: SessionState, config: SessionConfig) -> SessionState {
    *state.config_mut() = config;
    let options = state.config_options().clone();
    state.execution_props_mut().config_options = Some(options);
    state
}

/// The state for a plan whose parameters find their values in `cell`.
pub(crate) fn with_cell(mut state: SessionState, cell: &Cell) -> SessionState {
    state.config_mut().options_mut().extensions.insert(cell.clone());
    let options = state.config_options().clone();
    state.execution_props_mut().config_options = Some(options);
    state
}

/// The same for a plan that must do with less memory: joins sort their inputs, which can spill, and one thread holds less
/// than many.
pub(crate) fn frugal_state(ctx: &QueryContext) -> SessionState {
    let mut state = state(ctx);
    let options = state.config_mut().options_mut();
    options.optimizer.prefer_hash_join = false;
    options.execution.target_partitions = 1;
    let options = state.config_options().clone();
    state.execution_props_mut().config_options = Some(options);
    state
}

/// What the leaves and operators of a running plan see: the context as an extension, memory with the query's limit.
pub(crate) fn task(ctx: &Arc<QueryContext>) -> Arc<TaskContext> {
    task_of(ctx, config(ctx).with_extension(ctx.clone()))
}

/// The same for a plan with parameters.
pub(crate) fn task_with(ctx: &Arc<QueryContext>, values: Values) -> Arc<TaskContext> {
    let config = config(ctx).with_extension(ctx.clone()).with_extension(Arc::new(Parameters(values)));
    task_of(ctx, config)
}

fn task_of(ctx: &QueryContext, config: SessionConfig) -> Arc<TaskContext> {
    let runtime = RuntimeEnv { memory_pool: ctx.memory.clone(), ..ctx.runtime.execution.clone() };
    let id = ctx.caller.query_id.to_string();
    let (scalar, higher_order, aggregate, window) = Default::default();
    Arc::new(TaskContext::new(None, id, config, scalar, higher_order, aggregate, window, Arc::new(runtime)))
}
