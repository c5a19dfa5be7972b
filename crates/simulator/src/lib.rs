//! The world in a box: random histories on a simulated machine, with an oracle beside them. Test only.
//!
//! A history is a function of its seed: clock, disk, randomness and tasks are those of `env::simulated` on one thread
//! with paused time. [`driver`] runs histories, each twice, compares their hashes, counts what power cuts really dropped,
//! and prints the one command that repeats a failure.
//!
//! Two halves. [`store_half`]: inserts, DDL, merges, checkpoints, faults, kills and power cuts on tables without views;
//! its oracle is a model of what was acknowledged. [`engine_half`]: the same through the engine's own sessions, with
//! incremental views, a view over a view and a window view; its oracle is *view = query*.
//!
//! Not simulated: the query engine's spill files, librdkafka, TLS.

pub mod driver;
pub mod engine_half;
pub mod store_half;
