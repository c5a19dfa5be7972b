//! [`Disk`] over [`Files`], with power cuts and faults.
//!
//! Every operation first yields to the runtime, so that histories interleave, and counts; the power can be set to go at
//! the n-th operation from now. From that moment no operation returns any more: the program is as dead as on a real
//! machine, and its tasks wait to be ended by [`Machine::cut_power`](super::Machine::cut_power).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::SeededRng;
use super::faults::{Fault, Faults};
use super::files::{Entry, Files, InodeId, NameChange};
use super::power::{self, CutReport};
use crate::disk::{DirEntry, Disk, DiskFile, DiskLock};
use crate::error::{DiskOp, Error, Result};
use crate::rng::Rng;

/// A disk in memory. The handle stays valid over power cuts; open files do not.
#[derive(Debug)]
pub struct SimulatedDisk {
    shared: Arc<Shared>,
}

/// The files of a disk, to begin other disks with.
#[derive(Clone, Debug)]
pub struct DiskImage {
    files: Arc<Files>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    rng: SeededRng,
    power_lost: Notify,
}

#[derive(Debug)]
struct State {
    files: Files,
    faults: Faults,
    /// Which run of the program the disk serves; files and locks of earlier runs are dead.
    epoch: u64,
    power: Power,
    operations: u64,
    latency_ms_max: u64,
    /// Bytes that all named files together may have.
    capacity: u64,
    cuts: u64,
    cuts_that_dropped: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Power {
    On,
    /// On for this many operations more.
    OnFor(u64),
    Lost,
}

impl SimulatedDisk {
    /// An empty disk of practically unlimited size.
    pub fn new(seed: u64) -> SimulatedDisk {
        let state = State {
            files: Files::default(),
            faults: Faults::default(),
            epoch: 0,
            power: Power::On,
            operations: 0,
            latency_ms_max: 0,
            capacity: u64::MAX,
            cuts: 0,
            cuts_that_dropped: 0,
        };
        let shared = Shared { state: Mutex::new(state), rng: SeededRng::new(seed), power_lost: Notify::new() };
        SimulatedDisk { shared: Arc::new(shared) }
    }

    /// What is on the disk now, as if all of it were synced.
    pub fn image(&self) -> DiskImage {
        let mut files = self.shared.state.lock().files.clone();
        files.sync_all();
        DiskImage { files: Arc::new(files) }
    }

    /// Puts the files of an image in the place of all that is there.
    pub fn restore(&self, image: &DiskImage) {
        self.shared.state.lock().files = (*image.files).clone();
    }

    /// Lets every operation take up to `max` (whole milliseconds) of paused time.
    pub fn set_latency(&self, max: Duration) {
        self.shared.state.lock().latency_ms_max = u64::try_from(max.as_millis()).unwrap_or(u64::MAX);
    }

    /// Lets `bytes` more be written before the disk is full; files that are cut or removed make room again.
    pub fn set_free_space(&self, bytes: u64) {
        let mut state = self.shared.state.lock();
        state.capacity = state.files.used_bytes().saturating_add(bytes);
    }

    /// Lets any number of bytes be written again.
    pub fn set_unlimited_space(&self) {
        self.shared.state.lock().capacity = u64::MAX;
    }

    /// Cuts the power at the `n`-th operation from now (0: at the next one). [`SimulatedDisk::power_lost`] tells.
    pub fn lose_power_after(&self, n: u64) {
        self.shared.state.lock().power = Power::OnFor(n);
    }

    /// Returns when the power that was to go is gone.
    pub async fn power_lost(&self) {
        loop {
            let lost = self.shared.power_lost.notified();
            if self.shared.state.lock().power == Power::Lost {
                return;
            }
            lost.await;
        }
    }

    /// Lets the operation `op` on a path that contains `path_contains` fail, after `skip` of them went well.
    pub fn inject(&self, op: DiskOp, path_contains: &str, skip: u64, fault: Fault) {
        self.shared.state.lock().faults.plan(op, path_contains, skip, fault);
    }

    /// How many faults of each kind have happened, injected ones and writes that found the disk full.
    pub fn faults_fired(&self) -> BTreeMap<Fault, u64> {
        self.shared.state.lock().faults.fired().clone()
    }

    /// Flips one bit of a file on the platter, as decay would. Nothing happens past its end.
    pub fn flip_bit(&self, path: &Path, byte: u64, bit: u8) {
        let mut state = self.shared.state.lock();
        let Some(Entry::File(id)) = state.files.names.get(path).copied() else { return };
        let Some(inode) = state.files.inodes.get_mut(&id) else { return };
        let at = usize::try_from(byte).unwrap_or(usize::MAX);
        for bytes in [&mut inode.seen, &mut inode.durable] {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << (bit % 8);
            }
        }
    }

