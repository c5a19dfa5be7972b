//! What can be wrong with a query: with its text, its names, its run. Each error has ClickHouse's code.
//!
//! Errors cross DataFusion boxed as `DataFusionError::External` and come back typed through [`Error::from`]; the words
//! "DataFusion error" never reach a user where the cause is known.

use std::sync::Arc;

use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use types::ErrorCode;

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a statement cannot be bound, compiled or run.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// A type, value or block that does not fit.
    #[error(transparent)]
    Types(#[from] types::Error),
    /// What another layer reported, with the code it gave.
    #[error("{message}")]
    Reported {
        /// ClickHouse's code.
        code: ErrorCode,
        /// What was wrong, for the user.
        message: Arc<str>,
    },
    /// A statement that breaks one of ClickHouse's rules.
    #[error("{message}")]
    Refused {
        /// ClickHouse's code.
        code: ErrorCode,
        /// The rule and what broke it.
        message: Arc<str>,
    },
    /// A source elsewhere that must be asked for its columns before the query can be bound; whoever prepares a query does
    /// that.
    #[error("the columns of {} are not known here: give its structure", .0.name())]
    NotDescribed(Box<crate::external::Outside>),
    /// No such database.
    #[error("database \"{0}\" does not exist")]
    UnknownDatabase(String),
    /// No such table or view.
    #[error("table \"{database}.{name}\" does not exist")]
    UnknownTable {
        /// The database that was searched.
        database: String,
        /// The name as written.
        name: String,
    },
    /// No such table function.
    #[error("unknown table function \"{0}\"")]
    UnknownTableFunction(String),
    /// A dictionary that must be loaded before it can be used; whoever prepares a query does that.
    #[error("dictionary {0} is not loaded")]
    DictionaryNotLoaded(types::TableId),
    /// A table function was called with arguments that it does not take.
    #[error("table function \"{function}\": {reason}")]
    TableFunctionArguments {
        /// Which one.
        function: &'static str,
        /// ClickHouse's code.
        code: ErrorCode,
        /// What it takes.
        reason: String,
    },
    /// A definition changed or went away between compile and run; compiling again helps.
    #[error("definition of table {0} changed since the query was compiled")]
    DefinitionChanged(types::TableId),
    /// Something that ClickHouse has and Everview does not.
    #[error("{0} is not supported")]
    NotSupported(String),
    /// An expression that must be constant reads columns.
    #[error("expression \"{0}\" must be a constant")]
    NotConstant(String),
    /// A required column is in no input.
    #[error("no column \"{0}\" in the block")]
    NoColumn(String),
    /// The query was cancelled by its client or by KILL QUERY.
    #[error("query was cancelled")]
    Cancelled,
    /// The query ran longer than `max_execution_time`.
    #[error("timeout exceeded: the query may run {limit_ms} ms")]
    TimedOut {
        /// The limit.
        limit_ms: u64,
    },
    /// The query needs more memory than it may take.
    #[error("memory limit of the query exceeded: {0}")]
    OutOfMemory(String),
    /// A limit on rows or bytes whose overflow mode is `throw`.
    #[error("limit exceeded: {what} is {limit}, reached {reached}")]
    TooMuch {
        /// The setting.
        what: &'static str,
        /// ClickHouse's code: reading and results have different ones.
        code: ErrorCode,
        /// Its value.
        limit: u64,
        /// Rows or bytes so far.
        reached: u64,
    },
    /// A plan that breaks its own rules: a defect of Everview.
    #[error("internal error in the plan: {0}")]
    Plan(String),
}

impl Error {
    /// ClickHouse's code for this error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Error::Types(error) => error.code(),
            Error::Reported { code, .. }
            | Error::Refused { code, .. }
            | Error::TableFunctionArguments { code, .. }
            | Error::TooMuch { code, .. } => *code,
            Error::UnknownDatabase(_) => ErrorCode::UNKNOWN_DATABASE,
            Error::UnknownTable { .. } => ErrorCode::UNKNOWN_TABLE,
            Error::UnknownTableFunction(_) => ErrorCode::UNKNOWN_FUNCTION,
            Error::DefinitionChanged(_) => ErrorCode::ABORTED,
            Error::DictionaryNotLoaded(_) => ErrorCode::BAD_ARGUMENTS,
            Error::NotSupported(_) | Error::NotDescribed(_) => ErrorCode::NOT_IMPLEMENTED,
            Error::NotConstant(_) => ErrorCode::BAD_ARGUMENTS,
            Error::NoColumn(_) => ErrorCode::NOT_FOUND_COLUMN_IN_BLOCK,
            Error::Cancelled => ErrorCode::QUERY_WAS_CANCELLED,
            Error::TimedOut { .. } => ErrorCode::TIMEOUT_EXCEEDED,
            Error::OutOfMemory(_) => ErrorCode::MEMORY_LIMIT_EXCEEDED,
            Error::Plan(_) => ErrorCode::LOGICAL_ERROR,
        }
    }

    /// A rule of the dialect that a statement breaks.
    pub fn refused(code: ErrorCode, message: impl Into<Arc<str>>) -> Error {
        Error::Refused { code, message: message.into() }
    }

    /// Carries an error of a lower layer with the code that layer gave it.
    pub fn reported(code: ErrorCode, error: &impl std::fmt::Display) -> Error {
        Error::Reported { code, message: error.to_string().into() }
    }
}

