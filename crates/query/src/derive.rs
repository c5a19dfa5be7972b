//! What parts keep of their rows beside them: skip indexes, projections, and the first and last moment at which rows, columns and groups
//! of rows are past their time.
//!
//! A rule of a table's TTL is known by its text: parts that were written under other rules know nothing of it. A moment is
//! in seconds since 1970; none (NULL) for a row whose time never comes or has been served.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array};
use arrow::datatypes::Int64Type;
use parts::{Derived, PartMeta};
use sql::ast::{BinaryOperator, ExprKind, Literal, TtlAction};
use store::{TableDef, Visibility};
use types::transform::TransformError;
use types::{Block, BlockTransform, Column, DataType, Header, Settings};

use crate::context::QueryContext;
use crate::definition::Definition;
use crate::error::{Error, Result};
use crate::expressions::{Expressions, condition};
use crate::{projections, skip_indexes};

/// Prefix of the names of moments.
const MOMENT: &str = "\u{1}ttl ";

/// What is past its time when a rule's moment has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RuleKind {
    /// The row.
    Rows,
    /// The value of a column.
    Column,
    /// The row, which becomes one with others.
    Groups,
}

/// One rule of a table's TTL.
#[derive(Clone, PartialEq, Debug)]
pub struct TtlRule {
    /// What it concerns.
    pub kind: RuleKind,
    name: Arc<str>,
    expires: sql::Expr,
    filter: Option<sql::Expr>,
}

/// The moments of a rule in one part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moments {
    /// The first and the last, in seconds since 1970; none when no row has one.
    pub range: Option<(i64, i64)>,
    /// A row has none.
    pub some_never: bool,
}

impl TtlRule {
    fn new(kind: RuleKind, label: &str, expires: &sql::Expr, filter: Option<&sql::Expr>) -> TtlRule {
        let filter_text = filter.map(|filter| format!(" WHERE {filter}")).unwrap_or_default();
        let name = format!("{MOMENT}{label}{expires}{filter_text}").into();
        TtlRule { kind, name, expires: expires.clone(), filter: filter.cloned() }
    }

    /// What a part knows of this rule; `None` when it was written under others.
    pub fn moments(&self, meta: &PartMeta) -> Option<Moments> {
        let known = meta.bounds_of(&self.name)?;
        let values = known.values.as_primitive_opt::<Int64Type>()?.values();
        let range = values.first().zip(values.last()).map(|(first, last)| (*first, *last));
        Some(Moments { range, some_never: known.has_null })
    }
}

/// When the time of a rule comes, told from the smallest and largest value of the one column that it follows. For parts
/// that were written under other rules.
#[derive(Clone, Debug)]
pub struct Estimate {
    column: Column,
    compiled: Compiled,
}

impl TtlRule {
    /// An estimate, where later values of one column mean later times.
    pub fn estimate(&self, table: &TableDef, ctx: &QueryContext) -> Result<Option<Estimate>> {
        let Some(schema) = table.schema.as_ref().filter(|_| self.filter.is_none() && follows_a_column(&self.expires))
        else {
            return Ok(None);
        };
        let ctx = ctx.with_settings(Settings::default());
        let compiled = Compiled::new(self, &schema.header, &ctx)?;
        let [position] = *compiled.expressions.reads() else { return Ok(None) };
        let column = schema.header.columns()[position].clone();
        let compiled = Compiled::new(self, &Header::new(vec![column.clone()]), &ctx)?;
        Ok(Some(Estimate { column, compiled }))
    }
}

impl Estimate {
    /// The moments of a part whose columns are called as they were when it was written; none when it does not know the
    /// column's bounds.
    pub fn moments(&self, meta: &PartMeta) -> Result<Option<Moments>> {
        let Some(known) = meta.min_max.iter().find(|known| known.column == self.column) else { return Ok(None) };
        let bounds = Block::new(Header::new(vec![self.column.clone()]), vec![Arc::clone(&known.values)])?;
        let moments = self.compiled.moments(&bounds, None)?;
        let moments = moments.as_primitive::<Int64Type>();
        Ok(match moments.iter().collect::<Vec<_>>().as_slice() {
            [] => Some(Moments { range: None, some_never: true }),
            // a time that is past the last one there is begins again at the first
            [Some(first), Some(last)] if first <= last => {
                Some(Moments { range: Some((*first, *last)), some_never: known.has_null })
            }
            _ => None,
        })
    }
}

/// True for a column, moved by something constant and cut to a unit of time: later values give no earlier results.
fn follows_a_column(expr: &sql::Expr) -> bool {
    const CUTS: &[&str] =
        &["toDate", "toDateTime", "toStartOfMinute", "toStartOfHour", "toStartOfDay", "toStartOfMonth"];
    let is_constant = |expr: &sql::Expr| expr.identifiers().is_empty();
    match &expr.kind {
        ExprKind::Identifier(_) => true,
        ExprKind::Binary(binary) => match binary.op {
            BinaryOperator::Plus => {
                (follows_a_column(&binary.left) && is_constant(&binary.right))
                    || (is_constant(&binary.left) && follows_a_column(&binary.right))
            }
            BinaryOperator::Minus => follows_a_column(&binary.left) && is_constant(&binary.right),
            _ => false,
        },
        ExprKind::Function(call) => {
            let is_cut = CUTS.contains(&call.name.name.as_str());
            is_cut && matches!(call.arguments.as_slice(), [only] if follows_a_column(only))
        }
        _ => false,
    }
}

