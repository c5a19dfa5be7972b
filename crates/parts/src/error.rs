//! What can be wrong with a part.

use types::ErrorCode;

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a part could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A block or type that is not what it should be.
    #[error(transparent)]
    Types(#[from] types::Error),
    /// An Arrow kernel refused its input: the block was not of the schema's types.
    #[error("cannot work on columns: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
    /// The Parquet layer could not write or read.
    #[error("cannot work on part file: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// Bytes that no writer of ours made, or that changed since.
    #[error("part is damaged: {0}")]
    Damaged(&'static str),
    /// Bytes whose checksum is not the one they were written with.
    #[error("checksum of part file \"{object}\" does not match at byte {offset}")]
    Checksum {
        /// The object in the part store.
        object: String,
        /// Start of the block of bytes that differs.
        offset: u64,
    },
    /// Written by a later version of the program.
    #[error("part has format version {found}, this program reads up to {known}")]
    FormatVersion {
        /// The version in the bytes.
        found: u32,
        /// The newest version known here.
        known: u32,
    },
    /// A part name that cannot be parsed.
    #[error("part name \"{0}\" is not well formed")]
    Name(String),
    /// A schema whose positions or types do not fit.
    #[error("part schema is not well formed: {0}")]
    Schema(String),
    /// A sign that is neither 1 nor -1.
    #[error("sign column \"{column}\" holds {value}, expected 1 or -1")]
    Sign {
        /// The sign column.
        column: String,
        /// What it holds.
        value: i8,
    },
    /// A deletion mark that is neither 0 nor 1.
    #[error("is_deleted column \"{column}\" holds {value}, expected 0 or 1")]
    IsDeleted {
        /// The column.
        column: String,
        /// What it holds.
        value: u8,
    },
    /// A type that a part file cannot hold.
    #[error("column \"{column}\" of type {ty} cannot be stored in a part file")]
    Unsupported {
        /// The column.
        column: String,
        /// Its type.
        ty: String,
    },
    /// The states of an aggregate function could not be merged.
    #[error("cannot merge states of column \"{column}\": {reason}")]
    States {
        /// The column.
        column: String,
        /// What the aggregate said.
        reason: String,
        /// Its code.
        code: ErrorCode,
    },
    /// A transform of a merge or mutation failed.
    #[error(transparent)]
    Transform(#[from] types::transform::TransformError),
    /// No such object in the part store.
    #[error("part file \"{0}\" is gone")]
    Gone(String),
    /// The disk below the part store failed.
    #[error("cannot {what} part file \"{object}\": {reason}")]
    Disk {
        /// The attempted operation.
        what: &'static str,
        /// The object in the part store.
        object: String,
        /// What the disk said.
        reason: env::Error,
    },
}

impl Error {
    /// True when the bytes of a part are not those that were written, or are not there at all.
    pub fn is_damage(&self) -> bool {
        match self {
            Error::Parquet(_) | Error::Damaged(_) | Error::Checksum { .. } | Error::Gone(_) => true,
            Error::Disk { reason, .. } => matches!(reason, env::Error::PastEnd { .. } | env::Error::NotFound(_)),
            _ => false,
        }
    }

    /// ClickHouse's code for this error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Error::Types(error) => error.code(),
            Error::Arrow(_) | Error::Schema(_) => ErrorCode::LOGICAL_ERROR,
            Error::Parquet(_) | Error::Damaged(_) | Error::Checksum { .. } => ErrorCode::CORRUPTED_DATA,
            Error::FormatVersion { .. } | Error::Unsupported { .. } => ErrorCode::NOT_IMPLEMENTED,
            Error::Name(_) => ErrorCode::BAD_ARGUMENTS,
            Error::Sign { .. } | Error::IsDeleted { .. } => ErrorCode::INCORRECT_DATA,
            Error::States { code, .. } => *code,
            Error::Transform(error) => error.code,
            Error::Gone(_) => ErrorCode::NO_SUCH_DATA_PART,
            Error::Disk { reason, .. } => reason.code(),
        }
    }
}
