//! Engines and change, measured beside the real engine: FINAL over parts that overlap, rows changed and deleted, OPTIMIZE
//! FINAL, a day that expires, and lookups through skip indexes.
//!
//! Both engines run the same statements, in the same order; after each case their answers to its question must agree.

use std::path::Path;

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
pub(super) struct EnginesArgs {
    /// Rows of the tables that are changed; FINAL reads ten parts of a tenth of them.
    #[arg(long, default_value_t = 10_000_000)]
    rows: u64,
    /// Only the cases whose names contain one of these.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

/// Parts that overlap.
const PARTS: u64 = 10;
/// Days of the table with a TTL; the first one expires.
const DAYS: u64 = 90;
/// Lookups that are timed as one.
const LOOKUPS: u64 = 20;

/// What is timed in both engines.
struct Case {
    name: &'static str,
    /// Once, before the runs.
    setup: Vec<String>,
    /// Before each run, not timed.
    before: Vec<String>,
    /// The statements of a run.
    timed: Box<dyn Fn(u64) -> Vec<String>>,
    /// Asked of both after each run.
    check: &'static str,
    note: String,
}

fn all(sql: &[&str]) -> Vec<String> {
    sql.iter().map(|&sql| sql.to_owned()).collect()
}

fn once(sql: &'static str) -> Box<dyn Fn(u64) -> Vec<String>> {
    Box::new(move |_| vec![sql.to_owned()])
}

/// A table of ten parts whose keys overlap: each has a third of all keys.
fn overlapping(rows: u64) -> Vec<String> {
    let mut sql = all(&[
        "DROP TABLE IF EXISTS replacing SYNC",
        "CREATE TABLE replacing (id UInt64, name String, value UInt64, version UInt64) ENGINE = \
         ReplacingMergeTree(version) ORDER BY id",
        "SYSTEM STOP MERGES replacing",
    ]);
    let (each, keys) = (rows / PARTS, rows / PARTS * 3);
    sql.extend((0..PARTS).map(|part| {
        format!(
            "INSERT INTO replacing SELECT cityHash64(number, {part}) % {keys} AS id, concat('name-', toString(id)), \
             cityHash64(id, {part}, 'v') % 1000, {part} FROM numbers({each})"
        )
    }));
    sql
}

fn plain(rows: u64) -> Vec<String> {
    vec![
        "CREATE TABLE plain (id UInt64, name String, value UInt64) ENGINE = MergeTree ORDER BY id".to_owned(),
        format!(
            "INSERT INTO plain SELECT number, concat('name-', toString(number)), cityHash64(number) % 1000 FROM \
             numbers({rows})"
        ),
        "OPTIMIZE TABLE plain FINAL".to_owned(),
    ]
}

fn days(rows: u64) -> Vec<String> {
    vec![
        "DROP TABLE IF EXISTS days SYNC".to_owned(),
        format!(
            "CREATE TABLE days (day Date, id UInt64, value UInt64) ENGINE = MergeTree PARTITION BY day ORDER BY id TTL day \
             + INTERVAL {DAYS} DAY SETTINGS ttl_only_drop_parts = 1"
        ),
        format!(
            "INSERT INTO days SELECT today() - number % {DAYS}, number, cityHash64(number) % 1000 FROM numbers({rows}) \
             SETTINGS max_partitions_per_insert_block = 0"
        ),
        "OPTIMIZE TABLE days FINAL".to_owned(),
    ]
}

fn indexed(rows: u64) -> Vec<String> {
    vec![
        "CREATE TABLE indexed (id UInt64, session String, message String, INDEX s session TYPE bloom_filter GRANULARITY 1, \
         INDEX m message TYPE tokenbf_v1(8192, 3, 0) GRANULARITY 1) ENGINE = MergeTree ORDER BY id"
            .to_owned(),
        format!(
            "INSERT INTO indexed SELECT number, hex(cityHash64(number)), concat('order ', toString(number), ' of user u', \
             toString(cityHash64(number) % 1000000)) FROM numbers({rows})"
        ),
        "OPTIMIZE TABLE indexed FINAL".to_owned(),
    ]
}

fn cases(rows: u64) -> Vec<Case> {
    let each = rows / PARTS;
    vec![
        Case {
            name: "FINAL over ten parts that overlap",
            setup: overlapping(rows),
            before: Vec::new(),
            timed: once("SELECT count(), sum(value), sum(length(name)) FROM replacing FINAL"),
            check: "SELECT count(), sum(value), sum(version) FROM replacing FINAL",
            note: format!("ReplacingMergeTree, parts of {each} rows"),
        },
        Case {
            name: "OPTIMIZE FINAL of such parts",
            setup: Vec::new(),
            before: overlapping(rows),
            // started in the time that is taken: else the engine that goes first has merged before it is asked to
            timed: Box::new(|_| all(&["SYSTEM START MERGES replacing", "OPTIMIZE TABLE replacing FINAL"])),
            check: "SELECT count(), sum(value), sum(version) FROM replacing",
            note: format!("ReplacingMergeTree, parts of {each} rows, one after it"),
        },
        Case {
            name: "UPDATE of one row",
            setup: plain(rows),
            before: Vec::new(),
            timed: Box::new(move |run| {
                let id = rows / 7 * (run + 1) % rows;
                vec![format!("ALTER TABLE plain UPDATE value = 5000 WHERE id = {id} SETTINGS mutations_sync = 2")]
            }),
            check: "SELECT count(), sum(value) FROM plain",
            note: format!("of {rows}, by key, mutations_sync = 2"),
        },
        Case {
            name: "UPDATE of one row in a thousand",
            setup: Vec::new(),
            before: Vec::new(),
            timed: Box::new(|run| {
                let sql = "ALTER TABLE plain UPDATE value = value + 1 WHERE id % 1000 =";
                vec![format!("{sql} {run} SETTINGS mutations_sync = 2")]
            }),
            check: "SELECT count(), sum(value) FROM plain",
            note: format!("of {rows}, all over the table"),
        },
        Case {
            name: "DELETE of one row in a thousand",
            setup: Vec::new(),
            before: Vec::new(),
            timed: Box::new(|run| vec![format!("DELETE FROM plain WHERE id % 1000 = {}", 500 + run)]),
            check: "SELECT count(), sum(value) FROM plain",
            note: format!("of {rows}, all over the table"),
        },
        Case {
            name: "TTL of one day of ninety",
            setup: Vec::new(),
            before: days(rows),
            timed: Box::new(|_| {
                let sql = "ALTER TABLE days MODIFY TTL day + INTERVAL";
                vec![format!("{sql} {} DAY SETTINGS mutations_sync = 2", DAYS - 1), "OPTIMIZE TABLE days".to_owned()]
            }),
            check: "SELECT uniqExact(day), count(), sum(value) FROM days WHERE day > today() - 89",
            note: format!("{rows} rows, a partition a day, ttl_only_drop_parts = 1"),
        },
        Case {
            name: "lookups by bloom_filter",
            setup: indexed(rows),
            before: Vec::new(),
            timed: Box::new(move |run| lookups(rows, run, |id| format!("session = hex(cityHash64({id}))"))),
            check: "SELECT id FROM indexed WHERE session = hex(cityHash64(4321))",
            note: format!("{LOOKUPS} of one String each, of {rows} rows"),
        },
        Case {
            name: "lookups by tokenbf_v1",
            setup: Vec::new(),
            before: Vec::new(),
            timed: Box::new(move |run| lookups(rows, run, |id| format!("hasToken(message, '{id}')"))),
            check: "SELECT count() FROM indexed WHERE hasToken(message, '4321')",
            note: format!("{LOOKUPS} of one word each, of {rows} rows"),
        },
    ]
}

fn lookups(rows: u64, run: u64, condition: impl Fn(u64) -> String) -> Vec<String> {
    let id = |at: u64| (run * LOOKUPS + at + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) % rows;
    (0..LOOKUPS).map(|at| format!("SELECT count(), max(id) FROM indexed WHERE {}", condition(id(at)))).collect()
}

struct Bench {
    runs: u64,
    env: Env,
    peer: Peer,
    figures: Vec<Figure>,
}

pub(super) async fn run(args: &EnginesArgs, bench: &BenchArgs, folder: &Path) -> Result<()> {
    let peer = Peer::start(&bench.python, &folder.join("peer"))?;
    let runs = u64::try_from(bench.runs.max(1)).unwrap_or(u64::MAX);
    let mut bench = Bench { runs, env: env::real::env(), peer, figures: Vec::new() };
    bench.peer.run(&all(&["CREATE DATABASE bench", "USE bench"]))?;
    let database = Database::open(Some(&fresh_folder(folder, "engines")?), Access::default()).await?;
    let mut session = database.session()?;
    let measured = bench.cases(&mut session, args).await;
    database.close().await?;
    measured?;
    output::line(&table(&bench.figures, &bench.peer.version))
}

impl Bench {
    async fn cases(&mut self, session: &mut Session, args: &EnginesArgs) -> Result<()> {
        for case in cases(args.rows) {
            // what a case makes, those after it may use
            if args.only.is_empty() || args.only.iter().any(|only| case.name.contains(only.as_str())) {
                self.case(session, &case).await?;
            } else if !case.setup.is_empty() {
                self.both(session, &case.setup).await?;
            }
        }
        Ok(())
    }