    /// Bytes of a file as programs see them, without counting as an operation.
    pub fn peek(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.shared.state.lock();
        match state.files.names.get(path)? {
            Entry::File(id) => state.files.inodes.get(id).map(|inode| inode.seen.clone()),
            Entry::Dir => None,
        }
    }

    /// Puts a durable file there, as a backup or another program would.
    pub fn plant(&self, path: &Path, bytes: &[u8]) {
        let mut state = self.shared.state.lock();
        let id = state.files.new_inode();
        if let Some(inode) = state.files.inodes.get_mut(&id) {
            inode.append(bytes);
            inode.sync();
        }
        state.files.names.insert(path.to_path_buf(), Entry::File(id));
        state.files.durable_names.insert(path.to_path_buf(), Entry::File(id));
    }

    /// All files and folders as programs see them, sorted.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.shared.state.lock().files.names.keys().cloned().collect()
    }

    /// Operations since the disk was made.
    pub fn operations(&self) -> u64 {
        self.shared.state.lock().operations
    }

    /// Power cuts so far, and how many of them really dropped something that a program had seen.
    pub fn cuts(&self) -> (u64, u64) {
        let state = self.shared.state.lock();
        (state.cuts, state.cuts_that_dropped)
    }

    /// Drops what was not synced and switches the disk on again. End the program's tasks first
    /// ([`SimulatedSpawner::switch_off`](super::SimulatedSpawner::switch_off)).
    pub fn cut_power(&self) -> CutReport {
        let mut state = self.shared.state.lock();
        let report = power::cut(&mut state.files, &self.shared.rng);
        state.cuts += 1;
        state.cuts_that_dropped += u64::from(report.dropped_something());
        state.epoch += 1;
        state.power = Power::On;
        state.faults.clear();
        report
    }

    /// The program is gone, the disk goes on: locks are free, all bytes written are still seen.
    pub fn kill_process(&self) {
        let mut state = self.shared.state.lock();
        state.epoch += 1;
        state.power = Power::On;
        state.files.locks.clear();
        state.faults.clear();
    }
}

impl State {
    fn free_bytes(&self) -> u64 {
        match self.capacity {
            u64::MAX => u64::MAX,
            capacity => capacity.saturating_sub(self.files.used_bytes()),
        }
    }
}

impl Shared {
    /// Waits its turn; then says which fault this operation meets, after the power may have gone for ever.
    async fn turn(&self, epoch: u64, op: DiskOp, path: &Path) -> Result<Option<Fault>> {
        let latency_ms = self.state.lock().latency_ms_max;
        match self.rng.below(latency_ms + 1) {
            0 => tokio::task::yield_now().await,
            wait_ms => tokio::time::sleep(Duration::from_millis(wait_ms)).await,
        }
        if !self.count(epoch) {
            return std::future::pending().await;
        }
        let fault = self.state.lock().faults.take(op, path);
        match fault {
            Some(fault) if op != DiskOp::Append && op != DiskOp::SyncFile => match fault.error(op, path) {
                Some(error) => Err(error),
                None => Ok(Some(fault)),
            },
            fault => Ok(fault),
        }
    }

    /// Counts an operation; false when the power is gone or the caller is of an earlier run.
    fn count(&self, epoch: u64) -> bool {
        let mut state = self.state.lock();
        state.operations += 1;
        match state.power {
            _ if state.epoch != epoch => false,
            Power::On => true,
            Power::Lost => false,
            Power::OnFor(0) => {
                state.power = Power::Lost;
                self.power_lost.notify_waiters();
                false
            }
            Power::OnFor(left) => {
                state.power = Power::OnFor(left - 1);
                true
            }
        }
    }

    /// The file named `path`.
    fn file(&self, path: &Path) -> Result<InodeId> {
        match self.state.lock().files.names.get(path) {
            Some(Entry::File(id)) => Ok(*id),
            Some(Entry::Dir) => Err(Error::Io { op: DiskOp::Open, path: path.into(), reason: "is a folder".into() }),
            None => Err(Error::NotFound(path.to_path_buf())),
        }
    }
}

impl SimulatedDisk {
    async fn turn(&self, op: DiskOp, path: &Path) -> Result<Option<Fault>> {
        let epoch = self.shared.state.lock().epoch;
        self.shared.turn(epoch, op, path).await
    }

    fn open_file(&self, path: &Path, inode: InodeId) -> Box<dyn DiskFile> {
        let epoch = self.shared.state.lock().epoch;
        Box::new(SimulatedFile { shared: Arc::clone(&self.shared), path: path.to_path_buf(), inode, epoch })
    }
}

