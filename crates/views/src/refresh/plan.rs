//! What a REFRESH clause says, checked: the schedule, on whom it waits, how failures are met.

use std::collections::BTreeMap;
use std::sync::Arc;

use query::definition::Definition;
use sql::ast::{Literal, Refresh, RefreshMode, RefreshSchedule, Setting, SettingValue};
use store::{QualifiedName, TableDef};
use types::ErrorCode;
use types::text::time::Zone;

use super::schedule::Schedule;
use super::span::{Span, refuse};
use crate::error::Result;

/// A REFRESH clause.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    /// When.
    pub schedule: Schedule,
    /// Every dependency once, in the order written.
    pub depends_on: Vec<QualifiedName>,
    /// What becomes of the rows that are there.
    pub mode: RefreshMode,
    /// CONCURRENCY GROUP: no more of its views run at once than it allows.
    pub group: Option<Arc<str>>,
    /// PRIORITY: of views that are due the greater goes first.
    pub priority: i64,
    /// SETTINGS.
    pub options: Options,
}

/// The settings of a REFRESH clause.
#[derive(Clone, PartialEq, Debug)]
pub struct Options {
    /// Times that a failed run is tried again; below 0: without end.
    pub retries: i64,
    /// Wait before the first retry; doubles with each.
    pub backoff_initial_ms: i64,
    /// Longest wait before a retry.
    pub backoff_max_ms: i64,
    /// After downtime a slot that was missed is run, once; else the next one is waited for.
    pub runs_missed: bool,
    /// A run that could only begin when more than this share of the slot's period has passed is not begun any more: the
    /// next slot is waited for. In millionths; none: it runs however late.
    pub skip_millionths: Option<i64>,
    /// How many earlier contents of the target are kept.
    pub keep_generations: usize,
}

/// The settings that there are.
const NAMES: [&str; 9] = [
    "refresh_retries",
    "refresh_retry_initial_backoff_ms",
    "refresh_retry_max_backoff_ms",
    "all_replicas",
    "refresh_timezone",
    "refresh_on_miss",
    "refresh_skip_ratio",
    "keep_generations",
    "refresh_mode",
];

/// Generations that may be kept: each is a table.
pub const GENERATIONS_MAX: i64 = 100;

/// [`Options::skip_millionths`] of a whole period.
pub const WHOLE_PERIOD: i64 = 1_000_000;

impl Plan {
    /// The clause of a refreshable view; names without a database are in `database`.
    pub fn of(refresh: &Refresh, database: &str) -> Result<Plan> {
        let mut settings = texts(&refresh.settings)?;
        let zone = match settings.remove("refresh_timezone") {
            None => Zone::Utc,
            Some(name) => Zone::parse(&name).ok_or_else(|| {
                refuse(ErrorCode::BAD_ARGUMENTS, format!("refresh_timezone: unknown time zone \"{name}\""))
            })?,
        };
        let mut depends_on: Vec<QualifiedName> = Vec::new();
        for name in &refresh.depends_on {
            let database = name.database.as_ref().map_or(database, |database| &database.name);
            let name = QualifiedName::new(database, name.name.name.as_str());
            if !depends_on.contains(&name) {
                depends_on.push(name);
            }
        }
        let schedule = Schedule::of(refresh, zone)?;
        let (mode, priority) = (refresh.mode, refresh.priority.unwrap_or(0));
        let group = refresh.concurrency_group.as_ref().map(|group| group.name.as_str().into());
        let options = Options::of(settings)?;
        if options.keep_generations != 0 && mode != RefreshMode::Replace {
            let reason = "keep_generations is for refreshes that replace the whole content, not for APPEND or REPLACE \
                          PARTITIONS";
            return Err(refuse(ErrorCode::BAD_ARGUMENTS, reason));
        }
        Ok(Plan { schedule, depends_on, mode, group, priority, options })
    }

    /// The clause of a view as the catalogue has it; none for a view of another sort.
    pub fn of_view(view: &TableDef) -> Result<Option<Plan>> {
        let Definition::MaterializedView(create) = Definition::parse(view)? else { return Ok(None) };
        create.refresh.as_ref().map(|refresh| Plan::of(refresh, &view.database)).transpose()
    }
}

/// The clause as it is kept and printed: spans in their greatest units, names with their database.
pub fn normalize(refresh: &mut Refresh, database: &str) -> Result<()> {
    let spans = match &mut refresh.schedule {
        RefreshSchedule::Every { period, offset } => vec![Some(period), offset.as_mut()],
        RefreshSchedule::After(delay) => vec![Some(delay)],
        RefreshSchedule::Dependencies | RefreshSchedule::OnChange(_) => Vec::new(),
    };
    for span in spans.into_iter().chain([refresh.randomize.as_mut()]).flatten() {
        *span = Span::of(span)?.normalized();
    }
    for name in refresh.depends_on.iter_mut().filter(|name| name.database.is_none()) {
        name.database = Some(sql::ast::Ident::new(database));
    }
    Ok(())
}

