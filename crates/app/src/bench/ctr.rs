//! The click-through pipeline, measured.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use engine::{Access, Env, Request, Session};

use super::data::{PRODUCTS, Results, write_events};
use super::figures::{Better, Figure, Samples, Stopwatch, table};
use super::load::ServerProcess;
use super::peer::Peer;
use super::{BenchArgs, fresh_folder};
use crate::database::Database;
use crate::demo::report::text;
use crate::error::{Error, Result};
use crate::output;

const PIPELINE: &str = include_str!("../../../../examples/ctr/pipeline.sql");
const QUERIES: &str = include_str!("../../../../examples/ctr/queries.sql");
const COLUMNS: &str = "product_id, ctr, impressions, clicks, window_start, window_end";
/// What the four queries are called.
const ASKED: [&str; 4] = ["latest", "last hour", "last day", "last week"];
/// The product that they ask for as they are written.
const PRODUCT: &str = "product-123";

#[derive(Args, Debug)]
pub(super) struct CtrArgs {
    /// Rows of the bulk load: results of windows of 1,000 products.
    #[arg(long, default_value_t = 8_640_000)]
    rows: u64,
    /// Inserts of 1,000 rows that are sent over one connection; over 32 it is four times as many.
    #[arg(long, default_value_t = 250)]
    batches: u64,
    /// How often each query is asked in a run.
    #[arg(long, default_value_t = 100)]
    queries: usize,
    /// Events that go through the windows.
    #[arg(long, default_value_t = 3_000_000)]
    events: u64,
}

/// What all measurements share.
struct Bench<'a> {
    args: &'a CtrArgs,
    runs: usize,
    env: Env,
    folder: &'a Path,
    peer: Peer,
    results: Results,
    figures: Vec<Figure>,
}

pub(super) async fn run(args: &CtrArgs, bench: &BenchArgs, folder: &Path) -> Result<()> {
    let env = env::real::env();
    let now_seconds = u64::try_from(env.clock.now_ns() / 1_000_000_000).unwrap_or_default();
    let results = Results { rows: args.rows.next_multiple_of(PRODUCTS), end_seconds: now_seconds / 60 * 60 };
    let mut peer = Peer::start(&bench.python, &folder.join("peer"))?;
    output::line("making the files")?;
    results.write(&mut peer, &folder.join("ctr.parquet"))?;
    write_events(&folder.join("events.ndjson"), args.events, now_seconds)?;
    let mut bench = Bench { args, runs: bench.runs.max(1), env, folder, peer, results, figures: Vec::new() };
    let database = bench.bulk().await?;
    let asked = bench.queries(&database).await;
    database.close().await?;
    asked?;
    bench.batches().await?;
    bench.events()?;
    output::line(&table(&bench.figures, &bench.peer.version))
}

