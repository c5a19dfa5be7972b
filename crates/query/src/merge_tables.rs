//! Which tables engine Merge and table function `merge` read, and what columns they have together.
//!
//! Tables are found by name each time something is bound, so one that comes later is read as well. Nothing is read here.

use std::sync::Arc;

use regex::Regex;
use sql::ast::{ColumnDef, ColumnDefault, ExprKind, Ident, Literal};
use store::QualifiedName;
use types::{DataType, ErrorCode};

use crate::bind::relations::{
    ColumnKind, MergeRelation, Relation, RelationColumn, RelationKind, Relations, TableFunctionCall,
};
use crate::context::QueryContext;
use crate::definition::Definition;
use crate::error::{Error, Result};
use crate::expressions::constant;

/// The databases that are looked into.
#[derive(Clone, Debug)]
enum Databases {
    One(String),
    /// `REGEXP('…')`.
    Matching(Regex),
}

/// Tables chosen by name.
#[derive(Clone, Debug)]
pub struct Chosen {
    databases: Databases,
    tables: Regex,
}

/// A column of several tables together, as it would be declared.
#[derive(Clone, Debug)]
pub struct SharedColumn {
    /// The type that holds the values of all.
    pub ty: DataType,
    /// Name, default, comment and codec; the default only where all that have the column agree.
    pub declared: ColumnDef,
}

impl Chosen {
    /// What the arguments of `ENGINE = Merge(database, 'regexp')` choose.
    pub fn of_engine(arguments: &[sql::Expr], ctx: &QueryContext) -> Result<Chosen> {
        let [database, tables] = arguments else {
            let message =
                "engine Merge takes exactly 2 arguments: the name of the database and a regexp for names of tables";
            return Err(Error::refused(ErrorCode::NUMBER_OF_ARGUMENTS_DOESNT_MATCH, message));
        };
        Ok(Chosen { databases: databases(database, ctx)?, tables: regexp(&text(tables, ctx)?)? })
    }

    /// What `merge(['database',] 'regexp')` chooses; without a database, the session's.
    pub fn of_function(arguments: &[sql::Expr], ctx: &QueryContext) -> Result<Chosen> {
        match arguments {
            [tables] => {
                let databases = Databases::One(ctx.caller.database.to_string());
                Ok(Chosen { databases, tables: regexp(&text(tables, ctx)?)? })
            }
            [_, _] => Chosen::of_engine(arguments, ctx),
            _ => {
                let message = "table function merge takes 1 to 2 arguments: merge(['database',] 'regexp')";
                Err(Error::refused(ErrorCode::NUMBER_OF_ARGUMENTS_DOESNT_MATCH, message))
            }
        }
    }

    /// The engine's arguments as SHOW CREATE prints them.
    pub fn arguments(&self) -> Vec<sql::Expr> {
        let text = |text: &str| sql::Expr::literal(Literal::String(text.as_bytes().to_vec()));
        let database = match &self.databases {
            Databases::One(name) => text(name),
            Databases::Matching(regexp) => sql::Expr::call("REGEXP", vec![text(regexp.as_str())]),
        };
        vec![database, text(self.tables.as_str())]
    }

    /// Database and name of each table, in the order of names; all but `own`.
    pub(crate) fn tables(
        &self,
        relations: &dyn Relations,
        own: Option<&QualifiedName>,
    ) -> Result<Vec<(Arc<str>, Arc<str>)>> {
        let mut databases = relations.database_names();
        databases.sort_unstable();
        databases.dedup();
        match &self.databases {
            Databases::One(name) => {
                databases.retain(|database| database == name);
                if databases.is_empty() {
                    return Err(Error::UnknownDatabase(name.clone()));
                }
            }
            Databases::Matching(regexp) => databases.retain(|database| regexp.is_match(database)),
        }
        let mut chosen: Vec<(Arc<str>, Arc<str>)> = Vec::new();
        for database in databases {
            let mut names = relations.table_names(&database);
            names.sort_unstable();
            let is_other = |name: &str| own.is_none_or(|own| *own.database != *database || *own.name != *name);
            let matching = names.iter().filter(|name| self.tables.is_match(name) && is_other(name));
            chosen.extend(matching.map(|name| (database.as_str().into(), name.as_str().into())));
        }
        Ok(chosen)
    }

    /// The columns of all tables together: those of the first, and after each the ones that later tables have there.
    pub fn columns(&self, relations: &dyn Relations, ctx: &QueryContext) -> Result<Vec<SharedColumn>> {
        let mut all: Vec<SharedColumn> = Vec::new();
        for (database, name) in self.tables(relations, None)? {
            let mut before: Option<String> = None;
            for column in columns_of(&relations.table(&database, &name)?, ctx)? {
                let name = column.declared.name.name.clone();
                match all.iter_mut().find(|known| known.declared.name.name == name) {
                    Some(known) => known.join(&column)?,
                    None => {
                        let place = before.and_then(|before| position(&all, &before)).map_or(all.len(), |at| at + 1);
                        all.insert(place, column);
                    }
                }
                before = Some(name);
            }
        }
        if all.is_empty() {
            let message = "there are no tables that match the regexp: the columns must be given";
            return Err(Error::refused(ErrorCode::CANNOT_EXTRACT_TABLE_STRUCTURE, message));
        }
        Ok(all)
    }
}

