//! What can be wrong with an aggregate function, its arguments or its states.

use arrow::error::ArrowError;
use types::{DataType, ErrorCode};

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// An aggregate call that cannot be made, or a state that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// No function of that name, with or without combinators.
    #[error("unknown aggregate function \"{name}\"{hint}")]
    UnknownFunction {
        /// As written.
        name: String,
        /// Empty, or ` (did you mean "…"?)`.
        hint: String,
    },
    /// Too few or too many arguments.
    #[error("aggregate function \"{function}\" takes {expected}, not {found} arguments")]
    ArgumentCount {
        /// The function.
        function: String,
        /// `one argument`, for example.
        expected: &'static str,
        /// How many there were.
        found: usize,
    },
    /// An argument of a type that the function has no meaning for.
    #[error("illegal type {ty} of argument for aggregate function \"{function}\": expected {expected}")]
    ArgumentType {
        /// The function.
        function: String,
        /// The argument's type.
        ty: DataType,
        /// What fits.
        expected: &'static str,
    },
    /// Parameters for a function that has none.
    #[error("aggregate function \"{0}\" cannot have parameters")]
    NoParameters(String),
    /// Too few or too many parameters.
    #[error("aggregate function \"{function}\" takes {expected} as parameters")]
    ParameterCount {
        /// The function.
        function: String,
        /// What fits.
        expected: &'static str,
    },
    /// A parameter of a wrong kind or value.
    #[error("bad parameter of aggregate function \"{function}\": expected {expected}")]
    Parameter {
        /// The function.
        function: String,
        /// What fits.
        expected: &'static str,
        /// ClickHouse's code, which differs from function to function.
        code: ErrorCode,
    },
    /// `xMerge` over the state of another function.
    #[error("illegal type {ty} of argument for aggregate function \"{function}\": it is the state of another function")]
    OtherState {
        /// The function.
        function: String,
        /// The argument's type.
        ty: DataType,
    },
    /// A function in SimpleAggregateFunction whose state is not its result.
    #[error("aggregate function \"{0}\" is not allowed in SimpleAggregateFunction")]
    NotSimple(String),
    /// A SimpleAggregateFunction whose type is not that of the function's result.
    #[error("SimpleAggregateFunction of \"{function}\" over {ty} must store the type of its result, {result}")]
    SimpleType {
        /// The function.
        function: String,
        /// The type as written.
        ty: DataType,
        /// The type that the function returns.
        result: DataType,
    },
    /// Something ClickHouse has and Everview does not yet.
    #[error("{0} is not supported yet")]
    Unsupported(String),
    /// State bytes that no version of Everview wrote.
    #[error("state of aggregate function \"{0}\" is damaged")]
    DamagedState(&'static str),
    /// Rows that the function refuses, for example arrays of different lengths.
    #[error("aggregate function \"{function}\": {reason}")]
    Rows {
        /// The function.
        function: &'static str,
        /// What was wrong.
        reason: &'static str,
        /// ClickHouse's code.
        code: ErrorCode,
    },
    /// An array that is not of the Arrow type its ClickHouse type has: a fault of the caller.
    #[error("column does not hold the Arrow type of its ClickHouse type: expected {expected}, found {found}")]
    ArrowType {
        /// What the type table says.
        expected: String,
        /// What came.
        found: String,
    },
    /// Arrow refused to build a column, for example because it would pass 2 GiB.
    #[error("column cannot be built: {0}")]
    Arrow(String),
}

impl Error {
    /// ClickHouse's code for this error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Error::UnknownFunction { .. } => ErrorCode::UNKNOWN_AGGREGATE_FUNCTION,
            Error::ArgumentCount { .. } | Error::ParameterCount { .. } => ErrorCode::NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            Error::ArgumentType { .. } | Error::OtherState { .. } => ErrorCode::ILLEGAL_TYPE_OF_ARGUMENT,
            Error::NoParameters(_) => ErrorCode::AGGREGATE_FUNCTION_DOESNT_ALLOW_PARAMETERS,
            Error::Parameter { code, .. } | Error::Rows { code, .. } => *code,
            Error::NotSimple(_) | Error::SimpleType { .. } => ErrorCode::BAD_ARGUMENTS,
            Error::Unsupported(_) => ErrorCode::NOT_IMPLEMENTED,
            Error::DamagedState(_) => ErrorCode::CORRUPTED_DATA,
            Error::ArrowType { .. } | Error::Arrow(_) => ErrorCode::LOGICAL_ERROR,
        }
    }
}

impl From<ArrowError> for Error {
    fn from(error: ArrowError) -> Error {
        Error::Arrow(error.to_string())
    }
}
