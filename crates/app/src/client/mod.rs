//! `everview client`: statements over HTTP, from flags, standard input, or a plain prompt. `SET` and `USE` last as long as
//! the client: its requests share a session.

pub(crate) mod http;

use std::fmt::Write as _;
use std::io::{IsTerminal, Read, Write};

use bytes::Bytes;

use crate::cli::ClientArgs;
use crate::error::{Error, Result};
use crate::{output, prompt};
use http::Server;

/// Runs the statements, or asks for them.
pub(crate) async fn run(args: ClientArgs) -> Result<()> {
    let server = server(&args);
    if !args.queries.is_empty() {
        for script in &args.queries {
            run_script(&server, script).await?;
        }
        return Ok(());
    }
    if std::io::stdin().is_terminal() {
        return prompt::run(async |script, _| run_script(&server, script).await).await;
    }
    let mut script = String::new();
    let read = std::io::stdin().read_to_string(&mut script);
    read.map_err(|error| Error::Read { path: "standard input".into(), reason: error.to_string() })?;
    run_script(&server, &script).await
}

fn server(args: &ClientArgs) -> Server {
    let format = args.format.clone().unwrap_or_else(|| output::default_format().to_owned());
    let session = env::real::env().rng.uuid();
    let mut parameters = format!("session_id={session:032x}&session_timeout=3600&default_format={}", encoded(&format));
    if let Some(database) = &args.database {
        parameters.push_str("&database=");
        parameters.push_str(&encoded(database));
    }
    Server {
        host: args.host.clone(),
        port: args.port,
        user: args.user.clone(),
        password: args.password.clone(),
        parameters,
    }
}

/// A text as a part of a URL.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to a String does not fail");
        }
        out
    })
}

async fn run_script(server: &Server, script: &str) -> Result<()> {
    for statement in engine::statements(script)? {
        run_statement(server, statement).await?;
    }
    Ok(())
}

async fn run_statement(server: &Server, statement: &str) -> Result<()> {
    let mut refused = Vec::new();
    let is_ok = server.post(statement.as_bytes(), |is_ok, piece| {
        if is_ok {
            return output::write(&Bytes::copy_from_slice(piece));
        }
        refused.extend_from_slice(piece);
        Ok(())
    });
    let is_ok = is_ok.await?;
    std::io::stdout().flush().map_err(Error::Write)?;
    if is_ok { Ok(()) } else { Err(Error::Remote(String::from_utf8_lossy(&refused).trim_end().to_owned())) }
}
