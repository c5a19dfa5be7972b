//! The compiled body of a lambda: a physical expression over captured columns and parameters.
//!
//! Compiled once, at bind; it reads nothing but its columns, so that a cached plan holds no data and no time.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::{DFSchema, DataFusionError};
use datafusion::execution::context::ExecutionProps;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use functions::Call;
use functions::LambdaBody;
use types::DataType;

use crate::error::Result;

/// A lambda's body, ready to run.
pub(crate) struct CompiledBody {
    expr: Arc<dyn PhysicalExpr>,
    schema: SchemaRef,
    result: DataType,
    identity: u64,
}

impl CompiledBody {
    /// Compiles `expr` over columns of `fields`: captured ones, then parameters.
    pub(crate) fn compile(expr: &Expr, fields: Vec<Field>, result: &DataType) -> Result<CompiledBody> {
        let mut hasher = DefaultHasher::new();
        expr.hash(&mut hasher);
        let schema = Arc::new(Schema::new(fields));
        let df_schema = DFSchema::try_from(schema.clone())?;
        let props = ExecutionProps::new();
        let expr = create_physical_expr(expr, &df_schema, &props, &PhysicalPlanningContext::default())?;
        Ok(CompiledBody { expr, schema, result: result.clone(), identity: hasher.finish() })
    }
}

impl LambdaBody for CompiledBody {
    fn result(&self) -> &DataType {
        &self.result
    }

    fn eval(&self, columns: &[ArrayRef], call: &Call) -> std::result::Result<ArrayRef, DataFusionError> {
        let options = RecordBatchOptions::new().with_row_count(Some(call.rows));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), columns.to_vec(), &options)?;
        self.expr.evaluate(&batch)?.into_array(call.rows)
    }

    fn identity(&self) -> u64 {
        self.identity
    }
}
