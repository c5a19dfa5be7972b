//! Files and folders, as the store needs them: append-only files, atomic renames, and syncs that are never implied.
//!
//! What survives a power cut is only what was asked for: the bytes of a file after [`DiskFile::sync`], its *name* after
//! [`Disk::sync_dir`] of the folder it is in. The simulated disk forgets everything else.

use std::fmt::Debug;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::Result;

/// One entry of a folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct DirEntry {
    /// The name inside the folder.
    pub name: String,
    /// True for a folder.
    pub is_dir: bool,
    /// Bytes of a file; 0 for a folder.
    pub len: u64,
    /// True for a symbolic link, which is neither followed nor a folder here.
    pub is_link: bool,
}

/// A file system.
///
/// Dropping a future of these methods before it is ready leaves it open whether the operation happened.
#[async_trait]
pub trait Disk: Send + Sync + Debug {
    /// Makes a folder and the missing ones above it. No error when it exists. Not durable before [`Disk::sync_dir`] of
    /// the folder above.
    async fn create_dir(&self, path: &Path) -> Result<()>;

    /// Makes an empty file for appending and reading. An existing name is an error.
    async fn create(&self, path: &Path) -> Result<Box<dyn DiskFile>>;

    /// Opens an existing file for appending and reading.
    async fn open(&self, path: &Path) -> Result<Box<dyn DiskFile>>;

    /// Gives a file another name, replacing what had that name. A reader sees the old or the new, never neither.
    async fn rename(&self, from: &Path, to: &Path) -> Result<()>;

    /// Removes a file. Files that are open stay readable.
    async fn remove(&self, path: &Path) -> Result<()>;

    /// Removes a folder and all below it. No error when there is none.
    async fn remove_dir(&self, path: &Path) -> Result<()>;

    /// The entries of a folder, sorted by name.
    async fn list(&self, path: &Path) -> Result<Vec<DirEntry>>;

    /// True when the name exists.
    async fn exists(&self, path: &Path) -> Result<bool>;

    /// When the bytes of a file were changed last, in seconds since 1970; none where the disk does not keep it. Only to be
    /// shown: nothing may be decided by it.
    async fn modified_s(&self, path: &Path) -> Result<Option<i64>>;

    /// The path that a name means when all symbolic links in it are followed. A name that does not exist is an error.
    async fn real_path(&self, path: &Path) -> Result<PathBuf>;

    /// Makes the entries of a folder durable: creations, renames and removals in it.
    async fn sync_dir(&self, path: &Path) -> Result<()>;

    /// Locks a file for this process and writes the process id into it; made when missing. The lock goes with the
    /// returned value, and with the process however it ends. [`Error::Locked`](crate::Error::Locked) names the holder.
    async fn lock(&self, path: &Path) -> Result<Box<dyn DiskLock>>;

    /// Bytes that can still be written below `path`.
    async fn free_space(&self, path: &Path) -> Result<u64>;

    /// Bytes of the whole disk that `path` is on; 0 where nobody knows. Only to be shown.
    async fn total_space(&self, path: &Path) -> Result<u64>;
}

/// An open file. Shared: reads may run while another appends; two appends at once may land in either order.
#[async_trait]
#[allow(clippy::len_without_is_empty, reason = "an empty file is no case of its own")]
pub trait DiskFile: Send + Sync + Debug {
    /// Adds `bytes` at the end. After an error any prefix of them may be there. Not durable before [`DiskFile::sync`].
    async fn append(&self, bytes: &[u8]) -> Result<()>;

    /// Exactly `len` bytes from `offset`; [`Error::PastEnd`](crate::Error::PastEnd) when the file is shorter.
    async fn read_range(&self, offset: u64, len: u64) -> Result<Bytes>;

    /// The length in bytes.
    async fn len(&self) -> Result<u64>;

    /// Cuts the file to `len` bytes, which must not be more than it has. Not durable before [`DiskFile::sync`].
    async fn truncate(&self, len: u64) -> Result<()>;

    /// Makes all bytes and the length durable. After an error it is unknown which are: never go on writing.
    async fn sync(&self) -> Result<()>;
}

/// A held lock; dropping it gives it back.
pub trait DiskLock: Send + Sync + Debug {}

/// Puts `bytes` under the name `path` so that after a power cut there is the old file whole or the new one whole: writes
/// `<path>.tmp`, syncs it, renames it, syncs the folder.
pub async fn write_atomic(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = path.as_os_str().to_os_string();
    name.push(".tmp");
    let temporary = Path::new(&name);
    if disk.exists(temporary).await? {
        disk.remove(temporary).await?;
    }
    let file = disk.create(temporary).await?;
    file.append(bytes).await?;
    file.sync().await?;
    disk.rename(temporary, path).await?;
    disk.sync_dir(path.parent().unwrap_or(Path::new(""))).await
}

/// The whole file.
pub async fn read_all(disk: &dyn Disk, path: &Path) -> Result<Bytes> {
    let file = disk.open(path).await?;
    let len = file.len().await?;
    file.read_range(0, len).await
}
