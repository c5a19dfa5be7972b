//! The store by itself: small inserts, lookups by key, a start after a kill, memory and bytes.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use engine::{Access, Env, Request};

use super::figures::{Better, Figure, Samples, Stopwatch, table};
use super::load::ServerProcess;
use super::peer::Peer;
use super::{BenchArgs, fresh_folder};
use crate::database::Database;
use crate::demo::report::text;
use crate::error::{Error, Result};
use crate::output;

const TABLE: &str = "CREATE TABLE keyed (id UInt64, name String, version UInt64) ENGINE = ReplacingMergeTree(version) \
                     ORDER BY id";
/// Rows of an insert, connections, inserts a connection, names. One client of the real engine is compared with both.
const INSERTS: [(u64, usize, usize, &str); 6] = [
    (1, 1, 1_000, "1 row an insert, HTTP, fsync"),
    (1, 32, 200, "same over 32 connections"),
    (100, 1, 500, "100 rows an insert, HTTP, fsync"),
    (100, 32, 100, "same over 32 connections"),
    (1_000, 1, 250, "1,000 rows an insert, HTTP, fsync"),
    (1_000, 32, 50, "same over 32 connections"),
];
/// Inserts of the real engine in a run: it makes a part of each.
const PEER_INSERTS: usize = 250;
/// How long a server is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(10);

#[derive(Args, Debug)]
pub(super) struct StoreArgs {
    /// Keys of the large table.
    #[arg(long, default_value_t = 10_000_000)]
    keys: u64,
    /// Lookups in a run.
    #[arg(long, default_value_t = 2_000)]
    lookups: usize,
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
    bench.idle().await?;
    bench.inserts().await?;
    bench.lookups(1_000, ["lookup of one of 1,000 keys, p50", "same, p99"]).await?;
    bench.lookups(args.keys, ["lookup of one of all keys, p50", "same, p99"]).await?;
    bench.recovery().await?;
    output::line(&table(&bench.figures, &bench.peer.version))
}

/// Rows from `first` on as a statement.
fn insert(first: u64, rows: u64) -> String {
    let line = |id: u64| format!("{id}\tname-{id}\t1\n");
    format!("INSERT INTO keyed FORMAT TabSeparated\n{}", (first..first + rows).map(line).collect::<String>())
}

/// Rows with the keys from 0 on, in one statement.
fn fill(keys: u64) -> String {
    format!("INSERT INTO keyed SELECT number, concat('name-', toString(number)), 1 FROM numbers({keys})")
}

