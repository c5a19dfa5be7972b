//! The pipeline's tables: a bulk load, what it takes on the disk, and its queries with random products, alone and while
//! rows come in at half the rate that they can.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use engine::{Access, Env, Request, Session};

use super::super::data::{PRODUCTS, Results};
use super::super::figures::{Better, Figure, Samples, Stopwatch};
use super::super::fresh_folder;
use super::super::pipeline::{
    ALL_PRODUCTS, ASKED, COLUMNS, create_peer_tables, insert_file, is_same, of_product, queries, set_up,
};
use super::Bench;
use crate::database::Database;
use crate::demo::report::text;
use crate::error::{Error, Result};
use crate::output;

/// Sessions that insert side by side.
const WRITERS: usize = 4;
/// How long the top rate is measured.
const TOP_RATE: Duration = Duration::from_secs(4);
const BASE_BYTES: &str = "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'ctr_results_raw'";
/// The view by minute is the larger one.
const VIEW_BYTES: &str = "SELECT max(bytes) FROM (SELECT sum(bytes_on_disk) AS bytes FROM system.parts WHERE active AND \
                          table LIKE '.inner%' GROUP BY table)";

impl Bench<'_> {
    pub(super) async fn pipeline(&mut self) -> Result<()> {
        let now_seconds = u64::try_from(self.env.clock.now_ns() / 1_000_000_000).unwrap_or_default();
        let rows = self.args.rows.next_multiple_of(PRODUCTS);
        let results = Results { rows, end_seconds: now_seconds / 60 * 60 };
        results.write(&mut self.peer, &self.folder.join("results.parquet"))?;
        let database = self.bulk(&results).await?;
        self.bytes(&database).await?;
        let read = self.reads(&database, &results).await;
        database.close().await?;
        read
    }

    /// Everything in one INSERT; gives the last database that it went into.
    async fn bulk(&mut self, results: &Results) -> Result<Database> {
        let (mut ours, mut peer) = (Samples::default(), Samples::default());
        let millions = results.rows as f64 / 1e6;
        let file = self.folder.join("results.parquet");
        let mut database: Option<Database> = None;
        for run in 0..self.runs {
            output::line(&format!("bulk load {} of {}", run + 1, self.runs))?;
            create_peer_tables(&mut self.peer)?;
            peer.push(millions / self.peer.run_synced(&insert_file(&file.display().to_string()))?);
            if let Some(last) = database.take() {
                last.close().await?;
            }
            let folder = fresh_folder(self.folder, "bulk")?;
            let files = fresh_folder(&folder, "user_files")?;
            let failed = |error: std::io::Error| Error::Read { path: folder.clone(), reason: error.to_string() };
            std::fs::hard_link(&file, files.join("results.parquet")).map_err(failed)?;
            let next = Database::open(Some(&folder), Access::default()).await?;
            let mut session = next.session()?;
            set_up(&mut session).await?;
            let watch = Stopwatch::start(&self.env);
            session.execute(Request::new(insert_file("results.parquet"))).await?;
            ours.push(millions / watch.seconds());
            database = Some(next);
        }
        let note = format!("{} rows of Parquet with both views, one INSERT in process, synced", results.rows);
        let figure = Figure::new("bulk load", "million rows/s", Better::More, ours).beside(peer);
        self.figures.push(figure.noted(note));
        database.ok_or_else(|| Error::PeerFailed("nothing was measured".to_owned()))
    }

    async fn bytes(&mut self, database: &Database) -> Result<()> {
        let mut session = database.session()?;
        let optimize = ["OPTIMIZE TABLE ctr_results_raw FINAL", "OPTIMIZE TABLE ctr_ml_view FINAL"];
        for sql in optimize {
            session.execute(Request::new(sql.to_owned())).await?;
        }
        self.peer.run(&optimize.map(str::to_owned))?;
        for (name, sql) in [("bytes on disk, base table", BASE_BYTES), ("bytes on disk, view by minute", VIEW_BYTES)] {
            let (mut ours, mut peer) = (Samples::default(), Samples::default());
            let megabytes = |text: &str| text.trim().parse::<f64>().unwrap_or(f64::NAN) / 1e6;
            ours.push(megabytes(&text(&mut session, sql, "TabSeparated").await?));
            let of_peer = sql.replace("WHERE active", "WHERE database = 'bench' AND active");
            peer.push(megabytes(&self.peer.run(&[of_peer])?.text));
            self.figures.push(Figure::new(name, "MB", Better::Less, ours).beside(peer).noted("merges at rest"));
        }
        Ok(())
    }

    async fn reads(&mut self, database: &Database, results: &Results) -> Result<()> {
        let mut asked: Vec<(String, &str, usize)> = Vec::new();
        for (name, query) in ASKED.into_iter().zip(queries()?) {
            asked.push((name.to_owned(), query, self.args.queries));
        }
        asked.push(("last hour of all products".to_owned(), ALL_PRODUCTS, self.args.queries / 4));
        let mut session = database.session()?;
        for (_, query, _) in &asked {
            self.compare(&mut session, query, results.end_seconds).await?;
        }
        let alone = self.ask_all(&mut session, &asked).await?;
        let batches = results.batches(&mut self.peer, 200.min(results.rows / PRODUCTS))?;
        let statement = |text: &String| format!("INSERT INTO ctr_results_raw ({COLUMNS}) FORMAT TabSeparated\n{text}");
        let batches: Arc<[String]> = batches.iter().map(statement).collect();
        output::line("the top rate of inserts")?;
        let top = Writers::start(database, &self.env, &batches, None)?;
        self.env.clock.sleep(TOP_RATE).await;
        let rate = top.stop().await? as f64 / TOP_RATE.as_secs_f64();
        let writers = Writers::start(database, &self.env, &batches, Some(rate / 2.0))?;
        let loaded = self.ask_all(&mut session, &asked).await;
        writers.stop().await?;
        let loaded = loaded?;
        for (at, (name, query, _)) in asked.iter().enumerate() {
            let mut peer = Samples::default();
            let now = (0..self.args.queries.min(100)).map(|_| self.random(query)).collect::<Vec<_>>();
            peer.extend(self.peer.run(&now)?.seconds.into_iter().map(|seconds| seconds * 1e3));
            self.report(name, &alone[at], &loaded[at], peer, rate / 2.0);
        }
        Ok(())
    }

    fn report(&mut self, name: &str, alone: &[Samples; 2], loaded: &[Samples; 2], peer: Samples, batches: f64) {
        let note = "in process, random products";
        let under = format!("in process, while {batches:.0} inserts of 1,000 rows a second come in");
        for (share, samples) in ["p50", "p99"].into_iter().zip(alone) {
            let figure = Figure::new(&format!("{name}, {share}"), "ms", Better::Less, samples.clone()).noted(note);
            self.figures.push(if share == "p50" { figure.beside(peer.clone()) } else { figure });
        }
        for (share, samples) in ["p50", "p99"].into_iter().zip(loaded) {
            let figure = Figure::new(&format!("{name}, under load, {share}"), "ms", Better::Less, samples.clone());
            self.figures.push(figure.noted(under.clone()));
        }
    }

    fn random(&self, query: &str) -> String {
        of_product(query, self.env.rng.uuid() % u128::from(PRODUCTS))
    }

    /// Median and 99th of 100 of each query, one of each a run.
    async fn ask_all(&self, session: &mut Session, asked: &[(String, &str, usize)]) -> Result<Vec<[Samples; 2]>> {
        let mut all = Vec::with_capacity(asked.len());
        for (name, query, times) in asked {
            output::line(&format!("query: {name}"))?;
            let mut shares = [Samples::default(), Samples::default()];
            for _ in 0..self.runs {
                let mut run = Samples::default();
                for _ in 0..*times {
                    let query = self.random(query);
                    let watch = Stopwatch::start(&self.env);
                    text(session, &query, "TabSeparated").await?;
                    run.push(watch.seconds() * 1e3);
                }
                for (samples, share) in shares.iter_mut().zip([0.5, 0.99]) {
                    samples.push(run.quantile(share));
                }
            }
            all.push(shares);
        }
        Ok(all)
    }

    /// Both answer alike, at one and the same time of the clock.
    async fn compare(&mut self, session: &mut Session, query: &str, end_seconds: u64) -> Result<()> {
        let now = format!("toDateTime({end_seconds}, 'UTC')");
        for _ in 0..5 {
            let query = self.random(query).replace("now()", &now);
            let ours = text(session, &query, "TabSeparated").await?;
            let peer = self.peer.run(std::slice::from_ref(&query))?.text;
            if !is_same(&ours, &peer) {
                return Err(Error::Differs { query, ours, peer });
            }
        }
        Ok(())
    }
}

