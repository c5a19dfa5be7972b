//! The folders that tables of engine File have for themselves: gone with the table.

use std::path::PathBuf;

use query::QueryContext;
use store::{Edit, TableKind};

use crate::engine::Engine;

/// The folders of tables that these edits drop.
pub(super) fn of_dropped(edits: &[Edit], ctx: &QueryContext) -> Vec<PathBuf> {
    let Some(user_files) = &ctx.runtime.config.user_files else { return Vec::new() };
    let dropped = edits.iter().filter_map(|edit| match edit {
        Edit::DropTable { table } => ctx.snapshot.catalog.table_by_id(*table),
        _ => None,
    });
    let with_files = dropped.filter(|def| def.kind == TableKind::External && &*def.engine == "File");
    with_files.map(|def| user_files.join(query::external::folder_of(def.uuid))).collect()
}

/// Removes them, after the commit: a file that is left behind is only space.
pub(super) async fn remove(engine: &Engine, folders: Vec<PathBuf>) {
    for folder in folders {
        if let Err(error) = engine.env().disk.remove_dir(&folder).await {
            tracing::warn!(folder = %folder.display(), %error, "the file of a table that was dropped is left behind");
        }
    }
}
