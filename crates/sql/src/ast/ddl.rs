//! Views, databases, functions, and what drops, renames or attaches them.

use super::{
    CreateHead, CreateMode, Expr, Ident, IndexDef, Lambda, ObjectName, Query, Setting, SettingValue, Storage,
    TableElements,
};

/// `CREATE VIEW`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateView {
    /// The beginning.
    pub head: CreateHead,
    /// `(columns)`.
    pub elements: Option<TableElements>,
    /// `DEFINER`, `SQL SECURITY`.
    pub security: Security,
    /// `COMMENT '…'`.
    pub comment: Option<String>,
    /// What it shows.
    pub query: Query,
}

/// `CREATE MATERIALIZED VIEW`: incremental without `refresh`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateMaterializedView {
    /// The beginning.
    pub head: CreateHead,
    /// `REFRESH …`.
    pub refresh: Option<Refresh>,
    /// Where the rows go.
    pub target: ViewTarget,
    /// `(columns)`, of the view itself or after `TO table`.
    pub elements: Option<TableElements>,
    /// Of the inner table.
    pub storage: Storage,
    /// `POPULATE`.
    pub populate: bool,
    /// `EMPTY`.
    pub empty: bool,
    /// `ON ERROR …` (Everview).
    pub on_error: Option<OnError>,
    /// `DEFINER`, `SQL SECURITY`.
    pub security: Security,
    /// `COMMENT '…'`.
    pub comment: Option<String>,
    /// What it computes.
    pub query: Query,
}

/// Where the rows of a view go.
#[derive(Debug, Clone, PartialEq)]
pub enum ViewTarget {
    /// A table of the view's own; its UUID after `TO INNER UUID '…'`.
    Inner(Option<String>),
    /// `TO [db.]table`.
    Table(ObjectName),
}

/// `REFRESH …`.
#[derive(Debug, Clone, PartialEq)]
pub struct Refresh {
    /// When.
    pub schedule: RefreshSchedule,
    /// `RANDOMIZE FOR span`.
    pub randomize: Option<TimeSpan>,
    /// `DEPENDS ON view, …`.
    pub depends_on: Vec<ObjectName>,
    /// `CONCURRENCY GROUP name` (Everview).
    pub concurrency_group: Option<Ident>,
    /// `PRIORITY n` (Everview); greater goes first.
    pub priority: Option<i64>,
    /// `SETTINGS …`.
    pub settings: Vec<Setting>,
    /// What a refresh does with the rows that are there.
    pub mode: RefreshMode,
}

/// When a view is refreshed.
#[derive(Debug, Clone, PartialEq)]
pub enum RefreshSchedule {
    /// `EVERY period [OFFSET offset]`: at slots of a grid.
    Every {
        /// Distance of the slots.
        period: TimeSpan,
        /// Added to each slot.
        offset: Option<TimeSpan>,
    },
    /// `AFTER delay`: so long after the last one ended.
    After(TimeSpan),
    /// Only `DEPENDS ON`: after each refresh of those, as `AFTER 0 SECOND`.
    Dependencies,
    /// `ON CHANGE [WITHIN span]` (Everview): a live view.
    OnChange(Option<TimeSpan>),
}

/// What a refresh does with the rows that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshMode {
    /// They go.
    Replace,
    /// `APPEND`: they stay.
    Append,
    /// `APPEND INCREMENTAL`: they stay, and only new source rows are read.
    AppendIncremental,
    /// `REPLACE PARTITIONS` (Everview): only the partitions in the result go.
    ReplacePartitions,
}

/// `n UNIT n UNIT …`: parts add up; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeSpan {
    /// In the order written.
    pub parts: Vec<TimePart>,
}

/// `n UNIT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimePart {
    /// How many.
    pub count: u64,
    /// Of what.
    pub unit: IntervalUnit,
}

/// Units of intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IntervalUnit {
    /// 10⁻⁹ s
    Nanosecond,
    /// 10⁻⁶ s
    Microsecond,
    /// 10⁻³ s
    Millisecond,
    /// 1 s
    Second,
    /// 60 s
    Minute,
    /// 3,600 s
    Hour,
    /// 86,400 s
    Day,
    /// 7 days
    Week,
    /// A calendar month
    Month,
    /// 3 months
    Quarter,
    /// 12 months
    Year,
}

/// `ON ERROR …` of a view (Everview).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// `BLOCK`: the whole insert is refused.
    Block,
    /// `QUARANTINE`: the rows go to `<view>_errors`.
    Quarantine,
}

/// With whose rights a view reads.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Security {
    /// `DEFINER = user`.
    pub definer: Option<Definer>,
    /// `SQL SECURITY …`.
    pub kind: Option<SecurityKind>,
}

