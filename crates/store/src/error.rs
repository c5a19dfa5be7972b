//! Why a data folder cannot be opened, and why a commit did not happen.

use std::path::PathBuf;

use parts::PartName;
use types::{CommitSeq, ErrorCode, TableId};

use crate::codec::DecodeError;
use crate::commit::Receipt;
use crate::definition::QualifiedName;

/// The result of everything in this crate that meets the disk.
pub type Result<T> = std::result::Result<T, Error>;

/// The store cannot open, read or write its folder.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk.
    #[error(transparent)]
    Disk(#[from] env::Error),
    /// A part could not be read or written.
    #[error(transparent)]
    Part(#[from] parts::Error),
    /// Made by a later version of the program.
    #[error("\"{}\" has format version {found}, this program reads up to {known}", path.display())]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// The version in it.
        found: u32,
        /// The newest version known here.
        known: u32,
    },
    /// Bytes that were written are not there any more. Nothing is changed in the folder.
    #[error("\"{}\" is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A folder with parts of a data folder, but not a whole one. Nothing is changed in it.
    #[error("folder \"{}\" is not a whole data folder: it has \"{found}\" and no FORMAT", path.display())]
    NotWhole {
        /// The folder.
        path: PathBuf,
        /// What is in it.
        found: String,
    },
    /// The log holds a commit that does not fit what came before it.
    #[error("commit {seq} of the log cannot be repeated: {conflict}")]
    Replay {
        /// The commit.
        seq: CommitSeq,
        /// Why it does not fit.
        conflict: Conflict,
    },
    /// A record that cannot be decoded.
    #[error("commit {seq} of the log cannot be read: {reason}")]
    Record {
        /// The commit.
        seq: CommitSeq,
        /// What is wrong with it.
        reason: DecodeError,
    },
    /// The first commit of a start failed.
    #[error("the data folder cannot be written: {0}")]
    Start(String),
    /// A commit of the store's own work, or its end, failed.
    #[error("the store cannot write: {0}")]
    Stop(String),
    /// The disk has no room for the records of an append. None of them is there, and the log goes on.
    #[error("no space left on the disk for the log")]
    LogFull,
    /// The disk has no room for a part beside what must stay free for the log.
    #[error("no space left on the disk: {free} bytes free, {needed} needed")]
    NoSpace {
        /// Bytes free.
        free: u64,
        /// Bytes that must be free for this.
        needed: u64,
    },
    /// The log takes no more records: an append or sync failed before.
    #[error("the log is closed after a failed write")]
    Fenced,
}

impl Error {
    /// ClickHouse's code for this error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Error::Disk(error) => error.code(),
            Error::Part(error) => error.code(),
            Error::NewerFormat { .. } => ErrorCode::NOT_IMPLEMENTED,
            Error::Damaged { .. } | Error::NotWhole { .. } | Error::Replay { .. } | Error::Record { .. } => {
                ErrorCode::CORRUPTED_DATA
            }
            Error::LogFull | Error::NoSpace { .. } => ErrorCode::NOT_ENOUGH_SPACE,
            Error::Start(_) | Error::Stop(_) | Error::Fenced => ErrorCode::ABORTED,
        }
    }
}

/// Why a commit does not apply to a snapshot. Deciding it needs the snapshot and the commit only.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Conflict {
    /// The token was seen: the rows are there already. Not a failure for who sent them twice.
    #[error("the insert was made before, by commit {}", .0.seq)]
    Duplicate(Receipt),
    /// A table or view that the commit read or wrote through was altered, renamed or rebuilt since.
    #[error("definition of table \"{table}\" changed")]
    DefinitionChanged {
        /// Its name now.
        table: QualifiedName,
    },
    /// Views over a table were made or dropped since the rows went through them.
    #[error("views over table \"{source_table}\" changed")]
    ViewsChanged {
        /// The table.
        source_table: QualifiedName,
    },
    /// A table that the commit read or wrote was dropped.
    #[error("table with id {table} is gone")]
    TableGone {
        /// Its id.
        table: TableId,
    },
    /// No database of that name.
    #[error("database \"{0}\" is gone")]
    DatabaseGone(String),
    /// The name of a new database is taken.
    #[error("database \"{0}\" exists already")]
    DatabaseExists(String),
    /// A database to be dropped holds tables.
    #[error("database \"{0}\" is not empty")]
    DatabaseNotEmpty(String),
    /// The name of a new or renamed table is taken.
    #[error("table \"{0}\" exists already")]
    TableExists(QualifiedName),
    /// A part that a merge or mutation read was merged, rewritten or dropped since.
    #[error("part \"{part}\" of table with id {table} is gone")]
    PartGone {
        /// The table.
        table: TableId,
        /// The part.
        part: PartName,
    },
    /// A merge reaches over how far a view has read the table, or the view's read reaches into a merged part.
    #[error("merges and reads of table with id {table} cross")]
    Mark {
        /// The table.
        table: TableId,
    },
    /// A concurrency group was made, changed or dropped meanwhile.
    #[error("concurrency group \"{0}\" changed")]
    GroupChanged(String),
    /// A named collection was made, changed or dropped meanwhile.
    #[error("named collection \"{0}\" changed")]
    CollectionChanged(String),
    /// Rows in memory that cannot be merged by the engine's rule.
    #[error("parts cannot be compacted: {0}")]
    CannotMerge(String),
    /// The commit contradicts itself or an invariant; a defect of its maker.
    #[error("commit is not well formed: {0}")]
    Malformed(&'static str),
}