impl Bench<'_> {
    fn peer_table(&mut self) -> Result<()> {
        let sql = ["DROP DATABASE IF EXISTS bench SYNC", "CREATE DATABASE bench", "USE bench", TABLE];
        self.peer.run(&sql.map(str::to_owned))?;
        Ok(())
    }

    async fn idle(&mut self) -> Result<()> {
        output::line("an idle server")?;
        let server = ServerProcess::start(&fresh_folder(self.folder, "idle")?)?;
        self.env.clock.sleep(IDLE).await;
        let mut ours = Samples::default();
        ours.push(server.memory_bytes()? / 1e6);
        self.figures.push(Figure {
            name: "memory of an idle server",
            unit: "MB",
            better: Better::Less,
            ours,
            peer: None,
        });
        Ok(())
    }

    async fn inserts(&mut self) -> Result<()> {
        for (rows, connections, each, name) in INSERTS {
            output::line(&format!("inserts of {rows} rows over {connections} connections"))?;
            let of = |count: usize| (0..count as u64).map(|at| insert(at * rows, rows)).collect::<Vec<_>>();
            let statements = of(each * connections);
            let (mut ours, mut peer) = (Samples::default(), Samples::default());
            for _ in 0..self.runs {
                self.peer_table()?;
                let seconds: f64 = self.peer.run(&of(PEER_INSERTS))?.seconds.iter().sum();
                peer.push(PEER_INSERTS as f64 * rows as f64 / seconds);
                let server = ServerProcess::start(&fresh_folder(self.folder, "inserts")?)?;
                server.run(TABLE).await?;
                let seconds = server.send(&self.env, &statements, connections).await?;
                ours.push(statements.len() as f64 * rows as f64 / seconds);
            }
            self.figures.push(Figure { name, unit: "rows/s", better: Better::More, ours, peer: Some(peer) });
        }
        Ok(())
    }

    /// `SELECT … FINAL WHERE id = …` in process, keys at random.
    async fn lookups(&mut self, keys: u64, names: [&'static str; 2]) -> Result<()> {
        output::line(&format!("lookups of one of {keys} keys"))?;
        self.peer_table()?;
        self.peer.run(&[fill(keys)])?;
        let database = Database::open(Some(&fresh_folder(self.folder, "lookups")?), Access::default()).await?;
        let mut session = database.session()?;
        session.execute(Request::new(TABLE.to_owned())).await?;
        session.execute(Request::new(fill(keys))).await?;
        let (mut ours, mut peer) = ([Samples::default(), Samples::default()], [Samples::default(), Samples::default()]);
        for _ in 0..self.runs {
            let asked = |_| format!("SELECT * FROM keyed FINAL WHERE id = {}", self.env.rng.uuid() % u128::from(keys));
            let asked: Vec<String> = (0..self.args.lookups).map(asked).collect();
            let answer = self.peer.run(&asked[..asked.len().min(200)])?;
            let last = asked.get(answer.seconds.len().saturating_sub(1)).map_or("", String::as_str);
            let same = text(&mut session, last, "TabSeparated").await?;
            if same != answer.text {
                return Err(Error::Differs { query: last.to_owned(), ours: same, peer: answer.text });
            }
            let (mut run, mut peer_run) = (Samples::default(), Samples::default());
            peer_run.extend(answer.seconds.into_iter().map(|seconds| seconds * 1e6));
            for query in &asked {
                let watch = Stopwatch::start(&self.env);
                text(&mut session, query, "TabSeparated").await?;
                run.push(watch.seconds() * 1e6);
            }
            for (at, share) in [0.5, 0.99].into_iter().enumerate() {
                ours[at].push(run.quantile(share));
                peer[at].push(peer_run.quantile(share));
            }
        }
        database.close().await?;
        for ((name, ours), peer) in names.into_iter().zip(ours).zip(peer) {
            self.figures.push(Figure { name, unit: "µs", better: Better::Less, ours, peer: Some(peer) });
        }
        Ok(())
    }

    /// A server with all keys is killed; how long the next one takes to listen, and what it and the disk hold then.
    async fn recovery(&mut self) -> Result<()> {
        let (mut seconds, mut memory, mut disk) = (Samples::default(), Samples::default(), Samples::default());
        let folder = fresh_folder(self.folder, "recovery")?;
        let server = ServerProcess::start(&folder)?;
        server.run(TABLE).await?;
        server.run(&fill(self.args.keys)).await?;
        drop(server);
        for run in 0..self.runs {
            output::line(&format!("start after a kill {} of {}", run + 1, self.runs))?;
            let watch = Stopwatch::start(&self.env);
            let server = ServerProcess::start(&folder)?;
            seconds.push(watch.seconds());
            if run == 0 {
                server.run("OPTIMIZE TABLE keyed FINAL").await?;
                disk.push(self.bytes_of(&server).await? / 1e6);
            }
            memory.push(server.memory_bytes()? / 1e6);
        }
        self.peer_table()?;
        let bytes = "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'bench'";
        let sql = [fill(self.args.keys), "OPTIMIZE TABLE keyed FINAL".to_owned(), bytes.to_owned()];
        let mut peer = Samples::default();
        peer.push(self.peer.run(&sql)?.text.trim().parse::<f64>().unwrap_or(f64::NAN) / 1e6);
        let ours = |name, unit, ours| Figure { name, unit, better: Better::Less, ours, peer: None };
        self.figures.push(ours("start after a kill, all keys", "s", seconds));
        self.figures.push(ours("memory after that start", "MB", memory));
        let name = "bytes on disk, all keys";
        self.figures.push(Figure { name, unit: "MB", better: Better::Less, ours: disk, peer: Some(peer) });
        Ok(())
    }

    async fn bytes_of(&self, server: &ServerProcess) -> Result<f64> {
        let sql = "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'keyed' FORMAT TabSeparated";
        Ok(server.run(sql).await?.trim().parse().unwrap_or(f64::NAN))
    }
}
