//! ALTER TABLE of a view: its SELECT, what happens when it fails, its comment.
//!
//! What reads the view goes on as it did, or the statement is refused with its name: a view whose SELECT could be compiled
//! before must compile afterwards.

use std::sync::Arc;

use query::QueryContext;
use query::definition::Definition;
use sql::ast::{
    AlterAction, ColumnDef, CreateMaterializedView, Ident, OnError, Query, Security, Statement, StatementKind,
    TableElements,
};
use store::{Edit, QualifiedName, TableDef, TableParts, Target, ViewDef};
use types::{ErrorCode, Header, TableId};

use super::Work;
use crate::ddl;
use crate::error::{Error, Result};

/// Actions on a view that is not refreshable.
pub(super) async fn run(work: &mut Work<'_>, view: &Arc<TableDef>, actions: &[&AlterAction]) -> Result<()> {
    for action in actions {
        let view = work.table(view.id)?;
        match action {
            AlterAction::ModifyComment(comment) => {
                let new = TableDef { comment: comment.as_str().into(), ..(*view).clone() };
                work.add(vec![Edit::AlterTable(Arc::new(new))])?;
            }
            AlterAction::CommentColumn { if_exists, column, comment } => {
                comment_column(work, &view, (&column.name, comment), *if_exists)?;
            }
            AlterAction::ModifyOnError(on_error) => modify_on_error(work, &view, *on_error)?,
            AlterAction::ModifyQuery(query) => modify_query(work, &view, query).await?,
            AlterAction::ModifySecurity(security) => modify_security(work, &view, security)?,
            other => {
                let text = other.to_string();
                let words: Vec<&str> = text.split_whitespace().take(2).collect();
                return Err(Error::NotImplemented(format!("ALTER TABLE … {}", words.join(" "))));
            }
        }
    }
    Ok(())
}

/// Views without REFRESH run within the statement that feeds or asks them: nothing but the definition says a definer.
fn modify_security(work: &mut Work<'_>, view: &Arc<TableDef>, said: &Security) -> Result<()> {
    let mut statement = sql::parse_statement(&view.sql)?;
    let security = match &mut statement.kind {
        StatementKind::CreateView(create) => &mut create.security,
        StatementKind::CreateMaterializedView(create) => &mut create.security,
        _ => return Err(Error::NotImplemented("SQL SECURITY of this view".to_owned())),
    };
    *security = ddl::security::as_kept(said, &work.ctx);
    work.add(vec![Edit::AlterTable(Arc::new(TableDef { sql: statement.to_string().into(), ..(**view).clone() }))])
}

/// COMMENT COLUMN of a view that has a list of columns: every one that is not a window view.
fn comment_column(
    work: &mut Work<'_>,
    view: &Arc<TableDef>,
    (name, comment): (&str, &str),
    if_exists: bool,
) -> Result<()> {
    let mut statement = sql::parse_statement(&view.sql)?;
    let elements = match &mut statement.kind {
        StatementKind::CreateView(create) => &mut create.elements,
        StatementKind::CreateMaterializedView(create) => &mut create.elements,
        StatementKind::CreateWindowView(create) => &mut create.elements,
        _ => return Err(Error::NotImplemented("COMMENT COLUMN of this view".to_owned())),
    };
    set_comment(elements, (name, comment), if_exists)?;
    work.add(vec![Edit::AlterTable(Arc::new(TableDef { sql: statement.to_string().into(), ..(**view).clone() }))])
}

/// Puts a comment on one of a view's columns.
pub(crate) fn set_comment(
    elements: &mut Option<TableElements>,
    (name, comment): (&str, &str),
    if_exists: bool,
) -> Result<()> {
    let columns = elements.iter_mut().flat_map(|elements| &mut elements.columns);
    let Some(column) = columns.into_iter().find(|column| column.name.name == name) else {
        if if_exists {
            return Ok(());
        }
        let message = format!("wrong column name: cannot find column \"{name}\" to comment");
        return Err(Error::refused(ErrorCode::NOT_FOUND_COLUMN_IN_BLOCK, message));
    };
    column.comment = (!comment.is_empty()).then(|| comment.to_owned());
    Ok(())
}

/// An incremental view while it is changed: its statement, and what it reads and writes.
struct Incremental {
    create: Box<CreateMaterializedView>,
    source: QualifiedName,
    target: Target,
    errors: Option<TableId>,
}

