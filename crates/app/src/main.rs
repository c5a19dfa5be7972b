//! `everview`: the one binary. Flags to configuration, runtime, wiring, signals, ordered shutdown.
//!
//! In reading order: `cli` (flags), `database` (open and close), `server`, `local`, `client` (both over `prompt`), `run` (a file through a
//! pipeline), `demo`. Never here: what a statement means, storage.

mod allocator;
mod bench;
mod check;
mod cli;
mod client;
mod database;
mod demo;
mod error;
mod input;
mod local;
mod output;
mod prompt;
mod run;
mod server;
mod store_args;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use error::{Error, Result};

/// What the thread of a worker may have on its stack: plans are trees, which the planner goes down by recursion. Only what is
/// touched is memory.
const STACK_BYTES: usize = 16 << 20;

fn main() -> ExitCode {
    allocator::configure();
    let cli = Cli::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("EVERVIEW_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(cli.command.log_filter()));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match start(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn start(command: Command) -> Result<()> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.thread_stack_size(STACK_BYTES);
    if let Some(threads) = command.threads() {
        builder.worker_threads(threads);
    }
    let runtime = builder.enable_all().build().map_err(Error::Runtime)?;
    let ran = runtime.block_on(async {
        match command {
            Command::Server(args) => server::run(args).await,
            Command::Local(args) => local::run(args).await,
            Command::Client(args) => client::run(args).await,
            Command::Run(args) => run::run(args).await,
            Command::Demo(args) => demo::run(args).await,
            Command::Bench(args) => bench::run(args).await,
            Command::Check(args) => check::run(args).await,
        }
    });
    // a thread that reads standard input or a pipe cannot be told to end, and nothing waits for it
    runtime.shutdown_background();
    ran
}