impl Bench<'_> {
    /// A new data folder that can read the files.
    fn data(&self, name: &str) -> Result<PathBuf> {
        let folder = fresh_folder(self.folder, name)?;
        let files = fresh_folder(&folder, "user_files")?;
        let failed = |error: std::io::Error| Error::Read { path: folder.clone(), reason: error.to_string() };
        std::fs::hard_link(self.folder.join("ctr.parquet"), files.join("ctr.parquet")).map_err(failed)?;
        Ok(folder)
    }

    /// An empty database on the peer.
    fn peer_tables(&mut self) -> Result<()> {
        let mut sql: Vec<String> =
            ["DROP DATABASE IF EXISTS bench SYNC", "CREATE DATABASE bench", "USE bench"].map(str::to_owned).to_vec();
        // the real engine refuses a version column that the view does not give
        sql.extend(
            tables()?.iter().map(|table| table.replace("MergeTree(window_end)", "MergeTree(latest_window_end)")),
        );
        self.peer.run(&sql)?;
        Ok(())
    }

    /// Everything in one INSERT; gives the last database that it went into.
    async fn bulk(&mut self) -> Result<Database> {
        let (mut ours, mut peer) = (Samples::default(), Samples::default());
        let millions = self.results.rows as f64 / 1e6;
        let insert =
            |file: &str| format!("INSERT INTO ctr_results_raw ({COLUMNS}) SELECT {COLUMNS} FROM file('{file}')");
        let mut database: Option<Database> = None;
        for run in 0..self.runs {
            output::line(&format!("bulk load {} of {}", run + 1, self.runs))?;
            self.peer_tables()?;
            let file = self.folder.join("ctr.parquet").display().to_string();
            peer.push(millions / self.peer.run_synced(&insert(&file))?);
            if let Some(last) = database.take() {
                last.close().await?;
            }
            let next = Database::open(Some(&self.data("bulk")?), Access::default()).await?;
            let mut session = next.session()?;
            set_up(&mut session).await?;
            let watch = Stopwatch::start(&self.env);
            session.execute(Request::new(insert("ctr.parquet"))).await?;
            ours.push(millions / watch.seconds());
            database = Some(next);
        }
        let name = "bulk load with both views";
        self.figures.push(Figure { name, unit: "million rows/s", better: Better::More, ours, peer: Some(peer) });
        database.ok_or_else(|| Error::PeerFailed("nothing was measured".to_owned()))
    }

    /// The four queries with random products.
    async fn queries(&mut self, database: &Database) -> Result<()> {
        let mut session = database.session()?;
        let queries = engine::statements(QUERIES)?;
        for (name, query) in ASKED.into_iter().zip(queries) {
            output::line(&format!("query: {name}"))?;
            let query = query.trim().trim_end_matches(';');
            self.compare(&mut session, query).await?;
            let asked: Vec<String> =
                (0..self.args.queries * self.runs).map(|_| self.of_random_product(query)).collect();
            let (mut ours, mut peer) = (Samples::default(), Samples::default());
            peer.extend(self.peer.run(&asked)?.seconds.into_iter().map(|seconds| seconds * 1e3));
            for query in &asked {
                let watch = Stopwatch::start(&self.env);
                text(&mut session, query, "TabSeparated").await?;
                ours.push(watch.seconds() * 1e3);
            }
            self.figures.push(Figure { name, unit: "ms", better: Better::Less, ours, peer: Some(peer) });
        }
        Ok(())
    }

    fn of_random_product(&self, query: &str) -> String {
        let number = 1 + (self.env.rng.uuid() % u128::from(PRODUCTS)) as u64;
        query.replace(PRODUCT, &format!("product-{number}"))
    }

    /// Both answer alike, at one and the same time of the clock.
    async fn compare(&mut self, session: &mut Session, query: &str) -> Result<()> {
        let now = format!("toDateTime({}, 'UTC')", self.results.end_seconds);
        for _ in 0..10 {
            let query = self.of_random_product(query).replace("now()", &now);
            let ours = text(session, &query, "TabSeparated").await?;
            let peer = self.peer.run(std::slice::from_ref(&query))?.text;
            if !is_same(&ours, &peer) {
                return Err(Error::Differs { query, ours, peer });
            }
        }
        Ok(())
    }

    /// Inserts of 1,000 rows, each synced before it is answered; the peer's are not.
    async fn batches(&mut self) -> Result<()> {
        let texts = self.results.batches(&mut self.peer, self.args.batches)?;
        let insert = |text: &String| format!("INSERT INTO ctr_results_raw ({COLUMNS}) FORMAT TabSeparated\n{text}");
        let statements: Vec<String> = texts.iter().map(insert).collect();
        let mut peer = Samples::default();
        for _ in 0..self.runs {
            self.peer_tables()?;
            let seconds: f64 = self.peer.run(&statements)?.seconds.iter().sum();
            peer.push(statements.len() as f64 * PRODUCTS as f64 / seconds);
        }
        for (connections, name) in [(1, "1,000 rows an insert, HTTP, fsync"), (32, "same over 32 connections")] {
            output::line(&format!("inserts of 1,000 rows over {connections} connections"))?;
            let mut ours = Samples::default();
            let repeated: Vec<String> =
                statements.iter().cycle().take(statements.len() * connections.min(4)).cloned().collect();
            for _ in 0..self.runs {
                let server = ServerProcess::start(&self.data("batches")?)?;
                for table in tables()? {
                    server.run(table).await?;
                }
                let seconds = server.send(&self.env, &repeated, connections).await?;
                ours.push(repeated.len() as f64 * PRODUCTS as f64 / seconds);
            }
            self.figures.push(Figure { name, unit: "rows/s", better: Better::More, ours, peer: Some(peer.clone()) });
        }
        Ok(())
    }

    /// JSON lines through constraints, deduplication and windows into the table and both views. The peer, which has no
    /// such thing, computes the same windows once, over the whole file.
    fn events(&mut self) -> Result<()> {
        let file = self.folder.join("events.ndjson");
        let pipeline = self.folder.join("pipeline.sql");
        let failed = |error: std::io::Error| Error::BrokenOff(error.to_string());
        std::fs::write(&pipeline, PIPELINE).map_err(failed)?;
        let (mut ours, mut peer) = (Samples::default(), Samples::default());
        let events = self.args.events as f64;
        for run in 0..self.runs {
            output::line(&format!("events through windows {} of {}", run + 1, self.runs))?;
            self.peer_tables()?;
            peer.push(events / self.peer.run_synced(&windows_of(&file))?);
            let data = self.data("events")?;
            let mut process = Command::new(std::env::current_exe().map_err(failed)?);
            process.arg("run").arg(&pipeline).arg("--input").arg(&file).arg("--data").arg(&data);
            let watch = Stopwatch::start(&self.env);
            let done = process.output().map_err(failed)?;
            ours.push(events / watch.seconds());
            if !done.status.success() {
                return Err(Error::Remote(String::from_utf8_lossy(&done.stderr).into_owned()));
            }
        }
        let name = "events to windows and views, deduplicated";
        self.figures.push(Figure { name, unit: "events/s", better: Better::More, ours, peer: Some(peer) });
        Ok(())
    }
}

