//! Statements: everything that can stand between two semicolons.

use super::{
    AlterConcurrencyGroup, AlterDatabase, AlterNamedCollection, AlterTable, Backup, CreateConcurrencyGroup,
    CreateDatabase, CreateDictionary, CreateFunction, CreateIndex, CreateMaterializedView, CreateNamedCollection,
    CreateTable, CreateView, CreateWindowView, Drop, DropIndex, Exchange, Expr, Ident, LikeFilter, Mutation,
    ObjectKind, ObjectName, Partition, PartitionOrPart, Query, Rename, Setting, Span, TableFunction, TruncateTables,
    Undrop,
};

/// A statement and what may follow any of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// What it does.
    pub kind: StatementKind,
    /// `INTO OUTFILE`, `FORMAT`, `SETTINGS` at the end.
    pub tail: Tail,
}

/// `[INTO OUTFILE …] [FORMAT name] [SETTINGS …]` at the end of a statement.
///
/// A SELECT's own SETTINGS stand in [`super::Select::settings`]; those here were written after FORMAT, or after a
/// statement that has no SETTINGS of its own (ALTER, DELETE, SHOW…).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tail {
    /// `INTO OUTFILE`.
    pub outfile: Option<Outfile>,
    /// `FORMAT name`.
    pub format: Option<Ident>,
    /// `SETTINGS`.
    pub settings: Vec<Setting>,
}

/// `INTO OUTFILE 'path' [APPEND|TRUNCATE] [AND STDOUT] [COMPRESSION 'method' [LEVEL n]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outfile {
    /// The file.
    pub path: String,
    /// `APPEND`.
    pub append: bool,
    /// `TRUNCATE`.
    pub truncate: bool,
    /// `AND STDOUT`.
    pub and_stdout: bool,
    /// `COMPRESSION`.
    pub compression: Option<String>,
    /// `LEVEL`.
    pub level: Option<u64>,
}

/// What a statement does.
#[derive(Debug, Clone, PartialEq)]
pub enum StatementKind {
    /// `SELECT …`
    Query(Box<Query>),
    /// `INSERT INTO …`
    Insert(Box<Insert>),
    /// `CREATE|ATTACH|REPLACE TABLE`
    CreateTable(Box<CreateTable>),
    /// `CREATE VIEW`
    CreateView(Box<CreateView>),
    /// `CREATE MATERIALIZED VIEW`
    CreateMaterializedView(Box<CreateMaterializedView>),
    /// `CREATE WINDOW VIEW` (Everview)
    CreateWindowView(Box<CreateWindowView>),
    /// `CREATE DICTIONARY`
    CreateDictionary(Box<CreateDictionary>),
    /// `CREATE DATABASE`
    CreateDatabase(Box<CreateDatabase>),
    /// `CREATE FUNCTION`
    CreateFunction(Box<CreateFunction>),
    /// `CREATE INDEX`
    CreateIndex(Box<CreateIndex>),
    /// `DROP INDEX`
    DropIndex(Box<DropIndex>),
    /// `CREATE NAMED COLLECTION`
    CreateNamedCollection(Box<CreateNamedCollection>),
    /// `ALTER NAMED COLLECTION`
    AlterNamedCollection(Box<AlterNamedCollection>),
    /// `CREATE CONCURRENCY GROUP` (Everview)
    CreateConcurrencyGroup(Box<CreateConcurrencyGroup>),
    /// `ALTER CONCURRENCY GROUP` (Everview)
    AlterConcurrencyGroup(Box<AlterConcurrencyGroup>),
    /// `ATTACH name` without a definition
    Attach(Box<Attach>),
    /// `DROP`, `DETACH`, `TRUNCATE`
    Drop(Box<Drop>),
    /// `TRUNCATE ALL TABLES FROM db`
    TruncateTables(Box<TruncateTables>),
    /// `UNDROP TABLE`
    Undrop(Box<Undrop>),
    /// `RENAME`
    Rename(Box<Rename>),
    /// `EXCHANGE`
    Exchange(Box<Exchange>),
    /// `ALTER TABLE`
    AlterTable(Box<AlterTable>),
    /// `ALTER DATABASE`
    AlterDatabase(Box<AlterDatabase>),
    /// `DELETE FROM t WHERE …`, `UPDATE t SET … WHERE …`
    Mutate(Box<Mutate>),
    /// `OPTIMIZE TABLE`
    Optimize(Box<Optimize>),
    /// `SHOW …`
    Show(Box<Show>),
    /// `DESCRIBE …`
    Describe(Box<Describe>),
    /// `EXISTS …`
    Exists(Box<Exists>),
    /// `CHECK TABLE`, `CHECK ALL TABLES`
    Check(Box<Check>),
    /// `EXPLAIN …`
    Explain(Box<Explain>),
    /// `SET a = 1, …`
    Set(Vec<Setting>),
    /// `USE db`
    Use(Ident),
    /// `SYSTEM …`
    System(Box<System>),
    /// `KILL QUERY|MUTATION|TRANSACTION`
    Kill(Box<Kill>),
    /// `VERIFY VIEW name` (Everview)
    VerifyView(ObjectName),
    /// `BACKUP`, `RESTORE`
    Backup(Box<Backup>),
    /// `BEGIN TRANSACTION`
    Begin,
    /// `COMMIT`
    Commit,
    /// `ROLLBACK`
    Rollback,
    /// `SET TRANSACTION SNAPSHOT n`
    SetTransactionSnapshot(u64),
    /// Known by its first words only.
    Known(Box<KnownStatement>),
}

