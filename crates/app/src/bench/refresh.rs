//! Refreshable views, measured: three full refreshes over an activity log beside the real engine, and what it costs to have
//! hundreds of views on a schedule.
//!
//! The rows are made by the same statements in both engines; the contents of the views must agree before they are timed.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use engine::{Access, Env, Request, Session};

use super::figures::{Better, Figure, Samples, Stopwatch, table};
use super::peer::Peer;
use super::pipeline::is_same;
use super::{BenchArgs, fresh_folder};
use crate::database::Database;
use crate::demo::report::text;
use crate::error::{Error, Result};
use crate::output;

#[derive(Args, Debug)]
pub(super) struct RefreshArgs {
    /// Rows of the activity log.
    #[arg(long, default_value_t = 5_000_000)]
    rows: u64,
    /// Views that are due every second.
    #[arg(long, default_value_t = 500)]
    views: u64,
    /// How long they are watched.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
}

/// The first refreshes of all views are waited for so long.
const SETTLE_SECONDS_MAX: u64 = 120;

/// A full refresh.
struct Case {
    name: &'static str,
    view: &'static str,
    /// How its rows are kept.
    engine: &'static str,
    select: &'static str,
}

const CASES: [Case; 3] = [
    Case {
        name: "rank, ntile and share of the whole",
        view: "ranked",
        engine: "MergeTree ORDER BY user_id",
        select: "SELECT user_id, spent, rank() OVER (ORDER BY spent DESC) AS place, ntile(10) OVER (ORDER BY spent DESC, \
                 user_id) AS decile, spent / (SELECT sum(amount) FROM activity) AS share FROM (SELECT user_id, sum(amount) \
                 AS spent FROM activity GROUP BY user_id)",
    },
    Case {
        name: "join of three tables",
        view: "joined",
        engine: "MergeTree ORDER BY (segment, brand)",
        select: "SELECT segment, brand, count() AS events, countIf(event_type = 'purchase') AS orders, sum(amount) AS sold, \
                 uniqExact(user_id) AS users FROM activity INNER JOIN users USING user_id INNER JOIN products USING \
                 product_id GROUP BY segment, brand",
    },
    Case {
        name: "all that purchasers did",
        view: "purchasers",
        engine: "MergeTree ORDER BY (user_id, product_id)",
        select: "SELECT user_id, product_id, countIf(event_type = 'view_item_list') AS views, countIf(event_type = \
                 'select_item') AS selects, countIf(event_type = 'add_to_cart') AS carts, countIf(event_type = 'purchase') \
                 AS purchases, sum(amount) AS spent, max(event_time) AS last_seen FROM activity GROUP BY user_id, product_id \
                 HAVING purchases > 0",
    },
];

/// The tables of both engines. Amounts are whole cents: sums of floats depend on the order of rows, and ranks on such sums.
fn tables(rows: u64) -> Vec<String> {
    let mut sql: Vec<String> = [
        "CREATE TABLE activity (event_time DateTime('UTC'), user_id UInt32, product_id UInt32, event_type \
         LowCardinality(String), amount UInt32) ENGINE = MergeTree ORDER BY (event_time, user_id)",
        "CREATE TABLE users (user_id UInt32, segment LowCardinality(String)) ENGINE = MergeTree ORDER BY user_id",
        "CREATE TABLE products (product_id UInt32, brand LowCardinality(String)) ENGINE = MergeTree ORDER BY product_id",
        "INSERT INTO users SELECT number, concat('segment-', toString(cityHash64(number, 's') % 12)) FROM numbers(200000)",
        "INSERT INTO products SELECT number, concat('brand-', toString(cityHash64(number, 'b') % 400)) FROM numbers(5000)",
    ]
    .map(str::to_owned)
    .to_vec();
    sql.push(format!(
        "INSERT INTO activity WITH cityHash64(number, 'e') % 100 AS kind SELECT toDateTime(1700000000 + cityHash64(number, \
         't') % 2592000, 'UTC'), cityHash64(number, 'u') % 200000, cityHash64(number, 'p') % 5000, multiIf(kind < 55, \
         'view_item_list', kind < 80, 'select_item', kind < 93, 'add_to_cart', 'purchase') AS event_type, if(event_type = \
         'purchase', cityHash64(number, 'a') % 20000, 0) FROM numbers({rows})"
    ));
    sql
}

