//! The world in a box: random histories on a simulated machine, with an oracle beside them. Test only.
//!
//! A history is a function of its seed: clock, disk, randomness and tasks are those of `env::simulated` on one thread
//! with paused time. [`driver`] runs histories, compares the hashes of two runs of one seed, counts what power cuts really
//! dropped, and prints the one command that repeats a failure. What befalls a machine, and when it ends, is the same for
//! both halves: `history` and `weather`.
//!
//! Two halves. [`store_half`]: inserts, DDL, merges, checkpoints, faults, kills and power cuts on tables without views;
//! its oracle is a model of what was acknowledged. [`engine_half`]: the same through the engine's own sessions, with
//! incremental views, a view over a view and a window view; its oracle is *view = query*.
//!
//! `cargo xtask simulate --seeds N` runs any number; `cargo xtask planted` shows that planted bugs are found.
//!
//! Not simulated: the query engine's spill files, librdkafka, TLS.

pub mod driver;
pub mod engine_half;
mod history;
pub mod store_half;
mod weather;
