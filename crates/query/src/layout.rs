//! From the columns that some rows have to the columns that their table has now.
//!
//! A part keeps the columns that its table had when it was written. What was added since is computed here: the column's
//! DEFAULT or MATERIALIZED expression over the other columns, in the order in which they need each other, else the type's
//! default; a hidden column of a key has its expression in its name. What has another type now is cast. Subqueries are not
//! evaluated.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt64Array};
use arrow::compute::kernels::zip::zip;
use functions::cast::{CastMode, Rules, cast};
use sql::ast::{Cast, ColumnDefault, ExprKind};
use store::{ActivePart, Snapshot, TableDef};
use types::transform::TransformError;
use types::{Block, BlockTransform, Column, CommitSeq, DataType, ErrorCode, Header, TableId};

use crate::context::QueryContext;
use crate::definition::{Definition, default_of_type};
use crate::error::{Error, Result};
use crate::expressions::{Expressions, function_context};

/// Prefix of a hidden column that holds the value of the expression that follows.
pub const EXPRESSION: &str = "\u{1}expr:";

/// Name of a column that parts are written without: there it is the number of the commit that brought them, which nobody
/// knows before. Merges write it down.
pub const COMMIT: &str = "_commit";

/// How wanted columns come of given ones. Compiled once for all blocks of one header.
#[derive(Debug)]
pub struct Upgrade {
    wanted: Header,
    /// Positions of the given columns that are read.
    reads: Vec<usize>,
    /// What is read, with the types that it has now.
    known: Vec<Column>,
    /// The types that it has in the rows.
    from: Vec<DataType>,
    /// Computed one after another, each over what is known before it.
    steps: Vec<Step>,
    origins: Vec<Origin>,
    /// What stands for NULL in what is read, where its type has none now.
    fills: Vec<Fill>,
    /// The commit that brought the rows, where they are of a part.
    commit: Option<CommitSeq>,
    rules: Rules,
}

/// A column that could be NULL when its rows were written: its default stands there.
#[derive(Debug)]
struct Fill {
    /// Among what is read.
    at: usize,
    expr: Expressions,
}

#[derive(Debug)]
struct Step {
    column: Column,
    /// The default of the type when absent.
    expr: Option<Expressions>,
}

/// How one wanted column comes to be.
#[derive(Clone, Copy, Debug)]
enum Origin {
    /// The n-th of what is read or computed.
    Known(usize),
    /// The default of its type.
    Default,
}

impl Upgrade {
    /// From blocks of `given` to `wanted`, columns of `def` all of them. Hidden columns are among them.
    pub fn new(given: &Header, wanted: &Header, def: &TableDef, ctx: &QueryContext) -> Result<Upgrade> {
        let stored = def.stored_columns();
        let missing = |column: &&Column| given.position(&column.name).is_none();
        let mut needed: Vec<Column> = wanted.columns().to_vec();
        let mut computed: Vec<(Column, Option<sql::Expr>)> = Vec::new();
        if wanted.columns().iter().any(|column| missing(&column)) {
            let definition = Definition::parse(def)?;
            let mut at = 0;
            // what an expression reads is needed as well, and so on
            while let Some(column) = needed.get(at).cloned() {
                at += 1;
                if given.position(&column.name).is_some() {
                    continue;
                }
                let expr = expression(&column, &definition)?;
                let Some(expr) = expr.or_else(|| of_lengths(&column, given)) else { continue };
                for read in reads_of(&expr, stored, ctx)? {
                    if !needed.iter().any(|known| known.name == read.name) {
                        needed.push(read);
                    }
                }
                computed.push((column, Some(expr)));
            }
        }
        let filled = filled(given, &needed, def)?;
        for (_, expr) in &filled {
            for read in reads_of(expr, stored, ctx)? {
                if !needed.iter().any(|known| known.name == read.name) {
                    needed.push(read);
                }
            }
        }
        let rules = Rules::new(CastMode::Cast, &function_context(ctx)?);
        let mut upgrade = Upgrade {
            wanted: wanted.clone(),
            reads: Vec::new(),
            known: Vec::new(),
            from: Vec::new(),
            steps: Vec::new(),
            origins: Vec::new(),
            fills: Vec::new(),
            commit: None,
            rules,
        };
        let has_expressions = !computed.is_empty();
        for column in needed {
            if let Some(position) = given.position(&column.name) {
                upgrade.reads.push(position);
                upgrade.from.push(given.columns()[position].ty.clone());
                upgrade.known.push(column);
            } else if has_expressions && !computed.iter().any(|(known, _)| known.name == column.name) {
                // an expression may read it, and it is neither given nor computed: its type's default
                computed.push((column, None));
            }
        }
        for (column, expr) in filled {
            let Some(at) = upgrade.known.iter().position(|known| known.name == column.name) else { continue };
            let expr = Expressions::compile_as(&[(expr, column.ty)], &Header::new(upgrade.known.clone()), ctx)?;
            upgrade.fills.push(Fill { at, expr });
        }
        upgrade.order(computed, ctx)?;
        let place = |column: &Column| {
            let known = upgrade.known.iter().chain(upgrade.steps.iter().map(|step| &step.column));
            known.enumerate().find(|(_, known)| known.name == column.name).map(|(at, _)| Origin::Known(at))
        };
        let origins = wanted.columns().iter().map(|column| place(column).unwrap_or(Origin::Default)).collect();
        upgrade.origins = origins;
        Ok(upgrade)
    }

