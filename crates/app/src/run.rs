//! `everview run`: a file through a pipeline, resumably, with counts at the end.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use engine::{Access, Answer, InputReport, Landing, Request, RunInput, Session, WindowCounts};
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::RunArgs;
use crate::database::Database;
use crate::error::{Error, Result};
use crate::input::{self, Input};
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
        let source = input.source.clone();
        let bar = bar(&input);
        let run = RunInput {
            data: input.data,
            format: input.format,
            identity: input.identity,
            source: source.clone(),
            table: format!("{}.{}", landing.database, landing.table),
            batch_rows: args.batch_rows,
        };
        let report = session.run_input(run, |rows, bytes| {
            bar.set_position(bytes);
            bar.set_message(format!("{rows} rows"));
            !stop.is_cancelled()
        });
        let report = report.await;
        bar.finish_and_clear();
        let report = report?;
        let counts = Counts::of(&mut session, &landing, &source, report).await?;
        println!("{}", if args.json { counts.json() } else { counts.text(stop.is_cancelled()) });
        Ok(())
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
    let bar = match input.is_packed || input.size_bytes == 0 {
        true => ProgressBar::new_spinner(),
        false => ProgressBar::new(input.size_bytes),
    };
    let template = "{wide_bar} {bytes}/{total_bytes} {msg} {bytes_per_sec} {eta}";
    if let Ok(style) = ProgressStyle::with_template(template)
        && bar.length().is_some()
    {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// What became of an input: its rows by fate, and what the windows over its table did.
#[derive(Debug)]
struct Counts {
    report: InputReport,
    rejected: BTreeMap<String, u64>,
    windows: WindowCounts,
}

impl Counts {
    async fn of(session: &mut Session, landing: &Landing, source: &str, report: InputReport) -> Result<Counts> {
        let rejected = match &landing.dead_letters {
            Some(table) => rejected(session, table, Some(source)).await?,
            None => BTreeMap::new(),
        };
        Ok(Counts { report, rejected, windows: session.window_counts(landing).await? })
    }

    fn json(&self) -> String {
        serde_json::json!({
            "read": self.report.rows_read,
            "rejected": self.rejected,
            "duplicates": self.windows.duplicates,
            "late": self.windows.late,
            "on_time": self.windows.on_time,
            "windows": self.windows.emitted,
            "resumed_at": self.report.resumed_at,
            "was_complete": self.report.was_complete,
        })
        .to_string()
    }

    fn text(&self, is_stopped: bool) -> String {
        let mut lines = Vec::new();
        if self.report.was_complete {
            lines.push("this input was complete before: nothing was done".to_owned());
        } else if self.report.resumed_at > 0 {
            lines.push(format!("continued behind row {}", self.report.resumed_at));
        }
        if is_stopped {
            lines.push("stopped: the same command continues".to_owned());
        }
        lines.push(format!("read        {}", self.report.rows_read));
        lines.push(format!("rejected    {}", self.rejected.values().sum::<u64>()));
        lines.extend(self.rejected.iter().map(|(reason, count)| format!("  {reason:<12}{count}")));
        lines.push(format!("duplicates  {}", self.windows.duplicates));
        lines.push(format!("late        {}", self.windows.late));
        lines.push(format!("on time     {}", self.windows.on_time));
        lines.push(format!("windows     {}", self.windows.emitted));
        lines.join("\n")
    }
}

/// Dead letters by reason, of one source or of all.
pub(crate) async fn rejected(
    session: &mut Session,
    table: &str,
    source: Option<&str>,
) -> Result<BTreeMap<String, u64>> {
    let condition = source.map_or("", |_| "WHERE source = {source:String}");
    let mut request = Request::new(format!("SELECT reason, count() FROM {table} {condition} GROUP BY reason"));
    request.format = Some("TabSeparated".to_owned());
    request.params.extend(source.map(|source| ("source".to_owned(), source.to_owned())));
    let Answer::Rows(rows) = session.execute(request).await? else { return Ok(BTreeMap::new()) };
    let text = rows.encode_all().await?;
    let text = String::from_utf8_lossy(&text);
    let pairs = text.lines().filter_map(|line| line.split_once('\t'));
    Ok(pairs.map(|(reason, count)| (reason.to_owned(), count.parse().unwrap_or(0))).collect())
}
