//! Sources elsewhere: `url`, `s3`, `file`, `mysql` and `postgresql` as table functions and as table engines.
//!
//! ```text
//! arguments ─▶ Given (collections looked up) ─▶ Place (a source of crate `external`; nothing asked)
//!   ─▶ columns known? no: Error::NotDescribed ─▶ prepare asks the source ─▶ bind again
//!   ─▶ scan: Source over the place ─▶ blocks as they come
//! ```
//!
//! Binding asks nobody: what must be asked is asked between two binds ([`describe`]). Waiting ends with the query
//! ([`wait`]). Credentials are inside places only, which print none.

mod databases;
mod describe;
mod given;
mod objects;
mod place;
mod reading;
mod table;
mod write;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use types::{Column, DataType, Header};

pub use given::{items_of, names_collection, parse_items};
pub use place::Kind;
pub use write::Writing;

pub(crate) use describe::{Described, describe};
pub(crate) use place::from_external;
pub(crate) use reading::decode;

use place::{Place, Rows};

use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::scan::Source;

/// A call of a table function, or an engine, whose source is known.
#[derive(Clone)]
pub struct Outside {
    /// What it is looked up by among those that were asked.
    key: Arc<str>,
    rows: Rows,
    /// The columns that the call or the table says it has.
    structure: Option<Header>,
    /// A named collection says where it is.
    pub has_collection: bool,
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outside({})", self.name())
    }
}

impl Outside {
    /// A call; nothing is asked.
    pub fn of_call(kind: Kind, name: &str, arguments: &[sql::Expr], ctx: &QueryContext) -> Result<Outside> {
        let (place, has_collection) = kind.place(arguments, None, ctx)?;
        Ok(Outside::new(name, arguments, place, has_collection))
    }

    /// What a table engine stands for. `columns`: as declared; `folder`: where `File(format)` keeps its file.
    pub fn of_engine(
        engine: &sql::ast::Engine,
        columns: Option<Header>,
        folder: &str,
        ctx: &QueryContext,
    ) -> Result<Outside> {
        let name = engine.name.name.as_str();
        let kind = Kind::of_engine(name).ok_or_else(|| Error::Plan(format!("engine {name} is not outside")))?;
        let (mut place, has_collection) = kind.place(&engine.arguments, Some(folder), ctx)?;
        place.structure = columns.or(place.structure);
        Ok(Outside::new(name, &engine.arguments, place, has_collection))
    }

    fn new(name: &str, arguments: &[sql::Expr], place: Place, has_collection: bool) -> Outside {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let key = format!("{name}({})", arguments.join(", ")).into();
        Outside { key, rows: place.rows, structure: place.structure, has_collection }
    }

    /// Its name in EXPLAIN and errors: no credentials.
    pub fn name(&self) -> String {
        match &self.rows {
            Rows::Table(table) => table.name(),
            Rows::Objects(packed) => packed.objects.name(),
        }
    }

    /// What it is looked up by; it has credentials in it.
    pub(crate) fn key(&self) -> &Arc<str> {
        &self.key
    }

    /// The columns of `SELECT *`: declared, or asked for before; else an error that prepare answers by asking.
    pub fn columns(&self, ctx: &QueryContext) -> Result<Header> {
        match (&self.structure, ctx.described.get(&self.key)) {
            (Some(structure), _) => Ok(structure.clone()),
            (None, Some(described)) => Ok(described.header.clone()),
            (None, None) => Err(Error::NotDescribed(Box::new(self.clone()))),
        }
    }

    /// True when the call says what columns there are.
    pub fn has_structure(&self) -> bool {
        self.structure.is_some()
    }

    /// True when an INSERT makes what it writes to: bytes, not a table.
    pub fn is_written_anew(&self) -> bool {
        matches!(self.rows, Rows::Objects(_))
    }

    /// Takes all rows from what an INSERT adds to.
    pub async fn truncate(&self, ctx: &QueryContext) -> Result<()> {
        match &self.rows {
            Rows::Table(_) => Err(Error::NotSupported(format!("TRUNCATE of {}", self.name()))),
            Rows::Objects(packed) => wait(ctx, packed.objects.truncate()).await,
        }
    }

    /// Asks the source what columns it has, unless that was said.
    pub async fn ask_columns(&self, ctx: &Arc<QueryContext>) -> Result<Header> {
        match &self.structure {
            Some(structure) => Ok(structure.clone()),
            None => Ok(describe(self, ctx).await?.header),
        }
    }

    /// The leaf that reads it, and how many of its columns are virtual: the last ones.
    pub(crate) fn source(&self, ctx: &QueryContext) -> Result<(Arc<dyn Source>, usize)> {
        let columns = self.columns(ctx)?;
        Ok(match &self.rows {
            Rows::Table(table) => (Arc::new(table::Remote::new(table.clone(), columns)), 0),
            Rows::Objects(packed) => {
                // a header line that was found when it was asked belongs to the format
                let described = ctx.described.get(&self.key);
                let format = match described.and_then(|described| described.format) {
                    Some(format) => format,
                    None => match packed.format() {
                        Some(format) => format,
                        // it is told by the content
                        None if described.is_none() => return Err(Error::NotDescribed(Box::new(self.clone()))),
                        None => return Err(packed.no_format()),
                    },
                };
                let virtuals = virtual_columns(&columns);
                let count = virtuals.len();
                let source = objects::Bytes::new(packed.clone(), format, columns, virtuals);
                (Arc::new(source), count)
            }
        })
    }
}

/// The folder of a table that is not made yet.
pub const NO_FOLDER: &str = ".tables/none";

/// Where `ENGINE = File(format)` keeps its file, in the user files folder.
pub fn folder_of(uuid: u128) -> String {
    format!(".tables/{uuid:032x}")
}

/// `_path`, `_file`, `_size` and `_time`, unless the rows have columns of these names.
fn virtual_columns(columns: &Header) -> Vec<Column> {
    let text = || DataType::LowCardinality(Arc::new(DataType::String));
    let size = DataType::Nullable(Arc::new(DataType::UInt64));
    let time = DataType::Nullable(Arc::new(DataType::DateTime(None)));
    let all = [
        Column::new("_path", text()),
        Column::new("_file", text()),
        Column::new("_size", size),
        Column::new("_time", time),
    ];
    all.into_iter().filter(|column| columns.position(&column.name).is_none()).collect()
}

/// The text of a statement without its credentials.
pub fn hide_secrets(text: &str) -> String {
    sql::hide_secrets(text, &is_format)
}

/// True for names of formats, which `s3` has in the places of credentials.
pub fn is_format(name: &str) -> bool {
    format::Format::parse(name).is_ok()
}

/// What a source is waited for, until it is there or the query must end.
pub(crate) fn wait<'a, T: Send + 'a>(
    ctx: &'a QueryContext,
    work: impl Future<Output = external::Result<T>> + Send + 'a,
) -> BoxFuture<'a, Result<T>> {
    async move {
        let clock = &ctx.runtime.env.clock;
        let left = ctx.deadline.map(|deadline| deadline.at_ns.saturating_sub(clock.monotonic_ns()));
        let deadline = async {
            match left {
                Some(left_ns) => tokio::time::sleep(Duration::from_nanos(left_ns)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = ctx.cancel.cancelled() => Err(Error::Cancelled),
            done = work => done.map_err(from_external),
            () = deadline => {
                let limit_ms = ctx.deadline.map_or(0, |deadline| deadline.limit_ms);
                Err(Error::TimedOut { limit_ms })
            }
        }
    }
    .boxed()
}
