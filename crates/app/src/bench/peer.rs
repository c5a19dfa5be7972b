//! The real engine beside us: a Python process with `chdb-core`, asked one thing at a time. Nothing else runs meanwhile, so
//! it is waited for without `async`.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

const SCRIPT: &str = include_str!("peer.py");

/// The running peer; it ends when this is dropped.
pub(super) struct Peer {
    process: Child,
    requests: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    /// What it calls its version.
    pub(super) version: String,
}

#[derive(Serialize)]
struct Request<'a> {
    sql: &'a [String],
    sync: bool,
}

/// What the peer measured.
#[derive(Deserialize, Default)]
pub(super) struct Answer {
    /// Of each statement.
    #[serde(default)]
    pub(super) seconds: Vec<f64>,
    /// Of the last one, TabSeparated.
    #[serde(default)]
    pub(super) text: String,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    version: String,
}

impl Peer {
    /// Starts it over a folder of its own.
    pub(super) fn start(python: &str, folder: &Path) -> Result<Peer> {
        let failed = |reason: String| Error::Peer { python: python.to_owned(), reason };
        let mut process = Command::new(python)
            .args(["-c", SCRIPT])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let requests = process.stdin.take().ok_or_else(|| failed("it has no standard input".to_owned()))?;
        let answers = process.stdout.take().ok_or_else(|| failed("it has no standard output".to_owned()))?;
        let answers = BufReader::new(answers).lines();
        let mut peer = Peer { process, requests, answers, version: String::new() };
        peer.version =
            peer.answer().map_err(|_| failed("it did not start; is chdb-core installed?".to_owned()))?.version;
        Ok(peer)
    }

    /// Runs statements one after the other, without the disk's caches.
    pub(super) fn run(&mut self, sql: &[String]) -> Result<Answer> {
        self.ask(&Request { sql, sync: false })
    }

    /// Runs a statement; its time ends when everything is on the disk.
    pub(super) fn run_synced(&mut self, sql: &str) -> Result<f64> {
        let answer = self.ask(&Request { sql: &[sql.to_owned()], sync: true })?;
        Ok(answer.seconds.iter().sum())
    }

    fn ask(&mut self, request: &Request<'_>) -> Result<Answer> {
        let mut line = serde_json::to_string(request).map_err(|error| Error::PeerFailed(error.to_string()))?;
        line.push('\n');
        let sent = self.requests.write_all(line.as_bytes());
        sent.map_err(|error| Error::PeerFailed(error.to_string()))?;
        self.answer()
    }

    fn answer(&mut self) -> Result<Answer> {
        let line = self.answers.next().transpose().map_err(|error| Error::PeerFailed(error.to_string()))?;
        let line = line.ok_or_else(|| Error::PeerFailed("it ended".to_owned()))?;
        let answer: Answer = serde_json::from_str(&line).map_err(|error| Error::PeerFailed(error.to_string()))?;
        match answer.error {
            Some(error) => Err(Error::PeerFailed(error)),
            None => Ok(answer),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // it may have ended already
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}
