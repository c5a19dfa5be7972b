//! Which tables a list of elements means, and what they are to be called.

use std::collections::BTreeMap;
use std::sync::Arc;

use sql::ast::{BackupElement, Ident, ObjectName};
use store::{Catalog, QualifiedName, TableDef, ViewDef, Visibility};
use types::{ErrorCode, TableId};
use views::insert::quarantine::errors_name;

use super::rename::Renames;
use crate::error::{Error, Result};

/// Tables in a snapshot or in a backup.
pub(super) struct Choice {
    /// By their ids.
    pub(super) tables: Vec<Chosen>,
    /// Databases that are meant as such, with the name that each is to have.
    pub(super) databases: Vec<(Arc<str>, Arc<str>)>,
}

/// A table or view that was chosen.
#[derive(Clone)]
pub(super) struct Chosen {
    /// As it is where it comes from.
    pub(super) from: Arc<TableDef>,
    /// With the name that it is to have, and the names that are to stand in it; ids and UUID are those of `from`.
    pub(super) def: Arc<TableDef>,
}

/// What can be chosen from.
pub(super) struct Shelf<'a> {
    pub(super) tables: Vec<Arc<TableDef>>,
    pub(super) databases: Vec<Arc<str>>,
    /// The database that names without one are in.
    pub(super) database: &'a str,
    /// What is there: definitions may name it, too.
    pub(super) catalog: &'a Catalog,
}

/// What was named, before anything is called otherwise.
struct Named {
    tables: BTreeMap<TableId, Arc<TableDef>>,
    databases: Vec<(Arc<str>, Arc<str>)>,
    renames: Renames,
}

impl Shelf<'_> {
    /// Every element, and the tables that chosen views own. `inner` gives the table inside of a view, whose name is its
    /// UUID's, another one.
    pub(super) fn choose(
        &self,
        elements: &[BackupElement],
        inner: &dyn Fn(&TableDef) -> Option<Arc<str>>,
    ) -> Result<Choice> {
        let mut named = Named { tables: BTreeMap::new(), databases: Vec::new(), renames: Renames::default() };
        for element in elements {
            self.add(element, &mut named)?;
        }
        self.add_owned(&mut named, inner)?;
        let names: BTreeMap<QualifiedName, &Arc<TableDef>> =
            self.listed().map(|def| (def.qualified_name(), def)).collect();
        let known = |name: &QualifiedName| names.get(name).copied().or_else(|| self.catalog.named(name)).cloned();
        let mut tables = Vec::with_capacity(named.tables.len());
        for from in named.tables.into_values() {
            let def = named.renames.definition(&from, &known)?;
            tables.push(Chosen { from, def });
        }
        refuse_names(&tables)?;
        Ok(Choice { tables, databases: named.databases })
    }

    fn add(&self, element: &BackupElement, named: &mut Named) -> Result<()> {
        match element {
            BackupElement::Table { name, rename } => {
                let def = self.table(&self.qualified(name))?;
                let to = rename.as_ref().map_or_else(|| def.qualified_name(), |rename| self.qualified(rename));
                named.renames.table(def.qualified_name(), to)?;
                named.tables.insert(def.id, def);
            }
            BackupElement::Database { name, rename, except } => {
                let name = self.known_database(&name.name)?;
                let to: Arc<str> = rename.as_ref().map_or(name.clone(), |rename| rename.name.as_str().into());
                named.renames.database(&name, &to)?;
                named.databases.push((name.clone(), to));
                let meant = |def: &&Arc<TableDef>| def.database == name && !is_among(&def.name, except);
                named.tables.extend(self.listed().filter(meant).map(|def| (def.id, def.clone())));
            }
            BackupElement::All { except_databases, except_tables } => {
                let except: Vec<QualifiedName> = except_tables.iter().map(|name| self.qualified(name)).collect();
                let meant = |database: &&Arc<str>| !is_among(database, except_databases);
                named.databases.extend(self.databases.iter().filter(meant).map(|name| (name.clone(), name.clone())));
                let meant = |def: &&Arc<TableDef>| {
                    !is_among(&def.database, except_databases) && !except.contains(&def.qualified_name())
                };
                named.tables.extend(self.listed().filter(meant).map(|def| (def.id, def.clone())));
            }
        }
        Ok(())
    }

    fn listed(&self) -> impl Iterator<Item = &Arc<TableDef>> {
        self.tables.iter().filter(|def| def.visibility == Visibility::Listed)
    }

    /// The tables inside of views: their inner table, the state of their operators, their errors. They go where the view
    /// goes, unless a name of their own was given to them.
    fn add_owned(&self, named: &mut Named, inner: &dyn Fn(&TableDef) -> Option<Arc<str>>) -> Result<()> {
        let views: Vec<Arc<TableDef>> = named.tables.values().cloned().collect();
        for view in views {
            let to = named.renames.of(&view.qualified_name());
            for id in owned(&view) {
                let found = self.tables.iter().find(|def| def.id == id).cloned();
                let def = found.ok_or_else(|| unknown(&view.qualified_name()))?;
                let name = match def.name.starts_with(INNER) {
                    true => inner(&view).unwrap_or_else(|| def.name.clone()),
                    false if is_called_after(&def, &view) => errors_name(&to.name).into(),
                    false => def.name.clone(),
                };
                if def.database == view.database && !named.renames.names(&def.qualified_name()) {
                    let to = QualifiedName { database: to.database.clone(), name };
                    named.renames.follow(def.qualified_name(), to);
                }
                named.renames.comment(&def, &view.qualified_name());
                named.tables.insert(id, def);
            }
        }
        Ok(())
    }

    fn qualified(&self, name: &ObjectName) -> QualifiedName {
        let database = name.database.as_ref().map_or(self.database, |database| &database.name);
        QualifiedName::new(database, name.name.name.as_str())
    }

    fn table(&self, name: &QualifiedName) -> Result<Arc<TableDef>> {
        self.listed().find(|def| def.qualified_name() == *name).cloned().ok_or_else(|| unknown(name))
    }

    fn known_database(&self, name: &str) -> Result<Arc<str>> {
        let found = self.databases.iter().find(|known| ***known == *name);
        found.cloned().ok_or_else(|| query::Error::UnknownDatabase(name.to_owned()).into())
    }
}

