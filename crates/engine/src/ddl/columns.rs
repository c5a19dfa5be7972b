//! The columns of a new table: what is declared, or what a table, function or query gives.

use std::collections::BTreeSet;

use query::QueryContext;
use query::definition::Definition;
use query::expressions::Expressions;
use sql::ast::{ColumnDef, ColumnDefault, Ident, Nullability, TableElements};
use types::{Column, DataType, ErrorCode, Header, Setting};

use crate::error::{Error, Result};

/// Columns as they are kept: every type explicit, Nested columns spread.
pub(super) fn declared(elements: &TableElements, ctx: &QueryContext) -> Result<(TableElements, Header)> {
    let mut elements = elements.clone();
    for column in &elements.columns {
        refuse_whole_nested(column, ctx)?;
    }
    elements.columns = spread_nested(&elements.columns)?;
    let mut known: Vec<Column> = Vec::with_capacity(elements.columns.len());
    for column in &elements.columns {
        if known.iter().any(|other| *other.name == *column.name.name) {
            let message = format!("column {} already exists", column.name.name);
            return Err(Error::refused(ErrorCode::ILLEGAL_COLUMN, message));
        }
        refuse_options(column)?;
        if let Some(ty) = declared_type(column)? {
            known.push(Column::new(column.name.name.as_str(), ty));
        }
    }
    for column in &mut elements.columns {
        if let Some(ColumnDefault::Default(expr) | ColumnDefault::Materialized(expr) | ColumnDefault::Alias(expr)) =
            &mut column.default
        {
            super::dictionary::qualify_dictionaries(expr, ctx);
        }
    }
    // a column without a type has that of its default, which may read the others
    for column in &mut elements.columns {
        if column.data_type.is_some() {
            continue;
        }
        let expr = column.default.as_ref().and_then(ColumnDefault::expr).ok_or_else(|| {
            let message = format!("column {} has neither a type nor a default", column.name.name);
            Error::refused(ErrorCode::INCORRECT_QUERY, message)
        })?;
        let compiled = Expressions::compile(std::slice::from_ref(expr), &Header::new(known.clone()), ctx)?;
        let ty = compiled.types().next().cloned().unwrap_or(DataType::Nothing);
        column.data_type = Some(ast_type(&ty)?);
        known.push(Column::new(column.name.name.as_str(), ty));
    }
    let in_order = elements.columns.iter().filter_map(|c| known.iter().find(|k| *k.name == *c.name.name).cloned());
    let header = Header::new(in_order.collect::<Vec<_>>());
    for column in &mut elements.columns {
        normalise(column, &header)?;
    }
    check_defaults(&elements, &header, ctx)?;
    check_types(&header, ctx)?;
    Ok((elements, header))
}

/// Columns of a header as they would be declared.
pub(crate) fn of_header(header: &Header) -> Result<TableElements> {
    let mut names = BTreeSet::new();
    if let Some(twice) = header.columns().iter().find(|column| !names.insert(&column.name)) {
        let message = format!("cannot add column {}: column with this name already exists", twice.name);
        return Err(Error::refused(ErrorCode::ILLEGAL_COLUMN, message));
    }
    let columns = header.columns().iter();
    let columns = columns.map(|column| Ok(ColumnDef::plain(Ident::new(&*column.name), Some(ast_type(&column.ty)?))));
    Ok(TableElements { columns: columns.collect::<Result<Vec<_>>>()?, ..TableElements::default() })
}

/// The columns of all tables that `ENGINE = Merge(…)` reads.
pub(super) fn of_merge(arguments: &[sql::Expr], ctx: &QueryContext) -> Result<TableElements> {
    of_merged(&query::merge_tables::Chosen::of_engine(arguments, ctx)?, ctx)
}

pub(super) fn of_merged(chosen: &query::merge_tables::Chosen, ctx: &QueryContext) -> Result<TableElements> {
    let relations = query::relations::SnapshotRelations::new(ctx);
    let columns = chosen.columns(&relations, ctx)?.into_iter();
    let columns = columns.map(|column| Ok(ColumnDef { data_type: Some(ast_type(&column.ty)?), ..column.declared }));
    Ok(TableElements { columns: columns.collect::<Result<Vec<_>>>()?, ..TableElements::default() })
}

/// The columns, constraints and the like of another table.
pub(super) fn like(definition: &Definition, header: &Header) -> Result<TableElements> {
    match definition {
        Definition::Table(create) => Ok(create.elements.clone().unwrap_or_default()),
        _ => of_header(header),
    }
}

/// A type as syntax.
pub(crate) fn ast_type(ty: &DataType) -> Result<sql::ast::DataType> {
    sql::parse_data_type(&ty.to_string()).map_err(Error::from)
}

