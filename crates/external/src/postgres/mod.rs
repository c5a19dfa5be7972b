//! Tables of another database: `postgresql()`.

use std::sync::Arc;

use async_trait::async_trait;
use types::Header;

use crate::database::{Database, Patience};
use crate::error::{Error, Kind, Result};
use crate::hosts::Hosts;
use crate::relation::{Blocks, Scan, Table};

/// The table at that place. Nothing is connected to before it is asked.
pub fn table(hosts: Arc<Hosts>, database: Database, patience: Patience) -> Arc<dyn Table> {
    Arc::new(Remote { _hosts: hosts, database, _patience: patience })
}

#[derive(Debug)]
struct Remote {
    _hosts: Arc<Hosts>,
    database: Database,
    _patience: Patience,
}

#[async_trait]
impl Table for Remote {
    fn kind(&self) -> Kind {
        Kind::Postgres
    }

    fn name(&self) -> String {
        format!("postgresql({}.{})", self.database.database, self.database.table)
    }

    async fn columns(&self) -> Result<Header> {
        Err(Error::NotSupported("table function \"postgresql\"".to_owned()))
    }

    async fn scan(&self, _: Scan) -> Result<Blocks> {
        Err(Error::NotSupported("table function \"postgresql\"".to_owned()))
    }
}
