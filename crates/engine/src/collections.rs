//! CREATE, ALTER and DROP NAMED COLLECTION: arguments of sources elsewhere under a name. Their values are shown to nobody.

use std::collections::BTreeMap;

use query::QueryContext;
use sql::ast::{
    AlterNamedCollection, CollectionItem, CreateNamedCollection, Drop, Ident, SettingValue, Statement, StatementKind,
};
use store::Edit;
use types::ErrorCode;

use crate::ddl;
use crate::engine::Engine;
use crate::error::{Error, Result};

/// CREATE NAMED COLLECTION.
pub(crate) async fn create(engine: &Engine, what: &CreateNamedCollection, ctx: &QueryContext) -> Result<()> {
    ddl::refuse_cluster(&what.on_cluster)?;
    let name = &what.name.name;
    if ctx.snapshot.catalog.collection(name).is_some() {
        let message = format!("a named collection `{name}` already exists");
        return match what.if_not_exists {
            true => Ok(()),
            false => Err(Error::refused(ErrorCode::NAMED_COLLECTION_ALREADY_EXISTS, message)),
        };
    }
    let mut items = BTreeMap::new();
    for item in &what.items {
        check_value(item)?;
        if items.insert(item.key.name.clone(), item.clone()).is_some() {
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, format!("key `{}` already exists", item.key.name)));
        }
    }
    set(engine, name, items, ctx).await
}

/// ALTER NAMED COLLECTION. What a key was allowed stays where nothing is said of it.
pub(crate) async fn alter(engine: &Engine, what: &AlterNamedCollection, ctx: &QueryContext) -> Result<()> {
    ddl::refuse_cluster(&what.on_cluster)?;
    let name = &what.name.name;
    let Some(text) = ctx.snapshot.catalog.collection(name) else {
        let message = format!("cannot update collection `{name}`, because it doesn't exist");
        return match what.if_exists {
            true => Ok(()),
            false => Err(Error::refused(ErrorCode::NAMED_COLLECTION_DOESNT_EXIST, message)),
        };
    };
    let known = query::external::parse_items(text)?;
    let mut items: BTreeMap<String, CollectionItem> =
        known.into_iter().map(|item| (item.key.name.clone(), item)).collect();
    for item in &what.set {
        check_value(item)?;
        let before = items.get(&item.key.name).and_then(|item| item.overridable);
        let item = CollectionItem { overridable: item.overridable.or(before), ..item.clone() };
        items.insert(item.key.name.clone(), item);
    }
    for key in &what.delete {
        if items.remove(&key.name).is_none() {
            let message = format!("cannot delete key `{}` because it does not exist in collection", key.name);
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
        }
    }
    if items.is_empty() {
        let message = format!("collection `{name}` would have no keys: drop it instead");
        return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
    }
    set(engine, name, items, ctx).await
}

/// The edit of DROP NAMED COLLECTION. What uses it fails from then on, as in ClickHouse.
pub(crate) fn drop_edit(what: &Drop, name: &str, ctx: &QueryContext) -> Result<Option<Edit>> {
    match ctx.snapshot.catalog.collection(name) {
        Some(text) => Ok(Some(Edit::SetCollection { name: name.into(), from: Some(text.clone()), to: None })),
        None if what.if_exists => Ok(None),
        None => {
            let message = format!("cannot remove collection `{name}`, because it doesn't exist");
            Err(Error::refused(ErrorCode::NAMED_COLLECTION_DOESNT_EXIST, message))
        }
    }
}

async fn set(engine: &Engine, name: &str, items: BTreeMap<String, CollectionItem>, ctx: &QueryContext) -> Result<()> {
    let create = CreateNamedCollection {
        if_not_exists: false,
        name: Ident::new(name),
        on_cluster: None,
        items: items.into_values().collect(),
    };
    let text = Statement::new(StatementKind::CreateNamedCollection(Box::new(create))).to_string();
    let from = ctx.snapshot.catalog.collection(name).cloned();
    ddl::commit(engine, vec![Edit::SetCollection { name: name.into(), from, to: Some(text.into()) }], ctx).await?;
    Ok(())
}

/// Values are constants.
fn check_value(item: &CollectionItem) -> Result<()> {
    match &item.value {
        SettingValue::Literal(_) => Ok(()),
        _ => {
            let message = format!("the value of key `{}` must be a constant", item.key.name);
            Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message))
        }
    }
}