/// A statement of ClickHouse that is recognised, so that it can be refused by name, but whose words are not analysed:
/// access control, dictionaries, workloads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownStatement {
    /// Its first words in upper case: `CREATE USER`, `GRANT`…
    pub name: String,
    /// The whole statement, tokens joined by one space.
    pub text: String,
}

/// `INSERT INTO`.
#[derive(Debug, Clone, PartialEq)]
pub struct Insert {
    /// Where rows go.
    pub target: InsertTarget,
    /// Which columns; empty when not written.
    pub columns: InsertColumns,
    /// `PARTITION BY expr` (of a table function).
    pub partition_by: Option<Expr>,
    /// `SETTINGS` before the source.
    pub settings: Vec<Setting>,
    /// Where rows come from.
    pub source: InsertSource,
}

/// Where inserted rows go.
#[derive(Debug, Clone, PartialEq)]
pub enum InsertTarget {
    /// `[TABLE] name`
    Table(ObjectName),
    /// `[TABLE] FUNCTION f(…)`
    Function(TableFunction),
}

/// Which columns an INSERT gives.
#[derive(Debug, Clone, PartialEq)]
pub enum InsertColumns {
    /// Not written: all that can be inserted.
    All,
    /// `(a, b)`: names, `*`, `* EXCEPT (…)`, `COLUMNS(…)`.
    List(Vec<Expr>),
}

/// Where inserted rows come from.
#[derive(Debug, Clone, PartialEq)]
pub enum InsertSource {
    /// `SELECT …`.
    Query(Box<Query>),
    /// `VALUES …`, `FORMAT name …`: the data follows in the text or comes apart from it.
    Data(InsertData),
    /// `FROM INFILE 'path' [COMPRESSION '…'] [SETTINGS …] [FORMAT name]`
    Infile(Infile),
}

/// Data in a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InsertData {
    /// `Values` for VALUES, else as written.
    pub format: Ident,
    /// The bytes of the text that hold the data, blank at both ends removed after VALUES; empty when there is none.
    /// Positions in the whole text that was parsed; not printed.
    pub data: Span,
}

/// `FROM INFILE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Infile {
    /// The file.
    pub path: String,
    /// `COMPRESSION`.
    pub compression: Option<String>,
    /// `FORMAT`; told from the name when absent.
    pub format: Option<Ident>,
}

/// `ATTACH TABLE|DATABASE|VIEW|DICTIONARY name`, from what is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Attach {
    /// What.
    pub object: ObjectKind,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// Which.
    pub name: ObjectName,
    /// `ON CLUSTER name`.
    pub on_cluster: Option<Ident>,
}

/// Rows changed by a statement of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Mutate {
    /// Of which table.
    pub table: ObjectName,
    /// `ON CLUSTER name`.
    pub on_cluster: Option<Ident>,
    /// What changes: an UPDATE has assignments, a DELETE none.
    pub mutation: Mutation,
}

