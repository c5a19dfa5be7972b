//! CREATE TABLE.

use std::sync::Arc;

use parts::PartSchema;
use query::QueryContext;
use query::definition::Definition;
use sql::ast::{
    ColumnDefault, CreateMode, CreateSource, CreateTable, Ident, ObjectName, SettingValue, SortingKey, SortingKeyItem,
    Statement, StatementKind, Storage, TableElements,
};
use sql::ast::{Engine as AstEngine, Literal, Setting as AstSetting};
use store::{Edit, QualifiedName, Readiness, TableDef, TableKind, Target, Visibility};
use types::{Column, ErrorCode, Header, Setting};
use views::InsertOptions;

use super::engine_clause::choose;
use super::keys::Layout;
use super::table_settings::{TableSettings, is_of_query, table_settings};
use super::{columns, commit, place};
use crate::engine::Engine;
use crate::error::{Error, Result};

/// CREATE TABLE in all its forms.
pub(super) async fn run(engine: &Engine, create: &CreateTable, ctx: &Arc<QueryContext>) -> Result<()> {
    if create.temporary {
        return Err(Error::NotImplemented("CREATE TEMPORARY TABLE".to_owned()));
    }
    let Some((name, mut edits)) = place(ctx, &create.head)?.edits(engine, ctx) else { return Ok(()) };
    let mut create = create.clone();
    let mut settings = std::mem::take(&mut create.storage.settings);
    settings.retain(|setting| !is_of_query(&create.storage, setting));
    create.storage.settings = settings;
    let mut rows = None;
    match std::mem::replace(&mut create.source, CreateSource::Declared) {
        CreateSource::Declared => {}
        CreateSource::Like(other) => take_like(&mut create, &other, ctx)?,
        CreateSource::Query { query, empty } => {
            let prepared = query::prepare(&query, ctx).await?;
            if create.elements.is_none() {
                create.elements = Some(columns::of_header(prepared.compiled.header())?);
            }
            rows = (!empty).then_some((prepared, *query));
        }
        CreateSource::Clone(other) => {
            take_like(&mut create, &other, ctx)?;
            return clone_of(engine, &name, edits, &create, &other, ctx).await;
        }
        CreateSource::Function(_) => return Err(Error::NotImplemented("CREATE TABLE AS table function".to_owned())),
        CreateSource::Replicated(_) => return Err(Error::NotImplemented("AS REPLICATED".to_owned())),
    }
    if create.elements.is_none()
        && let Some(engine) = create.storage.engine.as_ref().filter(|engine| engine.name.name == "Merge")
    {
        create.elements = Some(columns::of_merge(&engine.arguments, ctx)?);
    }
    if create.elements.is_none() && create.storage.engine.as_ref().is_some_and(|engine| engine.name.name == "Buffer") {
        let buffer = query::buffer_engine::BufferEngine::of_storage(&create.storage, ctx)?;
        let destination = ctx.snapshot.catalog.named(&buffer.destination);
        let destination = destination.ok_or_else(|| super::unknown_table(ctx, &buffer.destination))?;
        create.elements = Some(columns::like(&Definition::parse(destination)?, &destination.columns)?);
    }
    if create.elements.is_none()
        && let Some(engine) = create.storage.engine.as_ref()
        && query::external::Kind::of_engine(&engine.name.name).is_some()
    {
        let outside = query::external::Outside::of_engine(engine, None, query::external::NO_FOLDER, ctx)?;
        create.elements = Some(columns::of_header(&outside.ask_columns(ctx).await?)?);
    }
    let elements = create.elements.clone().ok_or_else(|| {
        let message = "a table needs columns: a list, AS another table, or AS SELECT";
        Error::refused(ErrorCode::INCORRECT_QUERY, message)
    })?;
    let made = Maker { engine, ctx }.make(&name, &create, &elements, &[])?;
    edits.push(Edit::CreateTable(Arc::new(made.clone())));
    let Some((prepared, _)) = rows else {
        commit(engine, edits, ctx).await?;
        return Ok(());
    };
    fill(engine, made, edits, prepared, ctx).await
}

