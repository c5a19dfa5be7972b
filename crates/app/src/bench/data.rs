//! The files that are measured with: results of windows as Parquet, made by the peer so that both read the same bytes, and
//! events as JSON lines.

use std::io::{BufWriter, Write};
use std::path::Path;

use engine::generator::{Generator, GeneratorConfig};

use super::peer::Peer;
use crate::error::{Error, Result};

/// Products in every window.
pub(super) const PRODUCTS: u64 = 1_000;
/// Length of a window.
const WINDOW_SECONDS: u64 = 10;

/// Results of windows, the newest of which ends at `end_seconds` since 1970.
pub(super) struct Results {
    pub(super) rows: u64,
    pub(super) end_seconds: u64,
}

impl Results {
    /// The SELECT that makes them up: popular products have more views.
    fn select(&self) -> String {
        let start_ms = (self.end_seconds - self.rows / PRODUCTS * WINDOW_SECONDS) * 1_000;
        let window_ms = WINDOW_SECONDS * 1_000;
        format!(
            "SELECT concat('product-', toString(p + 1)) AS product_id, clicks / impressions AS ctr, impressions, clicks, \
             fromUnixTimestamp64Milli(toInt64({start_ms} + w * {window_ms}), 'UTC') AS window_start, \
             fromUnixTimestamp64Milli(toInt64({start_ms} + (w + 1) * {window_ms}), 'UTC') AS window_end \
             FROM (SELECT number % {PRODUCTS} AS p, intDiv(number, {PRODUCTS}) AS w, \
             1 + cityHash64(number) % (20 + intDiv(2000, p + 1)) AS impressions, \
             intDiv(impressions * (cityHash64(number, 1) % 20), 100) AS clicks FROM numbers({}))",
            self.rows
        )
    }

    /// Writes them to a Parquet file.
    pub(super) fn write(&self, peer: &mut Peer, file: &Path) -> Result<()> {
        let sql = format!("{} INTO OUTFILE '{}' FORMAT Parquet", self.select(), file.display());
        peer.run(&[sql])?;
        Ok(())
    }

    /// The first of them as TabSeparated rows, one text a window.
    pub(super) fn batches(&self, peer: &mut Peer, windows: u64) -> Result<Vec<String>> {
        let sql = format!("SELECT * FROM ({}) LIMIT {}", self.select(), windows * PRODUCTS);
        let text = peer.run(&[sql])?.text;
        let lines: Vec<&str> = text.lines().collect();
        Ok(lines.chunks(PRODUCTS as usize).map(|lines| lines.join("\n") + "\n").collect())
    }
}

/// Writes made-up events, some of them late, repeated or no events at all.
pub(super) fn write_events(file: &Path, events: u64, end_seconds: u64) -> Result<()> {
    const EVENTS_A_SECOND: u64 = 2_000;
    let start_ms = end_seconds.saturating_sub(events / EVENTS_A_SECOND) * 1_000;
    let start_ms = i64::try_from(start_ms).unwrap_or(i64::MAX);
    let config = GeneratorConfig { seed: 1, start_ms, rate: EVENTS_A_SECOND, products: PRODUCTS as usize };
    let mut generator = Generator::new(config);
    let failed = |error: std::io::Error| Error::Read { path: file.to_owned(), reason: error.to_string() };
    let mut out = BufWriter::new(std::fs::File::create(file).map_err(failed)?);
    let mut line = Vec::new();
    for _ in 0..events {
        line.clear();
        generator.line(&mut line);
        out.write_all(&line).map_err(failed)?;
    }
    out.flush().map_err(failed)
}
