//! The compiled body of a lambda: a physical expression over captured columns and parameters.
//!
//! Compiled once, at bind; it reads nothing but its columns.
