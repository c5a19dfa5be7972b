//! `std::fs` behind [`Disk`]. A sync is `fsync`, never less.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use rustix::fs::{FlockOperation, flock};

use super::pool::Pool;
use crate::disk::{DirEntry, Disk, DiskFile, DiskLock};
use crate::error::{DiskOp, Error, Result};

/// The largest part of a lock file that is read for the holder's process id.
const LOCK_TEXT_BYTES_MAX: u64 = 64;

/// The file systems of this machine.
#[derive(Debug)]
pub struct RealDisk {
    pool: Arc<Pool>,
}

impl RealDisk {
    /// Starts the I/O threads.
    pub fn new() -> RealDisk {
        RealDisk { pool: Arc::new(Pool::start()) }
    }

    /// Runs `call` on an I/O thread; its error names `op` and `path`.
    async fn call<T: Send + 'static>(
        &self,
        op: DiskOp,
        path: &Path,
        call: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let path = path.to_path_buf();
        self.pool.run(move || call(&path).map_err(|error| Error::from_io(op, &path, &error))).await
    }
}

impl Default for RealDisk {
    fn default() -> RealDisk {
        RealDisk::new()
    }
}

#[async_trait]
impl Disk for RealDisk {
    async fn create_dir(&self, path: &Path) -> Result<()> {
        self.call(DiskOp::CreateDir, path, |path| fs::create_dir_all(path)).await
    }

    async fn create(&self, path: &Path) -> Result<Box<dyn DiskFile>> {
        let made = OpenOptions::new().read(true).append(true).create_new(true).open(path);
        let file = made.map_err(|error| Error::from_io(DiskOp::Create, path, &error))?;
        Ok(Box::new(RealFile::new(file, path, &self.pool)))
    }

    async fn open(&self, path: &Path) -> Result<Box<dyn DiskFile>> {
        // A folder of a read-only mount can still be read.
        let opened = OpenOptions::new().read(true).append(true).open(path).or_else(|error| match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => File::open(path),
            _ => Err(error),
        });
        let file = opened.map_err(|error| Error::from_io(DiskOp::Open, path, &error))?;
        Ok(Box::new(RealFile::new(file, path, &self.pool)))
    }

    async fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let to = to.to_path_buf();
        self.call(DiskOp::Rename, from, move |from| fs::rename(from, &to)).await
    }

    async fn remove(&self, path: &Path) -> Result<()> {
        self.call(DiskOp::Remove, path, |path| fs::remove_file(path)).await
    }

    async fn remove_dir(&self, path: &Path) -> Result<()> {
        self.call(DiskOp::Remove, path, |path| match fs::remove_dir_all(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        })
        .await
    }

    async fn list(&self, path: &Path) -> Result<Vec<DirEntry>> {
        self.call(DiskOp::List, path, list).await
    }

    async fn exists(&self, path: &Path) -> Result<bool> {
        path.try_exists().map_err(|error| Error::from_io(DiskOp::Open, path, &error))
    }

    async fn modified_s(&self, path: &Path) -> Result<Option<i64>> {
        let modified = self.call(DiskOp::Open, path, |path| fs::metadata(path)?.modified()).await?;
        let since = modified.duration_since(std::time::UNIX_EPOCH).ok();
        Ok(since.and_then(|since| i64::try_from(since.as_secs()).ok()))
    }

    async fn real_path(&self, path: &Path) -> Result<PathBuf> {
        self.call(DiskOp::Open, path, |path| fs::canonicalize(path)).await
    }

    async fn sync_dir(&self, path: &Path) -> Result<()> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        self.call(DiskOp::SyncDir, path, |path| File::open(path)?.sync_all()).await
    }

    async fn lock(&self, path: &Path) -> Result<Box<dyn DiskLock>> {
        let fail = |error: io::Error| Error::from_io(DiskOp::Lock, path, &error);
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = opened.map_err(fail)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut pid = String::new();
                // The text only serves the message; without it the lock is held all the same.
                let _unread = Read::take(&file, LOCK_TEXT_BYTES_MAX).read_to_string(&mut pid);
                return Err(Error::Locked { path: path.to_path_buf(), pid: pid.trim().to_owned() });
            }
            Err(error) => return Err(fail(error.into())),
        }
        file.set_len(0).and_then(|()| file.write_all(std::process::id().to_string().as_bytes())).map_err(fail)?;
        Ok(Box::new(RealLock { _file: file }))
    }

    async fn free_space(&self, path: &Path) -> Result<u64> {
        let statistics = rustix::fs::statvfs(path);
        let statistics =
            statistics.map_err(|error| Error::from_io(DiskOp::FreeSpace, path, &io::Error::from(error)))?;
        Ok(statistics.f_bavail.saturating_mul(statistics.f_frsize))
    }

    async fn total_space(&self, path: &Path) -> Result<u64> {
        let statistics = rustix::fs::statvfs(path);
        let statistics =
            statistics.map_err(|error| Error::from_io(DiskOp::FreeSpace, path, &io::Error::from(error)))?;
        Ok(statistics.f_blocks.saturating_mul(statistics.f_frsize))
    }
}

