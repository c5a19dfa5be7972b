//! The click-through pipeline, measured.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use engine::{Access, Env, Request, Session};

use super::data::{PRODUCTS, Results, write_events};
use super::figures::{Better, Figure, Samples, Stopwatch, table};
use super::load::ServerProcess;
use super::peer::Peer;
use super::pipeline::{ASKED, COLUMNS, PIPELINE, create_peer_tables, insert_file, is_same, of_product, set_up, tables};
use super::{BenchArgs, fresh_folder};
use crate::database::Database;
use crate::demo::report::text;
use crate::error::{Error, Result};
use crate::output;

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

    /// Everything in one INSERT; gives the last database that it went into.
    async fn bulk(&mut self) -> Result<Database> {
        let (mut ours, mut peer) = (Samples::default(), Samples::default());
        let millions = self.results.rows as f64 / 1e6;
        let mut database: Option<Database> = None;
        for run in 0..self.runs {
            output::line(&format!("bulk load {} of {}", run + 1, self.runs))?;
            create_peer_tables(&mut self.peer)?;
            let file = self.folder.join("ctr.parquet").display().to_string();
            peer.push(millions / self.peer.run_synced(&insert_file(&file))?);
            if let Some(last) = database.take() {
                last.close().await?;
            }
            let next = Database::open(Some(&self.data("bulk")?), Access::default()).await?;
            let mut session = next.session()?;
            set_up(&mut session).await?;
            let watch = Stopwatch::start(&self.env);
            session.execute(Request::new(insert_file("ctr.parquet"))).await?;
            ours.push(millions / watch.seconds());
            database = Some(next);
        }
        let name = "bulk load with both views";
        self.figures.push(Figure::new(name, "million rows/s", Better::More, ours).beside(peer));
        database.ok_or_else(|| Error::PeerFailed("nothing was measured".to_owned()))
    }

    /// The four queries with random products.
    async fn queries(&mut self, database: &Database) -> Result<()> {
        let mut session = database.session()?;
        for (name, query) in ASKED.into_iter().zip(super::pipeline::queries()?) {
            output::line(&format!("query: {name}"))?;
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
            self.figures.push(Figure::new(name, "ms", Better::Less, ours).beside(peer));
        }
        Ok(())
    }

    fn of_random_product(&self, query: &str) -> String {
        of_product(query, self.env.rng.uuid() % u128::from(PRODUCTS))
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
            create_peer_tables(&mut self.peer)?;
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
            self.figures.push(Figure::new(name, "rows/s", Better::More, ours).beside(peer.clone()));
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
            create_peer_tables(&mut self.peer)?;
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
        self.figures.push(Figure::new(name, "events/s", Better::More, ours).beside(peer));
        Ok(())
    }
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
