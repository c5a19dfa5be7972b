//! The layout of a table's parts: keys as columns, expressions among them as hidden columns, the engine's merge mode.

use parts::{MergeMode, PartSchema, SortColumn};
use query::QueryContext;
use query::expressions::Expressions;
use sql::Expr;
use sql::ast::{ExprKind, Storage};
use types::{Column, DataType, ErrorCode, Header};
use views::hidden;

use super::table_settings::TableSettings;
use crate::error::{Error, Result};

/// The layout of a table being made.
pub(crate) struct Layout {
    header: Vec<Column>,
    stored: Header,
    sort_key: Vec<SortColumn>,
    primary_key_len: usize,
    partition_key: Vec<usize>,
    min_max: Vec<usize>,
}

/// A constant sorts nothing, and a row has one place.
fn check_expr(which: &str, expr: &Expr) -> Result<()> {
    let refuse =
        |what: &str| Err(Error::refused(ErrorCode::ILLEGAL_COLUMN, format!("{which} key cannot contain {what}")));
    if expr.has_subquery() {
        return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, "key expressions cannot contain subqueries"));
    }
    match &expr.kind {
        ExprKind::Literal(_) => refuse("constants"),
        ExprKind::Function(call) if call.name.name == "arrayJoin" => refuse("array joins"),
        _ => Ok(()),
    }
}

impl Layout {
    /// Keys of a storage clause over the stored columns. `carried` are hidden columns of a view.
    pub(crate) fn new(
        stored: &Header,
        carried: &[Column],
        storage: &Storage,
        settings: &TableSettings,
        ctx: &QueryContext,
    ) -> Result<Layout> {
        let header = stored.columns().iter().chain(carried).cloned().collect();
        let mut layout = Layout {
            header,
            stored: stored.clone(),
            sort_key: Vec::new(),
            primary_key_len: 0,
            partition_key: Vec::new(),
            min_max: Vec::new(),
        };
        if let Some(order_by) = &storage.order_by {
            for item in &order_by.items {
                check_expr("Sorting", &item.expr)?;
                let position = layout.key_column(&item.expr, ctx)?;
                layout.check_key(position, &item.expr, settings)?;
                layout.sort_key.push(SortColumn { position, descending: item.descending });
            }
            layout.check_sort_key(settings)?;
        }
        layout.primary_key_len = layout.primary_key(storage)?;
        if let Some(sample) = &storage.sample_by {
            layout.check_sampling(sample, ctx)?;
        }
        if let Some(partition) = &storage.partition_by {
            for expr in items(partition) {
                check_expr("Partition", expr)?;
                let position = layout.key_column(expr, ctx)?;
                layout.check_partition(position, settings)?;
                layout.partition_key.push(position);
                layout.read_columns(expr, ctx)?;
            }
        }
        let keys: Vec<usize> = layout.sort_key.iter().map(|key| key.position).collect();
        layout.min_max.extend(keys);
        layout.min_max.extend(layout.partition_key.clone());
        layout.min_max.retain(|position| has_min_max(&layout.header[*position].ty));
        layout.min_max.sort_unstable();
        layout.min_max.dedup();
        Ok(layout)
    }

    /// What SAMPLE chooses by is part of the primary key, and an unsigned integer.
    fn check_sampling(&self, sample: &Expr, ctx: &QueryContext) -> Result<()> {
        let compiled = Expressions::compile(std::slice::from_ref(sample), &self.stored, ctx)?;
        let (plain, computed) = (sample.to_string(), hidden::expression_column(&sample.to_string()));
        let mut key = self.sort_key.iter().take(self.primary_key_len).map(|key| &self.header[key.position].name);
        if !key.any(|name| **name == *plain || **name == *computed) {
            let message = "sampling expression must be present in the primary key";
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
        }
        match compiled.types().next() {
            Some(DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64) => Ok(()),
            ty => {
                let ty = ty.map(ToString::to_string).unwrap_or_default();
                let message = format!(
                    "invalid sampling column type in storage parameters: {ty}. Must be one unsigned integer type"
                );
                Err(Error::refused(ErrorCode::ILLEGAL_TYPE_OF_COLUMN_FOR_FILTER, message))
            }
        }
    }

    /// The header with hidden columns.
    pub(crate) fn header(&self) -> Header {
        Header::new(self.header.clone())
    }

    /// Positions of the columns of the sorting and partition keys.
    pub(crate) fn key_positions(&self) -> Vec<usize> {
        self.sort_key.iter().map(|key| key.position).chain(self.partition_key.iter().copied()).collect()
    }

    /// Positions of the columns of the sorting key.
    pub(crate) fn sort_positions(&self) -> Vec<usize> {
        self.sort_key.iter().map(|key| key.position).collect()
    }

