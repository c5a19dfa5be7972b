//! The pipeline's tables after very many inserts of one row, before and after OPTIMIZE, over HTTP.

use super::super::data::Results;
use super::super::figures::{Better, Figure, Samples, Stopwatch};
use super::super::fresh_folder;
use super::super::load::ServerProcess;
use super::super::pipeline::{ALL_PRODUCTS, COLUMNS, is_same, of_product, queries, tables};
use super::{Bench, event};
use crate::error::{Error, Result};
use crate::output;

const CONNECTIONS: usize = 32;
/// How often a query is asked in a run.
const ASKED: usize = 50;

impl Bench<'_> {
    pub(super) async fn after_small_inserts(&mut self) -> Result<()> {
        let count = self.args.one_row_inserts;
        output::line(&format!("{count} inserts of one row"))?;
        let now_seconds = u64::try_from(self.env.clock.now_ns() / 1_000_000_000).unwrap_or_default();
        let results = Results { rows: count as u64, end_seconds: now_seconds / 60 * 60 };
        let batches = results.batches(&mut self.peer, count.div_ceil(1_000) as u64)?;
        let insert = |row: &str| format!("INSERT INTO ctr_results_raw ({COLUMNS}) FORMAT TabSeparated\n{row}\n");
        let statements: Vec<String> = batches.iter().flat_map(|text| text.lines()).map(insert).collect();
        let server = ServerProcess::start(&fresh_folder(self.folder, "small")?)?;
        for table in tables()? {
            server.run(table).await?;
        }
        let synced = event(&server, "StoreLogGroups").await?;
        let seconds = server.send(&self.env, &statements, CONNECTIONS).await?;
        let grouped = statements.len() as f64 / (event(&server, "StoreLogGroups").await? - synced);
        let mut rate = Samples::default();
        rate.push(statements.len() as f64 / seconds);
        let note = format!("{count} inserts with both views over HTTP, {grouped:.1} rows an fsync");
        let name = format!("1 row an insert, {CONNECTIONS} connections, long");
        self.figures.push(Figure::new(&name, "rows/s", Better::More, rate).noted(note));

        let hour = queries()?.get(1).copied().unwrap_or_default();
        let asked = [("last hour", hour), ("last hour of all products", ALL_PRODUCTS)];
        let before = self.times(&server, &asked, results.end_seconds).await?;
        for table in ["ctr_results_raw", "ctr_ml_view", "ctr_latest_view"] {
            server.run(&format!("OPTIMIZE TABLE {table} FINAL")).await?;
        }
        let after = self.times(&server, &asked, results.end_seconds).await?;
        for ((name, query), (before, after)) in asked.into_iter().zip(before.into_iter().zip(after)) {
            if !is_same(&before.1, &after.1) {
                return Err(Error::Differs { query: query.to_owned(), ours: before.1, peer: after.1 });
            }
            let note = format!("over HTTP, after {count} inserts of one row");
            let mut ratio = Samples::default();
            ratio.push(before.0.quantile(0.5) / after.0.quantile(0.5));
            let figure = |what: &str, unit, ours| Figure::new(&format!("{name}, {what}"), unit, Better::Less, ours);
            self.figures.push(figure("before OPTIMIZE", "ms", before.0).noted(note.clone()));
            self.figures.push(figure("after OPTIMIZE", "ms", after.0).noted(note));
            self.figures.push(figure("before / after OPTIMIZE", "times", ratio));
        }
        Ok(())
    }

    /// Medians of each query, and one answer of it at a fixed time.
    async fn times(
        &self,
        server: &ServerProcess,
        asked: &[(&str, &str)],
        end_seconds: u64,
    ) -> Result<Vec<(Samples, String)>> {
        let mut all = Vec::with_capacity(asked.len());
        for (_, query) in asked {
            let mut samples = Samples::default();
            for _ in 0..self.runs {
                let mut run = Samples::default();
                for _ in 0..ASKED {
                    let query = of_product(query, self.env.rng.uuid() % 1_000);
                    let watch = Stopwatch::start(&self.env);
                    server.run(&query).await?;
                    run.push(watch.seconds() * 1e3);
                }
                samples.push(run.quantile(0.5));
            }
            let fixed = of_product(query, 0).replace("now()", &format!("toDateTime({end_seconds}, 'UTC')"));
            all.push((samples, server.run(&format!("{fixed} FORMAT TabSeparated")).await?));
        }
        Ok(all)
    }
}
