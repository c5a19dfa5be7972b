//! What merges and mutations must compute, compiled once and applied to each block: DELETE, UPDATE, TTL, new columns.
//!
//! A [`BlockTransform`] must give the same result for the same block at any time, so what depends on time takes its
//! moment here; expressions that depend on it otherwise (`now()` in an UPDATE) have it folded in when they are compiled.
//! Subqueries are not evaluated here: whoever mutates runs [`crate::subqueries::run_subqueries`] first.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{filter, not};
use sql::Expr;
use sql::ast::{BinaryOperator, ChainOperator, ExprKind, Literal};
use types::transform::TransformError;
use types::{Block, BlockTransform, DataType, ErrorCode, Header};

use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::expressions::Expressions;

/// Rows for which `condition` is true go: `ALTER TABLE … DELETE WHERE`, `DELETE FROM`.
pub fn delete(condition: &Expr, header: &Header, ctx: &QueryContext) -> Result<Arc<dyn BlockTransform>> {
    Ok(Arc::new(Delete { condition: Condition::new(condition, header, ctx)? }))
}

/// An `ALTER TABLE … UPDATE`, or the computation of columns that a table got after its parts were written.
#[derive(Clone, Debug, Default)]
pub struct Update {
    /// Which rows; all of them when absent.
    pub condition: Option<Expr>,
    /// New values. All expressions see the row as it was.
    pub assignments: Vec<(String, Expr)>,
    /// Columns that follow from others (MATERIALIZED, hidden keys), computed over the row as it becomes, in this order.
    pub recomputed: Vec<(String, Expr)>,
}

/// Compiles an update of blocks of `header`.
pub fn update(update: &Update, header: &Header, ctx: &QueryContext) -> Result<Arc<dyn BlockTransform>> {
    let condition = match &update.condition {
        Some(condition) => Some(Condition::new(condition, header, ctx)?),
        None => None,
    };
    let assigned = Assigned::new(&update.assignments, header, ctx)?;
    let recomputed = update.recomputed.iter().map(|one| Assigned::new(std::slice::from_ref(one), header, ctx));
    let recomputed = recomputed.collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(Updating { condition, assigned, recomputed }))
}

/// A rule of a row's time to live.
#[derive(Clone, Debug)]
pub struct RowTtl {
    /// When: a date or time.
    pub expires: Expr,
    /// For which rows; all of them when absent.
    pub filter: Option<Expr>,
}

impl RowTtl {
    /// True for rows whose time has come at `now_s`, in seconds since 1970 UTC.
    pub fn condition(&self, now_s: u32) -> Expr {
        let expired = expired(&self.expires, now_s);
        match &self.filter {
            Some(filter) => Expr::new(ExprKind::Chain(ChainOperator::And, vec![expired, filter.clone()])),
            None => expired,
        }
    }
}

/// A column's time to live.
#[derive(Clone, Debug)]
pub struct ColumnTtl {
    /// The column.
    pub column: String,
    /// When: a date or time.
    pub expires: Expr,
    /// What the column holds then; the default of its type when absent.
    pub default: Option<Expr>,
}

impl ColumnTtl {
    /// True for rows in which the column's time has come at `now_s`, in seconds since 1970 UTC.
    pub fn condition(&self, now_s: u32) -> Expr {
        expired(&self.expires, now_s)
    }
}

/// Applies times to live as of `now_s`, in seconds since 1970 UTC: expired rows go, expired columns become defaults.
pub fn ttl(
    rows: &[RowTtl],
    columns: &[ColumnTtl],
    now_s: u32,
    at: (&Header, &QueryContext),
) -> Result<Arc<dyn BlockTransform>> {
    let (header, ctx) = at;
    let mut steps: Vec<Arc<dyn BlockTransform>> = Vec::new();
    for rule in rows {
        steps.push(delete(&rule.condition(now_s), header, ctx)?);
    }
    for rule in columns {
        let condition = rule.condition(now_s);
        steps.push(match &rule.default {
            Some(default) => {
                let assignments = vec![(rule.column.clone(), default.clone())];
                let change = Update { condition: Some(condition), assignments, recomputed: Vec::new() };
                update(&change, header, ctx)?
            }
            None => {
                let position = header.position(&rule.column).ok_or_else(|| Error::NoColumn(rule.column.clone()))?;
                Arc::new(Reset { condition: Condition::new(&condition, header, ctx)?, position })
            }
        });
    }
    Ok(sequence(steps))
}

/// One after another.
pub fn sequence(steps: Vec<Arc<dyn BlockTransform>>) -> Arc<dyn BlockTransform> {
    Arc::new(Sequence { steps })
}

/// `expires` lies before `now_s`.
fn expired(expires: &Expr, now_s: u32) -> Expr {
    is_past(expires, Expr::call("toDateTime", vec![Expr::literal(Literal::UInt(now_s.into()))]))
}

/// `expires` lies at or before `now`, a DateTime. A time of zero never comes, as in ClickHouse.
pub fn is_past(expires: &Expr, now: Expr) -> Expr {
    let number = |number: u64| Expr::literal(Literal::UInt(number));
    let wide = |time: Expr| Expr::call("toDateTime64", vec![time, number(0)]);
    // a Date may lie behind the last DateTime there is
    let past = Expr::binary(wide(expires.clone()), BinaryOperator::LessOrEquals, wide(now));
    let zero = Expr::call("toDateTime", vec![number(0)]);
    let set = Expr::binary(expires.clone(), BinaryOperator::NotEquals, zero);
    Expr::new(ExprKind::Chain(ChainOperator::And, vec![set, past]))
}