/// `CLONE AS other`: the table and copies of the other's parts in one commit.
async fn clone_of(
    engine: &Engine,
    name: &QualifiedName,
    mut edits: Vec<Edit>,
    create: &CreateTable,
    other: &ObjectName,
    ctx: &Arc<QueryContext>,
) -> Result<()> {
    let from = super::model(ctx, other)?;
    if is_plain_view(&from) {
        let message = format!("cannot CREATE a table AS {}, it is a View", from.qualified_name());
        return Err(Error::refused(ErrorCode::INCORRECT_QUERY, message));
    }
    if from.kind != TableKind::MergeTree {
        let message = "CLONE AS is for tables of the MergeTree family";
        return Err(Error::refused(ErrorCode::SUPPORT_IS_DISABLED, message));
    }
    let elements = create.elements.clone().unwrap_or_default();
    let to = Arc::new(Maker { engine, ctx }.make(name, create, &elements, &[])?);
    let pair = crate::alter::CopyFrom { from: Arc::clone(&from), to: Arc::clone(&to) };
    pair.check()?;
    let parts = ctx.snapshot.table_parts(from.id).into_iter().flat_map(|parts| parts.parts());
    let names: Vec<_> = parts.map(|part| part.name().clone()).collect();
    let parts = crate::alter::copy_parts(engine, &pair, &names, ctx).await?;
    edits.push(Edit::CreateTable(Arc::clone(&to)));
    edits.push(Edit::Insert { table: to.id, version: 0, parts });
    commit(engine, edits, ctx).await?;
    Ok(())
}

/// The table and the rows of its SELECT in one commit.
async fn fill(
    engine: &Engine,
    table: TableDef,
    edits: Vec<Edit>,
    prepared: query::Prepared,
    ctx: &Arc<QueryContext>,
) -> Result<()> {
    let blocks = prepared.compiled.collect(ctx).await?;
    let _hold = engine.inner.views.hold(&edits, ctx).await;
    let applied = ctx.snapshot.apply(&store::Commit::of(edits.clone())).map_err(store::CommitError::from)?;
    let inside = ctx.with_snapshot(Arc::new(applied.snapshot));
    let table = inside.snapshot.catalog.table_by_id(table.id).cloned().unwrap_or_else(|| Arc::new(table));
    let mut insert = engine.inner.views.insert(&table, &inside, InsertOptions::default())?;
    edits.into_iter().for_each(|edit| insert.attach(edit));
    let columns = insert.table().columns_of(None)?;
    let converter = query::expressions::Converter::by_position(prepared.compiled.header(), &columns, &inside)?;
    for block in blocks {
        insert.push(converter.convert(&block)?.into()).await?;
    }
    insert.commit().await?;
    Ok(())
}

/// `AS other`: columns, and the engine where none is written.
fn take_like(create: &mut CreateTable, other: &ObjectName, ctx: &QueryContext) -> Result<()> {
    let other = match create.storage.engine {
        Some(_) => super::table(ctx, other)?,
        None => super::model(ctx, other)?,
    };
    if other.kind == TableKind::Dictionary {
        let message = format!("cannot CREATE a table AS {}, it is a Dictionary", other.qualified_name());
        return Err(Error::refused(ErrorCode::INCORRECT_QUERY, message));
    }
    if is_plain_view(&other) && create.storage.engine.is_none() {
        let message = format!("cannot CREATE a table AS {}, it is a View", other.qualified_name());
        return Err(Error::refused(ErrorCode::INCORRECT_QUERY, message));
    }
    let target = match other.view.as_ref().and_then(store::ViewDef::target) {
        Some(Target::Named(_)) if create.storage.engine.is_none() => {
            let message =
                format!("{} is a materialized view over another table: it has no engine", other.qualified_name());
            return Err(Error::refused(ErrorCode::INCORRECT_QUERY, message));
        }
        // the table inside of the view
        Some(inner @ Target::Inner(_)) => ctx.snapshot.catalog.target(inner).cloned().unwrap_or(other),
        Some(Target::Named(_)) | None => other,
    };
    let definition = Definition::parse(&target)?;
    if create.elements.is_none() {
        create.elements = Some(columns::like(&definition, &target.columns)?);
    }
    if create.storage.engine.is_none()
        && let Some(storage) = definition.storage()
    {
        create.storage = storage.clone();
    }
    if create.comment.is_none() && !target.comment.is_empty() {
        create.comment = Some(target.comment.to_string());
    }
    Ok(())
}

