//! What can be wrong with bytes in a format.

use types::ErrorCode;

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// Bytes that are not what the format says, or a format that does not exist.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such format.
    #[error("unknown format \"{name}\"{hint}")]
    UnknownFormat {
        /// As written.
        name: String,
        /// Empty, or a suggestion.
        hint: String,
    },
    /// The format exists, but not in this direction.
    #[error("format \"{name}\" is not suitable for {direction}")]
    Unsuitable {
        /// The format.
        name: String,
        /// `input` or `output`.
        direction: &'static str,
    },
    /// A value that its column's type cannot hold.
    #[error("cannot parse {ty} from {text} in column \"{column}\" at row {row}")]
    BadValue {
        /// The column.
        column: String,
        /// Its type.
        ty: String,
        /// The beginning of the text, quoted.
        text: String,
        /// Row number from 1.
        row: u64,
        /// The code that ClickHouse gives for that type.
        code: ErrorCode,
    },
    /// A row that is not a row of the format.
    #[error("cannot parse input at row {row}: {reason}")]
    BadRow {
        /// Row number from 1.
        row: u64,
        /// What was expected.
        reason: String,
    },
    /// A key or header name that is no column.
    #[error("unknown field \"{name}\" found while parsing at row {row}")]
    UnknownField {
        /// The name.
        name: String,
        /// Row number from 1.
        row: u64,
    },
    /// A row that is larger than a row may be.
    #[error("row {row} is larger than {limit_bytes} bytes")]
    RowTooLarge {
        /// Row number from 1.
        row: u64,
        /// The limit.
        limit_bytes: usize,
    },
    /// A file of a binary format that is broken.
    #[error("cannot read {format} data: {reason}")]
    Broken {
        /// The format.
        format: &'static str,
        /// What its reader said.
        reason: String,
    },
    /// Bytes whose columns cannot be guessed.
    #[error("the table structure cannot be extracted: {0}")]
    NoStructure(String),
    /// An expression in VALUES that cannot be evaluated.
    #[error("{message} at row {row}")]
    Expression {
        /// What is wrong with it.
        message: String,
        /// Row number from 1.
        row: u64,
        /// Its code.
        code: ErrorCode,
    },
    /// A block that is not well formed.
    #[error(transparent)]
    Types(#[from] types::Error),
}

impl Error {
    /// ClickHouse's code for this error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Error::UnknownFormat { .. } => ErrorCode::UNKNOWN_FORMAT,
            Error::Unsuitable { .. } => ErrorCode::UNKNOWN_FORMAT,
            Error::BadValue { code, .. } | Error::Expression { code, .. } => *code,
            Error::BadRow { .. } => ErrorCode::CANNOT_PARSE_INPUT_ASSERTION_FAILED,
            Error::UnknownField { .. } => ErrorCode::INCORRECT_DATA,
            Error::RowTooLarge { .. } => ErrorCode::TOO_LARGE_STRING_SIZE,
            Error::NoStructure(_) => ErrorCode::CANNOT_EXTRACT_TABLE_STRUCTURE,
            Error::Broken { .. } => ErrorCode::INCORRECT_DATA,
            Error::Types(error) => error.code(),
        }
    }
}
