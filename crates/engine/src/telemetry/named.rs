//! The tables that a remembered statement names, for `system.query_log`: found in its text when the log is read, so that a
//! statement never pays for it. Never here: whether they are there.

use std::collections::BTreeSet;

use sql::ast::{InsertSource, InsertTarget, ObjectName, StatementKind};
use store::QualifiedName;

use crate::ddl::names_in;

/// Databases and tables, each once and in order; tables with their databases.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) databases: Vec<String>,
    pub(crate) tables: Vec<String>,
}

/// What a statement of a session in `database` names.
pub(crate) fn named(text: &str, database: &str) -> Named {
    let Ok(statement) = sql::parse_statement(text) else { return Named::default() };
    let (mut databases, mut tables) = (BTreeSet::new(), BTreeSet::new());
    for QualifiedName { database, name } in names(&statement.kind, database) {
        tables.insert(format!("{database}.{name}"));
        databases.insert(database.to_string());
    }
    Named { databases: databases.into_iter().collect(), tables: tables.into_iter().collect() }
}

fn names(kind: &StatementKind, database: &str) -> Vec<QualifiedName> {
    let qualified = |name: &ObjectName| {
        let of = name.database.as_ref().map_or(database, |of| of.name.as_str());
        QualifiedName::new(of, name.name.name.as_str())
    };
    match kind {
        StatementKind::Query(query) => names_in(query, database),
        StatementKind::Insert(insert) => {
            let mut names = match &insert.source {
                InsertSource::Query(query) => names_in(query, database),
                InsertSource::Data(_) | InsertSource::Infile(_) => Vec::new(),
            };
            if let InsertTarget::Table(name) = &insert.target {
                names.push(qualified(name));
            }
            names
        }
        StatementKind::CreateTable(create) => vec![qualified(&create.head.name)],
        StatementKind::CreateView(create) => vec![qualified(&create.head.name)],
        StatementKind::CreateMaterializedView(create) => vec![qualified(&create.head.name)],
        StatementKind::CreateWindowView(create) => vec![qualified(&create.head.name)],
        StatementKind::CreateDictionary(create) => vec![qualified(&create.head.name)],
        StatementKind::AlterTable(alter) => vec![qualified(&alter.name)],
        StatementKind::Mutate(mutate) => vec![qualified(&mutate.table)],
        StatementKind::Optimize(optimize) => vec![qualified(&optimize.table)],
        StatementKind::VerifyView(view) => vec![qualified(view)],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_named_wherever_they_stand_and_ctes_are_none() {
        let text =
            "INSERT INTO t WITH c AS (SELECT * FROM a) SELECT * FROM c JOIN o.b USING k WHERE k IN (SELECT k FROM a)";
        let found = named(text, "d");
        assert_eq!(found.tables, ["d.a", "d.t", "o.b"]);
        assert_eq!(found.databases, ["d", "o"]);
        assert_eq!(named("ALTER TABLE x.y DELETE WHERE 1", "d").tables, ["x.y"]);
        assert_eq!(named("SELECT 1 FROM numbers(3)", "d"), Named::default());
        assert_eq!(named("no statement", "d"), Named::default());
    }
}
