//! The parts of CREATE MATERIALIZED VIEW that only a refreshable view has.

use std::sync::Arc;

use query::QueryContext;
use sql::ast::{CreateMaterializedView, OnError, RefreshMode, ViewTarget};
use store::{Edit, QualifiedName, TableDef, TableKind, Target, ViewDef};
use types::ErrorCode;
use views::refresh::{Control, Outcome, Plan, cycle, generations, normalize, record};

use crate::ddl::security;
use crate::engine::Engine;
use crate::error::{Error, Result};

/// The definition of a refreshable view beside its target, and the edits that make its hidden table.
pub(crate) struct Made {
    pub(crate) view: ViewDef,
    pub(crate) edits: Vec<Edit>,
}

/// Checks the REFRESH clause and puts it as it is kept.
pub(crate) fn check(create: &mut CreateMaterializedView, name: &QualifiedName, ctx: &QueryContext) -> Result<Plan> {
    let refresh = create.refresh.as_mut().ok_or_else(|| Error::NotImplemented("a view without REFRESH".to_owned()))?;
    let plan = Plan::of(refresh, &name.database)?;
    normalize(refresh, &name.database)?;
    if matches!(create.on_error, Some(OnError::Quarantine)) {
        // no block comes that could be put aside: a refresh that fails leaves everything as it was, and is tried again
        let message =
            "ON ERROR QUARANTINE of a refreshable view: a refresh that fails changes nothing and is tried again";
        return Err(Error::NotImplemented(message.to_owned()));
    }
    if matches!(create.target, ViewTarget::Inner(Some(_))) && replaces(plan.mode) {
        let message = "TO INNER UUID is not allowed for materialized views with REFRESH without APPEND";
        return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
    }
    create.security = security::as_kept(&create.security, ctx);
    let is_ordinary = ctx.snapshot.catalog.database(&name.database).is_some_and(|db| &*db.engine == "Ordinary");
    if is_ordinary && replaces(plan.mode) {
        let message = "refreshable materialized views (except with APPEND) need a database of engine Atomic";
        return Err(Error::refused(ErrorCode::INCORRECT_QUERY, message));
    }
    Ok(plan)
}

/// The view's definition, and its hidden table with what it starts from.
pub(crate) async fn make(
    engine: &Engine,
    (create, plan): (&CreateMaterializedView, &Plan),
    (name, target, inner): (&QualifiedName, Target, Option<&TableDef>),
    ctx: &QueryContext,
) -> Result<Made> {
    check_target(plan, name, &target, ctx)?;
    check_cycle(name, &plan.depends_on, ctx)?;
    super::groups::check(plan.group.as_ref(), ctx)?;
    if plan.mode == RefreshMode::AppendIncremental {
        super::incremental::source_of(&create.query, ctx)?;
    }
    let views = &engine.inner.views;
    let table = record::table(views, &name.database, &name.name, ctx.now_ns);
    let empty =
        create.empty.then(|| Outcome { slot: Some(ctx.now_ns.div_euclid(1_000_000_000)), ..Outcome::default() });
    let mut edits = vec![Edit::CreateTable(Arc::new(table.clone()))];
    if let (Some(outcome), Some(schema)) = (empty, &table.schema) {
        edits.push(record::edit(views, &table, schema, &record::outcome_row(1, &outcome)?).await?);
        edits.push(record::edit(views, &table, schema, &record::control_row(1, &Control::default())?).await?);
    }
    let mut state = vec![table.id];
    if let Some(target) = inner.or_else(|| ctx.snapshot.catalog.target(&target).map(Arc::as_ref)) {
        let keep = plan.options.keep_generations;
        super::generations::check_target(target, keep)?;
        let tables: Vec<TableDef> = (0..keep).map(|_| generations::table(views, target, &name.name)).collect();
        state.extend(tables.iter().map(|table| table.id));
        edits.extend(tables.into_iter().map(|table| Edit::CreateTable(Arc::new(table))));
    }
    let view = ViewDef::Refreshable { target, depends_on: plan.depends_on.clone(), state };
    Ok(Made { view, edits })
}

/// The same of a view that comes back from a backup, under the names that are there then.
pub(crate) fn check_restored(view: &TableDef, ctx: &QueryContext) -> Result<()> {
    let (Some(plan), Some(ViewDef::Refreshable { target, depends_on, .. })) = (Plan::of_view(view)?, &view.view) else {
        return Ok(());
    };
    let name = view.qualified_name();
    check_target(&plan, &name, target, ctx)?;
    check_cycle(&name, depends_on, ctx)
}

/// Views that depend on each other in a ring would never run: ClickHouse lets them wait, here they are refused.
pub(super) fn check_cycle(name: &QualifiedName, depends_on: &[QualifiedName], ctx: &QueryContext) -> Result<()> {
    let of = |name: &QualifiedName| match ctx.snapshot.catalog.named(name).and_then(|view| view.view.as_ref()) {
        Some(ViewDef::Refreshable { depends_on, .. }) => depends_on.clone(),
        _ => Vec::new(),
    };
    let Some(way) = cycle(name, depends_on, &of) else { return Ok(()) };
    let way: Vec<String> = way.iter().map(ToString::to_string).collect();
    let message = format!("DEPENDS ON leads back to where it began: {}", way.join(" -> "));
    Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message))
}

/// Of views that replace the content of a table there is one.
fn check_target(plan: &Plan, name: &QualifiedName, target: &Target, ctx: &QueryContext) -> Result<()> {
    let Target::Named(to) = target else { return Ok(()) };
    let kind = ctx.snapshot.catalog.named(to).map(|table| table.kind);
    if matches!(kind, Some(TableKind::View | TableKind::WindowView)) {
        return Err(Error::NotImplemented("REFRESH … TO a view".to_owned()));
    }
    if !replaces(plan.mode) {
        return Ok(());
    }
    let is_other = |view: &&Arc<TableDef>| {
        matches!(&view.view, Some(ViewDef::Refreshable { target: Target::Named(other), .. }) if other == to)
            && view.qualified_name() != *name
    };
    for view in ctx.snapshot.catalog.tables().filter(is_other) {
        if Plan::of_view(view)?.is_some_and(|plan| replaces(plan.mode)) {
            let message = format!(
                "Table {to} is already a target of another refreshable materialized view: {}",
                view.qualified_name()
            );
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
        }
    }
    Ok(())
}

fn replaces(mode: RefreshMode) -> bool {
    matches!(mode, RefreshMode::Replace | RefreshMode::ReplacePartitions)
}
