//! BACKUP and RESTORE.

use super::{Ident, ObjectName, Setting, TableFunction};

/// `BACKUP|RESTORE element, … TO|FROM location [SETTINGS …] [SYNC|ASYNC]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Backup {
    /// RESTORE.
    pub restores: bool,
    /// At least one.
    pub elements: Vec<BackupElement>,
    /// `File('path')`, `Disk('name', 'path')`…
    pub location: TableFunction,
    /// `SETTINGS`, with ASYNC and SYNC as `async`.
    pub settings: Vec<Setting>,
}

/// What is backed up or restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackupElement {
    /// `TABLE [db.]name [AS [db.]name]`, also DICTIONARY, VIEW.
    Table {
        /// Its name in the source.
        name: ObjectName,
        /// Its name in what is made; the same when absent.
        rename: Option<ObjectName>,
    },
    /// `DATABASE name [AS name] [EXCEPT TABLES a, b]`.
    Database {
        /// Its name in the source.
        name: Ident,
        /// Its name in what is made; the same when absent.
        rename: Option<Ident>,
        /// Tables of it that are left out.
        except: Vec<Ident>,
    },
    /// `ALL [EXCEPT DATABASES a, b] [EXCEPT TABLES a.b, c.d]`.
    All {
        /// Databases that are left out.
        except_databases: Vec<Ident>,
        /// Tables that are left out.
        except_tables: Vec<ObjectName>,
    },
}
