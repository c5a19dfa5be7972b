//! Aggregate functions as an algebra of states: update, merge, finish, encode; vectorised over groups.
//!
//! A state column is an Arrow struct whose fields `types::state` names. Whoever holds one can merge it in any order and
//! any grouping: merge is associative, commutative (but for functions that document an order, such as `any`), has an
//! identity, and reading a state back is exact. Pure: no I/O, no clock, no DataFusion, and nothing here knows tables.
//!
//! Reading order: [`resolve`] makes an [`Aggregate`] of a name, parameters and argument types; its
//! [`grouped`](Aggregate::grouped) states take rows.

mod aggregate;
mod bytes;
mod call;
mod cell;
mod combinator;
mod error;
mod nulls;
mod numeric;
mod object;
mod raw;
mod resolve;
mod rows;
mod runs;

mod arg_extreme;
mod bitmap;
mod collect;
mod concat;
mod count;
mod delta;
mod distinct;
mod entropy;
mod events;
mod extreme;
mod floats;
mod group_array;
mod insert_at;
mod literal;
mod moving;
mod moving_average;
mod number;
mod one_value;
mod quantile;
mod sum;
mod sum_map;
mod top_k;

pub use aggregate::{Aggregate, Emit, GroupedStates, Rows};
pub use bitmap::Bitmap;
pub use error::{Error, Result};
pub use raw::encode_clickhouse;
pub use resolve::{check_simple, resolve, resolve_signature};
pub use runs::{empty_states, merge_simple, merge_states};

#[cfg(test)]
mod tests;
