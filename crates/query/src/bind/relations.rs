//! What the binder asks of the world: tables, views and table functions by name.
//!
//! Implemented over a snapshot by the scan half of this crate, and in memory by tests. Nothing here reads a row, and an
//! implementation must answer the same for the same name during one bind.

use std::sync::Arc;

use datafusion::logical_expr::{Expr, TableSource};
use types::{DataType, Header, Settings, TableId};

use crate::dictionary::Slot;
use crate::error::Result;
use crate::join_engine::JoinEngine;

/// The names that a query can read.
pub trait Relations: Send + Sync {
    /// The table or view of that name. `database` is never empty: the binder fills in the session's.
    ///
    /// UNKNOWN_DATABASE or UNKNOWN_TABLE when there is none; the binder adds the nearest names to the latter.
    fn table(&self, database: &str, name: &str) -> Result<Relation>;

    /// The rows of a table function. UNKNOWN_FUNCTION when there is none of that name.
    fn table_function(&self, call: &TableFunctionCall<'_>) -> Result<Relation>;

    /// True when a table function of that name exists, without calling it.
    fn has_table_function(&self, name: &str) -> bool;

    /// The dictionary of that name. BAD_ARGUMENTS when there is none; `DictionaryNotLoaded` when it must be loaded first.
    fn dictionary(&self, database: &str, name: &str) -> Result<Arc<Slot>>;

    /// The rows of a table of engine Join, by its key. UNKNOWN_TABLE, ILLEGAL_TYPE_OF_ARGUMENT for other engines;
    /// `DictionaryNotLoaded` when they must be read first.
    fn join_rows(&self, database: &str, name: &str) -> Result<Arc<Slot>>;

    /// What a table of engine Join was made for; none for any other.
    fn join_engine(&self, _database: &str, _name: &str) -> Result<Option<JoinEngine>> {
        Ok(None)
    }

    /// How the rows of a dictionary come to be there; none for what is no dictionary.
    fn loaded(&self, _id: TableId) -> Option<Loading> {
        None
    }

    /// Every database, for "maybe you meant".
    fn database_names(&self) -> Vec<String>;

    /// Every table and view of a database, for "maybe you meant"; empty when there is no such database.
    fn table_names(&self, database: &str) -> Vec<String>;
}

/// A table function as it stands in FROM. `view(SELECT …)` never arrives here: the binder binds it itself.
#[derive(Debug)]
pub struct TableFunctionCall<'a> {
    /// As written.
    pub name: &'a str,
    /// In order; identifiers (`format(JSONEachRow, …)`) and constant expressions, parameters already replaced.
    pub arguments: &'a [sql::Expr],
    /// `SETTINGS` inside the brackets.
    pub settings: &'a [sql::ast::Setting],
    /// The settings of the query.
    pub query_settings: &'a Settings,
    /// The database that unqualified names mean.
    pub database: &'a str,
}

/// What stands behind a name in FROM.
#[derive(Clone)]
pub struct Relation {
    /// None for table functions and system tables.
    pub id: Option<TableId>,
    /// The version of the definition, for the plan cache; 0 where `id` is none.
    pub version: u64,
    /// The database; empty for table functions.
    pub database: Arc<str>,
    /// The table's name; the function's name for table functions.
    pub name: Arc<str>,
    /// How it is read.
    pub kind: RelationKind,
}

/// How a relation is read.
#[derive(Clone)]
pub enum RelationKind {
    /// By scanning rows.
    Table(TableRelation),
    /// By running a query.
    View(ViewRelation),
    /// By reading other tables.
    Merge(MergeRelation),
}

/// A relation that has rows of its own.
#[derive(Clone)]
pub struct TableRelation {
    /// In the order of the definition. Hidden columns are left out.
    pub columns: Arc<[RelationColumn]>,
    /// Makes the scan leaf once the options of the reference are known.
    pub scan: Arc<dyn ScanFactory>,
    /// FINAL means something for the engine.
    pub supports_final: bool,
    /// PREWHERE is accepted (the MergeTree family).
    pub supports_prewhere: bool,
    /// Only the right side of IN may read it (engine Set).
    pub only_in: bool,
    /// What SAMPLE chooses by, where the table has SAMPLE BY.
    pub sampling: Option<Arc<Sampling>>,
}

/// SAMPLE BY of a table.
#[derive(Debug)]
pub struct Sampling {
    /// The expression, an unsigned integer.
    pub key: sql::Expr,
    /// Rows of the table.
    pub rows: u64,
}

/// A normal view, or any other relation that is a query.
#[derive(Clone)]
pub struct ViewRelation {
    /// What it selects. Unqualified names in it mean `database`.
    pub query: Arc<sql::Query>,
    /// The database that unqualified names in `query` mean.
    pub database: Arc<str>,
    /// The columns as declared; none: those of the query.
    pub columns: Option<Header>,
    /// The query has parameters, which a reference must give: `v(p = 1)`.
    pub has_parameters: bool,
}

/// The rows of several tables, one after the other: engine and table function Merge.
#[derive(Clone)]
pub struct MergeRelation {
    /// What the relation shows; each table is cast to it, by names, with defaults for what it has not. ALIAS columns are
    /// computed over the others.
    pub columns: Arc<[RelationColumn]>,
    /// Database and name of each table, in the order of their names.
    pub tables: Arc<[(Arc<str>, Arc<str>)]>,
}

/// One column of a table.
#[derive(Clone, Debug)]
pub struct RelationColumn {
    /// Its name; `n.a` for a column of a Nested.
    pub name: Arc<str>,
    /// Its type.
    pub ty: DataType,
    /// How its value comes to be and where it shows.
    pub kind: ColumnKind,
}

/// How a column's value comes to be and where it shows.
#[derive(Clone, Debug)]
pub enum ColumnKind {
    /// Stored, in `SELECT *`.
    Ordinary,
    /// Shown by `*`, and stored in this other type: what a view shows of its target.
    Converted(DataType),
    /// Stored, but not in `SELECT *`.
    Materialized,
    /// Not stored: this expression over the other columns, cast to the column's type. Not in `SELECT *`.
    Alias(Arc<sql::Expr>),
    /// `_part` and its kind: given by the scan, not in `SELECT *`.
    Virtual,
}

impl ColumnKind {
    /// True for the columns of `SELECT *`.
    pub fn is_shown(&self) -> bool {
        matches!(self, ColumnKind::Ordinary | ColumnKind::Converted(_))
    }
}

/// When a dictionary is loaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loading {
    /// By each query that uses it: a plan over it is not kept.
    EachTime,
    /// Now and then, for all queries.
    Once,
}

/// Makes the leaf of a plan for one reference to a table.
pub trait ScanFactory: Send + Sync {
    /// The source, whose schema has every stored and virtual column of [`TableRelation::columns`] under its own name,
    /// each of its type's Arrow type. Filters and projections are pushed to it by the optimizer.
    fn source(&self, options: &ScanOptions) -> Result<Arc<dyn TableSource>>;
}

/// What one reference asks of the scan.
#[derive(Clone, Debug, Default)]
pub struct ScanOptions {
    /// Apply the engine's merge rule while reading.
    pub is_final: bool,
    /// With FINAL only: rows for which this is not true are dropped before the merge rule. Columns are unqualified, by
    /// the table's own names; the result is an Arrow Boolean.
    pub prewhere: Option<Expr>,
    /// `GENERATION n`: 0 is the present one, -1 the one before it.
    pub generation: Option<i64>,
}

impl std::fmt::Debug for Relation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Relation({}.{})", self.database, self.name)
    }
}
