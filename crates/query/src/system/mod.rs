//! `system.*` and `information_schema.*`: tables whose rows are made when they are read.
//!
//! Each one is a [`SystemTable`] in the registry. The ones here show what a snapshot and the registries know; whoever
//! knows more (views, streams, the engine, the server) registers its own at start-up. Names and types of columns are
//! ClickHouse's.

mod catalog;
mod columns;
mod constants;
mod dictionaries;
mod information_schema;
mod named_collections;
mod parts;
mod registries;
pub mod rows;
mod source;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, LazyLock};

use types::{Block, Column, DataType, Header};

pub use rows::{Cell, Rows};
pub use source::SystemSource;

use crate::context::QueryContext;
use crate::error::Result;
use crate::scan::Source;

/// The database of system tables.
pub const SYSTEM: &str = "system";
/// The standard's database; also under its name in upper case.
pub const INFORMATION_SCHEMA: &str = "information_schema";

/// A table whose rows are made when it is read.
pub trait SystemTable: Send + Sync {
    /// `system` unless said otherwise.
    fn database(&self) -> &'static str {
        SYSTEM
    }

    /// Its name in that database.
    fn name(&self) -> &'static str;

    /// Its columns.
    fn schema(&self) -> &Header;

    /// Its rows now, as this query may see them. Every block has the columns of [`SystemTable::schema`].
    fn rows(&self, ctx: &QueryContext) -> Result<Vec<Block>>;

    /// How it is read when not by [`SystemTable::rows`].
    fn source(&self) -> Option<Arc<dyn Source>> {
        None
    }
}

/// The leaf that reads a system table.
pub fn source_of(table: &Arc<dyn SystemTable>) -> Arc<dyn Source> {
    table.source().unwrap_or_else(|| Arc::new(SystemSource::new(table.clone())))
}

/// Every system table by database and name. Filled at start-up, then never changed.
#[derive(Clone, Default)]
pub struct SystemTables {
    databases: BTreeMap<&'static str, BTreeMap<&'static str, Arc<dyn SystemTable>>>,
}

impl SystemTables {
    /// The tables that this crate knows.
    pub fn standard() -> SystemTables {
        let mut tables = SystemTables::default();
        for table in catalog::tables().into_iter().chain(columns::tables()).chain(parts::tables()) {
            tables.register(table);
        }
        for table in constants::tables().into_iter().chain(registries::tables()).chain(information_schema::tables()) {
            tables.register(table);
        }
        tables
    }

    /// Adds a table; one of the same name is replaced.
    pub fn register(&mut self, table: Arc<dyn SystemTable>) {
        self.databases.entry(table.database()).or_default().insert(table.name(), table);
    }

    /// The table of that name. `INFORMATION_SCHEMA` and its tables are found in both cases.
    pub fn get(&self, database: &str, name: &str) -> Option<&Arc<dyn SystemTable>> {
        let database = canonical(database)?;
        let tables = self.databases.get(database)?;
        let upper = || match database {
            INFORMATION_SCHEMA => tables.values().find(|table| table.name().eq_ignore_ascii_case(name)),
            _ => None,
        };
        tables.get(name).or_else(upper)
    }

    /// Every table, by database and name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn SystemTable>> {
        self.databases.values().flat_map(BTreeMap::values)
    }
}

/// The database's own name, when it is one of system tables.
pub fn canonical(database: &str) -> Option<&'static str> {
    match database {
        SYSTEM => Some(SYSTEM),
        INFORMATION_SCHEMA | "INFORMATION_SCHEMA" => Some(INFORMATION_SCHEMA),
        _ => None,
    }
}

impl fmt::Debug for SystemTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|table| (table.database(), table.name()))).finish()
    }
}

/// What makes the rows of a [`Listing`].
type Fill = fn(&QueryContext, &mut Rows) -> Result<()>;

/// A system table of a fixed header that one function fills.
pub struct Listing {
    database: &'static str,
    name: &'static str,
    header: Header,
    fill: Fill,
}

impl Listing {
    /// `system.name` with the columns that [`header_of`] has for it.
    pub fn system(name: &'static str, fill: Fill) -> Arc<dyn SystemTable> {
        Listing::within(SYSTEM, name, fill)
    }

    /// The same in another database.
    pub fn within(database: &'static str, name: &'static str, fill: Fill) -> Arc<dyn SystemTable> {
        Arc::new(Listing { database, name, header: header_of(database, name), fill })
    }
}

/// Names and types of the columns of system tables, a line each: table, column, type. Those that ClickHouse has are as
/// ClickHouse has them.
const COLUMNS: &str = include_str!("columns.tsv");

/// [`COLUMNS`] by `database.table`, read once: an engine is opened thousands of times by the simulator.
static HEADERS: LazyLock<HashMap<&'static str, Vec<Column>>> = LazyLock::new(|| {
    let mut headers: HashMap<&str, Vec<Column>> = HashMap::new();
    for line in COLUMNS.lines() {
        let mut fields = line.split('\t');
        let (Some(table), Some(name), Some(ty)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let column = Column::new(name, DataType::parse(ty).expect("a type of the list is one of ours"));
        headers.entry(table).or_default().push(column);
    }
    headers
});

/// The columns of a system table; none for one that is not in the list.
pub fn header_of(database: &str, name: &str) -> Header {
    let columns = HEADERS.get(format!("{database}.{name}").as_str());
    Header::new(columns.cloned().unwrap_or_default())
}

impl SystemTable for Listing {
    fn database(&self) -> &'static str {
        self.database
    }

    fn name(&self) -> &'static str {
        self.name
    }

    fn schema(&self) -> &Header {
        &self.header
    }

    fn rows(&self, ctx: &QueryContext) -> Result<Vec<Block>> {
        let mut rows = Rows::new(&self.header);
        (self.fill)(ctx, &mut rows)?;
        Ok(vec![rows.block()?])
    }
}
