//! Which merges run now, and for which tables background merges are stopped (SYSTEM STOP MERGES).
//!
//! Decides and runs nothing: the policy asks [`Merges::may_run`], a merge says here that it runs. A stop is not remembered
//! over a restart, as in ClickHouse, and does not end a merge that is under way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;
use parts::PartName;
use types::TableId;

use crate::merge_policy::MergePlan;

/// The merges of a store. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Merges {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    merges: Stopped,
    ttl: Stopped,
    /// Tables with queued mutations, and how many: parts before one and after it must not become one.
    held: BTreeMap<TableId, usize>,
    last_number: u64,
    running: BTreeMap<u64, RunningMerge>,
}

/// Where some work is stopped.
#[derive(Debug, Default)]
struct Stopped {
    everywhere: bool,
    stopped: BTreeSet<TableId>,
    /// Tables started again while all others are stopped.
    started: BTreeSet<TableId>,
}

impl Stopped {
    fn stop(&mut self, table: Option<TableId>) {
        match table {
            Some(table) => {
                self.started.remove(&table);
                self.stopped.insert(table);
            }
            None => {
                self.everywhere = true;
                self.started.clear();
            }
        }
    }

    fn start(&mut self, table: Option<TableId>) {
        match table {
            Some(table) => {
                self.stopped.remove(&table);
                self.started.insert(table);
            }
            None => *self = Stopped::default(),
        }
    }

    fn may_run(&self, table: TableId) -> bool {
        !self.stopped.contains(&table) && (!self.everywhere || self.started.contains(&table))
    }
}

/// A merge under way, as `system.merges` shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunningMerge {
    /// The table.
    pub table: TableId,
    /// The parts that become one.
    pub inputs: Vec<PartName>,
    /// What they become.
    pub output: PartName,
    /// When it began, nanoseconds since 1970.
    pub started_ns: i64,
    /// Rows in the inputs.
    pub rows: u64,
    /// Bytes in the inputs.
    pub size_bytes: u64,
    /// Rows read and merged so far.
    pub rows_done: u64,
}

/// Shows a merge as running while it lives.
#[derive(Debug)]
pub(crate) struct Running {
    state: Arc<Mutex<State>>,
    number: u64,
}

impl Merges {
    /// SYSTEM STOP MERGES [table]: nothing that is not asked for is merged. Without a table: nowhere.
    pub fn stop(&self, table: Option<TableId>) {
        self.state.lock().merges.stop(table);
    }

    /// SYSTEM START MERGES [table]. Without a table: everywhere.
    pub fn start(&self, table: Option<TableId>) {
        self.state.lock().merges.start(table);
    }

    /// Nothing of the table is merged from here on, until [`Merges::release`] was called as often.
    pub fn hold(&self, table: TableId) {
        *self.state.lock().held.entry(table).or_default() += 1;
    }

    /// Takes a [`Merges::hold`] back.
    pub fn release(&self, table: TableId) {
        let mut state = self.state.lock();
        if let Some(count) = state.held.get_mut(&table) {
            *count -= 1;
            if *count == 0 {
                state.held.remove(&table);
            }
        }
    }

    /// True when background merges of this table may run.
    pub fn may_run(&self, table: TableId) -> bool {
        let state = self.state.lock();
        !state.held.contains_key(&table) && state.merges.may_run(table)
    }

    /// SYSTEM STOP TTL MERGES [table]: merges leave what is past its time.
    pub fn stop_ttl(&self, table: Option<TableId>) {
        self.state.lock().ttl.stop(table);
    }

    /// SYSTEM START TTL MERGES [table].
    pub fn start_ttl(&self, table: Option<TableId>) {
        self.state.lock().ttl.start(table);
    }

    /// True when merges of this table deal with what is past its time.
    pub fn may_expire(&self, table: TableId) -> bool {
        self.state.lock().ttl.may_run(table)
    }

    /// The merges under way, oldest first.
    pub fn running(&self) -> Vec<RunningMerge> {
        self.state.lock().running.values().cloned().collect()
    }

    /// A merge begins.
    pub(crate) fn begin(&self, plan: &MergePlan, started_ns: i64) -> Option<Running> {
        let merge = RunningMerge {
            table: plan.table,
            inputs: plan.inputs.clone(),
            output: PartName::merged(&plan.inputs)?,
            started_ns,
            rows: plan.rows,
            size_bytes: plan.size_bytes,
            rows_done: 0,
        };
        let mut state = self.state.lock();
        state.last_number += 1;
        let number = state.last_number;
        state.running.insert(number, merge);
        Some(Running { state: Arc::clone(&self.state), number })
    }
}

impl Running {
    /// Counts merged rows; the closure may outlive the merge.
    pub(crate) fn progress(&self) -> impl Fn(u64) + Send + Sync + use<> {
        let (state, number) = (Arc::clone(&self.state), self.number);
        move |rows| {
            if let Some(merge) = state.lock().running.get_mut(&number) {
                merge.rows_done += rows;
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.state.lock().running.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_stop_for_one_table_or_all() {
        let (merges, [a, b]) = (Merges::default(), [TableId(1), TableId(2)]);
        merges.stop(Some(a));
        assert!(!merges.may_run(a) && merges.may_run(b));
        merges.stop(None);
        assert!(!merges.may_run(b));
        merges.start(Some(b));
        assert!(!merges.may_run(a) && merges.may_run(b), "one table may go on while all others are stopped");
        merges.start(None);
        assert!(merges.may_run(a) && merges.may_run(b));
    }

    #[test]
    fn a_merge_is_listed_while_it_runs() {
        let merges = Merges::default();
        let inputs = ["all_1_1_0", "all_2_2_0"].map(|text| PartName::parse(text).unwrap()).to_vec();
        let partition_id = inputs[0].partition_id.clone();
        let plan = MergePlan { table: TableId(1), partition_id, inputs, rows: 10, size_bytes: 100 };
        let running = merges.begin(&plan, 5).unwrap();
        running.progress()(4);
        let listed = merges.running();
        assert_eq!((listed[0].output.to_string().as_str(), listed[0].rows_done), ("all_1_2_1", 4));
        drop(running);
        assert!(merges.running().is_empty());
    }
}
