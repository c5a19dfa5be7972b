//! Rows that stand in the statement itself: `values()`, `null()`, and what a table function has read already.

use std::sync::Arc;

use futures::{StreamExt, stream};
use types::{Block, Header};

use crate::context::QueryContext;
use crate::error::Result;
use crate::scan::{Blocks, Read, Source};

/// Blocks that are there.
#[derive(Clone, Debug)]
pub struct Fixed {
    name: &'static str,
    header: Header,
    blocks: Arc<[Block]>,
}

impl Fixed {
    /// A source of these blocks, all of that header.
    pub fn new(name: &'static str, header: Header, blocks: Vec<Block>) -> Fixed {
        Fixed { name, header, blocks: blocks.into() }
    }
}

impl Source for Fixed {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn header(&self) -> &Header {
        &self.header
    }

    fn rows_expected(&self, _: &QueryContext, _: &Read) -> Result<u64> {
        Ok(self.blocks.iter().map(|block| block.rows() as u64).sum())
    }

    fn read(&self, _: &Arc<QueryContext>, read: &Read) -> Result<Blocks> {
        let (blocks, columns) = (self.blocks.clone(), read.columns.clone());
        let blocks = (0..blocks.len()).map(move |at| Ok(blocks[at].project(&columns)));
        Ok(stream::iter(blocks).boxed())
    }
}
