//! Histories of the whole engine: every view is its query, at every moment.
//!
//! Clients insert through sessions of their own into a table with incremental views, a view over a view, and a landing
//! table with a window view; some go away in the middle of an insert; others ask for merges or read. The program ends by
//! power cuts, kills, faults and proper closes. After each restart the model settles what became of the inserts without
//! an answer, then every table must be what a fresh query or a plain computation makes of the inserts that happened.

mod client;
mod history;
mod model;
mod tables;
mod window;

pub use history::run;
