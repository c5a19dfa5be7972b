//! Inserts over HTTP into a server of its own, as clients send them: a process, connections that stay open, every answer
//! awaited.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use engine::Env;
use futures::future::try_join_all;

use crate::client::http::Server;
use crate::error::{Error, Result};

/// A server process over a folder.
pub(super) struct ServerProcess {
    process: Child,
    server: Server,
}

impl ServerProcess {
    /// Starts it and waits until it listens.
    pub(super) fn start(folder: &Path) -> Result<ServerProcess> {
        let failed = |error: std::io::Error| Error::BrokenOff(error.to_string());
        let mut process = Command::new(std::env::current_exe().map_err(failed)?)
            .args(["server", "--http-port", "0", "--data"])
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let none = || Error::BrokenOff("the server did not say where it listens".to_owned());
        let mut lines = BufReader::new(process.stdout.take().ok_or_else(none)?).lines();
        let line = lines.next().ok_or_else(none)?.map_err(failed)?;
        let port = line.rsplit(':').next().and_then(|port| port.trim().parse().ok()).ok_or_else(none)?;
        let server = Server {
            host: "127.0.0.1".to_owned(),
            port,
            user: "default".to_owned(),
            password: String::new(),
            parameters: String::new(),
        };
        Ok(ServerProcess { process, server })
    }

    /// Runs a statement; gives its answer.
    pub(super) async fn run(&self, statement: &str) -> Result<String> {
        let mut answer = Vec::new();
        let give = |_: bool, piece: &[u8]| {
            answer.extend_from_slice(piece);
            Ok(())
        };
        let is_ok = self.server.post(statement.as_bytes(), give).await?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        if is_ok { Ok(answer) } else { Err(Error::Remote(answer)) }
    }

    /// The memory that the process holds.
    pub(super) fn memory_bytes(&self) -> Result<f64> {
        let path = format!("/proc/{}/status", self.process.id());
        let status = std::fs::read_to_string(&path);
        let status = status.map_err(|error| Error::Read { path: path.into(), reason: error.to_string() })?;
        let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
        Ok(kilobytes.and_then(|text| text.trim().parse::<f64>().ok()).unwrap_or(f64::NAN) * 1024.0)
    }

    /// Sends each statement once, over so many connections at a time; gives the seconds that it took.
    pub(super) async fn send(&self, env: &Env, statements: &[String], connections: usize) -> Result<f64> {
        let started_ns = env.clock.monotonic_ns();
        let shares = (0..connections).map(|at| statements.iter().skip(at).step_by(connections));
        try_join_all(shares.map(|share| self.send_in_turn(share))).await?;
        Ok(env.clock.monotonic_ns().saturating_sub(started_ns) as f64 / 1e9)
    }

    async fn send_in_turn(&self, statements: impl Iterator<Item = &String>) -> Result<()> {
        let mut connection = self.server.connect().await?;
        for statement in statements {
            let mut error = Vec::new();
            let give = |_: bool, piece: &[u8]| {
                error.extend_from_slice(piece);
                Ok(())
            };
            if !connection.post(statement.as_bytes(), give).await? {
                return Err(Error::Remote(String::from_utf8_lossy(&error).into_owned()));
            }
        }
        Ok(())
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // without ceremony: its folder is not used again
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}
