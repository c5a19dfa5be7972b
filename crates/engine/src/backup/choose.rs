//! Which tables a list of elements means, and what they are to be called.

use std::collections::BTreeMap;
use std::sync::Arc;

use sql::ast::{BackupElement, Ident, ObjectName};
use store::{QualifiedName, TableDef, ViewDef, Visibility};
use types::{ErrorCode, TableId};

use crate::error::{Error, Result};

/// Tables in a snapshot or in a backup.
pub(super) struct Choice {
    /// With the name that each is to have.
    pub(super) tables: Vec<(Arc<TableDef>, QualifiedName)>,
    /// Databases that are meant as such, with the name that each is to have.
    pub(super) databases: Vec<(Arc<str>, Arc<str>)>,
}

/// What can be chosen from.
pub(super) struct Shelf<'a> {
    pub(super) tables: Vec<Arc<TableDef>>,
    pub(super) databases: Vec<Arc<str>>,
    /// The database that names without one are in.
    pub(super) database: &'a str,
}

impl Shelf<'_> {
    /// Every element, and the tables that chosen views own.
    pub(super) fn choose(&self, elements: &[BackupElement]) -> Result<Choice> {
        let mut chosen: BTreeMap<TableId, (Arc<TableDef>, QualifiedName)> = BTreeMap::new();
        let mut databases = Vec::new();
        for element in elements {
            match element {
                BackupElement::Table { name, rename } => {
                    let def = self.table(&self.qualified(name))?;
                    let to = rename.as_ref().map_or_else(|| def.qualified_name(), |rename| self.qualified(rename));
                    refuse_renamed_view(&def, &to)?;
                    chosen.insert(def.id, (def, to));
                }
                BackupElement::Database { name, rename, except } => {
                    let name = self.known_database(&name.name)?;
                    let to: Arc<str> = rename.as_ref().map_or(name.clone(), |rename| rename.name.as_str().into());
                    databases.push((name.clone(), to.clone()));
                    for def in self.listed().filter(|def| def.database == name && !is_among(&def.name, except)) {
                        let to = QualifiedName { database: to.clone(), name: def.name.clone() };
                        refuse_renamed_view(def, &to)?;
                        chosen.insert(def.id, (def.clone(), to));
                    }
                }
                BackupElement::All { except_databases, except_tables } => {
                    let except: Vec<QualifiedName> = except_tables.iter().map(|name| self.qualified(name)).collect();
                    let meant = |database: &&Arc<str>| !is_among(database, except_databases);
                    databases.extend(self.databases.iter().filter(meant).map(|name| (name.clone(), name.clone())));
                    let meant = |def: &&Arc<TableDef>| {
                        !is_among(&def.database, except_databases) && !except.contains(&def.qualified_name())
                    };
                    for def in self.listed().filter(meant) {
                        chosen.insert(def.id, (def.clone(), def.qualified_name()));
                    }
                }
            }
        }
        self.add_owned(&mut chosen)?;
        Ok(Choice { tables: chosen.into_values().collect(), databases })
    }

    fn listed(&self) -> impl Iterator<Item = &Arc<TableDef>> {
        self.tables.iter().filter(|def| def.visibility == Visibility::Listed)
    }

    /// The tables inside of views: their inner table, the state of their operators.
    fn add_owned(&self, chosen: &mut BTreeMap<TableId, (Arc<TableDef>, QualifiedName)>) -> Result<()> {
        let views: Vec<Arc<TableDef>> = chosen.values().map(|(def, _)| def.clone()).collect();
        for view in views {
            for id in owned(&view) {
                let found = self.tables.iter().find(|def| def.id == id).cloned();
                let def = found.ok_or_else(|| unknown(&view.qualified_name()))?;
                let name = def.qualified_name();
                chosen.entry(id).or_insert((def, name));
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

/// The SELECT of a view names tables by text; under another name it would read others.
fn refuse_renamed_view(def: &TableDef, to: &QualifiedName) -> Result<()> {
    if def.view.is_some() && def.qualified_name() != *to {
        return Err(Error::NotImplemented(format!("BACKUP and RESTORE … AS of view {}", def.qualified_name())));
    }
    Ok(())
}

fn unknown(name: &QualifiedName) -> Error {
    Error::refused(ErrorCode::UNKNOWN_TABLE, format!("table {name} does not exist"))
}
