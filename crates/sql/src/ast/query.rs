//! SELECT and what stands in it.

use super::{Expr, Ident, ObjectName, Setting, Span, WindowSpec};

/// One SELECT or several joined by UNION, EXCEPT, INTERSECT.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// What it says.
    pub body: QueryBody,
    /// Where it stood.
    pub span: Span,
}

/// A SELECT or a set operation.
#[derive(Debug, Clone, PartialEq)]
pub enum QueryBody {
    /// One SELECT. Its WITH is seen by the SELECTs that follow it in a set operation too.
    Select(Box<Select>),
    /// `a UNION ALL b UNION ALL c`.
    Set(Box<SetOperation>),
}

/// Queries joined by one operator.
///
/// Different operators nest to the left: `a UNION DISTINCT b UNION ALL c` is `(a UNION DISTINCT b) UNION ALL c`;
/// INTERSECT binds tighter. ORDER BY and LIMIT after the last query belong to that query alone.
#[derive(Debug, Clone, PartialEq)]
pub struct SetOperation {
    /// Which.
    pub op: SetOperator,
    /// `ALL`, `DISTINCT`, or neither (the settings `union_default_mode`… decide).
    pub quantifier: Option<SetQuantifier>,
    /// At least two; applied from left to right.
    pub operands: Vec<QueryBody>,
}

/// How queries are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetOperator {
    /// `UNION`
    Union,
    /// `EXCEPT`
    Except,
    /// `INTERSECT`
    Intersect,
}

/// Whether equal rows are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetQuantifier {
    /// `ALL`
    All,
    /// `DISTINCT`
    Distinct,
}

/// One SELECT. Fields stand in the order of the text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Select {
    /// `WITH …`.
    pub with: Option<With>,
    /// `DISTINCT`. (`DISTINCT ON` is a LIMIT BY.)
    pub distinct: bool,
    /// At least one.
    pub items: Vec<Expr>,
    /// First table.
    pub from: Option<TableRef>,
    /// What is joined to it, from left to right; empty without FROM.
    pub joins: Vec<JoinStep>,
    /// `PREWHERE`.
    pub prewhere: Option<Expr>,
    /// `WHERE`.
    pub filter: Option<Expr>,
    /// `GROUP BY`.
    pub group_by: Option<GroupBy>,
    /// `HAVING`.
    pub having: Option<Expr>,
    /// `WINDOW name AS (…), …`.
    pub windows: Vec<NamedWindow>,
    /// `QUALIFY`.
    pub qualify: Option<Expr>,
    /// `ORDER BY`.
    pub order_by: Option<OrderBy>,
    /// `LIMIT n BY …`.
    pub limit_by: Option<LimitBy>,
    /// `LIMIT`, `OFFSET`, `FETCH`, `TOP`.
    pub limit: Option<Limit>,
    /// `SETTINGS`.
    pub settings: Vec<Setting>,
}

/// `WITH [RECURSIVE] …`.
#[derive(Debug, Clone, PartialEq)]
pub struct With {
    /// `RECURSIVE`.
    pub recursive: bool,
    /// At least one.
    pub items: Vec<WithItem>,
}

/// One item of WITH.
#[derive(Debug, Clone, PartialEq)]
pub enum WithItem {
    /// `name [(columns)] AS [MATERIALIZED] (SELECT …)`: a table.
    Cte(Cte),
    /// `expr AS name`: an expression with an alias.
    Expr(Expr),
}

/// A named query.
#[derive(Debug, Clone, PartialEq)]
pub struct Cte {
    /// Its name.
    pub name: Ident,
    /// Names of its columns; empty when they keep their own.
    pub columns: Vec<Ident>,
    /// `AS MATERIALIZED`.
    pub materialized: bool,
    /// What it reads.
    pub query: Query,
}

/// One table in FROM.
#[derive(Debug, Clone, PartialEq)]
pub struct TableRef {
    /// What is read.
    pub source: TableSource,
    /// `AS alias`.
    pub alias: Option<Ident>,
    /// `AS alias(a, b)`.
    pub column_aliases: Vec<Ident>,
    /// `FINAL`.
    pub is_final: bool,
    /// `SAMPLE ratio [OFFSET ratio]`.
    pub sample: Option<Sample>,
    /// `GENERATION n` (Everview): 0 is the present one, -1 the one before it.
    pub generation: Option<i64>,
    /// Where it stood.
    pub span: Span,
}