fn texts(settings: &[Setting]) -> Result<BTreeMap<String, String>> {
    let text = |setting: &Setting| match &setting.value {
        SettingValue::Literal(Literal::UInt(value)) => Some(value.to_string()),
        SettingValue::Literal(Literal::Int(value)) => Some(value.to_string()),
        SettingValue::Literal(Literal::Float(value)) => Some(value.to_string()),
        SettingValue::Literal(Literal::Bool(value)) => Some(u8::from(*value).to_string()),
        SettingValue::Literal(Literal::String(text)) => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    };
    let read = |setting: &Setting| {
        let name = setting.name.name.clone();
        let (code, reason) = match &setting.value {
            _ if !NAMES.contains(&name.as_str()) => (ErrorCode::UNKNOWN_SETTING, "is unknown"),
            SettingValue::Implicit => (ErrorCode::TYPE_MISMATCH, "cannot be set without a value"),
            SettingValue::Literal(Literal::Null) => (ErrorCode::CANNOT_CONVERT_TYPE, "has no value NULL"),
            _ => (ErrorCode::BAD_ARGUMENTS, "takes a constant"),
        };
        let refused = || refuse(code, format!("setting \"{name}\" {reason}"));
        text(setting).ok_or_else(refused).map(|text| (name.clone(), text))
    };
    // what is said to be as it is anyway is not said
    let said = settings.iter().filter(|setting| !matches!(setting.value, SettingValue::Default));
    said.map(read).collect()
}

impl Options {
    fn of(settings: BTreeMap<String, String>) -> Result<Options> {
        let mut options = Options {
            retries: 2,
            backoff_initial_ms: 100,
            backoff_max_ms: 60_000,
            runs_missed: true,
            skip_millionths: None,
            keep_generations: 0,
        };
        for (name, text) in settings {
            match name.as_str() {
                "refresh_retries" => options.retries = number(&name, &text)?,
                "refresh_retry_initial_backoff_ms" => options.backoff_initial_ms = number(&name, &text)?.max(0),
                "refresh_retry_max_backoff_ms" => options.backoff_max_ms = number(&name, &text)?.max(0),
                // there is one replica, and it does refresh
                "all_replicas" => drop(number(&name, &text)?),
                "refresh_on_miss" => {
                    options.runs_missed = match text.as_str() {
                        "run" => true,
                        "skip" => false,
                        _ => return Err(refuse(ErrorCode::BAD_ARGUMENTS, "refresh_on_miss is 'run' or 'skip'")),
                    }
                }
                "refresh_skip_ratio" => options.skip_millionths = ratio(&name, &text)?,
                "keep_generations" => {
                    let count = number(&name, &text)?;
                    let count = usize::try_from(count).ok().filter(|_| count <= GENERATIONS_MAX);
                    options.keep_generations = count.ok_or_else(|| {
                        let reason = format!("keep_generations is a number from 0 to {GENERATIONS_MAX}, not {text}");
                        refuse(ErrorCode::BAD_ARGUMENTS, reason)
                    })?;
                }
                "refresh_mode" => {
                    return Err(refuse(ErrorCode::NOT_IMPLEMENTED, format!("setting \"{name}\" is not supported yet")));
                }
                _ => return Err(refuse(ErrorCode::UNKNOWN_SETTING, format!("unknown setting '{name}'"))),
            }
        }
        Ok(options)
    }

    /// The wait before retry number `attempt`, counted from 1.
    pub fn backoff_ms(&self, attempt: u32) -> i64 {
        let doubled = 1_i64.checked_shl(attempt.saturating_sub(1)).filter(|factor| *factor > 0).unwrap_or(i64::MAX);
        self.backoff_initial_ms.saturating_mul(doubled).min(self.backoff_max_ms)
    }
}

fn number(name: &str, text: &str) -> Result<i64> {
    let reason = || format!("setting \"{name}\" takes a number, not '{text}'");
    text.parse().map_err(|_not_a_number| refuse(ErrorCode::CANNOT_PARSE_INPUT_ASSERTION_FAILED, reason()))
}

/// A share of a period, above 0; from a whole one on there is nothing to skip.
fn ratio(name: &str, text: &str) -> Result<Option<i64>> {
    let share = text.parse::<f64>().ok().filter(|share| share.is_finite() && 0.0 < *share);
    let share = share.ok_or_else(|| {
        refuse(ErrorCode::BAD_ARGUMENTS, format!("setting \"{name}\" takes a number above 0, not '{text}'"))
    })?;
    Ok((share < 1.0).then(|| ((share * WHOLE_PERIOD as f64).round() as i64).max(1)))
}
