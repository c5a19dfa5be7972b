//! Faults on request: a full disk, a device error, a short write, a flipped bit.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{DiskOp, Error};

/// What goes wrong with one disk operation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Fault {
    /// The disk is full; an append writes nothing.
    NoSpace,
    /// The device fails. An append writes nothing; a sync leaves it open what is durable, and later syncs do not make
    /// it good (as Linux does).
    Io,
    /// An append writes a random prefix, then the device fails.
    ShortWrite,
    /// A read gives one bit wrong, once.
    BitFlip,
}

impl Fault {
    /// The error that the program sees; none for a fault that is silent.
    pub(super) fn error(self, op: DiskOp, path: &Path) -> Option<Error> {
        let path = path.to_path_buf();
        match self {
            Fault::NoSpace => Some(Error::NoSpace(path)),
            Fault::Io | Fault::ShortWrite => Some(Error::Io { op, path, reason: "input/output error".to_owned() }),
            Fault::BitFlip => None,
        }
    }
}

/// A fault that waits for its operation.
#[derive(Debug)]
struct Planned {
    op: DiskOp,
    path_contains: String,
    skip: u64,
    fault: Fault,
}

/// The faults that are to come.
#[derive(Default, Debug)]
pub(super) struct Faults {
    planned: Vec<Planned>,
    fired: BTreeMap<Fault, u64>,
}

impl Faults {
    pub(super) fn plan(&mut self, op: DiskOp, path_contains: &str, skip: u64, fault: Fault) {
        self.planned.push(Planned { op, path_contains: path_contains.to_owned(), skip, fault });
    }

    /// The fault of this operation, if one was planned for it.
    pub(super) fn take(&mut self, op: DiskOp, path: &Path) -> Option<Fault> {
        let name = path.to_string_lossy();
        let mut hit = None;
        for (position, planned) in self.planned.iter_mut().enumerate() {
            if planned.op != op || !name.contains(&planned.path_contains) {
                continue;
            }
            if planned.skip == 0 && hit.is_none() {
                hit = Some(position);
            }
            planned.skip = planned.skip.saturating_sub(1);
        }
        let hit = hit?;
        let fault = self.planned.remove(hit).fault;
        self.count(fault);
        Some(fault)
    }

    pub(super) fn count(&mut self, fault: Fault) {
        *self.fired.entry(fault).or_default() += 1;
    }

    pub(super) fn fired(&self) -> &BTreeMap<Fault, u64> {
        &self.fired
    }

    pub(super) fn clear(&mut self) {
        self.planned.clear();
    }
}
