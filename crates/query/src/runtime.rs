//! What all queries of one process share: the environment, memory, caches and registries.
//!
//! Made once at start-up and passed down; nothing here is global and nothing here belongs to one query.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionState;
use env::Env;
use external::http::Http;
use external::{AllowedHosts, Hosts};

use crate::cache::PlanCache;
use crate::dictionary::Dictionaries;
use crate::error::Result;
use crate::keys::KeyIndexes;
use crate::scan::point::PointTables;
use crate::session;
use crate::shared::SharedPlans;
use crate::system::SystemTables;

/// What an operator decides about running queries; no setting of a query changes it.
#[derive(Clone, Debug)]
pub struct RuntimeConfig {
    /// Partitions that a plan may run in at once; 1 in the simulator.
    pub threads: usize,
    /// Bytes that all queries together may reserve.
    pub memory_bytes: usize,
    /// Compiled plans that are kept.
    pub plan_cache_entries: usize,
    /// Plans that databases of this process share; none: each plans for itself.
    pub shared_plans: Option<Arc<SharedPlans>>,
    /// Bytes of key indexes that are kept; 0 makes none.
    pub key_index_bytes: usize,
    /// Where sorts and aggregations may spill; absent, they end with MEMORY_LIMIT_EXCEEDED instead.
    pub spill_dir: Option<PathBuf>,
    /// The only folder that `file()` may use; absent, `file()` is refused.
    pub user_files: Option<PathBuf>,
    /// The hosts that `url()`, `s3()`, `mysql()` and `postgresql()` may ask.
    pub external_hosts: AllowedHosts,
    /// The server's time zone.
    pub time_zone: Arc<str>,
    /// The host name that `hostName()` and system tables show.
    pub host_name: Arc<str>,
}

impl Default for RuntimeConfig {
    fn default() -> RuntimeConfig {
        RuntimeConfig {
            threads: 1,
            memory_bytes: 2 << 30,
            plan_cache_entries: 1_024,
            shared_plans: None,
            key_index_bytes: 256 << 20,
            spill_dir: None,
            user_files: None,
            external_hosts: AllowedHosts::default(),
            time_zone: "UTC".into(),
            host_name: "localhost".into(),
        }
    }
}

/// Shared by all queries.
pub struct Runtime {
    /// Clock, randomness, disk, tasks.
    pub env: Env,
    /// As decided at start-up.
    pub config: RuntimeConfig,
    /// The memory of all queries.
    pub memory: Arc<dyn MemoryPool>,
    /// Which hosts may be asked.
    pub(crate) hosts: Arc<Hosts>,
    /// Requests to them.
    pub(crate) http: Http,
    /// `system.*` and `information_schema.*`.
    pub system: SystemTables,
    /// Compiled plans.
    pub plans: PlanCache,
    /// Key indexes of part files.
    pub key_indexes: KeyIndexes,
    /// Dictionaries that were used.
    pub dictionaries: Dictionaries,
    /// Parts that were frozen since the start.
    pub frozen: FrozenParts,
    /// Tables that were looked into by key.
    pub points: PointTables,
    /// Optimizer rules and planner, made once because making them costs more than most plans.
    pub(crate) template: SessionState,
    pub(crate) brief_template: SessionState,
    /// Spill files; memory is put in per query.
    pub(crate) execution: RuntimeEnv,
}

/// The parts of a [`Runtime`] that others bring.
pub struct RuntimeParts {
    /// Clock, randomness, disk, tasks.
    pub env: Env,
    /// Everything registered at start-up.
    pub system: SystemTables,
}

impl Runtime {
    /// A runtime; an error when the spill folder cannot be used.
    pub fn new(config: RuntimeConfig, parts: RuntimeParts) -> Result<Arc<Runtime>> {
        let memory: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(config.memory_bytes));
        let spill = match &config.spill_dir {
            Some(dir) => DiskManagerMode::Directories(vec![dir.clone()]),
            None => DiskManagerMode::Disabled,
        };
        let execution = RuntimeEnvBuilder::new()
            .with_memory_pool(memory.clone())
            .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(spill))
            .build()?;
        let hosts = Arc::new(Hosts::new(config.external_hosts.clone()));
        Ok(Arc::new(Runtime {
            env: parts.env,
            http: Http::new(hosts.clone()),
            hosts,
            plans: PlanCache::new(config.plan_cache_entries),
            key_indexes: KeyIndexes::new(config.key_index_bytes),
            dictionaries: Dictionaries::default(),
            frozen: FrozenParts::default(),
            points: PointTables::default(),
            template: session::template(),
            brief_template: crate::brief::template(),
            system: parts.system,
            memory,
            execution,
            config,
        }))
    }
}

/// Parts of which FREEZE made files, as `system.parts.is_frozen` shows them: since the start, as in ClickHouse.
#[derive(Debug, Default)]
pub struct FrozenParts {
    parts: parking_lot::Mutex<BTreeSet<(types::TableId, String)>>,
}

impl FrozenParts {
    /// Remembers parts of a table; forgets those of it that are not among `there`.
    pub fn freeze(&self, table: types::TableId, there: &BTreeSet<String>, parts: impl Iterator<Item = String>) {
        let mut frozen = self.parts.lock();
        frozen.retain(|(of, part)| *of != table || there.contains(part));
        frozen.extend(parts.map(|part| (table, part)));
    }

    /// True when the part was frozen.
    pub fn has(&self, table: types::TableId, part: &str) -> bool {
        let frozen = self.parts.lock();
        !frozen.is_empty() && frozen.contains(&(table, part.to_owned()))
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("config", &self.config).finish_non_exhaustive()
    }
}
