//! What a remembered statement names, for `system.query_log`: found in its text when the log is read, so that a statement
//! never pays for it. Never here: whether it is there, and the columns that a SELECT reads.

use std::collections::BTreeSet;

use sql::ast::{
    AlterAction, AlterTable, Check, ColumnPosition, CreateSource, Element, ExplainKind, ExplainTarget, Expr, Ident,
    InsertSource, InsertTarget, MoveTarget, ObjectKind, ObjectName, PartitionAction, Query, Show, StatementKind,
    TableSource,
};

use crate::ddl::{names_in, names_in_expr};

/// Databases, tables and columns, each once and in order; quoted where they must be, with what they are in.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) databases: Vec<String>,
    pub(crate) tables: Vec<String>,
    /// Those that an ALTER is about.
    pub(crate) columns: Vec<String>,
}

/// What a statement of a session in `database` names.
pub(crate) fn named(text: &str, database: &str) -> Named {
    let Ok(statement) = sql::parse_statement(text) else { return Named::default() };
    let mut finding =
        Finding { database, databases: BTreeSet::new(), tables: BTreeSet::new(), columns: BTreeSet::new() };
    finding.statement(&statement.kind);
    let list = |found: BTreeSet<String>| found.into_iter().collect();
    Named { databases: list(finding.databases), tables: list(finding.tables), columns: list(finding.columns) }
}

struct Finding<'a> {
    /// Of names without one.
    database: &'a str,
    databases: BTreeSet<String>,
    tables: BTreeSet<String>,
    columns: BTreeSet<String>,
}

