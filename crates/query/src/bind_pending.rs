//! Stands in for the binder, which is about to land; goes when it is here.

use std::sync::Arc;

use arrow::array::ArrayRef;
use datafusion::logical_expr::{Expr, LogicalPlan};
use types::{DataType, Header, TableId};

use crate::bind::context::BindContext;
use crate::error::{Error, Result};

/// A bound query.
#[derive(Debug)]
pub struct Bound {
    /// Its rows.
    pub plan: LogicalPlan,
    /// Names and types of the result.
    pub header: Header,
    /// The one row of WITH TOTALS, of the same columns.
    pub totals: Option<LogicalPlan>,
    /// Equal rows give an equal result, at any time and for every user.
    pub deterministic: bool,
    /// The tables and views it reads, with the versions of their definitions.
    pub uses: Vec<(TableId, u64)>,
}

/// An expression over the columns of a block.
#[derive(Clone, Debug)]
pub struct BoundExpression {
    /// Over columns with the input's names; gives the Arrow type of `ty`.
    pub expr: Expr,
    /// The ClickHouse type of its values.
    pub ty: DataType,
    /// Its name as a result column.
    pub name: Arc<str>,
    /// Its value, one row, when it is constant.
    pub constant: Option<ArrayRef>,
    /// Equal columns give equal values, at any time.
    pub deterministic: bool,
}

/// Binds a whole query.
pub fn bind_query(query: &sql::Query, _: &BindContext<'_>) -> Result<Bound> {
    Err(Error::NotSupported(query.to_string()))
}

/// Binds expressions over the columns of one block.
pub fn bind_expressions(_: &[sql::Expr], _: &Header, _: &BindContext<'_>) -> Result<Vec<BoundExpression>> {
    Err(Error::NotSupported("an expression".to_owned()))
}
