//! CREATE, ALTER and DROP CONCURRENCY GROUP: how many refreshes of its views run at once.

use std::sync::Arc;

use query::QueryContext;
use sql::ast::{AlterConcurrencyGroup, CreateConcurrencyGroup, Drop};
use store::{Edit, QualifiedName};
use types::ErrorCode;
use views::refresh::Plan;

use super::board::is_refreshed;
use crate::ddl;
use crate::engine::Engine;
use crate::error::{Error, Result};

/// CREATE [OR REPLACE] CONCURRENCY GROUP.
pub(crate) async fn create(engine: &Engine, what: &CreateConcurrencyGroup, ctx: &QueryContext) -> Result<()> {
    check_limit(what.limit)?;
    let name = &what.name.name;
    let from = ctx.snapshot.catalog.group(name);
    if from.is_some() && !what.or_replace {
        return match what.if_not_exists {
            true => Ok(()),
            false => bad(format!("concurrency group \"{name}\" already exists")),
        };
    }
    set(engine, name, from, what.limit, ctx).await
}

/// ALTER CONCURRENCY GROUP. Runs under way go on; none begins before there are fewer than the limit.
pub(crate) async fn alter(engine: &Engine, what: &AlterConcurrencyGroup, ctx: &QueryContext) -> Result<()> {
    check_limit(what.limit)?;
    let name = &what.name.name;
    match ctx.snapshot.catalog.group(name) {
        None if what.if_exists => Ok(()),
        None => Err(unknown(name, ctx)),
        from => set(engine, name, from, what.limit, ctx).await,
    }
}

async fn set(engine: &Engine, name: &str, from: Option<u64>, limit: u64, ctx: &QueryContext) -> Result<()> {
    ddl::commit(engine, vec![Edit::SetGroup { name: name.into(), from, to: Some(limit) }], ctx).await?;
    engine.inner.refreshes.board.changed();
    Ok(())
}

/// DROP CONCURRENCY GROUP: only one that no view is in.
pub(crate) fn drop_edit(what: &Drop, name: &str, ctx: &QueryContext) -> Result<Option<Edit>> {
    let Some(limit) = ctx.snapshot.catalog.group(name) else {
        return if what.if_exists { Ok(None) } else { Err(unknown(name, ctx)) };
    };
    let mut users: Vec<QualifiedName> = Vec::new();
    for view in ctx.snapshot.catalog.tables().filter(|view| is_refreshed(view) || view.visibility.is_detached()) {
        let group = Plan::of_view(view)?.and_then(|plan| plan.group);
        if group.as_deref() == Some(name) {
            users.push(view.qualified_name());
        }
    }
    if !users.is_empty() {
        let users = users.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        return bad(format!("concurrency group \"{name}\" is used by {users}"));
    }
    Ok(Some(Edit::SetGroup { name: name.into(), from: Some(limit), to: None }))
}

/// A view can only be in a group that there is.
pub(super) fn check(group: Option<&Arc<str>>, ctx: &QueryContext) -> Result<()> {
    match group {
        Some(name) if ctx.snapshot.catalog.group(name).is_none() => Err(unknown(name, ctx)),
        Some(_) | None => Ok(()),
    }
}

fn check_limit(limit: u64) -> Result<()> {
    if limit == 0 { bad("LIMIT of a concurrency group must be at least 1".to_owned()) } else { Ok(()) }
}

fn unknown(name: &str, ctx: &QueryContext) -> Error {
    let hint = types::error::nearest(name, ctx.snapshot.catalog.groups().map(|(name, _)| &**name));
    Error::refused(ErrorCode::BAD_ARGUMENTS, format!("concurrency group \"{name}\" doesn't exist{hint}"))
}

fn bad<T>(message: String) -> Result<T> {
    Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message))
}
