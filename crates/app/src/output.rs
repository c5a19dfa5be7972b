//! Answers on standard output.

use std::io::{IsTerminal, Write};

use bytes::Bytes;
use engine::Answer;
use futures::StreamExt;

use crate::error::{Error, Result};

/// The format of answers where none is chosen.
pub(crate) fn default_format() -> &'static str {
    if std::io::stdout().is_terminal() { "PrettyCompact" } else { "TabSeparated" }
}

/// Writes an answer as it is made.
pub(crate) async fn print(answer: Answer) -> Result<()> {
    let Answer::Rows(rows) = answer else { return Ok(()) };
    let mut pieces = std::pin::pin!(rows.encode()?);
    while let Some(piece) = pieces.next().await {
        write(&piece?)?;
    }
    std::io::stdout().flush().map_err(Error::Write)
}

/// Writes bytes of an answer.
pub(crate) fn write(bytes: &Bytes) -> Result<()> {
    match std::io::stdout().write_all(bytes) {
        // who reads has seen enough
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        written => written.map_err(Error::Write),
    }
}

/// Writes a line.
pub(crate) fn line(text: &str) -> Result<()> {
    write(&Bytes::from(format!("{text}\n")))?;
    flush()
}

/// Sends on what was written.
pub(crate) fn flush() -> Result<()> {
    std::io::stdout().flush().map_err(Error::Write)
}
