//! A condition that drops rows of a part before FINAL merges them.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::compute::{filter_record_batch, prep_null_mask_filter};
use datafusion::common::DFSchema;
use datafusion::execution::context::ExecutionProps;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use types::{Block, Header};

use crate::error::{Error, Result};

/// A compiled condition over a table's columns.
#[derive(Clone, Debug)]
pub(super) struct Prewhere {
    condition: Arc<dyn PhysicalExpr>,
    /// Positions in the table's header, ascending.
    columns: Vec<usize>,
}

impl Prewhere {
    /// `expr` names columns of `header` and gives an Arrow Boolean.
    pub(super) fn new(expr: &Expr, header: &Header) -> Result<Prewhere> {
        let schema = DFSchema::try_from(header.arrow_schema())?;
        let (props, planning) = (ExecutionProps::new(), PhysicalPlanningContext::default());
        let condition = create_physical_expr(expr, &schema, &props, &planning)?;
        let mut columns: Vec<usize> = collect_columns(&condition).iter().map(|column| column.index()).collect();
        columns.sort_unstable();
        Ok(Prewhere { condition, columns })
    }

    /// The columns that it looks at.
    pub(super) fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// The same condition over blocks of another header, which has its columns by name.
    pub(super) fn over(&self, header: &Header) -> Result<Prewhere> {
        let condition = reassign_expr_columns(self.condition.clone(), &header.arrow_schema())?;
        Ok(Prewhere { condition, columns: self.columns.clone() })
    }

    /// The rows for which it is true.
    pub(super) fn filter(&self, block: &Block) -> Result<Block> {
        let batch = block.to_record_batch()?;
        let mask = self.condition.evaluate(&batch)?.into_array(block.rows())?;
        let mask = mask.as_boolean_opt().ok_or_else(|| Error::Plan("PREWHERE is no Boolean".to_owned()))?;
        let mask = if mask.null_count() == 0 { mask.clone() } else { prep_null_mask_filter(mask) };
        Ok(Block::from_record_batch(block.header().clone(), &filter_record_batch(&batch, &mask)?)?)
    }
}