/// The tables that are a view's own.
pub(super) fn owned(view: &TableDef) -> Vec<TableId> {
    view.view.as_ref().map(ViewDef::owned).unwrap_or_default()
}

fn is_among(name: &str, idents: &[Ident]) -> bool {
    idents.iter().any(|ident| ident.name == *name)
}

/// How the name of a table inside of a view begins; the view's UUID follows.
pub(super) const INNER: &str = ".inner_id.";

/// True for a table of errors that is called after its view.
fn is_called_after(table: &TableDef, view: &TableDef) -> bool {
    view.view.as_ref().and_then(ViewDef::errors) == Some(table.id) && *table.name == *errors_name(&view.name)
}

/// Two of one name, and names in databases that nobody writes to.
fn refuse_names(tables: &[Chosen]) -> Result<()> {
    let mut names: BTreeMap<QualifiedName, &TableDef> = BTreeMap::new();
    for Chosen { from, def } in tables.iter().filter(|table| table.def.visibility == Visibility::Listed) {
        let name = def.qualified_name();
        if query::system::canonical(&name.database).is_some() {
            let message = format!("tables cannot be created in database {}", name.database);
            return Err(Error::refused(ErrorCode::ACCESS_DENIED, message));
        }
        if let Some(other) = names.insert(name.clone(), from) {
            let (a, b) = (other.qualified_name(), from.qualified_name());
            let message = format!("{a} and {b} cannot both be called {name}");
            return Err(Error::refused(ErrorCode::CANNOT_RESTORE_TABLE, message));
        }
    }
    Ok(())
}

fn unknown(name: &QualifiedName) -> Error {
    Error::refused(ErrorCode::UNKNOWN_TABLE, format!("table {name} does not exist"))
}
