//! What a database, a table and a view are, as the catalogue keeps them.
//!
//! The canonical CREATE text is the definition: whoever needs an expression parses it. Beside it stands only what the
//! store itself needs: names, columns, the layout of parts, and what a view reads and writes.

mod codec;
mod source;

use std::fmt;
use std::sync::Arc;

use parts::PartSchema;
use types::{DatabaseId, Header, TableId};

/// A database and a name in it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct QualifiedName {
    /// The database.
    pub database: Arc<str>,
    /// The table or view in it.
    pub name: Arc<str>,
}

impl QualifiedName {
    /// `database.name`.
    pub fn new(database: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> QualifiedName {
        QualifiedName { database: database.into(), name: name.into() }
    }
}

impl fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.database, self.name)
    }
}

/// A database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DatabaseDef {
    /// Given by [`Store::new_database_id`](crate::Store::new_database_id).
    pub id: DatabaseId,
    /// Its name.
    pub name: Arc<str>,
    /// The engine that CREATE named, `Atomic` when none.
    pub engine: Arc<str>,
    /// Its UUID.
    pub uuid: u128,
    /// COMMENT.
    pub comment: Arc<str>,
    /// When it was made, nanoseconds since 1970.
    pub created_ns: i64,
}

/// What a table is to the paths that meet it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TableKind {
    /// An engine of the MergeTree family: rows in parts.
    MergeTree,
    /// The Memory engine: rows in parts without key.
    Memory,
    /// The Null engine: rows go to the views over it and nowhere else.
    Null,
    /// A plain, incremental, refreshable or live view.
    View,
    /// A window view.
    WindowView,
    /// The Merge engine: the rows of other tables, found by name when it is read.
    Merge,
    /// A dictionary: its rows are loaded from elsewhere into memory.
    Dictionary,
    /// The Dictionary engine: the rows of a dictionary.
    DictionaryTable,
    /// The Join engine: rows in parts, sorted by the key that they are joined by.
    Join,
    /// The Set engine: rows in parts that only IN reads.
    Set,
    /// The Buffer engine: rows in parts on their way into another table.
    Buffer,
    /// Engines URL, S3, File, MySQL and PostgreSQL: the rows are elsewhere and are asked for each time.
    External,
}

/// Whether `system.tables` and SHOW list a table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Visibility {
    /// A table of a user, or the inner table of a view (`.inner_id.<uuid>`), which ClickHouse lists too.
    Listed,
    /// State of an operator (open windows, seen ids, offsets): reachable by id only.
    Hidden,
    /// DETACH TABLE: its name is taken and nobody sees it until it is attached. ClickHouse attaches it by itself when it
    /// starts; here a start changes nothing that was said.
    Detached,
    /// DETACH TABLE … PERMANENTLY.
    DetachedPermanently,
}

/// Whether a table is whole.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Readiness {
    /// Whole.
    Ready,
    /// Fed by inserts since its first commit and not visible before its second
    /// ([`Edit::FinishView`](crate::Edit::FinishView)); recovery drops it.
    Building,
}

/// A table, view or hidden table.
#[derive(Clone, PartialEq, Debug)]
pub struct TableDef {
    /// Given by [`Store::new_table_id`](crate::Store::new_table_id); never used again.
    pub id: TableId,
    /// The database it is in.
    pub database: Arc<str>,
    /// Its name in the database.
    pub name: Arc<str>,
    /// Its UUID.
    pub uuid: u128,
    /// The number of the commit that last changed this definition. Set by `apply`; what a caller puts here is ignored.
    pub version: u64,
    /// The canonical CREATE text. The names in it are those at creation: after a RENAME only `database` and `name` are
    /// right.
    pub sql: Arc<str>,
    /// The engine as ClickHouse prints it: `ReplacingMergeTree`, `MaterializedView`…
    pub engine: Arc<str>,
    /// What it is to the paths that meet it.
    pub kind: TableKind,
    /// The columns a user sees.
    pub columns: Header,
    /// The layout of its parts, hidden columns included; none for what holds no rows.
    pub schema: Option<Arc<PartSchema>>,
    /// What it reads and writes, when it is a view.
    pub view: Option<ViewDef>,
    /// Whether it is listed.
    pub visibility: Visibility,
    /// Whether it is whole.
    pub readiness: Readiness,
    /// COMMENT.
    pub comment: Arc<str>,
    /// When it was made, nanoseconds since 1970.
    pub created_ns: i64,
}

