//! SAMPLE k [OFFSET m]: the rows whose sampling key lies in a stretch of all numbers of its type.
//!
//! Shares are exact fractions. From 1 up `k` and `m` are numbers of rows, as a share of those that the table has when the
//! statement is planned; a share of nothing (`SAMPLE 0`) and of everything leaves nothing out, as in ClickHouse.

use arrow::datatypes::i256;
use datafusion::logical_expr::LogicalPlanBuilder;
use sql::ast::{Literal, Ratio, Sample, TableRef};
use types::{DataType, ErrorCode};

use super::binder::Binder;
use super::from::FromPart;
use super::relations::{Relation, Sampling, TableRelation};
use super::scope::{Scope, ScopeColumn};
use super::typed::Typed;
use crate::error::{Error, Result};

/// The virtual column that says how many rows a row stands for.
const FACTOR: &str = "_sample_factor";

/// A fraction: above and below the line.
type Fraction = (i256, i256);

impl Binder<'_> {
    /// What SAMPLE leaves of a table, with its factor.
    pub(super) fn sample(
        &self,
        mut part: FromPart,
        relation: &Relation,
        rows: &TableRelation,
        table: &TableRef,
        scope: &Scope<'_>,
    ) -> Result<FromPart> {
        let Some(sampling) = &rows.sampling else {
            return match table.sample {
                None => Ok(part),
                Some(_) => {
                    let message = format!("table \"{}\" doesn't support sampling: it has no SAMPLE BY", relation.name);
                    Err(Error::refused(ErrorCode::SAMPLING_NOT_SUPPORTED, message))
                }
            };
        };
        let mut factor = 1.0;
        if let Some(sample) = &table.sample {
            if is_count(&sample.ratio) || sample.offset.as_ref().is_some_and(is_count) {
                // the plan is right for as many rows as there are now
                self.lists_tables();
            }
            let inner = scope.over(part.sources.clone(), part.columns.clone());
            let ty = self.bind(&sampling.key, &inner)?.ty;
            if let Some((condition, of)) = condition(sample, sampling, &ty) {
                factor = of;
                if let Some(condition) = condition {
                    part.plan = self.filter(part.plan, &condition, "SAMPLE", &inner)?;
                }
            }
        }
        self.with_factor(part, factor)
    }

    fn with_factor(&self, mut part: FromPart, factor: f64) -> Result<FromPart> {
        let mut exprs: Vec<_> =
            part.columns.iter().map(|column| datafusion::logical_expr::Expr::Column(column.column.clone())).collect();
        let value = std::sync::Arc::new(arrow::array::Float64Array::from(vec![factor]));
        let value = Typed::constant(value, DataType::Float64)?;
        let column = self.fresh(FACTOR, &DataType::Float64);
        exprs.push(value.value().alias(column.name.clone()));
        part.columns.push(ScopeColumn {
            column,
            name: FACTOR.into(),
            ty: DataType::Float64,
            source: Some(0),
            in_asterisk: false,
            unqualified: true,
            is_element: false,
        });
        part.plan = LogicalPlanBuilder::from(part.plan).project(exprs)?.build()?;
        Ok(part)
    }
}

fn is_count(ratio: &Ratio) -> bool {
    ratio.denominator < ratio.numerator
}

/// A share of the rows; a number of rows is one of those that there are, at most all.
fn share(ratio: &Ratio, rows: u64) -> Fraction {
    let number = |value: u64| i256::from_i128(value.into());
    match is_count(ratio) {
        false => (number(ratio.numerator), number(ratio.denominator)),
        true => {
            let all = number(ratio.denominator).wrapping_mul(number(rows));
            if all <= number(ratio.numerator) { (i256::ONE, i256::ONE) } else { (number(ratio.numerator), all) }
        }
    }
}

/// The condition (none when it leaves nothing out) and how many rows each row stands for; none for a share of nothing.
fn condition(sample: &Sample, sampling: &Sampling, ty: &DataType) -> Option<(Option<sql::Expr>, f64)> {
    let size = share(&sample.ratio, sampling.rows);
    if size.0 == i256::ZERO {
        return None;
    }
    let offset = sample.offset.as_ref().map_or((i256::ZERO, i256::ONE), |offset| share(offset, sampling.rows));
    let universe = i256::from_i128(match ty.base() {
        DataType::UInt8 => 1 << 8,
        DataType::UInt16 => 1 << 16,
        DataType::UInt32 => 1 << 32,
        _ => 1 << 64,
    });
    // 64 bits each above and below the lines, and the universe: less than 256 in all
    let end =
        (offset.0.wrapping_mul(size.1).wrapping_add(size.0.wrapping_mul(offset.1)), offset.1.wrapping_mul(size.1));
    let at = |share: Fraction| share.0.wrapping_mul(universe).wrapping_div(share.1);
    let bound = |name: &str, limit: i256| {
        let limit = limit.to_i128().and_then(|limit| u64::try_from(limit).ok()).unwrap_or(u64::MAX);
        sql::Expr::call(name, vec![sampling.key.clone(), sql::Expr::literal(Literal::UInt(limit))])
    };
    let (lower, upper) = (at(offset), at(end));
    let lower = (i256::ZERO < lower).then(|| bound("greaterOrEquals", lower));
    let upper = (upper < universe).then(|| bound("less", upper));
    let condition = match (lower, upper) {
        (Some(lower), Some(upper)) => Some(sql::Expr::call("and", vec![lower, upper])),
        (lower, upper) => lower.or(upper),
    };
    let float = |value: i256| value.to_string().parse::<f64>().unwrap_or(1.0);
    Some((condition, float(size.1) / float(size.0)))
}
