//! The one error that leaves the façade: what happened, ClickHouse's code for it, and what the caller can do.

use types::ErrorCode;

/// The result of everything in the façade that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a statement was not done. Nothing of it was kept then, unless [`ErrorKind::Unknown`] says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is no statement.
    #[error("{0}")]
    Syntax(#[from] sql::Error),
    /// Names, types, limits, a run.
    #[error(transparent)]
    Query(#[from] query::Error),
    /// An insert or a view on its way.
    #[error(transparent)]
    Views(#[from] views::Error),
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A commit that was refused.
    #[error(transparent)]
    Commit(#[from] store::CommitError),
    /// Rows that cannot be laid out.
    #[error(transparent)]
    Parts(#[from] parts::Error),
    /// Bytes that are not what their format says.
    #[error(transparent)]
    Format(#[from] format::Error),
    /// Types, values, settings.
    #[error(transparent)]
    Types(#[from] types::Error),
    /// The outside.
    #[error(transparent)]
    Env(#[from] env::Error),
    /// A statement that one of ClickHouse's rules does not allow.
    #[error("{message}")]
    Refused {
        /// Its code.
        code: ErrorCode,
        /// The rule and what broke it.
        message: String,
    },
    /// A mutation met a row that it could not change.
    #[error("exception happened during execution of mutation ({commands}): {source}")]
    Unfinished {
        /// Its commands.
        commands: String,
        /// What happened.
        source: Box<Error>,
    },
    /// Something that is parsed and belongs to a later version.
    #[error("{0} is not supported yet")]
    NotImplemented(String),
    /// The data of an INSERT did not arrive whole.
    #[error("the data of the INSERT did not arrive whole: {0}")]
    Input(String),
}

/// What a caller can do about an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// The statement is wrong: change it.
    Statement,
    /// The rows are wrong: change them.
    Data,
    /// The caller may not do this.
    Denied,
    /// Try the same again.
    Retry,
    /// A limit was reached: ask for less, or allow more.
    Limit,
    /// The caller ended it.
    Cancelled,
    /// It may have happened or not: look before you try again.
    Unknown,
    /// A person must look: disk, damage, a defect.
    Internal,
}

impl Error {
    /// A rule that was broken.
    pub(crate) fn refused(code: ErrorCode, message: impl Into<String>) -> Error {
        Error::Refused { code, message: message.into() }
    }

    /// ClickHouse's code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Error::Syntax(error) => syntax_code(error),
            Error::Query(error) => error.code(),
            Error::Views(error) => error.code(),
            Error::Store(error) => error.code(),
            Error::Commit(error) => error.code(),
            Error::Parts(error) => error.code(),
            Error::Format(error) => error.code(),
            Error::Types(error) => error.code(),
            Error::Env(error) => error.code(),
            Error::Refused { code, .. } => *code,
            Error::Unfinished { .. } => ErrorCode::UNFINISHED,
            Error::NotImplemented(_) => ErrorCode::NOT_IMPLEMENTED,
            Error::Input(_) => ErrorCode::CANNOT_READ_ALL_DATA,
        }
    }

    /// What the caller can do.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::Commit(store::CommitError::Conflict(conflict)) if conflict.is_retryable() => ErrorKind::Retry,
            Error::Views(views::Error::Commit(store::CommitError::Conflict(c))) if c.is_retryable() => ErrorKind::Retry,
            Error::Format(_) | Error::Input(_) => ErrorKind::Data,
            Error::Store(_) | Error::Env(_) => ErrorKind::Internal,
            _ => kind_of(self.code()),
        }
    }
}

/// The code of a text that is no statement.
pub(crate) fn syntax_code(error: &sql::Error) -> ErrorCode {
    u16::try_from(error.code()).map_or(ErrorCode::SYNTAX_ERROR, ErrorCode)
}

fn kind_of(code: ErrorCode) -> ErrorKind {
    match code {
        ErrorCode::QUERY_WAS_CANCELLED => ErrorKind::Cancelled,
        ErrorCode::TIMEOUT_EXCEEDED
        | ErrorCode::MEMORY_LIMIT_EXCEEDED
        | ErrorCode::TOO_MANY_ROWS
        | ErrorCode::TOO_MANY_ROWS_OR_BYTES
        | ErrorCode::TOO_MANY_SIMULTANEOUS_QUERIES
        | ErrorCode::NOT_ENOUGH_SPACE => ErrorKind::Limit,
        ErrorCode::ACCESS_DENIED | ErrorCode::AUTHENTICATION_FAILED | ErrorCode::READONLY => ErrorKind::Denied,
        ErrorCode::VIOLATED_CONSTRAINT | ErrorCode::INCORRECT_DATA => ErrorKind::Data,
        ErrorCode::LOGICAL_ERROR | ErrorCode::CORRUPTED_DATA | ErrorCode::SYSTEM_ERROR => ErrorKind::Internal,
        _ => ErrorKind::Statement,
    }
}
