//! A system table as a leaf of a plan.

use std::fmt;
use std::sync::Arc;

use futures::{StreamExt, stream};
use types::Header;

use super::SystemTable;
use crate::context::QueryContext;
use crate::error::Result;
use crate::scan::{Blocks, Read, Source};

/// Reads a [`SystemTable`].
pub struct SystemSource {
    table: Arc<dyn SystemTable>,
}

impl SystemSource {
    /// A leaf over `table`.
    pub fn new(table: Arc<dyn SystemTable>) -> SystemSource {
        SystemSource { table }
    }
}

impl fmt::Debug for SystemSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SystemSource({})", self.name())
    }
}

impl Source for SystemSource {
    fn name(&self) -> String {
        format!("{}.{}", self.table.database(), self.table.name())
    }

    fn header(&self) -> &Header {
        self.table.schema()
    }

    fn read(&self, ctx: &Arc<QueryContext>, read: &Read) -> Result<Blocks> {
        let blocks = self.table.rows(ctx)?;
        let columns = read.columns.clone();
        Ok(stream::iter(blocks).map(move |block| Ok(block.project(&columns))).boxed())
    }
}
