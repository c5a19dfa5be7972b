//! What is left on the platter after a power cut.
//!
//! Of the changes that were not synced, any may have reached it: none, all, the first few, or some sectors of 512 bytes
//! here and there, also of later writes without the earlier ones. A file may have its new length without the bytes (they
//! read as zeros or as what was there before). Names that were not synced come or not, each by itself. A rename is one
//! change: never half of it.

use std::collections::BTreeMap;

use super::SeededRng;
use super::files::{ByteChange, Entry, Files, Inode};
use crate::rng::Rng;

/// The device writes this many bytes whole or not at all.
const SECTOR_BYTES: usize = 512;

/// What a power cut did.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct CutReport {
    /// Names that programs saw and that are gone or mean something else, or that came back.
    pub names_lost: u64,
    /// Files whose bytes are not what programs saw.
    pub files_changed: u64,
}

impl CutReport {
    /// True when something that a program had seen is not there any more.
    pub fn dropped_something(self) -> bool {
        self.names_lost > 0 || self.files_changed > 0
    }
}

/// How much of the unsynced changes a cut lets through.
#[derive(Clone, Copy)]
enum Mercy {
    Nothing,
    Everything,
    Prefix,
    Anything,
}

impl Mercy {
    fn choose(rng: &SeededRng) -> Mercy {
        match rng.below(10) {
            0..=2 => Mercy::Nothing,
            3 => Mercy::Everything,
            4..=5 => Mercy::Prefix,
            _ => Mercy::Anything,
        }
    }
}

/// Replaces what programs saw by what survived.
pub(super) fn cut(files: &mut Files, rng: &SeededRng) -> CutReport {
    let mut report = CutReport::default();
    let survived = surviving_names(files, rng);
    report.names_lost += survived.iter().filter(|(path, entry)| files.names.get(*path) != Some(*entry)).count() as u64;
    report.names_lost += files.names.keys().filter(|path| !survived.contains_key(*path)).count() as u64;
    for inode in files.inodes.values_mut() {
        let bytes = surviving_bytes(inode, rng);
        report.files_changed += u64::from(bytes != inode.seen);
        *inode = Inode { seen: bytes.clone(), durable: bytes, pending: Vec::new() };
    }
    files.names.clone_from(&survived);
    files.durable_names = survived;
    files.pending_names.clear();
    files.locks.clear();
    files.forget_unnamed();
    report
}

fn surviving_names(files: &Files, rng: &SeededRng) -> BTreeMap<std::path::PathBuf, Entry> {
    let mut names = files.durable_names.clone();
    let pending = files.pending_names.len();
    let mercy = Mercy::choose(rng);
    let prefix = rng.below(pending as u64 + 1) as usize;
    for (position, change) in files.pending_names.iter().enumerate() {
        if survives(mercy, position, prefix, rng) {
            change.apply(&mut names);
        }
    }
    // An entry whose folder did not survive cannot be reached.
    let paths: Vec<_> = names.keys().cloned().collect();
    for path in paths {
        let reachable = path.ancestors().skip(1).all(|folder| {
            folder.as_os_str().is_empty() || folder.parent().is_none() || names.get(folder) == Some(&Entry::Dir)
        });
        if !reachable {
            names.remove(&path);
        }
    }
    names
}

/// The bytes of a file after the cut; also used for what a failed sync left durable.
pub(super) fn surviving_bytes(inode: &Inode, rng: &SeededRng) -> Vec<u8> {
    let mut bytes = inode.durable.clone();
    let mercy = Mercy::choose(rng);
    let prefix = rng.below(inode.pending.len() as u64 + 1) as usize;
    for (position, change) in inode.pending.iter().enumerate() {
        match change {
            ByteChange::Truncate { len } => {
                if survives(mercy, position, prefix, rng) {
                    bytes.truncate(usize::try_from(*len).unwrap_or(usize::MAX));
                }
            }
            ByteChange::Write { offset, bytes: written } => {
                let offset = usize::try_from(*offset).unwrap_or(usize::MAX);
                write_sectors(&mut bytes, offset, written, || survives(mercy, position, prefix, rng));
            }
        }
    }
    // The length is a change of its own: the file may be longer than the bytes that reached it.
    if matches!(mercy, Mercy::Anything) && bytes.len() < inode.seen.len() && rng.chance(30) {
        bytes.resize(inode.seen.len(), 0);
        if rng.chance(30) {
            let start = inode.durable.len().min(bytes.len());
            rng.fill(&mut bytes[start..]);
        }
    }
    bytes
}

/// Writes those sectors of `written` that survive, each decided by itself.
fn write_sectors(bytes: &mut Vec<u8>, offset: usize, written: &[u8], mut survives: impl FnMut() -> bool) {
    let mut at = offset;
    let mut rest = written;
    while !rest.is_empty() {
        let in_sector = (SECTOR_BYTES - at % SECTOR_BYTES).min(rest.len());
        let (sector, after) = rest.split_at(in_sector);
        if survives() {
            if bytes.len() < at + sector.len() {
                bytes.resize(at + sector.len(), 0);
            }
            bytes[at..at + sector.len()].copy_from_slice(sector);
        }
        at += sector.len();
        rest = after;
    }
}

fn survives(mercy: Mercy, position: usize, prefix: usize, rng: &SeededRng) -> bool {
    match mercy {
        Mercy::Nothing => false,
        Mercy::Everything => true,
        Mercy::Prefix => position < prefix,
        Mercy::Anything => rng.chance(50),
    }
}
