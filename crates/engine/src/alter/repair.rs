//! SYSTEM REPAIR VIEW: the rows over which a view failed come through it again, and are gone from its table of errors, in
//! one commit.
//!
//! ```text
//! reserve the parts of the errors ─▶ read them in order ─▶ the view, and what is below it ─▶ { rows, DropParts }
//! ```
//! All or nothing: when a block fails again nothing changes, and the reason is the statement's error. Rows that are put
//! aside meanwhile are in parts of their own and wait for the next repair.

use std::sync::Arc;

use futures::StreamExt;
use query::QueryContext;
use sql::ast::ObjectName;
use store::{Edit, ViewDef};
use types::ErrorCode;

use super::copy::rows_as;
use super::mutate::reserve;
use super::{Work, ddl};
use crate::engine::Engine;
use crate::error::{Error, Result};

/// Runs SYSTEM REPAIR VIEW.
pub(crate) async fn repair(engine: &Engine, name: &ObjectName, ctx: &QueryContext) -> Result<()> {
    let mut work = Work::new(engine, &Arc::new(ctx.clone()));
    let view = ddl::table(&work.ctx, name)?;
    let Some(errors) = view.view.as_ref().and_then(ViewDef::errors) else {
        let message = format!("{} is no view with ON ERROR QUARANTINE", view.qualified_name());
        return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
    };
    let parts = reserve(&mut work, errors, |_| true).await?;
    if parts.is_empty() {
        return Ok(());
    }
    let (passage, ctx) = engine.inner.views.enter(&view.qualified_name(), &work.ctx).await;
    let ctx = Arc::new(ctx);
    let table = ctx.snapshot.catalog.table_by_id(errors).cloned();
    let table = table.ok_or_else(|| store::CommitError::from(store::Conflict::TableGone { table: errors }))?;
    let view = ddl::table(&ctx, name)?;
    let mut replay = engine.inner.views.replay(&view, &table, &ctx)?;
    replay.keep(passage);
    for part in parts.iter().filter_map(|name| ctx.snapshot.parts.part(errors, name)) {
        let mut rows = rows_as(part, &table, &table.columns, &ctx)?;
        while let Some(block) = rows.next().await {
            ctx.check()?;
            replay.push(&block?).await?;
        }
    }
    replay.commit(vec![Edit::DropParts { table: errors, parts }]).await?;
    Ok(())
}
