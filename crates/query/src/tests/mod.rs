//! Whole plans over small sources, without the binder.

mod blocks;
mod brief;
mod plans;
mod sql;
pub(crate) mod tables;

use std::sync::Arc;

use datafusion::logical_expr::LogicalPlan;
use types::{Block, Header, Settings};

use crate::bind::Bound;
use crate::{Caller, QueryContext, Runtime, RuntimeConfig, RuntimeParts, SystemTables};

/// A runtime on simulated time.
pub(crate) fn runtime() -> Arc<Runtime> {
    let parts = RuntimeParts {
        env: env::simulated::Machine::new(1, 1_763_000_000_000_000_000).env(),
        system: SystemTables::standard(),
    };
    Runtime::new(RuntimeConfig::default(), parts).unwrap()
}

/// A query over the empty snapshot.
pub(crate) fn context(settings: &[(&str, &str)]) -> QueryContext {
    let mut set = Settings::default();
    for (name, value) in settings {
        set.set(name, value).unwrap();
    }
    let caller = Caller { query_id: "q".into(), user: "default".into(), database: "default".into() };
    QueryContext::new(runtime(), Arc::default(), caller, set)
}

/// The one column of blocks as UInt64.
pub(crate) fn numbers(blocks: &[Block]) -> Vec<u64> {
    use arrow::array::AsArray;
    use arrow::datatypes::UInt64Type;
    blocks.iter().flat_map(|block| block.array(0).as_primitive::<UInt64Type>().values().to_vec()).collect()
}

/// A plan as the binder would give it.
pub(crate) fn bound(plan: &LogicalPlan, header: Header) -> Bound {
    let uses = Vec::new();
    let (deterministic, of_one_query, outside, lists_tables) = (true, false, false, false);
    Bound { plan: plan.clone(), header, totals: None, deterministic, of_one_query, outside, uses, lists_tables }
}
