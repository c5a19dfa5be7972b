//! CREATE VIEW and CREATE MATERIALIZED VIEW.

use std::sync::Arc;

use query::QueryContext;
use query::definition::Definition;
use sql::ast::{
    ColumnDefault, CreateHead, CreateMaterializedView, CreateMode, CreateSource, CreateTable, CreateView, ExprKind,
    ObjectName, Query, QueryBody, Select, Statement, StatementKind, Storage, TableElements, ViewTarget,
};
use store::{Edit, QualifiedName, Readiness, TableDef, TableKind, Target, ViewDef, Visibility};
use types::{Column, ErrorCode, Header, Setting};

use super::columns;
use super::create_table::Maker;
use super::engine_clause::position;
use super::populate::{self, Finish};
use super::qualify::qualify;
use super::quarantine::{self, quarantines};
use super::security;
use super::source::source_of;
use super::undrop::new_uuid;
use super::{Place, commit, place, replace};
use crate::alter::refuse_broken;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::refresh;

/// CREATE VIEW: a SELECT with a name.
pub(super) async fn plain(engine: &Engine, create: &CreateView, ctx: &Arc<QueryContext>) -> Result<()> {
    let Some((name, mut edits)) = place(ctx, &create.head)?.edits(engine, ctx) else { return Ok(()) };
    let uuid = new_uuid(&create.head, engine, ctx)?;
    let mut create = create.clone();
    qualify(&mut create.query, &name.database);
    create.head = head(&name);
    if sql::has_parameters(&create.query.to_string()) {
        // its columns are known when its parameters are: nothing of it is looked at before
        if let Some(elements) = &create.elements {
            create.elements = Some(columns::declared(elements, ctx)?.0);
        }
        let statement = StatementKind::CreateView(Box::new(create));
        let maker = ViewMaker { engine, ctx, name: &name };
        let view = maker.make("View", Header::default(), statement, ViewDef::Plain, Readiness::Ready);
        edits.push(Edit::CreateTable(Arc::new(TableDef { uuid, ..view })));
        commit(engine, edits, ctx).await?;
        return Ok(());
    }
    let prepared = query::prepare(&create.query, ctx).await?;
    let header = match &create.elements {
        Some(elements) => declared_as(elements, prepared.compiled.header(), ctx)?,
        None => prepared.compiled.header().clone(),
    };
    create.elements = Some(columns::of_header(&header)?);
    let statement = StatementKind::CreateView(Box::new(create));
    let view = ViewMaker { engine, ctx, name: &name }.make("View", header, statement, ViewDef::Plain, Readiness::Ready);
    edits.push(Edit::CreateTable(Arc::new(TableDef { uuid, ..view })));
    commit(engine, edits, ctx).await?;
    Ok(())
}

/// Inserts into tables whose rows are elsewhere run no views: they are in no commit of ours.
pub(crate) fn refuse_outside(source: Option<&QualifiedName>, ctx: &QueryContext) -> Result<()> {
    match source.and_then(|source| ctx.snapshot.catalog.named(source)) {
        Some(table) if table.kind == TableKind::External => {
            let what = format!("a materialized view over a table of engine {}, but with REFRESH,", table.engine);
            Err(Error::NotImplemented(what))
        }
        _ => Ok(()),
    }
}

/// The columns of a list, which must be as many as the SELECT gives.
fn declared_as(elements: &TableElements, given: &Header, ctx: &QueryContext) -> Result<Header> {
    let (_, header) = columns::declared(elements, ctx)?;
    if header.len() != given.len() {
        let message = format!("{} columns are declared, the SELECT gives {}", header.len(), given.len());
        return Err(Error::refused(ErrorCode::NUMBER_OF_COLUMNS_DOESNT_MATCH, message));
    }
    Ok(header)
}

