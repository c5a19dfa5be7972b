//! Functions of arrays: kernels over elements laid flat, one file a family.
//!
//! Equality and order of elements are those of [`order`]: NULL is equal to NULL, integers compare by value after both
//! sides have been cast to their common type. Nothing here knows lambdas; [`steps`] works on what a lambda gave.

pub(crate) mod order;
pub(crate) mod pick;
pub(crate) mod steps;

mod reduce;
mod running;
mod sort;
mod split;