/// So that leaves can fail inside DataFusion and be found again on the way out.
impl From<Error> for DataFusionError {
    fn from(error: Error) -> DataFusionError {
        DataFusionError::External(Box::new(error))
    }
}

impl From<functions::Error> for Error {
    fn from(error: functions::Error) -> Error {
        Error::reported(error.code(), &error)
    }
}

impl From<aggregate::Error> for Error {
    fn from(error: aggregate::Error) -> Error {
        Error::reported(error.code(), &error)
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Error {
        Error::reported(error.code(), &error)
    }
}

impl From<sql::Error> for Error {
    fn from(error: sql::Error) -> Error {
        Error::reported(ErrorCode(u16::try_from(error.code()).unwrap_or(ErrorCode::SYNTAX_ERROR.0)), &error)
    }
}

impl From<parts::Error> for Error {
    fn from(error: parts::Error) -> Error {
        Error::reported(error.code(), &error)
    }
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Error {
        from_datafusion(&error)
    }
}

impl From<ArrowError> for Error {
    fn from(error: ArrowError) -> Error {
        from_arrow(&error)
    }
}

fn from_datafusion(error: &DataFusionError) -> Error {
    match error {
        DataFusionError::External(inner) => from_external(inner.as_ref()),
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => from_datafusion(inner),
        DataFusionError::Shared(inner) => from_datafusion(inner),
        DataFusionError::Collection(errors) if !errors.is_empty() => from_datafusion(&errors[0]),
        DataFusionError::ArrowError(inner, _) => from_arrow(inner),
        DataFusionError::ResourcesExhausted(message) => Error::OutOfMemory(message.clone()),
        DataFusionError::NotImplemented(what) => Error::NotSupported(what.clone()),
        DataFusionError::Execution(message) | DataFusionError::Plan(message) | DataFusionError::Internal(message) => {
            Error::Plan(message.clone())
        }
        other => Error::Plan(other.strip_backtrace()),
    }
}

fn from_arrow(error: &ArrowError) -> Error {
    match error {
        ArrowError::ExternalError(inner) => from_external(inner.as_ref()),
        ArrowError::DivideByZero => Error::refused(ErrorCode::ILLEGAL_DIVISION, "division by zero"),
        ArrowError::ArithmeticOverflow(what) => Error::refused(ErrorCode::DECIMAL_OVERFLOW, what.as_str()),
        other => Error::Plan(other.to_string()),
    }
}

/// The errors that our own layers box on their way through DataFusion.
fn from_external(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Error {
    if let Some(error) = error.downcast_ref::<Error>() {
        return error.clone();
    }
    if let Some(error) = error.downcast_ref::<types::Error>() {
        return Error::Types(error.clone());
    }
    if let Some(error) = error.downcast_ref::<functions::Error>() {
        return Error::reported(error.code(), error);
    }
    if let Some(error) = error.downcast_ref::<aggregate::Error>() {
        return Error::reported(error.code(), error);
    }
    if let Some(error) = error.downcast_ref::<parts::Error>() {
        return Error::reported(error.code(), error);
    }
    if let Some(error) = error.downcast_ref::<types::transform::TransformError>() {
        return Error::reported(error.code, error);
    }
    if let Some(error) = error.downcast_ref::<DataFusionError>() {
        return from_datafusion(error);
    }
    if let Some(error) = error.downcast_ref::<ArrowError>() {
        return from_arrow(error);
    }
    Error::Plan(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leafs_error_survives_every_wrapping_of_the_engine() {
        let leaf = DataFusionError::from(Error::Cancelled);
        let wrapped = DataFusionError::Shared(Arc::new(leaf)).context("while doing something");
        assert_eq!(Error::from(wrapped).code(), ErrorCode::QUERY_WAS_CANCELLED);

        let arrow = ArrowError::ExternalError(Box::new(DataFusionError::from(Error::NotSupported("x".into()))));
        let wrapped = DataFusionError::ArrowError(Box::new(arrow), None);
        assert_eq!(Error::from(wrapped).to_string(), "x is not supported");
    }

    #[test]
    fn exhausted_memory_is_clickhouses_code_241() {
        let error = Error::from(DataFusionError::ResourcesExhausted("wants 10 bytes".into()));
        assert_eq!(error.code().0, 241);
    }
}
