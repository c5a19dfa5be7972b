//! What a table's or view's canonical text says, for those who need more than columns and layout: expressions of
//! defaults, keys, comments, the SELECT.
//!
//! The store keeps the text only; it is parsed where it is asked for.

use sql::ast::{
    ColumnDef, CreateDictionary, CreateMaterializedView, CreateTable, CreateView, CreateWindowView, StatementKind,
};
use sql::ast::{Query, Storage};
use store::TableDef;
use types::ErrorCode;

use crate::error::{Error, Result};

/// The statement that a definition is.
#[derive(Clone, Debug)]
pub enum Definition {
    /// A table.
    Table(Box<CreateTable>),
    /// A plain view.
    View(Box<CreateView>),
    /// An incremental, refreshable or live view.
    MaterializedView(Box<CreateMaterializedView>),
    /// A window view.
    WindowView(Box<CreateWindowView>),
    /// A dictionary.
    Dictionary(Box<CreateDictionary>),
}

impl Definition {
    /// Parses the text of a definition. It was printed by this program, so an error means that it is damaged.
    pub fn parse(def: &TableDef) -> Result<Definition> {
        let damaged = |reason: String| {
            let name = def.qualified_name();
            Error::refused(ErrorCode::CORRUPTED_DATA, format!("cannot read the definition of \"{name}\": {reason}"))
        };
        let statement = sql::parse_statement(&def.sql).map_err(|error| damaged(error.to_string()))?;
        match statement.kind {
            StatementKind::CreateTable(create) => Ok(Definition::Table(create)),
            StatementKind::CreateView(create) => Ok(Definition::View(create)),
            StatementKind::CreateMaterializedView(create) => Ok(Definition::MaterializedView(create)),
            StatementKind::CreateWindowView(create) => Ok(Definition::WindowView(create)),
            StatementKind::CreateDictionary(create) => Ok(Definition::Dictionary(create)),
            _ => Err(damaged("it creates no table".to_owned())),
        }
    }
}

/// What an EPHEMERAL column without an expression is worth: the default value of its type.
pub fn default_of_type(column: &ColumnDef) -> sql::Expr {
    let ty = column.data_type.as_ref().map(ToString::to_string).unwrap_or_default();
    let ty = sql::Expr::literal(sql::ast::Literal::string(ty));
    sql::Expr::call("defaultValueOfTypeName", vec![ty])
}

impl Definition {
    /// The declared columns; none where the text has no list.
    pub fn columns(&self) -> &[ColumnDef] {
        let elements = match self {
            Definition::Table(create) => &create.elements,
            Definition::View(create) => &create.elements,
            Definition::MaterializedView(create) => &create.elements,
            Definition::WindowView(create) => &create.elements,
            Definition::Dictionary(_) => return &[],
        };
        elements.as_ref().map_or(&[], |elements| &elements.columns)
    }

    /// The declaration of a column.
    pub fn column(&self, name: &str) -> Option<&ColumnDef> {
        self.columns().iter().find(|column| column.name.name == name)
    }

    /// The skip indexes of a table.
    pub fn indexes(&self) -> &[sql::ast::IndexDef] {
        match self {
            Definition::Table(create) => create.elements.as_ref().map_or(&[], |elements| &elements.indexes),
            Definition::View(_)
            | Definition::MaterializedView(_)
            | Definition::WindowView(_)
            | Definition::Dictionary(_) => &[],
        }
    }

    /// The projections of a table.
    pub fn projections(&self) -> &[sql::ast::ProjectionDef] {
        match self {
            Definition::Table(create) => create.elements.as_ref().map_or(&[], |elements| &elements.projections),
            Definition::View(_)
            | Definition::MaterializedView(_)
            | Definition::WindowView(_)
            | Definition::Dictionary(_) => &[],
        }
    }

    /// ENGINE and what follows it; none for plain views.
    pub fn storage(&self) -> Option<&Storage> {
        match self {
            Definition::Table(create) => Some(&create.storage),
            Definition::View(_) | Definition::Dictionary(_) => None,
            Definition::MaterializedView(create) => Some(&create.storage),
            Definition::WindowView(create) => Some(&create.storage),
        }
    }

    /// The SELECT of a view.
    pub fn query(&self) -> Option<&Query> {
        match self {
            Definition::Table(_) | Definition::Dictionary(_) => None,
            Definition::View(create) => Some(&create.query),
            Definition::MaterializedView(create) => Some(&create.query),
            Definition::WindowView(create) => Some(&create.query),
        }
    }
}

/// A table's keys as `system.tables` shows them: expressions joined by commas.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Keys {
    /// PARTITION BY.
    pub partition: String,
    /// ORDER BY.
    pub sorting: String,
    /// PRIMARY KEY, or ORDER BY where there is none.
    pub primary: String,
    /// SAMPLE BY.
    pub sampling: String,
}

impl Keys {
    /// The keys of a storage clause.
    pub fn of(storage: &Storage) -> Keys {
        let sorting = match &storage.order_by {
            // ClickHouse leaves DESC out here
            Some(key) => list(key.items.iter().map(|item| item.expr.to_string())),
            None => String::new(),
        };
        let primary = match &storage.primary_key {
            Some(key) => exprs(key),
            None => sorting.clone(),
        };
        let one = |expr: &Option<sql::Expr>| expr.as_ref().map(exprs).unwrap_or_default();
        Keys { partition: one(&storage.partition_by), sorting, primary, sampling: one(&storage.sample_by) }
    }
}

/// The items of a key.
fn exprs(key: &sql::Expr) -> String {
    list(key.items().iter().map(ToString::to_string))
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

/// The names of columns that an expression reads, as far as keys can read any: no subqueries, no lambdas.
pub fn names_in(expr: &sql::Expr) -> Vec<String> {
    use sql::ast::ExprKind;
    let mut names = Vec::new();
    let mut left = vec![expr];
    while let Some(expr) = left.pop() {
        match &expr.kind {
            ExprKind::Identifier(parts) => {
                names.push(parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join("."));
            }
            ExprKind::Lambda(_) => {}
            _ => left.extend(expr.children()),
        }
    }
    names
}
