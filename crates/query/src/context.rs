//! What one query carries through every path: who asks, what time it is, which snapshot is read, and the limits.
//!
//! A context is made once per query and shared by everything that runs for it. Plans never hold one: the leaves find it
//! in the task's extensions when they are executed, so that a compiled plan can run again over another snapshot.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use functions::QueryTime;
use store::Snapshot;
use tokio_util::sync::CancellationToken;
use types::{Block, ErrorCode, Setting, Settings, TableId};

use crate::error::{Error, Result};
use crate::external::Described;
use crate::memory::QueryMemory;
use crate::runtime::Runtime;
use crate::spilling::SpilledFiles;

/// Who asks.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The query's id, unique among running queries.
    pub query_id: Arc<str>,
    /// The user.
    pub user: Arc<str>,
    /// The database that names without one are in.
    pub database: Arc<str>,
}

/// Everything a running query may look at. Cheap to clone; clones share counters, memory and the cancel token.
#[derive(Clone, Debug)]
pub struct QueryContext {
    /// What all queries share.
    pub runtime: Arc<Runtime>,
    /// Who asks.
    pub caller: Caller,
    /// The query's one "now", in nanoseconds since 1970 UTC.
    pub now_ns: i64,
    /// When the query must have ended, on the monotonic clock.
    pub deadline: Option<Deadline>,
    /// Ends the query when cancelled.
    pub cancel: CancellationToken,
    /// Settings of the session and the query.
    pub settings: Settings,
    /// Values of `{name:Type}` parameters, as text.
    pub params: Arc<BTreeMap<String, String>>,
    /// The commit that is read. Its parts stay as long as this is held.
    pub snapshot: Arc<Snapshot>,
    /// Blocks that are read *instead of* these tables, at every place where the query names them: what a materialized
    /// view's SELECT sees of its trigger table.
    pub overrides: Arc<BTreeMap<TableId, Block>>,
    /// Of these tables only parts that begin after this block are read: what was inserted since.
    pub newer_than: Arc<BTreeMap<TableId, u64>>,
    /// What sources elsewhere said of themselves, where their call does not say it: asked for before the query is bound.
    pub(crate) described: Arc<BTreeMap<Arc<str>, Described>>,
    /// Dictionaries that were loaded for this query because they keep nothing between queries.
    pub loaded: Arc<std::collections::BTreeSet<TableId>>,
    /// In how many loads of dictionaries this query is.
    pub loads: u32,
    /// Memory the query holds.
    pub memory: Arc<QueryMemory>,
    /// What the query has done so far.
    pub counters: Arc<Counters>,
}

/// A moment of the monotonic clock after which a query is ended, and the limit it came from.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    /// The moment, in nanoseconds of [`env::Clock::monotonic_ns`].
    pub at_ns: u64,
    /// The limit in milliseconds, for the error.
    pub limit_ms: u64,
    /// Past it reading ends and what was read is answered (`timeout_overflow_mode = 'break'`), instead of an error.
    pub breaks: bool,
}

/// Counts that only grow, read by progress reports while the query runs.
#[derive(Debug)]
pub struct Counters {
    read_rows: AtomicU64,
    read_bytes: AtomicU64,
    result_rows: AtomicU64,
    result_bytes: AtomicU64,
    total_rows: AtomicU64,
    sort_files: AtomicU64,
    aggregation_files: AtomicU64,
    pauses_ns: Arc<AtomicU64>,
    seeds: QueryTime,
}

/// One reading of [`Counters`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// Rows read from tables and table functions.
    pub read_rows: u64,
    /// Bytes of those, in memory.
    pub read_bytes: u64,
    /// Rows of the result so far.
    pub result_rows: u64,
    /// Bytes of those, in memory.
    pub result_bytes: u64,
    /// Rows that the leaves expect to read, as far as they know.
    pub total_rows: u64,
}

impl Counters {
    /// Nothing counted yet; `seed` begins the query's randomness.
    pub(crate) fn new(seed: u64) -> Counters {
        Counters {
            read_rows: AtomicU64::new(0),
            read_bytes: AtomicU64::new(0),
            result_rows: AtomicU64::new(0),
            result_bytes: AtomicU64::new(0),
            total_rows: AtomicU64::new(0),
            sort_files: AtomicU64::new(0),
            aggregation_files: AtomicU64::new(0),
            pauses_ns: Arc::default(),
            seeds: QueryTime::new(0, seed),
        }
    }