/// `OPTIMIZE TABLE`.
#[derive(Debug, Clone, PartialEq)]
pub struct Optimize {
    /// Which table.
    pub table: ObjectName,
    /// `ON CLUSTER name`.
    pub on_cluster: Option<Ident>,
    /// `PARTITION p`.
    pub partition: Option<Partition>,
    /// `FINAL` (or `FORCE`).
    pub is_final: bool,
    /// `DEDUPLICATE [BY …]`: which columns, empty for all.
    pub deduplicate: Option<Vec<Expr>>,
    /// `CLEANUP`.
    pub cleanup: bool,
}

/// `SHOW …`.
#[derive(Debug, Clone, PartialEq)]
pub enum Show {
    /// `SHOW [FULL] [TEMPORARY] TABLES [FROM db] …`
    Tables(ShowList),
    /// `SHOW DICTIONARIES [FROM db] …`
    Dictionaries(ShowList),
    /// `SHOW DATABASES …`
    Databases(ShowList),
    /// `SHOW CLUSTERS …`
    Clusters(ShowList),
    /// `SHOW MERGES …`
    Merges(ShowList),
    /// `SHOW FUNCTIONS [LIKE …]`
    Functions(ShowList),
    /// `SHOW [CHANGED] SETTINGS …`
    Settings {
        /// Only those set.
        changed: bool,
        /// Which.
        list: ShowList,
    },
    /// `SHOW [EXTENDED] [FULL] COLUMNS FROM table [FROM db] …`
    Columns {
        /// `EXTENDED`.
        extended: bool,
        /// Of which table.
        table: ObjectName,
        /// Which.
        list: ShowList,
    },
    /// `SHOW [EXTENDED] INDEXES FROM table [FROM db] [WHERE …]`
    Indexes {
        /// `EXTENDED`.
        extended: bool,
        /// Of which table.
        table: ObjectName,
        /// Which.
        list: ShowList,
    },
    /// `SHOW CREATE [TABLE|VIEW|DICTIONARY] name`, `SHOW CREATE DATABASE name`
    Create {
        /// What; Table when not written.
        object: ObjectKind,
        /// `TEMPORARY`.
        temporary: bool,
        /// Which.
        name: ObjectName,
    },
    /// `SHOW SETTING name`
    Setting(Ident),
    /// `SHOW PROCESSLIST`
    Processlist,
    /// `SHOW ENGINES`
    Engines,
    /// `SHOW CLUSTER 'name'`
    Cluster(String),
}

/// Which entries a SHOW lists.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ShowList {
    /// `FULL`.
    pub full: bool,
    /// `TEMPORARY`.
    pub temporary: bool,
    /// `FROM db`.
    pub database: Option<Ident>,
    /// `LIKE …`.
    pub like: Option<LikeFilter>,
    /// `WHERE …`.
    pub filter: Option<Expr>,
    /// `LIMIT n`.
    pub limit: Option<Expr>,
}

/// `DESCRIBE [TABLE] …`.
#[derive(Debug, Clone, PartialEq)]
pub struct Describe {
    /// What is described.
    pub table: super::TableRef,
}

/// `EXISTS [TEMPORARY] [TABLE|VIEW|DICTIONARY|DATABASE] name`.
#[derive(Debug, Clone, PartialEq)]
pub struct Exists {
    /// What; Table when not written.
    pub object: ObjectKind,
    /// `TEMPORARY`.
    pub temporary: bool,
    /// Which.
    pub name: ObjectName,
}

/// `CHECK TABLE name [PARTITION p|PART 'name']`, `CHECK ALL TABLES`.
#[derive(Debug, Clone, PartialEq)]
pub enum Check {
    /// One table.
    Table(ObjectName, Option<PartitionOrPart>),
    /// `CHECK ALL TABLES`
    AllTables,
}

/// `EXPLAIN [kind] [settings] statement`.
#[derive(Debug, Clone, PartialEq)]
pub struct Explain {
    /// What is shown.
    pub kind: ExplainKind,
    /// `header = 1, …`.
    pub settings: Vec<Setting>,
    /// Of what.
    pub target: ExplainTarget,
}

