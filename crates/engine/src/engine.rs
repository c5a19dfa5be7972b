//! One open database: store, queries, insert path, and the upkeep beside them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use env::Env;
use query::{Caller, QueryContext, Runtime, RuntimeParts, SystemTables};
use store::{Commit, Edit, Store, TableKind};
use types::{CommitSeq, Settings};
use views::{ViewCosts, Views};

use crate::access::Credentials;
use crate::buffers::Buffers;
use crate::config::EngineConfig;
use crate::dictionaries::Refresher;
use crate::error::Result;
use crate::mutations::{Mutations, Worker};
use crate::processes::Processes;
use crate::refresh::{self, Board, Scheduler};
use crate::session::Session;
use crate::system;
use crate::telemetry::Telemetry;
use crate::upkeep::{self, Upkeep, Watched};

/// The database that names without one are in.
pub const DEFAULT_DATABASE: &str = "default";

/// An open database. Cheap to clone. [`Engine::close`] it before the process ends.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) env: Env,
    pub(crate) config: EngineConfig,
    /// The data folder.
    pub(crate) folder: PathBuf,
    pub(crate) store: Arc<Store>,
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) views: Views,
    pub(crate) processes: Processes,
    pub(crate) mutations: Mutations,
    pub(crate) mutation_worker: Worker,
    pub(crate) upkeep: Upkeep,
    pub(crate) dictionaries: Refresher,
    pub(crate) buffers: Buffers,
    pub(crate) refreshes: Scheduler,
    pub(crate) telemetry: Arc<Telemetry>,
    query_ids: AtomicU64,
    started_ns: i64,
}

impl Engine {
    /// Opens the database in `folder`, makes it when it is not there. Must be called inside a tokio runtime.
    ///
    /// A folder that another process has, that a newer version made, or that is damaged is refused in one sentence, and
    /// nothing in it is changed.
    pub async fn open(env: Env, folder: &Path, config: EngineConfig) -> Result<Engine> {
        let store = Arc::new(Store::open(env.clone(), folder, config.store).await?);
        forget_passing(&store).await?;
        for dir in [&config.runtime.user_files, &config.runtime.spill_dir].into_iter().flatten() {
            env.disk.create_dir(dir).await?;
        }
        if let Some(spilled) = &config.runtime.spill_dir {
            remove_below(&*env.disk, spilled).await?;
        }
        let telemetry = Arc::new(Telemetry::default());
        let processes = Processes::new(config.concurrent_queries_max, Arc::clone(&telemetry));
        let (costs, started_ns) = (Arc::new(ViewCosts::default()), env.clock.now_ns());
        let sources = system::Sources {
            store: Arc::clone(&store),
            telemetry: Arc::clone(&telemetry),
            processes: processes.clone(),
            costs: Arc::clone(&costs),
            folder: folder.to_owned(),
            drop_delay: config.drop_delay,
            started_ns,
        };
        let mut tables = SystemTables::standard();
        system::tables(&sources).into_iter().for_each(|table| tables.register(table));
        let board = Arc::new(Board::new());
        refresh::tables(&board).into_iter().for_each(|table| tables.register(table));
        let mutations = Mutations::default();
        tables.register(mutations.system_table());
        let parts = RuntimeParts { env: env.clone(), system: tables };
        let runtime = Runtime::new(config.runtime.clone(), parts)?;
        store.derive_by(upkeep::derives(&runtime));
        let views = Views::new(Arc::clone(&store), Arc::clone(&runtime)).with_costs(costs);
        let watched = Watched {
            telemetry: Arc::clone(&telemetry),
            processes: processes.clone(),
            snapshot_age_max: config.snapshot_age_max,
            folder: folder.to_owned(),
            drop_delay: config.drop_delay,
        };
        let caller = Caller { query_id: "start".into(), user: "default".into(), database: DEFAULT_DATABASE.into() };
        let starting = QueryContext::new(Arc::clone(&runtime), store.snapshot(), caller, Settings::default());
        mutations.queue.load(&views, &starting).await?;
        let upkeep = Upkeep::start(Arc::clone(&store), Arc::clone(&runtime), watched);
        let refreshes = Scheduler::start(board, views.clone(), runtime.clone(), processes.clone()).await?;
        let dictionaries = Refresher::start(Arc::clone(&store), Arc::clone(&runtime));
        let buffers = Buffers::start(Arc::clone(&store), Arc::clone(&runtime), views.clone());
        let query_ids = AtomicU64::new(0);
        let inner = Inner {
            env,
            config,
            folder: folder.to_owned(),
            store,
            runtime,
            views,
            processes,
            mutations,
            mutation_worker: Worker::default(),
            upkeep,
            dictionaries,
            buffers,
            refreshes,
            telemetry,
            query_ids,
            started_ns,
        };
        let engine = Engine { inner: Arc::new(inner) };
        engine.inner.mutation_worker.start(&engine);
        Ok(engine)
    }