/// Who defined a view.
#[derive(Debug, Clone, PartialEq)]
pub enum Definer {
    /// `CURRENT_USER`
    CurrentUser,
    /// A user by name.
    User(Ident),
}

/// `SQL SECURITY …`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecurityKind {
    /// Rights of the definer.
    Definer,
    /// Rights of whoever asks.
    Invoker,
    /// None checked.
    None,
}

/// `CREATE WINDOW VIEW` (Everview).
#[derive(Debug, Clone, PartialEq)]
pub struct CreateWindowView {
    /// The beginning.
    pub head: CreateHead,
    /// Where closed windows go.
    pub target: ViewTarget,
    /// `(columns)`.
    pub elements: Option<TableElements>,
    /// Of the inner table, without TO.
    pub storage: Storage,
    /// `LATE TO table`: where rows behind the watermark go.
    pub late_to: Option<ObjectName>,
    /// `DEDUPLICATE BY expr [WITHIN span]`.
    pub deduplicate: Option<Deduplicate>,
    /// `WATERMARK = span`: how far events come out of order.
    pub watermark: Option<TimeSpan>,
    /// `ALLOWED_LATENESS = span`.
    pub allowed_lateness: Option<TimeSpan>,
    /// `ON ERROR …`.
    pub on_error: Option<OnError>,
    /// `COMMENT '…'`.
    pub comment: Option<String>,
    /// One GROUP BY with `tumble`, `hop` or `session`.
    pub query: Query,
}

/// `DEDUPLICATE BY expr [WITHIN span]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Deduplicate {
    /// Equal values are one event.
    pub expr: Expr,
    /// How long values are remembered.
    pub within: Option<TimeSpan>,
}

/// `CREATE DATABASE`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateDatabase {
    /// CREATE or ATTACH.
    pub mode: CreateMode,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// Its name.
    pub name: Ident,
    /// `UUID '…'`.
    pub uuid: Option<String>,
    /// `ON CLUSTER name`.
    pub on_cluster: Option<Ident>,
    /// ENGINE and SETTINGS.
    pub storage: Storage,
    /// `COMMENT '…'`.
    pub comment: Option<String>,
}

/// `CREATE FUNCTION name AS lambda`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateFunction {
    /// CREATE or CREATE OR REPLACE.
    pub mode: CreateMode,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// Its name.
    pub name: Ident,
    /// `ON CLUSTER name`.
    pub on_cluster: Option<Ident>,
    /// What it computes.
    pub lambda: Lambda,
}

/// `CREATE INDEX name ON table expr TYPE type GRANULARITY n`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateIndex {
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// Of which table.
    pub table: ObjectName,
    /// `ON CLUSTER name`.
    pub on_cluster: Option<Ident>,
    /// The index.
    pub index: IndexDef,
}

/// `DROP INDEX name ON table`.
#[derive(Debug, Clone, PartialEq)]
pub struct DropIndex {
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// Its name.
    pub name: Ident,
    /// Of which table.
    pub table: ObjectName,
    /// `ON CLUSTER name`.
    pub on_cluster: Option<Ident>,
}

/// `CREATE NAMED COLLECTION name AS key = value [[NOT] OVERRIDABLE], …`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateNamedCollection {
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// Its name.
    pub name: Ident,
    /// `ON CLUSTER name`.
    pub on_cluster: Option<Ident>,
    /// Its values.
    pub items: Vec<CollectionItem>,
}

/// `key = value [[NOT] OVERRIDABLE]`.
#[derive(Debug, Clone, PartialEq)]
pub struct CollectionItem {
    /// The key.
    pub key: Ident,
    /// The value.
    pub value: SettingValue,
    /// Whether a query may set another value; the server's default when absent.
    pub overridable: Option<bool>,
}

/// `ALTER NAMED COLLECTION name [SET key = value, …] [DELETE key, …]`.
#[derive(Debug, Clone, PartialEq)]
pub struct AlterNamedCollection {
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// Its name.
    pub name: Ident,
    /// `ON CLUSTER name`.
    pub on_cluster: Option<Ident>,
    /// Keys that get values.
    pub set: Vec<CollectionItem>,
    /// Keys that go.
    pub delete: Vec<Ident>,
}

/// `CREATE CONCURRENCY GROUP name LIMIT n` (Everview).
#[derive(Debug, Clone, PartialEq)]
pub struct CreateConcurrencyGroup {
    /// `OR REPLACE`.
    pub or_replace: bool,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// Its name.
    pub name: Ident,
    /// How many refreshes run at once.
    pub limit: u64,
}