/// What EXPLAIN shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExplainKind {
    /// `PLAN`, or nothing written.
    Plan,
    /// `AST`
    Ast,
    /// `SYNTAX`
    Syntax,
    /// `QUERY TREE`
    QueryTree,
    /// `PIPELINE`
    Pipeline,
    /// `ESTIMATE`
    Estimate,
    /// `ANALYZE`
    Analyze,
    /// `TABLE OVERRIDE`
    TableOverride,
    /// `CURRENT TRANSACTION`
    CurrentTransaction,
    /// `REFRESH` (Everview)
    Refresh,
}

/// What EXPLAIN is about.
#[derive(Debug, Clone, PartialEq)]
pub enum ExplainTarget {
    /// A statement.
    Statement(Box<Statement>),
    /// `EXPLAIN REFRESH view`.
    View(ObjectName),
    /// `EXPLAIN TABLE OVERRIDE …`; not analysed: tokens joined by one space.
    Words(String),
    /// `EXPLAIN CURRENT TRANSACTION`.
    Nothing,
}

/// `SYSTEM command …`.
#[derive(Debug, Clone, PartialEq)]
pub struct System {
    /// What is done.
    pub command: SystemCommand,
    /// `ON CLUSTER name`.
    pub on_cluster: Option<Ident>,
}

/// The commands of SYSTEM.
#[derive(Debug, Clone, PartialEq)]
pub enum SystemCommand {
    /// `REFRESH VIEW v`; with `PARTITION p, …` (Everview) only those partitions of the target are filled anew.
    RefreshView(ObjectName, Vec<Partition>),
    /// `WAIT VIEW v`
    WaitView(ObjectName),
    /// `CANCEL VIEW v`
    CancelView(ObjectName),
    /// `STOP VIEW v`, `STOP VIEWS`
    StopView(Option<ObjectName>),
    /// `PAUSE VIEW v`, `PAUSE VIEWS`
    PauseView(Option<ObjectName>),
    /// `START VIEW v`, `START VIEWS`
    StartView(Option<ObjectName>),
    /// `STOP|START REPLICATED VIEW v`
    ReplicatedView(Switch, ObjectName),
    /// `TEST VIEW v SET FAKE TIME '…'`, `UNSET FAKE TIME`
    TestView(ObjectName, Option<String>),
    /// `ROLLBACK VIEW v [TO GENERATION n]` (Everview); -1 is the one before the present one.
    RollbackView(ObjectName, i64),
    /// `REPAIR VIEW v` (Everview)
    RepairView(ObjectName),
    /// `RELOAD DICTIONARY d`; `RELOAD DICTIONARIES` without a name
    ReloadDictionary(Option<ObjectName>),
    /// `FLUSH LOGS [log, …]`
    FlushLogs(Vec<ObjectName>),
    /// `FLUSH ASYNC INSERT QUEUE [table, …]`
    FlushAsyncInsertQueue(Vec<ObjectName>),
    /// `STOP|START MERGES [table]`
    Merges(Switch, Option<ObjectName>),
    /// `STOP|START TTL MERGES [table]`
    TtlMerges(Switch, Option<ObjectName>),
    /// `STOP|START MOVES [table]`
    Moves(Switch, Option<ObjectName>),
    /// `SHUTDOWN`
    Shutdown,
    /// Any other: its words and arguments, tokens joined by one space.
    Other(String),
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// `START`
    Start,
    /// `STOP`
    Stop,
}

/// `KILL QUERY|MUTATION|TRANSACTION WHERE … [SYNC|ASYNC|TEST]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Kill {
    /// What is killed.
    pub what: KillWhat,
    /// `ON CLUSTER name`.
    pub on_cluster: Option<Ident>,
    /// Which.
    pub filter: Expr,
    /// Whether to wait.
    pub mode: KillMode,
}

/// What KILL ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KillWhat {
    /// `QUERY`
    Query,
    /// `MUTATION`
    Mutation,
    /// `TRANSACTION`
    Transaction,
}

/// How KILL ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KillMode {
    /// `ASYNC`, or nothing written.
    Async,
    /// `SYNC`: wait until it is gone.
    Sync,
    /// `TEST`: only show what would go.
    Test,
}

impl Statement {
    /// A statement without a tail.
    pub fn new(kind: StatementKind) -> Self {
        Self { kind, tail: Tail::default() }
    }
}

impl Tail {
    /// Nothing follows.
    pub fn is_empty(&self) -> bool {
        *self == Tail::default()
    }
}
