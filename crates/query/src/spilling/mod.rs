//! When sorts and aggregations go to the disk although memory is left: `max_bytes_before_external_sort`,
//! `max_bytes_before_external_group_by` and their ratios.
//!
//! An operator spills when the memory that it asks for is refused. It does so only for what it asks for right after a
//! block came in: while it sorts a run, merges runs or gives its result, a refusal would end the query. So each such
//! operator reads through a [`feed`], which says when a block came. Never here: the limits past which a query fails.

mod feed;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::ThreadId;

use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use parking_lot::Mutex;
use types::{Setting, Settings};

pub(crate) use feed::feeding;

/// A run of fewer bytes is not worth a file, and files are few that way.
const RUN_BYTES_MIN: usize = 1 << 20;

/// Of what the memory is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Sort,
    Aggregation,
}

/// Bytes that the operators of one kind may hold together before they spill; `None`: as many as the query may.
#[derive(Clone, Copy, Debug)]
struct Thresholds {
    sort: Option<usize>,
    aggregation: Option<usize>,
}

impl Thresholds {
    fn of(self, kind: Kind) -> Option<usize> {
        match kind {
            Kind::Sort => self.sort,
            Kind::Aggregation => self.aggregation,
        }
    }
}

/// Which operators of a query hold how much, and when they are to spill.
#[derive(Debug)]
pub(crate) struct Spilling {
    thresholds: Thresholds,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By the number of the consumer.
    spillers: BTreeMap<usize, Spiller>,
    /// Feeds that were started and whose operator is about to register, on the same thread.
    fresh: Vec<(ThreadId, Arc<AtomicBool>)>,
}

#[derive(Debug)]
struct Spiller {
    kind: Kind,
    /// A block came in and no memory was asked for since.
    fed: Arc<AtomicBool>,
    held: usize,
    /// What was held when the last run was written, or by something else than blocks.
    base: usize,
}

impl Spilling {
    /// What the settings ask for; `None` when it is nothing. A ratio is one of what `shared` has left now: of the
    /// server's memory and not of the query's, as in ClickHouse.
    pub(crate) fn from_settings(settings: &Settings, shared: &dyn MemoryPool) -> Option<Spilling> {
        let threshold = |bytes: Setting, ratio: Setting| {
            let bytes = Some(settings.uint(bytes)).filter(|bytes| *bytes != 0);
            let bytes = bytes.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
            let ratio = Some(settings.float(ratio)).filter(|ratio| *ratio != 0.0);
            let share = ratio.and_then(|ratio| Some(share(left(shared)?, ratio)));
            bytes.into_iter().chain(share).min()
        };
        let thresholds = Thresholds {
            sort: threshold(Setting::MaxBytesBeforeExternalSort, Setting::MaxBytesRatioBeforeExternalSort),
            aggregation: threshold(Setting::MaxBytesBeforeExternalGroupBy, Setting::MaxBytesRatioBeforeExternalGroupBy),
        };
        let is_asked = thresholds.sort.is_some() || thresholds.aggregation.is_some();
        is_asked.then(|| Spilling { thresholds, state: Mutex::default() })
    }

    /// A feed starts; the operator that reads it registers next.
    fn feeds(&self, fed: Arc<AtomicBool>) {
        let thread = std::thread::current().id();
        let mut state = self.state.lock();
        state.fresh.retain(|(of, _)| *of != thread);
        state.fresh.push((thread, fed));
    }

    pub(crate) fn register(&self, consumer: &MemoryConsumer) {
        let thread = std::thread::current().id();
        let mut state = self.state.lock();
        let Some(at) = state.fresh.iter().position(|(of, _)| *of == thread) else { return };
        let (_, fed) = state.fresh.swap_remove(at);
        if let Some(kind) = kind_of(consumer) {
            state.spillers.insert(consumer.id(), Spiller { kind, fed, held: 0, base: 0 });
        }
    }

