//! Leaves of a plan: everything that has rows of its own is a [`Source`], read by one [`ScanExec`].
//!
//! A source is a description (table id, columns, predicate): it holds no snapshot and no rows. When the plan runs, the
//! leaf finds the query's context in the task and reads what that context pins; so a compiled plan runs again over
//! another snapshot. Between blocks the leaf counts rows and looks whether the query was cancelled or is out of time.

mod adapt;
mod exec;
mod monotone;
pub mod point;
mod predicate;
mod prewhere;
mod provider;
mod ranges;
mod skip;
mod table;
mod virtuals;
mod work;

use std::fmt;
use std::sync::Arc;

use datafusion::logical_expr::TableSource;
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use types::{Block, Header};

pub use exec::ScanExec;
pub use predicate::{Comparison, Predicate};
pub use provider::SourceTable;
pub(crate) use ranges::ranges_of;
pub use skip::Skips;
pub use table::{StoredTable, TableOptions};
pub(crate) use virtuals::Virtual;

use crate::context::QueryContext;
use crate::error::Result;

/// Blocks as a leaf gives them, columns as asked for.
pub type Blocks = BoxStream<'static, Result<Block>>;

/// Something that has rows.
pub trait Source: fmt::Debug + Send + Sync {
    /// Its name in EXPLAIN.
    fn name(&self) -> String;

    /// Every column that can be asked for, hidden ones included.
    fn header(&self) -> &Header;

    /// In how many shares it can be read at once, at most `wanted`. Asked once, when the plan is compiled.
    fn shares(&self, wanted: usize) -> usize {
        wanted.min(1)
    }

    /// True when the source can use predicates to read less. It may still give rows that do not match.
    fn prunes(&self) -> bool {
        false
    }

    /// True when the source evaluates conditions, instead of leaving out ranges of values by them: then it is told what no
    /// range tells as well, NULL ([`Predicate::Null`]) and comparisons of floats.
    fn evaluates(&self) -> bool {
        false
    }

    /// The skip indexes, whose expressions stand for columns in predicates.
    fn skips(&self) -> Option<&Skips> {
        None
    }

    /// The table whose parts it reads, when it does.
    fn stored(&self) -> Option<&StoredTable> {
        None
    }

    /// What a read would touch, for EXPLAIN: empty, or text that begins with a comma.
    fn forecast<'a>(&'a self, _ctx: &'a Arc<QueryContext>, _read: &'a Read) -> BoxFuture<'a, Result<String>> {
        async { Ok(String::new()) }.boxed()
    }

    /// About how many rows a read would touch; many when nobody knows.
    fn rows_expected(&self, _ctx: &QueryContext, _read: &Read) -> Result<u64> {
        Ok(u64::MAX)
    }

    /// Begins to read. Blocks have the columns of `read.columns` in that order.
    fn read(&self, ctx: &Arc<QueryContext>, read: &Read) -> Result<Blocks>;
}

/// What one leaf of a plan wants of its source.
#[derive(Clone, Debug)]
pub struct Read {
    /// Positions in [`Source::header`].
    pub columns: Arc<[usize]>,
    /// Rows for which this is false may be left out.
    pub predicate: Arc<Predicate>,
    /// More rows than these are not needed.
    pub limit: Option<usize>,
    /// Which share is read, from 0.
    pub share: usize,
    /// Of how many.
    pub shares: usize,
}

impl Read {
    /// The header of the columns that are read.
    pub fn header(&self, source: &Header) -> Header {
        source.project(&self.columns)
    }
}

/// A source as the planner takes it.
pub fn table_source(source: Arc<dyn Source>) -> Arc<dyn TableSource> {
    datafusion::datasource::provider_as_source(Arc::new(SourceTable::new(source)))
}