fn create(case: &Case) -> String {
    format!(
        "CREATE MATERIALIZED VIEW {} REFRESH EVERY 1 YEAR ENGINE = {} EMPTY AS {}",
        case.view, case.engine, case.select
    )
}

fn refresh(view: &str) -> [String; 2] {
    [format!("SYSTEM REFRESH VIEW {view}"), format!("SYSTEM WAIT VIEW {view}")]
}

struct Bench<'a> {
    args: &'a RefreshArgs,
    runs: usize,
    env: Env,
    folder: &'a Path,
    figures: Vec<Figure>,
}

pub(super) async fn run(args: &RefreshArgs, bench: &BenchArgs, folder: &Path) -> Result<()> {
    let mut peer = Peer::start(&bench.python, &folder.join("peer"))?;
    let mut bench = Bench { args, runs: bench.runs.max(1), env: env::real::env(), folder, figures: Vec::new() };
    bench.full(&mut peer).await?;
    let version = peer.version.clone();
    // from here on the machine is ours
    drop(peer);
    bench.many(false).await?;
    bench.many(true).await?;
    output::line(&table(&bench.figures, &version))
}

impl Bench<'_> {
    async fn full(&mut self, peer: &mut Peer) -> Result<()> {
        output::line("making the rows")?;
        let mut sql: Vec<String> = ["CREATE DATABASE bench", "USE bench"].map(str::to_owned).to_vec();
        sql.extend(tables(self.args.rows));
        sql.extend(CASES.iter().map(create));
        peer.run(&sql)?;
        let database = Database::open(Some(&fresh_folder(self.folder, "full")?), Access::default()).await?;
        let mut session = database.session()?;
        for sql in tables(self.args.rows).into_iter().chain(CASES.iter().map(create)) {
            session.execute(Request::new(sql)).await?;
        }
        let measured = self.cases(&mut session, peer).await;
        database.close().await?;
        measured
    }

    async fn cases(&mut self, session: &mut Session, peer: &mut Peer) -> Result<()> {
        for case in &CASES {
            output::line(&format!("refresh: {}", case.name))?;
            let (mut ours, mut theirs) = (Samples::default(), Samples::default());
            for _ in 0..self.runs {
                theirs.push(peer.run(&refresh(case.view))?.seconds.iter().sum());
                let watch = Stopwatch::start(&self.env);
                for sql in refresh(case.view) {
                    session.execute(Request::new(sql)).await?;
                }
                ours.push(watch.seconds());
            }
            let query = format!("SELECT * FROM {} ORDER BY ALL LIMIT 1000", case.view);
            let (ours_text, peer_text) =
                (text(session, &query, "TabSeparated").await?, peer.run(std::slice::from_ref(&query))?.text);
            if !is_same(&ours_text, &peer_text) {
                return Err(Error::Differs { query, ours: ours_text, peer: peer_text });
            }
            self.figures.push(Figure::new(case.name, "s", Better::Less, ours).beside(theirs));
        }
        Ok(())
    }

    /// Views that are due every second: what nothing costs (`differs` is false: no refresh could answer differently), and
    /// what so many small refreshes cost.
    async fn many(&mut self, differs: bool) -> Result<()> {
        let sort = if differs { "that run" } else { "unchanged" };
        output::line(&format!("{} views every second, {sort}", self.args.views))?;
        let database = Database::open(Some(&fresh_folder(self.folder, sort)?), Access::default()).await?;
        let mut session = database.session()?;
        let measured = self.watch(&mut session, differs).await;
        database.close().await?;
        let (share, delays, each_us) = measured?;
        let figure = |name, unit, ours| Figure::new(name, unit, Better::Less, ours);
        match differs {
            false => {
                self.figures.push(figure("views every second, unchanged", "% of a core", share));
                self.figures.push(figure("an unchanged refresh", "µs of a core", each_us));
                self.figures.push(figure("its start after its slot, p99", "ms", delays));
            }
            true => {
                self.figures.push(figure("views every second that run", "% of a core", share));
                self.figures.push(figure("a small refresh", "µs of a core", each_us));
                self.figures.push(figure("its start after its slot, p99", "ms", delays));
            }
        }
        Ok(())
    }

    /// Until each view has run, and a little more.
    async fn settle(&self, session: &mut Session) -> Result<()> {
        let waiting = "SELECT countIf(last_success_time IS NULL) FROM system.view_refreshes";
        for _ in 0..SETTLE_SECONDS_MAX {
            self.env.clock.sleep(Duration::from_secs(1)).await;
            if number(&text(session, waiting, "TabSeparated").await?) == 0.0 {
                break;
            }
        }
        self.env.clock.sleep(Duration::from_secs(3)).await;
        Ok(())
    }

    /// Share of a core in percent, delays in milliseconds, and microseconds of a core for a refresh.
    async fn watch(&self, session: &mut Session, differs: bool) -> Result<(Samples, Samples, Samples)> {
        session.execute(Request::new("CREATE TABLE source (x UInt64) ENGINE = MergeTree ORDER BY x")).await?;
        session.execute(Request::new("INSERT INTO source SELECT number FROM numbers(1000)")).await?;
        let value = if differs { "sum(x) + toUnixTimestamp(now())" } else { "sum(x)" };
        for view in 0..self.args.views {
            let sql = format!(
                "CREATE MATERIALIZED VIEW v{view} REFRESH EVERY 1 SECOND ENGINE = MergeTree ORDER BY tuple() EMPTY AS \
                 SELECT {value} AS x FROM source"
            );
            session.execute(Request::new(sql)).await?;
        }
        self.settle(session).await?;
        let (mut share, mut delays, mut each_us) = (Samples::default(), Samples::default(), Samples::default());
        for _ in 0..self.runs {
            let before = (runs(session).await?, cpu_seconds());
            let watch = Stopwatch::start(&self.env);
            self.env.clock.sleep(Duration::from_secs(self.args.seconds)).await;
            let (elapsed, cpu) = (watch.seconds(), cpu_seconds() - before.1);
            let done = runs(session).await? - before.0;
            share.push(100.0 * cpu / elapsed);
            each_us.push(1e6 * cpu / done.max(1.0));
            let query = format!(
                "SELECT quantileExact(0.99)(delay_ms) FROM system.view_refresh_history WHERE start_time > now() - {}",
                self.args.seconds
            );
            delays.push(number(&text(session, &query, "TabSeparated").await?));
        }
        Ok((share, delays, each_us))
    }
}

/// How many refreshes there were so far.
async fn runs(session: &mut Session) -> Result<f64> {
    let query = "SELECT sum(run) FROM (SELECT max(run) AS run FROM system.view_refresh_history GROUP BY view)";
    Ok(number(&text(session, query, "TabSeparated").await?))
}

fn number(text: &str) -> f64 {
    text.trim().parse().unwrap_or(f64::NAN)
}

/// Seconds of all cores that this process had; not a number where the system does not say.
fn cpu_seconds() -> f64 {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // the name of the program, in brackets, may hold anything
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks = |at: usize| fields.split_whitespace().nth(at).and_then(|field| field.parse::<f64>().ok());
    ticks(11).zip(ticks(12)).map_or(f64::NAN, |(user, system)| (user + system) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_is_read() {
        for sql in tables(10).iter().chain(&CASES.iter().map(create).collect::<Vec<_>>()) {
            assert_eq!(engine::statements(sql).unwrap().len(), 1, "{sql}");
        }
    }

    #[test]
    fn the_process_has_used_some_time() {
        assert!(!cfg!(target_os = "linux") || cpu_seconds() >= 0.0);
    }
}