    pub(crate) fn unregister(&self, consumer: &MemoryConsumer) {
        self.state.lock().spillers.remove(&consumer.id());
    }

    /// True when the consumer is to spill instead of holding `additional` bytes more.
    pub(crate) fn is_due(&self, consumer: &MemoryConsumer, additional: usize) -> bool {
        let state = self.state.lock();
        let Some(spiller) = state.spillers.get(&consumer.id()) else { return false };
        let Some(threshold) = self.thresholds.of(spiller.kind) else { return false };
        if !spiller.fed.load(Ordering::Relaxed) || spiller.held < spiller.base.saturating_add(RUN_BYTES_MIN) {
            return false;
        }
        let holding = || state.spillers.values().filter(|other| other.kind == spiller.kind && other.held != 0);
        let together: usize = holding().map(|other| other.held).sum();
        // one that holds little waits for those that hold more: their next block is refused
        let share = threshold / holding().count().max(1);
        threshold < together.saturating_add(additional) && share < spiller.held.saturating_add(additional)
    }

    /// The consumer holds so many bytes more, or was refused them (0).
    pub(crate) fn grew(&self, consumer: &MemoryConsumer, additional: usize) {
        if let Some(spiller) = self.state.lock().spillers.get_mut(&consumer.id()) {
            spiller.held = spiller.held.saturating_add(additional);
            if !spiller.fed.swap(false, Ordering::Relaxed) {
                spiller.base = spiller.held;
            }
        }
    }

    pub(crate) fn shrank(&self, consumer: &MemoryConsumer, bytes: usize) {
        if let Some(spiller) = self.state.lock().spillers.get_mut(&consumer.id()) {
            spiller.held = spiller.held.saturating_sub(bytes);
            spiller.base = spiller.held;
        }
    }
}

/// The bytes that a pool has left; `None` when it has no limit.
fn left(pool: &dyn MemoryPool) -> Option<usize> {
    match pool.memory_limit() {
        MemoryLimit::Finite(limit) => Some(limit.saturating_sub(pool.reserved())),
        MemoryLimit::Infinite | MemoryLimit::Unknown => None,
    }
}

/// At least one byte: a threshold of none would be no threshold.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]
fn share(bytes: usize, ratio: f64) -> usize {
    ((bytes as f64 * ratio) as usize).max(1)
}

/// DataFusion says what a consumer is by its name alone.
fn kind_of(consumer: &MemoryConsumer) -> Option<Kind> {
    const AGGREGATIONS: [&str; 4] = [
        "PartialHashAggregateStream[",
        "FinalHashAggregateStream[",
        "SingleHashAggregateStream[",
        "GroupedHashAggregateStream[",
    ];
    let name = consumer.name();
    match consumer.can_spill() {
        true if name.starts_with("ExternalSorter[") => Some(Kind::Sort),
        true if AGGREGATIONS.iter().any(|known| name.starts_with(known)) => Some(Kind::Aggregation),
        _ => None,
    }
}

/// Files that a query wrote because memory was short.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SpilledFiles {
    /// By sorts.
    pub sort: u64,
    /// By aggregations.
    pub aggregation: u64,
}

impl SpilledFiles {
    /// Those of a plan that has run.
    pub(crate) fn of(plan: &Arc<dyn ExecutionPlan>) -> SpilledFiles {
        let own = || plan.metrics().and_then(|metrics| metrics.spill_count()).unwrap_or(0) as u64;
        let mut files = SpilledFiles::default();
        if plan.downcast_ref::<SortExec>().is_some() {
            files.sort = own();
        } else if plan.downcast_ref::<AggregateExec>().is_some() {
            files.aggregation = own();
        }
        for child in plan.children() {
            let below = SpilledFiles::of(child);
            files.sort += below.sort;
            files.aggregation += below.aggregation;
        }
        files
    }
}

#[cfg(test)]
mod tests;