#[async_trait]
impl Disk for SimulatedDisk {
    async fn create_dir(&self, path: &Path) -> Result<()> {
        self.turn(DiskOp::CreateDir, path).await?;
        let mut state = self.shared.state.lock();
        let mut missing: Vec<&Path> = path.ancestors().take_while(|folder| !state.files.is_dir(folder)).collect();
        missing.reverse();
        for folder in missing {
            if state.files.names.contains_key(folder) {
                return Err(Error::AlreadyExists(folder.to_path_buf()));
            }
            state.files.change_name(NameChange::Put { path: folder.to_path_buf(), entry: Entry::Dir });
        }
        Ok(())
    }

    async fn create(&self, path: &Path) -> Result<Box<dyn DiskFile>> {
        self.turn(DiskOp::Create, path).await?;
        let id = {
            let mut state = self.shared.state.lock();
            if state.files.names.contains_key(path) {
                return Err(Error::AlreadyExists(path.to_path_buf()));
            }
            if !path.parent().is_none_or(|folder| state.files.is_dir(folder)) {
                return Err(Error::NotFound(path.to_path_buf()));
            }
            let id = state.files.new_inode();
            state.files.change_name(NameChange::Put { path: path.to_path_buf(), entry: Entry::File(id) });
            id
        };
        Ok(self.open_file(path, id))
    }

    async fn open(&self, path: &Path) -> Result<Box<dyn DiskFile>> {
        self.turn(DiskOp::Open, path).await?;
        let id = self.shared.file(path)?;
        Ok(self.open_file(path, id))
    }

    async fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.turn(DiskOp::Rename, from).await?;
        let mut state = self.shared.state.lock();
        let Some(entry) = state.files.names.get(from).copied() else {
            return Err(Error::NotFound(from.to_path_buf()));
        };
        if entry == Entry::Dir {
            return Err(Error::Io { op: DiskOp::Rename, path: from.into(), reason: "folders keep their names".into() });
        }
        state.files.change_name(NameChange::Rename { from: from.to_path_buf(), to: to.to_path_buf(), entry });
        Ok(())
    }

    async fn remove(&self, path: &Path) -> Result<()> {
        self.turn(DiskOp::Remove, path).await?;
        self.shared.file(path)?;
        self.shared.state.lock().files.change_name(NameChange::Remove { path: path.to_path_buf() });
        Ok(())
    }

    async fn remove_dir(&self, path: &Path) -> Result<()> {
        self.turn(DiskOp::Remove, path).await?;
        let mut state = self.shared.state.lock();
        let below: Vec<PathBuf> = state.files.names.keys().filter(|name| name.starts_with(path)).cloned().collect();
        for path in below.into_iter().rev() {
            state.files.change_name(NameChange::Remove { path });
        }
        Ok(())
    }

    async fn list(&self, path: &Path) -> Result<Vec<DirEntry>> {
        self.turn(DiskOp::List, path).await?;
        let state = self.shared.state.lock();
        if !state.files.is_dir(path) {
            return Err(Error::NotFound(path.to_path_buf()));
        }
        let inside = state.files.names.iter().filter(|(name, _)| name.parent() == Some(path));
        let mut entries: Vec<DirEntry> = inside
            .map(|(name, entry)| {
                let name = name.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                match entry {
                    Entry::Dir => DirEntry { name, is_dir: true, len: 0, is_link: false },
                    Entry::File(id) => {
                        let len = state.files.inodes.get(id).map_or(0, |inode| inode.seen.len() as u64);
                        DirEntry { name, is_dir: false, len, is_link: false }
                    }
                }
            })
            .collect();
        entries.sort();
        Ok(entries)
    }

    async fn exists(&self, path: &Path) -> Result<bool> {
        self.turn(DiskOp::Open, path).await?;
        let state = self.shared.state.lock();
        Ok(state.files.is_dir(path) || state.files.names.contains_key(path))
    }

    async fn modified_s(&self, path: &Path) -> Result<Option<i64>> {
        self.turn(DiskOp::Open, path).await?;
        Ok(None)
    }

    // it has no links
    async fn real_path(&self, path: &Path) -> Result<PathBuf> {
        self.turn(DiskOp::Open, path).await?;
        Ok(path.to_owned())
    }

    async fn sync_dir(&self, path: &Path) -> Result<()> {
        self.turn(DiskOp::SyncDir, path).await?;
        self.shared.state.lock().files.sync_dir(path);
        Ok(())
    }

    async fn lock(&self, path: &Path) -> Result<Box<dyn DiskLock>> {
        self.turn(DiskOp::Lock, path).await?;
        let mut state = self.shared.state.lock();
        if let Some(pid) = state.files.locks.get(path) {
            return Err(Error::Locked { path: path.to_path_buf(), pid: pid.clone() });
        }
        let epoch = state.epoch;
        state.files.locks.insert(path.to_path_buf(), (epoch + 1).to_string());
        Ok(Box::new(SimulatedLock { shared: Arc::clone(&self.shared), path: path.to_path_buf(), epoch }))
    }

    async fn free_space(&self, path: &Path) -> Result<u64> {
        self.turn(DiskOp::FreeSpace, path).await?;
        let state = self.shared.state.lock();
        Ok(state.free_bytes())
    }

    async fn total_space(&self, _: &Path) -> Result<u64> {
        Ok(self.shared.state.lock().capacity)
    }
}

