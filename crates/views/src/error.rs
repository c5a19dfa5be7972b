//! Why an insert, or a view on its way, was refused.

use types::ErrorCode;

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an insert was refused. Nothing of it is kept then, anywhere.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An expression or a SELECT failed.
    #[error(transparent)]
    Query(#[from] query::Error),
    /// The SELECT of a view failed over an inserted block.
    #[error("{source}: while pushing to view {view}")]
    View {
        /// `database.name` of the view.
        view: String,
        /// Why.
        source: Box<Error>,
    },
    /// A block or type that does not fit.
    #[error(transparent)]
    Types(#[from] types::Error),
    /// Rows cannot be laid out as a part.
    #[error(transparent)]
    Parts(#[from] parts::Error),
    /// The store is out of reach.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The commit was refused.
    #[error(transparent)]
    Commit(#[from] store::CommitError),
    /// Elements of a Nested structure that belong together do not fit.
    #[error("elements \"{}\" and \"{}\" of nested structure \"{structure}\" have different array sizes", elements[0], elements[1])]
    NestedLengths {
        /// The structure.
        structure: String,
        /// Two of its columns.
        elements: [String; 2],
    },
    /// VERIFY VIEW cannot compute the view again.
    #[error("view \"{view}\" cannot be verified: {reason}")]
    Unverifiable {
        /// `database.name`.
        view: String,
        /// Why.
        reason: String,
    },
    /// The table cannot be inserted into.
    #[error("table \"{table}\" cannot be inserted into: {reason}")]
    NotInsertable {
        /// `database.name`.
        table: String,
        /// Why.
        reason: &'static str,
    },
    /// An INSERT names a column that the table does not have or that is computed.
    #[error("no such column \"{column}\" in table \"{table}\"{hint}")]
    NoSuchColumn {
        /// As written.
        column: String,
        /// `database.name`.
        table: String,
        /// Empty, or the nearest name.
        hint: String,
    },
    /// A column that is computed was named in an INSERT.
    #[error("cannot insert column \"{column}\", because it is {kind} column")]
    ComputedColumn {
        /// As written.
        column: String,
        /// `MATERIALIZED` or `ALIAS`.
        kind: &'static str,
    },
    /// A column was named twice.
    #[error("column \"{0}\" is specified more than once")]
    DuplicateColumn(String),
    /// A row that a CONSTRAINT does not allow.
    #[error("constraint \"{constraint}\" for table \"{table}\" is violated at row {row}: expression ({expression})")]
    Violated {
        /// Its name.
        constraint: String,
        /// `database.name`.
        table: String,
        /// Row of the block from 1.
        row: usize,
        /// Its text.
        expression: String,
    },
    /// Defaults that need each other.
    #[error("default expressions of columns {0} need each other")]
    CyclicDefaults(String),
    /// The target of a view is gone.
    #[error("target table of view \"{0}\" does not exist")]
    TargetGone(String),
    /// The source of a view is gone.
    #[error("source table of view \"{0}\" does not exist")]
    SourceGone(String),
    /// The table of errors of a view is gone.
    #[error("the table of errors of view \"{0}\" does not exist")]
    ErrorsGone(String),
    /// The table of errors of a view does not have a column of the view's source.
    #[error("table \"{table}\" cannot take the rows of a view that failed: it has no column \"{column}\"")]
    ErrorsLack {
        /// The table of errors.
        table: String,
        /// The column of the source.
        column: String,
    },
    /// Views that feed each other without end.
    #[error("views over \"{0}\" feed each other more than {limit} levels deep", limit = crate::insert::DEPTH_MAX)]
    TooDeep(String),
    /// One block falls into too many partitions.
    #[error(
        "too many partitions for single INSERT block ({partitions}), the limit is {limit} (setting \
         max_partitions_per_insert_block)"
    )]
    TooManyPartitions {
        /// How many.
        partitions: usize,
        /// The limit.
        limit: u64,
    },
    /// A window view whose definition cannot be run.
    #[error("window view: {reason}")]
    WindowView {
        /// ClickHouse's code.
        code: ErrorCode,
        /// What is wrong.
        reason: String,
    },
    /// A REFRESH clause that cannot be kept, or a run of it.
    #[error("{reason}")]
    Refresh {
        /// ClickHouse's code.
        code: ErrorCode,
        /// What is wrong.
        reason: String,
    },
}

impl Error {
    /// ClickHouse's code for this error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Error::Query(error) => error.code(),
            Error::View { source, .. } => source.code(),
            Error::Types(error) => error.code(),
            Error::Parts(error) => error.code(),
            Error::Store(error) => error.code(),
            Error::Commit(error) => error.code(),
            Error::NestedLengths { .. } => ErrorCode::SIZES_OF_ARRAYS_DONT_MATCH,
            Error::Unverifiable { .. } => ErrorCode::NOT_IMPLEMENTED,
            Error::NotInsertable { .. } => ErrorCode::NOT_IMPLEMENTED,
            Error::NoSuchColumn { .. } => ErrorCode::NO_SUCH_COLUMN_IN_TABLE,
            Error::ComputedColumn { .. } => ErrorCode::ILLEGAL_COLUMN,
            Error::DuplicateColumn(_) => ErrorCode::DUPLICATE_COLUMN,
            Error::Violated { .. } => ErrorCode::VIOLATED_CONSTRAINT,
            Error::CyclicDefaults(_) => ErrorCode::CYCLIC_ALIASES,
            Error::TargetGone(_) | Error::SourceGone(_) | Error::ErrorsGone(_) => ErrorCode::UNKNOWN_TABLE,
            Error::ErrorsLack { .. } => ErrorCode::NO_SUCH_COLUMN_IN_TABLE,
            Error::TooDeep(_) => ErrorCode::TOO_DEEP_RECURSION,
            Error::TooManyPartitions { .. } => ErrorCode::TOO_MANY_PARTS,
            Error::WindowView { code, .. } | Error::Refresh { code, .. } => *code,
        }
    }
}

impl Error {
    /// The same error, said to come from a view.
    pub(crate) fn in_view(self, view: impl std::fmt::Display) -> Error {
        match self {
            // a view deeper down was named already
            named @ (Error::View { .. } | Error::TooDeep(_)) => named,
            other => Error::View { view: view.to_string(), source: Box::new(other) },
        }
    }
}