/// CREATE MATERIALIZED VIEW: fed by every insert into its source.
pub(super) async fn materialized(
    engine: &Engine,
    create: &CreateMaterializedView,
    ctx: &Arc<QueryContext>,
) -> Result<()> {
    if create.refresh.is_some() {
        return refreshable(engine, create, ctx).await;
    }
    refuse_later(create)?;
    let place = place(ctx, &create.head)?;
    let replaced = match &place {
        Place::Replaced(_, old) if old.view.is_some() => Some(Arc::clone(old)),
        Place::Replaced(..) | Place::Free(_) | Place::Kept => None,
    };
    let Some((name, mut edits)) = place.edits(engine, ctx) else { return Ok(()) };
    let mut create = create.clone();
    qualify(&mut create.query, &name.database);
    let source = source_of(&create.query)?;
    if !edits.is_empty() && source.as_ref() == Some(&name) {
        let message = format!("cannot replace {name} by what reads it: it would depend on itself");
        return Err(Error::refused(ErrorCode::INFINITE_LOOP, message));
    }
    refuse_outside(source.as_ref(), ctx)?;
    let prepared = query::prepare(&create.query, ctx).await?;
    let maker = ViewMaker { engine, ctx, name: &name };
    let uuid = new_uuid(&create.head, engine, ctx)?;
    let (target, inner) = match &create.target {
        ViewTarget::Table(to) => {
            let target = maker.named_target(to, prepared.compiled.header(), &create)?;
            create.target = written(&target).unwrap_or(create.target);
            (target, None)
        }
        ViewTarget::Inner(_) => {
            let inner = maker.inner_table(&mut create, prepared.compiled.header(), source.as_ref(), uuid).await?;
            (Target::Inner(inner.id), Some(inner))
        }
    };
    let header = match (&inner, &create.elements) {
        (Some(inner), _) => inner.columns.clone(),
        (None, Some(elements)) => columns::declared(elements, ctx)?.1,
        (None, None) => prepared.compiled.header().clone(),
    };
    if create.elements.is_none() {
        create.elements = Some(columns::of_header(&header)?);
    }
    create.head = head(&name);
    let populate = std::mem::take(&mut create.populate);
    // without a source nothing feeds the view; no table has an empty name
    let source = source.unwrap_or_else(|| QualifiedName::new("", ""));
    refuse_errors(&source, ctx)?;
    let readiness = if populate { Readiness::Building } else { Readiness::Ready };
    let errors = match quarantines(create.on_error) {
        true => Some(quarantine::errors_table(engine, &name, &source, &inside(ctx, &edits)?)?),
        false => None,
    };
    let statement = StatementKind::CreateMaterializedView(Box::new(create.clone()));
    let view = ViewDef::Incremental { source, target, errors: errors.as_ref().map(|errors| errors.id) };
    let mut view = maker.make("MaterializedView", header, statement, view, readiness);
    view.uuid = uuid;
    let mut made: Vec<TableDef> = inner.into_iter().chain(errors).collect();
    made.iter_mut().for_each(|own| own.readiness = readiness);
    made.push(view);
    if let Some(old) = replaced.as_ref().filter(|_| populate) {
        return replace::run(engine, made, old, ctx).await;
    }
    edits.extend(made.iter().map(|def| Edit::CreateTable(Arc::new(def.clone()))));
    if let Some(old) = &replaced {
        refuse_broken(ctx, &Arc::new(inside(ctx, &edits)?), old.id).await?;
    }
    match made.pop().filter(|_| populate) {
        None => commit(engine, edits, ctx).await.map(drop),
        Some(view) => populate::run(engine, &view, edits, Finish::default(), ctx).await,
    }
}

/// CREATE MATERIALIZED VIEW … REFRESH: its first refresh begins when it is there, or with EMPTY at its next slot.
async fn refreshable(engine: &Engine, create: &CreateMaterializedView, ctx: &Arc<QueryContext>) -> Result<()> {
    let Some((name, mut edits)) = place(ctx, &create.head)?.edits(engine, ctx) else { return Ok(()) };
    let mut create = create.clone();
    security::check(&create.security, true, &engine.inner.config.access)?;
    let plan = refresh::check_create(&mut create, &name, ctx)?;
    qualify(&mut create.query, &name.database);
    let prepared = query::prepare(&create.query, ctx).await?;
    let maker = ViewMaker { engine, ctx, name: &name };
    let uuid = new_uuid(&create.head, engine, ctx)?;
    let given = prepared.compiled.header().clone();
    let (target, inner) = match &create.target {
        ViewTarget::Table(to) => {
            let target = maker.named_target(to, &given, &create)?;
            create.target = written(&target).unwrap_or(create.target);
            (target, None)
        }
        ViewTarget::Inner(_) => {
            let inner = maker.inner_table(&mut create, &given, None, uuid).await?;
            (Target::Inner(inner.id), Some(inner))
        }
    };
    let header = match (&inner, &create.elements) {
        (Some(inner), _) => inner.columns.clone(),
        (None, Some(elements)) => columns::declared(elements, ctx)?.1,
        (None, None) => given,
    };
    if create.elements.is_none() {
        create.elements = Some(columns::of_header(&header)?);
    }
    create.head = head(&name);
    let made = refresh::make(engine, (&create, &plan), (&name, target, inner.as_ref()), ctx).await?;
    create.empty = false;
    let comment = create.comment.clone().unwrap_or_default();
    let statement = StatementKind::CreateMaterializedView(Box::new(create));
    let mut view = maker.make("MaterializedView", header, statement, made.view, Readiness::Ready);
    (view.uuid, view.comment) = (uuid, comment.into());
    edits.extend(made.edits);
    edits.extend(inner.map(|inner| Edit::CreateTable(Arc::new(inner))));
    edits.push(Edit::CreateTable(Arc::new(view)));
    commit(engine, edits, ctx).await?;
    Ok(())
}