/// The rules of a table's TTL; none of tables that no user sees.
pub fn ttl_rules(table: &TableDef) -> Result<Vec<TtlRule>> {
    // parsing costs more than looking, and most tables have none
    if table.visibility == Visibility::Hidden || !table.sql.contains("TTL") {
        return Ok(Vec::new());
    }
    let definition = Definition::parse(table)?;
    let mut rules = Vec::new();
    for item in definition.storage().map(|storage| storage.ttl.as_slice()).unwrap_or_default() {
        let filter = item.filter.as_ref();
        match item.action {
            TtlAction::Delete => rules.push(TtlRule::new(RuleKind::Rows, "", &item.expr, filter)),
            TtlAction::GroupBy { .. } => rules.push(TtlRule::new(RuleKind::Groups, "GROUP BY ", &item.expr, filter)),
            TtlAction::Recompress(_) | TtlAction::ToDisk(_) | TtlAction::ToVolume(_) => {}
        }
    }
    for column in definition.columns() {
        let Some(expires) = &column.ttl else { continue };
        let label = format!("{} ", column.name.name);
        rules.push(TtlRule::new(RuleKind::Column, &label, expires, None));
    }
    Ok(rules)
}

/// What is computed of rows of a table as they are written. `served_s`: what was past its time then has been dealt with
/// in these rows already.
pub fn derived(table: &TableDef, served_s: Option<u32>, ctx: &QueryContext) -> Result<Derived> {
    let indexes = skip_indexes::of_table(table, ctx)?.into_iter().map(skip_indexes::Compiled::transform).collect();
    let projections = projections::of_table(table, ctx)?.into_iter().map(projections::Compiled::transform).collect();
    Ok(moments(table, served_s, ctx)?.with_indexes(indexes).with_projections(projections))
}

fn moments(table: &TableDef, served_s: Option<u32>, ctx: &QueryContext) -> Result<Derived> {
    let (rules, Some(schema)) = (ttl_rules(table)?, &table.schema) else { return Ok(Derived::default()) };
    if rules.is_empty() {
        return Ok(Derived::default());
    }
    // the same moment whoever writes: settings of a query have no say
    let ctx = ctx.with_settings(Settings::default());
    let ty = DataType::Nullable(Arc::new(DataType::Int64));
    let header = Header::new(rules.iter().map(|rule| Column::new(&*rule.name, ty.clone())).collect::<Vec<_>>());
    let rules = rules.iter().map(|rule| Compiled::new(rule, &schema.header, &ctx)).collect::<Result<Vec<_>>>()?;
    let compute = Compute { header: header.clone(), rules, served_s };
    Ok(Derived::moments(header, Arc::new(compute)))
}

struct Compute {
    header: Header,
    rules: Vec<Compiled>,
    served_s: Option<u32>,
}

impl BlockTransform for Compute {
    fn apply(&self, block: &Block) -> std::result::Result<Block, TransformError> {
        let failed = |error: Error| TransformError { code: error.code(), message: error.to_string() };
        let moments = self.rules.iter().map(|rule| rule.moments(block, self.served_s).map_err(failed));
        let moments = moments.collect::<std::result::Result<Vec<_>, _>>()?;
        Block::with_rows(self.header.clone(), moments, block.rows()).map_err(|error| failed(error.into()))
    }
}

/// The moment, then conditions that must hold for there to be one.
#[derive(Clone, Debug)]
struct Compiled {
    expressions: Expressions,
}

impl Compiled {
    fn new(rule: &TtlRule, header: &Header, ctx: &QueryContext) -> Result<Compiled> {
        let number = |number: u64| sql::Expr::literal(Literal::UInt(number));
        let moment = sql::Expr::call("toDateTime64", vec![rule.expires.clone(), number(0)]);
        let zero = sql::Expr::call("toDateTime", vec![number(0)]);
        // a time of zero never comes
        let is_set = sql::Expr::binary(rule.expires.clone(), BinaryOperator::NotEquals, zero);
        let exprs: Vec<sql::Expr> = [moment, is_set].into_iter().chain(rule.filter.clone()).collect();
        Ok(Compiled { expressions: Expressions::compile(&exprs, header, ctx)? })
    }

    fn moments(&self, block: &Block, served_s: Option<u32>) -> Result<ArrayRef> {
        let mut results = self.expressions.eval(block)?.into_iter();
        let moments = results.next().map(|(array, _)| array);
        let moments = moments.as_ref().and_then(|array| array.as_primitive_opt::<Int64Type>());
        let moments = moments.ok_or_else(|| Error::Plan("a TTL is no time".to_owned()))?;
        let conditions = results.map(|(array, ty)| condition(&array, &ty)).collect::<Result<Vec<_>>>()?;
        let served = served_s.map_or(i64::MIN, i64::from);
        let of_row = |(row, moment): (usize, Option<i64>)| {
            moment.filter(|moment| served < *moment && conditions.iter().all(|holds| holds.value(row)))
        };
        Ok(Arc::new(moments.iter().enumerate().map(of_row).collect::<Int64Array>()))
    }
}