/// A Nested column that is kept whole is not supported.
pub(crate) fn refuse_whole_nested(column: &ColumnDef, ctx: &QueryContext) -> Result<()> {
    let is_nested = column.data_type.as_ref().is_some_and(|ty| ty.to_string().starts_with("Nested("));
    match is_nested && !ctx.settings.flag(Setting::FlattenNested) {
        true => Err(Error::NotImplemented("a Nested column with flatten_nested = 0".to_owned())),
        false => Ok(()),
    }
}

/// `n Nested(a T, b U)` is two columns of arrays, `n.a` and `n.b`.
pub(crate) fn spread_nested(columns: &[ColumnDef]) -> Result<Vec<ColumnDef>> {
    let mut spread = Vec::with_capacity(columns.len());
    for column in columns {
        let text = column.data_type.as_ref().map(ToString::to_string).unwrap_or_default();
        if !text.starts_with("Nested(") {
            spread.push(column.clone());
            continue;
        }
        let DataType::Array(inner) = DataType::parse(&text)? else { continue };
        let DataType::Tuple(fields) = &*inner else { continue };
        for field in fields.iter() {
            let name = format!("{}.{}", column.name.name, field.name.as_deref().unwrap_or_default());
            let ty = ast_type(&DataType::array(field.ty.clone()))?;
            spread.push(ColumnDef { name: Ident::new(name), data_type: Some(ty), ..column.clone() });
        }
    }
    Ok(spread)
}

fn declared_type(column: &ColumnDef) -> Result<Option<DataType>> {
    let Some(ty) = &column.data_type else { return Ok(None) };
    let ty = DataType::parse(&ty.to_string())?;
    if column.nullability.is_some() && ty.is_nullable() {
        let message = format!("can't use [NOT] NULL modifier with Nullable type (column {})", column.name.name);
        return Err(Error::refused(ErrorCode::ILLEGAL_SYNTAX_FOR_DATA_TYPE, message));
    }
    let is_null = |expr: &sql::Expr| matches!(expr.kind, sql::ast::ExprKind::Literal(sql::ast::Literal::Null));
    let defaults_to_null = matches!(&column.default, Some(ColumnDefault::Default(expr)) if is_null(expr));
    Ok(Some(match column.nullability {
        Some(Nullability::Null) => as_nullable(&ty)?,
        None if defaults_to_null => as_nullable(&ty)?,
        Some(Nullability::NotNull) | None => ty,
    }))
}

fn as_nullable(ty: &DataType) -> Result<DataType> {
    if matches!(ty, DataType::Array(_) | DataType::Map(_) | DataType::AggregateFunction(_)) {
        let message = format!("nested type {ty} cannot be inside Nullable type");
        return Err(Error::refused(ErrorCode::ILLEGAL_TYPE_OF_ARGUMENT, message));
    }
    Ok(ty.to_nullable())
}

/// The type as it is printed: NULL and NOT NULL are part of it.
fn normalise(column: &mut ColumnDef, header: &Header) -> Result<()> {
    if let Some(known) = header.column(&column.name.name) {
        column.data_type = Some(ast_type(&known.ty)?);
        column.nullability = None;
    }
    let ty = header.column(&column.name.name).map_or(DataType::Nothing, |column| column.ty.clone());
    for codec in &mut column.codec {
        *codec = super::codecs::normalised(codec, &ty)?;
    }
    super::codecs::check(column)?;
    if column.comment.as_deref() == Some("") {
        column.comment = None;
    }
    Ok(())
}

fn refuse_options(column: &ColumnDef) -> Result<()> {
    let present = [
        ("COLLATE", column.collation.is_some()),
        ("STATISTICS", !column.statistics.is_empty()),
        ("SETTINGS of a column", !column.settings.is_empty()),
        ("AUTO_INCREMENT", matches!(column.default, Some(ColumnDefault::AutoIncrement))),
    ];
    match present.iter().find(|(_, present)| *present) {
        Some((what, _)) => Err(Error::NotImplemented(format!("{what} (column {})", column.name.name))),
        None => Ok(()),
    }
}

