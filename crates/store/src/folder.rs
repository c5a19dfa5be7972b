//! The data folder: its names, its version, its lock. Refuses what it does not understand and changes nothing then.
//!
//! ```text
//! <data>/FORMAT            "everview data folder\nversion 1\n", written first and whole
//! <data>/lock              locked by the process that has the folder open; its process id inside
//! <data>/log/              segments (docs/format/log.md)
//! <data>/checkpoint/       checkpoints (docs/format/checkpoint.md)
//! <data>/parts/            part files, named by random numbers
//! ```

use std::path::{Path, PathBuf};

use env::{Disk, DiskLock};

use crate::error::{Error, Result};

/// The version of folders that this program makes.
pub const FOLDER_VERSION: u32 = 1;

const FORMAT: &str = "FORMAT";
const LOCK: &str = "lock";
const FIRST_LINE: &str = "everview data folder";

/// A data folder that is open: nobody else has it while this lives.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    _lock: Box<dyn DiskLock>,
}

impl DataFolder {
    /// Makes or opens the folder and locks it.
    pub async fn open(disk: &dyn Disk, path: &Path) -> Result<DataFolder> {
        disk.create_dir(path).await?;
        let lock = disk.lock(&path.join(LOCK)).await?;
        let folder = DataFolder { path: path.to_path_buf(), _lock: lock };
        if disk.exists(&path.join(FORMAT)).await? {
            folder.check_format(disk).await?;
        } else {
            folder.refuse_remains(disk).await?;
            make_durable(disk, path).await?;
            let text = format!("{FIRST_LINE}\nversion {FOLDER_VERSION}\n");
            env::write_atomic(disk, &path.join(FORMAT), text.as_bytes()).await?;
        }
        for inner in [folder.log(), folder.checkpoints(), folder.parts()] {
            disk.create_dir(&inner).await?;
        }
        disk.sync_dir(path).await?;
        Ok(folder)
    }

    /// Locks a folder that is there, to read it only. The lock file is the one thing that may be written.
    pub async fn open_to_read(disk: &dyn Disk, path: &Path) -> Result<DataFolder> {
        if !disk.exists(&path.join(FORMAT)).await? {
            let found = "nothing that a data folder has".to_owned();
            return Err(Error::NotWhole { path: path.to_path_buf(), found });
        }
        let lock = disk.lock(&path.join(LOCK)).await?;
        let folder = DataFolder { path: path.to_path_buf(), _lock: lock };
        folder.check_format(disk).await?;
        Ok(folder)
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the log is.
    pub fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    /// Where checkpoints are.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoint")
    }

    /// Where part files are.
    pub fn parts(&self) -> PathBuf {
        self.path.join("parts")
    }

    async fn check_format(&self, disk: &dyn Disk) -> Result<()> {
        let path = self.path.join(FORMAT);
        let bytes = env::read_all(disk, &path).await?;
        let text = String::from_utf8_lossy(&bytes);
        let mut lines = text.lines();
        let version = match (lines.next(), lines.next().and_then(|line| line.strip_prefix("version "))) {
            (Some(FIRST_LINE), Some(version)) => version.parse::<u32>().ok(),
            _ => None,
        };
        match version {
            Some(FOLDER_VERSION) => Ok(()),
            Some(found) if FOLDER_VERSION < found => Err(Error::NewerFormat { path, found, known: FOLDER_VERSION }),
            _ => Err(Error::Damaged { path, what: "it does not say its version".to_owned() }),
        }
    }

    /// Without FORMAT the folder must be new: FORMAT is durable before anything else is made in it.
    async fn refuse_remains(&self, disk: &dyn Disk) -> Result<()> {
        for inner in [self.log(), self.checkpoints(), self.parts()] {
            if disk.exists(&inner).await? && !disk.list(&inner).await?.is_empty() {
                let found = inner.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                return Err(Error::NotWhole { path: self.path.clone(), found });
            }
        }
        Ok(())
    }
}

/// Makes the names of the folder and of the folders above it durable, as far up as this process may.
async fn make_durable(disk: &dyn Disk, path: &Path) -> Result<()> {
    for above in path.ancestors().skip(1) {
        match disk.sync_dir(above).await {
            Ok(()) | Err(env::Error::PermissionDenied { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