/// TO with its database; none for a table of the view's own.
pub(super) fn written(target: &Target) -> Option<ViewTarget> {
    match target {
        Target::Named(to) => Some(ViewTarget::Table(ObjectName::qualified(&*to.database, &*to.name))),
        Target::Inner(_) => None,
    }
}

fn refuse_later(create: &CreateMaterializedView) -> Result<()> {
    if create.empty {
        return Err(Error::NotImplemented("EMPTY of an incremental view".to_owned()));
    }
    Ok(())
}

/// The database after these edits.
pub(crate) fn inside(ctx: &QueryContext, edits: &[Edit]) -> Result<QueryContext> {
    let applied = ctx.snapshot.apply(&store::Commit::of(edits.to_vec())).map_err(store::CommitError::from)?;
    Ok(ctx.with_snapshot(Arc::new(applied.snapshot)))
}

/// Rows are put aside into a table of errors past the views over it.
fn refuse_errors(source: &QualifiedName, ctx: &QueryContext) -> Result<()> {
    let catalog = &ctx.snapshot.catalog;
    let view = catalog.named(source).and_then(|table| views::insert::quarantine::owner(catalog, table.id));
    match view {
        Some(view) => {
            let message = format!("a view over {source}, the errors of view {}", view.qualified_name());
            Err(Error::NotImplemented(message))
        }
        None => Ok(()),
    }
}

pub(super) fn head(name: &QualifiedName) -> CreateHead {
    CreateHead {
        mode: CreateMode::Create,
        if_not_exists: false,
        name: ObjectName::qualified(&*name.database, &*name.name),
        uuid: None,
        on_cluster: None,
    }
}

/// Makes definitions of views.
pub(super) struct ViewMaker<'a> {
    pub(super) engine: &'a Engine,
    pub(super) ctx: &'a QueryContext,
    pub(super) name: &'a QualifiedName,
}

