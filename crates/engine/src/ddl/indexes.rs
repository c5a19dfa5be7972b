//! CREATE INDEX and DROP INDEX: other words for ALTER TABLE.

use sql::ast::{AlterAction, AlterTable, CreateIndex, DropElement, DropIndex, Element};
use types::ErrorCode;

use crate::error::{Error, Result};

/// The ALTER TABLE that CREATE INDEX is.
pub(crate) fn create(what: &CreateIndex) -> Result<AlterTable> {
    if what.index.index_type.is_none() {
        return Err(Error::refused(ErrorCode::INCORRECT_QUERY, "CREATE INDEX without TYPE is forbidden"));
    }
    let (if_not_exists, index) = (what.if_not_exists, Box::new(what.index.clone()));
    let action = AlterAction::AddIndex { if_not_exists, index, position: None };
    Ok(AlterTable { name: what.table.clone(), on_cluster: what.on_cluster.clone(), actions: vec![action] })
}

/// The ALTER TABLE that DROP INDEX is.
pub(crate) fn drop(what: &DropIndex) -> AlterTable {
    let dropped =
        DropElement { if_exists: what.if_exists, names: vec![what.name.clone()], clear: false, partition: None };
    let action = AlterAction::DropElement(Element::Index, dropped);
    AlterTable { name: what.table.clone(), on_cluster: what.on_cluster.clone(), actions: vec![action] }
}
