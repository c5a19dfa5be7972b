//! SYSTEM commands, and the system tables that the engine knows.

pub(crate) mod processes;

use std::sync::Arc;

use query::{QueryContext, SystemTable};
use sql::ast::{Switch, System, SystemCommand};

use crate::ddl;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::processes::Processes;

/// Runs SYSTEM.
pub(crate) async fn run(engine: &Engine, system: &System, ctx: &QueryContext) -> Result<()> {
    ddl::refuse_cluster(&system.on_cluster)?;
    let later = |what: &str| Err(Error::NotImplemented(format!("SYSTEM {what}")));
    let merges = engine.inner.store.merges();
    match &system.command {
        SystemCommand::Merges(switch, table) => {
            let table = table.as_ref().map(|table| ddl::table(ctx, table)).transpose()?.map(|table| table.id);
            match switch {
                Switch::Stop => merges.stop(table),
                Switch::Start => merges.start(table),
            }
            Ok(())
        }
        // inserts are durable and visible when they are answered: nothing waits anywhere
        SystemCommand::FlushAsyncInsertQueue(_) => Ok(()),
        SystemCommand::FlushLogs(_) => later("FLUSH LOGS"),
        SystemCommand::RefreshView(_) => later("REFRESH VIEW"),
        SystemCommand::WaitView(_) => later("WAIT VIEW"),
        SystemCommand::CancelView(_) => later("CANCEL VIEW"),
        SystemCommand::StopView(_) => later("STOP VIEW"),
        SystemCommand::PauseView(_) => later("PAUSE VIEW"),
        SystemCommand::StartView(_) => later("START VIEW"),
        SystemCommand::TestView(..) => later("TEST VIEW"),
        SystemCommand::RollbackView(..) => later("ROLLBACK VIEW"),
        SystemCommand::RepairView(_) => later("REPAIR VIEW"),
        SystemCommand::TtlMerges(..) => later("STOP|START TTL MERGES"),
        SystemCommand::Moves(..) => later("STOP|START MOVES"),
        SystemCommand::Shutdown => later("SHUTDOWN"),
        SystemCommand::Other(words) => later(words),
    }
}

/// The system tables of the engine.
pub(crate) fn tables(running: &Processes) -> Vec<Arc<dyn SystemTable>> {
    vec![processes::table(running)]
}
