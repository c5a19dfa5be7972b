//! What an insert must know of a table, made once for each version of its definition and kept.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use parts::Derived;
use query::QueryContext;
use query::definition::Definition;
use sql::ast::{ColumnDefault, ConstraintKind, Literal, Setting, SettingValue, TtlAction, TtlItem};
use store::config::SYNC_SOON;
use store::{FsyncMode, QualifiedName, TableDef, TableKind};
use types::{Column, Header, TableId};

use crate::error::{Error, Result};
use crate::insert::shape::Shaper;
use crate::insert::view_plan::ViewPlans;

/// Tables whose knowledge is kept; beyond it, all is forgotten and made again.
const KEPT_MAX: usize = 4096;

/// What is known of tables and views, by id and version.
#[derive(Default)]
pub struct Tables {
    known: Mutex<HashMap<(TableId, u64), Arc<TableShape>>>,
    shapers: Mutex<HashMap<(TableId, u64, Header), Arc<Shaper>>>,
    pub(crate) plans: ViewPlans,
}

/// How rows become rows of one table.
pub struct TableShape {
    /// The table.
    pub def: Arc<TableDef>,
    /// Stored columns that a user sees, in order; what views see of an inserted block.
    pub stored: Header,
    /// Columns that an INSERT without a list takes: ordinary ones.
    pub insertable: Header,
    /// Columns that may be named in an INSERT: those and EPHEMERAL ones.
    pub accepted: Header,
    /// Default and materialized expressions.
    pub(crate) computed: Vec<ComputedColumn>,
    /// CHECK constraints, in order.
    pub(crate) constraints: Vec<Constraint>,
    /// Rows older than this are not kept at insert: the times of row TTLs.
    pub(crate) ttl: Vec<sql::Expr>,
    /// Where rows that cannot be kept go.
    pub dead_letters: Option<QualifiedName>,
    /// JSON values must have the JSON type of their column.
    pub strict_types: bool,
    /// How many inserts are remembered by the hash of their rows; none where the table does not ask for that.
    pub block_window: Option<u32>,
    /// When inserts are forced to the disk, where neither the statement nor the server's default is to decide.
    pub(crate) fsync: Option<FsyncMode>,
    /// What is computed of the rows as they are written; made when first asked for.
    derived: OnceLock<Derived>,
}

/// A column whose value is computed: when it is absent (DEFAULT), or always (MATERIALIZED; it is never given).
pub(crate) struct ComputedColumn {
    pub(crate) column: Column,
    pub(crate) expr: sql::Expr,
}

/// A CHECK constraint.
pub(crate) struct Constraint {
    pub(crate) name: String,
    pub(crate) expr: sql::Expr,
}

impl Tables {
    /// What is known of `def`.
    pub fn shape(&self, def: &Arc<TableDef>) -> Result<Arc<TableShape>> {
        let key = (def.id, def.version);
        if let Some(shape) = self.known.lock().get(&key) {
            return Ok(Arc::clone(shape));
        }
        let shape = Arc::new(TableShape::new(def)?);
        let mut known = self.known.lock();
        if known.len() >= KEPT_MAX {
            known.clear();
        }
        known.insert(key, Arc::clone(&shape));
        Ok(shape)
    }

    /// A shaper for blocks of the columns `given`; kept where it depends on no setting, but for what depends on the query's
    /// time.
    pub(crate) fn shaper(&self, table: &Arc<TableShape>, given: &Header, ctx: &QueryContext) -> Result<Arc<Shaper>> {
        let key = (table.def.id, table.def.version, given.clone());
        let is_default = ctx.settings.changed().next().is_none();
        let kept = self.shapers.lock().get(&key).filter(|_| is_default).map(Arc::clone);
        match kept {
            Some(kept) if kept.is_timeless() => return Ok(kept),
            Some(kept) => return Ok(Arc::new(kept.at_time_of(ctx)?)),
            None => {}
        }
        let shaper = Arc::new(Shaper::new(table, given, ctx)?);
        if is_default {
            let mut shapers = self.shapers.lock();
            if shapers.len() >= KEPT_MAX {
                shapers.clear();
            }
            shapers.insert(key, Arc::clone(&shaper));
        }
        Ok(shaper)
    }
}

impl TableShape {
    fn new(def: &Arc<TableDef>) -> Result<TableShape> {
        let definition = Definition::parse(def)?;
        let default_of = |name: &str| definition.column(name).and_then(|column| column.default.as_ref());
        let kept = |keep: &dyn Fn(Option<&ColumnDefault>) -> bool| {
            let columns = def.columns.columns().iter().filter(|column| keep(default_of(&column.name)));
            Header::new(columns.cloned().collect::<Vec<_>>())
        };
        let is_virtual =
            |d: Option<&ColumnDefault>| matches!(d, Some(ColumnDefault::Alias(_) | ColumnDefault::Ephemeral(_)));
        let is_computed =
            |d: Option<&ColumnDefault>| matches!(d, Some(ColumnDefault::Alias(_) | ColumnDefault::Materialized(_)));
        Ok(TableShape {
            stored: kept(&|d| !is_virtual(d)),
            insertable: kept(&|d| !is_virtual(d) && !is_computed(d)),
            accepted: kept(&|d| !is_computed(d)),
            computed: computed(def, &definition),
            constraints: constraints(&definition),
            ttl: row_ttl(&definition),
            dead_letters: dead_letters(def, &definition),
            block_window: setting(&definition, "non_replicated_deduplication_window")
                .and_then(|window| window.parse().ok())
                .filter(|window| 0 < *window),
            strict_types: setting(&definition, "input_format_json_strict_types").is_some_and(|value| value == "1"),
            fsync: setting(&definition, "fsync_mode").and_then(|mode| FsyncMode::parse(&mode, SYNC_SOON)),
            derived: OnceLock::new(),
            def: Arc::clone(def),
        })
    }

