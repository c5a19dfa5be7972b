//! Part files in one folder of a disk.
//!
//! A file is written as `<name>.tmp`, synced, renamed, and the folder synced: after a power cut it is there whole or not.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use env::{Disk, DiskFile};

use super::{PartSink, PartStore};
use crate::error::{Error, Result};

/// The ending of files that are not finished.
const UNFINISHED: &str = ".tmp";

/// A folder of part files.
#[derive(Clone, Debug)]
pub struct DiskPartStore {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
}

impl DiskPartStore {
    /// The store in `folder`, which is made when missing. What is in it stays as it is.
    pub async fn open(disk: Arc<dyn Disk>, folder: PathBuf) -> Result<DiskPartStore> {
        let store = DiskPartStore { disk, folder };
        let at = |error| store.failed("open folder of", "", error);
        // this one always: a run that ended between making and syncing it leaves it looking old
        let mut made = vec![store.folder.as_path()];
        for folder in store.folder.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()) {
            if store.disk.exists(folder).await.map_err(at)? {
                break;
            }
            made.push(folder);
        }
        store.disk.create_dir(&store.folder).await.map_err(at)?;
        // the name of each new folder is durable only with the folder above it
        for folder in made {
            store.disk.sync_dir(folder.parent().unwrap_or(Path::new(""))).await.map_err(at)?;
        }
        Ok(store)
    }

    /// Removes the files that a crash left unfinished. Nothing may be in the making.
    pub async fn clear_unfinished(&self) -> Result<()> {
        let at = |error| self.failed("clear folder of", "", error);
        for entry in self.disk.list(&self.folder).await.map_err(at)? {
            if entry.name.ends_with(UNFINISHED) {
                self.disk.remove(&self.folder.join(&entry.name)).await.map_err(at)?;
            }
        }
        Ok(())
    }

    /// The store in a folder that is there, and nothing in it is changed by this.
    pub fn to_read(disk: Arc<dyn Disk>, folder: PathBuf) -> DiskPartStore {
        DiskPartStore { disk, folder }
    }

    fn failed(&self, what: &'static str, object: &str, error: env::Error) -> Error {
        Error::Disk { what, object: object.to_owned(), reason: error }
    }
}

#[async_trait]
impl PartStore for DiskPartStore {
    async fn put(&self, object: &str) -> Result<Box<dyn PartSink>> {
        let path = self.folder.join(object);
        let temporary = self.folder.join(format!("{object}{UNFINISHED}"));
        let at = |error| self.failed("create", object, error);
        if self.disk.exists(&temporary).await.map_err(at)? {
            self.disk.remove(&temporary).await.map_err(at)?;
        }
        let file = self.disk.create(&temporary).await.map_err(at)?;
        Ok(Box::new(DiskSink { store: self.clone(), object: object.to_owned(), path, temporary, file }))
    }

    async fn get_range(&self, object: &str, range: Range<u64>) -> Result<Bytes> {
        let path = self.folder.join(object);
        let at = |error| self.failed("read", object, error);
        if !self.disk.exists(&path).await.map_err(at)? {
            return Err(Error::Gone(object.to_owned()));
        }
        let file = self.disk.open(&path).await.map_err(at)?;
        file.read_range(range.start, range.end.saturating_sub(range.start)).await.map_err(at)
    }

    async fn delete(&self, object: &str) -> Result<()> {
        let path = self.folder.join(object);
        // a writer that was dropped in the middle leaves this one
        let unfinished = self.folder.join(format!("{object}{UNFINISHED}"));
        let at = |error| self.failed("delete", object, error);
        for path in [path, unfinished] {
            if self.disk.exists(&path).await.map_err(at)? {
                self.disk.remove(&path).await.map_err(at)?;
                self.disk.sync_dir(&self.folder).await.map_err(at)?;
            }
        }
        Ok(())
    }

    async fn list(&self) -> Result<Vec<(String, u64)>> {
        let entries = self.disk.list(&self.folder).await.map_err(|error| self.failed("list", "", error))?;
        let finished = entries.into_iter().filter(|entry| !entry.is_dir && !entry.name.ends_with(UNFINISHED));
        Ok(finished.map(|entry| (entry.name, entry.len)).collect())
    }
}

#[derive(Debug)]
struct DiskSink {
    store: DiskPartStore,
    object: String,
    path: PathBuf,
    temporary: PathBuf,
    file: Box<dyn DiskFile>,
}

#[async_trait]
impl PartSink for DiskSink {
    async fn append(&mut self, bytes: Bytes) -> Result<()> {
        self.file.append(&bytes).await.map_err(|error| self.store.failed("write", &self.object, error))
    }

    async fn finish(self: Box<Self>) -> Result<()> {
        let at = |error| self.store.failed("finish", &self.object, error);
        self.file.sync().await.map_err(at)?;
        self.store.disk.rename(&self.temporary, &self.path).await.map_err(at)?;
        self.store.disk.sync_dir(self.path.parent().unwrap_or(Path::new(""))).await.map_err(at)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use env::simulated::SimulatedDisk;
    use futures::future::{Either, select};

    use super::*;
    use crate::part_store::put_bytes;

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }

    #[test]
    fn an_object_is_there_whole_or_not_at_all_wherever_power_goes() {
        let bytes = Bytes::from(vec![7u8; 10_000]);
        for operations in 0..24 {
            run(async {
                let disk = Arc::new(SimulatedDisk::new(operations));
                let store = DiskPartStore::open(disk.clone(), PathBuf::from("data/parts")).await.unwrap();
                disk.lose_power_after(operations);
                // without power an operation never ends, like the process that waits for it
                let put = pin!(put_bytes(&store, "a.parquet", bytes.clone()));
                let is_acknowledged = match select(put, pin!(disk.power_lost())).await {
                    Either::Left((outcome, _)) => outcome.is_ok(),
                    Either::Right(_) => false,
                };
                disk.cut_power();
                let store = DiskPartStore::open(disk.clone(), PathBuf::from("data/parts")).await.unwrap();
                let listed = store.list().await.unwrap();
                let is_whole = listed == [("a.parquet".to_owned(), bytes.len() as u64)];
                assert!(is_whole || listed.is_empty(), "{listed:?} after {operations}");
                assert!(is_whole || !is_acknowledged, "acknowledged and gone after {operations}");
                if is_whole {
                    assert_eq!(store.get_range("a.parquet", 5..25).await.unwrap(), bytes.slice(5..25));
                }
            });
        }
    }

    #[test]
    fn what_is_deleted_is_gone_by_name() {
        run(async {
            let disk = Arc::new(SimulatedDisk::new(1));
            let store = DiskPartStore::open(disk, PathBuf::from("parts")).await.unwrap();
            put_bytes(&store, "a", Bytes::from_static(b"abc")).await.unwrap();
            assert!(store.get_range("a", 1..9).await.is_err());
            store.delete("a").await.unwrap();
            store.delete("a").await.unwrap();
            assert!(matches!(store.get_range("a", 0..1).await, Err(Error::Gone(_))));
            assert!(store.list().await.unwrap().is_empty());
        });
    }
}