#[derive(Debug)]
struct Condition {
    expressions: Expressions,
}

impl Condition {
    fn new(expr: &Expr, header: &Header, ctx: &QueryContext) -> Result<Condition> {
        let expressions = Expressions::compile(std::slice::from_ref(expr), header, ctx)?;
        // Found out now rather than at the first block: a condition must be a number.
        expressions.eval_conditions(&Block::empty(header.clone()))?;
        Ok(Condition { expressions })
    }

    /// True where the condition holds; NULL is no.
    fn holds(&self, block: &Block) -> Result<BooleanArray> {
        self.expressions
            .eval_conditions(block)?
            .pop()
            .ok_or_else(|| Error::Plan("a condition gives nothing".to_owned()))
    }
}

struct Delete {
    condition: Condition,
}

impl Delete {
    fn keep(&self, block: &Block) -> Result<Block> {
        let keep = not(&self.condition.holds(block)?)?;
        if keep.true_count() == block.rows() {
            return Ok(block.clone());
        }
        let filtered = block.arrays().iter().map(|array| Ok(filter(array, &keep)?));
        let arrays = filtered.collect::<Result<Vec<_>>>()?;
        Ok(Block::with_rows(block.header().clone(), arrays, keep.true_count())?)
    }
}

/// Values for some columns.
#[derive(Debug)]
struct Assigned {
    /// Positions in the header.
    positions: Vec<usize>,
    values: Expressions,
}

impl Assigned {
    fn new(assignments: &[(String, Expr)], header: &Header, ctx: &QueryContext) -> Result<Assigned> {
        let mut positions = Vec::with_capacity(assignments.len());
        let mut exprs: Vec<(Expr, DataType)> = Vec::with_capacity(assignments.len());
        for (name, expr) in assignments {
            let unknown = || {
                let message = format!("there is no column \"{name}\" in the table");
                Error::refused(ErrorCode::NO_SUCH_COLUMN_IN_TABLE, message)
            };
            let position = header.position(name).ok_or_else(unknown)?;
            positions.push(position);
            exprs.push((expr.clone(), header.columns()[position].ty.clone()));
        }
        Ok(Assigned { positions, values: Expressions::compile_as(&exprs, header, ctx)? })
    }

    /// The block with new values in the rows of the mask.
    fn apply(&self, block: &Block, mask: Option<&BooleanArray>) -> Result<Block> {
        let mut arrays: Vec<ArrayRef> = block.arrays().to_vec();
        for (&position, (value, _)) in self.positions.iter().zip(self.values.eval(block)?) {
            arrays[position] = match mask {
                Some(mask) => zip(mask, &value, &arrays[position])?,
                None => value,
            };
        }
        Ok(Block::with_rows(block.header().clone(), arrays, block.rows())?)
    }
}

struct Updating {
    condition: Option<Condition>,
    assigned: Assigned,
    recomputed: Vec<Assigned>,
}

impl Updating {
    fn change(&self, block: &Block) -> Result<Block> {
        let mask = match &self.condition {
            Some(condition) => Some(condition.holds(block)?),
            None => None,
        };
        if mask.as_ref().is_some_and(|mask| mask.true_count() == 0) {
            return Ok(block.clone());
        }
        let mut changed = self.assigned.apply(block, mask.as_ref())?;
        for one in &self.recomputed {
            changed = one.apply(&changed, mask.as_ref())?;
        }
        Ok(changed)
    }
}

/// A column becomes the default of its type where a condition holds.
struct Reset {
    condition: Condition,
    position: usize,
}

impl Reset {
    fn reset(&self, block: &Block) -> Result<Block> {
        let mask = self.condition.holds(block)?;
        let default = block.header().columns()[self.position].ty.default_array(block.rows());
        let mut arrays: Vec<ArrayRef> = block.arrays().to_vec();
        arrays[self.position] = zip(&mask, &default, &arrays[self.position])?;
        Ok(Block::with_rows(block.header().clone(), arrays, block.rows())?)
    }
}

impl BlockTransform for Reset {
    fn apply(&self, block: &Block) -> std::result::Result<Block, TransformError> {
        self.reset(block).map_err(failed)
    }
}

struct Sequence {
    steps: Vec<Arc<dyn BlockTransform>>,
}

impl BlockTransform for Sequence {
    fn apply(&self, block: &Block) -> std::result::Result<Block, TransformError> {
        self.steps.iter().try_fold(block.clone(), |block, step| step.apply(&block))
    }
}

impl BlockTransform for Delete {
    fn apply(&self, block: &Block) -> std::result::Result<Block, TransformError> {
        self.keep(block).map_err(failed)
    }
}

impl BlockTransform for Updating {
    fn apply(&self, block: &Block) -> std::result::Result<Block, TransformError> {
        self.change(block).map_err(failed)
    }
}

fn failed(error: Error) -> TransformError {
    TransformError { code: error.code(), message: error.to_string() }
}