/// The base table and the views over it.
fn tables() -> Result<Vec<&'static str>> {
    let is_asked =
        |text: &&str| text.starts_with("CREATE TABLE ctr_results_raw") || text.starts_with("CREATE MATERIALIZED VIEW");
    Ok(engine::statements(PIPELINE)?.into_iter().map(str::trim).filter(is_asked).collect())
}

async fn set_up(session: &mut Session) -> Result<()> {
    for table in tables()? {
        session.execute(Request::new(table.to_owned())).await?;
    }
    Ok(())
}

/// The windows of a file of events as one query.
fn windows_of(file: &Path) -> String {
    format!(
        "INSERT INTO ctr_results_raw ({COLUMNS}) SELECT product_id, if(impressions > 0, clicks / impressions, 0.), \
         countIf(event_type = 'view') AS impressions, countIf(event_type = 'click') AS clicks, \
         fromUnixTimestamp64Milli(intDiv(event_time, 10000) * 10000, 'UTC') AS start, start + INTERVAL 10 SECOND \
         FROM (SELECT * FROM file('{}', 'JSONEachRow', 'event_id String, product_id String, event_type String, event_time \
         Int64') WHERE event_id != '' AND product_id != '' AND event_type IN ('view', 'click') AND event_time > 0 \
         LIMIT 1 BY event_id) GROUP BY product_id, start \
         SETTINGS input_format_allow_errors_ratio = 0.5, input_format_skip_unknown_fields = 1",
        file.display()
    )
}

/// The same rows, floats up to what the order of additions changes.
fn is_same(ours: &str, peer: &str) -> bool {
    let cells =
        |text: &str| text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect::<Vec<Vec<_>>>();
    let is_same_cell = |(a, b): (&String, &String)| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()),
        _ => a == b,
    };
    let (ours, peer) = (cells(ours), cells(peer));
    ours.len() == peer.len()
        && ours.iter().zip(&peer).all(|(a, b)| a.len() == b.len() && a.iter().zip(b).all(is_same_cell))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_floats_may_differ_in_their_last_digits() {
        assert!(is_same("a\t0.1\n", "a\t0.10000000000001\n"));
        assert!(!is_same("a\t0.1\n", "a\t0.11\n") && !is_same("a\t1\n", "b\t1\n") && !is_same("a\n", "a\na\n"));
    }

    #[test]
    fn the_tables_are_the_base_and_its_two_views() {
        assert_eq!(tables().unwrap().len(), 3);
    }
}