    /// The whole layout.
    pub(crate) fn schema(self, merge_mode: MergeMode, settings: &TableSettings) -> Result<PartSchema> {
        let schema = PartSchema {
            header: Header::new(self.header),
            sort_key: self.sort_key,
            primary_key_len: self.primary_key_len,
            partition_key: self.partition_key,
            merge_mode,
            index_granularity: settings.index_granularity,
            min_max: self.min_max,
        };
        Ok(schema.checked()?)
    }

    /// The position of a key's column: the named one, or a hidden one that holds the expression.
    fn key_column(&mut self, expr: &Expr, ctx: &QueryContext) -> Result<usize> {
        let compiled = Expressions::compile(std::slice::from_ref(expr), &self.stored, ctx)?;
        if let ExprKind::Identifier(parts) = &expr.kind {
            let name = parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join(".");
            if let Some(position) = self.header.iter().position(|column| *column.name == name) {
                return Ok(position);
            }
        }
        if !compiled.is_timeless() {
            let message = format!("expression {expr} of a key must give the same value at any time");
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
        }
        let name = hidden::expression_column(&expr.to_string());
        if let Some(position) = self.header.iter().position(|column| *column.name == *name) {
            return Ok(position);
        }
        let ty = compiled.types().next().cloned().unwrap_or(DataType::Nothing);
        self.header.push(Column::new(name, ty));
        Ok(self.header.len() - 1)
    }

    fn check_key(&self, position: usize, expr: &Expr, settings: &TableSettings) -> Result<()> {
        let ty = &self.header[position].ty;
        if ty.is_nullable() && !settings.allow_nullable_key {
            let message =
                format!("sorting key contains nullable columns ({expr}), but setting `allow_nullable_key` is disabled");
            return Err(Error::refused(ErrorCode::ILLEGAL_COLUMN, message));
        }
        if matches!(ty, DataType::AggregateFunction(_) | DataType::SimpleAggregateFunction(_)) {
            let message = format!("column {expr} of type {ty} cannot be in a sorting key");
            return Err(Error::refused(ErrorCode::DATA_TYPE_CANNOT_BE_USED_IN_KEY, message));
        }
        Ok(())
    }

    /// Each expression once, except where the table says that it may be there twice.
    fn check_sort_key(&self, settings: &TableSettings) -> Result<()> {
        let places = self.sort_positions();
        let is_twice = places.iter().enumerate().any(|(at, place)| places[..at].contains(place));
        if is_twice && !settings.allow_suspicious_indices {
            let message = "primary key contains a duplicate expression. To suppress this exception, rerun the command \
                           with setting 'allow_suspicious_indices = 1'";
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
        }
        Ok(())
    }

    fn check_partition(&self, position: usize, settings: &TableSettings) -> Result<()> {
        let column = &self.header[position];
        if column.ty.is_nullable() && !settings.allow_nullable_key {
            let message = "partition key contains nullable columns, but setting `allow_nullable_key` is disabled";
            return Err(Error::refused(ErrorCode::ILLEGAL_COLUMN, message));
        }
        if matches!(column.ty, DataType::AggregateFunction(_)) {
            let message = format!("column {} of type {} cannot be in a partition key", column.name, column.ty);
            return Err(Error::refused(ErrorCode::DATA_TYPE_CANNOT_BE_USED_IN_KEY, message));
        }
        if column.ty.base().is_float() && !settings.allow_floating_point_partition_key {
            let message = "floating point partition key is not supported";
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
        }
        Ok(())
    }

    /// PRIMARY KEY must be a prefix of ORDER BY.
    fn primary_key(&self, storage: &Storage) -> Result<usize> {
        let Some(primary) = &storage.primary_key else { return Ok(self.sort_key.len()) };
        let primary: Vec<&Expr> = items(primary);
        let sorting: Vec<&Expr> = storage.order_by.iter().flat_map(|key| key.exprs()).collect();
        if !sorting.starts_with(&primary) {
            let message = "primary key must be a prefix of the sorting key";
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
        }
        Ok(primary.len())
    }

    /// Keeps smallest and largest values of the columns that a partition expression reads.
    fn read_columns(&mut self, expr: &Expr, ctx: &QueryContext) -> Result<()> {
        let compiled = Expressions::compile(std::slice::from_ref(expr), &self.stored, ctx)?;
        self.min_max.extend(compiled.reads());
        Ok(())
    }
}

/// The expressions of a key: those of a tuple, or the one.
pub(crate) fn items(key: &Expr) -> Vec<&Expr> {
    match &key.kind {
        ExprKind::Tuple(items) => items.iter().collect(),
        _ => vec![key],
    }
}

fn has_min_max(ty: &DataType) -> bool {
    let base = ty.base();
    base.is_integer()
        || base.is_date_or_time()
        || base.is_float()
        || matches!(base, DataType::String | DataType::Enum(_))
}