/// `ALTER CONCURRENCY GROUP name LIMIT n` (Everview).
#[derive(Debug, Clone, PartialEq)]
pub struct AlterConcurrencyGroup {
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// Its name.
    pub name: Ident,
    /// How many refreshes run at once from now on.
    pub limit: u64,
}

/// What a name belongs to, where a statement says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// `TABLE`
    Table,
    /// `VIEW`
    View,
    /// `DICTIONARY`
    Dictionary,
    /// `DATABASE`
    Database,
    /// `FUNCTION`
    Function,
    /// `NAMED COLLECTION`
    NamedCollection,
    /// `CONCURRENCY GROUP` (Everview)
    ConcurrencyGroup,
}

/// DROP, DETACH or TRUNCATE.
#[derive(Debug, Clone, PartialEq)]
pub struct Drop {
    /// Which of them.
    pub action: DropAction,
    /// What the names belong to.
    pub object: ObjectKind,
    /// `TEMPORARY`.
    pub temporary: bool,
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// `IF EMPTY`.
    pub if_empty: bool,
    /// At least one; several only for DROP TABLE and VIEW.
    pub names: Vec<ObjectName>,
    /// `UUID '…'`, without several names.
    pub uuid: Option<String>,
    /// `ON CLUSTER name`.
    pub on_cluster: Option<Ident>,
    /// `PERMANENTLY` (DETACH).
    pub permanently: bool,
    /// `SYNC`, `NO DELAY`.
    pub sync: bool,
}

/// What a [`Drop`] does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropAction {
    /// `DROP`
    Drop,
    /// `DETACH`
    Detach,
    /// `TRUNCATE`
    Truncate,
}

/// `TRUNCATE [ALL] TABLES FROM db [LIKE '…']`.
#[derive(Debug, Clone, PartialEq)]
pub struct TruncateTables {
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// Whose tables.
    pub database: Ident,
    /// Which of them.
    pub filter: Option<LikeFilter>,
    /// `ON CLUSTER name`.
    pub on_cluster: Option<Ident>,
}

/// `[NOT] LIKE|ILIKE 'pattern'`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LikeFilter {
    /// `NOT`.
    pub negated: bool,
    /// `ILIKE`.
    pub case_insensitive: bool,
    /// The pattern.
    pub pattern: String,
}

/// `UNDROP TABLE`.
#[derive(Debug, Clone, PartialEq)]
pub struct Undrop {
    /// What comes back.
    pub name: ObjectName,
    /// `UUID '…'`.
    pub uuid: Option<String>,
    /// `ON CLUSTER name`.
    pub on_cluster: Option<Ident>,
}

/// `RENAME TABLE a TO b, c TO d`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rename {
    /// What the names belong to: Table, Dictionary or Database.
    pub object: ObjectKind,
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// `(from, to)`, in order; at least one.
    pub pairs: Vec<(ObjectName, ObjectName)>,
    /// `ON CLUSTER name`.
    pub on_cluster: Option<Ident>,
}

/// `EXCHANGE TABLES a AND b`.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// Table or Dictionary.
    pub object: ObjectKind,
    /// One.
    pub left: ObjectName,
    /// The other.
    pub right: ObjectName,
    /// `ON CLUSTER name`.
    pub on_cluster: Option<Ident>,
}

impl IntervalUnit {
    /// Every unit with its name in upper case and the ClickHouse function that makes an interval of it.
    pub const ALL: [(IntervalUnit, &'static str, &'static str); 11] = [
        (IntervalUnit::Nanosecond, "NANOSECOND", "toIntervalNanosecond"),
        (IntervalUnit::Microsecond, "MICROSECOND", "toIntervalMicrosecond"),
        (IntervalUnit::Millisecond, "MILLISECOND", "toIntervalMillisecond"),
        (IntervalUnit::Second, "SECOND", "toIntervalSecond"),
        (IntervalUnit::Minute, "MINUTE", "toIntervalMinute"),
        (IntervalUnit::Hour, "HOUR", "toIntervalHour"),
        (IntervalUnit::Day, "DAY", "toIntervalDay"),
        (IntervalUnit::Week, "WEEK", "toIntervalWeek"),
        (IntervalUnit::Month, "MONTH", "toIntervalMonth"),
        (IntervalUnit::Quarter, "QUARTER", "toIntervalQuarter"),
        (IntervalUnit::Year, "YEAR", "toIntervalYear"),
    ];

    /// `SECOND`, `DAY`…
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// `toIntervalSecond`, `toIntervalDay`…
    pub fn function_name(self) -> &'static str {
        Self::ALL[self as usize].2
    }
}
