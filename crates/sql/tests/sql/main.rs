//! What the crate promises, from outside: the real engine's texts, the law, the limits.
//!
//! The files in `tests/data` hold statements with what ClickHouse 26.9 printed for them (`formatQuerySingleLine`,
//! `formatQuery`, names of columns). `@diverges` beside an answer is what we print instead, on purpose.

mod cases;
mod errors;
mod examples;
mod golden;
mod law;
mod limits;
mod tree;
