//! CREATE TABLE and its parts, which views share.

use super::{DataType, Expr, Ident, Literal, ObjectName, Query, Select, TableFunction};

/// How an object comes to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateMode {
    /// `CREATE`
    Create,
    /// `CREATE OR REPLACE`
    CreateOrReplace,
    /// `REPLACE` (tables and dictionaries only)
    Replace,
    /// `ATTACH`
    Attach,
}

/// What every CREATE begins with.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateHead {
    /// CREATE, REPLACE or ATTACH.
    pub mode: CreateMode,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// What it is called.
    pub name: ObjectName,
    /// `UUID '…'`, not checked.
    pub uuid: Option<String>,
    /// `ON CLUSTER name`.
    pub on_cluster: Option<Ident>,
}

/// `CREATE [TEMPORARY] TABLE`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateTable {
    /// The beginning.
    pub head: CreateHead,
    /// `TEMPORARY`.
    pub temporary: bool,
    /// `ATTACH TABLE t FROM 'path'`.
    pub attach_from: Option<String>,
    /// `(columns, indexes…)`; absent when no brackets were written.
    pub elements: Option<TableElements>,
    /// ENGINE and what follows it.
    pub storage: Storage,
    /// Where columns or rows come from.
    pub source: CreateSource,
    /// `COMMENT '…'`.
    pub comment: Option<String>,
}

/// Where a new table gets its columns or rows.
#[derive(Debug, Clone, PartialEq)]
pub enum CreateSource {
    /// Only from what is declared.
    Declared,
    /// `AS [db.]table`: the columns and, without ENGINE, the engine of that table.
    Like(ObjectName),
    /// `CLONE AS [db.]table`: its rows too.
    Clone(ObjectName),
    /// `AS numbers(10)`.
    Function(TableFunction),
    /// `[EMPTY] AS SELECT …`.
    Query {
        /// The query whose columns the table gets.
        query: Box<Query>,
        /// `EMPTY`: without its rows.
        empty: bool,
    },
    /// `ATTACH TABLE t AS [NOT] REPLICATED`: whether it becomes replicated.
    Replicated(bool),
}

/// What stands in the brackets of CREATE TABLE, each kind in the order written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TableElements {
    /// Columns.
    pub columns: Vec<ColumnDef>,
    /// `INDEX …`.
    pub indexes: Vec<IndexDef>,
    /// `CONSTRAINT …`.
    pub constraints: Vec<ConstraintDef>,
    /// `PROJECTION …`.
    pub projections: Vec<ProjectionDef>,
    /// `PRIMARY KEY …` as an element.
    pub primary_key: Option<Expr>,
}

/// One column. Fields stand in the order of the text.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnDef {
    /// Its name; `n.a` is one name with a point.
    pub name: Ident,
    /// Absent when the default expression says it.
    pub data_type: Option<DataType>,
    /// `NULL`, `NOT NULL`.
    pub nullability: Option<Nullability>,
    /// `COLLATE name`.
    pub collation: Option<Ident>,
    /// `DEFAULT`, `MATERIALIZED`, `ALIAS`, `EPHEMERAL`, `AUTO_INCREMENT`.
    pub default: Option<ColumnDefault>,
    /// `COMMENT '…'`.
    pub comment: Option<String>,
    /// `CODEC(…)`: names or functions, empty when absent.
    pub codec: Vec<Expr>,
    /// `STATISTICS(…)`: names or functions, empty when absent.
    pub statistics: Vec<Expr>,
    /// `TTL …`.
    pub ttl: Option<Expr>,
    /// `PRIMARY KEY` at the column.
    pub primary_key: bool,
    /// `SETTINGS (…)`.
    pub settings: Vec<Setting>,
}

/// Said after the type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nullability {
    /// `NULL`: the type becomes Nullable.
    Null,
    /// `NOT NULL`.
    NotNull,
}

/// What a column holds when nothing is given.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnDefault {
    /// `DEFAULT expr`
    Default(Expr),
    /// `MATERIALIZED expr`: always computed, stored.
    Materialized(Expr),
    /// `ALIAS expr`: always computed, not stored.
    Alias(Expr),
    /// `EPHEMERAL [expr]`: may be inserted, not stored.
    Ephemeral(Option<Expr>),
    /// `AUTO_INCREMENT`
    AutoIncrement,
}

/// `INDEX name expr TYPE type GRANULARITY n`.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexDef {
    /// Its name.
    pub name: Ident,
    /// What is indexed; a tuple for several columns.
    pub expr: Expr,
    /// `minmax`, `bloom_filter(0.01)`: name or function.
    pub index_type: Option<Expr>,
    /// Granules per entry; 1 when not written.
    pub granularity: u64,
}

/// `CONSTRAINT name CHECK|ASSUME expr`.
#[derive(Debug, Clone, PartialEq)]
pub struct ConstraintDef {
    /// Its name.
    pub name: Ident,
    /// CHECK or ASSUME.
    pub kind: ConstraintKind,
    /// What must hold.
    pub expr: Expr,
}

