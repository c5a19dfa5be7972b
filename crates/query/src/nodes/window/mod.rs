//! Window functions with ClickHouse's types, frames and defaults, as DataFusion window UDFs.

mod aggregate;
mod value;

use std::sync::Arc;

use datafusion::functions_window::cume_dist::cume_dist_udwf;
use datafusion::functions_window::ntile::ntile_udwf;
use datafusion::functions_window::rank::{dense_rank_udwf, percent_rank_udwf, rank_udwf};
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::WindowUDF;
use types::DataType;

pub(crate) use aggregate::aggregate_window;
pub(crate) use value::{ValueKind, value_window};

/// A function of a row's place in its partition.
pub(crate) struct Ranking {
    pub udf: Arc<WindowUDF>,
    pub result: DataType,
}

/// The ranking function of that name. DataFusion's own have the types and meaning of ClickHouse's.
pub(crate) fn ranking(name: &str) -> Option<Ranking> {
    let (udf, result) = match name {
        "row_number" => (row_number_udwf(), DataType::UInt64),
        "rank" => (rank_udwf(), DataType::UInt64),
        "dense_rank" | "denseRank" => (dense_rank_udwf(), DataType::UInt64),
        "percent_rank" | "percentRank" => (percent_rank_udwf(), DataType::Float64),
        "cume_dist" => (cume_dist_udwf(), DataType::Float64),
        "ntile" => (ntile_udwf(), DataType::UInt64),
        _ => return None,
    };
    Some(Ranking { udf, result })
}