impl Incremental {
    fn of(view: &TableDef, what: &str) -> Result<Incremental> {
        let refuse = || {
            let message = format!("alter of type {what} is not supported by storage {}", view.engine);
            Error::refused(ErrorCode::NOT_IMPLEMENTED, message)
        };
        match (Definition::parse(view)?, view.view.as_ref().map(ViewDef::attached)) {
            (Definition::MaterializedView(create), Some(ViewDef::Incremental { source, target, errors })) => {
                Ok(Incremental { create, source, target, errors })
            }
            _ => Err(refuse()),
        }
    }

    fn edit(self, old: &TableDef, columns: Header) -> Edit {
        let view = ViewDef::Incremental { source: self.source, target: self.target, errors: self.errors };
        let statement = Statement::new(StatementKind::CreateMaterializedView(self.create));
        Edit::AlterTable(Arc::new(TableDef {
            sql: statement.to_string().into(),
            view: Some(view),
            columns,
            ..old.clone()
        }))
    }
}

/// QUARANTINE makes the table of errors; BLOCK drops it, when no row waits in it.
fn modify_on_error(work: &mut Work<'_>, view: &Arc<TableDef>, on_error: OnError) -> Result<()> {
    let mut statement = sql::parse_statement(&view.sql)?;
    match &mut statement.kind {
        StatementKind::CreateMaterializedView(create) => create.on_error = Some(on_error),
        StatementKind::CreateWindowView(create) => create.on_error = Some(on_error),
        _ => {}
    }
    let mut def = view.view.clone();
    let named = def.as_ref().and_then(ViewDef::named_source);
    let (Some(source), Some(ViewDef::Incremental { errors, .. } | ViewDef::Window { errors, .. })) = (&named, &mut def)
    else {
        let message = format!("alter of type MODIFY ON ERROR is not supported by storage {}", view.engine);
        return Err(Error::refused(ErrorCode::NOT_IMPLEMENTED, message));
    };
    let mut edits = Vec::new();
    match (on_error, *errors) {
        (OnError::Quarantine, Some(_)) | (OnError::Block, None) => {}
        (OnError::Quarantine, None) => {
            let made = ddl::errors_table(work.engine, &view.qualified_name(), source, &work.ctx)?;
            *errors = Some(made.id);
            edits.push(Edit::CreateTable(Arc::new(made)));
        }
        (OnError::Block, Some(waiting)) => {
            refuse_waiting(work, view, waiting, "ON ERROR BLOCK")?;
            *errors = None;
            edits.push(Edit::DropTable { table: waiting });
        }
    }
    // rows that are put aside meanwhile would be lost with the table: their insert is made again
    let new = TableDef { sql: statement.to_string().into(), view: def, ..(**view).clone() };
    edits.insert(0, Edit::AlterTable(Arc::new(new)));
    work.add(edits)
}

fn refuse_waiting(work: &Work<'_>, view: &TableDef, errors: TableId, what: &str) -> Result<()> {
    let waiting = work.ctx.snapshot.table_parts(errors).map_or(0, TableParts::rows);
    if waiting == 0 {
        return Ok(());
    }
    let name = work.table(errors)?.qualified_name();
    let message = format!(
        "{what}: {waiting} rows wait in {name}; SYSTEM REPAIR VIEW {} takes them, TRUNCATE TABLE {name} drops them",
        view.qualified_name()
    );
    Err(Error::refused(ErrorCode::TABLE_NOT_EMPTY, message))
}

