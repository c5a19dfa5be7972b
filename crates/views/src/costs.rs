//! What each view did in the last insert that went through it, for `system.views`. Since the start of the process; nothing
//! decides by it.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use types::{Block, TableId};

use crate::insert::Receipt;

/// The last insert through one view.
#[derive(Clone, Debug, Default)]
pub struct ViewCost {
    /// Inserts that went through it.
    pub inserts: u64,
    /// The commit of the last one.
    pub commit: u64,
    /// When that was, nanoseconds since 1970.
    pub at_ns: i64,
    /// Nanoseconds that the view itself took in it: its SELECT or window node, not the tables and views behind it.
    pub elapsed_ns: u64,
    /// Rows it was given.
    pub read_rows: u64,
    /// Bytes of those, in memory.
    pub read_bytes: u64,
    /// Rows it gave.
    pub written_rows: u64,
    /// Bytes of those, in memory.
    pub written_bytes: u64,
    /// The last error and when it was, nanoseconds since 1970.
    pub error: Option<(i64, String)>,
}

impl ViewCost {
    /// Adds one run over a block.
    pub(crate) fn add(&mut self, elapsed_ns: u64, read: &Block, written: &[&Block]) {
        self.elapsed_ns += elapsed_ns;
        self.read_rows += read.rows() as u64;
        self.read_bytes += read.size_bytes() as u64;
        self.written_rows += written.iter().map(|block| block.rows() as u64).sum::<u64>();
        self.written_bytes += written.iter().map(|block| block.size_bytes() as u64).sum::<u64>();
    }
}

/// The costs of all views.
#[derive(Debug, Default)]
pub struct ViewCosts {
    views: Mutex<BTreeMap<TableId, ViewCost>>,
}

impl ViewCosts {
    /// What is known of a view; none when nothing went through it.
    pub fn of(&self, view: TableId) -> Option<ViewCost> {
        self.views.lock().get(&view).cloned()
    }

    /// An insert was committed.
    pub(crate) fn committed(&self, costs: BTreeMap<TableId, ViewCost>, receipt: Receipt) {
        let mut views = self.views.lock();
        for (view, cost) in costs {
            let known = views.entry(view).or_default();
            let (inserts, error) = (known.inserts + 1, known.error.take());
            *known = ViewCost { inserts, commit: receipt.seq.0, at_ns: receipt.at_ns, error, ..cost };
        }
    }

    /// A view failed.
    pub(crate) fn failed(&self, view: TableId, at_ns: i64, error: String) {
        self.views.lock().entry(view).or_default().error = Some((at_ns, error));
    }

    /// Forgets views that are gone.
    pub fn retain(&self, is_there: impl Fn(TableId) -> bool) {
        self.views.lock().retain(|view, _| is_there(*view));
    }
}
