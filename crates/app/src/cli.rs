//! The flags.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::store_args::StoreArgs;

/// Real-time materialized views: events come in, every view over them is right at once, and anyone can ask.
#[derive(Parser, Debug)]
#[command(name = "everview", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Serve a data folder over HTTP.
    Server(ServerArgs),
    /// Run statements here, over a data folder or a temporary one.
    Local(LocalArgs),
    /// Run statements on a server, or ask with a prompt.
    Client(ClientArgs),
    /// Take a file of events through a pipeline of tables and views; continues where it was stopped.
    Run(RunArgs),
    /// A shop's made-up events through windows and views, live.
    Demo(DemoArgs),
    /// Measure speed here, beside the real ClickHouse engine, from the same files.
    Bench(crate::bench::BenchArgs),
    /// Read a whole data folder that no process has open, and say what is wrong with it.
    Check(CheckArgs),
}

impl Command {
    /// What is logged where EVERVIEW_LOG does not say: a command that ends tells by its own last words what went wrong.
    pub(crate) fn log_filter(&self) -> &'static str {
        match self {
            Command::Server(_) => "warn",
            Command::Local(_)
            | Command::Client(_)
            | Command::Run(_)
            | Command::Demo(_)
            | Command::Bench(_)
            | Command::Check(_) => "error",
        }
    }

    /// Worker threads; `None`: as many as cores.
    pub(crate) fn threads(&self) -> Option<usize> {
        match self {
            Command::Run(args) => args.threads.map(|threads| threads.max(1)),
            Command::Server(_)
            | Command::Local(_)
            | Command::Client(_)
            | Command::Demo(_)
            | Command::Bench(_)
            | Command::Check(_) => None,
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct ServerArgs {
    /// The data folder; made when it is not there.
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// The port of HTTP; 0: any free one, printed.
    #[arg(long, default_value_t = 8123)]
    pub(crate) http_port: u16,
    /// The address to listen on. Any but loopback needs --password-file.
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) listen: IpAddr,
    /// Users: a line `user:password` each; a line without a colon is the password of `default`.
    #[arg(long)]
    pub(crate) password_file: Option<PathBuf>,
    /// The folder that BACKUP and RESTORE may use; without it: `backups` in the data folder.
    #[arg(long)]
    pub(crate) backups: Option<PathBuf>,
    /// Bytes of memory that all queries together may take; without it: nine tenths of what the machine has.
    #[arg(long)]
    pub(crate) max_server_memory_usage: Option<usize>,
    /// Seconds after which a statement that still holds its snapshot is ended; 0: never.
    #[arg(long, default_value_t = 86_400)]
    pub(crate) max_snapshot_age: u64,
    /// Seconds for which UNDROP brings back a dropped table; 0: it is gone at once.
    #[arg(long, default_value_t = 480)]
    pub(crate) database_atomic_delay_before_drop_table_sec: u64,
    /// Statements that may run at once; 0: no limit.
    #[arg(long, default_value_t = 100)]
    pub(crate) max_concurrent_queries: usize,
    /// A host that url(), s3(), mysql() and postgresql() may ask: a name, *.name, an address, address/bits, loopback, or *
    /// for all; with :port or without. May be given several times. Without it: loopback. Link-local and metadata addresses
    /// are never asked.
    #[arg(long, value_name = "HOST", value_parser = host)]
    pub(crate) allow_host: Vec<String>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// An entry of the list of hosts.
fn host(text: &str) -> Result<String, String> {
    engine::AllowedHosts::parse([text]).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// The data folder. Nothing in it is changed.
    pub(crate) folder: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct LocalArgs {
    /// Statements, divided by semicolons; may be given several times. Without it and --file: a prompt, or standard
    /// input.
    #[arg(short = 'q', long = "query")]
    pub(crate) queries: Vec<String>,
    /// The data folder. Without it: a temporary one, gone afterwards.
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
    /// The format of answers: PrettyCompact in a terminal, else TabSeparated.
    #[arg(long)]
    pub(crate) format: Option<String>,
    /// A file of statements.
    #[arg(long)]
    pub(crate) file: Option<PathBuf>,
    /// A host that url(), s3(), mysql() and postgresql() may ask, as of `server`. Without it: loopback.
    #[arg(long, value_name = "HOST", value_parser = host)]
    pub(crate) allow_host: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct ClientArgs {
    /// The server's host.
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: String,
    /// The port of its HTTP interface.
    #[arg(long, default_value_t = 8123)]
    pub(crate) port: u16,
    /// The user.
    #[arg(long, default_value = "default")]
    pub(crate) user: String,
    /// The password.
    #[arg(long, default_value = "")]
    pub(crate) password: String,
    /// The database.
    #[arg(long)]
    pub(crate) database: Option<String>,
    /// The format of answers: PrettyCompact in a terminal, else TabSeparated.
    #[arg(long)]
    pub(crate) format: Option<String>,
    /// A statement; may be given several times. Without it: a prompt, or standard input.
    #[arg(short = 'q', long = "query")]
    pub(crate) queries: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// The pipeline: a file of CREATE statements.
    pub(crate) pipeline: PathBuf,
    /// The input: `FILE` or `table=FILE`; `-` is standard input. NDJSON (.ndjson, .jsonl, .json), CSV with a header, or
    /// Parquet; .gz and .zst are unpacked. A pipe without such a name is NDJSON.
    #[arg(long)]
    pub(crate) input: String,
    /// The data folder; made when it is not there.
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// Print the closing counts as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Rows of one commit.
    #[arg(long, default_value_t = 100_000)]
    pub(crate) batch_rows: usize,
    /// Threads; as many as cores where not given.
    #[arg(long)]
    pub(crate) threads: Option<usize>,
}

#[derive(Args, Debug)]
pub(crate) struct DemoArgs {
    /// End after so many events.
    #[arg(long)]
    pub(crate) events: Option<u64>,
    /// Events a second. Without it: 2,000; with --events alone: as fast as it goes.
    #[arg(long)]
    pub(crate) rate: Option<u64>,
    /// End after so many seconds.
    #[arg(long)]
    pub(crate) seconds: Option<u64>,
    /// The data folder. Without it: a temporary one, gone afterwards.
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
    /// The port of HTTP; 0: any free one, printed.
    #[arg(long, default_value_t = 8123)]
    pub(crate) http_port: u16,
    /// Event time of the first event, in milliseconds since 1970. Without it the events end now.
    #[arg(long)]
    pub(crate) start_time: Option<i64>,
    /// Same seed and start, same events.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}
