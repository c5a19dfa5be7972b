//! What can be wrong with a source elsewhere. Each error has ClickHouse's code; none has a credential in it.

use types::ErrorCode;

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// Which source an error is about: it decides the code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `url()`.
    Http,
    /// `s3()`.
    S3,
    /// `file()`.
    File,
    /// `postgresql()`.
    Postgres,
    /// `mysql()`.
    MySql,
}

impl Kind {
    /// The name of its table function.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Http => "url",
            Kind::S3 => "s3",
            Kind::File => "file",
            Kind::Postgres => "postgresql",
            Kind::MySql => "mysql",
        }
    }
}

/// Why a source could not be asked, or gave no answer that can be used. Texts of the other side are shown: whoever makes
/// an error sees to it that no credential is in them.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The allow list does not have the host.
    #[error("host \"{host}\" is not allowed: the server's list of external hosts does not have it")]
    HostNotAllowed {
        /// As written.
        host: String,
    },
    /// An address that is never asked, whatever the allow list says: link-local, or one where clouds answer with
    /// credentials.
    #[error("host \"{host}\" is never allowed: it has a link-local, metadata, multicast or unspecified address")]
    HostNeverAllowed {
        /// As written.
        host: String,
    },
    /// A name without an address.
    #[error("host \"{host}\" cannot be resolved: {reason}")]
    Unresolved {
        /// As written.
        host: String,
        /// What the resolver said.
        reason: String,
    },
    /// An address that is none, or of a scheme that is not spoken.
    #[error("\"{url}\" is no address that {} can read: {reason}", kind.name())]
    BadUrl {
        /// Of which source.
        kind: Kind,
        /// Without user, password and query.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// A text that is no URL.
    #[error("bad URI syntax: \"{url}\": {reason}")]
    NoUrl {
        /// What of it can be shown.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// No connection, or one that broke off.
    #[error("{}: cannot reach {place}: {reason}", kind.name())]
    Unreachable {
        /// Of which source.
        kind: Kind,
        /// Host and port, or address without credentials.
        place: String,
        /// What happened.
        reason: String,
    },
    /// Nothing came for too long.
    #[error("{}: {place} did not answer within {seconds} s", kind.name())]
    TimedOut {
        /// Of which source.
        kind: Kind,
        /// Host and port, or address without credentials.
        place: String,
        /// The limit.
        seconds: u64,
    },
    /// User and password are refused.
    #[error("{}: {place} refused user \"{user}\": {reason}", kind.name())]
    LoginRefused {
        /// Of which source.
        kind: Kind,
        /// Host and port.
        place: String,
        /// Who asked.
        user: String,
        /// What it said.
        reason: String,
    },
    /// The other side answered with an error.
    #[error("{}: {place} answered with an error: {reason}", kind.name())]
    Refused {
        /// Of which source.
        kind: Kind,
        /// Where.
        place: String,
        /// What it said.
        reason: String,
    },
    /// An HTTP status that is no success.
    #[error("{}: {url} answered with HTTP status {status}", kind.name())]
    Status {
        /// Of which source.
        kind: Kind,
        /// Without user, password and query.
        url: String,
        /// The status.
        status: u16,
    },
    /// More redirects than `max_http_get_redirects` allows.
    #[error("too many redirects while trying to access {url}: max_http_get_redirects is {max}")]
    TooManyRedirects {
        /// Without user, password and query.
        url: String,
        /// How many are allowed.
        max: u64,
    },
    /// Fewer or more bytes than were promised.
    #[error("{}: {place} has {got} bytes and said {promised}", kind.name())]
    WrongSize {
        /// Of which source.
        kind: Kind,
        /// Where.
        place: String,
        /// What it said.
        promised: u64,
        /// What came.
        got: u64,
    },
    /// Nothing of that name.
    #[error("{}: {place} does not exist", kind.name())]
    Missing {
        /// Of which source.
        kind: Kind,
        /// What was looked for.
        place: String,
    },
    /// A file that is there and cannot be read.
    #[error("cannot read file \"{path}\": {reason}")]
    Unreadable {
        /// As written.
        path: String,
        /// What the disk said.
        reason: String,
    },
    /// A path that leads out of the folder for user files.
    #[error("file \"{0}\" is not inside the user files folder")]
    FileOutside(String),
    /// A value of the other side that does not fit the column's type.
    #[error("{}: column \"{column}\" of type {ty} cannot hold {value}", kind.name())]
    BadValue {
        /// Of which source.
        kind: Kind,
        /// The column.
        column: String,
        /// Its type.
        ty: String,
        /// The value, shortened.
        value: String,
    },
    /// A column of the other side whose type none here can hold.
    #[error("{}: column \"{column}\" is of type {ty}, which is not supported", kind.name())]
    UnsupportedType {
        /// Of which source.
        kind: Kind,
        /// The column.
        column: String,
        /// Its type there.
        ty: String,
    },
    /// Something that ClickHouse has and Everview does not.
    #[error("{0} is not supported")]
    NotSupported(String),
    /// INSERT into what is only read.
    #[error("{}: {what} is only read", kind.name())]
    ReadOnly {
        /// Of which source.
        kind: Kind,
        /// Why.
        what: &'static str,
    },
    /// Two columns of one name.
    #[error("{}: the query has two columns of the name \"{column}\"", kind.name())]
    SameName {
        /// Of which source.
        kind: Kind,
        /// The name.
        column: String,
    },
    /// A pattern that means too much or nothing.
    #[error("bad pattern \"{pattern}\": {reason}")]
    BadPattern {
        /// As written.
        pattern: String,
        /// What is wrong.
        reason: String,
    },
    /// Compressed bytes that are none, or cut off.
    #[error("cannot decompress {place}: {reason}")]
    BadCompression {
        /// Where.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// Bytes that are not of their format.
    #[error("{place}: {message}")]
    BadFormat {
        /// Where.
        place: String,
        /// What is wrong.
        message: String,
        /// As the format says.
        code: ErrorCode,
    },
    /// What gives rows to an INSERT ended with an error.
    #[error("{message}")]
    Input {
        /// Its message.
        message: String,
        /// Its code.
        code: ErrorCode,
    },
    /// A block that is not well formed.
    #[error(transparent)]
    Types(#[from] types::Error),
}

impl Error {
    /// ClickHouse's code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Error::HostNotAllowed { .. } | Error::HostNeverAllowed { .. } => ErrorCode::UNACCEPTABLE_URL,
            Error::Unresolved { .. } => ErrorCode::DNS_ERROR,
            Error::NoUrl { .. } => ErrorCode::POCO_EXCEPTION,
            Error::BadUrl { .. } | Error::BadPattern { .. } => ErrorCode::BAD_ARGUMENTS,
            Error::Unreachable { kind, .. }
            | Error::LoginRefused { kind, .. }
            | Error::Refused { kind, .. }
            | Error::TimedOut { kind, .. } => self.code_of(*kind),
            Error::Status { kind: Kind::S3, .. } => ErrorCode::S3_ERROR,
            Error::Status { status: 429, .. } => ErrorCode::RECEIVED_ERROR_TOO_MANY_REQUESTS,
            Error::Status { .. } => ErrorCode::RECEIVED_ERROR_FROM_REMOTE_IO_SERVER,
            Error::TooManyRedirects { .. } => ErrorCode::TOO_MANY_REDIRECTS,
            Error::WrongSize { kind: Kind::Http, .. } => ErrorCode::POCO_EXCEPTION,
            Error::WrongSize { kind: Kind::S3, .. } => ErrorCode::S3_ERROR,
            Error::WrongSize { .. } => ErrorCode::CANNOT_READ_ALL_DATA,
            Error::Missing { kind: Kind::S3, .. } => ErrorCode::S3_ERROR,
            Error::Missing { kind: Kind::Http, .. } => ErrorCode::RECEIVED_ERROR_FROM_REMOTE_IO_SERVER,
            Error::Missing { kind: Kind::File, .. } => ErrorCode::FILE_DOESNT_EXIST,
            Error::Missing { kind: Kind::Postgres | Kind::MySql, .. } => ErrorCode::UNKNOWN_TABLE,
            Error::Unreadable { .. } => ErrorCode::CANNOT_OPEN_FILE,
            Error::FileOutside(_) => ErrorCode::ACCESS_DENIED,
            Error::UnsupportedType { .. } | Error::BadValue { kind: Kind::Postgres, .. } => ErrorCode::BAD_ARGUMENTS,
            Error::BadValue { kind: Kind::MySql, .. } => ErrorCode::POCO_EXCEPTION,
            Error::BadValue { .. } => ErrorCode::CANNOT_PARSE_TEXT,
            Error::ReadOnly { kind: Kind::Postgres | Kind::MySql, .. } => ErrorCode::INCORRECT_QUERY,
            Error::ReadOnly { kind: Kind::File, .. } => ErrorCode::DATABASE_ACCESS_DENIED,
            Error::NotSupported(_) | Error::ReadOnly { .. } => ErrorCode::NOT_IMPLEMENTED,
            Error::SameName { .. } => ErrorCode::ILLEGAL_COLUMN,
            Error::BadCompression { .. } => ErrorCode::CANNOT_DECOMPRESS,
            Error::BadFormat { code, .. } | Error::Input { code, .. } => *code,
            Error::Types(error) => error.code(),
        }
    }

    /// The code of a source that could not be talked to.
    fn code_of(&self, kind: Kind) -> ErrorCode {
        match (kind, self) {
            (Kind::Postgres, Error::Refused { .. }) => ErrorCode::STD_EXCEPTION,
            (Kind::Postgres, _) => ErrorCode::POSTGRESQL_CONNECTION_FAILURE,
            (Kind::MySql, Error::Refused { .. }) => ErrorCode::POCO_EXCEPTION,
            (Kind::MySql, _) => ErrorCode::ALL_CONNECTION_TRIES_FAILED,
            (Kind::S3, _) => ErrorCode::S3_ERROR,
            // what ClickHouse's HTTP library throws has this one code
            (Kind::Http | Kind::File, _) => ErrorCode::POCO_EXCEPTION,
        }
    }
}
