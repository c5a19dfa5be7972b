//! The demo's loop: insert what is due, and once a second show where everything stands.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use engine::{CancellationToken, Credentials, Engine, Landing, Request, Session, WindowCounts};
use futures::StreamExt;

use super::feed::{Feed, TICK};
use super::report;
use crate::error::Result;
use crate::run::{landing, rejected};

const FRESHNESS: &str = include_str!("../../../../examples/ctr/freshness.sql");
const TOP: &str = include_str!("../../../../examples/ctr/top.sql");
const SECOND: Duration = Duration::from_secs(1);

/// Runs until the feed is over or `stop`.
pub(super) async fn run(engine: &Engine, mut feed: Feed, stop: CancellationToken, address: SocketAddr) -> Result<()> {
    let clock = engine.env().clock.clone();
    let started_ns = clock.monotonic_ns();
    let elapsed = || Duration::from_nanos(clock.monotonic_ns().saturating_sub(started_ns));
    let mut writer = engine.session(&Credentials::default())?;
    let mut screen = Screen::new(engine, address)?;
    let mut shown_at = Duration::ZERO;
    while !feed.is_over(elapsed()) && !stop.is_cancelled() {
        let lines = feed.lines(elapsed());
        if !lines.is_empty() {
            insert(&mut writer, &screen.landing, lines).await?;
        }
        if shown_at + SECOND <= elapsed() {
            shown_at = elapsed();
            screen.show(feed.count(), shown_at).await?;
        }
        if feed.is_paced() {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = clock.sleep(TICK) => {}
            }
        }
    }
    screen.show(feed.count(), elapsed()).await
}

/// Inserts lines; what is no event becomes a dead letter.
async fn insert(session: &mut Session, landing: &Landing, lines: Vec<u8>) -> Result<()> {
    let table = format!("{}.{}", landing.database, landing.table);
    let mut request = Request::new(format!("INSERT INTO {table} FORMAT JSONEachRow\n"));
    request.data = Some(futures::stream::iter([Ok(Bytes::from(lines))]).boxed());
    session.execute(request).await?;
    Ok(())
}

struct Screen {
    session: Session,
    landing: Landing,
    address: SocketAddr,
    is_terminal: bool,
    /// Events and time when it was last shown.
    last: (u64, Duration),
}

impl Screen {
    fn new(engine: &Engine, address: SocketAddr) -> Result<Screen> {
        let session = engine.session(&Credentials::default())?;
        let landing = landing(&session, None)?;
        let is_terminal = std::io::stdout().is_terminal();
        Ok(Screen { session, landing, address, is_terminal, last: (0, Duration::ZERO) })
    }

    async fn show(&mut self, events: u64, elapsed: Duration) -> Result<()> {
        let counts = self.session.window_counts(&self.landing).await?;
        let rejected: u64 = match &self.landing.dead_letters {
            Some(table) => rejected(&mut self.session, table, None).await?.values().sum(),
            None => 0,
        };
        let (events_before, elapsed_before) = std::mem::replace(&mut self.last, (events, elapsed));
        let seconds = (elapsed - elapsed_before).as_secs_f64().max(0.001);
        let rate = ((events - events_before) as f64 / seconds).round();
        let line = line(events, rate, counts, rejected);
        let freshness = report::text(&mut self.session, FRESHNESS, "TabSeparated").await?;
        if !self.is_terminal {
            let fresh: Vec<String> = freshness.lines().map(|view| view.replace('\t', " ")).collect();
            println!("{line} · fresh: {}", fresh.join(", "));
            return Ok(());
        }
        let top = report::text(&mut self.session, TOP, "PrettyCompact").await?;
        // home, and clear what was there
        let mut text = String::from("\x1b[H\x1b[2J");
        let _ = writeln!(text, "everview demo · {:.0} s · http://{}\n\n{line}\n", elapsed.as_secs_f64(), self.address);
        for view in freshness.lines() {
            let (name, behind) = view.split_once('\t').unwrap_or((view, ""));
            let _ = writeln!(text, "  {name:<20}{behind}");
        }
        let _ = writeln!(text, "\nhighest CTR now\n{top}\nCtrl-C ends.");
        print!("{text}");
        Ok(())
    }
}

fn line(events: u64, rate: f64, counts: WindowCounts, rejected: u64) -> String {
    format!(
        "{events} events · {rate:.0}/s · {} window rows · {} late · {} duplicates · {rejected} rejected",
        counts.emitted, counts.late, counts.duplicates
    )
}
