//! The store through its public face, on a simulated machine and once on the real one.

#![allow(clippy::unwrap_used, clippy::missing_docs_in_private_items, reason = "a test that cannot go on ends")]

mod catalog;
mod crash;
mod damage;
mod files;
mod full_disk;
mod insert;
mod laws;
mod real;
mod world;
