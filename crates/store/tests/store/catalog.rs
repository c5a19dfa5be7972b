//! Databases, tables and views: what DDL does, and which commits it conflicts with.

use std::sync::Arc;

use parts::MergeMode;
use store::{Commit, CommitError, Conflict, DatabaseDef, Edit, QualifiedName, Readiness, Store, TableDef};

use crate::world::*;

async fn commit(store: &Store, edit: Edit) -> Result<(), CommitError> {
    store.commit(Commit::of(vec![edit])).await.map(drop)
}

fn conflict(result: Result<(), CommitError>) -> Conflict {
    match result {
        Err(CommitError::Conflict(conflict)) => conflict,
        other => panic!("expected a conflict, got {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_fresh_folder_has_the_database_default_and_names_are_taken_once() {
    let store = open(&machine(1)).await;
    assert!(store.snapshot().catalog.database("default").is_some());
    let table = create(&store, "t", MergeMode::Plain).await;
    let again = table_def(store.new_table_id(), "t", MergeMode::Plain);
    let taken = conflict(commit(&store, Edit::CreateTable(Arc::new(again))).await);
    assert_eq!(taken.to_string(), "table \"default.t\" exists already");
    let elsewhere = TableDef { database: "no".into(), ..table_def(store.new_table_id(), "t", MergeMode::Plain) };
    assert_eq!(
        conflict(commit(&store, Edit::CreateTable(Arc::new(elsewhere))).await),
        Conflict::DatabaseGone("no".into())
    );
    assert_eq!(store.snapshot().catalog.table("default", "t").unwrap().id, table);
}

#[tokio::test(start_paused = true)]
async fn an_insert_shaped_by_an_old_definition_is_refused() {
    let store = open(&machine(2)).await;
    let table = create(&store, "t", MergeMode::Plain).await;
    let before = store.snapshot();
    let def = before.catalog.table_by_id(table).unwrap();
    let altered = TableDef { comment: "changed".into(), ..(**def).clone() };
    commit(&store, Edit::AlterTable(Arc::new(altered.clone()))).await.unwrap();
    let late = conflict(commit(&store, insert_edit(&before, table, &[(1, 1)])).await);
    assert_eq!(late, Conflict::DefinitionChanged { table: QualifiedName::new("default", "t") });
    assert!(late.is_retryable());
    assert!(conflict(commit(&store, Edit::AlterTable(Arc::new(altered))).await).is_retryable());
    insert(&store, table, &[(1, 1)]).await.unwrap();
    commit(&store, Edit::DropTable { table }).await.unwrap();
    assert_eq!(conflict(commit(&store, insert_edit(&before, table, &[(1, 1)])).await), Conflict::TableGone { table });
    assert_eq!(store.snapshot().parts.parts().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_insert_that_did_not_run_a_new_view_is_refused() {
    let store = open(&machine(3)).await;
    let table = create(&store, "t", MergeMode::Plain).await;
    create(&store, "sums", MergeMode::Plain).await;
    let source = QualifiedName::new("default", "t");
    let before = store.snapshot();
    let view = TableDef { readiness: Readiness::Building, ..view_def(store.new_table_id(), "mv", "t", "sums") };
    let id = view.id;
    commit(&store, Edit::CreateTable(Arc::new(view))).await.unwrap();

    let stale = Commit {
        reads: vec![before.read_views(source.clone())],
        ..Commit::of(vec![insert_edit(&before, table, &[(1, 1)])])
    };
    assert!(matches!(store.commit(stale).await, Err(CommitError::Conflict(Conflict::ViewsChanged { .. }))));
    let building = store.snapshot();
    assert!(building.catalog.table("default", "mv").is_none(), "a view being built is invisible");
    assert_eq!(building.catalog.views_of(&source).map(|view| view.id).collect::<Vec<_>>(), [id], "and is fed");

    commit(&store, Edit::FinishView { table: id }).await.unwrap();
    assert!(store.snapshot().catalog.table("default", "mv").is_some());
    let fed = Commit {
        reads: vec![building.read_views(source), building.read_definition(id).unwrap()],
        ..Commit::of(vec![insert_edit(&building, table, &[(1, 1)])])
    };
    store.commit(fed).await.expect("what ran the view while it was built stays right");
}

#[tokio::test(start_paused = true)]
async fn a_view_that_was_being_built_is_gone_after_a_crash() {
    let mut machine = machine(4);
    let store = open(&machine).await;
    create(&store, "t", MergeMode::Plain).await;
    let view = TableDef { readiness: Readiness::Building, ..view_def(store.new_table_id(), "mv", "t", "t") };
    let id = view.id;
    commit(&store, Edit::CreateTable(Arc::new(view))).await.unwrap();
    machine.cut_power();
    let store = open(&machine).await;
    assert!(store.snapshot().catalog.table_by_id(id).is_none());
    assert!(id < store.new_table_id(), "ids are never used again");
}

#[tokio::test(start_paused = true)]
async fn views_follow_names_through_rename_and_exchange() {
    let store = open(&machine(5)).await;
    let a = create(&store, "a", MergeMode::Plain).await;
    let b = create(&store, "b", MergeMode::Plain).await;
    let view = view_def(store.new_table_id(), "mv", "a", "b");
    commit(&store, Edit::CreateTable(Arc::new(view))).await.unwrap();
    commit(&store, Edit::ExchangeTables { a, b }).await.unwrap();
    let snapshot = store.snapshot();
    assert_eq!(snapshot.catalog.table("default", "a").unwrap().id, b);
    assert_eq!(snapshot.catalog.views_of(&QualifiedName::new("default", "a")).count(), 1);
    let moved = QualifiedName::new("default", "c");
    commit(&store, Edit::RenameTable { table: b, to: moved.clone() }).await.unwrap();
    let snapshot = store.snapshot();
    assert_eq!(snapshot.catalog.named(&moved).unwrap().id, b);
    assert!(snapshot.catalog.table("default", "a").is_none());
    assert_eq!(snapshot.catalog.views_of(&moved).count(), 0);
}

#[tokio::test(start_paused = true)]
async fn databases_are_dropped_when_empty_and_renamed_with_their_tables() {
    let store = open(&machine(6)).await;
    let database = DatabaseDef {
        id: store.new_database_id(),
        name: "d".into(),
        engine: "Atomic".into(),
        uuid: 1,
        comment: "".into(),
        created_ns: 0,
    };
    commit(&store, Edit::CreateDatabase(Arc::new(database))).await.unwrap();
    let table = TableDef { database: "d".into(), ..table_def(store.new_table_id(), "t", MergeMode::Plain) };
    let id = table.id;
    commit(&store, Edit::CreateTable(Arc::new(table))).await.unwrap();
    assert_eq!(
        conflict(commit(&store, Edit::DropDatabase { name: "d".into() }).await),
        Conflict::DatabaseNotEmpty("d".into())
    );
    commit(&store, Edit::RenameDatabase { from: "d".into(), to: "e".into() }).await.unwrap();
    assert_eq!(store.snapshot().catalog.table("e", "t").unwrap().id, id);
    assert_eq!(store.snapshot().catalog.tables_of("e").count(), 1);
    let both = vec![Edit::DropTable { table: id }, Edit::DropDatabase { name: "e".into() }];
    store.commit(Commit::of(both)).await.unwrap();
    assert_eq!(store.snapshot().catalog.databases().count(), 1);
}
