//! Step 1 of an insert: a block in the columns that were given becomes a block in the table's columns.
//!
//! ```text
//! given ─▶ cast to the declared types ─▶ defaults, materialized columns ─▶ constraints ─▶ key and partition columns
//! ```
//! Compiled once for a table, its given columns and a query; never looks at other rows than those of its block.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use query::QueryContext;
use query::expressions::{Converter, Expressions};
use types::{Block, Column, DataType, Header, Setting};

use super::nested;
use crate::error::{Error, Result};
use crate::hidden;
use crate::tables::{ComputedColumn, TableShape};

/// How blocks with certain columns become blocks of a table.
#[derive(Clone)]
pub(crate) struct Shaper {
    shape: Arc<TableShape>,
    /// To the declared types of the columns that are given.
    converter: Converter,
    /// Stored columns that nothing gives and that have no expression: defaults of their types.
    plain: Header,
    steps: Vec<Step>,
    /// All columns after the last step.
    known: Header,
    checks: Option<Expressions>,
    /// Conditions under which a row is past its time.
    expired: Option<Expressions>,
    /// As `optimize_on_insert` says.
    drops_expired: bool,
    /// Of the columns whose name says how they are computed.
    hidden: Option<(Vec<Column>, Expressions)>,
}

/// One computed column.
#[derive(Clone)]
struct Step {
    column: Column,
    /// Over all columns known before it, which are these.
    expr: Expressions,
    over: Header,
    /// Already known: only absent values are computed.
    given: bool,
}

/// Rows of a block that a constraint does not allow.
pub(crate) struct Violations {
    /// For each row the first constraint that it violates.
    pub(crate) of_row: Vec<Option<usize>>,
}

impl Violations {
    /// Of rows that violate nothing.
    pub(crate) fn none(rows: usize) -> Violations {
        Violations { of_row: vec![None; rows] }
    }
}

/// A block in the columns of its table.
pub(crate) struct Shaped {
    /// What a user and the views see.
    pub(crate) visible: Block,
    /// What is stored: those and the hidden columns, in the order of the table's schema.
    pub(crate) stored: Block,
}

impl Shaper {
    /// A shaper for blocks of the columns `given`, matched by name. Columns that the table does not have are dropped.
    pub(crate) fn new(shape: &Arc<TableShape>, given: &Header, ctx: &QueryContext) -> Result<Shaper> {
        let is_given = |column: &&Column| given.column(&column.name).is_some();
        let carried = shape.def.schema.iter().flat_map(|schema| schema.header.columns());
        let carried = carried.filter(|column| hidden::carried_of(&column.name).is_some());
        let declared: Vec<Column> = shape.accepted.columns().iter().chain(carried).filter(is_given).cloned().collect();
        let declared = Header::new(declared);
        let is_open = |column: &&Column| {
            declared.column(&column.name).is_none() && !shape.computed.iter().any(|c| c.column.name == column.name)
        };
        let plain = Header::new(shape.stored.columns().iter().filter(is_open).cloned().collect::<Vec<_>>());
        let mut known: Vec<Column> = declared.columns().iter().chain(plain.columns()).cloned().collect();
        let steps = steps(shape, &mut known, ctx)?;
        let known = Header::new(known);
        let checks = checks(shape, &known, ctx)?;
        check_types(shape, checks.as_ref())?;
        Ok(Shaper {
            converter: Converter::new(given, &declared, ctx)?,
            checks,
            expired: expired(shape, &known, ctx)?,
            drops_expired: ctx.settings.flag(Setting::OptimizeOnInsert),
            hidden: hidden_columns(shape, &known, ctx)?,
            shape: Arc::clone(shape),
            plain,
            steps,
            known,
        })
    }

    /// The same for another query with the same settings: only what depends on the query's time is compiled again.
    pub(crate) fn at_time_of(&self, ctx: &QueryContext) -> Result<Shaper> {
        let mut renewed = self.clone();
        for step in renewed.steps.iter_mut().filter(|step| !step.expr.is_timeless()) {
            let computed = self.shape.computed.iter().find(|computed| computed.column.name == step.column.name);
            if let Some(ComputedColumn { column, expr }) = computed {
                step.expr = Expressions::compile_as(&[(expr.clone(), column.ty.clone())], &step.over, ctx)?;
            }
        }
        let timed = |exprs: &Option<Expressions>| exprs.as_ref().is_some_and(|exprs| !exprs.is_timeless());
        if timed(&self.checks) {
            renewed.checks = checks(&self.shape, &self.known, ctx)?;
        }
        if timed(&self.expired) {
            renewed.expired = expired(&self.shape, &self.known, ctx)?;
        }
        if self.hidden.as_ref().is_some_and(|(_, exprs)| !exprs.is_timeless()) {
            renewed.hidden = hidden_columns(&self.shape, &self.known, ctx)?;
        }
        Ok(renewed)
    }

