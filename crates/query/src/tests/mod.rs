//! Whole plans over small sources, without the binder.

mod plans;

use std::sync::Arc;

use types::{Block, Header, Settings};

use crate::error::Result;
use crate::table_functions::{FileDecoder, FileFormats, FormatEntry};
use crate::{Caller, QueryContext, Runtime, RuntimeConfig, RuntimeParts, SystemTables};

/// No format at all.
#[derive(Debug)]
struct NoFormats;

impl FileFormats for NoFormats {
    fn canonical(&self, _: &str) -> Option<String> {
        None
    }
    fn of_path(&self, _: &str) -> Option<String> {
        None
    }
    fn infer(&self, format: &str, _: &[u8], _: &Settings) -> Result<Header> {
        Err(crate::Error::NotSupported(format.to_owned()))
    }
    fn decoder(&self, format: &str, _: &Header, _: &Settings) -> Result<Box<dyn FileDecoder>> {
        Err(crate::Error::NotSupported(format.to_owned()))
    }
    fn list(&self) -> Vec<FormatEntry> {
        Vec::new()
    }
}

/// A runtime on simulated time.
pub(crate) fn runtime() -> Arc<Runtime> {
    let parts = RuntimeParts {
        env: env::simulated::Machine::new(1, 1_763_000_000_000_000_000).env(),
        system: SystemTables::standard(),
        formats: Arc::new(NoFormats),
    };
    Runtime::new(RuntimeConfig::default(), parts).unwrap()
}

/// A query over the empty snapshot.
pub(crate) fn context(settings: &[(&str, &str)]) -> QueryContext {
    let mut set = Settings::default();
    for (name, value) in settings {
        set.set(name, value).unwrap();
    }
    let caller = Caller { query_id: "q".into(), user: "default".into(), database: "default".into() };
    QueryContext::new(runtime(), Arc::default(), caller, set)
}

/// The one column of blocks as UInt64.
pub(crate) fn numbers(blocks: &[Block]) -> Vec<u64> {
    use arrow::array::AsArray;
    use arrow::datatypes::UInt64Type;
    blocks.iter().flat_map(|block| block.array(0).as_primitive::<UInt64Type>().values().to_vec()).collect()
}