    /// The same for rows that a commit brought: a [`COMMIT`] column that they lack is its number.
    #[must_use]
    pub fn of_commit(self, commit: CommitSeq) -> Upgrade {
        Upgrade { commit: Some(commit), ..self }
    }

    /// A column that is neither read nor computed.
    fn absent(&self, column: &Column, rows: usize) -> ArrayRef {
        match self.commit {
            Some(commit) if *column.name == *COMMIT && column.ty == DataType::UInt64 => {
                Arc::new(UInt64Array::from_value(commit.0, rows))
            }
            Some(_) | None => column.ty.default_array(rows),
        }
    }

    /// Puts expressions in an order in which each has what it reads.
    fn order(&mut self, mut waiting: Vec<(Column, Option<sql::Expr>)>, ctx: &QueryContext) -> Result<()> {
        let mut known = self.known.clone();
        while !waiting.is_empty() {
            let header = Header::new(known.clone());
            let mut failed = None;
            let ready = waiting.iter().position(|(column, expr)| {
                let Some(expr) = expr else {
                    self.steps.push(Step { column: column.clone(), expr: None });
                    return true;
                };
                match Expressions::compile_as(&[(expr.clone(), column.ty.clone())], &header, ctx) {
                    Ok(expr) => {
                        self.steps.push(Step { column: column.clone(), expr: Some(expr) });
                        true
                    }
                    Err(error) => {
                        failed = Some(error);
                        false
                    }
                }
            });
            match (ready, failed) {
                (Some(ready), _) => known.push(waiting.remove(ready).0),
                (None, Some(error)) => return Err(error),
                (None, None) => return Ok(()),
            }
        }
        Ok(())
    }

    /// Positions of the given columns that [`Upgrade::apply`] wants, in that order.
    pub fn reads(&self) -> &[usize] {
        &self.reads
    }

    /// The columns of the result.
    pub fn header(&self) -> &Header {
        &self.wanted
    }

    /// A block of the wanted columns out of one of what [`Upgrade::reads`] says.
    pub fn apply(&self, block: &Block) -> Result<Block> {
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.known.len() + self.steps.len());
        for (at, ((array, column), from)) in block.arrays().iter().zip(&self.known).zip(&self.from).enumerate() {
            arrays.push(match self.fills.iter().any(|fill| fill.at == at) {
                true => self.without_nulls(array, from, &column.ty)?,
                false => cast(array, from, &column.ty, &self.rules)?,
            });
        }
        self.fill(block, &mut arrays)?;
        let mut columns = self.known.clone();
        for step in &self.steps {
            arrays.push(match &step.expr {
                Some(expr) => {
                    let known = Block::with_rows(Header::new(columns.clone()), arrays.clone(), block.rows())?;
                    let value = expr.eval(&known)?.pop();
                    value.ok_or_else(|| Error::Plan("an expression gives nothing".to_owned()))?.0
                }
                None => self.absent(&step.column, block.rows()),
            });
            columns.push(step.column.clone());
        }
        let origins = self.origins.iter().zip(self.wanted.columns());
        let wanted = origins.map(|(origin, column)| match origin {
            Origin::Known(at) => arrays[*at].clone(),
            Origin::Default => self.absent(column, block.rows()),
        });
        Ok(Block::with_rows(self.wanted.clone(), wanted.collect(), block.rows())?)
    }
}

impl Upgrade {
    /// Cast to a type without NULL, with its default where NULL is.
    fn without_nulls(&self, array: &ArrayRef, from: &DataType, to: &DataType) -> Result<ArrayRef> {
        let nullable = cast(array, from, &to.to_nullable(), &self.rules)?;
        let is_there = arrow::compute::is_not_null(&nullable)?;
        Ok(zip(&is_there, &nullable, &to.default_array(array.len()))?)
    }