    /// Adds a block that a leaf read.
    pub fn add_read(&self, rows: usize, bytes: usize) {
        self.read_rows.fetch_add(rows as u64, Ordering::Relaxed);
        self.read_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Adds a block of the result.
    pub fn add_result(&self, rows: usize, bytes: usize) {
        self.result_rows.fetch_add(rows as u64, Ordering::Relaxed);
        self.result_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Adds rows that a leaf is about to read.
    pub fn expect_rows(&self, rows: u64) {
        self.total_rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// Adds files that a plan wrote because memory was short.
    pub(crate) fn add_spilled(&self, files: SpilledFiles) {
        self.sort_files.fetch_add(files.sort, Ordering::Relaxed);
        self.aggregation_files.fetch_add(files.aggregation, Ordering::Relaxed);
    }

    /// Files that plans wrote because memory was short.
    pub fn spilled(&self) -> SpilledFiles {
        SpilledFiles {
            sort: self.sort_files.load(Ordering::Relaxed),
            aggregation: self.aggregation_files.load(Ordering::Relaxed),
        }
    }

    /// Where functions put the pauses that they ask for, in nanoseconds.
    pub(crate) fn pauses_ns(&self) -> &Arc<AtomicU64> {
        &self.pauses_ns
    }

    /// A seed for random functions, another one each time.
    pub(crate) fn next_seed(&self) -> u64 {
        self.seeds.next_random()
    }

    /// The counts now.
    pub fn progress(&self) -> Progress {
        Progress {
            read_rows: self.read_rows.load(Ordering::Relaxed),
            read_bytes: self.read_bytes.load(Ordering::Relaxed),
            result_rows: self.result_rows.load(Ordering::Relaxed),
            result_bytes: self.result_bytes.load(Ordering::Relaxed),
            total_rows: self.total_rows.load(Ordering::Relaxed),
        }
    }
}

/// The memory of a query with these settings.
fn memory(runtime: &Runtime, settings: &Settings) -> QueryMemory {
    let memory = QueryMemory::new(runtime.memory.clone(), settings.uint(Setting::MaxMemoryUsage));
    match runtime.config.spill_dir {
        Some(_) => memory.spilling_by(settings),
        None => memory,
    }
}

impl QueryContext {
    /// A context over `snapshot`: its "now" is read from the clock here, once, and `max_execution_time` begins.
    pub fn new(runtime: Arc<Runtime>, snapshot: Arc<Snapshot>, caller: Caller, settings: Settings) -> QueryContext {
        let clock = &runtime.env.clock;
        let (now_ns, started_ns) = (clock.now_ns(), clock.monotonic_ns());
        QueryContext {
            now_ns,
            deadline: Deadline::from_settings(&settings, started_ns),
            cancel: CancellationToken::new(),
            params: Arc::default(),
            overrides: Arc::default(),
            newer_than: Arc::default(),
            described: Arc::default(),
            loaded: Arc::default(),
            loads: 0,
            memory: Arc::new(memory(&runtime, &settings)),
            // The environment is asked once: how often a query is planned must not show in anything but its own values.
            counters: Arc::new(Counters::new(runtime.env.rng.u64())),
            runtime,
            caller,
            settings,
            snapshot,
        }
    }

    /// The same query with other settings: a SELECT's own SETTINGS clause. The deadline stays.
    #[must_use]
    pub fn with_settings(&self, settings: Settings) -> QueryContext {
        QueryContext { settings, ..self.clone() }
    }

    /// The same query, knowing what a source elsewhere said of itself.
    #[must_use]
    pub(crate) fn with_described(&self, key: Arc<str>, described: Described) -> QueryContext {
        let mut all = (*self.described).clone();
        all.insert(key, described);
        QueryContext { described: Arc::new(all), ..self.clone() }
    }

    /// The same query, for which a dictionary was loaded.
    #[must_use]
    pub fn with_loaded(&self, dictionary: TableId) -> QueryContext {
        let mut loaded = (*self.loaded).clone();
        loaded.insert(dictionary);
        QueryContext { loaded: Arc::new(loaded), ..self.clone() }
    }

    /// The same query over another snapshot.
    #[must_use]
    pub fn with_snapshot(&self, snapshot: Arc<Snapshot>) -> QueryContext {
        QueryContext { snapshot, ..self.clone() }
    }

    /// The same query with names resolved in another database: a view's SELECT.
    #[must_use]
    pub fn with_database(&self, database: &str) -> QueryContext {
        let caller = Caller { database: database.into(), ..self.caller.clone() };
        QueryContext { caller, ..self.clone() }
    }

    /// The same query with parameter values.
    #[must_use]
    pub fn with_params(&self, params: BTreeMap<String, String>) -> QueryContext {
        QueryContext { params: Arc::new(params), ..self.clone() }
    }

    /// The same query with `block` read in the place of `table`.
    #[must_use]
    pub fn with_override(&self, table: TableId, block: Block) -> QueryContext {
        let mut overrides = (*self.overrides).clone();
        overrides.insert(table, block);
        QueryContext { overrides: Arc::new(overrides), ..self.clone() }
    }

    /// The same query, reading of `table` only what was inserted after this block. No merge may reach over it: see
    /// [`store::Edit::MoveMark`].
    #[must_use]
    pub fn with_newer_than(&self, table: TableId, block: u64) -> QueryContext {
        let mut newer_than = (*self.newer_than).clone();
        newer_than.insert(table, block);
        QueryContext { newer_than: Arc::new(newer_than), ..self.clone() }
    }

    /// An error when the query must end: it was cancelled, or its time is over. Called between blocks.
    pub fn check(&self) -> Result<()> {
        if self.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        match self.deadline {
            Some(deadline) if !deadline.breaks && self.is_past(deadline) => {
                Err(Error::TimedOut { limit_ms: deadline.limit_ms })
            }
            _ => Ok(()),
        }
    }

    /// True when leaves must end as if there were no more rows: past a deadline that breaks off.
    pub fn breaks_off(&self) -> bool {
        self.deadline.is_some_and(|deadline| deadline.breaks && self.is_past(deadline))
    }

    fn is_past(&self, deadline: Deadline) -> bool {
        deadline.at_ns <= self.runtime.env.clock.monotonic_ns()
    }

    /// Counts a block that a leaf read. Beyond `max_rows_to_read` or `max_bytes_to_read` an error, or false: read no more.
    pub fn count_read(&self, rows: usize, bytes: usize) -> Result<bool> {
        self.counters.add_read(rows, bytes);
        let progress = self.counters.progress();
        let limits = [
            (Setting::MaxRowsToRead, progress.read_rows, ErrorCode::TOO_MANY_ROWS),
            (Setting::MaxBytesToRead, progress.read_bytes, ErrorCode::TOO_MANY_BYTES),
        ];
        for (setting, reached, code) in limits {
            let limit = self.settings.uint(setting);
            if limit != 0 && limit < reached {
                if self.settings.text(Setting::ReadOverflowMode) == "break" {
                    return Ok(false);
                }
                return Err(Error::TooMuch { what: setting.def().name, code, limit, reached });
            }
        }
        Ok(true)
    }

    /// The zone of dates and times without one: `session_timezone`, else the server's.
    pub fn time_zone(&self) -> &str {
        match self.settings.text(Setting::SessionTimezone) {
            "" => &self.runtime.config.time_zone,
            zone => zone,
        }
    }

    /// In how many partitions a plan may run at once: `max_threads`, at most what the runtime allows.
    pub fn threads(&self) -> usize {
        let allowed = self.runtime.config.threads.max(1);
        match usize::try_from(self.settings.uint(Setting::MaxThreads)).unwrap_or(usize::MAX) {
            0 => allowed,
            wanted => wanted.min(allowed),
        }
    }
}

impl Deadline {
    /// What `max_execution_time` means for a query that starts now.
    pub fn from_settings(settings: &Settings, started_ns: u64) -> Option<Deadline> {
        let seconds = settings.float(Setting::MaxExecutionTime);
        if seconds <= 0.0 {
            return None;
        }
        // A float beyond the range of u64 saturates: no deadline that anyone would see.
        let limit_ms = (seconds * 1_000.0) as u64;
        let breaks = settings.text(Setting::TimeoutOverflowMode) == "break";
        Some(Deadline { at_ns: started_ns.saturating_add(limit_ms.saturating_mul(1_000_000)), limit_ms, breaks })
    }
}
