//! Part files that nobody needs any more go by themselves.
//!
//! A file is needed while a snapshot or a reader holds its part ([`PartFile`] lives that long) and while the catalogue
//! names it. So the last holder of a file that was never committed, or whose part was dropped, puts it on the list here;
//! the store's garbage task deletes it after the log that dropped it is durable. What a crash left over is deleted at the
//! next start.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use parts::file::FileRef;
use tokio::sync::Notify;

/// A part file of this data folder.
#[derive(Debug)]
pub struct PartFile {
    object: String,
    /// How to open it; set once it is written whole.
    reference: OnceLock<FileRef>,
    fate: AtomicU8,
    garbage: Arc<Garbage>,
}

const STAGED: u8 = 0;
const ACTIVE: u8 = 1;
const DROPPED: u8 = 2;

impl PartFile {
    /// A file that is being written or was not committed yet.
    pub(crate) fn staged(object: String, garbage: &Arc<Garbage>) -> Arc<PartFile> {
        let (reference, fate) = (OnceLock::new(), AtomicU8::new(STAGED));
        Arc::new(PartFile { object, reference, fate, garbage: Arc::clone(garbage) })
    }

    /// Its name in the part store.
    pub fn object(&self) -> &str {
        &self.object
    }

    /// A file that a commit in the log or a checkpoint names.
    pub(crate) fn committed(reference: FileRef, garbage: &Arc<Garbage>) -> Arc<PartFile> {
        let file = PartFile::staged(reference.object.to_string(), garbage);
        file.written(reference);
        file.keep();
        file
    }

    /// The file is whole and durable.
    pub(crate) fn written(&self, reference: FileRef) {
        // A file is written once; a second reference would be the same.
        let _same = self.reference.set(reference);
    }

    /// How to open it; none while it is being written.
    pub fn reference(&self) -> Option<&FileRef> {
        self.reference.get()
    }

    /// The catalogue names it now, or perhaps does (a commit whose outcome is unknown).
    pub(crate) fn keep(&self) {
        self.fate.store(ACTIVE, Ordering::Release);
    }

    /// The commit that would have named it did not happen.
    pub(crate) fn unkeep(&self) {
        self.fate.store(STAGED, Ordering::Release);
    }

    /// The catalogue names it no more.
    pub(crate) fn give_up(&self) {
        self.fate.store(DROPPED, Ordering::Release);
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if self.fate.load(Ordering::Acquire) != ACTIVE {
            self.garbage.push(std::mem::take(&mut self.object));
        }
    }
}

/// Names of files to delete. Bounded by the files there are.
#[derive(Debug, Default)]
pub struct Garbage {
    objects: Mutex<Vec<String>>,
    some: Notify,
}

impl Garbage {
    fn push(&self, object: String) {
        self.objects.lock().push(object);
        self.some.notify_one();
    }

    /// Everything on the list, sorted; the list is empty then.
    pub(crate) fn take(&self) -> Vec<String> {
        let mut objects = std::mem::take(&mut *self.objects.lock());
        objects.sort_unstable();
        objects
    }

    /// Returns when something is on the list.
    pub(crate) async fn wait(&self) {
        while self.objects.lock().is_empty() {
            self.some.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_garbage_when_it_was_not_committed_or_was_dropped() {
        let garbage = Arc::new(Garbage::default());
        drop(PartFile::staged("never committed".into(), &garbage));
        let kept = PartFile::staged("kept".into(), &garbage);
        kept.keep();
        drop(kept);
        let dropped = PartFile::staged("dropped".into(), &garbage);
        dropped.keep();
        dropped.give_up();
        let reader = Arc::clone(&dropped);
        drop(dropped);
        assert_eq!(garbage.take(), ["never committed"]);
        drop(reader);
        assert_eq!(garbage.take(), ["dropped"]);
    }
}
