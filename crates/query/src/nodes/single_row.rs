//! The only row of a scalar subquery; and rows passed on as they are.

use arrow::array::{RecordBatch, new_null_array};
use arrow::datatypes::SchemaRef;
use types::ErrorCode;

use super::exec::Work;
use crate::error::{Error, Result};

/// Rows as they come.
pub(super) struct Pass;

impl Work for Pass {
    fn push(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>> {
        Ok(vec![batch])
    }
}

/// Exactly one row.
pub(super) struct SingleRow {
    nullable: bool,
    ty: String,
    schema: SchemaRef,
    row: Option<RecordBatch>,
}

impl SingleRow {
    pub(super) fn new(nullable: bool, ty: &str, schema: SchemaRef) -> SingleRow {
        SingleRow { nullable, ty: ty.to_owned(), schema, row: None }
    }
}

impl Work for SingleRow {
    fn push(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>> {
        if batch.num_rows() == 0 {
            return Ok(Vec::new());
        }
        if batch.num_rows() > 1 || self.row.is_some() {
            return Err(Error::refused(
                ErrorCode::INCORRECT_RESULT_OF_SCALAR_SUBQUERY,
                "scalar subquery returned more than one row",
            ));
        }
        self.row = Some(batch);
        Ok(Vec::new())
    }

    fn finish(&mut self) -> Result<Vec<RecordBatch>> {
        if let Some(row) = self.row.take() {
            return Ok(vec![row]);
        }
        if !self.nullable {
            return Err(Error::refused(
                ErrorCode::INCORRECT_RESULT_OF_SCALAR_SUBQUERY,
                format!("scalar subquery returned no row, and its type {} cannot be NULL", self.ty),
            ));
        }
        let columns = self.schema.fields().iter().map(|field| new_null_array(field.data_type(), 1)).collect();
        Ok(vec![RecordBatch::try_new(self.schema.clone(), columns)?])
    }
}
