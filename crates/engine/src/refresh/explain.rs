//! EXPLAIN REFRESH: when a view runs next, and why not now.

use std::sync::Arc;

use query::QueryContext;
use sql::ast::ObjectName;
use store::{QualifiedName, Snapshot};
use types::text::time::{Zone, write_date_time};
use views::refresh::decide::{Decision, Parent};

use super::Scheduler;
use super::board::{Doing, Task};
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
        let snapshot = self.views.store().snapshot();
        let lines = self.board.with(|state| {
            let doing = state.doing(view.id, now_ns)?;
            let next_ms = state.next_ms(view.id, now_ns);
            let waits = state.waits_for(view.id);
            let group = state.tasks.get(&view.id)?.plan.group.clone();
            let in_group = group.as_ref().map(|group| (state.in_group(group), Arc::clone(group)));
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
            if let Some(((_, running, waiting), group)) = in_group {
                let limit =
                    snapshot.catalog.group(&group).map_or("is gone".to_owned(), |limit| format!("limit {limit}"));
                lines.push(format!("concurrency group {group}: {limit}, {running} running, {waiting} waiting"));
            }
            if task.plan.priority != 0 {
                lines.push(format!("priority: {}", task.plan.priority));
            }
            let outcome = &task.outcome;
            let last = outcome.slot.map_or("never".to_owned(), shown);
            lines.push(format!("served to: {last}, {} runs, {} succeeded", outcome.runs, outcome.successes));
            lines.extend(if_unchanged(task, &snapshot));
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

/// What a scheduled refresh would do when it came now.
fn if_unchanged(task: &Task, snapshot: &Snapshot) -> Option<String> {
    let outcome = &task.outcome;
    if !outcome.has_succeeded() {
        return None;
    }
    let Some(made_from) = &outcome.made_from else {
        return Some("if due now: runs, it cannot be told that its rows would be the same".to_owned());
    };
    let changed = match snapshot.catalog.table_by_id(task.view.id) {
        Some(view) => made_from.changed(snapshot, view),
        None => Some(task.view.id),
    };
    Some(match changed.map(|table| snapshot.catalog.table_by_id(table)) {
        None => "if due now: skipped, nothing that it is made from changed".to_owned(),
        Some(Some(table)) => format!("if due now: runs, {} changed", table.qualified_name()),
        Some(None) => "if due now: runs, a table that it is made from is gone".to_owned(),
    })
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
