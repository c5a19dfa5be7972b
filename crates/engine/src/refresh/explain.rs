//! EXPLAIN REFRESH: when a view runs next, and why not now.

use query::QueryContext;
use sql::ast::ObjectName;
use store::QualifiedName;
use types::text::time::{Zone, write_date_time};
use views::refresh::decide::{Decision, Parent};

use super::Scheduler;
use super::board::Doing;
use crate::error::Result;

impl Scheduler {
    /// The lines of EXPLAIN REFRESH.
    pub(crate) async fn explain(&self, name: &ObjectName, ctx: &QueryContext) -> Result<Vec<String>> {
        let view = self.view(name, ctx).await?;
        let now_ns = ctx.runtime.env.clock.now_ns();
        let zone = Zone::parse(ctx.time_zone()).unwrap_or(Zone::Utc);
        let shown = |seconds: i64| {
            let mut text = Vec::new();
            write_date_time(&mut text, seconds, zone);
            String::from_utf8_lossy(&text).into_owned()
        };
        let lines = self.board.with(|state| {
            let doing = state.doing(view.id, now_ns)?;
            let next_ms = state.next_ms(view.id);
            let waits = state.waits_for(view.id);
            let task = state.tasks.get(&view.id)?;
            let mut lines = vec![format!("view {}: {}", view.qualified_name(), reason(doing, &waits))];
            lines.push(format!(
                "now: {}{}",
                shown(task.now_ms(now_ns).div_euclid(1_000)),
                fake(task.control.fake_time)
            ));
            lines.push(format!(
                "next refresh: {}",
                next_ms.map_or("not known".to_owned(), |ms| shown(ms.div_euclid(1_000)))
            ));
            let outcome = &task.outcome;
            let last = outcome.slot.map_or("never".to_owned(), shown);
            lines.push(format!("served to: {last}, {} runs, {} succeeded", outcome.runs, outcome.successes));
            if !outcome.error.is_empty() {
                let tries = task.plan.options.retries;
                lines.push(format!(
                    "failed {} times of {}: {}",
                    outcome.attempts,
                    tries.saturating_add(1),
                    outcome.error
                ));
            }
            Some(lines)
        });
        Ok(lines.unwrap_or_default())
    }
}

fn fake(time: Option<i64>) -> &'static str {
    if time.is_some() { " (a fake time: it stands still)" } else { "" }
}

fn reason(doing: Doing, waits: &[(QualifiedName, Parent)]) -> String {
    let names = |missing: bool| {
        let of = waits.iter().filter(|(_, parent)| (*parent == Parent::Missing) == missing);
        of.map(|(name, _)| name.to_string()).collect::<Vec<_>>().join(", ")
    };
    match doing {
        Doing::Running => "runs now".to_owned(),
        Doing::Waiting(Decision::Off) => "is stopped; SYSTEM START VIEW starts it".to_owned(),
        Doing::Waiting(Decision::Missing) => format!("waits for views that are not there: {}", names(true)),
        Doing::Waiting(Decision::WaitForParents) => format!("waits for a refresh of {}", names(false)),
        Doing::Waiting(Decision::Sleep { .. }) => "is scheduled".to_owned(),
        Doing::Waiting(Decision::Run { asked_for: true }) => "was asked for and is about to run".to_owned(),
        Doing::Waiting(Decision::Run { asked_for: false }) => "is due and about to run".to_owned(),
    }
}