/// Later inserts go through the new SELECT. Its columns must be the target's; the view's own table gets those that it lacks.
async fn modify_query(work: &mut Work<'_>, view: &Arc<TableDef>, query: &Query) -> Result<()> {
    let mut new = Incremental::of(view, "MODIFY QUERY")?;
    let before = Arc::clone(&work.ctx);
    let mut query = query.clone();
    ddl::qualify(&mut query, &work.ctx.caller.database);
    let source = ddl::source_of(&query)?.unwrap_or_else(|| QualifiedName::new("", ""));
    ddl::refuse_outside(Some(&source), &work.ctx)?;
    let given = query::prepare(&query, &work.ctx).await?.compiled.header().clone();
    new.create.query = query;
    let columns = match new.target.clone() {
        Target::Named(name) => {
            let target = work.ctx.snapshot.catalog.named(&name).cloned();
            let target = target.ok_or_else(|| ddl::unknown_table(&work.ctx, &name))?;
            ddl::check_target(&target, &given, &work.ctx)?;
            check_types(work, &target, &given)?;
            given
        }
        Target::Inner(inner) => {
            extend(work, inner, &given).await?;
            let target = work.table(inner)?;
            check_types(work, &target, &given)?;
            if let Definition::Table(table) = Definition::parse(&target)? {
                new.create.storage = table.storage;
            }
            target.columns.clone()
        }
    };
    new.create.elements = Some(ddl::columns_of(&columns)?);
    let mut edits = Vec::new();
    if source != new.source {
        new.source = source;
        if let Some(errors) = new.errors {
            refuse_waiting(work, view, errors, "MODIFY QUERY over another source")?;
            work.add(vec![Edit::DropTable { table: errors }])?;
            let errors = ddl::errors_table(work.engine, &view.qualified_name(), &new.source, &work.ctx)?;
            new.errors = Some(errors.id);
            edits.push(Edit::CreateTable(Arc::new(errors)));
        }
    }
    edits.push(new.edit(view, columns));
    work.add(edits)?;
    refuse_broken(&before, &work.ctx, view.id).await
}

/// Rows of the SELECT must be able to become rows of the target.
fn check_types(work: &Work<'_>, target: &Arc<TableDef>, given: &Header) -> Result<()> {
    Ok(work.engine.inner.views.check_shape(target, given, &work.ctx)?)
}

/// Adds the columns that the view's own table lacks.
async fn extend(work: &mut Work<'_>, inner: TableId, given: &Header) -> Result<()> {
    let target = work.table(inner)?;
    let missing = given.columns().iter().filter(|column| target.columns.column(&column.name).is_none());
    let mut actions = Vec::new();
    for column in missing {
        let column = Box::new(ColumnDef::plain(Ident::new(&*column.name), Some(ddl::ast_type(&column.ty)?)));
        actions.push(AlterAction::AddColumn { if_not_exists: false, column, position: None });
    }
    if actions.is_empty() {
        return Ok(());
    }
    super::definition::run(work, inner, &actions.iter().collect::<Vec<_>>()).await
}

/// Refuses to drop columns that the views fed by a table read.
pub(super) async fn refuse_dropped(
    before: &Arc<QueryContext>,
    after: &Arc<QueryContext>,
    table: &TableDef,
) -> Result<()> {
    let name = table.qualified_name();
    let views: Vec<Arc<TableDef>> = before.snapshot.catalog.views_of(&name).cloned().collect();
    for view in views {
        if let Some(error) = broken(&view, before, after).await {
            let message = format!(
                "trying to ALTER DROP a column that is referenced by materialized view {}: {error}",
                view.qualified_name()
            );
            return Err(Error::refused(ErrorCode::ALTER_OF_COLUMN_IS_FORBIDDEN, message));
        }
    }
    Ok(())
}

/// Why a view cannot be compiled any more that could before.
async fn broken(view: &TableDef, before: &Arc<QueryContext>, after: &Arc<QueryContext>) -> Option<query::Error> {
    let definition = Definition::parse(view).ok()?;
    let query = definition.query()?;
    let compiles = async |ctx: &Arc<QueryContext>| {
        let ctx = Arc::new(ctx.with_database(&view.database));
        query::prepare(query, &ctx).await.err()
    };
    let error = compiles(after).await?;
    compiles(before).await.is_none().then_some(error)
}

/// Refuses a change after which a view cannot be compiled that could before. `changed` is the view that changes.
pub(crate) async fn refuse_broken(
    before: &Arc<QueryContext>,
    after: &Arc<QueryContext>,
    changed: TableId,
) -> Result<()> {
    let views: Vec<Arc<TableDef>> =
        before.snapshot.catalog.tables().filter(|def| def.view.is_some() && def.id != changed).cloned().collect();
    for view in views {
        if let Some(error) = broken(&view, before, after).await {
            let message = format!("view {} reads what would be gone: {error}", view.qualified_name());
            return Err(Error::refused(ErrorCode::HAVE_DEPENDENT_OBJECTS, message));
        }
    }
    Ok(())
}
