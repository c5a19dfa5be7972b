//! What befalls a machine during one run of the program besides its end: a full disk, device errors, short writes, bits
//! that flip on their way from the platter. All of it must be survived or refused by name.

use std::time::Duration;

use env::simulated::{Fault, Machine, SeededRng};
use env::{DiskOp, Rng};

/// Chance, in percent, that a run meets any of it.
const ROUGH: u64 = 60;
/// Faults in a rough run, at most.
const FAULTS_MAX: u64 = 4;

/// Operations that can fail, what they can fail with, and where.
const PLACES: &[(DiskOp, &str, &[Fault])] = &[
    (DiskOp::Append, "/log/", &[Fault::NoSpace]),
    (DiskOp::Create, "/log/", &[Fault::NoSpace]),
    (DiskOp::Append, "/parts/", &[Fault::NoSpace, Fault::Io, Fault::ShortWrite]),
    (DiskOp::Create, "/parts/", &[Fault::NoSpace, Fault::Io]),
    (DiskOp::SyncFile, "/parts/", &[Fault::Io]),
    (DiskOp::Rename, "/parts/", &[Fault::Io]),
    (DiskOp::Read, "/parts/", &[Fault::Io, Fault::BitFlip, Fault::BitFlip]),
    (DiskOp::Append, "/checkpoint/", &[Fault::NoSpace, Fault::Io, Fault::ShortWrite]),
    (DiskOp::Create, "/checkpoint/", &[Fault::NoSpace]),
    (DiskOp::SyncFile, "/checkpoint/", &[Fault::Io]),
    (DiskOp::Read, "/log/", &[Fault::Io, Fault::BitFlip]),
    (DiskOp::Read, "/checkpoint/", &[Fault::Io, Fault::BitFlip]),
];

/// Plans the faults of a run.
pub fn plan(machine: &Machine, rng: &SeededRng) {
    if !rng.chance(ROUGH) {
        return;
    }
    for _ in 0..1 + rng.below(FAULTS_MAX) {
        let (op, place, faults) = PLACES[rng.below(PLACES.len() as u64) as usize];
        let fault = faults[rng.below(faults.len() as u64) as usize];
        // Reads of log and checkpoint are those of the start.
        let skip = if op == DiskOp::Read && place != "/parts/" { rng.below(4) } else { rng.below(60) };
        machine.disk.inject(op, place, skip, fault);
    }
}

/// Fills the disk for a while, at times; never ends, to be raced against the work.
pub async fn tides(machine: &Machine, rng: &SeededRng) {
    loop {
        tokio::time::sleep(Duration::from_millis(50 + rng.below(1500))).await;
        if rng.chance(25) {
            machine.disk.set_free_space(rng.below(5_000));
            tokio::time::sleep(Duration::from_millis(rng.below(300))).await;
            machine.disk.set_unlimited_space();
        }
    }
}

/// True for an error text that such weather explains.
pub fn explains(message: &str) -> bool {
    ["input/output error", "no space left", "checksum of part file", "is damaged"]
        .iter()
        .any(|part| message.contains(part))
}