    async fn case(&mut self, session: &mut Session, case: &Case) -> Result<()> {
        output::line(case.name)?;
        self.both(session, &case.setup).await?;
        let (mut ours, mut theirs) = (Samples::default(), Samples::default());
        for run in 0..self.runs {
            self.both(session, &case.before).await?;
            let timed = (case.timed)(run);
            theirs.push(self.peer.run(&timed)?.seconds.iter().sum());
            let watch = Stopwatch::start(&self.env);
            execute(session, &timed).await?;
            ours.push(watch.seconds());
            self.compare(session, case.check).await?;
        }
        self.figures.push(Figure::new(case.name, "s", Better::Less, ours).beside(theirs).noted(case.note.clone()));
        Ok(())
    }

    async fn both(&mut self, session: &mut Session, sql: &[String]) -> Result<()> {
        if !sql.is_empty() {
            self.peer.run(sql)?;
        }
        execute(session, sql).await
    }

    async fn compare(&mut self, session: &mut Session, query: &str) -> Result<()> {
        let ours = text(session, query, "TabSeparated").await?;
        let peer = self.peer.run(&[query.to_owned()])?.text;
        match is_same(&ours, &peer) {
            true => Ok(()),
            false => Err(Error::Differs { query: query.to_owned(), ours, peer }),
        }
    }
}

/// Runs statements and reads whatever they answer.
async fn execute(session: &mut Session, sql: &[String]) -> Result<()> {
    for sql in sql {
        match sql.starts_with("SELECT") {
            true => drop(text(session, sql, "TabSeparated").await?),
            false => drop(session.execute(Request::new(sql.clone())).await?),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_is_read() {
        for case in cases(1000) {
            for sql in
                case.setup.iter().chain(&case.before).chain(&(case.timed)(1)).map(String::as_str).chain([case.check])
            {
                assert_eq!(engine::statements(sql).unwrap().len(), 1, "{sql}");
            }
        }
    }
}