/// Defaults must be expressions over the other columns that become the column's type.
fn check_defaults(elements: &TableElements, header: &Header, ctx: &QueryContext) -> Result<()> {
    for column in &elements.columns {
        let Some(expr) = column.default.as_ref().and_then(ColumnDefault::expr) else { continue };
        if expr.has_subquery() {
            let message = "select query is not allowed in columns DEFAULT expression";
            return Err(Error::refused(ErrorCode::THERE_IS_NO_DEFAULT_VALUE, message));
        }
        if expr.has_array_join() {
            let message = "unsupported default value that requires ARRAY JOIN action";
            return Err(Error::refused(ErrorCode::THERE_IS_NO_DEFAULT_VALUE, message));
        }
        let ty = header.column(&column.name.name).map_or(DataType::Nothing, |column| column.ty.clone());
        let compiled = Expressions::compile_as(&[(expr.clone(), ty.clone())], header, ctx)?;
        if compiled.reads().is_empty() && compiled.is_timeless() {
            // a constant that is no value of the type is found out now
            query::expressions::constant_as(expr, &ty, ctx)?;
        }
    }
    refuse_cycles(elements)?;
    for constraint in &elements.constraints {
        Expressions::compile(std::slice::from_ref(&constraint.expr), header, ctx)?;
    }
    for (at, index) in elements.indexes.iter().enumerate() {
        if elements.indexes[..at].iter().any(|other| other.name == index.name) {
            let message = format!("duplicated index name {} is not allowed", index.name.name);
            return Err(Error::refused(ErrorCode::ILLEGAL_INDEX, message));
        }
        if index.granularity == 0 {
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, "index GRANULARITY must be a positive integer"));
        }
        if index.expr.has_array_join() {
            let message = format!("secondary index '{}' cannot contain array joins", index.name.name);
            return Err(Error::refused(ErrorCode::INCORRECT_QUERY, message));
        }
        query::skip_indexes::compile(index, header, ctx)?;
    }
    Ok(())
}

/// Defaults may read one another, but not in a circle.
fn refuse_cycles(elements: &TableElements) -> Result<()> {
    let reads = |column: &ColumnDef| {
        column.default.as_ref().and_then(ColumnDefault::expr).map(sql::Expr::identifiers).unwrap_or_default()
    };
    let mut open: Vec<(&ColumnDef, Vec<String>)> =
        elements.columns.iter().map(|column| (column, reads(column))).filter(|(_, reads)| !reads.is_empty()).collect();
    loop {
        let waiting: Vec<String> = open.iter().map(|(column, _)| column.name.name.clone()).collect();
        let before = open.len();
        open.retain(|(_, reads)| reads.iter().any(|name| waiting.contains(name)));
        if open.is_empty() {
            return Ok(());
        }
        if open.len() == before {
            let message = format!("defaults of columns read one another in a circle: {}", waiting.join(", "));
            return Err(Error::refused(ErrorCode::CYCLIC_ALIASES, message));
        }
    }
}

fn check_types(header: &Header, ctx: &QueryContext) -> Result<()> {
    for column in header.columns() {
        check_type(&column.ty, ctx)?;
    }
    Ok(())
}

fn check_type(ty: &DataType, ctx: &QueryContext) -> Result<()> {
    match ty {
        DataType::Nothing => {
            let message = format!("data type {ty} cannot be used in tables");
            Err(Error::refused(ErrorCode::DATA_TYPE_CANNOT_BE_USED_IN_TABLES, message))
        }
        DataType::LowCardinality(inner) => {
            let base = inner.remove_nullable();
            let usual = base.is_string() || base.is_date_or_time();
            if usual || ctx.settings.flag(Setting::AllowSuspiciousLowCardinalityTypes) {
                return Ok(());
            }
            let message = format!(
                "Creating columns of type {ty} is prohibited by default due to expected negative impact on performance. \
                 It can be enabled with the \"allow_suspicious_low_cardinality_types\" setting"
            );
            Err(Error::refused(ErrorCode::SUSPICIOUS_TYPE_FOR_LOW_CARDINALITY, message))
        }
        DataType::AggregateFunction(signature) => {
            aggregate::resolve(&signature.name, &signature.params, &signature.args)
                .map_err(|error| Error::refused(error.code(), error.to_string()))?;
            Ok(())
        }
        DataType::SimpleAggregateFunction(signature) => {
            aggregate::check_simple(signature).map_err(|error| Error::refused(error.code(), error.to_string()))
        }
        DataType::Array(inner) | DataType::Nullable(inner) => check_type(inner, ctx),
        DataType::Map(entry) => check_type(&entry.0, ctx).and_then(|()| check_type(&entry.1, ctx)),
        DataType::Tuple(fields) => fields.iter().try_for_each(|field| check_type(&field.ty, ctx)),
        _ => Ok(()),
    }
}

/// What a user sees of a table: its columns with how they come to be.
pub(super) fn stored(elements: &TableElements, header: &Header) -> Header {
    let is_virtual = |name: &str| {
        let column = elements.columns.iter().find(|column| column.name.name == name);
        let default = column.and_then(|column| column.default.as_ref());
        matches!(default, Some(ColumnDefault::Alias(_) | ColumnDefault::Ephemeral(_)))
    };
    Header::new(header.columns().iter().filter(|c| !is_virtual(&c.name)).cloned().collect::<Vec<_>>())
}
