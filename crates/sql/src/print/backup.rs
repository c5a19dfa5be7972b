//! BACKUP and RESTORE.

use super::Printer;
use crate::ast::{Backup, BackupElement};

impl Printer {
    pub(super) fn backup(&mut self, backup: &Backup) {
        self.text(if backup.restores { "RESTORE " } else { "BACKUP " });
        self.list(&backup.elements, Self::backup_element);
        self.text(if backup.restores { " FROM " } else { " TO " });
        self.table_function(&backup.location);
        if !backup.settings.is_empty() {
            self.text(" SETTINGS ");
            self.list(&backup.settings, Self::setting);
        }
    }

    fn backup_element(&mut self, element: &BackupElement) {
        match element {
            BackupElement::Table { name, rename } => {
                self.text("TABLE ");
                self.object_name(name);
                if let Some(rename) = rename {
                    self.text(" AS ");
                    self.object_name(rename);
                }
            }
            BackupElement::Database { name, rename, except } => {
                self.text("DATABASE ");
                self.ident(name);
                if let Some(rename) = rename {
                    self.text(" AS ");
                    self.ident(rename);
                }
                if !except.is_empty() {
                    self.text(if except.len() == 1 { " EXCEPT TABLE " } else { " EXCEPT TABLES " });
                    self.list(except, Self::ident);
                }
            }
            BackupElement::All { except_databases, except_tables } => {
                self.text("ALL");
                if !except_databases.is_empty() {
                    self.text(if except_databases.len() == 1 { " EXCEPT DATABASE " } else { " EXCEPT DATABASES " });
                    self.list(except_databases, Self::ident);
                }
                if !except_tables.is_empty() {
                    self.text(if except_tables.len() == 1 { " EXCEPT TABLE " } else { " EXCEPT TABLES " });
                    self.list(except_tables, Self::object_name);
                }
            }
        }
    }
}