impl ViewMaker<'_> {
    pub(super) fn make(
        &self,
        engine: &str,
        columns: Header,
        statement: StatementKind,
        view: ViewDef,
        readiness: Readiness,
    ) -> TableDef {
        let kind = if matches!(view, ViewDef::Window { .. }) { TableKind::WindowView } else { TableKind::View };
        TableDef {
            id: self.engine.inner.store.new_table_id(),
            database: self.name.database.clone(),
            name: self.name.name.clone(),
            uuid: self.engine.env().rng.uuid(),
            version: 0,
            sql: Statement::new(statement).to_string().into(),
            engine: engine.into(),
            kind,
            columns,
            schema: None,
            view: Some(view),
            visibility: Visibility::Listed,
            readiness,
            comment: "".into(),
            created_ns: self.ctx.now_ns,
        }
    }

    /// `TO table`: the table must take every column that the SELECT gives.
    fn named_target(&self, to: &ObjectName, given: &Header, create: &CreateMaterializedView) -> Result<Target> {
        if create.storage.engine.is_some() {
            let message = "a materialized view has either TO or ENGINE";
            return Err(Error::refused(ErrorCode::SYNTAX_ERROR, message));
        }
        let name = match &to.database {
            Some(database) => QualifiedName::new(database.name.as_str(), to.name.name.as_str()),
            None => QualifiedName::new(self.name.database.clone(), to.name.name.as_str()),
        };
        let target = self.ctx.snapshot.catalog.named(&name).ok_or_else(|| super::unknown_table(self.ctx, &name))?;
        check_target(target, given, self.ctx)?;
        Ok(Target::Named(name))
    }

    /// The view's own table, with the columns of its SELECT or the declared ones.
    pub(super) async fn inner_table(
        &self,
        create: &mut CreateMaterializedView,
        given: &Header,
        source: Option<&QualifiedName>,
        uuid: u128,
    ) -> Result<TableDef> {
        let elements = match &create.elements {
            Some(elements) => elements.clone(),
            None => columns::of_header(given)?,
        };
        let (declared, header) = columns::declared(&elements, self.ctx)?;
        if let Some(column) = given.columns().iter().find(|column| header.column(&column.name).is_none()) {
            return Err(unknown_output(&column.name));
        }
        let carried = self.resolve_arguments(&mut create.storage, &create.query, &header, source)?;
        let uuid = uuid_text(uuid);
        let name = QualifiedName::new(self.name.database.clone(), format!(".inner_id.{uuid}"));
        let table = CreateTable {
            head: head(&name),
            temporary: false,
            attach_from: None,
            elements: None,
            storage: create.storage.clone(),
            source: CreateSource::Declared,
            comment: None,
        };
        let made = Maker { engine: self.engine, ctx: self.ctx }.make(&name, &table, &declared, &carried)?;
        // what the view prints is what its table is
        if let StatementKind::CreateTable(made) = sql::parse_statement(&made.sql)?.kind {
            create.storage = made.storage;
        }
        create.elements = Some(declared);
        Ok(made)
    }

    /// Engine arguments name columns of the view's result. One that is a bare `column AS x` of the SELECT means `x`; one
    /// that the SELECT leaves out is carried along, hidden, where rows of the result are rows of the source.
    fn resolve_arguments(
        &self,
        storage: &mut Storage,
        query: &Query,
        header: &Header,
        source: Option<&QualifiedName>,
    ) -> Result<Vec<Column>> {
        let mut carried = Vec::new();
        let Some(engine) = storage.engine.as_mut().filter(|engine| engine.name.name == "ReplacingMergeTree") else {
            return Ok(carried);
        };
        let QueryBody::Select(select) = &query.body else { return Ok(carried) };
        for argument in &mut engine.arguments {
            let ExprKind::Identifier(parts) = &argument.kind else { continue };
            let [name] = parts.as_slice() else { continue };
            if position(argument, header).is_some() {
                continue;
            }
            if let Some(renamed) = renamed(select, &name.name) {
                *argument = sql::Expr::column(renamed);
            } else if is_row_by_row(select)
                && let Some(column) = self.source_column(source, &name.name)
            {
                carried.push(Column::new(views::hidden::carried_column(&name.name), column.ty));
            }
        }
        Ok(carried)
    }

    fn source_column(&self, source: Option<&QualifiedName>, name: &str) -> Option<Column> {
        self.ctx.snapshot.catalog.named(source?)?.columns.column(name).cloned()
    }
}

/// `x` where the SELECT says `name AS x`.
fn renamed(select: &Select, name: &str) -> Option<String> {
    select.items.iter().find_map(|item| {
        let ExprKind::Alias(aliased, alias) = &item.kind else { return None };
        let ExprKind::Identifier(parts) = &aliased.kind else { return None };
        (parts.last()?.name == name).then(|| alias.name.clone())
    })
}

/// Each row of the result is a row of the one source: a column of it can be carried along.
fn is_row_by_row(select: &Select) -> bool {
    let one_table = select.joins.is_empty()
        && select.from.as_ref().is_some_and(|from| matches!(from.source, sql::ast::TableSource::Table(_)));
    one_table && !select.distinct && select.group_by.is_none() && select.limit_by.is_none()
}

fn unknown_output(name: &str) -> Error {
    let message = format!(
        "SELECT query outputs column with name '{name}', which is not found in the target table. Use 'AS' to assign \
         alias that matches a column name"
    );
    Error::refused(ErrorCode::THERE_IS_NO_COLUMN, message)
}

/// Every column that the SELECT gives must be one of the target.
pub(crate) fn check_target(target: &TableDef, given: &Header, ctx: &QueryContext) -> Result<()> {
    if ctx.settings.flag(Setting::AllowMaterializedViewWithBadSelect) {
        return Ok(());
    }
    let definition = Definition::parse(target)?;
    // nobody can insert into columns that are computed
    let takes = |name: &str| {
        let default = definition.column(name).and_then(|column| column.default.as_ref());
        let is_computed = matches!(default, Some(ColumnDefault::Materialized(_) | ColumnDefault::Alias(_)));
        target.columns.column(name).is_some() && !is_computed
    };
    match given.columns().iter().find(|column| !takes(&column.name)) {
        Some(column) => Err(unknown_output(&column.name)),
        None => Ok(()),
    }
}

/// A UUID in its usual text.
pub(crate) fn uuid_text(uuid: u128) -> String {
    let mut text = Vec::new();
    types::text::cell::write_uuid(&mut text, &uuid.to_be_bytes());
    String::from_utf8_lossy(&text).into_owned()
}
