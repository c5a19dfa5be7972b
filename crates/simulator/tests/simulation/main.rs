//! A bounded number of seeds on every run; `cargo xtask simulate` runs any number.

#![allow(clippy::unwrap_used, clippy::missing_docs_in_private_items, reason = "a test that cannot go on ends")]

mod ddl;
mod folders;

use simulator::driver::{assert_cuts_drop, run_seeds_twice};
use simulator::{engine_half, store_half};

#[test]
fn store_keeps_what_it_acknowledged() {
    let report = run_seeds_twice("store", store_half::run, 0..16);
    println!("{report}");
    assert_cuts_drop(&report);
}

#[test]
fn views_are_their_queries() {
    // of the few power cuts of the first four histories too few dropped something to say much
    let report = run_seeds_twice("engine", engine_half::run, 4..8);
    println!("{report}");
    assert_cuts_drop(&report);
}
