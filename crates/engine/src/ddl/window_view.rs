//! CREATE WINDOW VIEW.

use std::sync::Arc;

use query::QueryContext;
use sql::ast::{CreateMaterializedView, CreateWindowView, ObjectName, Security, StatementKind, ViewTarget};
use store::{Edit, QualifiedName, Readiness, TableDef, Target, ViewDef};

use super::columns;
use super::create_view::{ViewMaker, check_target, head, inside, written};
use super::qualify::qualify;
use super::quarantine::{self, quarantines};
use super::undrop::new_uuid;
use super::{commit, place};
use crate::engine::Engine;
use crate::error::Result;

/// A window view with its hidden tables, in one commit.
pub(super) async fn run(engine: &Engine, create: &CreateWindowView, ctx: &Arc<QueryContext>) -> Result<()> {
    let Some((name, mut edits)) = place(ctx, &create.head)?.edits(engine, ctx) else { return Ok(()) };
    let uuid = new_uuid(&create.head, engine, ctx)?;
    let mut create = create.clone();
    qualify(&mut create.query, &name.database);
    create.head = head(&name);
    let defined = views::window::define(&engine.inner.views, &create, &name.database, ctx).await?;
    let maker = ViewMaker { engine, ctx, name: &name };
    let named = |name: &ObjectName| super::qualified(&ctx.with_database(&maker.name.database), name);
    let (target, inner) = match &create.target {
        ViewTarget::Table(to) => {
            let to = named(to);
            let target = ctx.snapshot.catalog.named(&to).ok_or_else(|| super::unknown_table(ctx, &to))?;
            check_target(target, &defined.output, ctx)?;
            let target = Target::Named(to);
            create.target = written(&target).unwrap_or(create.target);
            (target, None)
        }
        ViewTarget::Inner(_) => {
            let inner = inner_table(&maker, &mut create, &defined.output).await?;
            (Target::Inner(inner.id), Some(inner))
        }
    };
    let late: Option<QualifiedName> = create.late_to.as_ref().map(named);
    if let Some(late) = late.as_ref().filter(|late| ctx.snapshot.catalog.named(late).is_none()) {
        return Err(super::unknown_table(ctx, late));
    }
    let header = inner.as_ref().map_or_else(|| defined.output.clone(), |inner| inner.columns.clone());
    if create.elements.is_none() {
        create.elements = Some(columns::of_header(&header)?);
    }
    let state = defined.state.iter().map(|table| table.id).collect();
    let errors = match quarantines(create.on_error) {
        true => Some(quarantine::errors_table(engine, &name, &defined.source, &inside(ctx, &edits)?)?),
        false => None,
    };
    let errors_id = errors.as_ref().map(|errors| errors.id);
    let view = ViewDef::Window { source: defined.source, target, late, state, errors: errors_id };
    let statement = StatementKind::CreateWindowView(Box::new(create));
    let view = maker.make("WindowView", header, statement, view, Readiness::Ready);
    edits.extend(defined.state.into_iter().map(Edit::CreateTable));
    edits.extend(inner.into_iter().chain(errors).map(|own| Edit::CreateTable(Arc::new(own))));
    edits.push(Edit::CreateTable(Arc::new(TableDef { uuid, ..view })));
    commit(engine, edits, ctx).await?;
    Ok(())
}

/// The view's own table, as that of a materialized view.
async fn inner_table(
    maker: &ViewMaker<'_>,
    create: &mut CreateWindowView,
    output: &types::Header,
) -> Result<store::TableDef> {
    let mut view = CreateMaterializedView {
        head: create.head.clone(),
        refresh: None,
        target: create.target.clone(),
        elements: create.elements.clone(),
        storage: create.storage.clone(),
        populate: false,
        empty: false,
        on_error: None,
        security: Security::default(),
        comment: None,
        query: create.query.clone(),
    };
    let inner = maker.inner_table(&mut view, output, None, maker.engine.env().rng.uuid()).await?;
    create.elements = view.elements;
    create.storage = view.storage;
    Ok(inner)
}
