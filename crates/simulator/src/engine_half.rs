//! Histories of the whole engine: every view is its query, at every moment.
//!
//! Clients insert through sessions of their own into a table with incremental views, a view over a view, and a landing
//! table with a window view; some go away in the middle of an insert; others send an insert twice, make views with
//! POPULATE and drop them, alter, delete, ask for merges or read. After each restart the model settles what became of the
//! inserts without an answer, then every table must be what a fresh query or a plain computation makes of the inserts
//! that happened.

use std::future::Future;
use std::pin::Pin;

use crate::driver::Report;
use crate::history;

mod client;
mod decay;
mod model;
mod rules;
mod scenario;
mod tables;
mod window;

/// The history of `seed`.
pub fn run(seed: u64) -> Pin<Box<dyn Future<Output = Report>>> {
    // Made on a runtime of its own: not inside the history's.
    scenario::image();
    Box::pin(history::run(seed, scenario::Engines::default()))
}
