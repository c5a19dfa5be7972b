//! `system.one`, `system.numbers`, `system.zeros`: rows that are counted out.

use std::sync::Arc;

use arrow::array::UInt8Array;
use types::{Block, Column, DataType, Header};

use super::SystemTable;
use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::scan::Source;
use crate::table_functions::{Numbers, Zeros};

pub(super) fn tables() -> Vec<Arc<dyn SystemTable>> {
    vec![
        Arc::new(One { header: Header::new(vec![Column::new("dummy", DataType::UInt8)]) }),
        Endless::table("numbers", Arc::new(Numbers::endless("system.numbers"))),
        Endless::table("numbers_mt", Arc::new(Numbers::endless("system.numbers_mt").parallel())),
        Endless::table("zeros", Arc::new(Zeros::new("system.zeros", u64::MAX))),
        Endless::table("zeros_mt", Arc::new(Zeros::new("system.zeros_mt", u64::MAX))),
    ]
}

/// One row of one zero: what a SELECT without FROM reads.
struct One {
    header: Header,
}

impl SystemTable for One {
    fn name(&self) -> &'static str {
        "one"
    }

    fn schema(&self) -> &Header {
        &self.header
    }

    fn rows(&self, _: &QueryContext) -> Result<Vec<Block>> {
        Ok(vec![Block::new(self.header.clone(), vec![Arc::new(UInt8Array::from(vec![0]))])?])
    }
}

/// A table without end, which is only ever read as a stream.
struct Endless {
    name: &'static str,
    source: Arc<dyn Source>,
}

impl Endless {
    fn table(name: &'static str, source: Arc<dyn Source>) -> Arc<dyn SystemTable> {
        Arc::new(Endless { name, source })
    }
}

impl SystemTable for Endless {
    fn name(&self) -> &'static str {
        self.name
    }

    fn schema(&self) -> &Header {
        self.source.header()
    }

    fn rows(&self, _: &QueryContext) -> Result<Vec<Block>> {
        Err(Error::Plan(format!("system.{} has no end and cannot be listed", self.name)))
    }

    fn source(&self) -> Option<Arc<dyn Source>> {
        Some(self.source.clone())
    }
}