#[derive(Debug)]
struct SimulatedFile {
    shared: Arc<Shared>,
    path: PathBuf,
    inode: InodeId,
    epoch: u64,
}

impl SimulatedFile {
    async fn turn(&self, op: DiskOp) -> Result<Option<Fault>> {
        self.shared.turn(self.epoch, op, &self.path).await
    }

    fn gone(&self) -> Error {
        Error::NotFound(self.path.clone())
    }
}

#[async_trait]
impl DiskFile for SimulatedFile {
    async fn append(&self, bytes: &[u8]) -> Result<()> {
        let mut fault = self.turn(DiskOp::Append).await?;
        let mut state = self.shared.state.lock();
        let free = state.free_bytes();
        let written = match fault {
            None | Some(Fault::BitFlip) if free < bytes.len() as u64 => {
                fault = Some(Fault::NoSpace);
                state.faults.count(Fault::NoSpace);
                free as usize
            }
            None | Some(Fault::BitFlip) => bytes.len(),
            Some(Fault::NoSpace | Fault::Io) => 0,
            Some(Fault::ShortWrite) => self.shared.rng.below(bytes.len() as u64) as usize,
        };
        let inode = state.files.inodes.get_mut(&self.inode).ok_or_else(|| self.gone())?;
        inode.append(bytes.get(..written).unwrap_or(bytes));
        fault.and_then(|fault| fault.error(DiskOp::Append, &self.path)).map_or(Ok(()), Err)
    }

    async fn read_range(&self, offset: u64, len: u64) -> Result<Bytes> {
        let fault = self.turn(DiskOp::Read).await?;
        let state = self.shared.state.lock();
        let inode = state.files.inodes.get(&self.inode).ok_or_else(|| self.gone())?;
        let end = offset.saturating_add(len);
        let range = usize::try_from(offset).ok().zip(usize::try_from(end).ok());
        let found = range.and_then(|(start, end)| inode.seen.get(start..end));
        let Some(found) = found else {
            return Err(Error::PastEnd { path: self.path.clone(), len: inode.seen.len() as u64, end });
        };
        let mut bytes = found.to_vec();
        if fault == Some(Fault::BitFlip) {
            let at = self.shared.rng.below(bytes.len() as u64) as usize;
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << self.shared.rng.below(8);
            }
        }
        Ok(bytes.into())
    }

    async fn len(&self) -> Result<u64> {
        self.turn(DiskOp::Read).await?;
        let state = self.shared.state.lock();
        let inode = state.files.inodes.get(&self.inode).ok_or_else(|| self.gone())?;
        Ok(inode.seen.len() as u64)
    }

    async fn truncate(&self, len: u64) -> Result<()> {
        if let Some(error) = self.turn(DiskOp::Truncate).await?.and_then(|f| f.error(DiskOp::Truncate, &self.path)) {
            return Err(error);
        }
        let mut state = self.shared.state.lock();
        let inode = state.files.inodes.get_mut(&self.inode).ok_or_else(|| self.gone())?;
        inode.truncate(usize::try_from(len).unwrap_or(usize::MAX));
        Ok(())
    }

    async fn sync(&self) -> Result<()> {
        let fault = self.turn(DiskOp::SyncFile).await?;
        let mut state = self.shared.state.lock();
        let inode = state.files.inodes.get_mut(&self.inode).ok_or_else(|| self.gone())?;
        match fault.and_then(|fault| fault.error(DiskOp::SyncFile, &self.path)) {
            None => {
                inode.sync();
                Ok(())
            }
            Some(error) => {
                // The kernel has marked the pages clean: programs see them, the platter never will.
                inode.durable = power::surviving_bytes(inode, &self.shared.rng);
                inode.pending.clear();
                Err(error)
            }
        }
    }
}

/// A lock of one run of the program.
#[derive(Debug)]
struct SimulatedLock {
    shared: Arc<Shared>,
    path: PathBuf,
    epoch: u64,
}

impl Drop for SimulatedLock {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock();
        if state.epoch == self.epoch {
            state.files.locks.remove(&self.path);
        }
    }
}

impl DiskLock for SimulatedLock {}