/// What a constraint is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConstraintKind {
    /// Checked at insert.
    Check,
    /// Trusted by the optimizer.
    Assume,
}

/// `PROJECTION name (SELECT … [GROUP BY …] [ORDER BY …])`.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectionDef {
    /// Its name.
    pub name: Ident,
    /// What it keeps.
    pub select: Box<Select>,
}

/// ENGINE and what follows it. Fields stand in the order printed; they may be written in any order after ENGINE.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Storage {
    /// `ENGINE = name(arguments)`.
    pub engine: Option<Engine>,
    /// `PARTITION BY`.
    pub partition_by: Option<Expr>,
    /// `PRIMARY KEY`.
    pub primary_key: Option<Expr>,
    /// `ORDER BY`.
    pub order_by: Option<SortingKey>,
    /// `SAMPLE BY`.
    pub sample_by: Option<Expr>,
    /// `TTL`.
    pub ttl: Vec<TtlItem>,
    /// `SETTINGS`.
    pub settings: Vec<Setting>,
}

/// `name(arguments)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Engine {
    /// As written.
    pub name: Ident,
    /// Empty both for `E` and `E()`.
    pub arguments: Vec<Expr>,
}

/// `ORDER BY` of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct SortingKey {
    /// Empty for `tuple()`.
    pub items: Vec<SortingKeyItem>,
    /// Written as a tuple: `(a)` and `a` are told apart.
    pub is_tuple: bool,
}

/// One expression of a sorting key.
#[derive(Debug, Clone, PartialEq)]
pub struct SortingKeyItem {
    /// What is sorted by.
    pub expr: Expr,
    /// `DESC`.
    pub descending: bool,
}

/// One item of a table's TTL.
#[derive(Debug, Clone, PartialEq)]
pub struct TtlItem {
    /// When.
    pub expr: Expr,
    /// What then.
    pub action: TtlAction,
    /// For which rows.
    pub filter: Option<Expr>,
}

/// What happens to a row whose time has come.
#[derive(Debug, Clone, PartialEq)]
pub enum TtlAction {
    /// `DELETE`, or nothing written.
    Delete,
    /// `TO DISK [IF EXISTS] 'name'`
    ToDisk(TtlDestination),
    /// `TO VOLUME [IF EXISTS] 'name'`
    ToVolume(TtlDestination),
    /// `RECOMPRESS CODEC(…)`
    Recompress(Vec<Expr>),
    /// `GROUP BY keys SET column = expr, …`
    GroupBy {
        /// A prefix of the primary key.
        keys: Vec<Expr>,
        /// How the other columns are joined.
        assignments: Vec<Assignment>,
    },
}

/// Where rows move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TtlDestination {
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// Disk or volume.
    pub name: String,
}

/// `column = expr`.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// What changes; `n.a` is one name.
    pub column: Ident,
    /// To what.
    pub expr: Expr,
}

/// `name = value` after SETTINGS or SET.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// The setting; `param_x` sets a query parameter.
    pub name: Ident,
    /// Its value.
    pub value: SettingValue,
}

/// The value of a setting.
#[derive(Debug, Clone, PartialEq)]
pub enum SettingValue {
    /// A constant.
    Literal(Literal),
    /// `DEFAULT`: back to the default.
    Default,
    /// Only the name was written: true.
    Implicit,
    /// `{'key': value}`: arrays and maps nest.
    Map(Vec<(Literal, Literal)>),
    /// `[…]`, `disk(type = …)`, an identifier.
    Expr(Box<Expr>),
}

impl TableElements {
    /// Nothing in the brackets.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
            && self.indexes.is_empty()
            && self.constraints.is_empty()
            && self.projections.is_empty()
            && self.primary_key.is_none()
    }
}

impl ColumnDef {
    /// A name and a type, nothing more.
    pub fn plain(name: Ident, data_type: Option<DataType>) -> Self {
        Self {
            name,
            data_type,
            nullability: None,
            collation: None,
            default: None,
            comment: None,
            codec: Vec::new(),
            statistics: Vec::new(),
            ttl: None,
            primary_key: false,
            settings: Vec::new(),
        }
    }
}

impl ColumnDefault {
    /// The expression, if there is one.
    pub fn expr(&self) -> Option<&Expr> {
        match self {
            ColumnDefault::Default(expr) | ColumnDefault::Materialized(expr) | ColumnDefault::Alias(expr) => Some(expr),
            ColumnDefault::Ephemeral(expr) => expr.as_ref(),
            ColumnDefault::AutoIncrement => None,
        }
    }
}

impl Storage {
    /// Nothing was said about storage.
    pub fn is_empty(&self) -> bool {
        *self == Storage::default()
    }
}

impl SortingKey {
    /// The key's expressions in order.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        self.items.iter().map(|item| &item.expr)
    }
}
