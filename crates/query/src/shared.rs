//! Plans that several databases of one process share, where they have the very same tables: the simulator opens thousands
//! of databases that begin with one image, and would spend most of its time on planning the same statements.
//!
//! A plan is taken only where every definition that it was made from is, to the last field, the one that the snapshot has.
//! Plans that read no stored table, or rows from elsewhere (computed ones like `numbers` aside), are never shared: what else
//! there is belongs to one database.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use store::{Snapshot, TableDef};

use crate::cache::PlanKey;
use crate::prepare::Prepared;

/// Statements that are kept; beyond it, all are forgotten.
const STATEMENTS_MAX: usize = 4_096;
/// Plans of one statement, over different definitions.
const PLANS_MAX: usize = 4;

/// Plans by statement, those used last first.
#[derive(Debug, Default)]
pub struct SharedPlans {
    plans: Mutex<HashMap<PlanKey, VecDeque<Plan>>>,
}

#[derive(Debug)]
struct Plan {
    prepared: Prepared,
    definitions: Vec<Arc<TableDef>>,
}

impl SharedPlans {
    /// The plan of a statement, when one was made from the definitions of this snapshot.
    pub fn get(&self, key: &PlanKey, snapshot: &Snapshot) -> Option<Prepared> {
        let mut plans = self.plans.lock();
        let plans = plans.get_mut(key)?;
        let is_there = |def: &Arc<TableDef>| snapshot.catalog.table_by_id(def.id).is_some_and(|now| now == def);
        let place = plans.iter().position(|plan| plan.definitions.iter().all(is_there))?;
        let plan = plans.remove(place)?;
        let prepared = plan.prepared.clone();
        plans.push_front(plan);
        Some(prepared)
    }

    /// Keeps a plan. Does nothing with one that must not be kept.
    pub fn put(&self, key: PlanKey, prepared: &Prepared, snapshot: &Snapshot) {
        let is_bound_to_one = prepared.outside || prepared.lists_tables || prepared.uses.is_empty();
        if is_bound_to_one || !prepared.deterministic || !prepared.compiled.is_reusable() {
            return;
        }
        let definitions = prepared.uses.iter().map(|(id, _)| snapshot.catalog.table_by_id(*id).cloned());
        let Some(definitions) = definitions.collect::<Option<Vec<_>>>() else { return };
        let mut plans = self.plans.lock();
        if STATEMENTS_MAX <= plans.len() && !plans.contains_key(&key) {
            plans.clear();
        }
        let plans = plans.entry(key).or_default();
        plans.truncate(PLANS_MAX - 1);
        plans.push_front(Plan { prepared: prepared.clone(), definitions });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parts::MergeMode;
    use store::{Commit, Edit, TableDef};

    use super::SharedPlans;
    use crate::tests::tables::snapshot;
    use crate::{Caller, QueryContext, Runtime, RuntimeConfig, RuntimeParts, SystemTables};

    /// A query in a database of its own, that shares plans.
    fn context(plans: &Arc<SharedPlans>, snapshot: Arc<store::Snapshot>) -> Arc<QueryContext> {
        let env = env::simulated::Machine::new(1, 1_763_000_000_000_000_000).env();
        let parts = RuntimeParts { env, system: SystemTables::standard() };
        let config = RuntimeConfig { shared_plans: Some(plans.clone()), ..RuntimeConfig::default() };
        let caller = Caller { query_id: "q".into(), user: "default".into(), database: "d".into() };
        let runtime = Runtime::new(config, parts).unwrap();
        Arc::new(QueryContext::new(runtime, snapshot, caller, Default::default()))
    }

    async fn count(sql: &str, ctx: &Arc<QueryContext>) -> usize {
        let statement = sql::parse_statement(sql).unwrap();
        let sql::ast::StatementKind::Query(query) = &statement.kind else { panic!("no query: {sql}") };
        let blocks = crate::select(query, ctx).await.unwrap().collect().await.unwrap();
        blocks.iter().map(|block| block.rows()).sum()
    }

    #[tokio::test(start_paused = true)]
    async fn databases_with_the_same_table_share_its_plan_and_others_do_not() {
        let plans = Arc::new(SharedPlans::default());
        let kept = |plans: &SharedPlans| plans.plans.lock().values().map(|kept| kept.len()).sum::<usize>();
        let one = snapshot(MergeMode::Plain, &[&[(1, 10, "a"), (2, 11, "b")]]);
        let other = snapshot(MergeMode::Plain, &[&[(3, 20, "c")]]);
        assert_eq!(count("SELECT id FROM t", &context(&plans, one.clone())).await, 2);
        assert_eq!(count("SELECT id FROM t", &context(&plans, other)).await, 1);
        assert_eq!(kept(&plans), 1);
        let def = one.catalog.table("d", "t").unwrap();
        let edit = Edit::AlterTable(Arc::new(TableDef { comment: "other".into(), ..(**def).clone() }));
        let altered = Arc::new(one.apply(&Commit::of(vec![edit])).unwrap().snapshot);
        assert_eq!(count("SELECT id FROM t", &context(&plans, altered)).await, 2);
        assert_eq!(kept(&plans), 2, "another definition has another plan");
        for other in ["SELECT name FROM system.tables", "SELECT number FROM numbers(3)", "SELECT rand() FROM t"] {
            assert!(count(other, &context(&plans, one.clone())).await > 0);
        }
        assert_eq!(kept(&plans), 2, "what belongs to one database or one run is not shared");
    }
}
