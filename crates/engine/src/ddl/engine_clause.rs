//! ENGINE and its arguments.

use parts::MergeMode;
use query::QueryContext;
use sql::Expr;
use sql::ast::{Engine as AstEngine, ExprKind, Storage};
use store::TableKind;
use types::{DataType, ErrorCode, Header};

use super::table_settings::TableSettings;
use crate::error::{Error, Result};

/// Settings of a Set table.
pub(super) fn check_set_settings(storage: &Storage) -> Result<()> {
    match storage.settings.iter().find(|setting| !matches!(setting.name.name.as_str(), "persistent" | "disk")) {
        Some(setting) => {
            let message = format!("unknown setting {} for storage Set", setting.name.name);
            Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message))
        }
        None => Ok(()),
    }
}

/// An engine that can be made.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    /// As ClickHouse prints it.
    pub(super) name: String,
    pub(super) kind: TableKind,
    pub(super) arguments: Vec<Expr>,
}

/// Engines of ClickHouse that are refused as not supported rather than as unknown.
const REFUSED: &[&str] = &[
    "Distributed",
    "EmbeddedRocksDB",
    "GenerateRandom",
    "GraphiteMergeTree",
    "Kafka",
    "MongoDB",
    "NATS",
    "RabbitMQ",
    "Redis",
    "S3Queue",
    "SQLite",
];

/// The engine of a storage clause; `default` where none is written.
pub(super) fn choose(engine: Option<&AstEngine>, default: &str) -> Result<Chosen> {
    let (name, arguments) = match engine {
        Some(engine) => (engine.name.name.as_str(), engine.arguments.clone()),
        None => (default, Vec::new()),
    };
    let kind = match name {
        "MergeTree"
        | "ReplacingMergeTree"
        | "SummingMergeTree"
        | "AggregatingMergeTree"
        | "CoalescingMergeTree"
        | "CollapsingMergeTree"
        | "VersionedCollapsingMergeTree" => TableKind::MergeTree,
        "Memory" | "Log" | "TinyLog" | "StripeLog" => TableKind::Memory,
        "Null" => TableKind::Null,
        "Merge" => TableKind::Merge,
        "Dictionary" => TableKind::DictionaryTable,
        "Join" => TableKind::Join,
        "Set" => TableKind::Set,
        "Buffer" => TableKind::Buffer,
        "URL" | "S3" | "File" | "MySQL" | "PostgreSQL" => TableKind::External,
        "View" | "MaterializedView" | "WindowView" | "LiveView" => {
            let message = format!("a table cannot have engine {name}: write CREATE VIEW");
            return Err(Error::refused(ErrorCode::INCORRECT_QUERY, message));
        }
        name if REFUSED.contains(&name) || name.starts_with("Replicated") || name.starts_with("Shared") => {
            return Err(Error::NotImplemented(format!("table engine {name}")));
        }
        name => {
            let known = [
                "Merge",
                "Join",
                "Set",
                "Buffer",
                "Dictionary",
                "URL",
                "S3",
                "File",
                "MySQL",
                "PostgreSQL",
                "MergeTree",
                "ReplacingMergeTree",
                "SummingMergeTree",
                "AggregatingMergeTree",
                "Memory",
                "Null",
            ];
            let hint = types::error::nearest(name, known.into_iter().chain(REFUSED.iter().copied()));
            return Err(Error::refused(ErrorCode::UNKNOWN_STORAGE, format!("unknown table engine {name}{hint}")));
        }
    };
    Ok(Chosen { name: name.to_owned(), kind, arguments })
}

