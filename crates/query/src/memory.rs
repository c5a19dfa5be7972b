//! The memory of one query inside the memory of all: two limits, one reservation.
//!
//! DataFusion's operators reserve here before they allocate. Over the query's own limit it ends with
//! MEMORY_LIMIT_EXCEEDED; the server's limit holds for all queries together.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};
use types::Settings;

use crate::error::Error;
use crate::spilling::Spilling;

/// A [`MemoryPool`] with a limit of its own, that also reserves from a shared one.
#[derive(Debug)]
pub struct QueryMemory {
    shared: Arc<dyn MemoryPool>,
    /// Bytes; `usize::MAX` for none.
    limit: usize,
    used: AtomicUsize,
    peak: AtomicUsize,
    /// Who is to spill although there is memory left.
    spilling: Option<Spilling>,
    /// Something was not given the memory that it asked for.
    refused: AtomicBool,
}

impl QueryMemory {
    /// A query that may take `limit` bytes of `shared`; 0 means no limit of its own.
    pub fn new(shared: Arc<dyn MemoryPool>, limit: u64) -> QueryMemory {
        let limit = if limit == 0 { usize::MAX } else { usize::try_from(limit).unwrap_or(usize::MAX) };
        let (used, peak, refused) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
        QueryMemory { shared, limit, used, peak, spilling: None, refused }
    }

    /// The same, where sorts and aggregations spill when the settings say so. Only where they can spill.
    #[must_use]
    pub fn spilling_by(mut self, settings: &Settings) -> QueryMemory {
        self.spilling = Spilling::from_settings(settings, &*self.shared);
        self
    }

    pub(crate) fn spilling(&self) -> Option<&Spilling> {
        self.spilling.as_ref()
    }

    /// True when something was not given the memory that it asked for: it spilled, or the query failed.
    pub(crate) fn has_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    /// The most bytes that may be reserved: its own limit, or that of the server where it is smaller.
    pub fn limit_bytes(&self) -> usize {
        match self.shared.memory_limit() {
            MemoryLimit::Finite(all) => self.limit.min(all),
            _ => self.limit,
        }
    }

    /// The bytes that are reserved now.
    pub fn used_bytes(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// The most bytes that were reserved at once.
    pub fn peak_bytes(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: usize) {
        let used = self.used.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        self.peak.fetch_max(used, Ordering::Relaxed);
    }
}

impl fmt::Display for QueryMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "query({} of {} bytes)", self.reserved(), self.limit)
    }
}

impl MemoryPool for QueryMemory {
    fn name(&self) -> &str {
        "query"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        if let Some(spilling) = &self.spilling {
            spilling.register(consumer);
        }
        self.shared.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        if let Some(spilling) = &self.spilling {
            spilling.unregister(consumer);
        }
        self.shared.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.shared.grow(reservation, additional);
        self.add(additional);
        self.grew(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.shared.shrink(reservation, shrink);
        self.used.fetch_sub(shrink, Ordering::Relaxed);
        if let Some(spilling) = &self.spilling {
            spilling.shrank(reservation.consumer(), shrink);
        }
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let given = self.give(reservation, additional);
        if given.is_err() {
            self.refused.store(true, Ordering::Relaxed);
        }
        self.grew(reservation, if given.is_ok() { additional } else { 0 });
        given
    }

    fn reserved(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn memory_limit(&self) -> MemoryLimit {
        match self.limit {
            usize::MAX => self.shared.memory_limit(),
            limit => MemoryLimit::Finite(limit),
        }
    }
}

impl QueryMemory {
    fn give(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let consumer = reservation.consumer();
        if self.spilling.as_ref().is_some_and(|spilling| spilling.is_due(consumer, additional)) {
            return Err(DataFusionError::ResourcesExhausted(format!("\"{}\" is to spill", consumer.name())));
        }
        let wanted = self.used.load(Ordering::Relaxed).saturating_add(additional);
        if self.limit < wanted {
            let message = format!(
                "would use {wanted} bytes, maximum {} (\"{}\" asked for {additional})",
                self.limit,
                consumer.name()
            );
            return Err(DataFusionError::ResourcesExhausted(message));
        }
        self.shared.try_grow(reservation, additional)?;
        self.add(additional);
        Ok(())
    }

    fn grew(&self, reservation: &MemoryReservation, additional: usize) {
        if let Some(spilling) = &self.spilling {
            spilling.grew(reservation.consumer(), additional);
        }
    }

    /// Memory that a query holds outside of any plan: blocks on their way into a table. `what` shows in errors.
    pub fn hold(self: &Arc<Self>, what: &'static str) -> Held {
        let pool: Arc<dyn MemoryPool> = self.clone();
        Held(MemoryConsumer::new(what).register(&pool))
    }
}

/// Bytes that are given back when this is dropped.
#[derive(Debug)]
pub struct Held(MemoryReservation);

impl Held {
    /// Holds exactly so many bytes from now on; an error, and nothing changed, when they are more than the query or the
    /// server may take.
    pub fn resize(&mut self, bytes: usize) -> crate::error::Result<()> {
        self.0.try_resize(bytes).map_err(Error::from)
    }
}

#[cfg(test)]
mod tests {
    use datafusion::execution::memory_pool::GreedyMemoryPool;

    use super::*;

    #[test]
    fn a_query_stops_at_its_own_limit_and_gives_back_what_it_took() {
        let shared: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(1_000));
        let query: Arc<dyn MemoryPool> = Arc::new(QueryMemory::new(shared.clone(), 100));
        let reservation = MemoryConsumer::new("sort").register(&query);
        reservation.try_grow(80).unwrap();
        assert_eq!(Error::from(reservation.try_grow(30).unwrap_err()).code().0, 241);
        assert_eq!(shared.reserved(), 80);
        drop(reservation);
        assert_eq!((query.reserved(), shared.reserved()), (0, 0));
    }

    #[test]
    fn the_servers_limit_holds_for_all_queries_together() {
        let shared: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(100));
        let one: Arc<dyn MemoryPool> = Arc::new(QueryMemory::new(shared.clone(), 0));
        let two: Arc<dyn MemoryPool> = Arc::new(QueryMemory::new(shared.clone(), 0));
        let first = MemoryConsumer::new("sort").register(&one);
        let second = MemoryConsumer::new("sort").register(&two);
        first.try_grow(80).unwrap();
        assert!(second.try_grow(30).is_err());
        assert_eq!(two.reserved(), 0);
        assert_eq!(QueryMemory::new(shared, 0).limit_bytes(), 100);
    }
}
