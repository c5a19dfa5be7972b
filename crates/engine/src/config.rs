//! What can be chosen about an engine, resolved.

use std::path::PathBuf;

use query::RuntimeConfig;
use store::StoreConfig;

use crate::access::Access;

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
