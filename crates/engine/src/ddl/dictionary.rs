//! CREATE DICTIONARY, and who depends on what a dictionary needs.

use std::sync::Arc;

use query::QueryContext;
use query::definition::Definition;
use query::dictionary::Structure;
use sql::ast::{CreateDictionary, CreateMode, Statement, StatementKind};
use store::{Edit, QualifiedName, Readiness, TableDef, TableKind, Visibility};
use types::{DataType, ErrorCode, Header};

use super::columns::ast_type;
use super::{commit, place};
use crate::engine::Engine;
use crate::error::{Error, Result};

/// CREATE DICTIONARY: checked, kept, and loaded when it is first used.
pub(super) async fn run(engine: &Engine, create: &CreateDictionary, ctx: &Arc<QueryContext>) -> Result<()> {
    let Some((name, mut edits)) = place(ctx, &create.head)?.edits(engine, ctx) else { return Ok(()) };
    let uuid = super::undrop::new_uuid(&create.head, engine, ctx)?;
    let mut create = create.clone();
    create.head = super::create_view::head(&name);
    create.head.mode = CreateMode::Create;
    for attribute in &mut create.attributes {
        // types of geometry have names of their own, which keys of polygons may be declared with
        if matches!(attribute.data_type.to_string().as_str(), "Point" | "Ring" | "Polygon" | "MultiPolygon") {
            continue;
        }
        attribute.data_type = ast_type(&DataType::parse(&attribute.data_type.to_string())?)?;
    }
    let inside = ctx.with_database(&name.database);
    let structure = Structure::new(&Arc::new(create.clone()), &inside)?;
    let def = TableDef {
        id: engine.inner.store.new_table_id(),
        database: name.database.clone(),
        name: name.name.clone(),
        uuid,
        version: 0,
        comment: create.comment.as_deref().unwrap_or_default().into(),
        sql: Statement::new(StatementKind::CreateDictionary(Box::new(create))).to_string().into(),
        engine: "Dictionary".into(),
        kind: TableKind::Dictionary,
        columns: structure.header(),
        schema: None,
        view: None,
        visibility: Visibility::Listed,
        readiness: Readiness::Ready,
        created_ns: ctx.now_ns,
    };
    edits.push(Edit::CreateTable(Arc::new(def)));
    commit(engine, edits, ctx).await?;
    Ok(())
}

/// Refuses a table over a dictionary that is not there, or whose columns the dictionary has not.
pub(super) fn check_table(argument: &sql::Expr, columns: &Header, ctx: &QueryContext) -> Result<()> {
    let name = query::table_functions::dotted(Some(argument)).unwrap_or_default();
    let (database, table) = name.split_once('.').unwrap_or((&ctx.caller.database, &name));
    let def = ctx.snapshot.catalog.table(database, table).filter(|def| def.kind == TableKind::Dictionary);
    let def =
        def.ok_or_else(|| Error::refused(ErrorCode::BAD_ARGUMENTS, format!("dictionary (`{name}`) not found")))?;
    for column in columns.columns() {
        if !def.columns.columns().contains(column) {
            let message = format!("not found column {} {} in dictionary `{name}`", column.name, column.ty);
            return Err(Error::refused(ErrorCode::THERE_IS_NO_COLUMN, message));
        }
    }
    Ok(())
}

/// Refuses to drop or rename what a dictionary is loaded from, or a dictionary that tables use.
pub(super) fn refuse_needed(table: &TableDef, ctx: &QueryContext) -> Result<()> {
    let mut needed_by = Vec::new();
    for other in ctx.snapshot.catalog.tables().filter(|other| other.id != table.id) {
        let needs = match other.kind {
            TableKind::Dictionary => reads(other, &table.qualified_name())?,
            _ => table.kind == TableKind::Dictionary && names_dictionary(other, &table.qualified_name()),
        };
        if needs && other.visibility != Visibility::Hidden {
            needed_by.push(other.qualified_name().to_string());
        }
    }
    if needed_by.is_empty() {
        return Ok(());
    }
    let message = format!(
        "cannot drop or rename {}, because some tables depend on it: {}",
        table.qualified_name(),
        needed_by.join(", ")
    );
    Err(Error::refused(ErrorCode::HAVE_DEPENDENT_OBJECTS, message))
}

fn reads(dictionary: &TableDef, name: &QualifiedName) -> Result<bool> {
    let Definition::Dictionary(create) = Definition::parse(dictionary)? else { return Ok(false) };
    Ok(query::dictionary::source_table(&create, &dictionary.database).as_ref() == Some(name))
}

/// True when a definition names a dictionary: in a call with its database, as an engine's argument without it as well.
fn names_dictionary(table: &TableDef, name: &QualifiedName) -> bool {
    let sql = &*table.sql;
    let is_near = table.database == name.database;
    if is_near
        && [format!("Dictionary('{}')", name.name), format!("Dictionary({})", name.name)]
            .iter()
            .any(|text| sql.contains(text))
    {
        return true;
    }
    sql.contains("dict") && sql.contains(&format!("'{name}'"))
        || sql.contains(&format!("Dictionary('{name}')"))
        || sql.contains(&format!("Dictionary({name})"))
}

/// Names of dictionaries in defaults get their database: the table means the same in every session.
pub(crate) fn qualify_dictionaries(expr: &mut sql::Expr, ctx: &QueryContext) {
    use sql::ast::{ExprKind, Literal};
    if let ExprKind::Function(call) = &mut expr.kind
        && call.name.name.starts_with("dict")
        && let Some(first) = call.arguments.first_mut()
        && let Some(name) = query::table_functions::dotted(Some(first))
        && ctx.snapshot.catalog.table(&ctx.caller.database, &name).is_some()
    {
        let full = QualifiedName::new(ctx.caller.database.clone(), name.as_str()).to_string();
        *first = sql::Expr::literal(Literal::String(full.into_bytes()));
    }
    expr.children_mut().into_iter().for_each(|child| qualify_dictionaries(child, ctx));
}