/// A view that keeps no rows: no table can be like it.
fn is_plain_view(table: &TableDef) -> bool {
    table.kind == TableKind::View && table.view.as_ref().and_then(store::ViewDef::target).is_none()
}

/// Makes definitions of tables.
pub(crate) struct Maker<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) ctx: &'a QueryContext,
}

impl Maker<'_> {
    /// The definition of a table with these columns. `carried` are hidden columns of a view's inner table.
    pub(crate) fn make(
        &self,
        name: &QualifiedName,
        create: &CreateTable,
        elements: &TableElements,
        carried: &[Column],
    ) -> Result<TableDef> {
        let (elements, header) = columns::declared(elements, self.ctx)?;
        if header.is_empty() {
            return Err(Error::refused(ErrorCode::SYNTAX_ERROR, "a table needs at least one column"));
        }
        let mut storage = create.storage.clone();
        let chosen = choose(storage.engine.as_ref(), self.ctx.settings.text(Setting::DefaultTableEngine))?;
        let keyed = Storage {
            primary_key: storage
                .primary_key
                .clone()
                .or_else(|| elements.primary_key.clone())
                .or_else(|| marked(&elements)),
            ..storage.clone()
        };
        chosen.check_storage(&keyed)?;
        let chosen = chosen.canonical(self.ctx)?;
        normalise_keys(&mut storage, &elements, chosen.kind)?;
        if chosen.kind == TableKind::External {
            refuse_computed(&elements, &chosen.name)?;
        }
        if chosen.kind == TableKind::Buffer {
            refuse_own_destination(name, &chosen.arguments)?;
        }
        if let (TableKind::DictionaryTable, [argument]) = (chosen.kind, chosen.arguments.as_slice()) {
            super::dictionary::check_table(argument, &header, self.ctx)?;
        }
        let stored = columns::stored(&elements, &header);
        check_parts_of(&elements, &stored, &chosen)?;
        let schema = self.schema(&chosen, &stored, carried, &storage)?;
        super::ttl::check(&storage, &elements, &stored, self.ctx)?;
        let is_plain = schema.as_ref().is_none_or(|schema| !schema.has_final());
        let engine = (chosen.name.as_str(), chosen.kind, is_plain);
        super::projections::check(&elements, engine, (&storage, &stored), self.ctx)?;
        storage.engine =
            Some(AstEngine { name: Ident::new(chosen.name.as_str()), arguments: chosen.arguments.clone() });
        let canonical = CreateTable {
            head: sql::ast::CreateHead {
                mode: CreateMode::Create,
                if_not_exists: false,
                name: ObjectName::qualified(&*name.database, &*name.name),
                uuid: None,
                on_cluster: None,
            },
            elements: Some(TableElements { primary_key: None, ..elements }),
            storage,
            source: CreateSource::Declared,
            ..create.clone()
        };
        Ok(TableDef {
            id: self.engine.inner.store.new_table_id(),
            database: name.database.clone(),
            name: name.name.clone(),
            uuid: super::undrop::new_uuid(&create.head, self.engine, self.ctx)?,
            version: 0,
            sql: Statement::new(StatementKind::CreateTable(Box::new(canonical))).to_string().into(),
            engine: chosen.name.as_str().into(),
            kind: chosen.kind,
            columns: header,
            schema: schema.map(Arc::new),
            view: None,
            visibility: Visibility::Listed,
            readiness: Readiness::Ready,
            comment: create.comment.as_deref().unwrap_or_default().into(),
            created_ns: self.ctx.now_ns,
        })
    }

    fn schema(
        &self,
        chosen: &super::engine_clause::Chosen,
        stored: &Header,
        carried: &[Column],
        storage: &Storage,
    ) -> Result<Option<PartSchema>> {
        if matches!(chosen.kind, TableKind::Join | TableKind::Set | TableKind::Buffer) {
            return self.keyed(chosen.kind, stored, storage).map(Some);
        }
        let settings = table_settings(&storage.settings)?;
        let is_elsewhere = matches!(chosen.kind, TableKind::Merge | TableKind::DictionaryTable | TableKind::External);
        if is_elsewhere || chosen.kind == TableKind::Null {
            return Ok(None);
        }
        let layout = Layout::new(stored, carried, storage, &settings, self.ctx)?;
        super::engine_clause::refuse_partition(chosen, storage.partition_by.as_ref())?;
        // an engine argument may name a carried column by the name it has in the view's source
        let header = layout.header();
        let named = Header::new(header.columns().iter().map(unhidden).collect::<Vec<_>>());
        let mode = chosen.merge_mode(&named, &layout.sort_positions(), &settings)?;
        let mode = without_keys(mode, &layout.key_positions());
        layout.schema(mode, &settings).map(Some)
    }
}