/// Sessions that insert batches, as fast as they can or at a rate.
struct Writers {
    stop: Arc<AtomicBool>,
    inserted: Arc<AtomicU64>,
    tasks: Vec<tokio::task::JoinHandle<Result<()>>>,
}

impl Writers {
    /// `rate` is in batches a second, of all writers together.
    fn start(database: &Database, env: &Env, batches: &Arc<[String]>, rate: Option<f64>) -> Result<Writers> {
        let mut writers = Writers { stop: Arc::default(), inserted: Arc::default(), tasks: Vec::new() };
        let pause = rate.map(|rate| Duration::from_secs_f64(WRITERS as f64 / rate.max(0.1)));
        for first in 0..WRITERS {
            let (mut session, env, batches) = (database.session()?, env.clone(), Arc::clone(batches));
            let (stop, inserted) = (Arc::clone(&writers.stop), Arc::clone(&writers.inserted));
            writers.tasks.push(tokio::spawn(async move {
                let started_ns = env.clock.monotonic_ns();
                for (round, batch) in batches.iter().cycle().skip(first).step_by(WRITERS).enumerate() {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    if let Some(pause) = pause {
                        let due_ns = started_ns + (pause.as_nanos() as u64).saturating_mul(round as u64);
                        let now_ns = env.clock.monotonic_ns();
                        env.clock.sleep(Duration::from_nanos(due_ns.saturating_sub(now_ns))).await;
                    }
                    session.execute(Request::new(batch.clone())).await?;
                    inserted.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            }));
        }
        Ok(writers)
    }

    /// Ends them; how many batches they inserted.
    async fn stop(self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.map_err(|error| Error::BrokenOff(error.to_string()))??;
        }
        Ok(self.inserted.load(Ordering::Relaxed))
    }
}
