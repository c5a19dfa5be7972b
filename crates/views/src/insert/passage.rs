//! Inserts and definition changes let each other pass: which tables an insert goes through, and who waits for whom.

use std::collections::BTreeSet;
use std::time::Duration;

use query::QueryContext;
use store::{Catalog, Edit, Hold, Passage, QualifiedName, Snapshot, TableDef, ViewDef};
use types::{Setting, TableId};

use super::DEPTH_MAX;
use crate::Views;

impl Views {
    /// Sets out to insert into the table or view of that name: waits for definition changes that are on their way over
    /// any table it will write, and is waited for by later ones while the passage lives. Gives the query with the
    /// snapshot as it is then.
    pub async fn enter(&self, name: &QualifiedName, ctx: &QueryContext) -> (Passage, QueryContext) {
        loop {
            let tables = self.on_the_way(&self.store.snapshot(), name);
            let in_flight = self.store.in_flight();
            let passage =
                in_flight.enter(tables.iter().copied().collect(), &*self.runtime.env.clock, patience(ctx)).await;
            let snapshot = self.store.snapshot();
            if self.on_the_way(&snapshot, name).is_subset(&tables) {
                return (passage, ctx.with_snapshot(snapshot));
            }
        }
    }

    /// Sets out to make these edits of definitions: lets inserts over their tables pass, and holds later ones back while
    /// the result lives.
    pub async fn hold(&self, edits: &[Edit], ctx: &QueryContext) -> Hold {
        let tables = changed_tables(&self.store.snapshot().catalog, edits);
        self.store.in_flight().hold(tables.into_iter().collect(), &*self.runtime.env.clock, patience(ctx)).await
    }

    /// Every table and view that an insert into `name` reads the definition of.
    fn on_the_way(&self, snapshot: &Snapshot, name: &QualifiedName) -> BTreeSet<TableId> {
        let catalog = &snapshot.catalog;
        let mut found = BTreeSet::new();
        let mut waiting: Vec<(&TableDef, usize)> = Vec::new();
        if let Some(table) = catalog.named(name) {
            waiting.push((table, 0));
            let letters = self.tables.shape(table).ok().and_then(|shape| shape.dead_letters.clone());
            waiting.extend(letters.and_then(|letters| catalog.named(&letters)).map(|letters| (&**letters, 0)));
        }
        while let Some((table, depth)) = waiting.pop() {
            if !found.insert(table.id) || DEPTH_MAX < depth {
                continue;
            }
            waiting.extend(catalog.views_of(&table.qualified_name()).map(|view| (&**view, depth + 1)));
            let Some(view) = &table.view else { continue };
            found.extend(view.errors());
            let target = view.target().and_then(|target| catalog.target(target));
            waiting.extend(target.map(|target| (&**target, depth + 1)));
            if let ViewDef::Window { late, state, .. } = view {
                let late = late.as_ref().and_then(|late| catalog.named(late));
                waiting.extend(late.map(|late| (&**late, depth + 1)));
                found.extend(state.iter().copied());
            }
        }
        found
    }
}

/// How long a statement waits for others that are in its way (`lock_acquire_timeout`).
pub fn patience(ctx: &QueryContext) -> Duration {
    Duration::try_from_secs_f64(ctx.settings.float(Setting::LockAcquireTimeout)).unwrap_or_default()
}

/// The tables whose inserts these edits would make fail.
fn changed_tables(catalog: &Catalog, edits: &[Edit]) -> BTreeSet<TableId> {
    let mut tables = BTreeSet::new();
    // A view that comes, goes or changes, changes what inserts into its source do.
    let mut add = |def: &TableDef| {
        tables.insert(def.id);
        let source = def.view.as_ref().and_then(ViewDef::insert_source);
        tables.extend(source.and_then(|source| catalog.named(source)).map(|source| source.id));
    };
    for edit in edits {
        match edit {
            Edit::CreateTable(def) | Edit::AlterTable(def) => add(def),
            Edit::DropTable { table }
            | Edit::RetireTable { table }
            | Edit::RenameTable { table, .. }
            | Edit::FinishView { table }
            | Edit::SetVisibility { table, .. } => {
                catalog.table_by_id(*table).into_iter().for_each(|def| add(def));
            }
            Edit::ExchangeTables { a, b } => {
                [a, b].into_iter().filter_map(|table| catalog.table_by_id(*table)).for_each(|def| add(def));
            }
            Edit::RenameDatabase { from, .. } => {
                catalog.tables().filter(|def| def.database == *from).for_each(|def| add(def));
            }
            Edit::CreateDatabase(_)
            | Edit::DropDatabase { .. }
            | Edit::Insert { .. }
            | Edit::Rewrite { .. }
            | Edit::Merge { .. }
            | Edit::Compact { .. }
            | Edit::DropParts { .. }
            | Edit::Truncate { .. }
            | Edit::ChangeLayout { .. }
            | Edit::RecordMutation { .. }
            | Edit::DeleteRows { .. }
            | Edit::DetachParts { .. }
            | Edit::AttachParts { .. }
            | Edit::DropDetached { .. }
            | Edit::ShiftParts { .. }
            | Edit::MoveMark { .. }
            | Edit::SetGroup { .. }
            | Edit::UndropTable { .. }
            | Edit::SetCollection { .. }
            | Edit::Token { .. } => {}
        }
    }
    tables
}
