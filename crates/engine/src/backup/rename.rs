//! BACKUP and RESTORE … AS: what is called otherwise, and definitions in which every name follows.
//!
//! ```text
//! elements ─▶ Renames (tables before databases) ─▶ Renames::definition: text (text.rs) and names of the view (store)
//! ```
//! As in ClickHouse, DATABASE a AS b is said of every name in `a`, whether it is in the backup or not, and TABLE a.x AS b.y of
//! that one; all other names stay. Never here: ids, UUIDs and rows.

mod query;
mod text;

use std::collections::BTreeMap;
use std::sync::Arc;

use sql::ast::{ObjectName, Statement, StatementKind};
use store::{QualifiedName, TableDef, TableKind, Visibility};
use types::ErrorCode;

use crate::ddl;
use crate::error::{Error, Result};
use text::Follower;

/// Finds the table or view that a name meant where the definitions come from.
pub(super) type Known<'a> = &'a dyn Fn(&QualifiedName) -> Option<Arc<TableDef>>;

/// What is called otherwise from here on.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Renames {
    tables: BTreeMap<QualifiedName, QualifiedName>,
    databases: BTreeMap<Arc<str>, Arc<str>>,
    /// What tables of errors say of themselves from here on.
    comments: BTreeMap<QualifiedName, String>,
}

impl Renames {
    /// A table or view gets a name; the same one is said too, for it goes before what its database is called.
    pub(super) fn table(&mut self, from: QualifiedName, to: QualifiedName) -> Result<()> {
        match self.tables.insert(from.clone(), to.clone()) {
            Some(other) if other != to => Err(wrong("table", &from.to_string(), &other.to_string(), &to.to_string())),
            Some(_) | None => Ok(()),
        }
    }

    /// A database gets a name, and all that is in it.
    pub(super) fn database(&mut self, from: &Arc<str>, to: &Arc<str>) -> Result<()> {
        match self.databases.insert(from.clone(), to.clone()) {
            Some(other) if other != *to => Err(wrong("database", from, &other, to)),
            Some(_) | None => Ok(()),
        }
    }

    /// True when a name of its own was given to a table.
    pub(super) fn names(&self, table: &QualifiedName) -> bool {
        self.tables.contains_key(table)
    }

    /// The table of a view is called after the view.
    pub(super) fn follow(&mut self, from: QualifiedName, to: QualifiedName) {
        self.tables.insert(from, to);
    }

    /// A table of errors says of which view they are, unless it was told to say something else.
    pub(super) fn comment(&mut self, errors: &TableDef, view: &QualifiedName) {
        let to = self.of(view);
        if to != *view && *errors.comment == *ddl::errors_comment(view) {
            self.comments.insert(errors.qualified_name(), ddl::errors_comment(&to));
        }
    }

    /// What something is called.
    pub(super) fn of(&self, name: &QualifiedName) -> QualifiedName {
        match self.tables.get(name) {
            Some(to) => to.clone(),
            None => QualifiedName { database: self.of_database(&name.database), name: name.name.clone() },
        }
    }

    /// What a database is called.
    pub(super) fn of_database(&self, name: &Arc<str>) -> Arc<str> {
        self.databases.get(name).unwrap_or(name).clone()
    }

    /// True when everything keeps its name.
    fn is_empty(&self) -> bool {
        self.tables.iter().all(|(from, to)| from == to) && self.databases.iter().all(|(from, to)| from == to)
    }

    /// The definition under the name that it has from here on, with every name in it as it is from here on. What cannot
    /// follow is refused by name.
    pub(super) fn definition(&self, def: &Arc<TableDef>, known: Known<'_>) -> Result<Arc<TableDef>> {
        let name = self.of(&def.qualified_name());
        if self.is_empty() && name == def.qualified_name() {
            return Ok(Arc::clone(def));
        }
        let mut new = TableDef { database: name.database.clone(), name: name.name.clone(), ..(**def).clone() };
        if def.visibility == Visibility::Hidden {
            // no name is in it but its own, and nobody reads that
            return Ok(Arc::new(new));
        }
        let mut statement = sql::parse_statement(&def.sql).map_err(|error| {
            let message = format!("cannot read the definition of \"{}\": {error}", def.qualified_name());
            Error::refused(ErrorCode::CORRUPTED_DATA, message)
        })?;
        let mut follower = Follower::new(self, def, &name.database, known);
        follower.definition(&mut statement.kind);
        let is_changed = follower.ended()?;
        if is_changed || name != def.qualified_name() {
            set_name(&mut statement, &name);
            if let (Some(comment), StatementKind::CreateTable(create)) =
                (self.comments.get(&def.qualified_name()), &mut statement.kind)
            {
                create.comment = Some(comment.clone());
                new.comment = comment.as_str().into();
            }
            new.sql = statement.to_string().into();
        }
        new.view = def.view.as_ref().map(|view| view.with_names(&|name| self.of(name)));
        Ok(Arc::new(new))
    }
}

fn wrong(what: &str, from: &str, a: &str, b: &str) -> Error {
    let message = format!("wrong renaming: {what} {from} cannot be called {a} and {b} at the same time");
    Error::refused(ErrorCode::WRONG_DDL_RENAMING_SETTINGS, message)
}

/// The text is about this name.
fn set_name(statement: &mut Statement, name: &QualifiedName) {
    let name = ObjectName::qualified(&*name.database, &*name.name);
    match &mut statement.kind {
        StatementKind::CreateTable(create) => create.head.name = name,
        StatementKind::CreateView(create) => create.head.name = name,
        StatementKind::CreateMaterializedView(create) => create.head.name = name,
        StatementKind::CreateWindowView(create) => create.head.name = name,
        StatementKind::CreateDictionary(create) => create.head.name = name,
        _ => {}
    }
}

/// What an error calls a table or view.
fn kind_of(def: &TableDef) -> &'static str {
    match def.kind {
        TableKind::View | TableKind::WindowView => "view",
        TableKind::Dictionary => "dictionary",
        _ => "table",
    }
}

#[cfg(test)]
mod tests;
