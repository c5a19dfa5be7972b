//! `everview run`: a file through a pipeline, resumably, with counts at the end.

use std::io::IsTerminal;
use std::time::Duration;

use engine::{Access, InputKind, InputReport, Landing, RunInput, Session};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use crate::cli::RunArgs;
use crate::database::Database;
use crate::error::{Error, Result};
use crate::input::{self, Input};
use crate::output;
use crate::server::stop_on_signals;

/// Runs the pipeline over the input.
pub(crate) async fn run(args: RunArgs) -> Result<()> {
    let script = std::fs::read_to_string(&args.pipeline)
        .map_err(|error| Error::Read { path: args.pipeline.clone(), reason: error.to_string() })?;
    let (table, file) = input::table_and_file(&args.input);
    let stop = stop_on_signals()?;
    let env = env::real::env();
    let input = Input::open(&env, &file).await?;
    let database = Database::open(Some(&args.data), Access::default()).await?;
    let ran = async {
        let mut session = database.session()?;
        session.set_up(&script).await?;
        let landing = landing(&session, table.as_deref())?;
        let bar = bar(&input);
        let is_file = matches!(input.kind, InputKind::File(_));
        let clock = database.engine.env().clock.clone();
        let started_ns = clock.monotonic_ns();
        let run = RunInput {
            data: input.data,
            format: input.format,
            kind: input.kind,
            source: input.source,
            table: format!("{}.{}", landing.database, landing.table),
            batch_rows: args.batch_rows,
            taken_bytes: input.taken_bytes,
            stop,
        };
        let report = session.run_input(run, |counts, taken_bytes| {
            bar.set_position(taken_bytes);
            bar.set_message(format!("{} rows", HumanCount(counts.read)));
        });
        let report = report.await;
        bar.finish_and_clear();
        let seconds = clock.monotonic_ns().saturating_sub(started_ns) as f64 / 1e9;
        let closing = Closing { report: report?, seconds };
        output::line(&if args.json { closing.json() } else { closing.text() })?;
        match (closing.report.was_stopped, is_file) {
            (false, _) => Ok(()),
            (true, true) => Err(Error::Stopped("the same command continues where it stood")),
            (true, false) => Err(Error::Stopped("what was committed is kept; this input cannot be continued")),
        }
    };
    let ran = ran.await;
    let closed = database.close().await;
    ran.and(closed)
}

/// The table that rows go to: the one that is named, or the only one that they can be meant for.
pub(crate) fn landing(session: &Session, named: Option<&str>) -> Result<Landing> {
    let landings = session.landings()?;
    if let Some(named) = named {
        let (database, table) = named.split_once('.').unwrap_or((session.database(), named));
        let known = landings.into_iter().find(|landing| landing.database == database && landing.table == table);
        let unknown = Landing { database: database.to_owned(), table: table.to_owned(), dead_letters: None };
        return Ok(known.unwrap_or(unknown));
    }
    let names: Vec<String> = landings.iter().map(|landing| landing.table.clone()).collect();
    match (landings.into_iter().next(), names.len()) {
        (None, _) => Err(Error::NoLanding),
        (Some(landing), 1) => Ok(landing),
        (Some(_), _) => Err(Error::SeveralLandings(names.join(", "))),
    }
}

/// A bar over the bytes where their number is known, in a terminal only.
fn bar(input: &Input) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, template) = match input.size_bytes {
        Some(size) => (ProgressBar::new(size), "{percent:>3} % [{wide_bar}] {msg}, {eta} left"),
        None => (ProgressBar::new_spinner(), "{spinner} {msg} in {elapsed}"),
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// What is said at the end: what became of the input's rows.
#[derive(Debug)]
struct Closing {
    report: InputReport,
    /// How long this run took.
    seconds: f64,
}

impl Closing {
    fn json(&self) -> String {
        let counts = &self.report.counts;
        serde_json::json!({
            "read": counts.read,
            "rejected": counts.rejected,
            "duplicates": counts.duplicates,
            "late": counts.late,
            "on_time": counts.on_time,
            "windows": counts.windows,
            "resumed_at": self.report.resumed_at,
            "was_complete": self.report.was_complete,
            "was_stopped": self.report.was_stopped,
            "seconds": (self.seconds * 1e3).round() / 1e3,
        })
        .to_string()
    }

    fn text(&self) -> String {
        let (report, counts) = (&self.report, &self.report.counts);
        let mut lines = Vec::new();
        if report.was_complete {
            lines.push("this input was complete before: nothing was done".to_owned());
        } else if report.resumed_at > 0 {
            lines.push(format!("continued behind row {}", report.resumed_at));
        }
        lines.push(format!("read        {}", counts.read));
        lines.push(format!("rejected    {}", counts.rejected.values().sum::<u64>()));
        lines.extend(counts.rejected.iter().map(|(reason, count)| format!("  {reason:<12}{count}")));
        lines.push(format!("duplicates  {}", counts.duplicates));
        lines.push(format!("late        {}", counts.late));
        lines.push(format!("on time     {}", counts.on_time));
        lines.push(format!("windows     {}", counts.windows));
        if !report.was_complete {
            let rows = counts.read - report.resumed_at;
            let rate = (rows as f64 / self.seconds.max(0.001)).round();
            lines.push(format!("{rows} rows in {:.1} s, {rate:.0} a second", self.seconds));
        }
        lines.join("\n")
    }
}
