//! What can be wrong with a function call: when it is resolved (types) or when it runs (values).

use arrow::error::ArrowError;
use datafusion::common::DataFusionError;
use types::ErrorCode;

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// A call that cannot be resolved, or rows that a function cannot work on. Crosses DataFusion inside
/// [`DataFusionError::External`]; [`Error::in_datafusion`] finds it again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No function has this name.
    #[error("unknown function \"{name}\"{hint}")]
    UnknownFunction {
        /// The name as written.
        name: String,
        /// Empty, or ` (did you mean "…"?)`.
        hint: String,
    },
    /// Too few or too many arguments.
    #[error("function \"{function}\" takes {expected} arguments, got {got}")]
    ArgumentCount {
        /// The function.
        function: String,
        /// `2`, `1 to 3`, `at least 1`.
        expected: String,
        /// How many there are.
        got: usize,
    },
    /// An argument of a type that the function does not take.
    #[error("argument {position} of function \"{function}\" is {ty}, expected {expected}")]
    ArgumentType {
        /// The function.
        function: String,
        /// Counted from 1.
        position: usize,
        /// The type that it has.
        ty: String,
        /// What would be taken.
        expected: String,
    },
    /// Types that each are right but do not go together.
    #[error("function \"{function}\" is not defined for {types}")]
    ArgumentTypes {
        /// The function.
        function: String,
        /// `UInt8 and String`.
        types: String,
    },
    /// An argument whose value the function does not take.
    #[error("bad argument of function \"{function}\": {reason}")]
    BadArgument {
        /// The function.
        function: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An argument outside of its range.
    #[error("argument of function \"{function}\" is out of bounds: {reason}")]
    OutOfBound {
        /// The function.
        function: String,
        /// The value and its bounds.
        reason: String,
    },
    /// An argument that must be a constant and is not.
    #[error("argument {position} of function \"{function}\" must be constant")]
    ConstantExpected {
        /// The function.
        function: String,
        /// Counted from 1.
        position: usize,
    },
    /// Types without a type that could hold the values of all.
    #[error("no common type of {types}: {reason}")]
    NoCommonType {
        /// `UInt8, String`.
        types: String,
        /// Why there is none.
        reason: String,
    },
    /// A type or value that cannot become the other type.
    #[error("cannot convert {what} to {to}")]
    CannotConvert {
        /// A type, or a value and its type.
        what: String,
        /// The type it should become.
        to: String,
    },
    /// Containers that have not the same shape.
    #[error("cannot cast {from} to {to}: only containers of the same shape and texts of them can be")]
    TypeMismatch {
        /// The type it has.
        from: String,
        /// The type it should become.
        to: String,
    },
    /// Text that is no value of the type.
    #[error("cannot parse \"{text}\" as {ty}: {reason}")]
    Parse {
        /// The text, shortened when it is long.
        text: String,
        /// The type.
        ty: String,
        /// What is wrong with it.
        reason: String,
        /// Of the CANNOT_PARSE family.
        code: ErrorCode,
    },
    /// A decimal that needs more digits than its type has.
    #[error("decimal overflow in {0}")]
    DecimalOverflow(String),
    /// An integer divided by zero.
    #[error("division by zero in function \"{0}\"")]
    DivisionByZero(String),
    /// A name or number that the enum does not have.
    #[error("unknown element {element} of enum {ty}")]
    UnknownEnumElement {
        /// The element as written.
        element: String,
        /// The enum type.
        ty: String,
    },
    /// NULL where the type has none.
    #[error("cannot convert NULL to {0}, which is not Nullable")]
    UnexpectedNull(String),
    /// Something that ClickHouse has and Everview does not.
    #[error("{0} is not supported")]
    NotImplemented(String),
    /// A result that would be larger than the limit.
    #[error("result of function \"{function}\" is too large: {reason}")]
    TooLarge {
        /// The function.
        function: String,
        /// The size and its limit.
        reason: String,
        /// TOO_LARGE_STRING_SIZE or TOO_LARGE_ARRAY_SIZE.
        code: ErrorCode,
    },
    /// Index 0 into an array or tuple.
    #[error("arrays and tuples count from 1, index 0 is none")]
    ZeroIndex,
    /// Arrays that must have equal lengths and have not.
    #[error("arrays of function \"{0}\" have different lengths")]
    ArrayLengths(String),
    /// What `throwIf` threw.
    #[error("{message}")]
    Thrown {
        /// The user's message.
        message: String,
        /// FUNCTION_THROW_IF_VALUE_IS_NON_ZERO, or the user's own.
        code: ErrorCode,
    },
    /// A function that is switched off by a setting.
    #[error("function \"{function}\" needs setting {setting}")]
    Disabled {
        /// The function.
        function: String,
        /// `allow_… = 1`.
        setting: &'static str,
        /// DEPRECATED_FUNCTION, SUPPORT_IS_DISABLED or FUNCTION_NOT_ALLOWED.
        code: ErrorCode,
    },
    /// Bytes that are not what they should be (an aggregate state, an encoded value).
    #[error("function \"{function}\" cannot read its argument: {reason}")]
    IncorrectData {
        /// The function.
        function: String,
        /// What is wrong.
        reason: String,
    },
    /// A type or value that crate `types` refused.
    #[error(transparent)]
    Types(#[from] types::Error),
    /// An aggregate function that crate `aggregate` refused, or a state that it cannot read.
    #[error(transparent)]
    Aggregate(#[from] aggregate::Error),
    /// A column that is not of the Arrow type that it should be, or another broken invariant.
    #[error("columns are not what function \"{function}\" was resolved for: {reason}")]
    Internal {
        /// The function.
        function: String,
        /// What was found.
        reason: String,
    },
    /// A lambda of `arrayFold` that does not give its accumulator's type.
    #[error("lambda gives {lambda}, but the accumulator is {accumulator}")]
    AccumulatorType {
        /// What the lambda gives.
        lambda: String,
        /// What it must give.
        accumulator: String,
    },
    /// The body of a lambda failed in a way that is none of this crate's.
    #[error("lambda: {0}")]
    Lambda(#[source] DataFusionError),
    /// An Arrow kernel failed.
    #[error("arrow: {0}")]
    Arrow(#[from] ArrowError),
}

impl Error {
    /// ClickHouse's code for this error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Error::UnknownFunction { .. } => ErrorCode::UNKNOWN_FUNCTION,
            Error::ArgumentCount { .. } => ErrorCode::NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            Error::ArgumentType { .. } | Error::ArgumentTypes { .. } => ErrorCode::ILLEGAL_TYPE_OF_ARGUMENT,
            Error::BadArgument { .. } => ErrorCode::BAD_ARGUMENTS,
            Error::OutOfBound { .. } => ErrorCode::ARGUMENT_OUT_OF_BOUND,
            Error::ConstantExpected { .. } => ErrorCode::ILLEGAL_COLUMN,
            Error::NoCommonType { .. } => ErrorCode::NO_COMMON_TYPE,
            Error::CannotConvert { .. } => ErrorCode::CANNOT_CONVERT_TYPE,
            Error::TypeMismatch { .. } => ErrorCode::TYPE_MISMATCH,
            Error::Parse { code, .. }
            | Error::TooLarge { code, .. }
            | Error::Thrown { code, .. }
            | Error::Disabled { code, .. } => *code,
            Error::DecimalOverflow(_) => ErrorCode::DECIMAL_OVERFLOW,
            Error::DivisionByZero(_) => ErrorCode::ILLEGAL_DIVISION,
            Error::UnknownEnumElement { .. } => ErrorCode::UNKNOWN_ELEMENT_OF_ENUM,
            Error::UnexpectedNull(_) => ErrorCode::CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN,
            Error::NotImplemented(_) => ErrorCode::NOT_IMPLEMENTED,
            Error::ZeroIndex => ErrorCode::ZERO_ARRAY_OR_TUPLE_INDEX,
            Error::ArrayLengths(_) => ErrorCode::SIZES_OF_ARRAYS_DONT_MATCH,
            Error::IncorrectData { .. } => ErrorCode::INCORRECT_DATA,
            Error::Types(error) => error.code(),
            Error::Aggregate(error) => error.code(),
            Error::AccumulatorType { .. } => ErrorCode::TYPE_MISMATCH,
            Error::Internal { .. } | Error::Lambda(_) | Error::Arrow(_) => ErrorCode::LOGICAL_ERROR,
        }
    }

    /// The error of this crate inside an error that came back from DataFusion or Arrow.
    pub fn in_datafusion(error: &DataFusionError) -> Option<&Error> {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(error) = cause {
            if let Some(found) = error.downcast_ref::<Error>() {
                return Some(found);
            }
            cause = error.source();
        }
        None
    }
}

impl From<Error> for DataFusionError {
    fn from(error: Error) -> DataFusionError {
        DataFusionError::External(Box::new(error))
    }
}

impl From<Error> for ArrowError {
    fn from(error: Error) -> ArrowError {
        ArrowError::ExternalError(Box::new(error))
    }
}
