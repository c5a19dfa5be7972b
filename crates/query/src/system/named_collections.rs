//! `system.named_collections`: names and keys; values are shown to nobody.

use sql::ast::{CollectionItem, CreateNamedCollection, Ident, Statement, StatementKind};

use super::{Cell, Rows};
use crate::context::QueryContext;
use crate::error::Result;
use crate::external::{hide_secrets, parse_items};

const HIDDEN: &str = "[HIDDEN]";

pub(super) fn rows(ctx: &QueryContext, rows: &mut Rows) -> Result<()> {
    for (name, text) in ctx.snapshot.catalog.collections() {
        let items = parse_items(text)?;
        let values = items.iter().map(|item| (item.key.name.clone(), HIDDEN.to_owned())).collect();
        rows.push([
            ("name", name.clone().into()),
            ("collection", Cell::TextMap(values)),
            ("source", "SQL".into()),
            ("create_query", create_text(name, items).into()),
        ]);
    }
    Ok(())
}

fn create_text(name: &str, items: Vec<CollectionItem>) -> String {
    let create = CreateNamedCollection { if_not_exists: false, name: Ident::new(name), on_cluster: None, items };
    hide_secrets(&Statement::new(StatementKind::CreateNamedCollection(Box::new(create))).to_string())
}