    /// A session of a user whose credentials are right.
    pub fn session(&self, credentials: &Credentials) -> Result<Session> {
        self.inner.config.access.check(credentials)?;
        Ok(Session::new(self.clone(), &credentials.user))
    }

    /// When the engine was opened, in nanoseconds since 1970.
    pub fn started_ns(&self) -> i64 {
        self.inner.started_ns
    }

    /// Clock, randomness, disk, tasks, as given.
    pub fn env(&self) -> &Env {
        &self.inner.env
    }

    /// Number and bytes of the newest snapshot, as a checkpoint has it: equal databases give equal bytes.
    pub fn encoded_snapshot(&self) -> (CommitSeq, Vec<u8>) {
        let snapshot = self.inner.store.snapshot();
        (snapshot.seq, snapshot.encode())
    }

    /// Returns, with the reason, when the log could not be written: the outcome of the last commits is unknown, and the
    /// process must end. Never returns otherwise.
    pub async fn failed(&self) -> String {
        self.inner.store.failed().await
    }

    /// Waits for upkeep that is under way, writes what only the log has to files, and gives the folder back. Commits that
    /// come later are refused.
    pub async fn close(&self) -> Result<()> {
        self.inner.refreshes.stop().await;
        self.inner.processes.list().iter().for_each(|process| process.ctx.cancel.cancel());
        self.inner.mutation_worker.stop(self).await;
        self.inner.buffers.stop().await;
        self.inner.dictionaries.stop().await;
        self.inner.upkeep.stop().await;
        Ok(self.inner.store.close().await?)
    }

    /// An id for a query that brings none.
    pub(crate) fn new_query_id(&self) -> Arc<str> {
        let count = self.inner.query_ids.fetch_add(1, Ordering::Relaxed);
        let uuid = self.inner.env.rng.uuid();
        let hex = format!("{:032x}", uuid ^ u128::from(count));
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]).into()
    }

    /// The context of a statement that begins now, over the newest snapshot.
    pub(crate) fn context(&self, query_id: Arc<str>, user: &str, database: &str, settings: Settings) -> QueryContext {
        let caller = Caller { query_id, user: user.into(), database: database.into() };
        QueryContext::new(self.inner.runtime.clone(), self.inner.store.snapshot(), caller, settings)
    }
}

/// Rows of Join and Set tables with `persistent = 0` end with the process that took them.
async fn forget_passing(store: &Store) -> Result<()> {
    let snapshot = store.snapshot();
    let mut edits = Vec::new();
    for table in snapshot.catalog.tables().filter(|table| matches!(table.kind, TableKind::Join | TableKind::Set)) {
        let definition = query::definition::Definition::parse(table)?;
        let passes = definition.storage().is_some_and(|storage| !query::join_engine::is_persistent(storage));
        if passes && snapshot.table_parts(table.id).is_some_and(|parts| parts.rows() != 0) {
            edits.push(Edit::Truncate { table: table.id, partition: None });
        }
    }
    if !edits.is_empty() {
        store.commit(Commit::of(edits)).await?;
    }
    Ok(())
}

/// Removes what a process that was killed left in the folder of spilled rows: files, and folders of files. The folder is
/// this process's alone, for it has the lock of the data folder.
async fn remove_below(disk: &dyn env::Disk, folder: &Path) -> Result<()> {
    for entry in disk.list(folder).await? {
        let path = folder.join(&entry.name);
        if !entry.is_dir {
            disk.remove(&path).await?;
            continue;
        }
        for file in disk.list(&path).await?.iter().filter(|file| !file.is_dir) {
            disk.remove(&path.join(&file.name)).await?;
        }
        disk.remove_dir(&path).await?;
    }
    Ok(())
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("config", &self.inner.config).finish_non_exhaustive()
    }
}