impl Chosen {
    /// With its arguments as they are kept.
    pub(super) fn canonical(self, ctx: &QueryContext) -> Result<Chosen> {
        match self.kind {
            TableKind::Merge => {
                let tables = query::merge_tables::Chosen::of_engine(&self.arguments, ctx)?;
                Ok(Chosen { arguments: tables.arguments(), ..self })
            }
            TableKind::Buffer => {
                let engine = AstEngine { name: sql::ast::Ident::new("Buffer"), arguments: self.arguments.clone() };
                let storage = Storage { engine: Some(engine), ..Storage::default() };
                let buffer = query::buffer_engine::BufferEngine::of_storage(&storage, ctx)?;
                Ok(Chosen { arguments: buffer.arguments(), ..self })
            }
            TableKind::External => {
                let name = sql::ast::Ident::new(self.name.as_str());
                let engine = AstEngine { name, arguments: self.arguments.clone() };
                let outside = query::external::Outside::of_engine(&engine, None, query::external::NO_FOLDER, ctx)?;
                match outside.has_collection {
                    true => Ok(self),
                    false => Ok(Chosen { arguments: self.arguments.iter().map(quoted).collect(), ..self }),
                }
            }
            TableKind::DictionaryTable => {
                self.takes(1, 1)?;
                Ok(self)
            }
            TableKind::Set | TableKind::Null => {
                self.takes(0, 0)?;
                Ok(self)
            }
            _ => Ok(self),
        }
    }

    /// Refuses keys for engines that have none.
    pub(super) fn check_storage(&self, storage: &Storage) -> Result<()> {
        if self.kind == TableKind::MergeTree {
            let is_keyed = storage.order_by.is_some() || storage.primary_key.is_some();
            if is_keyed || self.arguments.is_empty() {
                return Ok(());
            }
            if self.name == "MergeTree" && self.arguments.len() >= 3 {
                let message = "this syntax for *MergeTree engine is deprecated. Use extended storage definition syntax \
                               with ORDER BY/PRIMARY KEY clause";
                return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
            }
            let message = "ORDER BY or PRIMARY KEY clause is missing";
            return Err(Error::refused(ErrorCode::NUMBER_OF_ARGUMENTS_DOESNT_MATCH, message));
        }
        let has_keys = storage.partition_by.is_some() || storage.order_by.is_some() || storage.primary_key.is_some();
        if self.kind == TableKind::Merge && !storage.settings.is_empty() {
            let message = format!("engine {} doesn't support SETTINGS clause", self.name);
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
        }
        if has_keys || storage.sample_by.is_some() || !storage.ttl.is_empty() {
            let message =
                format!("engine {} doesn't support PARTITION_BY, PRIMARY_KEY, ORDER_BY or TTL clauses", self.name);
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
        }
        Ok(())
    }

    /// What the engine does with rows of equal keys. `sort` are positions of the sorting key.
    pub(super) fn merge_mode(&self, header: &Header, keys: &[usize], settings: &TableSettings) -> Result<MergeMode> {
        match self.name.as_str() {
            "ReplacingMergeTree" => self.replacing(header),
            "SummingMergeTree" => self.summing(header, keys),
            "AggregatingMergeTree" => {
                self.takes(0, 0)?;
                if !settings.allow_dimensions_outside_sorting_key {
                    check_dimensions(header, keys)?;
                }
                Ok(MergeMode::Aggregating)
            }
            "CoalescingMergeTree" => self.coalescing(header, keys),
            "CollapsingMergeTree" => {
                self.takes(1, 1)?;
                self.named()?;
                Ok(MergeMode::Collapsing { sign: self.sign(header)? })
            }
            "VersionedCollapsingMergeTree" => {
                self.takes(2, 2)?;
                self.named()?;
                if self.arguments[0] == self.arguments[1] {
                    let message =
                        format!("the version and sign column cannot be the same column ({})", self.arguments[0]);
                    return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
                }
                let version = self.column(1, header, "Version")?;
                check_version(header, version)?;
                Ok(MergeMode::VersionedCollapsing { sign: self.sign(header)?, version })
            }
            _ => {
                self.takes(0, 0)?;
                Ok(MergeMode::Plain)
            }
        }
    }

