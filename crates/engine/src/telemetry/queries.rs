//! One statement as `system.query_log` shows it.

use std::sync::Arc;

use query::context::Progress;
use query::spilling::SpilledFiles;
use query::system::{Cell, Rows};
use types::ErrorCode;

use super::named::{Named, named};

/// A statement that has ended.
#[derive(Clone, Debug)]
pub(crate) struct QueryRecord {
    pub(crate) query_id: Arc<str>,
    pub(crate) user: Arc<str>,
    pub(crate) database: Arc<str>,
    pub(crate) text: Arc<str>,
    pub(crate) kind: &'static str,
    /// Nanoseconds since 1970.
    pub(crate) started_ns: i64,
    pub(crate) duration_ns: u64,
    pub(crate) progress: Progress,
    pub(crate) spilled: SpilledFiles,
    pub(crate) written_rows: u64,
    pub(crate) written_bytes: u64,
    pub(crate) memory_bytes: u64,
    pub(crate) threads: u64,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) log_comment: String,
    pub(crate) failure: Option<Failure>,
}

/// Why it failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
    /// It had begun to read or answer.
    pub(crate) was_running: bool,
}

impl QueryRecord {
    pub(crate) fn ended_ns(&self) -> i64 {
        self.started_ns.saturating_add_unsigned(self.duration_ns)
    }

    /// What it adds to `system.events`.
    pub(super) fn events(&self) -> Vec<(&'static str, u64)> {
        let failed = u64::from(self.failure.is_some());
        let mut events = vec![
            ("Query", 1),
            ("FailedQuery", failed),
            ("QueryTimeMicroseconds", self.duration_ns / 1_000),
            ("SelectedRows", self.progress.read_rows),
            ("SelectedBytes", self.progress.read_bytes),
            ("InsertedRows", self.written_rows),
            ("InsertedBytes", self.written_bytes),
            ("ExternalSortWritePart", self.spilled.sort),
            ("ExternalAggregationWritePart", self.spilled.aggregation),
            ("ExternalProcessingFilesTotal", self.spilled.sort + self.spilled.aggregation),
        ];
        match self.kind {
            "Select" => events.extend([("SelectQuery", 1), ("FailedSelectQuery", failed)]),
            "Insert" => events.extend([("InsertQuery", 1), ("FailedInsertQuery", failed)]),
            _ => {}
        }
        events
    }

    /// Its start and its end, as ClickHouse logs both; a statement that never started has one row.
    pub(crate) fn show(&self, host: &str, rows: &mut Rows) {
        let ended_as = match &self.failure {
            None => 2_u64,
            Some(failure) if failure.was_running => 4,
            Some(_) => 3,
        };
        let named = if ended_as == 3 { Named::default() } else { named(&self.text, &self.database) };
        let tables = [
            ("databases", Cell::Texts(named.databases)),
            ("tables", Cell::Texts(named.tables)),
            ("columns", Cell::Texts(named.columns)),
        ];
        if ended_as != 3 {
            let mut row = self.common(host, self.started_ns);
            row.push(("type", 1_u64.into()));
            row.extend(tables.clone());
            rows.push(row);
        }
        let mut row = self.common(host, self.ended_ns());
        row.extend(tables);
        row.extend([
            // no result is kept for later queries
            ("query_cache_usage", 1_u64.into()),
            ("type", ended_as.into()),
            ("query_duration_ms", (self.duration_ns / 1_000_000).into()),
            ("read_rows", self.progress.read_rows.into()),
            ("read_bytes", self.progress.read_bytes.into()),
            ("written_rows", self.written_rows.into()),
            ("written_bytes", self.written_bytes.into()),
            ("result_rows", self.progress.result_rows.into()),
            ("result_bytes", self.progress.result_bytes.into()),
            ("memory_usage", self.memory_bytes.into()),
        ]);
        let profile = self.events().into_iter().filter(|(_, value)| *value != 0);
        row.push(("ProfileEvents", Cell::UIntMap(profile.map(|(name, value)| (name.to_owned(), value)).collect())));
        if let Some(failure) = &self.failure {
            row.push(("exception_code", i64::from(failure.code.0).into()));
            row.push(("exception", failure.message.as_str().into()));
        }
        rows.push(row);
    }

    fn common(&self, host: &str, at_ns: i64) -> Vec<(&'static str, Cell)> {
        vec![
            ("hostname", host.into()),
            ("system_processor", std::env::consts::ARCH.into()),
            ("event_date", days(at_ns)),
            ("event_time", seconds(at_ns)),
            ("event_time_microseconds", (at_ns / 1_000).into()),
            ("query_start_time", seconds(self.started_ns)),
            ("query_start_time_microseconds", (self.started_ns / 1_000).into()),
            ("initial_query_start_time", seconds(self.started_ns)),
            ("initial_query_start_time_microseconds", (self.started_ns / 1_000).into()),
            ("current_database", self.database.clone().into()),
            ("query", self.text.clone().into()),
            ("query_kind", self.kind.into()),
            ("is_initial_query", true.into()),
            ("user", self.user.clone().into()),
            ("authenticated_user", self.user.clone().into()),
            ("query_id", self.query_id.clone().into()),
            ("initial_user", self.user.clone().into()),
            ("initial_query_id", self.query_id.clone().into()),
            ("log_comment", self.log_comment.as_str().into()),
            ("peak_threads_usage", self.threads.into()),
            ("Settings", Cell::TextMap(self.settings.clone())),
        ]
    }
}

/// Nanoseconds since 1970 as a DateTime.
pub(crate) fn seconds(ns: i64) -> Cell {
    Cell::UInt(u64::try_from(ns.div_euclid(1_000_000_000)).unwrap_or(0).min(u64::from(u32::MAX)))
}

/// Nanoseconds since 1970 as a Date.
pub(crate) fn days(ns: i64) -> Cell {
    Cell::UInt(u64::try_from(ns.div_euclid(86_400_000_000_000)).unwrap_or(0).min(u64::from(u16::MAX)))
}
