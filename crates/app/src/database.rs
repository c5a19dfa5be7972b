//! A data folder, opened and closed: the user's, or a temporary one that is gone afterwards.

use std::path::{Path, PathBuf};

use engine::{Access, AllowedHosts, Credentials, Engine, EngineConfig, Env, Session, StoreConfig};
use env::AbortOnDrop;

use crate::allocator;
use crate::error::{Error, Result};

/// An open database.
pub(crate) struct Database {
    pub(crate) engine: Engine,
    /// A temporary folder to remove at the end.
    temporary: Option<PathBuf>,
    giving_back: AbortOnDrop,
}

/// Limits of the whole process; absent ones are the usual.
#[derive(Clone, Default)]
pub(crate) struct Limits {
    pub(crate) backups: Option<PathBuf>,
    pub(crate) snapshot_age_s: Option<u64>,
    pub(crate) drop_delay_s: Option<u64>,
    pub(crate) memory_bytes: Option<usize>,
    pub(crate) queries: Option<usize>,
    pub(crate) store: Option<StoreConfig>,
    /// Hosts that may be asked; none: loopback.
    pub(crate) hosts: Vec<String>,
}

impl Database {
    /// Opens a folder; `None`: a temporary one.
    pub(crate) async fn open(folder: Option<&Path>, access: Access) -> Result<Database> {
        Database::open_limited(folder, access, Limits::default()).await
    }

    /// The same with limits.
    pub(crate) async fn open_limited(folder: Option<&Path>, access: Access, limits: Limits) -> Result<Database> {
        let env = env::real::env();
        let (path, temporary) = match folder {
            Some(folder) => (folder.to_owned(), None),
            None => {
                let path = std::env::temp_dir().join(format!("everview-{:032x}", env.rng.uuid()));
                (path.clone(), Some(path))
            }
        };
        let mut config = EngineConfig { access, ..EngineConfig::server(&path) };
        let machine = || machine_memory().map(|bytes| bytes / 10 * 9);
        config.runtime.memory_bytes = limits.memory_bytes.or_else(machine).unwrap_or(config.runtime.memory_bytes);
        let backups = limits.backups.or(config.backups.take());
        config.backups = backups.and_then(|path| std::path::absolute(path).ok());
        if let Some(seconds) = limits.snapshot_age_s {
            config.snapshot_age_max = (seconds != 0).then(|| std::time::Duration::from_secs(seconds));
        }
        if let Some(seconds) = limits.drop_delay_s {
            config.drop_delay = std::time::Duration::from_secs(seconds);
        }
        config.concurrent_queries_max = limits.queries.unwrap_or(config.concurrent_queries_max);
        config.store = limits.store.unwrap_or(config.store);
        if !limits.hosts.is_empty() {
            let hosts = AllowedHosts::parse(limits.hosts.iter().map(String::as_str));
            config.runtime.external_hosts = hosts.map_err(|error| Error::Host(error.to_string()))?;
        }
        let giving_back = allocator::keep_giving_back(&env);
        let engine = open(env, &path, config).await?;
        Ok(Database { engine, temporary, giving_back })
    }

    /// A session of the one who started the process.
    pub(crate) fn session(&self) -> Result<Session> {
        Ok(self.engine.session(&Credentials::default())?)
    }

    /// Writes what must be written and gives the folder back.
    pub(crate) async fn close(self) -> Result<()> {
        // the engine waits for every task
        drop(self.giving_back);
        let closed = self.engine.close().await;
        if let Some(path) = &self.temporary
            && let Err(error) = std::fs::remove_dir_all(path)
        {
            tracing::warn!(path = %path.display(), %error, "the temporary folder is left behind");
        }
        Ok(closed?)
    }
}

/// Bytes of memory that the machine has, where it says so.
fn machine_memory() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    total.split_whitespace().next()?.parse::<usize>().ok()?.checked_mul(1024)
}

async fn open(env: Env, path: &Path, mut config: EngineConfig) -> Result<Engine> {
    // relative paths of file() are those of a data folder that is known whole
    config.runtime.user_files = std::path::absolute(path).ok().map(|path| path.join("user_files"));
    Engine::open(env, path, config)
        .await
        .map_err(|reason| Error::Open { path: path.to_owned(), reason: Box::new(reason) })
}