impl Finding<'_> {
    fn statement(&mut self, kind: &StatementKind) {
        match kind {
            StatementKind::Query(query) => self.query(query),
            StatementKind::Insert(insert) => {
                if let InsertSource::Query(query) = &insert.source {
                    self.query(query);
                }
                if let InsertTarget::Table(name) = &insert.target {
                    self.table(name);
                }
            }
            StatementKind::AlterTable(alter) => self.alter(alter),
            StatementKind::AlterDatabase(alter) => self.whole_database(&alter.name),
            StatementKind::Mutate(mutate) => {
                self.table(&mutate.table);
                mutate.mutation.assignments.iter().for_each(|assignment| self.expr(&assignment.expr));
                self.expr(&mutate.mutation.filter);
            }
            StatementKind::Optimize(optimize) => self.table(&optimize.table),
            StatementKind::VerifyView(view) => self.table(view),
            StatementKind::Drop(drop) => drop.names.iter().for_each(|name| self.object(drop.object, name)),
            StatementKind::TruncateTables(truncate) => self.whole_database(&truncate.database),
            StatementKind::Undrop(undrop) => self.table(&undrop.name),
            StatementKind::Attach(attach) => self.object(attach.object, &attach.name),
            StatementKind::Rename(rename) => {
                rename.pairs.iter().flat_map(|(from, to)| [from, to]).for_each(|name| self.object(rename.object, name));
            }
            StatementKind::Exchange(exchange) => {
                self.object(exchange.object, &exchange.left);
                self.object(exchange.object, &exchange.right);
            }
            StatementKind::Exists(exists) => self.object(exists.object, &exists.name),
            StatementKind::Show(show) => {
                if let Show::Create { object, name, .. } = &**show {
                    self.object(*object, name);
                }
            }
            StatementKind::Check(check) => {
                if let Check::Table(name, _) = &**check {
                    self.table(name);
                }
            }
            StatementKind::Describe(describe) => {
                if let TableSource::Subquery(query) = &describe.table.source {
                    self.query(query);
                }
            }
            StatementKind::Explain(explain) => match &explain.target {
                // the text alone is looked at
                _ if matches!(explain.kind, ExplainKind::Ast | ExplainKind::Syntax) => {}
                ExplainTarget::Statement(statement) => self.statement(&statement.kind),
                ExplainTarget::View(view) => self.table(view),
                ExplainTarget::Words(_) | ExplainTarget::Nothing => {}
            },
            kind => self.create(kind),
        }
    }

    fn create(&mut self, kind: &StatementKind) {
        match kind {
            StatementKind::CreateDatabase(create) => self.whole_database(&create.name),
            StatementKind::CreateTable(create) => {
                self.table(&create.head.name);
                match &create.source {
                    CreateSource::Like(other) | CreateSource::Clone(other) => self.table(other),
                    CreateSource::Query { query, .. } => self.query(query),
                    CreateSource::Declared | CreateSource::Function(_) | CreateSource::Replicated(_) => {}
                }
            }
            // views are read when they are asked
            StatementKind::CreateView(create) => self.table(&create.head.name),
            StatementKind::CreateMaterializedView(create) => {
                self.table(&create.head.name);
                if create.populate {
                    self.query(&create.query);
                }
            }
            StatementKind::CreateWindowView(create) => self.table(&create.head.name),
            StatementKind::CreateDictionary(create) => self.table(&create.head.name),
            StatementKind::CreateIndex(create) => self.table(&create.table),
            StatementKind::DropIndex(drop) => self.table(&drop.table),
            _ => {}
        }
    }

    fn alter(&mut self, alter: &AlterTable) {
        self.table(&alter.name);
        for action in &alter.actions {
            let columns: Vec<&Ident> = match action {
                AlterAction::AddColumn { column, position, .. }
                | AlterAction::ModifyColumn { column, position, .. } => {
                    let after = match position {
                        Some(ColumnPosition::After(after)) => Some(after),
                        Some(ColumnPosition::First) | None => None,
                    };
                    std::iter::once(&column.name).chain(after).collect()
                }
                AlterAction::DropColumn(drop) => drop.names.iter().collect(),
                AlterAction::RemoveColumnProperty { column, .. }
                | AlterAction::ModifyColumnSetting(column, _)
                | AlterAction::ResetColumnSetting(column, _)
                | AlterAction::CommentColumn { column, .. } => vec![column],
                AlterAction::RenameColumn { from, to, .. } => vec![from, to],
                AlterAction::Materialize(Element::Column, materialize) => materialize.names.iter().collect(),
                AlterAction::Update(mutation) | AlterAction::Delete(mutation) => {
                    mutation.assignments.iter().for_each(|assignment| self.expr(&assignment.expr));
                    self.expr(&mutation.filter);
                    Vec::new()
                }
                AlterAction::Partition(
                    PartitionAction::AttachFrom(_, other)
                    | PartitionAction::Replace(_, other)
                    | PartitionAction::Move(_, MoveTarget::Table(other)),
                ) => {
                    self.table(other);
                    Vec::new()
                }
                _ => Vec::new(),
            };
            let table = self.full(&alter.name);
            self.columns.extend(columns.into_iter().map(|column| format!("{table}.{column}")));
        }
    }

    fn object(&mut self, kind: ObjectKind, name: &ObjectName) {
        match kind {
            ObjectKind::Table | ObjectKind::View | ObjectKind::Dictionary => self.table(name),
            ObjectKind::Database => self.whole_database(&name.name),
            ObjectKind::Function | ObjectKind::NamedCollection | ObjectKind::ConcurrencyGroup => {}
        }
    }

    fn whole_database(&mut self, name: &Ident) {
        self.databases.insert(name.to_string());
    }

    fn table(&mut self, name: &ObjectName) {
        let full = self.full(name);
        self.databases.extend(full.database.as_ref().map(Ident::to_string));
        self.tables.insert(full.to_string());
    }

    fn full(&self, name: &ObjectName) -> ObjectName {
        let database = name.database.clone().unwrap_or_else(|| Ident::new(self.database));
        ObjectName { database: Some(database), name: name.name.clone() }
    }

    fn query(&mut self, query: &Query) {
        self.qualified(names_in(query, self.database));
    }

    /// The tables of queries inside of it.
    fn expr(&mut self, expr: &Expr) {
        self.qualified(names_in_expr(expr, self.database));
    }

    fn qualified(&mut self, names: Vec<store::QualifiedName>) {
        for name in names {
            self.table(&ObjectName { database: Some(Ident::new(&*name.database)), name: Ident::new(&*name.name) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(text: &str) -> Vec<String> {
        named(text, "d").tables
    }

    #[test]
    fn tables_are_named_wherever_they_stand_and_ctes_are_none() {
        let text =
            "INSERT INTO t WITH c AS (SELECT * FROM a) SELECT * FROM c JOIN o.b USING k WHERE k IN (SELECT k FROM a)";
        let found = named(text, "d");
        assert_eq!(found.tables, ["d.a", "d.t", "o.b"]);
        assert_eq!(found.databases, ["d", "o"]);
        assert_eq!(tables("ALTER TABLE x.y DELETE WHERE 1"), ["x.y"]);
        assert_eq!(named("SELECT 1 FROM numbers(3)", "d"), Named::default());
        assert_eq!(named("no statement", "d"), Named::default());
    }

    // what ClickHouse 26.9 has in its log
    #[test]
    fn definitions_name_what_they_change_and_what_they_copy() {
        let one = [
            ("DROP TABLE t", "d.t"),
            ("DROP VIEW IF EXISTS o.t", "o.t"),
            ("DROP DICTIONARY t", "d.t"),
            ("TRUNCATE TABLE t", "d.t"),
            ("DETACH TABLE t PERMANENTLY", "d.t"),
            ("ATTACH TABLE t", "d.t"),
            ("UNDROP TABLE t", "d.t"),
            ("OPTIMIZE TABLE t FINAL", "d.t"),
            ("CHECK TABLE t", "d.t"),
            ("EXISTS TABLE t", "d.t"),
            ("SHOW CREATE TABLE t", "d.t"),
            ("EXPLAIN SELECT k FROM t", "d.t"),
            ("DESCRIBE (SELECT k FROM t)", "d.t"),
            ("CREATE INDEX i ON t k TYPE minmax", "d.t"),
            ("CREATE VIEW v AS SELECT k FROM t", "d.v"),
            ("CREATE MATERIALIZED VIEW v TO u AS SELECT k FROM t", "d.v"),
            ("DROP TABLE `a b`.`c``d`", "`a b`.`c\\`d`"),
        ];
        for (text, table) in one {
            assert_eq!(tables(text), [table], "{text}");
        }
        let several: [(&str, &[&str]); 10] = [
            ("DROP TABLE t, o.u", &["d.t", "o.u"]),
            ("RENAME TABLE a TO o.b, c TO a", &["d.a", "d.c", "o.b"]),
            ("EXCHANGE TABLES a AND b", &["d.a", "d.b"]),
            ("CREATE TABLE u AS t", &["d.t", "d.u"]),
            ("CREATE TABLE u CLONE AS t", &["d.t", "d.u"]),
            ("CREATE TABLE u ENGINE = Memory AS SELECT k FROM t", &["d.t", "d.u"]),
            ("CREATE MATERIALIZED VIEW v ENGINE = MergeTree ORDER BY k POPULATE AS SELECT k FROM t", &["d.t", "d.v"]),
            ("ALTER TABLE u ATTACH PARTITION tuple() FROM t", &["d.t", "d.u"]),
            ("ALTER TABLE t MOVE PARTITION tuple() TO TABLE u", &["d.t", "d.u"]),
            ("ALTER TABLE t UPDATE s = 'b' WHERE k IN (SELECT k FROM u)", &["d.t", "d.u"]),
        ];
        for (text, expected) in several {
            assert_eq!(tables(text), expected, "{text}");
        }
        for text in [
            "DESCRIBE TABLE t",
            "SHOW TABLES",
            "EXPLAIN SYNTAX SELECT k FROM t",
            "SYSTEM STOP MERGES t",
            "DROP FUNCTION f",
            "SET max_threads = 2",
            "CHECK ALL TABLES",
        ] {
            assert_eq!(named(text, "d"), Named::default(), "{text}");
        }
    }

    #[test]
    fn databases_are_named_without_tables() {
        for text in [
            "CREATE DATABASE o",
            "DROP DATABASE IF EXISTS o",
            "TRUNCATE ALL TABLES FROM o",
            "TRUNCATE DATABASE o",
            "SHOW CREATE DATABASE o",
        ] {
            let found = named(text, "d");
            assert_eq!((found.databases, found.tables), (vec!["o".to_owned()], vec![]), "{text}");
        }
        assert_eq!(named("RENAME DATABASE o TO p", "d").databases, ["o", "p"]);
    }

    #[test]
    fn an_alter_of_columns_names_them() {
        let columns = |actions: &str| named(&format!("ALTER TABLE t {actions}"), "d").columns;
        assert_eq!(columns("ADD COLUMN c UInt8, ADD COLUMN e UInt8 AFTER k"), ["d.t.c", "d.t.e", "d.t.k"]);
        for actions in [
            "DROP COLUMN c",
            "CLEAR COLUMN c",
            "MODIFY COLUMN c UInt16",
            "MODIFY COLUMN c REMOVE DEFAULT",
            "MATERIALIZE COLUMN c",
            "COMMENT COLUMN c 'hi'",
        ] {
            assert_eq!(columns(actions), ["d.t.c"], "{actions}");
        }
        assert_eq!(columns("RENAME COLUMN c TO e"), ["d.t.c", "d.t.e"]);
        for actions in ["ADD INDEX j k TYPE minmax", "DROP INDEX j", "UPDATE s = 'b' WHERE k = 1", "MODIFY ORDER BY k"]
        {
            assert!(columns(actions).is_empty(), "{actions}");
        }
    }
}