impl SharedColumn {
    fn join(&mut self, other: &SharedColumn) -> Result<()> {
        if self.ty != other.ty {
            self.ty = functions::common_type(&[self.ty.clone(), other.ty.clone()]).map_err(|_| {
                let name = &self.declared.name.name;
                Error::NotSupported(format!("Variant({}, {}), the type of column \"{name}\",", self.ty, other.ty))
            })?;
        }
        if self.declared.default != other.declared.default {
            self.declared.default = None;
        }
        Ok(())
    }

    fn relation(&self) -> RelationColumn {
        let kind = match &self.declared.default {
            Some(ColumnDefault::Alias(expr)) => ColumnKind::Alias(Arc::new(expr.clone())),
            Some(ColumnDefault::Materialized(_)) => ColumnKind::Materialized,
            _ => ColumnKind::Ordinary,
        };
        RelationColumn { name: self.declared.name.name.as_str().into(), ty: self.ty.clone(), kind }
    }
}

/// `merge(…)` in FROM.
pub(crate) fn of_call(call: &TableFunctionCall<'_>, relations: &dyn Relations, ctx: &QueryContext) -> Result<Relation> {
    if !call.settings.is_empty() {
        return Err(Error::NotSupported("SETTINGS inside table function \"merge\"".to_owned()));
    }
    let chosen = Chosen::of_function(call.arguments, &ctx.with_database(call.database))?;
    let columns = chosen.columns(relations, ctx)?;
    let merge = MergeRelation {
        columns: columns.iter().map(SharedColumn::relation).collect(),
        tables: chosen.tables(relations, None)?.into(),
    };
    let kind = RelationKind::Merge(merge);
    Ok(Relation { id: None, version: 0, database: "".into(), name: "merge".into(), kind })
}

fn position(all: &[SharedColumn], name: &str) -> Option<usize> {
    all.iter().position(|column| column.declared.name.name == name)
}

/// The columns of one of the tables, with what its definition says of them.
fn columns_of(relation: &Relation, ctx: &QueryContext) -> Result<Vec<SharedColumn>> {
    let columns: Vec<(Arc<str>, DataType, ColumnKind)> = match &relation.kind {
        RelationKind::Table(rows) => rows.columns.iter().map(parts_of).collect(),
        RelationKind::Merge(merge) => merge.columns.iter().map(parts_of).collect(),
        RelationKind::View(view) => {
            let columns = view.columns.iter().flat_map(|header| header.columns());
            columns.map(|column| (column.name.clone(), column.ty.clone(), ColumnKind::Ordinary)).collect()
        }
    };
    let def = relation.id.and_then(|id| ctx.snapshot.catalog.table_by_id(id));
    let definition = def.map(|def| Definition::parse(def)).transpose()?;
    let shown = columns.into_iter().filter(|(_, _, kind)| !matches!(kind, ColumnKind::Virtual));
    let shared = shown.map(|(name, ty, _)| {
        let declared = definition.as_ref().and_then(|definition| definition.column(&name)).cloned();
        let declared = declared.unwrap_or_else(|| ColumnDef::plain(Ident::new(&*name), None));
        SharedColumn { ty, declared }
    });
    Ok(shared.collect())
}

fn parts_of(column: &RelationColumn) -> (Arc<str>, DataType, ColumnKind) {
    (column.name.clone(), column.ty.clone(), column.kind.clone())
}

/// A database: a name, a constant, or `REGEXP('…')`.
fn databases(expr: &sql::Expr, ctx: &QueryContext) -> Result<Databases> {
    match &expr.kind {
        ExprKind::Identifier(parts) if parts.len() == 1 => Ok(Databases::One(parts[0].name.clone())),
        ExprKind::Function(call) if call.name.name.eq_ignore_ascii_case("regexp") => match call.arguments.as_slice() {
            [pattern] => Ok(Databases::Matching(regexp(&text(pattern, ctx)?)?)),
            _ => Err(Error::refused(ErrorCode::BAD_ARGUMENTS, "REGEXP takes one argument")),
        },
        _ => Ok(Databases::One(match text(expr, ctx)? {
            name if name.is_empty() => ctx.caller.database.to_string(),
            name => name,
        })),
    }
}

fn text(expr: &sql::Expr, ctx: &QueryContext) -> Result<String> {
    let value = constant(expr, ctx)?.as_bytes().and_then(|bytes| String::from_utf8(bytes).ok());
    value.ok_or_else(|| Error::refused(ErrorCode::BAD_ARGUMENTS, format!("{expr} must be a constant text")))
}

fn regexp(pattern: &str) -> Result<Regex> {
    Regex::new(pattern).map_err(|error| {
        let reason = error.to_string().replace('\n', " ");
        Error::refused(ErrorCode::CANNOT_COMPILE_REGEXP, format!("cannot compile regexp \"{pattern}\": {reason}"))
    })
}