/// Something is stored, and only engines with parts have skip indexes.
fn check_parts_of(elements: &TableElements, stored: &Header, chosen: &super::engine_clause::Chosen) -> Result<()> {
    if stored.is_empty() {
        let message = "a table needs a column that is neither ALIAS nor EPHEMERAL";
        return Err(Error::refused(ErrorCode::EMPTY_LIST_OF_COLUMNS_PASSED, message));
    }
    if chosen.kind != TableKind::MergeTree && !elements.indexes.is_empty() {
        let message = format!("engine {} doesn't support skipping indices", chosen.name);
        return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
    }
    Ok(())
}

/// Rows that are elsewhere come as they are: only ALIAS columns are computed over them.
fn refuse_computed(elements: &TableElements, engine: &str) -> Result<()> {
    let is_computed = |default: &ColumnDefault| !matches!(default, ColumnDefault::Alias(_));
    match elements.columns.iter().find(|column| column.default.as_ref().is_some_and(is_computed)) {
        Some(column) => {
            let what = format!("column {} with a default in a table of engine {engine}", column.name.name);
            Err(Error::NotImplemented(what))
        }
        None => Ok(()),
    }
}

impl Maker<'_> {
    /// The layout of a Join table, sorted by its key, of a Set, sorted by all columns, or of a Buffer, which has no key; one
    /// row a key where the engine has that.
    fn keyed(&self, kind: TableKind, stored: &Header, storage: &Storage) -> Result<PartSchema> {
        let all = || stored.columns().iter().map(|column| column.name.to_string()).collect();
        let (keys, mode): (Vec<String>, parts::MergeMode) = match kind {
            TableKind::Set => {
                super::engine_clause::check_set_settings(storage)?;
                (all(), parts::MergeMode::first_of_key())
            }
            TableKind::Buffer => (Vec::new(), parts::MergeMode::Plain),
            _ => {
                let engine = query::join_engine::JoinEngine::of_storage(storage)?;
                let mode = match (engine.has_one_row(), engine.takes_last) {
                    (false, _) => parts::MergeMode::Plain,
                    (true, false) => parts::MergeMode::first_of_key(),
                    (true, true) => parts::MergeMode::Replacing { version: None, is_deleted: None },
                };
                (engine.keys, mode)
            }
        };
        if let Some(missing) = keys.iter().find(|key| stored.column(key).is_none()) {
            let message = format!("key column ({missing}) does not exist in table declaration");
            return Err(Error::refused(ErrorCode::NO_SUCH_COLUMN_IN_TABLE, message));
        }
        let items = keys.iter().map(|key| SortingKeyItem { expr: sql::Expr::column(key.as_str()), descending: false });
        let items: Vec<_> = items.collect();
        let order_by = (!items.is_empty()).then_some(SortingKey { items, is_tuple: true });
        let settings = TableSettings { allow_nullable_key: true, ..TableSettings::default() };
        let layout = Layout::new(stored, &[], &Storage { order_by, ..Storage::default() }, &settings, self.ctx)?;
        layout.schema(mode, &settings)
    }
}

