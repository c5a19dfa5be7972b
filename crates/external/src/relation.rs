//! A source that has rows of its own: a table of another database.

use async_trait::async_trait;
use futures::stream::BoxStream;
use types::text::Zone;
use types::{Block, DataType, Header, Value};

use crate::error::{Error, Kind, Result};

/// Blocks as a source gives them.
pub type Blocks = BoxStream<'static, Result<Block>>;

/// A table elsewhere. Making one connects to nothing; each call below may.
///
/// `Debug` shows no credentials: it stands in plans and logs.
#[async_trait]
pub trait Table: std::fmt::Debug + Send + Sync {
    /// Which source it is.
    fn kind(&self) -> Kind;

    /// Its name in EXPLAIN: place and table, no credentials.
    fn name(&self) -> String;

    /// Its columns, with ClickHouse's types as the real engine maps them. Asked when a query that names the table function
    /// is prepared, and by CREATE TABLE without columns.
    async fn columns(&self) -> Result<Header>;

    /// Begins to read. Every block has exactly the columns of `scan.columns`, of these types: where the source's own type
    /// is another one, the source converts, or fails with [`Error::BadValue`].
    ///
    /// The stream reads as it is polled, a bounded number of rows at a time, and dropping it ends the query on the other
    /// side. Rows that match the filters must all come; others may.
    async fn scan(&self, scan: Scan) -> Result<Blocks>;

    /// Appends rows, whose columns are `columns`, and returns when the source has taken them: all of them, where it can do
    /// so at once. `zone` is that of times whose type has none. Sources that only read refuse.
    async fn insert(&self, columns: &Header, zone: Zone, blocks: Blocks) -> Result<()> {
        let (_, _, _) = (columns, zone, blocks);
        Err(Error::ReadOnly { kind: self.kind(), what: "a table" })
    }
}

/// What is wanted of a table.
#[derive(Clone, Debug)]
pub struct Scan {
    /// Names and types, in this order; none when only the number of rows is asked for: then blocks have rows and no columns.
    pub columns: Header,
    /// Conditions that hold for all rows that are wanted, over any columns of the table, joined by AND. The plan applies
    /// them again, so that a source may leave out those that it would decide differently (a collation, say).
    pub filters: Vec<Filter>,
    /// More rows than these are not needed; the reader stops by itself.
    pub limit: Option<u64>,
    /// Rows of a block, at most.
    pub block_rows: usize,
    /// The zone of times whose type has none: the session's.
    pub zone: Zone,
}

/// A condition on a row, in no one's dialect.
#[derive(Clone, PartialEq, Debug)]
pub enum Filter {
    /// `column op value`.
    Compare {
        /// Its name.
        column: String,
        /// Its type here.
        ty: DataType,
        /// How.
        op: Comparison,
        /// Not NULL; see [`Value`]: dates and times are numbers, as the type stores them.
        value: Value,
    },
    /// The column equals one of the values; at least one.
    In {
        /// Its name.
        column: String,
        /// Its type here.
        ty: DataType,
        /// None is NULL.
        values: Vec<Value>,
    },
    /// The column is NULL.
    Null {
        /// Its name.
        column: String,
    },
    /// The column is not NULL.
    NotNull {
        /// Its name.
        column: String,
    },
    /// All of them; at least two.
    And(Vec<Filter>),
    /// One of them; at least two.
    Or(Vec<Filter>),
}

/// How a column is compared with a constant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // the names say it
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    /// The comparison with its sides exchanged.
    #[must_use]
    pub fn mirrored(self) -> Comparison {
        match self {
            Comparison::Equal | Comparison::NotEqual => self,
            Comparison::Less => Comparison::Greater,
            Comparison::LessOrEqual => Comparison::GreaterOrEqual,
            Comparison::Greater => Comparison::Less,
            Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        }
    }

    /// As SQL writes it.
    pub fn symbol(self) -> &'static str {
        match self {
            Comparison::Equal => "=",
            Comparison::NotEqual => "!=",
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
        }
    }
}
