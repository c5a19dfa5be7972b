//! Why a command ends with an exit code other than 0: one sentence.

use std::path::PathBuf;

pub(crate) type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A statement was refused.
    #[error("Code: {}. DB::Exception: {}. ({})", .0.code().0, .0, .0.code().name())]
    Statement(Box<engine::Error>),
    /// The data folder cannot be opened.
    #[error("cannot open the data folder {}: {reason}", path.display())]
    Open { path: PathBuf, reason: Box<engine::Error> },
    /// What is wrong was printed.
    #[error("the data folder {} is damaged in {problems} places", path.display())]
    DamagedFolder { path: PathBuf, problems: usize },
    /// The process must end: what became of the last commits is unknown until the next start.
    #[error("the log could not be written, the next start decides what it holds: {0}")]
    LogFailed(String),
    #[error(transparent)]
    Server(#[from] ::server::Error),
    #[error("cannot read {}: {reason}", path.display())]
    Read { path: PathBuf, reason: String },
    /// An entry of the list of hosts that is none.
    #[error("--allow-host: {0}")]
    Host(String),
    #[error("cannot write the answer: {0}")]
    Write(std::io::Error),
    #[error("cannot start: {0}")]
    Runtime(std::io::Error),
    #[error(
        "the events end in \"{0}\"; known are .ndjson, .jsonl, .json, .csv and .parquet, each also with .gz or .zst"
    )]
    UnknownInput(String),
    #[error("the pipeline has no table to land in: none keeps dead letters or feeds a window view")]
    NoLanding,
    #[error("rows could land in {0}: say which with --input table=FILE")]
    SeveralLandings(String),
    #[error("the demo's events ended in the middle of an insert")]
    FeedEnded,
    /// A signal came before the end.
    #[error("stopped before the end of the input: {0}")]
    Stopped(&'static str),
    #[error("no server answers at {address}: {reason}")]
    Connect { address: String, reason: std::io::Error },
    #[error("the answer broke off: {0}")]
    BrokenOff(String),
    /// A server's error, in its words.
    #[error("{0}")]
    Remote(String),
    #[error("cancelled")]
    Interrupted,
    #[error("the prompt ended: {0}")]
    Prompt(String),
    /// `bench` has nothing to compare with.
    #[error("\"{python}\" cannot run the real engine: {reason} (say where with --python)")]
    Peer { python: String, reason: String },
    #[error("the real engine beside us failed: {0}")]
    PeerFailed(String),
    #[error("the answers differ for\n{query}\nours:\n{ours}\nthe real engine's:\n{peer}")]
    Differs { query: String, ours: String, peer: String },
}

impl From<engine::Error> for Error {
    fn from(error: engine::Error) -> Error {
        Error::Statement(Box::new(error))
    }
}
