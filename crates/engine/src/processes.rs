//! The statements that run now: bounded in number, listed in `system.processes`, ended by KILL QUERY, remembered when they
//! have ended.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use query::QueryContext;
use types::{ErrorCode, Setting, Settings};

use crate::error::{Error, Result};
use crate::telemetry::queries::{Failure, QueryRecord};
use crate::telemetry::{TEXT_BYTES_MAX, Telemetry};

/// The statements that run now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Processes {
    running: Arc<Mutex<BTreeMap<Arc<str>, Process>>>,
    telemetry: Arc<Telemetry>,
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
    pub(crate) origin: Origin,
}

/// Who began a statement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// A session: limits of simultaneous queries are for these.
    Session,
    /// The schedule, which has limits of its own.
    Refresh,
}

/// Takes the statement off the list when the last clone is dropped, and remembers it.
#[derive(Debug)]
pub(crate) struct Running {
    processes: Processes,
    process: Process,
    outcome: Mutex<Outcome>,
}

/// What came of a statement so far.
#[derive(Debug, Default)]
struct Outcome {
    failure: Option<Failure>,
    written: (u64, u64),
    /// It came to its end.
    has_ended: bool,
}

impl Processes {
    /// At most `max` at once; 0: no limit.
    pub(crate) fn new(max: usize, telemetry: Arc<Telemetry>) -> Processes {
        Processes { max, telemetry, ..Processes::default() }
    }

    /// Lists a statement. Refused when too many run, or one with the same id does.
    pub(crate) fn start(&self, process: Process) -> Result<Arc<Running>> {
        let mut running = self.running.lock();
        let ctx = &process.ctx;
        let query_id = ctx.caller.query_id.clone();
        let is_limited = |process: &&Process| process.origin == Origin::Session;
        let of_sessions = || running.values().filter(is_limited);
        if process.origin == Origin::Session && self.max != 0 && of_sessions().count() >= self.max {
            let message = format!("too many simultaneous queries, maximum: {}", self.max);
            return Err(Error::refused(ErrorCode::TOO_MANY_SIMULTANEOUS_QUERIES, message));
        }
        let of_user = || of_sessions().filter(|process| process.ctx.caller.user == ctx.caller.user).count();
        if process.origin == Origin::Session {
            check(&ctx.settings, Setting::MaxConcurrentQueriesForAllUsers, || of_sessions().count())?;
            check(&ctx.settings, Setting::MaxConcurrentQueriesForUser, of_user)?;
        }
        if running.contains_key(&query_id) {
            let message = format!("query with id = {query_id} is already running");
            return Err(Error::refused(ErrorCode::QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING, message));
        }
        running.insert(query_id, process.clone());
        Ok(Arc::new(Running { processes: self.clone(), process, outcome: Mutex::default() }))
    }

    /// Cancels statements that hold a snapshot of before that moment of the monotonic clock.
    pub(crate) fn end_started_before(&self, oldest_ns: u64) {
        for process in self.running.lock().values().filter(|process| process.started_ns < oldest_ns) {
            if !process.ctx.cancel.is_cancelled() {
                let query_id = &process.ctx.caller.query_id;
                tracing::warn!(%query_id, "a statement held its snapshot longer than max_snapshot_age and is ended");
                process.ctx.cancel.cancel();
            }
        }
    }

    /// True while a SELECT runs.
    pub(crate) fn any_select(&self) -> bool {
        self.running.lock().values().any(|process| process.kind == "Select")
    }

    /// All of them, by query id.
    pub(crate) fn list(&self) -> Vec<Process> {
        self.running.lock().values().cloned().collect()
    }
}

/// Refused when `running` statements are as many as a setting allows.
fn check(settings: &Settings, setting: Setting, running: impl Fn() -> usize) -> Result<()> {
    let limit = settings.uint(setting);
    if limit == 0 || (running() as u64) < limit {
        return Ok(());
    }
    let message = format!("too many simultaneous queries: {} is {limit}", setting.def().name);
    Err(Error::refused(ErrorCode::TOO_MANY_SIMULTANEOUS_QUERIES, message))
}

impl Running {
    /// The statement failed. The first failure counts.
    pub(crate) fn failed(&self, error: &Error) {
        let has_begun = self.process.kind == "Insert" || self.process.ctx.counters.progress().read_rows != 0;
        let failure = Failure { code: error.code(), message: error.to_string(), was_running: has_begun };
        self.outcome.lock().failure.get_or_insert(failure);
    }

    /// The statement came to its end. One of a session that did not, and did not fail, was dropped by who waited for it.
    pub(crate) fn ended(&self) {
        self.outcome.lock().has_ended = true;
    }

    /// The statement wrote rows.
    pub(crate) fn wrote(&self, rows: u64, bytes: u64) {
        self.outcome.lock().written = (rows, bytes);
    }

    fn record(&self) -> QueryRecord {
        let Process { ctx, text, started_ns, kind, .. } = &self.process;
        let mut outcome = self.outcome.lock();
        if self.process.origin == Origin::Session && !outcome.has_ended {
            outcome.failure.get_or_insert_with(|| Failure {
                code: ErrorCode::QUERY_WAS_CANCELLED,
                message: "the client went away before the end".to_owned(),
                was_running: true,
            });
        }
        let settings = ctx.settings.changed_by_name().map(|(name, value)| (name.to_owned(), value.to_owned()));
        QueryRecord {
            query_id: ctx.caller.query_id.clone(),
            user: ctx.caller.user.clone(),
            database: ctx.caller.database.clone(),
            text: cut(text),
            kind,
            started_ns: ctx.now_ns,
            duration_ns: ctx.runtime.env.clock.monotonic_ns().saturating_sub(*started_ns),
            progress: ctx.counters.progress(),
            spilled: ctx.counters.spilled(),
            written_rows: outcome.written.0,
            written_bytes: outcome.written.1,
            memory_bytes: ctx.memory.peak_bytes() as u64,
            threads: ctx.threads() as u64,
            settings: settings.collect(),
            log_comment: ctx.settings.text(Setting::LogComment).to_owned(),
            failure: outcome.failure.take(),
        }
    }
}

/// The text as it is remembered.
pub(crate) fn cut(text: &Arc<str>) -> Arc<str> {
    match text.len() <= TEXT_BYTES_MAX {
        true => text.clone(),
        false => text[..text.floor_char_boundary(TEXT_BYTES_MAX)].into(),
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.processes.running.lock().remove(&self.process.ctx.caller.query_id);
        let logged = self.process.ctx.settings.flag(Setting::LogQueries);
        self.processes.telemetry.ended(self.record(), logged);
    }
}
