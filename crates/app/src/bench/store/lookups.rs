//! Lookups by the whole key, in process: few keys, all keys, and all keys with a cache of a tenth of them.

use engine::{Access, Request, StoreConfig};

use super::super::figures::{Better, Figure, Samples, Stopwatch};
use super::super::fresh_folder;
use super::{Bench, TABLE, fill};
use crate::database::{Database, Limits};
use crate::demo::report::text;
use crate::error::{Error, Result};
use crate::output;

/// About what a row of the table takes in the cache.
const ROW_BYTES: u64 = 48;
/// Lookups of the real engine in a run.
const PEER_LOOKUPS: usize = 200;

impl Bench<'_> {
    pub(super) async fn all_lookups(&mut self) -> Result<()> {
        let keys = self.args.keys;
        self.lookups(1_000, 1, "lookup of one of 1,000 keys").await?;
        self.lookups(keys, 1, "lookup of one of all keys").await?;
        self.lookups(keys, 10, "same, cache of a tenth").await
    }

    /// `SELECT … FINAL WHERE id = …`, keys at random; the cache holds one of `share` rows.
    async fn lookups(&mut self, keys: u64, share: u64, name: &str) -> Result<()> {
        output::line(&format!("{name}: {keys} keys"))?;
        self.peer_table()?;
        self.peer.run(&[fill(keys)])?;
        let cache_bytes_max = usize::try_from(keys.max(100_000) * ROW_BYTES / share).unwrap_or(usize::MAX);
        let store = StoreConfig { cache_bytes_max, ..StoreConfig::default() };
        let limits = Limits { store: Some(store), ..Limits::default() };
        let folder = fresh_folder(self.folder, "lookups")?;
        let database = Database::open_limited(Some(&folder), Access::default(), limits).await?;
        let mut session = database.session()?;
        session.execute(Request::new(TABLE.to_owned())).await?;
        session.execute(Request::new(fill(keys))).await?;
        // what a server would have on disk and in memory after a while
        self.merges_at_rest_here(&mut session).await?;
        text(&mut session, "SELECT max(version), max(name) FROM keyed WHERE id >= 0", "TabSeparated").await?;
        let (mut ours, mut peer) = ([Samples::default(), Samples::default()], [Samples::default(), Samples::default()]);
        for _ in 0..self.runs {
            let asked = |_| format!("SELECT * FROM keyed FINAL WHERE id = {}", self.env.rng.uuid() % u128::from(keys));
            let asked: Vec<String> = (0..self.args.lookups).map(asked).collect();
            let answer = self.peer.run(&asked[..asked.len().min(PEER_LOOKUPS)])?;
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
        let note = format!("{keys} keys, in process, {} lookups a run", self.args.lookups);
        for (share, (ours, peer)) in ["p50", "p99"].into_iter().zip(ours.into_iter().zip(peer)) {
            let figure = Figure::new(&format!("{name}, {share}"), "µs", Better::Less, ours).beside(peer);
            self.figures.push(figure.noted(note.clone()));
        }
        Ok(())
    }
}
