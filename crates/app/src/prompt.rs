//! The prompt of `local` and `client`: lines until a statement is whole, then the statement. An error does not end it.

use std::ops::AsyncFnMut;

use engine::CancellationToken;
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

use crate::error::{Error, Result};

/// Asks until the end of input, `exit` or `quit`, and gives each script of whole statements to `execute`. Ctrl-C forgets
/// what is being written, or ends the statement that runs: its token is cancelled, the future that `execute` gave dropped.
pub(crate) async fn run(mut execute: impl AsyncFnMut(&str, &CancellationToken) -> Result<()>) -> Result<()> {
    let failed = |error: ReadlineError| Error::Prompt(error.to_string());
    let mut editor = DefaultEditor::new().map_err(failed)?;
    println!("everview {}. A statement ends with a semicolon; exit or Ctrl-D ends.", env!("CARGO_PKG_VERSION"));
    let env = env::real::env();
    let mut waiting = String::new();
    loop {
        let line = match editor.readline(if waiting.is_empty() { "everview> " } else { "      ... " }) {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => {
                waiting.clear();
                continue;
            }
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        if waiting.is_empty() && matches!(line.trim().trim_end_matches(';'), "exit" | "quit") {
            return Ok(());
        }
        waiting.push_str(&line);
        waiting.push('\n');
        if !is_whole(&waiting) {
            if waiting.trim().is_empty() {
                waiting.clear();
            }
            continue;
        }
        let script = std::mem::take(&mut waiting);
        // what cannot be remembered can still be run
        if let Err(error) = editor.add_history_entry(script.trim_end()) {
            tracing::debug!(%error, "the statement is not in the history");
        }
        let started_ns = env.clock.monotonic_ns();
        let cancel = CancellationToken::new();
        let watch = env.spawner.spawn("interrupt", Box::pin(cancel_on_interrupt(cancel.clone())));
        let ran = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Error::Interrupted),
            ran = execute(&script, &cancel) => ran,
        };
        watch.abort();
        match ran {
            Ok(()) => println!("ok, {:.3} s", env.clock.monotonic_ns().saturating_sub(started_ns) as f64 / 1e9),
            Err(error) => eprintln!("{error}"),
        }
    }
}

/// On a thread of its own choosing: a statement that computes may not let go of the one that it runs on.
async fn cancel_on_interrupt(cancel: CancellationToken) {
    match tokio::signal::ctrl_c().await {
        Ok(()) => cancel.cancel(),
        Err(error) => tracing::warn!(%error, "Ctrl-C cannot be heard"),
    }
}

/// True when the last thing in the text, comments aside, is a semicolon: one in quotes or in a comment ends nothing.
fn is_whole(text: &str) -> bool {
    let mut chars = text.chars().peekable();
    let mut last = ' ';
    while let Some(char) = chars.next() {
        match char {
            '\'' | '"' | '`' => {
                let mut is_open = true;
                while let Some(inside) = chars.next() {
                    if inside == '\\' {
                        chars.next();
                    } else if inside == char {
                        is_open = false;
                        break;
                    }
                }
                if is_open {
                    return false;
                }
                last = char;
            }
            '-' if chars.peek() == Some(&'-') => while chars.next_if(|next| *next != '\n').is_some() {},
            '/' if chars.peek() == Some(&'*') => {
                let mut before = ' ';
                if !chars.by_ref().skip(1).any(|next| std::mem::replace(&mut before, next) == '*' && next == '/') {
                    return false;
                }
            }
            _ if char.is_whitespace() => {}
            _ => last = char,
        }
    }
    last == ';'
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn a_statement_is_whole_behind_its_semicolon() {
        for text in ["SELECT 1;", "SELECT 1; -- one\n", "SELECT 1 /* ; */ ;\n", "SELECT 'it''s';", r"SELECT '\'';", ";"]
        {
            assert!(is_whole(text), "{text}");
        }
        for text in [
            "SELECT 1",
            "SELECT ';",
            "SELECT 1 -- ;",
            "SELECT 1 /* ;",
            "SELECT ';'",
            "SELECT `a;\n",
            "SELECT 1; SELECT",
            "",
        ] {
            assert!(!is_whole(text), "{text}");
        }
    }
}