    /// True when it may serve other queries as it is.
    pub(crate) fn is_timeless(&self) -> bool {
        let timeless = |exprs: &Option<Expressions>| exprs.as_ref().is_none_or(Expressions::is_timeless);
        self.steps.iter().all(|step| step.expr.is_timeless())
            && timeless(&self.checks)
            && timeless(&self.expired)
            && self.hidden.as_ref().is_none_or(|(_, exprs)| exprs.is_timeless())
    }

    /// All known columns of the rows: given ones, defaults, materialized ones. `absent` flags, by given column, the rows
    /// whose value is to be the default.
    pub(crate) fn complete(&self, block: &Block, absent: &[Option<Vec<bool>>]) -> Result<Block> {
        let converted = self.converter.convert(block)?;
        let mut arrays: Vec<ArrayRef> = converted.arrays().to_vec();
        let given = arrays.len();
        for column in self.plain.columns() {
            let given = self.known.columns().get(..given).unwrap_or_default();
            arrays.push(nested::default_of(column, given, &arrays, block.rows()));
        }
        for step in &self.steps {
            let flags = self.absent_of(&step.column, block, absent);
            if step.given && flags.is_none() {
                continue;
            }
            let known = Block::with_rows(step.over.clone(), arrays.clone(), block.rows())?;
            let computed = step.expr.eval(&known)?.remove(0).0;
            match (step.over.position(&step.column.name), flags) {
                (Some(at), Some(flags)) => {
                    let mask = BooleanArray::from(flags.clone());
                    arrays[at] = arrow::compute::kernels::zip::zip(&mask, &computed, &arrays[at])
                        .map_err(|error| types::Error::BlockShape(error.to_string()))?;
                }
                _ => arrays.push(computed),
            }
        }
        let complete = Block::with_rows(self.known.clone(), arrays, block.rows())?;
        nested::check(&complete)?;
        Ok(complete)
    }

    fn absent_of<'a>(&self, column: &Column, block: &Block, absent: &'a [Option<Vec<bool>>]) -> Option<&'a Vec<bool>> {
        absent.get(block.header().position(&column.name)?)?.as_ref()
    }

    /// The rows that violate a constraint; `None` when none does.
    pub(crate) fn violations(&self, complete: &Block) -> Result<Option<Violations>> {
        let Some(checks) = &self.checks else { return Ok(None) };
        let mut of_row = Vec::new();
        for (constraint, holds) in checks.eval_conditions(complete)?.iter().enumerate() {
            if holds.true_count() == holds.len() {
                continue;
            }
            of_row.resize(complete.rows(), None);
            for (row, violated) in of_row.iter_mut().enumerate() {
                if violated.is_none() && !holds.value(row) {
                    *violated = Some(constraint);
                }
            }
        }
        Ok((!of_row.is_empty()).then_some(Violations { of_row }))
    }

    /// The error for the first row that violates a constraint.
    pub(crate) fn refusal(&self, violations: &Violations) -> Error {
        let first = violations.of_row.iter().enumerate().find_map(|(row, constraint)| Some((row, (*constraint)?)));
        let (row, constraint) = first.unwrap_or((0, 0));
        let constraint = &self.shape.constraints[constraint];
        Error::Violated {
            constraint: constraint.name.clone(),
            table: self.shape.def.qualified_name().to_string(),
            row: row + 1,
            expression: constraint.expr.to_string(),
        }
    }

    /// The constraint of that name.
    pub(crate) fn constraint_named(&self, name: &str) -> Option<usize> {
        self.shape.constraints.iter().position(|constraint| constraint.name == name)
    }

    /// The name of a constraint.
    pub(crate) fn constraint_name(&self, constraint: usize) -> &str {
        &self.shape.constraints[constraint].name
    }

    /// The complete rows as the table's own.
    pub(crate) fn finish(&self, complete: &Block) -> Result<Shaped> {
        let position = |column: &Column| {
            complete.header().position(&column.name).ok_or_else(|| query::Error::NoColumn(column.name.to_string()))
        };
        let visible = self.shape.stored.columns().iter().map(position).collect::<std::result::Result<Vec<_>, _>>()?;
        let visible = complete.project(&visible);
        let Some(schema) = &self.shape.def.schema else { return Ok(Shaped { stored: visible.clone(), visible }) };
        let computed = match &self.hidden {
            Some((_, exprs)) => exprs.eval(complete)?,
            None => Vec::new(),
        };
        let mut arrays = Vec::with_capacity(schema.header.len());
        for column in schema.header.columns() {
            let hidden =
                self.hidden.as_ref().and_then(|(columns, _)| columns.iter().position(|h| h.name == column.name));
            arrays.push(match hidden {
                Some(at) => computed[at].0.clone(),
                None => complete.array(position(column)?).clone(),
            });
        }
        let stored = Block::with_rows(schema.header.clone(), arrays, complete.rows())?;
        Ok(Shaped { stored: self.unexpired(stored, complete)?, visible })
    }

    /// The rows that are not past their time: others are not kept, while views still see them.
    fn unexpired(&self, stored: Block, complete: &Block) -> Result<Block> {
        let Some(expired) = self.expired.as_ref().filter(|_| self.drops_expired) else { return Ok(stored) };
        let mut keep = vec![true; complete.rows()];
        for expired in expired.eval_conditions(complete)? {
            keep.iter_mut().zip(expired.values()).for_each(|(keep, expired)| *keep &= !expired);
        }
        if keep.iter().all(|keep| *keep) {
            return Ok(stored);
        }
        super::filter(&stored, &BooleanArray::from(keep))
    }
}

