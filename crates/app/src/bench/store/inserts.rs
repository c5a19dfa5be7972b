//! Inserts of 1, 100 and 1,000 rows over HTTP, each on the disk before it is answered.

use super::super::figures::{Better, Figure, Samples};
use super::super::fresh_folder;
use super::super::load::ServerProcess;
use super::{Bench, TABLE, event};
use crate::error::{Error, Result};
use crate::output;

/// Rows of an insert, connections, inserts a connection. One client of the real engine is compared with both.
const INSERTS: [(u64, usize, usize); 6] =
    [(1, 1, 1_000), (1, 32, 200), (100, 1, 500), (100, 32, 100), (1_000, 1, 250), (1_000, 32, 50)];
/// Inserts of the real engine in a run: it makes a part of each.
const PEER_INSERTS: usize = 250;

/// Rows from `first` on as a statement.
fn insert(first: u64, rows: u64) -> String {
    let line = |id: u64| format!("{id}\tname-{id}\t1\n");
    format!("INSERT INTO keyed FORMAT TabSeparated\n{}", (first..first + rows).map(line).collect::<String>())
}

impl Bench<'_> {
    pub(super) async fn inserts(&mut self) -> Result<()> {
        for (rows, connections, each) in INSERTS {
            output::line(&format!("inserts of {rows} rows over {connections} connections"))?;
            let of = |count: usize| (0..count as u64).map(|at| insert(at * rows, rows)).collect::<Vec<_>>();
            let statements = of(each * connections);
            let total = statements.len() as f64 * rows as f64;
            let (mut ours, mut peer, mut grouped) = (Samples::default(), Samples::default(), Samples::default());
            for _ in 0..self.runs {
                self.peer_table()?;
                let seconds: f64 = self.peer.run(&of(PEER_INSERTS))?.seconds.iter().sum();
                peer.push(PEER_INSERTS as f64 * rows as f64 / seconds);
                let server = ServerProcess::start(&fresh_folder(self.folder, "inserts")?)?;
                server.run(TABLE).await?;
                let synced = event(&server, "StoreLogGroups").await?;
                let seconds = server.send(&self.env, &statements, connections).await?;
                ours.push(total / seconds);
                grouped.push(total / (event(&server, "StoreLogGroups").await? - synced));
                let count = server.run("SELECT count() FROM keyed FORMAT TabSeparated").await?;
                if count.trim().parse() != Ok(total) {
                    let peer = format!("{total}");
                    return Err(Error::Differs { query: "SELECT count() FROM keyed".to_owned(), ours: count, peer });
                }
            }
            let name = format!("{rows} rows an insert, {connections} connections");
            let note = format!(
                "{} inserts of TabSeparated over HTTP, {:.1} rows an fsync; the peer: {PEER_INSERTS} in process, no fsync",
                statements.len(),
                grouped.quantile(0.5)
            );
            self.figures.push(Figure::new(&name, "rows/s", Better::More, ours).beside(peer).noted(note));
        }
        Ok(())
    }
}
