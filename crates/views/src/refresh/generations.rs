//! Earlier contents of a refreshable view's target: hidden tables of the target's layout, the n-th of which holds the n-th
//! content before the present one. A refresh shifts all of them by one ([`store::Edit::ShiftParts`]); no row is copied.

use std::sync::Arc;

use store::{Snapshot, TableDef, Visibility};
use types::TableId;

use super::record;
use crate::Views;

/// The hidden tables of a view that keep what its target was, newest first.
pub fn tables_of(view: &TableDef) -> &[TableId] {
    match &view.view {
        Some(store::ViewDef::Refreshable { state, .. }) => state.get(record::TABLES..).unwrap_or_default(),
        _ => &[],
    }
}

/// A hidden table for a content of `target`.
pub fn table(views: &Views, target: &TableDef, view: &str) -> TableDef {
    let id = views.store.new_table_id();
    TableDef {
        id,
        name: query::state_table_name(id).into(),
        uuid: views.store.env().rng.uuid(),
        version: 0,
        view: None,
        visibility: Visibility::Hidden,
        comment: format!("earlier content of refreshable view {view}").into(),
        ..target.clone()
    }
}

/// True when the content of the target can become that of `tables` as it is: they have its columns, and none of its parts
/// was written under other ones.
pub fn fit(snapshot: &Snapshot, target: &TableDef, tables: &[TableId]) -> bool {
    let has_layout = |table: &TableId| {
        let table = snapshot.catalog.table_by_id(*table);
        table.is_some_and(|table| table.schema == target.schema && table.columns == target.columns)
    };
    let parts = snapshot.table_parts(target.id).into_iter().flat_map(|parts| parts.parts());
    let is_todays = |part: &Arc<store::ActivePart>| snapshot.has_todays_columns(target.id, part);
    tables.iter().all(has_layout) && parts.into_iter().all(is_todays)
}
