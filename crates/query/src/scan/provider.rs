//! A [`Source`] as DataFusion's logical plan sees it: a table that takes projections, filters and limits.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

use super::predicate::Known;
use super::{Predicate, Read, ScanExec, Source};
use crate::parameters;
use crate::sizes::Sizes;

/// The logical leaf of a source.
#[derive(Debug)]
pub struct SourceTable {
    source: Arc<dyn Source>,
    schema: SchemaRef,
}

impl SourceTable {
    /// A table that reads `source`.
    pub fn new(source: Arc<dyn Source>) -> SourceTable {
        SourceTable { schema: source.header().arrow_schema(), source }
    }

    /// What it reads.
    pub(crate) fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }
}

#[async_trait]
impl TableProvider for SourceTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let columns = match projection {
            Some(columns) => columns.clone(),
            None => (0..self.source.header().len()).collect(),
        };
        let shares = self.source.shares(state.config().target_partitions()).max(1);
        let read = Read {
            columns: columns.into(),
            predicate: Arc::new(Predicate::from_filters(filters, &Known::of(&*self.source))),
            limit,
            share: 0,
            shares,
        };
        let mut scan = ScanExec::new(self.source.clone(), read);
        if filters.iter().any(parameters::is_open) {
            scan = scan.with_open_filters(filters.into());
        }
        if let Some(sizes) = state.config().get_extension::<Sizes>() {
            let rows = scan.rows_at_most(&sizes.0)?;
            scan = scan.planned_for(rows);
        }
        Ok(Arc::new(scan))
    }

    /// Sources leave out what they can; the plan keeps the filter, which is what makes pruning safe to be careless
    /// about rows and only careful never to lose one.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let usable = |filter: &Expr| -> Result<bool> {
            let filter = parameters::sample(filter)?;
            Ok(self.source.prunes() && Predicate::from_filter(&filter, &Known::of(&*self.source)) != Predicate::Unknown)
        };
        filters
            .iter()
            .map(|filter| match usable(filter)? {
                true => Ok(TableProviderFilterPushDown::Inexact),
                false => Ok(TableProviderFilterPushDown::Unsupported),
            })
            .collect()
    }
}
