//! What the demo shows while events are taken in: once a second, where everything stands.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::time::Duration;

use console::{Term, truncate_str};
use engine::{InputCounts, InputReport, RunInput, Session};
use futures::FutureExt;
use tokio::sync::{oneshot, watch};

use super::report;
use crate::database::Database;
use crate::error::Result;
use crate::output;

const FRESHNESS: &str = include_str!("../../../../examples/ctr/freshness.sql");
const TOP: &str = include_str!("../../../../examples/ctr/top.sql");
const SECOND: Duration = Duration::from_secs(1);

/// Takes the events in beside the screen, until they are over or stopped.
pub(super) async fn run(database: &Database, run: RunInput, address: SocketAddr) -> Result<InputReport> {
    let env = database.engine.env();
    let (told, counts) = watch::channel(InputCounts::default());
    let (ended, end) = oneshot::channel();
    let mut writer = database.session()?;
    // a task of its own: what is asked for the screen must not hold the events up
    let task = env.spawner.spawn(
        "feed",
        Box::pin(async move {
            let report = writer.run_input(run, |counts, _| {
                told.send_replace(counts.clone());
            });
            // nobody hears it when the screen failed
            let _ = ended.send(report.await);
        }),
    );
    let mut end = end.fuse();
    let mut screen = Screen::new(database, address)?;
    loop {
        tokio::select! {
            biased;
            report = &mut end => {
                task.join().await;
                let shown = screen.show(&counts).await;
                let Ok(report) = report else { return Err(crate::error::Error::FeedEnded) };
                return shown.and(Ok(report?));
            }
            () = env.clock.sleep(SECOND) => {}
        }
        if let Err(error) = screen.show(&counts).await {
            task.abort();
            task.join().await;
            return Err(error);
        }
    }
}

struct Screen<'a> {
    database: &'a Database,
    session: Session,
    address: SocketAddr,
    terminal: Option<Term>,
    started_ns: u64,
    /// Events and time when it was last shown.
    last: (u64, u64),
}

impl Screen<'_> {
    fn new(database: &Database, address: SocketAddr) -> Result<Screen<'_>> {
        let session = database.session()?;
        let terminal = std::io::stdout().is_terminal().then(Term::stdout);
        let started_ns = database.engine.env().clock.monotonic_ns();
        Ok(Screen { database, session, address, terminal, started_ns, last: (0, started_ns) })
    }

    async fn show(&mut self, counts: &watch::Receiver<InputCounts>) -> Result<()> {
        let now_ns = self.database.engine.env().clock.monotonic_ns();
        let counts = counts.borrow().clone();
        let (read_before, before_ns) = std::mem::replace(&mut self.last, (counts.read, now_ns));
        let seconds = (now_ns.saturating_sub(before_ns) as f64 / 1e9).max(0.001);
        let rate = (counts.read - read_before) as f64 / seconds;
        let rejected: u64 = counts.rejected.values().sum();
        let freshness = report::text(&mut self.session, FRESHNESS, "TabSeparated").await?;
        let Some(terminal) = self.terminal.clone() else {
            let fresh: Vec<String> = freshness.lines().map(|view| view.replace('\t', " ")).collect();
            return output::line(&format!(
                "{} events · {rate:.0}/s · {} windows closed · {} late · {} duplicates · {rejected} rejected · fresh: {}",
                counts.read,
                counts.windows,
                counts.late,
                counts.duplicates,
                fresh.join(", ")
            ));
        };
        let top = report::text(&mut self.session, TOP, "PrettyCompact").await?;
        let elapsed = (now_ns.saturating_sub(self.started_ns)) as f64 / 1e9;
        let mut lines = vec![
            format!("everview demo · {elapsed:.0} s · http://{}", self.address),
            String::new(),
            format!("  {:<20}{:>12}  {rate:.0} a second", "events", counts.read),
            format!("  {:<20}{:>12}", "windows closed", counts.windows),
            format!("  {:<20}{:>12}", "late", counts.late),
            format!("  {:<20}{:>12}", "duplicates", counts.duplicates),
            format!("  {:<20}{rejected:>12}{}", "rejected", reasons(&counts)),
            String::new(),
            "behind now".to_owned(),
        ];
        for view in freshness.lines() {
            let (name, behind) = view.split_once('\t').unwrap_or((view, ""));
            lines.push(format!("  {name:<20}{behind:>12}"));
        }
        lines.extend([String::new(), "highest CTR in the newest windows".to_owned()]);
        lines.extend(top.lines().map(str::to_owned));
        lines.push("Ctrl-C ends.".to_owned());
        draw(&terminal, &lines)
    }
}

fn reasons(counts: &InputCounts) -> String {
    let reasons: Vec<String> = counts.rejected.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    if reasons.is_empty() { String::new() } else { format!("  {}", reasons.join(", ")) }
}

/// Draws over what was drawn before, line by line, without a moment at which the screen is empty. What does not fit is
/// cut: a line that wraps would move everything below it.
fn draw(terminal: &Term, lines: &[String]) -> Result<()> {
    let (height, width) = terminal.size();
    let mut text = String::from("\x1b[H");
    for line in lines.iter().take(usize::from(height).saturating_sub(1)) {
        // a String takes everything that is written to it
        let _ = write!(text, "{}\x1b[K\r\n", truncate_str(line, width.into(), "…"));
    }
    text.push_str("\x1b[J");
    output::write(&text.into())?;
    output::flush()
}