impl Conflict {
    /// ClickHouse's code for this conflict.
    pub fn code(&self) -> ErrorCode {
        match self {
            Conflict::Duplicate(_) => ErrorCode::DUPLICATE_DATA_PART,
            Conflict::DefinitionChanged { .. }
            | Conflict::ViewsChanged { .. }
            | Conflict::PartGone { .. }
            | Conflict::Mark { .. }
            | Conflict::GroupChanged(_)
            | Conflict::CollectionChanged(_) => ErrorCode::ABORTED,
            Conflict::TableGone { .. } => ErrorCode::UNKNOWN_TABLE,
            Conflict::DatabaseGone(_) => ErrorCode::UNKNOWN_DATABASE,
            Conflict::DatabaseExists(_) => ErrorCode::DATABASE_ALREADY_EXISTS,
            Conflict::DatabaseNotEmpty(_) => ErrorCode::DATABASE_NOT_EMPTY,
            Conflict::TableExists(_) => ErrorCode::TABLE_ALREADY_EXISTS,
            Conflict::CannotMerge(_) | Conflict::Malformed(_) => ErrorCode::LOGICAL_ERROR,
        }
    }

    /// True when the same work, done again on a newer snapshot, may succeed.
    pub fn is_retryable(&self) -> bool {
        match self {
            Conflict::DefinitionChanged { .. }
            | Conflict::ViewsChanged { .. }
            | Conflict::PartGone { .. }
            | Conflict::Mark { .. } => true,
            Conflict::Duplicate(_)
            | Conflict::GroupChanged(_)
            | Conflict::CollectionChanged(_)
            | Conflict::TableGone { .. }
            | Conflict::DatabaseGone(_)
            | Conflict::DatabaseExists(_)
            | Conflict::DatabaseNotEmpty(_)
            | Conflict::TableExists(_)
            | Conflict::CannotMerge(_)
            | Conflict::Malformed(_) => false,
        }
    }
}

/// Why a commit did not happen, or may not have happened.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CommitError {
    /// It does not apply; nothing happened.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// Its inline parts are more than one record may hold; stage them as files. Nothing happened.
    #[error("commit of {bytes} bytes is larger than {max}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// A partition has more parts than may be. Nothing happened; merges will make room.
    #[error("partition \"{partition}\" of table \"{table}\" has {parts} parts, merges do not keep up")]
    TooManyParts {
        /// The table.
        table: QualifiedName,
        /// The partition.
        partition: String,
        /// Parts in it.
        parts: usize,
    },
    /// The disk has no room for the record. Nothing happened.
    #[error("no space left on the disk: {free} bytes free, {needed} needed")]
    NoSpace {
        /// Bytes free.
        free: u64,
        /// Bytes that must stay free for this commit.
        needed: u64,
    },
    /// The log and the rows in memory are far over their limits and no checkpoint helped. Nothing happened.
    #[error("the log and the rows in memory are over their limits, and no checkpoint can be written: {reason}")]
    NoRoom {
        /// What the last checkpoint failed with.
        reason: String,
        /// Its code: NOT_ENOUGH_SPACE on a full disk. MEMORY_LIMIT_EXCEEDED when none failed, and they do not keep up.
        code: ErrorCode,
    },
    /// The log could not be written: it is unknown whether the commit happened. The store takes no more.
    #[error("the log could not be written, the outcome is unknown: {0}")]
    Unknown(String),
    /// The store has stopped, by a failed write or by being closed. Nothing happened.
    #[error("the store takes no more commits: {0}")]
    Stopped(String),
}

impl CommitError {
    /// ClickHouse's code for this error.
    pub fn code(&self) -> ErrorCode {
        match self {
            CommitError::Conflict(conflict) => conflict.code(),
            CommitError::TooLarge { .. } => ErrorCode::TOO_MANY_BYTES,
            CommitError::TooManyParts { .. } => ErrorCode::TOO_MANY_PARTS,
            CommitError::NoSpace { .. } => ErrorCode::NOT_ENOUGH_SPACE,
            CommitError::NoRoom { code, .. } => *code,
            CommitError::Unknown(_) => ErrorCode::CANNOT_WRITE_TO_FILE_DESCRIPTOR,
            CommitError::Stopped(_) => ErrorCode::ABORTED,
        }
    }
}
