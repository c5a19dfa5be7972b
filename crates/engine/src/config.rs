//! What can be chosen about an engine, resolved.

use std::path::PathBuf;
use std::time::Duration;

use query::RuntimeConfig;
use store::StoreConfig;

use crate::access::Access;

/// How long a server lets a statement hold its snapshot where nobody says otherwise: a day.
pub const SNAPSHOT_AGE_MAX: Duration = Duration::from_secs(86_400);

/// How long a server keeps a dropped table where nobody says otherwise, as ClickHouse.
pub const DROP_DELAY: Duration = Duration::from_secs(480);

/// Choices, made once at start.
#[derive(Clone, Debug, Default)]
pub struct EngineConfig {
    /// Of the store.
    pub store: StoreConfig,
    /// Of queries.
    pub runtime: RuntimeConfig,
    /// Who may do what.
    pub access: Access,
    /// The only folder that BACKUP and RESTORE may use; absent, they are refused.
    pub backups: Option<PathBuf>,
    /// A statement that holds its snapshot longer than this is ended: it keeps files of parts that are long merged. None:
    /// never.
    pub snapshot_age_max: Option<Duration>,
    /// A table that is dropped is kept this long for UNDROP (`database_atomic_delay_before_drop_table_sec`); zero: not at
    /// all.
    pub drop_delay: Duration,
    /// Statements that may run at once; 0: no limit.
    pub concurrent_queries_max: usize,
}

impl EngineConfig {
    /// What a server over `folder` has: as many threads as cores, user files beside the data.
    pub fn server(folder: &std::path::Path) -> EngineConfig {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        EngineConfig {
            runtime: RuntimeConfig {
                threads,
                user_files: Some(folder.join("user_files")),
                spill_dir: Some(folder.join("tmp")),
                ..RuntimeConfig::default()
            },
            backups: Some(folder.join("backups")),
            snapshot_age_max: Some(SNAPSHOT_AGE_MAX),
            drop_delay: DROP_DELAY,
            concurrent_queries_max: 100,
            ..EngineConfig::default()
        }
    }

    /// Reads files of `file()` in another folder.
    #[must_use]
    pub fn with_user_files(mut self, folder: PathBuf) -> EngineConfig {
        self.runtime.user_files = Some(folder);
        self
    }
}