/// Columns of the partition key are not summed either.
fn without_keys(mode: parts::MergeMode, keys: &[usize]) -> parts::MergeMode {
    match mode {
        parts::MergeMode::Summing { mut columns, maps, drops_zero_rows, kept } => {
            columns.retain(|column| !keys.contains(column));
            parts::MergeMode::Summing { columns, maps, drops_zero_rows, kept }
        }
        other => other,
    }
}

fn unhidden(column: &Column) -> Column {
    match views::hidden::carried_of(&column.name) {
        Some(name) => Column::new(name, column.ty.clone()),
        None => column.clone(),
    }
}

/// A Buffer that flushes into itself would never end.
fn refuse_own_destination(name: &QualifiedName, arguments: &[sql::Expr]) -> Result<()> {
    let text = |at: usize| arguments.get(at).and_then(|argument| query::table_functions::dotted(Some(argument)));
    if text(0).as_deref() == Some(&*name.database) && text(1).as_deref() == Some(&*name.name) {
        return Err(Error::refused(ErrorCode::INFINITE_LOOP, format!("{name} cannot be its own destination")));
    }
    Ok(())
}

/// The key of columns marked PRIMARY KEY.
fn marked(elements: &TableElements) -> Option<sql::Expr> {
    let marked = elements.columns.iter().filter(|c| c.primary_key);
    let marked: Vec<sql::Expr> = marked.map(|c| sql::Expr::column(c.name.name.as_str())).collect();
    match marked.as_slice() {
        [] => None,
        [only] => Some(only.clone()),
        _ => Some(sql::Expr::new(sql::ast::ExprKind::Tuple(marked))),
    }
}

/// `tuple(a)` or `(a, b)`.
fn is_tuple(key: &sql::Expr) -> bool {
    match &key.kind {
        sql::ast::ExprKind::Tuple(_) => true,
        sql::ast::ExprKind::Function(call) => call.name.name == "tuple",
        _ => false,
    }
}

/// One spelling of keys: PRIMARY KEY at a column or among the columns moves to the table; a table with only a primary key
/// is sorted by it; no key at all is `tuple()`.
fn normalise_keys(storage: &mut Storage, elements: &TableElements, kind: TableKind) -> Result<()> {
    if kind != TableKind::MergeTree {
        return Ok(());
    }
    if storage.primary_key.is_none() {
        storage.primary_key = elements.primary_key.clone();
    }
    if storage.primary_key.is_none() {
        storage.primary_key = marked(elements);
    }
    if storage.order_by.is_none() {
        let items = storage.primary_key.iter().flat_map(super::keys::items).cloned();
        let items: Vec<_> = items.map(|expr| SortingKeyItem { expr, descending: false }).collect();
        // a key that columns are marked as is a tuple, also one of one
        let is_tuple = items.len() != 1 || storage.primary_key.as_ref().is_some_and(is_tuple);
        storage.order_by = Some(SortingKey { items, is_tuple });
    }
    if !storage.settings.iter().any(|setting| setting.name.name == "index_granularity") {
        let value = SettingValue::Literal(Literal::UInt(parts::schema::INDEX_GRANULARITY as u64));
        storage.settings.push(AstSetting { name: Ident::new("index_granularity"), value });
    }
    Ok(())
}