fn list(path: &Path) -> io::Result<Vec<DirEntry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            // Removed since the folder was read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let is_dir = metadata.is_dir();
        let len = if is_dir { 0 } else { metadata.len() };
        let is_link = metadata.is_symlink();
        entries.push(DirEntry { name: entry.file_name().to_string_lossy().into_owned(), is_dir, len, is_link });
    }
    entries.sort();
    Ok(entries)
}

#[derive(Debug)]
struct RealFile {
    file: Arc<File>,
    path: PathBuf,
    pool: Arc<Pool>,
}

impl RealFile {
    fn new(file: File, path: &Path, pool: &Arc<Pool>) -> RealFile {
        RealFile { file: Arc::new(file), path: path.to_path_buf(), pool: Arc::clone(pool) }
    }

    fn fail(&self, op: DiskOp) -> impl Fn(io::Error) -> Error + '_ {
        move |error| Error::from_io(op, &self.path, &error)
    }
}

#[async_trait]
impl DiskFile for RealFile {
    async fn append(&self, bytes: &[u8]) -> Result<()> {
        (&*self.file).write_all(bytes).map_err(self.fail(DiskOp::Append))
    }

    async fn read_range(&self, offset: u64, len: u64) -> Result<Bytes> {
        let file_len = self.file.metadata().map_err(self.fail(DiskOp::Read))?.len();
        let end = offset.saturating_add(len);
        if file_len < end {
            return Err(Error::PastEnd { path: self.path.clone(), len: file_len, end });
        }
        let size = usize::try_from(len).map_err(|_| self.fail(DiskOp::Read)(io::ErrorKind::OutOfMemory.into()))?;
        let mut bytes = vec![0; size];
        self.file.read_exact_at(&mut bytes, offset).map_err(self.fail(DiskOp::Read))?;
        Ok(bytes.into())
    }

    async fn len(&self) -> Result<u64> {
        Ok(self.file.metadata().map_err(self.fail(DiskOp::Read))?.len())
    }

    async fn truncate(&self, len: u64) -> Result<()> {
        self.file.set_len(len).map_err(self.fail(DiskOp::Truncate))
    }

    async fn sync(&self) -> Result<()> {
        let file = Arc::clone(&self.file);
        self.pool.run(move || file.sync_all()).await.map_err(self.fail(DiskOp::SyncFile))
    }
}

/// The lock is the open file: the kernel gives it back when it is closed, also when the process is killed.
#[derive(Debug)]
struct RealLock {
    _file: File,
}

impl DiskLock for RealLock {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{read_all, write_atomic};

    #[tokio::test]
    async fn bytes_appended_are_read_back_and_a_range_past_the_end_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let disk = RealDisk::new();
        let path = folder.path().join("a/b/file");
        disk.create_dir(path.parent().unwrap()).await.unwrap();
        let file = disk.create(&path).await.unwrap();
        file.append(b"hello ").await.unwrap();
        file.append(b"world").await.unwrap();
        file.sync().await.unwrap();
        disk.sync_dir(path.parent().unwrap()).await.unwrap();
        assert_eq!(&file.read_range(3, 5).await.unwrap()[..], b"lo wo");
        assert!(matches!(file.read_range(8, 5).await, Err(Error::PastEnd { len: 11, end: 13, .. })));
        file.truncate(5).await.unwrap();
        assert_eq!(&read_all(&disk, &path).await.unwrap()[..], b"hello");
        assert!(matches!(disk.create(&path).await, Err(Error::AlreadyExists(_))));
        assert!(matches!(disk.open(&folder.path().join("none")).await, Err(Error::NotFound(_))));
    }

    #[tokio::test]
    async fn an_atomic_write_replaces_the_old_file_and_leaves_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let disk = RealDisk::new();
        let path = folder.path().join("current");
        write_atomic(&disk, &path, b"one").await.unwrap();
        write_atomic(&disk, &path, b"two").await.unwrap();
        assert_eq!(&read_all(&disk, &path).await.unwrap()[..], b"two");
        let names: Vec<_> = disk.list(folder.path()).await.unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, ["current"]);
    }

    #[tokio::test]
    async fn a_second_holder_of_the_lock_learns_who_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let disk = RealDisk::new();
        let path = folder.path().join("lock");
        let held = disk.lock(&path).await.unwrap();
        let error = disk.lock(&path).await.unwrap_err();
        assert!(matches!(&error, Error::Locked { pid, .. } if *pid == std::process::id().to_string()), "{error}");
        drop(held);
        disk.lock(&path).await.unwrap();
        assert!(disk.free_space(folder.path()).await.unwrap() > 0);
    }
}
