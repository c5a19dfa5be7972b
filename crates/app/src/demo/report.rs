//! What the demo says at its end: the queries that people ask of such a pipeline, their answers and times.

use engine::{Answer, Request, Session};

use crate::error::Result;
use crate::output;

const QUERIES: &str = include_str!("../../../../examples/ctr/queries.sql");
/// The first four of the file: the newest value, an hour, a day, a week.
const ASKED: usize = 4;

/// Asks and prints.
pub(super) async fn run(session: &mut Session) -> Result<()> {
    let clock = session.engine().env().clock.clone();
    for statement in engine::statements(QUERIES)?.into_iter().take(ASKED) {
        let started_ns = clock.monotonic_ns();
        let answer = text(session, statement, "PrettyCompact").await?;
        let elapsed_ms = clock.monotonic_ns().saturating_sub(started_ns) as f64 / 1e6;
        let answer = if answer.is_empty() { "no rows\n" } else { &answer };
        output::line(&format!("\n{}\n{answer}{elapsed_ms:.1} ms", statement.trim()))?;
    }
    Ok(())
}

/// The answer to a query, whole.
pub(crate) async fn text(session: &mut Session, query: &str, format: &str) -> Result<String> {
    let mut request = Request::new(query.trim().trim_end_matches(';').to_owned());
    request.format = Some(format.to_owned());
    match session.execute(request).await? {
        Answer::Rows(rows) => Ok(String::from_utf8_lossy(&rows.encode_all().await?).into_owned()),
        Answer::Done(_) => Ok(String::new()),
    }
}
