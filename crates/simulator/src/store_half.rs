//! Histories of the store alone: what was acknowledged is there, whole, and nothing else is.
//!
//! Each writer owns a few tables and works on them one commit at a time, so that the order of the commits of a table is
//! known; all writers insert into one shared table; every commit also puts its own number into a journal table. Commits
//! to different tables, merges, flushes and checkpoints run at the same time. After each restart the journal says which of
//! the unanswered commits happened, and every table must be exactly what the model makes of that. Without a sync for each
//! commit a power cut may take acknowledged ones back: those that are left must be a prefix.

use std::future::Future;
use std::pin::Pin;

use crate::driver::Report;
use crate::history;

mod model;
mod scenario;
mod tables;
mod writer;

/// The history of `seed`.
pub fn run(seed: u64) -> Pin<Box<dyn Future<Output = Report>>> {
    Box::pin(history::run(seed, scenario::Stores::new(seed)))
}
