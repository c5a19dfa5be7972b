//! Who is to spill, and when.

use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryReservation};

use super::*;
use crate::memory::QueryMemory;

const MB: usize = 1 << 20;

/// A pool of 100 MB of which a query may hold 10 MB in sorts.
struct Pool {
    query: Arc<QueryMemory>,
}

impl Pool {
    fn new(name: &str, value: &str) -> Pool {
        let mut settings = Settings::default();
        settings.set(name, value).unwrap();
        let shared = Arc::new(GreedyMemoryPool::new(100 * MB));
        Pool { query: Arc::new(QueryMemory::new(shared, 0).spilling_by(&settings)) }
    }

    /// An operator that reads through a feed.
    fn operator(&self, name: &str) -> (MemoryReservation, Arc<AtomicBool>) {
        let fed = Arc::new(AtomicBool::new(false));
        self.query.spilling().unwrap().feeds(Arc::clone(&fed));
        let pool: Arc<dyn MemoryPool> = self.query.clone();
        (MemoryConsumer::new(name).with_can_spill(true).register(&pool), fed)
    }
}

/// A block comes in, and memory is asked for it.
fn takes((reservation, fed): &(MemoryReservation, Arc<AtomicBool>), bytes: usize) -> bool {
    fed.store(true, Ordering::Relaxed);
    reservation.try_grow(bytes).is_ok()
}

#[test]
fn past_the_threshold_a_block_is_refused_and_what_is_asked_for_next_is_given() {
    let pool = Pool::new("max_bytes_before_external_sort", &(10 * MB).to_string());
    let sort = pool.operator("ExternalSorter[0]");
    assert!(takes(&sort, 9 * MB));
    assert!(!takes(&sort, 2 * MB));
    assert!(pool.query.has_refused());
    sort.0.try_grow(20 * MB).unwrap();
    sort.0.free();
    assert!(takes(&sort, 30 * MB), "what holds nothing cannot spill");
    assert_eq!(pool.query.used_bytes(), 30 * MB);
}

#[test]
fn only_what_the_setting_is_about_is_refused() {
    let pool = Pool::new("max_bytes_before_external_group_by", &(10 * MB).to_string());
    for name in ["ExternalSorter[0]", "RepartitionExec[0]", "OrderedFinalAggregateStream[0]", "TopK[0]"] {
        let other = pool.operator(name);
        assert!(takes(&other, 8 * MB) && takes(&other, 8 * MB), "{name}");
    }
    for name in ["PartialHashAggregateStream[1]", "FinalHashAggregateStream[0]", "GroupedHashAggregateStream[0] (a)"] {
        let aggregation = pool.operator(name);
        assert!(takes(&aggregation, 8 * MB) && !takes(&aggregation, 8 * MB), "{name}");
    }
}

#[test]
fn what_holds_less_than_its_share_is_not_the_one_to_spill() {
    let pool = Pool::new("max_bytes_before_external_sort", &(10 * MB).to_string());
    let (one, two) = (pool.operator("ExternalSorter[0]"), pool.operator("ExternalSorter[1]"));
    assert!(takes(&one, 9 * MB));
    assert!(takes(&two, 2 * MB) && takes(&two, 2 * MB), "half of the threshold is its own");
    assert!(!takes(&two, 2 * MB) && !takes(&one, MB));
}

#[test]
fn a_run_has_a_megabyte_at_least() {
    let pool = Pool::new("max_bytes_before_external_sort", "1");
    let sort = pool.operator("ExternalSorter[0]");
    assert!(takes(&sort, MB / 2) && takes(&sort, MB / 2));
    assert!(!takes(&sort, 1));
    // what stays behind when a run was written is no part of the next
    sort.0.shrink(MB / 2);
    assert!(takes(&sort, MB) && !takes(&sort, 1));
}

#[test]
fn a_ratio_is_one_of_what_the_server_has_left() {
    let threshold = |ratio: &str| Pool::new("max_bytes_ratio_before_external_sort", ratio).query;
    let query = threshold("0.25");
    assert_eq!(query.spilling().unwrap().thresholds.sort, Some(25 * MB));
    assert_eq!(query.spilling().unwrap().thresholds.aggregation, None);
    assert!(threshold("0").spilling().is_none());
}