/// What a [`TableRef`] reads.
#[derive(Debug, Clone, PartialEq)]
pub enum TableSource {
    /// A table or view by name.
    Table(ObjectName),
    /// `numbers(10)`.
    Function(TableFunction),
    /// `(SELECT …)`.
    Subquery(Box<Query>),
}

/// `name(arguments [, SETTINGS …])`.
#[derive(Debug, Clone, PartialEq)]
pub struct TableFunction {
    /// The database of a view with parameters: `db.v(p = 1)`.
    pub database: Option<Ident>,
    /// As written.
    pub name: Ident,
    /// In order; `view(SELECT …)` has one subquery.
    pub arguments: Vec<Expr>,
    /// `SETTINGS` as last argument.
    pub settings: Vec<Setting>,
}

/// `SAMPLE ratio [OFFSET offset]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// The share, or a number of rows from 1 up.
    pub ratio: Ratio,
    /// Where the share starts.
    pub offset: Option<Ratio>,
}

/// `numerator / denominator`: `0.25` is 25 / 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratio {
    /// Above the line.
    pub numerator: u64,
    /// Below it; 1 for a whole number, never 0.
    pub denominator: u64,
}

/// What follows the first table.
#[derive(Debug, Clone, PartialEq)]
pub enum JoinStep {
    /// A join with one more table.
    Join(Box<Join>),
    /// `[LEFT] ARRAY JOIN`.
    ArrayJoin(ArrayJoin),
}

/// One join.
#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    /// `GLOBAL`, `LOCAL`.
    pub locality: Option<JoinLocality>,
    /// `NATURAL`.
    pub natural: bool,
    /// `ANY`, `ALL`, `ASOF`, `SEMI`, `ANTI`; absent means what the setting `join_default_strictness` says.
    pub strictness: Option<JoinStrictness>,
    /// Which rows are kept.
    pub kind: JoinKind,
    /// The table on the right.
    pub table: TableRef,
    /// `ON`, `USING`; absent for CROSS, PASTE, comma and NATURAL.
    pub constraint: Option<JoinConstraint>,
}

/// Where a distributed join runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinLocality {
    /// `GLOBAL`
    Global,
    /// `LOCAL`
    Local,
}

/// How many matches count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinStrictness {
    /// `ANY`
    Any,
    /// `ALL`
    All,
    /// `ASOF`
    Asof,
    /// `SEMI`
    Semi,
    /// `ANTI`
    Anti,
}

/// Which rows a join keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    /// `INNER`, or nothing written.
    Inner,
    /// `LEFT [OUTER]`
    Left,
    /// `RIGHT [OUTER]`
    Right,
    /// `FULL [OUTER]`
    Full,
    /// `CROSS`
    Cross,
    /// `,`
    Comma,
    /// `PASTE`
    Paste,
}

/// What matches.
#[derive(Debug, Clone, PartialEq)]
pub enum JoinConstraint {
    /// `ON condition`.
    On(Expr),
    /// `USING (a, b)`: columns, or aliases given to expressions.
    Using(Vec<Expr>),
}

/// `[LEFT] ARRAY JOIN a AS x, b`.
#[derive(Debug, Clone, PartialEq)]
pub struct ArrayJoin {
    /// Rows with empty arrays stay.
    pub left: bool,
    /// At least one.
    pub items: Vec<Expr>,
}

/// `GROUP BY`.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupBy {
    /// What is grouped by.
    pub keys: GroupByKeys,
    /// `WITH ROLLUP`, `WITH CUBE`.
    pub modifier: Option<GroupByModifier>,
    /// `WITH TOTALS`.
    pub totals: bool,
}

/// The keys of a GROUP BY.
#[derive(Debug, Clone, PartialEq)]
pub enum GroupByKeys {
    /// Expressions; empty when only `WITH TOTALS` stood there.
    Exprs(Vec<Expr>),
    /// `GROUP BY ALL`: every item that is no aggregate.
    All,
    /// `GROUPING SETS ((a), (a, b), ())`.
    GroupingSets(Vec<Vec<Expr>>),
}

