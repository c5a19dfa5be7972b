//! The store by itself: small inserts, lookups by key, the pipeline's tables read alone and under load, a start after a
//! kill, memory and bytes.

mod inserts;
mod lookups;
mod reads;
mod rest;
mod small;

use std::path::Path;

use clap::Args;
use engine::Env;

use super::BenchArgs;
use super::figures::{Figure, table};
use super::load::ServerProcess;
use super::peer::Peer;
use crate::error::Result;
use crate::output;

const TABLE: &str = "CREATE TABLE keyed (id UInt64, name String, version UInt64) ENGINE = ReplacingMergeTree(version) \
                     ORDER BY id";

#[derive(Args, Debug)]
pub(super) struct StoreArgs {
    /// Keys of the large table.
    #[arg(long, default_value_t = 10_000_000)]
    keys: u64,
    /// Lookups in a run.
    #[arg(long, default_value_t = 2_000)]
    lookups: usize,
    /// Rows of the pipeline's base table.
    #[arg(long, default_value_t = 8_640_000)]
    rows: u64,
    /// How often each query of the pipeline is asked in a run.
    #[arg(long, default_value_t = 200)]
    queries: usize,
    /// Inserts of one row each, after which the same queries are asked.
    #[arg(long, default_value_t = 100_000)]
    one_row_inserts: usize,
    /// Only these parts: rest, inserts, lookups, reads, small, recovery.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

struct Bench<'a> {
    args: &'a StoreArgs,
    runs: usize,
    env: Env,
    folder: &'a Path,
    peer: Peer,
    figures: Vec<Figure>,
}

pub(super) async fn run(args: &StoreArgs, bench: &BenchArgs, folder: &Path) -> Result<()> {
    let peer = Peer::start(&bench.python, &folder.join("peer"))?;
    let env = env::real::env();
    let mut bench = Bench { args, runs: bench.runs.max(1), env, folder, peer, figures: Vec::new() };
    let asked = |name: &str| args.only.is_empty() || args.only.iter().any(|only| only == name);
    if asked("rest") {
        bench.idle().await?;
    }
    if asked("inserts") {
        bench.inserts().await?;
    }
    if asked("lookups") {
        bench.all_lookups().await?;
    }
    if asked("reads") {
        bench.pipeline().await?;
    }
    if asked("small") {
        bench.after_small_inserts().await?;
    }
    if asked("recovery") {
        bench.recovery().await?;
    }
    output::line(&table(&bench.figures, &bench.peer.version))
}

/// Rows with the keys from 0 on, in one statement.
fn fill(keys: u64) -> String {
    format!("INSERT INTO keyed SELECT number, concat('name-', toString(number)), 1 FROM numbers({keys})")
}

/// A count of the server since its start.
async fn event(server: &ServerProcess, name: &str) -> Result<f64> {
    let sql = format!("SELECT sum(value) FROM system.events WHERE event = '{name}' FORMAT TabSeparated");
    Ok(server.run(&sql).await?.trim().parse().unwrap_or(f64::NAN))
}

/// Bytes written to the disk for each byte that was inserted, since the server started.
async fn write_amplification(server: &ServerProcess) -> Result<f64> {
    let mut written = 0.0;
    for name in ["StoreLogBytes", "StoreInsertedFileBytes", "StoreMergedBytes", "StoreCheckpointBytes"] {
        written += event(server, name).await?;
    }
    Ok(written / event(server, "StoreInsertedBytes").await?)
}

impl Bench<'_> {
    fn peer_table(&mut self) -> Result<()> {
        let sql = ["DROP DATABASE IF EXISTS bench SYNC", "CREATE DATABASE bench", "USE bench", TABLE];
        self.peer.run(&sql.map(str::to_owned))?;
        Ok(())
    }
}
