//! What this crate's tests share: an engine on a simulated machine, statements, answers as lines.

use std::path::Path;
use std::sync::Arc;

use env::simulated::Machine;
use query::QueryContext;
use types::{Block, Settings};

use crate::{Answer, Credentials, Engine, EngineConfig, Request, Session};

/// Parts of more than a few rows are files.
pub(crate) fn config() -> EngineConfig {
    let mut config = EngineConfig::default();
    config.store.inline_bytes_max = 512;
    config
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(future)
}

pub(crate) async fn open() -> (Engine, Session) {
    let env = Machine::new(7, 1_763_000_000_000_000_000).env();
    let engine = Engine::open(env, Path::new("/db"), config()).await.unwrap();
    let session = engine.session(&Credentials::default()).unwrap();
    (engine, session)
}

pub(crate) async fn done(session: &mut Session, text: &str) {
    match session.execute(Request::new(text.to_owned())).await {
        Ok(Answer::Done(_)) => {}
        Ok(Answer::Rows(rows)) => drop(rows.collect().await.unwrap()),
        // what ALTER learns later is tried from then on
        Err(error) if error.code() == types::ErrorCode::NOT_IMPLEMENTED && text.starts_with("ALTER") => {}
        Err(error) => panic!("{text}: {error}"),
    }
}

pub(crate) fn context(engine: &Engine, settings: &Settings) -> Arc<QueryContext> {
    Arc::new(engine.context(engine.new_query_id(), "default", "default", settings.clone()))
}

pub(crate) fn lines(block: &Block) -> Vec<String> {
    let block = crate::dispatch::presentable(block).unwrap();
    let shown =
        |row: usize| block.arrays().iter().map(|array| format!("{:?}", array.slice(row, 1))).collect::<String>();
    let mut lines: Vec<String> = (0..block.rows()).map(shown).collect();
    lines.sort();
    lines
}

/// The rows of a statement's answer, sorted.
pub(crate) async fn rows(session: &mut Session, text: &str) -> Vec<String> {
    match session.execute(Request::new(text.to_owned())).await {
        Ok(Answer::Rows(rows)) => {
            let bytes = rows.encode_all().await.unwrap_or_else(|error| panic!("{text}: {error}"));
            let mut lines: Vec<String> = String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect();
            lines.sort();
            lines
        }
        Ok(Answer::Done(_)) => Vec::new(),
        Err(error) => panic!("{text}: {error}"),
    }
}

/// The code of the error that a statement ends with.
pub(crate) async fn code(session: &mut Session, text: &str) -> u16 {
    let result = match session.execute(Request::new(text.to_owned())).await {
        Ok(Answer::Rows(rows)) => rows.encode_all().await.map(drop),
        Ok(Answer::Done(_)) => Ok(()),
        Err(error) => Err(error),
    };
    result.map_or_else(|error| error.code().0, |()| 0)
}