/// The conditions of the table's constraints; none without any.
fn checks(shape: &TableShape, known: &Header, ctx: &QueryContext) -> Result<Option<Expressions>> {
    let checks: Vec<sql::Expr> = shape.constraints.iter().map(|constraint| constraint.expr.clone()).collect();
    Ok((!checks.is_empty()).then(|| Expressions::compile(&checks, known, ctx)).transpose()?)
}

/// The conditions of the table's row TTLs; none without any.
fn expired(shape: &TableShape, known: &Header, ctx: &QueryContext) -> Result<Option<Expressions>> {
    Ok((!shape.ttl.is_empty()).then(|| Expressions::compile(&shape.ttl, known, ctx)).transpose()?)
}

/// A constraint is true or false: a number is neither.
fn check_types(shape: &TableShape, checks: Option<&Expressions>) -> Result<()> {
    let types = checks.into_iter().flat_map(Expressions::types);
    let is_flag = |ty: &DataType| matches!(ty.base(), DataType::UInt8 | DataType::Bool | DataType::Nothing);
    match types.zip(&shape.constraints).find(|(ty, _)| !is_flag(ty)) {
        Some((ty, constraint)) => {
            let message = format!("constraint `{}` does not return a value of type UInt8, but {ty}", constraint.name);
            Err(query::Error::refused(types::ErrorCode::UNSUPPORTED_METHOD, message).into())
        }
        None => Ok(()),
    }
}

/// Computed columns ordered so that each comes after the computed columns that it reads: whatever can be compiled over
/// what is known goes next.
fn steps(shape: &TableShape, known: &mut Vec<Column>, ctx: &QueryContext) -> Result<Vec<Step>> {
    let mut waiting: Vec<&ComputedColumn> = shape.computed.iter().collect();
    let mut steps = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let header = Header::new(known.clone());
        let mut failed = None;
        let ready = waiting.iter().position(|computed| {
            match Expressions::compile_as(&[(computed.expr.clone(), computed.column.ty.clone())], &header, ctx) {
                Ok(expr) => {
                    let given = known.iter().any(|column| column.name == computed.column.name);
                    steps.push(Step { column: computed.column.clone(), expr, over: header.clone(), given });
                    true
                }
                Err(error) => {
                    failed = Some(error);
                    false
                }
            }
        });
        match (ready, failed) {
            (Some(ready), _) => {
                let computed = waiting.remove(ready);
                if !known.iter().any(|column| column.name == computed.column.name) {
                    known.push(computed.column.clone());
                }
            }
            (None, Some(error)) if error.code() != types::ErrorCode::UNKNOWN_IDENTIFIER => return Err(error.into()),
            (None, Some(error)) if waiting.len() == 1 => return Err(error.into()),
            (None, _) => {
                let names: Vec<&str> = waiting.iter().map(|computed| &*computed.column.name).collect();
                return Err(Error::CyclicDefaults(names.join(", ")));
            }
        }
    }
    Ok(steps)
}

/// The hidden columns of the table whose names are expressions.
fn hidden_columns(
    shape: &TableShape,
    known: &Header,
    ctx: &QueryContext,
) -> Result<Option<(Vec<Column>, Expressions)>> {
    let columns = shape.def.schema.iter().flat_map(|schema| schema.header.columns());
    let mut hidden = Vec::new();
    let mut exprs = Vec::new();
    for column in columns {
        let Some(text) = hidden::expression_of(&column.name) else { continue };
        let expr = sql::parse_expression(text).map_err(|error| {
            query::Error::refused(
                types::ErrorCode::CORRUPTED_DATA,
                format!("cannot read key expression {text}: {error}"),
            )
        })?;
        exprs.push((expr, column.ty.clone()));
        hidden.push(column.clone());
    }
    if hidden.is_empty() {
        return Ok(None);
    }
    let exprs = Expressions::compile_as(&exprs, known, ctx)?;
    Ok(Some((hidden, exprs)))
}
