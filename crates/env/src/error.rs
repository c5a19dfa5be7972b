//! What can go wrong outside.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use types::ErrorCode;

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// A disk operation, for error texts and for the faults of the simulated disk.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DiskOp {
    /// Making a folder.
    CreateDir,
    /// Making a file.
    Create,
    /// Opening a file.
    Open,
    /// Adding bytes to a file.
    Append,
    /// Reading bytes of a file.
    Read,
    /// Cutting a file shorter.
    Truncate,
    /// Forcing a file to the disk.
    SyncFile,
    /// Forcing the entries of a folder to the disk.
    SyncDir,
    /// Giving a file another name.
    Rename,
    /// Removing a file or folder.
    Remove,
    /// Reading the entries of a folder.
    List,
    /// Locking a file.
    Lock,
    /// Asking for the free space.
    FreeSpace,
}

impl fmt::Display for DiskOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DiskOp::CreateDir => "create folder",
            DiskOp::Create => "create",
            DiskOp::Open => "open",
            DiskOp::Append => "write to",
            DiskOp::Read => "read",
            DiskOp::Truncate => "cut",
            DiskOp::SyncFile => "sync",
            DiskOp::SyncDir => "sync folder",
            DiskOp::Rename => "rename",
            DiskOp::Remove => "remove",
            DiskOp::List => "list",
            DiskOp::Lock => "lock",
            DiskOp::FreeSpace => "ask for the free space of",
        })
    }
}

/// A disk operation that failed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// No such file or folder.
    #[error("no such file or folder \"{}\"", .0.display())]
    NotFound(PathBuf),
    /// The name is taken.
    #[error("file or folder \"{}\" exists already", .0.display())]
    AlreadyExists(PathBuf),
    /// The operating system refuses.
    #[error("no permission to {op} \"{}\"", path.display())]
    PermissionDenied {
        /// What was tried.
        op: DiskOp,
        /// On what.
        path: PathBuf,
    },
    /// The disk is full.
    #[error("no space left on the disk of \"{}\"", .0.display())]
    NoSpace(PathBuf),
    /// Another process holds the lock.
    #[error("file \"{}\" is locked by process {pid}", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// The text that the holder wrote into it: its process id.
        pid: String,
    },
    /// The file ends before the bytes asked for.
    #[error("file \"{}\" of {len} bytes ends before byte {end}", path.display())]
    PastEnd {
        /// The file.
        path: PathBuf,
        /// Its length.
        len: u64,
        /// The end of the range asked for, exclusive.
        end: u64,
    },
    /// Anything else that the operating system reports.
    #[error("cannot {op} \"{}\": {reason}", path.display())]
    Io {
        /// What was tried.
        op: DiskOp,
        /// On what.
        path: PathBuf,
        /// The system's text.
        reason: String,
    },
}

impl Error {
    /// The error of `op` on `path`, by its kind.
    pub(crate) fn from_io(op: DiskOp, path: &Path, error: &io::Error) -> Error {
        let path = path.to_path_buf();
        match error.kind() {
            io::ErrorKind::NotFound => Error::NotFound(path),
            io::ErrorKind::AlreadyExists => Error::AlreadyExists(path),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Error::PermissionDenied { op, path },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::NoSpace(path),
            _ => Error::Io { op, path, reason: error.to_string() },
        }
    }

    /// ClickHouse's code for this error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Error::NotFound(_) => ErrorCode::CANNOT_OPEN_FILE,
            Error::AlreadyExists(_) => ErrorCode::CANNOT_OPEN_FILE,
            Error::PermissionDenied { .. } => ErrorCode::CANNOT_OPEN_FILE,
            Error::NoSpace(_) => ErrorCode::NOT_ENOUGH_SPACE,
            Error::Locked { .. } => ErrorCode::CANNOT_OPEN_FILE,
            Error::PastEnd { .. } => ErrorCode::UNEXPECTED_END_OF_FILE,
            Error::Io { op: DiskOp::Read | DiskOp::List, .. } => ErrorCode::CANNOT_READ_FROM_FILE_DESCRIPTOR,
            Error::Io { .. } => ErrorCode::CANNOT_WRITE_TO_FILE_DESCRIPTOR,
        }
    }
}
