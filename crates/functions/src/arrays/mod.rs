//! Functions of arrays: kernels over elements laid flat, one file a family.
//!
//! Equality and order of elements are those of [`order`]: NULL is equal to NULL, integers compare by value after both
//! sides have been cast to their common type. Nothing here knows lambdas; [`steps`] works on what a lambda gave.

use types::DataType;

use crate::error::Result;
use crate::request::Request;

pub(crate) mod access;
pub(crate) mod build;
pub(crate) mod concat;
pub(crate) mod order;
pub(crate) mod pick;
pub(crate) mod ranking;
pub(crate) mod search;
pub(crate) mod sets;
pub(crate) mod shape;
pub(crate) mod slice;
pub(crate) mod steps;
pub(crate) mod subset;
pub(crate) mod vectors;

mod reduce;
mod running;
mod sort;
mod split;

/// The element type of array argument `i`.
pub(crate) fn element_type<'a>(request: &'a Request<'_>, i: usize) -> Result<&'a DataType> {
    match request.ty(i) {
        DataType::Array(inner) => Ok(inner),
        _ => Err(request.wrong_type(i, "Array")),
    }
}
