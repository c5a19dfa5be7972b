//! What statements and parts did, remembered for `system.query_log`, `part_log`, `events` and `errors`.
//!
//! In memory, bounded in number, bytes and age, gone with the process: a statement never waits for its own log, and a log
//! never fills a disk. Recording takes one short lock.

pub(crate) mod named;
pub(crate) mod parts;
pub(crate) mod queries;

use std::collections::{BTreeMap, VecDeque};

use parking_lot::Mutex;
use types::ErrorCode;

use crate::backup::Backups;
use parts::{PartRecord, Seen};
use queries::QueryRecord;

/// Statements that are remembered.
const QUERIES_MAX: usize = 10_000;
/// Bytes of their texts.
const QUERY_BYTES_MAX: usize = 8 << 20;
/// Bytes of one text (`log_queries_cut_to_length`).
pub(crate) const TEXT_BYTES_MAX: usize = 100_000;
/// Events of parts that are remembered.
const PARTS_MAX: usize = 20_000;
/// How long anything is remembered, in nanoseconds: a week.
const AGE_MAX_NS: i64 = 7 * 86_400 * 1_000_000_000;

/// What happened since the start.
#[derive(Debug, Default)]
pub(crate) struct Telemetry {
    state: Mutex<State>,
    /// BACKUP and RESTORE.
    pub(crate) backups: Mutex<Backups>,
}

#[derive(Debug, Default)]
struct State {
    queries: VecDeque<QueryRecord>,
    query_bytes: usize,
    parts: VecDeque<PartRecord>,
    seen: Seen,
    free_bytes: u64,
    disk_bytes: u64,
    errors: BTreeMap<ErrorCode, ErrorRecord>,
    events: BTreeMap<&'static str, u64>,
}

/// How often an error was given, and the last time.
#[derive(Clone, Debug, Default)]
pub(crate) struct ErrorRecord {
    pub(crate) count: u64,
    pub(crate) at_ns: i64,
    pub(crate) message: String,
    pub(crate) query_id: String,
}

impl Telemetry {
    /// A statement has ended.
    pub(crate) fn ended(&self, record: QueryRecord, logged: bool) {
        let mut state = self.state.lock();
        for (event, value) in record.events() {
            *state.events.entry(event).or_default() += value;
        }
        if let Some(failure) = &record.failure {
            let error = state.errors.entry(failure.code).or_default();
            error.count += 1;
            error.at_ns = record.ended_ns();
            error.message.clone_from(&failure.message);
            error.query_id = record.query_id.to_string();
        }
        if !logged {
            return;
        }
        let now_ns = record.ended_ns();
        state.query_bytes += record.text.len();
        state.queries.push_back(record);
        while let Some(oldest) = state.queries.front() {
            let is_old = oldest.ended_ns() < now_ns.saturating_sub(AGE_MAX_NS);
            if !is_old && state.queries.len() <= QUERIES_MAX && state.query_bytes <= QUERY_BYTES_MAX {
                break;
            }
            state.query_bytes -= oldest.text.len();
            state.queries.pop_front();
        }
    }

    /// Compares the parts with those seen last.
    pub(crate) fn observe(&self, snapshot: &store::Snapshot, now_ns: i64) {
        let mut state = self.state.lock();
        let state = &mut *state;
        state.parts.extend(state.seen.compare(snapshot, now_ns));
        let oldest_ns = now_ns.saturating_sub(AGE_MAX_NS);
        while state.parts.front().is_some_and(|record| PARTS_MAX < state.parts.len() || record.at_ns < oldest_ns) {
            state.parts.pop_front();
        }
    }

    /// Every remembered statement, oldest first.
    pub(crate) fn queries(&self) -> Vec<QueryRecord> {
        self.state.lock().queries.iter().cloned().collect()
    }

    /// Every remembered event of a part, oldest first.
    pub(crate) fn parts(&self) -> Vec<PartRecord> {
        self.state.lock().parts.iter().cloned().collect()
    }

    /// Errors by code.
    pub(crate) fn errors(&self) -> Vec<(ErrorCode, ErrorRecord)> {
        self.state.lock().errors.iter().map(|(code, error)| (*code, error.clone())).collect()
    }

    /// Bytes of the disk, free ones and all, at the last look.
    pub(crate) fn disk_bytes(&self) -> (u64, u64) {
        let state = self.state.lock();
        (state.free_bytes, state.disk_bytes)
    }

    /// The disk was looked at.
    pub(crate) fn saw_disk(&self, free_bytes: u64, disk_bytes: u64) {
        let mut state = self.state.lock();
        (state.free_bytes, state.disk_bytes) = (free_bytes, disk_bytes);
    }

    /// Counts by name.
    pub(crate) fn events(&self) -> BTreeMap<&'static str, u64> {
        self.state.lock().events.clone()
    }
}

#[cfg(test)]
mod tests;
