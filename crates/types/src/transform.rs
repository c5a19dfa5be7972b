//! The one way in which lower layers let a compiled expression work on rows.

use crate::block::Block;
use crate::error_code::ErrorCode;

/// Rows to rows: what a merge or a mutation must compute (column TTL, TTL GROUP BY, defaults of new columns).
///
/// Compiled by `query`, applied by `parts`, which evaluate no expression themselves. Must be pure: the same block gives
/// the same result at any time on any machine.
pub trait BlockTransform: Send + Sync {
    /// The transformed rows; may drop rows and change columns, must keep their order.
    fn apply(&self, block: &Block) -> Result<Block, TransformError>;
}

/// A transform that could not work on a block; the work that needed it (a merge, a mutation) fails whole.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct TransformError {
    /// ClickHouse's code.
    pub code: ErrorCode,
    /// What was wrong, for the user.
    pub message: String,
}
