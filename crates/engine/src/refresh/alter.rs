//! ALTER TABLE view MODIFY REFRESH, MODIFY QUERY.

use std::sync::Arc;

use query::QueryContext;
use sql::ast::{AlterAction, CreateMaterializedView, Query, Refresh, RefreshMode, StatementKind};
use store::{Edit, TableDef, Target, ViewDef};
use types::ErrorCode;
use views::Views;
use views::refresh::{Plan, generations, normalize};

use crate::ddl;
use crate::error::{Error, Result};

/// The view as the actions make it.
pub(crate) async fn altered(
    views: &Views,
    view: &TableDef,
    actions: &[&AlterAction],
    ctx: &Arc<QueryContext>,
) -> Result<Vec<Edit>> {
    let mut statement = sql::parse_statement(&view.sql)?;
    let mut altered = view.clone();
    for action in actions {
        let StatementKind::CreateMaterializedView(create) = &mut statement.kind else { continue };
        match action {
            AlterAction::ModifyRefresh(refresh) => modify_refresh(&mut altered, create, refresh, ctx)?,
            AlterAction::ModifyQuery(query) => modify_query(&mut altered, create, query, ctx).await?,
            AlterAction::ModifySecurity(security) => create.security = ddl::security::as_kept(security, ctx),
            AlterAction::ModifyComment(comment) => altered.comment = comment.as_str().into(),
            AlterAction::CommentColumn { if_exists, column, comment } => {
                crate::alter::set_comment(&mut create.elements, (&column.name, comment), *if_exists)?;
            }
            other => {
                let text = other.to_string();
                let words: Vec<&str> = text.split_whitespace().take(2).collect();
                return Err(Error::NotImplemented(format!("ALTER TABLE … {}", words.join(" "))));
            }
        }
    }
    altered.sql = statement.to_string().into();
    let mut edits = Vec::new();
    let keep = Plan::of_view(&altered)?.map_or(0, |plan| plan.options.keep_generations);
    let target = altered.view.as_ref().and_then(ViewDef::target).and_then(|target| ctx.snapshot.catalog.target(target));
    if let Some(target) = target.filter(|_| generations::tables_of(&altered).len() != keep) {
        super::generations::check_target(target, keep)?;
        let changed = super::generations::resized(views, &altered, target, keep);
        (altered, edits) = (changed.view, changed.edits);
    }
    edits.push(Edit::AlterTable(Arc::new(altered)));
    Ok(edits)
}

/// Replaces schedule, dependencies and settings; whether rows are replaced or added cannot change.
fn modify_refresh(
    view: &mut TableDef,
    create: &mut CreateMaterializedView,
    refresh: &Refresh,
    ctx: &QueryContext,
) -> Result<()> {
    let plan = Plan::of(refresh, &view.database)?;
    let old = create.refresh.as_ref().map_or(RefreshMode::Replace, |refresh| refresh.mode);
    if old != plan.mode {
        return Err(Error::NotImplemented("changing APPEND, INCREMENTAL or REPLACE PARTITIONS".to_owned()));
    }
    super::groups::check(plan.group.as_ref(), ctx)?;
    super::create::check_cycle(&view.qualified_name(), &plan.depends_on, ctx)?;
    let mut refresh = refresh.clone();
    normalize(&mut refresh, &view.database)?;
    create.refresh = Some(refresh);
    if let Some(ViewDef::Refreshable { depends_on, .. }) = &mut view.view {
        *depends_on = plan.depends_on;
    }
    Ok(())
}

/// From the next refresh on. Columns that the target does not have make that fail, as in ClickHouse.
async fn modify_query(
    view: &mut TableDef,
    create: &mut CreateMaterializedView,
    query: &Query,
    ctx: &Arc<QueryContext>,
) -> Result<()> {
    let mut query = query.clone();
    ddl::qualify(&mut query, &ctx.caller.database);
    if create.refresh.as_ref().is_some_and(|refresh| refresh.mode == RefreshMode::AppendIncremental) {
        let message = "MODIFY QUERY is not supported for incremental refreshable materialized views";
        return Err(Error::NotImplemented(message.to_owned()));
    }
    let prepared = query::prepare(&query, ctx).await?;
    let header = prepared.compiled.header();
    let target = view.view.as_ref().and_then(ViewDef::target).and_then(|target| ctx.snapshot.catalog.target(target));
    let fits = |target: &TableDef| header.columns().iter().all(|column| target.columns.column(&column.name).is_some());
    if header.columns().is_empty() {
        return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, "the SELECT has no columns"));
    }
    let is_inner = matches!(view.view.as_ref().and_then(ViewDef::target), Some(Target::Inner(_)));
    let missing = |target: &&Arc<TableDef>| {
        header.columns().iter().find(|column| target.columns.column(&column.name).is_none()).map(|column| &column.name)
    };
    if let Some(name) = target.as_ref().filter(|_| is_inner).and_then(missing) {
        let message = format!("Column {name} does not exist in the materialized view's inner table");
        return Err(Error::refused(ErrorCode::NO_SUCH_COLUMN_IN_TABLE, message));
    }
    // columns that cannot be read from the target are not shown; those of an inner table stay what they are
    if !is_inner && target.is_some_and(|target| fits(target)) {
        create.elements = Some(ddl::columns_of(header)?);
        view.columns = header.clone();
    }
    create.query = query;
    Ok(())
}