    /// True when rows are kept in the table itself.
    pub fn is_stored(&self) -> bool {
        matches!(
            self.def.kind,
            TableKind::MergeTree | TableKind::Memory | TableKind::Join | TableKind::Set | TableKind::Buffer
        )
    }

    /// What is computed of inserted rows as they are written.
    pub(crate) fn derived(&self, ctx: &QueryContext) -> Result<Derived> {
        if let Some(derived) = self.derived.get() {
            return Ok(derived.clone());
        }
        let derived = query::derive::derived(&self.def, None, ctx)?;
        Ok(self.derived.get_or_init(|| derived).clone())
    }

    /// The columns that an INSERT names: all insertable ones, or those of a list.
    pub fn columns_of(&self, names: Option<&[String]>) -> Result<Header> {
        let Some(names) = names else { return Ok(self.insertable.clone()) };
        let mut columns: Vec<Column> = Vec::with_capacity(names.len());
        for name in names {
            if columns.iter().any(|column| *column.name == **name) {
                return Err(Error::DuplicateColumn(name.clone()));
            }
            columns.push(self.accepted.column(name).cloned().ok_or_else(|| self.unknown_column(name))?);
        }
        Ok(Header::new(columns))
    }

    fn unknown_column(&self, name: &str) -> Error {
        match self.stored.column(name) {
            Some(_) => Error::ComputedColumn { column: name.to_owned(), kind: "MATERIALIZED" },
            None => Error::NoSuchColumn {
                column: name.to_owned(),
                table: self.def.qualified_name().to_string(),
                hint: types::error::nearest(name, self.accepted.columns().iter().map(|column| &*column.name)),
            },
        }
    }
}

/// Every computed column, in the order of the definition.
fn computed(def: &TableDef, definition: &Definition) -> Vec<ComputedColumn> {
    let declared = |column: &Column| {
        let column = definition.column(&column.name)?;
        match column.default.as_ref()? {
            ColumnDefault::Default(expr) | ColumnDefault::Materialized(expr) | ColumnDefault::Ephemeral(Some(expr)) => {
                Some(expr.clone())
            }
            ColumnDefault::Ephemeral(None) => Some(query::definition::default_of_type(column)),
            ColumnDefault::Alias(_) | ColumnDefault::AutoIncrement => None,
        }
    };
    let columns = def.columns.columns().iter();
    columns.filter_map(|column| declared(column).map(|expr| ComputedColumn { column: column.clone(), expr })).collect()
}

fn constraints(definition: &Definition) -> Vec<Constraint> {
    let Definition::Table(create) = definition else { return Vec::new() };
    let elements = create.elements.iter().flat_map(|elements| &elements.constraints);
    elements
        .filter(|constraint| constraint.kind == ConstraintKind::Check)
        .map(|constraint| Constraint { name: constraint.name.name.to_string(), expr: constraint.expr.clone() })
        .collect()
}

/// The times of `TTL time [DELETE [WHERE …]]`; with WHERE, the time and the condition both must hold.
fn row_ttl(definition: &Definition) -> Vec<sql::Expr> {
    let items = definition.storage().map(|storage| storage.ttl.as_slice()).unwrap_or_default();
    let expired = |item: &TtlItem| {
        let now = sql::Expr::call("now", Vec::new());
        let expired = query::transform::is_past(&item.expr, now);
        match &item.filter {
            Some(filter) => sql::Expr::call("and", vec![expired, filter.clone()]),
            None => expired,
        }
    };
    items.iter().filter(|item| item.action == TtlAction::Delete).map(expired).collect()
}

fn dead_letters(def: &TableDef, definition: &Definition) -> Option<QualifiedName> {
    let name = setting(definition, "dead_letter_table")?;
    Some(match name.split_once('.') {
        Some((database, name)) => QualifiedName::new(database, name),
        None => QualifiedName::new(def.database.clone(), name.as_str()),
    })
}

/// The text of a table setting.
pub fn setting(definition: &Definition, name: &str) -> Option<String> {
    let settings: &[Setting] = &definition.storage()?.settings;
    let setting = settings.iter().find(|setting| setting.name.name == name)?;
    Some(match &setting.value {
        SettingValue::Literal(Literal::String(text)) => String::from_utf8_lossy(text).into_owned(),
        SettingValue::Literal(Literal::UInt(value)) => value.to_string(),
        SettingValue::Literal(Literal::Int(value)) => value.to_string(),
        SettingValue::Literal(Literal::Float(value)) => value.to_string(),
        SettingValue::Literal(Literal::Bool(value)) => u8::from(*value).to_string(),
        SettingValue::Implicit => "1".to_owned(),
        SettingValue::Literal(Literal::Null) | SettingValue::Default | SettingValue::Map(_) | SettingValue::Expr(_) => {
            return None;
        }
    })
}

/// The definition of a table in the query's snapshot.
pub(crate) fn named(ctx: &QueryContext, name: &QualifiedName) -> Result<Arc<TableDef>> {
    ctx.snapshot.catalog.named(name).cloned().ok_or_else(|| {
        let (database, name) = (name.database.to_string(), name.name.to_string());
        Error::Query(query::Error::UnknownTable { database, name })
    })
}