/// More groups than the keys give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupByModifier {
    /// `WITH ROLLUP`, `ROLLUP(…)`
    Rollup,
    /// `WITH CUBE`, `CUBE(…)`
    Cube,
}

/// `name AS (…)` of a WINDOW clause.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedWindow {
    /// Its name.
    pub name: Ident,
    /// What it means.
    pub spec: WindowSpec,
}

/// `ORDER BY`.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderBy {
    /// What is ordered by.
    pub keys: OrderByKeys,
    /// `INTERPOLATE [(column [AS expr], …)]`; an empty list means every other column.
    pub interpolate: Option<Vec<InterpolateItem>>,
}

/// The keys of an ORDER BY.
#[derive(Debug, Clone, PartialEq)]
pub enum OrderByKeys {
    /// At least one.
    Items(Vec<OrderByItem>),
    /// `ORDER BY ALL`: every item in order.
    All(SortDirection, Option<NullsOrder>),
}

/// One key of an ORDER BY.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderByItem {
    /// What is compared.
    pub expr: Expr,
    /// `ASC`, `DESC`.
    pub direction: SortDirection,
    /// `NULLS FIRST`, `NULLS LAST`; absent means last.
    pub nulls: Option<NullsOrder>,
    /// `COLLATE 'locale'`.
    pub collation: Option<String>,
    /// `WITH FILL`.
    pub fill: Option<Box<WithFill>>,
}

/// The way of a sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortDirection {
    /// `ASC`
    #[default]
    Ascending,
    /// `DESC`
    Descending,
}

/// Where NULL sorts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NullsOrder {
    /// `NULLS FIRST`
    First,
    /// `NULLS LAST`
    Last,
}

/// `WITH FILL [FROM a] [TO b] [STEP c] [STALENESS d]`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WithFill {
    /// First value; the least one present when absent.
    pub from: Option<Expr>,
    /// Value after the last.
    pub to: Option<Expr>,
    /// Distance; 1 when absent.
    pub step: Option<Expr>,
    /// How far from a present value is filled.
    pub staleness: Option<Expr>,
}

/// `column AS expr` of INTERPOLATE; a bare column has itself as expression.
#[derive(Debug, Clone, PartialEq)]
pub struct InterpolateItem {
    /// Which column.
    pub column: Ident,
    /// Its value in filled rows.
    pub expr: Expr,
}

/// `LIMIT [offset,] count BY keys`.
#[derive(Debug, Clone, PartialEq)]
pub struct LimitBy {
    /// Rows per key.
    pub count: Expr,
    /// Rows left out first.
    pub offset: Option<Expr>,
    /// Which rows are together.
    pub keys: LimitByKeys,
}

/// The keys of a LIMIT BY.
#[derive(Debug, Clone, PartialEq)]
pub enum LimitByKeys {
    /// At least one.
    Exprs(Vec<Expr>),
    /// `BY ALL`.
    All,
}

/// `LIMIT [offset,] count [WITH TIES]`, `OFFSET`.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// Rows; all when absent.
    pub count: Option<Expr>,
    /// Rows left out first.
    pub offset: Option<Expr>,
    /// Rows equal to the last one come too.
    pub with_ties: bool,
}

impl TableRef {
    /// A table by name, nothing more.
    pub fn table(name: ObjectName) -> Self {
        let span = name.span();
        Self { span, ..Self::of(TableSource::Table(name)) }
    }

    /// What is read, nothing more.
    pub fn of(source: TableSource) -> Self {
        Self {
            source,
            alias: None,
            column_aliases: Vec::new(),
            is_final: false,
            sample: None,
            generation: None,
            span: Span::default(),
        }
    }
}

impl OrderByItem {
    /// Ascending, with the defaults of everything else.
    pub fn ascending(expr: Expr) -> Self {
        Self { expr, direction: SortDirection::Ascending, nulls: None, collation: None, fill: None }
    }
}

impl Query {
    /// One SELECT as a query.
    pub fn select(select: Select) -> Self {
        Self { body: QueryBody::Select(Box::new(select)), span: Span::default() }
    }

    /// The SELECT, when it is only one.
    pub fn as_select(&self) -> Option<&Select> {
        match &self.body {
            QueryBody::Select(select) => Some(select),
            QueryBody::Set(_) => None,
        }
    }
}
