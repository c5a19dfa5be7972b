//! What a server holds and how long it takes to start: idle, with all keys loaded, after a kill.

use std::time::Duration;

use engine::Session;

use super::super::figures::{Better, Figure, Samples, Stopwatch};
use super::super::fresh_folder;
use super::super::load::ServerProcess;
use super::{Bench, TABLE, fill, write_amplification};
use crate::demo::report::text;
use crate::error::{Error, Result};
use crate::output;

/// How long a server is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(10);
const BYTES: &str = "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'keyed' FORMAT TabSeparated";
/// What was freed is given back to the system ten seconds later, at the next look (decision 121).
const EVICTED: Duration = Duration::from_secs(20);
/// What is the same before and after when nothing is merged.
const PARTS: &str =
    "SELECT count(), max(modification_time), (SELECT count() FROM system.merges) FROM system.parts WHERE active";
const SUMS: &str = "SELECT count(), sum(id), sum(length(name)), sum(version) FROM keyed FORMAT TabSeparated";

impl Bench<'_> {
    pub(super) async fn idle(&mut self) -> Result<()> {
        output::line("an idle server")?;
        let mut ours = Samples::default();
        for _ in 0..self.runs {
            let server = ServerProcess::start(&fresh_folder(self.folder, "idle")?)?;
            self.env.clock.sleep(IDLE).await;
            ours.push(server.memory_bytes()? / 1e6);
        }
        let figure = Figure::new("memory of an idle server", "MB", Better::Less, ours);
        self.figures.push(figure.noted("an empty folder, 10 s after the start"));
        Ok(())
    }

    /// A server with all keys is killed; how long the next one takes to listen, and what it and the disk hold then.
    pub(super) async fn recovery(&mut self) -> Result<()> {
        let folder = fresh_folder(self.folder, "recovery")?;
        let server = ServerProcess::start(&folder)?;
        server.run(TABLE).await?;
        server.run(&fill(self.args.keys)).await?;
        let sums = server.run(SUMS).await?;
        let (mut loaded, mut evicted) = (Samples::default(), Samples::default());
        loaded.push(server.memory_bytes()? / 1e6);
        server.run("SYSTEM DROP MARK CACHE").await?;
        self.env.clock.sleep(EVICTED).await;
        evicted.push(server.memory_bytes()? / 1e6);
        drop(server);
        let seconds = self.starts(&folder, &sums).await?;

        let server = ServerProcess::start(&folder)?;
        let (mut memory, mut disk, mut amplified) = (Samples::default(), Samples::default(), Samples::default());
        memory.push(server.memory_bytes()? / 1e6);
        server.run("OPTIMIZE TABLE keyed FINAL").await?;
        disk.push(server.run(BYTES).await?.trim().parse::<f64>().unwrap_or(f64::NAN) / 1e6);
        drop(server);
        self.peer_table()?;
        let bytes = BYTES.replace("table =", "database = 'bench' AND table =");
        let sql = [fill(self.args.keys), "OPTIMIZE TABLE keyed FINAL".to_owned(), bytes];
        let mut peer = Samples::default();
        peer.push(self.peer.run(&sql)?.text.trim().parse::<f64>().unwrap_or(f64::NAN) / 1e6);
        amplified.push(self.amplification_of_batches().await?);

        let keys = format!("{} keys", self.args.keys);
        let ours = |name, unit, ours| Figure::new(name, unit, Better::Less, ours).noted(keys.clone());
        self.figures.push(ours("start after a kill", "s", seconds));
        self.figures.push(ours("memory, loaded and read", "MB", loaded));
        self.figures.push(ours("memory after SYSTEM DROP MARK CACHE", "MB", evicted));
        self.figures.push(ours("memory after a start", "MB", memory));
        self.figures.push(ours("bytes on disk after OPTIMIZE", "MB", disk).beside(peer));
        let note = "log, part files, merges and checkpoints; 2,000 inserts of 1,000 rows over HTTP, merges at rest";
        let figure = Figure::new("bytes written a byte inserted", "times", Better::Less, amplified);
        self.figures.push(figure.noted(note));
        Ok(())
    }

    async fn starts(&self, folder: &std::path::Path, sums: &str) -> Result<Samples> {
        let mut seconds = Samples::default();
        for run in 0..self.runs {
            output::line(&format!("start after a kill {} of {}", run + 1, self.runs))?;
            let watch = Stopwatch::start(&self.env);
            let server = ServerProcess::start(folder)?;
            seconds.push(watch.seconds());
            let found = server.run(SUMS).await?;
            if found != sums {
                return Err(Error::Differs { query: SUMS.to_owned(), ours: found, peer: sums.to_owned() });
            }
        }
        Ok(seconds)
    }

    /// Many inserts in batches, until merges have come to rest.
    async fn amplification_of_batches(&self) -> Result<f64> {
        output::line("bytes written by inserts and merges")?;
        let server = ServerProcess::start(&fresh_folder(self.folder, "amplification")?)?;
        server.run(TABLE).await?;
        let batch = |at: u64| {
            let line = |id: u64| format!("{id}\tname-{id}\t1\n");
            let rows: String = (at * 1_000..(at + 1) * 1_000).map(line).collect();
            format!("INSERT INTO keyed FORMAT TabSeparated\n{rows}")
        };
        let statements: Vec<String> = (0..2_000).map(batch).collect();
        server.send(&self.env, &statements, 4).await?;
        self.merges_at_rest(&server).await?;
        write_amplification(&server).await
    }

    /// Waits until the parts have been the same for a while.
    pub(super) async fn merges_at_rest(&self, server: &ServerProcess) -> Result<()> {
        self.rest(async || server.run(PARTS).await).await
    }

    /// The same for a database in this process.
    pub(super) async fn merges_at_rest_here(&self, session: &mut Session) -> Result<()> {
        self.rest(async || text(session, PARTS, "TabSeparated").await).await
    }

    async fn rest(&self, mut parts: impl AsyncFnMut() -> Result<String>) -> Result<()> {
        let (mut seen, mut quiet) = (String::new(), 0);
        while quiet < 8 {
            self.env.clock.sleep(Duration::from_secs(1)).await;
            let now = parts().await?;
            quiet = if now == seen { quiet + 1 } else { 0 };
            seen = now;
        }
        Ok(())
    }
}
