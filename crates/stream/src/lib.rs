//! Sources: where rows come from without a client sending them. A source polls, gives rows, and its place is committed
//! with them. Today: [`generator`], made-up events. Kafka and file tails will live here; none of them is served yet.

pub mod generator;
