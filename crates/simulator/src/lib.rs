//! The world in a box: random histories on a simulated machine, with an oracle beside them. Test only.
//!
//! A history is a function of its seed: clock, disk, randomness and tasks are those of `env::simulated` on one thread
//! with paused time. [`driver`] runs histories, each twice, compares their hashes, counts what power cuts really dropped,
//! and prints the one command that repeats a failure.
//!
//! Two halves. [`store_half`]: inserts, DDL, merges, checkpoints, faults, kills and power cuts on tables without views;
//! its oracle is a model of what was acknowledged. The engine half (views = their queries) is a second
//! [`driver::History`] beside it and goes through the engine's own sessions; it keeps each committed insert's blocks and
//! runs every view's SELECT on them with a fresh plan.
//!
//! Not simulated: the query engine's spill files, librdkafka, TLS.

pub mod driver;
pub mod store_half;
