//! CREATE OR REPLACE MATERIALIZED VIEW … POPULATE over a view: the new content is built beside the old, and takes its place
//! in one commit. Until then the old view is read and fed as before.

use std::sync::Arc;

use query::QueryContext;
use store::{Edit, QualifiedName, TableDef, Target, ViewDef};
use views::insert::quarantine::errors_name;

use super::create_view::inside;
use super::drop;
use super::populate::{self, Finish};
use crate::alter::refuse_broken;
use crate::engine::Engine;
use crate::error::{Error, Result};

/// `made`: the tables of the new view, and last the view, as they are to be called.
pub(super) async fn run(
    engine: &Engine,
    mut made: Vec<TableDef>,
    old: &Arc<TableDef>,
    ctx: &Arc<QueryContext>,
) -> Result<()> {
    let Some(mut view) = made.pop() else { return Ok(()) };
    if let Some(Target::Named(target)) = view.view.as_ref().and_then(ViewDef::target) {
        // both views would write to it while the new one is built
        let message = format!(
            "CREATE OR REPLACE MATERIALIZED VIEW … TO {target} POPULATE over a view that is there: drop the view first"
        );
        return Err(Error::NotImplemented(message));
    }
    let name = view.qualified_name();
    let mut renames = vec![Edit::RenameTable { table: view.id, to: name.clone() }];
    view.name = format!(".replacing.{}", view.id.0).into();
    let errors = view.view.as_ref().and_then(ViewDef::errors);
    for own in made.iter_mut().filter(|own| Some(own.id) == errors) {
        own.name = errors_name(&view.name).into();
        let to = QualifiedName::new(name.database.clone(), errors_name(&name.name));
        renames.push(Edit::RenameTable { table: own.id, to });
    }
    let first: Vec<Edit> =
        made.iter().chain(std::iter::once(&view)).map(|def| Edit::CreateTable(Arc::new(def.clone()))).collect();
    let finish: Vec<Edit> = drop::edits(old).into_iter().chain(renames).collect();
    let done: Vec<Edit> = first
        .iter()
        .chain(&finish)
        .cloned()
        .chain(made.iter().chain(std::iter::once(&view)).map(|def| Edit::FinishView { table: def.id }))
        .collect();
    refuse_broken(ctx, &Arc::new(inside(ctx, &done)?), old.id).await?;
    let finish = Finish { edits: finish, relies_on: vec![Arc::clone(old)] };
    populate::run(engine, &view, first, finish, ctx).await
}
