//! The statements that run now: bounded in number, listed in `system.processes`, ended by KILL QUERY.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use query::QueryContext;
use types::{ErrorCode, Setting, Settings};

use crate::error::{Error, Result};

/// The statements that run now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Processes {
    running: Arc<Mutex<BTreeMap<Arc<str>, Process>>>,
    max: usize,
}

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) ctx: Arc<QueryContext>,
    pub(crate) text: Arc<str>,
    pub(crate) started_ns: u64,
    /// `Select`, `Insert`…, as `system.processes` and `system.query_log` say it.
    pub(crate) kind: &'static str,
}

/// Takes the statement off the list when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    processes: Processes,
    query_id: Arc<str>,
}

impl Processes {
    /// At most `max` at once; 0: no limit.
    pub(crate) fn new(max: usize) -> Processes {
        Processes { max, ..Processes::default() }
    }

    /// Lists a statement. Refused when too many run, or one with the same id does.
    pub(crate) fn start(&self, process: Process) -> Result<Running> {
        let mut running = self.running.lock();
        let ctx = &process.ctx;
        let query_id = ctx.caller.query_id.clone();
        if self.max != 0 && running.len() >= self.max {
            let message = format!("too many simultaneous queries, maximum: {}", self.max);
            return Err(Error::refused(ErrorCode::TOO_MANY_SIMULTANEOUS_QUERIES, message));
        }
        let of_user = || running.values().filter(|process| process.ctx.caller.user == ctx.caller.user).count();
        check(&ctx.settings, Setting::MaxConcurrentQueriesForAllUsers, running.len())?;
        check(&ctx.settings, Setting::MaxConcurrentQueriesForUser, of_user())?;
        if running.contains_key(&query_id) {
            let message = format!("query with id = {query_id} is already running");
            return Err(Error::refused(ErrorCode::QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING, message));
        }
        running.insert(query_id.clone(), process);
        Ok(Running { processes: self.clone(), query_id })
    }

    /// All of them, by query id.
    pub(crate) fn list(&self) -> Vec<Process> {
        self.running.lock().values().cloned().collect()
    }
}

/// Refused when `running` statements are as many as a setting allows.
fn check(settings: &Settings, setting: Setting, running: usize) -> Result<()> {
    let limit = settings.uint(setting);
    if limit == 0 || (running as u64) < limit {
        return Ok(());
    }
    let message = format!("too many simultaneous queries: {} is {limit}", setting.def().name);
    Err(Error::refused(ErrorCode::TOO_MANY_SIMULTANEOUS_QUERIES, message))
}

impl Drop for Running {
    fn drop(&mut self) {
        self.processes.running.lock().remove(&self.query_id);
    }
}