impl Visibility {
    /// True for tables that were detached.
    pub fn is_detached(self) -> bool {
        matches!(self, Visibility::Detached | Visibility::DetachedPermanently)
    }
}

impl TableDef {
    /// The columns that its parts have, hidden ones too; those declared where it has no parts.
    pub fn stored_columns(&self) -> &Header {
        self.schema.as_ref().map_or(&self.columns, |schema| &schema.header)
    }

    /// `database.name`.
    pub fn qualified_name(&self) -> QualifiedName {
        QualifiedName { database: Arc::clone(&self.database), name: Arc::clone(&self.name) }
    }
}

/// Where a view puts its rows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// `TO database.table`: whatever has that name when rows are written.
    Named(QualifiedName),
    /// The view's own table.
    Inner(TableId),
}

/// What a view reads and writes. Sources are bound by name, as in ClickHouse: after `EXCHANGE TABLES a AND b` a view
/// over `a` reads what is called `a` then. `RENAME TABLE` parts it from its source ([`ViewDef::after_renames`]).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ViewDef {
    /// `CREATE VIEW`: a SELECT with a name.
    Plain,
    /// `CREATE MATERIALIZED VIEW`: runs over every block inserted into the source.
    Incremental {
        /// The table whose inserts feed it.
        source: QualifiedName,
        /// Where its rows go.
        target: Target,
        /// `ON ERROR QUARANTINE`: the table that takes the rows over which its SELECT failed.
        errors: Option<TableId>,
    },
    /// `CREATE WINDOW VIEW`.
    Window {
        /// The table whose inserts feed it.
        source: QualifiedName,
        /// Where closed windows go.
        target: Target,
        /// Where rows behind the watermark go, with `LATE TO`.
        late: Option<QualifiedName>,
        /// Its hidden tables: open panes, seen ids, watermark; the order is the view's own.
        state: Vec<TableId>,
        /// `ON ERROR QUARANTINE`: the table that takes the blocks over which it failed.
        errors: Option<TableId>,
    },
    /// `REFRESH EVERY | AFTER`.
    Refreshable {
        /// Where its rows go.
        target: Target,
        /// `DEPENDS ON`.
        depends_on: Vec<QualifiedName>,
        /// Its hidden tables: what runs left and commands said; the order is the view's own.
        state: Vec<TableId>,
    },
    /// `REFRESH ON CHANGE`.
    Live {
        /// Every table of its SELECT.
        sources: Vec<QualifiedName>,
        /// Where its rows go.
        target: Target,
    },
}

impl ViewDef {
    /// The table whose inserts run this view inside their own commit, if it is of that sort; no table's name while the one
    /// that it was made over is called otherwise ([`ViewDef::named_source`] is that).
    pub fn insert_source(&self) -> Option<&QualifiedName> {
        match self {
            ViewDef::Incremental { source, .. } | ViewDef::Window { source, .. } => Some(source),
            ViewDef::Plain | ViewDef::Refreshable { .. } | ViewDef::Live { .. } => None,
        }
    }

    /// The table that takes the rows over which its SELECT failed, under `ON ERROR QUARANTINE`.
    pub fn errors(&self) -> Option<TableId> {
        match self {
            ViewDef::Incremental { errors, .. } | ViewDef::Window { errors, .. } => *errors,
            ViewDef::Plain | ViewDef::Refreshable { .. } | ViewDef::Live { .. } => None,
        }
    }

    /// The tables that come and go with the view: its inner table, the state of its operators, its errors.
    pub fn owned(&self) -> Vec<TableId> {
        let inner = match self.target() {
            Some(Target::Inner(inner)) => Some(*inner),
            Some(Target::Named(_)) | None => None,
        };
        let state: &[TableId] = match self {
            ViewDef::Window { state, .. } | ViewDef::Refreshable { state, .. } => state,
            ViewDef::Plain | ViewDef::Incremental { .. } | ViewDef::Live { .. } => &[],
        };
        inner.into_iter().chain(state.iter().copied()).chain(self.errors()).collect()
    }

    /// Where its rows go.
    pub fn target(&self) -> Option<&Target> {
        match self {
            ViewDef::Incremental { target, .. }
            | ViewDef::Window { target, .. }
            | ViewDef::Refreshable { target, .. }
            | ViewDef::Live { target, .. } => Some(target),
            ViewDef::Plain => None,
        }
    }
}
