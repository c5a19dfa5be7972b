//! BACKUP and RESTORE.

use super::{Parse, Parser};
use crate::ast::{Backup, BackupElement, Ident, Literal, Setting, SettingValue};

impl Parser<'_> {
    /// What follows BACKUP or RESTORE.
    pub(super) fn backup(&mut self, restores: bool) -> Parse<Backup> {
        let elements = self.list(Self::backup_element)?;
        self.expect_words(if restores { "FROM" } else { "TO" })?;
        let name = self.ident()?;
        let location = self.table_function(name)?;
        let mut settings = if self.accept("SETTINGS") { self.settings()? } else { Vec::new() };
        let waits = if self.accept("ASYNC") {
            Some(true)
        } else if self.accept("SYNC") {
            Some(false)
        } else {
            None
        };
        if let Some(value) = waits {
            settings.push(Setting { name: Ident::new("async"), value: SettingValue::Literal(Literal::Bool(value)) });
        }
        Ok(Backup { restores, elements, location, settings })
    }

    fn backup_element(&mut self) -> Parse<BackupElement> {
        if self.accept("ALL") {
            let mut element = (Vec::new(), Vec::new());
            while self.accept("EXCEPT") {
                if self.accept("DATABASES") || self.accept("DATABASE") {
                    element.0.extend(self.list(Self::ident)?);
                } else {
                    self.table_word()?;
                    element.1.extend(self.list(Self::object_name)?);
                }
            }
            return Ok(BackupElement::All { except_databases: element.0, except_tables: element.1 });
        }
        if self.accept("DATABASE") {
            let name = self.ident()?;
            let rename = if self.accept("AS") { Some(self.ident()?) } else { None };
            let mut except = Vec::new();
            if self.accept("EXCEPT") {
                self.table_word()?;
                except = self.list(Self::ident)?;
            }
            return Ok(BackupElement::Database { name, rename, except });
        }
        if !self.accept("VIEW") && !self.accept("DICTIONARY") {
            self.expect_words("TABLE")?;
        }
        let name = self.object_name()?;
        let rename = if self.accept("AS") { Some(self.object_name()?) } else { None };
        Ok(BackupElement::Table { name, rename })
    }

    fn table_word(&mut self) -> Parse<()> {
        if self.accept("TABLES") { Ok(()) } else { self.expect_words("TABLE") }
    }
}