    fn replacing(&self, header: &Header) -> Result<MergeMode> {
        self.takes(0, 2)?;
        if self.arguments.is_empty() {
            return Ok(MergeMode::Replacing { version: None, is_deleted: None });
        }
        self.named()?;
        let version = self.column(0, header, "Version")?;
        check_version(header, version)?;
        if self.arguments.get(1) == self.arguments.first() {
            let message = "the version and is_deleted column cannot be the same column";
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
        }
        let is_deleted = (self.arguments.len() > 1).then(|| self.column(1, header, "is_deleted")).transpose()?;
        if let Some(at) = is_deleted
            && !matches!(header.columns()[at].ty, DataType::UInt8 | DataType::Bool)
        {
            let message = format!("is_deleted column must be of type UInt8, not {}", header.columns()[at].ty);
            return Err(Error::refused(ErrorCode::BAD_TYPE_OF_FIELD, message));
        }
        Ok(MergeMode::Replacing { version: Some(version), is_deleted })
    }

    fn summing(&self, header: &Header, keys: &[usize]) -> Result<MergeMode> {
        self.takes(0, 1)?;
        let Some(list) = self.arguments.first() else { return Ok(MergeMode::summing(header, keys, None)) };
        refuse_twice(list)?;
        let mut listed = Vec::new();
        for expr in super::keys::items(list) {
            // an element of a Nested structure is no column to list
            if matches!(&expr.kind, ExprKind::Identifier(parts) if 1 < parts.len()) {
                return Err(no_column(expr, "columns_to_sum"));
            }
            // the maps of Nested structures are merged whether they are listed or not
            let structure = format!("{expr}.");
            if header.columns().iter().any(|column| column.name.starts_with(&structure)) {
                continue;
            }
            let at = position(expr, header).ok_or_else(|| no_column(expr, "columns_to_sum"))?;
            if keys.contains(&at) {
                let message = format!("column {expr} is in the sorting key and cannot be summed");
                return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
            }
            // a listed column that cannot be added up keeps its first value
            listed.push(at);
        }
        Ok(MergeMode::summing(header, keys, Some(&listed)))
    }

    fn coalescing(&self, header: &Header, keys: &[usize]) -> Result<MergeMode> {
        self.takes(0, 1)?;
        let Some(list) = self.arguments.first() else { return Ok(MergeMode::coalescing(header, keys, None)) };
        refuse_twice(list)?;
        let mut listed = Vec::new();
        for expr in super::keys::items(list) {
            let at = position(expr, header).ok_or_else(|| no_column(expr, "columns_to_sum"))?;
            if keys.contains(&at) {
                let message = format!("column {expr} is in the sorting key and cannot be coalesced");
                return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
            }
            listed.push(at);
        }
        Ok(MergeMode::coalescing(header, keys, Some(&listed)))
    }

    /// Columns are named: what is computed or quoted is no argument.
    fn named(&self) -> Result<()> {
        match self.arguments.iter().all(|argument| matches!(argument.kind, ExprKind::Identifier(_))) {
            true => Ok(()),
            false => Err(Error::refused(ErrorCode::BAD_ARGUMENTS, "wrong engine arguments: they name columns")),
        }
    }

    fn takes(&self, least: usize, most: usize) -> Result<()> {
        if (least..=most).contains(&self.arguments.len()) {
            return Ok(());
        }
        let given = self.arguments.len();
        let message = format!("engine {} takes {least} to {most} arguments, {given} given", self.name);
        Err(Error::refused(ErrorCode::NUMBER_OF_ARGUMENTS_DOESNT_MATCH, message))
    }

    fn column(&self, argument: usize, header: &Header, what: &str) -> Result<usize> {
        let expr = &self.arguments[argument];
        position(expr, header).ok_or_else(|| no_column(expr, what))
    }

