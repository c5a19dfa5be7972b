//! `everview local`: statements over a data folder, without a server: from flags, a file, standard input, or a prompt.

use std::io::{IsTerminal, Read};

use engine::{Access, CancellationToken, Request, Session};

use crate::cli::LocalArgs;
use crate::database::{Database, Limits};
use crate::error::{Error, Result};
use crate::{input, output, prompt};

/// Runs the statements; the first error ends them.
pub(crate) async fn run(args: LocalArgs) -> Result<()> {
    let is_asked = args.queries.is_empty() && args.file.is_none() && std::io::stdin().is_terminal();
    let scripts = if is_asked { Vec::new() } else { scripts(&args)? };
    let limits = Limits { hosts: args.allow_host.clone(), ..Limits::default() };
    let database = Database::open_limited(args.data.as_deref(), Access::default(), limits).await?;
    let format = args.format.unwrap_or_else(|| output::default_format().to_owned());
    let ran = async {
        let mut session = database.session()?;
        if is_asked {
            return prompt::run(async |script, cancel| run_script(&mut session, script, &format, cancel).await).await;
        }
        for script in &scripts {
            run_script(&mut session, script, &format, &CancellationToken::new()).await?;
        }
        Ok(())
    };
    let ran = ran.await;
    let closed = database.close().await;
    ran.and(closed)
}

fn scripts(args: &LocalArgs) -> Result<Vec<String>> {
    let mut scripts = args.queries.clone();
    if let Some(path) = &args.file {
        let text = std::fs::read_to_string(path);
        scripts.push(text.map_err(|error| Error::Read { path: path.clone(), reason: error.to_string() })?);
    }
    if scripts.is_empty() {
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text);
        read.map_err(|error| Error::Read { path: "standard input".into(), reason: error.to_string() })?;
        scripts.push(text);
    }
    Ok(scripts)
}

async fn run_script(session: &mut Session, script: &str, format: &str, cancel: &CancellationToken) -> Result<()> {
    for statement in engine::statements(script)? {
        let mut request = Request::new(statement.to_owned());
        request.format = Some(format.to_owned());
        request.cancel = cancel.clone();
        if wants_data(statement) && !std::io::stdin().is_terminal() {
            request.data = Some(input::standard_input());
        }
        output::print(session.execute(request).await?).await?;
    }
    Ok(())
}

/// True for `INSERT … FORMAT name` with nothing behind it: the rows come from standard input.
fn wants_data(statement: &str) -> bool {
    let words: Vec<&str> = statement.split_whitespace().collect();
    let is = |word: Option<&&str>, what: &str| word.is_some_and(|word| word.eq_ignore_ascii_case(what));
    is(words.first(), "insert") && words.len() > 3 && is(words.get(words.len() - 2), "format")
}
