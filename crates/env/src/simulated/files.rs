//! The state of the simulated disk: what programs see, and what the platter would still have.
//!
//! ```text
//!   names      path ─▶ inode      as programs see them        durable_names   path ─▶ inode   after the last syncs
//!   inode      seen: bytes        as programs see them        durable: bytes, and the writes since the last sync
//! ```
//! A folder's entries become durable by a sync of that folder, a file's bytes by a sync of the file: neither implies the
//! other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Number of a file or folder, never used again.
pub(super) type InodeId = u64;

/// What a name means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Entry {
    File(InodeId),
    Dir,
}

/// A change of names that is not durable yet.
#[derive(Clone, Debug)]
pub(super) enum NameChange {
    Put { path: PathBuf, entry: Entry },
    Remove { path: PathBuf },
    Rename { from: PathBuf, to: PathBuf, entry: Entry },
}

impl NameChange {
    /// True when a sync of `folder` makes this change durable.
    fn is_in(&self, folder: &Path) -> bool {
        match self {
            NameChange::Put { path, .. } | NameChange::Remove { path } => path.parent() == Some(folder),
            // As a journalling file system does: one transaction, in whichever of the two folders it is forced.
            NameChange::Rename { from, to, .. } => from.parent() == Some(folder) || to.parent() == Some(folder),
        }
    }

    /// Applies the change to a table of names. A rename moves only the file it was made for.
    pub(super) fn apply(&self, names: &mut BTreeMap<PathBuf, Entry>) {
        match self {
            NameChange::Put { path, entry } => {
                names.insert(path.clone(), *entry);
            }
            NameChange::Remove { path } => {
                names.remove(path);
            }
            NameChange::Rename { from, to, entry } => {
                if names.get(from) == Some(entry) {
                    names.remove(from);
                }
                names.insert(to.clone(), *entry);
            }
        }
    }
}

/// A change of bytes that is not durable yet.
#[derive(Clone, Debug)]
pub(super) enum ByteChange {
    Write { offset: u64, bytes: Vec<u8> },
    Truncate { len: u64 },
}

/// The bytes of a file.
#[derive(Clone, Default, Debug)]
pub(super) struct Inode {
    pub(super) seen: Vec<u8>,
    pub(super) durable: Vec<u8>,
    pub(super) pending: Vec<ByteChange>,
}

impl Inode {
    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.pending.push(ByteChange::Write { offset: self.seen.len() as u64, bytes: bytes.to_vec() });
        self.seen.extend_from_slice(bytes);
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.seen.truncate(len);
        self.pending.push(ByteChange::Truncate { len: len as u64 });
    }

    pub(super) fn sync(&mut self) {
        self.durable.clone_from(&self.seen);
        self.pending.clear();
    }
}

/// Names and files.
#[derive(Clone, Default, Debug)]
pub(super) struct Files {
    pub(super) names: BTreeMap<PathBuf, Entry>,
    pub(super) durable_names: BTreeMap<PathBuf, Entry>,
    pub(super) pending_names: Vec<NameChange>,
    pub(super) inodes: BTreeMap<InodeId, Inode>,
    pub(super) locks: BTreeMap<PathBuf, String>,
    next_inode: InodeId,
}

impl Files {
    pub(super) fn change_name(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.pending_names.push(change);
    }

    pub(super) fn new_inode(&mut self) -> InodeId {
        self.next_inode += 1;
        self.inodes.insert(self.next_inode, Inode::default());
        self.next_inode
    }

    /// Bytes of all files that have a name.
    pub(super) fn used_bytes(&self) -> u64 {
        let files = self.names.values().filter_map(|entry| match entry {
            Entry::File(id) => self.inodes.get(id),
            Entry::Dir => None,
        });
        files.map(|inode| inode.seen.len() as u64).sum()
    }

    /// True when `path` is a folder; the root always is.
    pub(super) fn is_dir(&self, path: &Path) -> bool {
        path.as_os_str().is_empty() || path == Path::new("/") || self.names.get(path) == Some(&Entry::Dir)
    }

    /// Makes the changes in `folder` durable, in their order.
    pub(super) fn sync_dir(&mut self, folder: &Path) {
        let mut left = Vec::new();
        for change in std::mem::take(&mut self.pending_names) {
            if change.is_in(folder) {
                change.apply(&mut self.durable_names);
            } else {
                left.push(change);
            }
        }
        self.pending_names = left;
    }

    /// Makes everything that is seen durable, and frees what a process held.
    pub(super) fn sync_all(&mut self) {
        self.inodes.values_mut().for_each(Inode::sync);
        self.durable_names.clone_from(&self.names);
        self.pending_names.clear();
        self.locks.clear();
        self.forget_unnamed();
    }

    /// Forgets inodes that no name means and no program can have open: called when no program runs.
    pub(super) fn forget_unnamed(&mut self) {
        let named: BTreeSet<InodeId> = self
            .names
            .values()
            .chain(self.durable_names.values())
            .filter_map(|entry| match entry {
                Entry::File(id) => Some(*id),
                Entry::Dir => None,
            })
            .collect();
        self.inodes.retain(|id, _| named.contains(id));
    }
}