    /// Puts defaults where the rows of the part have NULL and their columns cannot.
    fn fill(&self, block: &Block, arrays: &mut [ArrayRef]) -> Result<()> {
        for fill in &self.fills {
            let is_there = arrow::compute::is_not_null(&block.arrays()[fill.at])?;
            if is_there.false_count() == 0 {
                continue;
            }
            let known = Block::with_rows(Header::new(self.known.clone()), arrays.to_vec(), block.rows())?;
            if let Some((default, _)) = fill.expr.eval(&known)?.pop() {
                arrays[fill.at] = zip(&is_there, &arrays[fill.at], &default)?;
            }
        }
        Ok(())
    }
}

/// Columns that could be NULL in the given rows and now cannot, with what stands there then.
fn filled(given: &Header, needed: &[Column], def: &TableDef) -> Result<Vec<(Column, sql::Expr)>> {
    let lost_null = |column: &&Column| {
        !column.ty.is_nullable() && given.column(&column.name).is_some_and(|given| given.ty.is_nullable())
    };
    let columns: Vec<&Column> = needed.iter().filter(lost_null).collect();
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    let definition = Definition::parse(def)?;
    let mut filled = Vec::with_capacity(columns.len());
    for column in columns {
        filled.extend(expression(column, &definition)?.map(|expr| (column.clone(), expr)));
    }
    Ok(filled)
}

/// Makes rows of a part, all its columns, rows of its table's schema.
pub fn upgrade_part(
    snapshot: &Snapshot,
    table: TableId,
    part: &ActivePart,
    ctx: &QueryContext,
) -> Result<Arc<dyn BlockTransform>> {
    let def = snapshot.catalog.table_by_id(table).ok_or(Error::DefinitionChanged(table))?;
    let schema = def.schema.as_ref().ok_or(Error::DefinitionChanged(table))?;
    let upgrade = Upgrade::new(&snapshot.header_of(table, part), &schema.header, def, ctx)?.of_commit(part.seq);
    Ok(Arc::new(Whole(upgrade)))
}

struct Whole(Upgrade);

impl BlockTransform for Whole {
    fn apply(&self, block: &Block) -> std::result::Result<Block, TransformError> {
        let upgraded = self.0.apply(&block.project(self.0.reads()));
        upgraded.map_err(|error| TransformError { code: error.code(), message: error.to_string() })
    }
}

/// How a column that is not there is computed; `None` where it is its type's default.
fn expression(column: &Column, definition: &Definition) -> Result<Option<sql::Expr>> {
    if let Some(text) = column.name.strip_prefix(EXPRESSION) {
        let damaged =
            |error| Error::refused(ErrorCode::CORRUPTED_DATA, format!("cannot read expression {text}: {error}"));
        return sql::parse_expression(text).map(Some).map_err(damaged);
    }
    let declared = definition.column(&column.name).and_then(|column| column.default.as_ref());
    let expr = declared.and_then(ColumnDefault::expr).cloned();
    Ok(expr.map(|expr| without_ephemeral(expr, definition)))
}

/// Nobody keeps what was given for an EPHEMERAL column: later it is its default.
fn without_ephemeral(mut expr: sql::Expr, definition: &Definition) -> sql::Expr {
    // the default of one may read another one; there are no cycles among them
    for _ in 0..definition.columns().len() {
        let mut opened = false;
        expr.replace_identifiers(&mut |name| {
            let column = definition.column(name)?;
            let Some(ColumnDefault::Ephemeral(given)) = &column.default else { return None };
            opened = true;
            let data_type = column.data_type.clone()?;
            Some(match given.clone() {
                Some(operand) => sql::Expr::new(ExprKind::Cast(Box::new(Cast { operand, data_type }))),
                None => default_of_type(column),
            })
        });
        if !opened {
            break;
        }
    }
    expr
}

/// An array without an expression among those of a Nested structure has their lengths.
fn of_lengths(column: &Column, given: &Header) -> Option<sql::Expr> {
    let (structure, _) = column.name.split_once('.')?;
    let is_sibling = |other: &&Column| {
        other.name.split_once('.').is_some_and(|(of, _)| of == structure) && matches!(other.ty, DataType::Array(_))
    };
    let sibling = given.columns().iter().find(is_sibling).filter(|_| matches!(column.ty, DataType::Array(_)))?;
    let ty = sql::quote_string(column.ty.to_string().as_bytes());
    let text = format!("arrayResize(CAST([], {ty}), length({}))", sql::back_quote(&sibling.name));
    sql::parse_expression(&text).ok()
}

/// The stored columns that an expression over a table reads.
fn reads_of(expr: &sql::Expr, stored: &Header, ctx: &QueryContext) -> Result<Vec<Column>> {
    let compiled = Expressions::compile(std::slice::from_ref(expr), stored, ctx)?;
    Ok(compiled.reads().iter().map(|&position| stored.columns()[position].clone()).collect())
}