    fn sign(&self, header: &Header) -> Result<usize> {
        let sign = self.column(0, header, "Sign")?;
        match &header.columns()[sign].ty {
            DataType::Int8 => Ok(sign),
            other => {
                let message = format!("sign column must have type Int8, not {other}");
                Err(Error::refused(ErrorCode::BAD_TYPE_OF_FIELD, message))
            }
        }
    }
}

/// `CSV` as `'CSV'`, as ClickHouse keeps it.
fn quoted(argument: &Expr) -> Expr {
    match &argument.kind {
        ExprKind::Identifier(parts) => match parts.as_slice() {
            [only] => Expr::literal(sql::ast::Literal::String(only.name.clone().into_bytes())),
            _ => argument.clone(),
        },
        _ => argument.clone(),
    }
}

fn refuse_twice(list: &Expr) -> Result<()> {
    let mut seen = std::collections::BTreeSet::new();
    match super::keys::items(list).into_iter().map(ToString::to_string).find(|name| !seen.insert(name.clone())) {
        Some(name) => {
            let message = format!("column {name} is listed multiple times in the list of columns to sum");
            Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message))
        }
        None => Ok(()),
    }
}

/// What decides a row's partition is not added up.
pub(super) fn refuse_partition(chosen: &Chosen, partition_by: Option<&Expr>) -> Result<()> {
    if !matches!(chosen.name.as_str(), "SummingMergeTree" | "CoalescingMergeTree") {
        return Ok(());
    }
    let (Some(list), Some(partition_by)) = (chosen.arguments.first(), partition_by) else { return Ok(()) };
    let read = partition_by.identifiers();
    match super::keys::items(list).into_iter().map(ToString::to_string).find(|name| read.contains(name)) {
        Some(name) => {
            let message =
                format!("columns: {name} listed both in columns to sum and in partition key. That is not allowed");
            Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message))
        }
        None => Ok(()),
    }
}

/// The column that an engine argument names.
pub(super) fn position(expr: &Expr, header: &Header) -> Option<usize> {
    match &expr.kind {
        ExprKind::Identifier(parts) => {
            header.position(&parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join("."))
        }
        _ => None,
    }
}

fn no_column(expr: &Expr, what: &str) -> Error {
    let message = format!("{what} column {expr} does not exist in table declaration");
    Error::refused(ErrorCode::NO_SUCH_COLUMN_IN_TABLE, message)
}

fn check_version(header: &Header, version: usize) -> Result<()> {
    let column = &header.columns()[version];
    let is_number =
        column.ty.is_integer() || matches!(column.ty, DataType::Float32 | DataType::Float64 | DataType::Bool);
    if is_number || column.ty.is_date_or_time() {
        return Ok(());
    }
    let message = format!(
        "version column {} must be of an integer type or of type Date/DateTime/DateTime64, not {}",
        column.name, column.ty
    );
    Err(Error::refused(ErrorCode::BAD_TYPE_OF_FIELD, message))
}

/// AggregatingMergeTree: what is in no key must merge by itself.
fn check_dimensions(header: &Header, keys: &[usize]) -> Result<()> {
    if !header.columns().iter().any(|column| parts::schema::is_aggregate(&column.ty)) {
        // nothing is aggregated: the table keeps a row a key, as the real engine takes it
        return Ok(());
    }
    let columns = header.columns().iter().enumerate();
    let plain = columns.filter(|(at, column)| !keys.contains(at) && !parts::schema::is_aggregate(&column.ty));
    let plain: Vec<_> =
        plain.filter(|(_, c)| !views::hidden::is_hidden(&c.name)).map(|(_, c)| c.name.to_string()).collect();
    if plain.is_empty() {
        return Ok(());
    }
    let message = format!(
        "AggregatingMergeTree has columns outside the sorting key that are not of AggregateFunction or \
         SimpleAggregateFunction type: {}; it can be allowed with the table setting allow_dimensions_outside_sorting_key",
        plain.join(", ")
    );
    Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message))
}
