//! SYSTEM REFRESH, WAIT, CANCEL, STOP, PAUSE, START and TEST VIEW.

use std::sync::Arc;

use query::QueryContext;
use sql::ast::{ObjectName, Partition, RefreshMode};
use store::{TableDef, ViewDef};
use types::text::scan::parse_date_time;
use types::text::time::Zone;
use types::{ErrorCode, TableId};
use views::refresh::decide::{Amounts, Decision, Ended, after};
use views::refresh::{Control, Plan, Switch, record};

use super::board::{Doing, Job, State, Task, is_off, is_refreshed};
use super::{CANCELLED, Scheduler};
use crate::error::{Error, Result};
use crate::{alter, ddl};

impl Scheduler {
    /// REFRESH VIEW: remembered when the view is off or runs.
    pub(crate) async fn request(&self, name: &ObjectName, partitions: &[Partition], ctx: &QueryContext) -> Result<()> {
        let view = self.view(name, ctx).await?;
        let partitions = partition_ids(&view, partitions, ctx)?;
        self.command(&view, |control, is_waiting| control.request(&partitions, is_waiting)).await
    }

    /// STOP, PAUSE, START of one view; a name that is none is passed over, as in ClickHouse.
    pub(crate) async fn switch(&self, name: &ObjectName, to: Switch, ctx: &QueryContext) -> Result<()> {
        match self.view(name, ctx).await {
            Ok(view) => self.command(&view, |control, _| control.switch = to).await,
            Err(error) if error.code() == ErrorCode::BAD_ARGUMENTS => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// PAUSE VIEWS, START VIEWS. Gives the views.
    pub(crate) async fn switch_all(&self, to: Switch, ctx: &QueryContext) -> Result<Vec<Arc<TableDef>>> {
        self.sync().await;
        let views: Vec<_> = ctx.snapshot.catalog.tables().filter(|view| is_refreshed(view)).cloned().collect();
        for view in &views {
            self.command(view, |control, _| control.switch = to).await?;
        }
        Ok(views)
    }

    /// STOP VIEWS: the refreshes under way end too.
    pub(crate) async fn stop_all(&self, ctx: &QueryContext) -> Result<()> {
        for view in self.switch_all(Switch::Off, ctx).await? {
            self.interrupt(&view, ctx).await?;
        }
        Ok(())
    }

    /// STOP: the refresh under way ends too.
    pub(crate) async fn stop_view(&self, name: &ObjectName, ctx: &QueryContext) -> Result<()> {
        self.switch(name, Switch::Off, ctx).await?;
        match self.view(name, ctx).await {
            Ok(view) => self.interrupt(&view, ctx).await.map(drop),
            Err(_none) => Ok(()),
        }
    }

    /// Ends the refresh under way, if there is one, and waits until its end is recorded.
    /// False when there was none.
    async fn interrupt(&self, view: &TableDef, ctx: &QueryContext) -> Result<bool> {
        let mut changes = self.board.subscribe();
        let run_of = |state: &State| Some(Arc::clone(&state.tasks.get(&view.id)?.run.as_ref()?.ctx));
        let Some(run) = self.board.with(|state| run_of(state)) else { return Ok(false) };
        run.cancel.cancel();
        let is_same = |other: Arc<QueryContext>| Arc::ptr_eq(&run, &other);
        loop {
            changes.mark_unchanged();
            if !self.board.with(|state| run_of(state)).is_some_and(is_same) {
                return Ok(true);
            }
            tokio::select! {
                biased;
                () = ctx.cancel.cancelled() => return Err(query::Error::Cancelled.into()),
                changed = changes.changed() => if changed.is_err() { return Ok(true) },
            }
        }
    }

    /// CANCEL VIEW: the refresh under way, or the one that was asked for and has not begun.
    pub(crate) async fn cancel(&self, name: &ObjectName, ctx: &QueryContext) -> Result<()> {
        let view = self.view(name, ctx).await?;
        if self.interrupt(&view, ctx).await? {
            return Ok(());
        }
        let now_ns = ctx.runtime.env.clock.now_ns();
        let unbegun = self.board.with(|state| {
            match state.doing(view.id, now_ns)? {
                Doing::Waiting(Decision::Run { asked_for: true }) => {}
                Doing::Waiting(_) | Doing::Running => return None,
            }
            let job = state.job(view.id, true, now_ns)?;
            let task = state.tasks.get_mut(&view.id)?;
            task.outcome = cancelled(&job);
            let left = (task.next_version(), task.outcome.clone());
            state.open(view.id);
            Some(left)
        });
        self.board.changed();
        if let Some((version, outcome)) = unbegun {
            record::write(&self.views, &view, &record::outcome_row(version, &outcome)?).await?;
        }
        Ok(())
    }

    /// STOP and START REPLICATED VIEW are for views that replicas coordinate: there are none.
    pub(crate) async fn refuse_replicated(&self, name: &ObjectName, ctx: &QueryContext) -> Result<()> {
        self.view(name, ctx).await?;
        Err(Error::refused(ErrorCode::INCORRECT_QUERY, "refreshable materialized view is not coordinated"))
    }

    /// TEST VIEW … SET FAKE TIME, UNSET FAKE TIME.
    pub(crate) async fn fake_time(&self, name: &ObjectName, text: Option<&str>, ctx: &QueryContext) -> Result<()> {
        let view = self.view(name, ctx).await?;
        let zone = Zone::parse(ctx.time_zone()).unwrap_or(Zone::Utc);
        let parse = |text: &str| {
            let unreadable =
                || Error::refused(ErrorCode::CANNOT_PARSE_DATETIME, format!("cannot parse datetime \"{text}\""));
            parse_date_time(text.as_bytes(), zone).map(|at| at.seconds).ok_or_else(unreadable)
        };
        let fake_time = text.map(parse).transpose()?;
        self.command(&view, |control, _| control.fake_time = fake_time).await
    }

    /// WAIT VIEW: until the view neither runs nor is about to. The last failure is raised, unless the view is off.
    pub(crate) async fn wait(&self, name: &ObjectName, ctx: &QueryContext) -> Result<()> {
        let view = self.view(name, ctx).await?;
        let mut changes = self.board.subscribe();
        loop {
            changes.mark_unchanged();
            if self.is_idle(view.id, ctx) {
                return self.last_failure(&view);
            }
            tokio::select! {
                biased;
                () = ctx.cancel.cancelled() => return Err(query::Error::Cancelled.into()),
                changed = changes.changed() => if changed.is_err() { return Ok(()) },
            }
            ctx.check()?;
        }
    }

    fn is_idle(&self, view: TableId, ctx: &QueryContext) -> bool {
        let now_ns = ctx.runtime.env.clock.now_ns();
        self.board.with(|state| {
            let doing = state.doing(view, now_ns);
            !matches!(doing, Some(Doing::Running | Doing::Waiting(Decision::Run { .. }))) || state.is_stopping
        })
    }

    fn last_failure(&self, view: &TableDef) -> Result<()> {
        let error = self.board.with(|state| {
            let task = state.tasks.get(&view.id)?;
            (!is_off(task) && !task.outcome.error.is_empty()).then(|| task.outcome.error.clone())
        });
        match error {
            Some(error) => Err(Error::refused(ErrorCode::REFRESH_FAILED, format!("Refresh failed: {error}"))),
            None => Ok(()),
        }
    }

    /// The refreshable view of that name, with a task.
    pub(super) async fn view(&self, name: &ObjectName, ctx: &QueryContext) -> Result<Arc<TableDef>> {
        let name = ddl::qualified(ctx, name);
        ddl::database_name(ctx, &name.database)?;
        self.sync().await;
        let found = ctx.snapshot.catalog.named(&name).filter(|view| is_refreshed(view)).cloned();
        found.ok_or_else(|| {
            let message = format!("Refreshable view {name} doesn't exist");
            Error::refused(ErrorCode::BAD_ARGUMENTS, message)
        })
    }

    /// Changes what commands said of a view, told whether a request waits. It lasts when this returns.
    async fn command(&self, view: &TableDef, change: impl FnOnce(&mut Control, bool)) -> Result<()> {
        let changed = self.board.with(|state| {
            let task: &mut Task = state.tasks.get_mut(&view.id)?;
            let is_waiting = task.has_request();
            change(&mut task.control, is_waiting);
            let changed = (task.next_version(), task.control.clone());
            state.open(view.id);
            Some(changed)
        });
        let Some((version, control)) = changed else { return Ok(()) };
        record::write(&self.views, view, &record::control_row(version, &control)?).await?;
        self.board.changed();
        Ok(())
    }
}

/// What is left of a refresh that was cancelled before it began.
fn cancelled(job: &Job) -> views::refresh::Outcome {
    let ended = Ended {
        at: job.started.at,
        duration_ms: 0,
        error: Some(CANCELLED.to_owned()),
        amounts: Amounts::default(),
        spread: job.before.spread,
    };
    after(&job.plan, &job.before, &job.started, ended)
}

/// The partitions of the target that are asked for: of a view that replaces what is there.
fn partition_ids(view: &TableDef, partitions: &[Partition], ctx: &QueryContext) -> Result<Vec<String>> {
    if partitions.is_empty() {
        return Ok(Vec::new());
    }
    let bad = |message: String| Error::refused(ErrorCode::BAD_ARGUMENTS, message);
    let mode = Plan::of_view(view)?.map(|plan| plan.mode);
    if !matches!(mode, Some(RefreshMode::Replace | RefreshMode::ReplacePartitions)) {
        let reason = "SYSTEM REFRESH VIEW … PARTITION replaces partitions: a view with APPEND replaces nothing";
        return Err(bad(reason.to_owned()));
    }
    let target = view.view.as_ref().and_then(ViewDef::target).and_then(|target| ctx.snapshot.catalog.target(target));
    let schema = target.and_then(|target| target.schema.as_ref()).filter(|schema| !schema.partition_key.is_empty());
    let schema = schema.ok_or_else(|| bad(format!("target of view {} has no partitions", view.qualified_name())))?;
    let ids = partitions.iter().map(|partition| alter::partition_id(schema, partition, ctx).map(|id| id.to_string()));
    ids.collect()
}
